"""Pods: their requests, events, states and results. Their tables are `tables.Table`s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nbcontainer.drawn import Drawn
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.secrecy import Json


@dataclass(frozen=True, slots=True)
class PodRequest:
    """A pod to create: `kubectl run`'s flags.

    Attributes:
        command: what the container runs in place of the image's own command.
        entrypoint: whether it also replaces the image's entrypoint, which runs it otherwise.
        ports: container ports.
        pull_policy: "Always", "IfNotPresent", "Never" or "" for the cluster's default.
        wait: whether to wait until the pod runs (or cannot).
        timeout: seconds to wait at most.
        run_label: whether it has the label run=NAME besides its `labels`.
        expose: whether to create a Service for its port, too.
    """

    name: str
    image: str
    namespace: str = ""
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    pull_policy: str = ""
    restart: str = "Always"
    wait: bool = True
    timeout: float = 60.0
    entrypoint: bool = False
    annotations: Mapping[str, str] = field(default_factory=dict)
    expose: bool = False
    run_label: bool = True


def pod_manifest(request: PodRequest) -> dict[str, Json]:
    """The pod's manifest, as `kubectl run` would write it."""
    container: dict[str, Json] = {"name": request.name, "image": request.image}
    if request.command:
        container["command" if request.entrypoint else "args"] = list(request.command)
    if request.environment:
        container["env"] = [{"name": key, "value": value} for key, value in request.environment.items()]
    if request.ports:
        container["ports"] = [{"containerPort": port} for port in request.ports]
    if request.pull_policy:
        container["imagePullPolicy"] = request.pull_policy
    labels = {**({"run": request.name} if request.run_label else {}), **request.labels}
    annotations = {"annotations": dict(request.annotations)} if request.annotations else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": request.name, "labels": labels, **annotations},
        "spec": {"containers": [container], "restartPolicy": request.restart},
    }


@dataclass(frozen=True, slots=True)
class PodStep:
    """A step of a pod that is starting.

    Attributes:
        status: as in tables ("Pending", "ContainerCreating", "Running"), "" if it has not changed.
        message: says more, or is "".
        outcome: how the wait for the pod ended, if this is its end.
    """

    status: str
    message: str = ""
    outcome: Outcome = Outcome.RUNNING


@dataclass(frozen=True, slots=True)
class PodStart:
    """A pod that is starting: its status, and the steps so far, and how the wait for it ended."""

    name: str
    where: str = ""
    status: str = ""
    steps: tuple[PodStep, ...] = ()
    outcome: Outcome = Outcome.RUNNING


def apply_pod_step(state: PodStart, event: PodStep) -> PodStart:
    """Fold one step into a pod's start."""
    status = event.status or state.status
    steps = (*state.steps, event)[-100:] if event.status or event.message else state.steps
    return replace(state, status=status, steps=steps, outcome=event.outcome)


@dataclass(frozen=True, slots=True)
class ExecRequest:
    """A command to run in a pod's or a container's running container."""

    name: str
    command: tuple[str, ...]
    namespace: str = ""
    container: str = ""
    stdin: bytes | None = None
    tty: bool = False
    timeout: float = 0.0


@dataclass(frozen=True)
class ExecResult(Drawn):
    """A finished command: its exit code and what it wrote, last lines; `spool` has all.

    Attributes:
        cut: how many bytes are missing at the start of `output` and `errors`.
        notes: what is missing from the file, in words; empty where it is complete.
    """

    exit_code: int
    output: str
    errors: str = ""
    spool: str = ""
    command: str = ""
    cut: int = 0
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """How it ended, and where the whole output is, if this is only a part of it."""
        where = "" if self.notes else f": {self.spool} has all"
        more = f", without the first {self.cut:,} bytes{where}" if self.cut else ""
        notes = "".join(f"; {note}" for note in self.notes)
        return f"ExecResult(exit code {self.exit_code}{more}{notes})"
