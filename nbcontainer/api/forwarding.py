"""Forwarded ports as an object, and the list of those that are open."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from nbcontainer.drawn import Drawn
from nbcontainer.model.forwarding import Forwarding, Forwardings, ForwardStep

if TYPE_CHECKING:
    from nbcontainer.operation import Operation


class PortForward(Drawn):
    """Ports of a pod, forwarded to this machine until `stop()`, or until the kernel ends.

    It follows its target: if the pod is replaced, new connections go to the next one. As a context manager it returns
    the first local port, and stops at the end: `with pod.port_forward(8080) as port:`.

    Attributes:
        operation: what runs; its events are the pods that it leads to, connections, and what is wrong.
        command: kubectl's command for the same.
    """

    def __init__(self, operation: Operation[ForwardStep, Forwarding, Forwarding], command: str, key: object) -> None:
        self.operation = operation
        self.command = command
        self._key = key
        _open.append(self)
        operation.when_done(self._forget)

    @property
    def state(self) -> Forwarding:
        """What it does at this moment."""
        return self.operation.state

    @property
    def port(self) -> int:
        """The first local port."""
        return self.ports[0]

    @property
    def ports(self) -> tuple[int, ...]:
        """The local ports, in the order of the call."""
        return tuple(port.local for port in self.state.ports)

    @property
    def url(self) -> str:
        """Where a browser finds the first port."""
        return self.state.url(self.state.ports[0])

    @property
    def running(self) -> bool:
        """Whether it still forwards."""
        return not self.operation.done

    def stop(self) -> None:
        """Close the ports and all connections; returns when the ports are free again."""
        self.operation.interrupt()

    def __enter__(self) -> int:
        """The first local port."""
        return self.port

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def __repr__(self) -> str:
        """Where it leads."""
        ports = ", ".join(f"{self.state.url(port)} → {port.remote}" for port in self.state.ports)
        return f"<PortForward {self.state.target}: {ports}{'' if self.running else ', stopped'}>"

    def _forget(self) -> None:
        if self in _open:
            _open.remove(self)


class PortForwards(tuple[PortForward, ...], Drawn):
    """The forwarded ports of this kernel, oldest first."""

    __slots__ = ()

    command = ""

    @classmethod
    def all(cls) -> Self:
        """Those that are open now."""
        return cls(_open)

    def stop(self) -> None:
        """Stop all of them."""
        for one in self:
            one.stop()

    @property
    def state(self) -> Forwardings:
        """What each does at this moment."""
        return Forwardings(tuple(one.state for one in self))


_open: list[PortForward] = []


def stop_same(key: object) -> None:
    """Stop an earlier one of the same call: a cell that runs again replaces what it started before."""
    for one in _open:
        if one._key == key:  # noqa: SLF001 - of the same module
            one.stop()
