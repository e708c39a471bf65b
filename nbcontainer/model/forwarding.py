"""Ports of pods that are forwarded to this machine: the request, events and state."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nbcontainer.model.outcome import Outcome

TLS_PORTS = ("443", "6443", "8443", "https")


@dataclass(frozen=True, slots=True)
class PortPair:
    """A port of a pod, and the one of this machine that leads to it.

    Attributes:
        local: the port on this machine; 0 for any free one.
        remote: the pod's or the Service's, by its number or its name.
    """

    local: int
    remote: str

    def __str__(self) -> str:
        """As kubectl takes it."""
        return f"{self.local or ''}:{self.remote}"


@dataclass(frozen=True, slots=True)
class ForwardRequest:
    """Ports to forward.

    Attributes:
        target: what names the pod: "web", "deploy/web", "svc/web".
        addresses: where to listen on this machine.
        timeout: seconds to wait for a pod that runs.
    """

    target: str
    ports: tuple[PortPair, ...]
    addresses: tuple[str, ...] = ("127.0.0.1",)
    namespace: str = ""
    timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class ForwardStep:
    """What has happened.

    Attributes:
        pod: new connections go to this pod from now on; "" if that has not changed.
        opened: how many connections were opened, less those that were closed.
        note: what is wrong, "" if nothing is any more; None if that has not changed.
        outcome: how it has ended, if this is its end.
    """

    pod: str = ""
    opened: int = 0
    note: str | None = None
    outcome: Outcome = Outcome.RUNNING


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Forwarded ports at a moment.

    Attributes:
        target: as in a command: "service/web".
        ports: the local ports are those that are listened on.
        pod: where new connections go; "" while there is no pod that runs.
        active: how many connections are open.
        total: how many there were.
        note: what is wrong.
        since: when it began, in seconds since the epoch.
    """

    target: str
    where: str
    ports: tuple[PortPair, ...]
    addresses: tuple[str, ...]
    pod: str = ""
    active: int = 0
    total: int = 0
    note: str = ""
    since: float = 0.0
    outcome: Outcome = Outcome.RUNNING

    def url(self, port: PortPair) -> str:
        """Where a browser finds a port."""
        scheme = "https" if port.remote in TLS_PORTS else "http"
        address = self.addresses[0]
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(address, f"[{address}]" if ":" in address else address)  # noqa: S104 - not bound here
        return f"{scheme}://{host}:{port.local}"


def apply_forward_step(state: Forwarding, event: ForwardStep) -> Forwarding:
    """Fold one event into the state."""
    return replace(
        state,
        pod=event.pod or state.pod,
        active=state.active + event.opened,
        total=state.total + max(0, event.opened),
        note=state.note if event.note is None else event.note,
        outcome=event.outcome or state.outcome,
    )


@dataclass(frozen=True, slots=True)
class Forwardings:
    """All forwarded ports of a kernel."""

    states: tuple[Forwarding, ...] = ()
