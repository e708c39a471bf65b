"""The removal of containers, found and shown before it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbcontainer.engines.containers import find, remove
from nbcontainer.engines.references import parse_reference
from nbcontainer.errors import Conflict, UsageError
from nbcontainer.model.results import Remark, Report
from nbcontainer.model.tables import Tone

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine
    from nbcontainer.model.containers import ContainerFacts

__all__ = ["RemovalPlan", "plan_removal"]

SHOWN = 10  # containers that the question describes
RUNNING = frozenset({"running", "paused", "restarting"})


@dataclass(frozen=True)
class RemovalPlan:
    """What a removal will do, before it is done.

    Attributes:
        containers: those that will go.
        question: what to ask the person: their names, images and states. "" where nothing goes.
        missing: names that no container has, which `force` passes over, as docker does.
        permit: called before anything is removed; it raises where that is not allowed by then.
    """

    engine: Engine
    containers: tuple[ContainerFacts, ...]
    question: str
    force: bool = False
    volumes: bool = False
    missing: tuple[str, ...] = ()
    permit: Callable[[], object] = lambda: None

    def remove(self) -> Report:
        """Do it."""
        self.permit()
        for container in self.containers:
            remove(self.engine, container.id, force=self.force, volumes=self.volumes)
        names = [container.name for container in self.containers]
        flags = ["--force"] * self.force + ["--volumes"] * self.volumes
        remarks = [Remark(f"{name} removed") for name in names]
        remarks += [Remark(f"There is no container {name}.", Tone.DIM) for name in self.missing]
        return Report(tuple(remarks), self.engine.commands.command("rm", *flags, *names, *self.missing))


def _image(container: ContainerFacts) -> str:
    """Its image as docker writes it: Podman gives "docker.io/library/busybox:latest"."""
    try:
        return str(parse_reference(container.image))
    except UsageError:  # an id
        return container.image


def plan_removal(engine: Engine, names: Sequence[str], *, force: bool = False, volumes: bool = False) -> RemovalPlan:
    """Find what would be removed.

    Raises:
        NotFound: there is no container of a name, and it is not forced.
        Conflict: one of them runs, and it is not forced.
    """
    missing: list[str] = []
    found = tuple(find(engine, names, missing=missing if force else None))
    if not found:
        return RemovalPlan(engine, (), "", force, volumes, tuple(missing))
    for container in found:
        if container.state in RUNNING and not force:
            raise Conflict(
                f"The container {container.name} is {container.state}.",
                status=409,
                reason="running",
                cure=f"Stop it first: {engine.commands.magic('stop', container.name)}, or use --force.",
            )
    described = [f"{one.name} ({_image(one)}, {one.status.lower() or one.state})" for one in found[:SHOWN]]
    described += [f"{len(found) - SHOWN} more"] if len(found) > SHOWN else []
    what = f"the container {described[0]}" if len(found) == 1 else f"{len(found)} containers: {', '.join(described)}"
    return RemovalPlan(engine, found, f"Remove {what} of {engine.name}?", force, volumes, tuple(missing))
