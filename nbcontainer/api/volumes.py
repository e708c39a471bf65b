"""Volumes of an engine, with docker's names for what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from nbcontainer import engines
from nbcontainer.api.nouns import EngineNoun, noun_of
from nbcontainer.api.plans import Plan, several
from nbcontainer.errors import Conflict, NotFound
from nbcontainer.identity import NOTEBOOK_LABEL, notebook_id
from nbcontainer.model.results import Described, Objects, Remark, Report
from nbcontainer.model.tables import Column, Row, Table, Tone
from nbcontainer.model.volumes import VolumeFacts
from nbcontainer.protection import changes, reads

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine as Connected
    from nbcontainer.model.pods import Description

__all__ = ["Volume", "Volumes"]

COLUMNS = (Column("VOLUME NAME"), Column("DRIVER"), Column("USE", "status"), Column("CREATED", "age"))


@dataclass(frozen=True, repr=False)
class Volume(Described, VolumeFacts):
    """A volume, and what can be done with it.

    Attributes:
        command: `docker volume inspect`, for a terminal.
    """

    where: str = ""
    command: str = ""
    _volumes: Volumes | None = field(default=None, repr=False, compare=False)

    def remove(self, *, force: bool = False) -> Report:
        """Remove it with what is in it, from the engine that it was found in; raises as `Volumes.remove`."""
        return noun_of(self._volumes, "volume", self.name).remove(self.name, force=force)

    def description(self) -> Description:
        """All about it."""
        from nbcontainer.model.pods import Description  # noqa: PLC0415 - loads where it is drawn

        facts = [("Driver", self.driver), ("Mountpoint", self.mountpoint), ("Scope", self.scope)]
        sections = [("", tuple((name, value) for name, value in facts if value))]
        for title, values in (("Labels", self.labels), ("Options", self.options)):
            sections += [(title, tuple(values.items()))] if values else []
        return Description("Volume", self.name, where=self.where, sections=tuple(sections), command=self.command)


class Volumes(EngineNoun):
    """The volumes of one engine."""

    kind = "volume"

    @reads
    def names(self) -> Sequence[str]:
        """The names of all."""
        return [volume.name for volume in engines.volumes.list_volumes(self._engine.connect())]

    @reads
    def list(self, *, filters: Sequence[str] = ()) -> Table:
        """The table of volumes.

        Args:
            filters: docker's filters, such as "dangling=true" or "label=tier=db".
        """
        engine, chosen = self._engine.connect(), engines.objects.filters_of(filters)
        unused = {volume.name for volume in engines.volumes.list_volumes(engine, {"dangling": ["true"]})}
        rows = [
            Row(
                volume.name,
                (volume.name, volume.driver, "unused" if volume.name in unused else "in use", volume.created or None),
                Tone.DIM if volume.name in unused else Tone.GOOD,
                volume.name,
                kind="volume",
                labels=volume.labels,
            )
            for volume in engines.volumes.list_volumes(engine, chosen)
        ]
        words = [word for text in filters for word in ("--filter", text)]
        command = engine.commands.command("volume", "ls", *words)
        return self._table(engine, COLUMNS, rows, command, lambda row: self._at(engine).get(row.name))

    @changes
    def create(
        self,
        name: str = "",
        *,
        driver: str = "",
        options: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Volume:
        """Create a volume; of a name that one has already, it is that one.

        Args:
            name: "" for one that the engine makes up.
            driver: "" for the engine's own, "local".
            options: those of the driver.
            labels: further labels; the notebook's own is always there.
        """
        engine = self._engine.connect()
        marked = {NOTEBOOK_LABEL: notebook_id(), **(labels or {})}
        return self._volume(
            engine, engines.volumes.create(engine, name, driver=driver, options=options or {}, labels=marked)
        )

    @reads
    def get(self, name: str) -> Volume:
        """One volume.

        Raises:
            NotFound: there is no such volume; it says which name is nearly that.
        """
        engine = self._engine.connect()
        return self._volume(engine, engines.volumes.inspect(engine, name))

    @reads
    def inspect(self, *names: str) -> Volume | Objects[Volume]:
        """All about volumes; raises as `get`."""
        found = Objects(self.get(name) for name in names)
        return found[0] if len(found) == 1 else found

    @changes
    def remove(self, *names: str, force: bool = False) -> Report:
        """Remove volumes, with what is in them.

        Args:
            *names: their names.
            force: whether to pass over those that are not there.

        Raises:
            NotFound: there is no volume of a name, and nothing was removed.
            Conflict: a container uses one; those before it are removed.
        """
        return self.plan_remove(*names, force=force).do()

    @changes
    def plan_remove(self, *names: str, force: bool = False) -> Plan[Report]:
        """What `remove` would do; raises as it does where there is no volume of a name."""
        engine = self._engine.connect()
        known = {volume.name for volume in engines.volumes.list_volumes(engine)}
        missing = [name for name in dict.fromkeys(names) if name not in known]
        if missing and not force:
            raise engines.volumes.no_volume(engine, missing[0])
        found = tuple(name for name in dict.fromkeys(names) if name in known)
        command = _removal(engine, names, found, force=force)
        them = "it" if len(found) == 1 else "them"
        question = f"Remove {several('volume', found)} of {engine.name}, with what is in {them}?"
        return Plan(question, found, partial(self._remove, engine, found, missing, command))

    @changes
    def prune(self, *, all: bool = False, filters: Sequence[str] = ()) -> Report:  # noqa: A002 - docker's own flag
        """Remove the volumes that no container uses.

        Args:
            all: those that were given a name, too.
            filters: docker's filters, such as "label=tier=db".
        """
        return self.plan_prune(all=all, filters=filters).do()

    @changes
    def plan_prune(self, *, all: bool = False, filters: Sequence[str] = ()) -> Plan[Report]:  # noqa: A002 - as above
        """What `prune` would do."""
        engine = self._engine.connect()
        unused = engines.volumes.list_volumes(engine, {**engines.objects.filters_of(filters), "dangling": ["true"]})
        found = tuple(volume.name for volume in unused if all or volume.is_anonymous)
        command = _prune(engine, found, filters, all=all)
        if not found:
            return Plan("", (), partial(Report, (Remark("No volume is unused.", Tone.DIM),), command))
        held = engines.volumes.sizes(engine)
        freed = sum(max(0, held.get(name, 0)) for name in found)
        use = "No container uses it." if len(found) == 1 else "No container uses them."
        question = f"Remove {several('volume', found)} of {engine.name}? {use}"
        return Plan(question, found, partial(self._remove, engine, found, (), command, pruned=True), freed)

    @changes
    def _remove(
        self, engine: Connected, names: Sequence[str], missing: Sequence[str], command: str, *, pruned: bool = False
    ) -> Report:

        self._engine.guard(engine)
        remarks = []
        for name in names:
            try:
                engines.volumes.remove(engine, name)
            except (NotFound, Conflict) as error:
                if not pruned:
                    raise
                remarks.append(Remark(error.message, Tone.DIM))  # it is gone, or used by now
            else:
                remarks.append(Remark(f"{name} removed"))
        remarks += [Remark(f"There is no volume {name}.", Tone.DIM) for name in missing]
        return Report(tuple(remarks), command)

    def _volume(self, engine: Connected, facts: VolumeFacts) -> Volume:
        command = engine.commands.command("volume", "inspect", facts.name)
        return Volume(**vars(facts), where=engine.name, command=command, _volumes=self._at(engine))


def _removal(engine: Connected, names: Sequence[str], found: Sequence[str], *, force: bool) -> str:
    """The removal as a command. Podman's --force would also remove the containers that use a volume."""
    if engine.commands.is_podman:
        return engine.commands.command("volume", "rm", *(found or names))
    return engine.commands.command("volume", "rm", *(["--force"] * force), *names)


def _prune(engine: Connected, found: Sequence[str], filters: Sequence[str], *, all: bool) -> str:  # noqa: A002 - as above
    """The prune as a command. Podman's own spares no volume that has a name, whatever is said: it names what goes."""
    words = [word for text in filters for word in ("--filter", text)]
    if not engine.commands.is_podman:
        return engine.commands.command("volume", "prune", *(["--all"] * all), *words)
    if not found:
        return engine.commands.command("volume", "ls", "--filter", "dangling=true", *words)
    return engine.commands.command("volume", "rm", *found)
