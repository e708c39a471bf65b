"""Containers of an engine, with docker's names for what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from nbcontainer import engines, model
from nbcontainer.api.nouns import EngineNoun
from nbcontainer.api.plans import Plan
from nbcontainer.errors import Conflict, UsageError
from nbcontainer.identity import NOTEBOOK_LABEL, notebook_id
from nbcontainer.model.containers import ContainerFacts, RunRequest
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.requests import bytes_from, command_words, names_from
from nbcontainer.model.results import Described, Remark, Report
from nbcontainer.model.tables import Table, Tone
from nbcontainer.protection import changes, reads

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine as Connected
    from nbcontainer.model.containers import RunResult
    from nbcontainer.model.logs import LogEvent, LogResult, LogState
    from nbcontainer.model.pods import Description
    from nbcontainer.operation import Operation

__all__ = ["Container", "Containers"]

SHOWN = 10  # containers that a question describes


@dataclass(frozen=True, repr=False)
class Container(Described, ContainerFacts):
    """A container as it was when it was looked for, and what can be done with it.

    Attributes:
        where: the engine that it is in.
    """

    where: str = ""
    _containers: Containers | None = field(default=None, repr=False, compare=False)

    def logs(
        self,
        *,
        follow: bool = False,
        tail: int = -1,
        since: float = 0.0,
        timestamps: bool = False,
        duration: float = 0.0,
    ) -> Operation[LogEvent, LogState, LogResult]:
        """Its output; as `Containers.logs`."""
        return self._all.logs(
            self.name, follow=follow, tail=tail, since=since, timestamps=timestamps, duration=duration
        )

    def stop(self, *, seconds: int | None = None) -> Report:
        """Stop it; as `Containers.stop`."""
        return self._all.stop(self.id, seconds=seconds)

    def remove(self, *, force: bool = False, volumes: bool = False) -> Report:
        """Remove it; as `Containers.remove`."""
        return self._all.remove(self.id, force=force, volumes=volumes)

    @property
    def _all(self) -> Containers:
        """The containers of the engine that it was found in."""
        if self._containers is None:
            raise UsageError(
                f"This is a record of the container {self.name}.", cure=f"nbc.containers.get({self.name!r})"
            )
        return self._containers

    def description(self) -> Description:
        """All that was known of it."""
        facts = [("Id", self.id), ("State", self.status or self.state), ("Image", self.image)]
        facts += [("Command", self.command), ("Ports", self.ports)]
        sections = [("", tuple((name, value) for name, value in facts if value))]
        sections += [("Labels", tuple(self.labels.items()))] if self.labels else []
        return model.pods.Description("Container", self.name, where=self.where, sections=tuple(sections))


class Containers(EngineNoun):
    """The containers of one engine."""

    kind = "container"

    @changes
    def run(
        self,
        image: str,
        command: Sequence[str] | str = (),
        *,
        name: str = "",
        detach: bool = False,
        remove: bool = False,
        environment: Mapping[str, str] | None = None,
        publish: Sequence[str] = (),
        volumes: Sequence[str] = (),
        entrypoint: str = "",
        user: str = "",
        workdir: str = "",
        network: str = "",
        hostname: str = "",
        memory: str = "",
        cpus: float = 0.0,
        labels: Mapping[str, str] | None = None,
        platform: str = "",
        pull: str = "missing",
        read_only: bool = False,
        restart: str = "",
        stdin: str | bytes | None = None,
    ) -> Operation[LogEvent, LogState, RunResult]:
        """Run a command in a new container: `run("busybox", ["date"], remove=True).result().output`.

        A stop gives the command its stop signal and a third of a second, then kills it.

        Args:
            image: its name or id.
            command: its words, or one text that is split as a shell splits it; none for the image's own.
            name: the container's name; "" for one that the engine makes up.
            detach: leave it running: the result is there as soon as it has started.
            remove: remove it, with its anonymous volumes, when it has ended.
            environment: variables, beside the image's own and the proxies of docker's configuration.
            publish: ports, each "[[IP:]HOST:]CONTAINER[/PROTOCOL]".
            volumes: volumes or folders, each "SOURCE:TARGET[:ro]".
            entrypoint: in place of the image's own.
            user: the user it runs as, "UID[:GID]" or a name.
            workdir: the working directory, an absolute path in the container.
            network: the network that it joins.
            hostname: its host name.
            memory: the most memory that it gets, such as "512m".
            cpus: the most CPUs that it gets; 0 for all.
            labels: further labels; the notebook's own is always there.
            platform: the image's platform, "OS/ARCH".
            pull: when the image is pulled: "missing", "always" or "never".
            read_only: mount its root filesystem read-only.
            restart: "no", "always", "unless-stopped", "on-failure" or "on-failure:3".
            stdin: what the command reads; None for nothing.

        Raises:
            UsageError: a value is wrong.

        Raises (from `result()`):
            CommandFailed: it ended with an exit code that is not 0.
            NotFound: there is no such image.
            Conflict: the name, or a port, is in use.
            EngineUnavailable: the engine went away.
        """
        request = RunRequest(
            image=image,
            command=command_words(command),
            name=name,
            detach=detach,
            remove=remove,
            environment=environment or {},
            publish=names_from(publish),
            volumes=names_from(volumes),
            entrypoint=entrypoint,
            user=user,
            workdir=workdir,
            network=network,
            hostname=hostname,
            memory=memory,
            cpus=cpus,
            labels={NOTEBOOK_LABEL: notebook_id(), **(labels or {})},
            platform=platform,
            pull=pull,
            read_only=read_only,
            restart=restart,
            stdin=None if stdin is None else bytes_from("stdin", stdin),
        )
        return engines.run.run(self._engine.connect(), request)

    @reads
    def names(self) -> Sequence[str]:
        """The names of all."""
        return [one.name for one in engines.containers.list_containers(self._engine.connect(), every=True)]

    @reads
    def list(
        self,
        *,
        all: bool = False,  # noqa: A002 - docker's own flag
        filters: Sequence[str] = (),
        no_trunc: bool = False,
    ) -> Table:
        """The table of containers, newest first; `table["web"]` is the `Container` of that name.

        Args:
            all: those that do not run, too.
            filters: docker's filters, such as "status=exited" or "label=tier=db".
            no_trunc: whole ids.
        """
        engine = self._engine.connect()
        chosen = engines.objects.filters_of(filters)
        listed = engines.containers.list_containers(engine, every=all, filters=chosen)
        there = {one.id: one for one in listed}
        words = [*(["--all"] * all), *(["--no-trunc"] * no_trunc)]
        words += [word for text in filters for word in ("--filter", text)]
        return Table(
            engines.containers.table(engine, listed, no_trunc=no_trunc),
            engine.commands.command("ps", *words),
            object_of=lambda row: self._container(engine, there[row.key]),
        )

    @reads
    def get(self, name: str) -> Container:
        """One container.

        Args:
            name: its name, its id, or the beginning of that.

        Raises:
            NotFound: there is no such container; it says which name is nearly that.
            UsageError: several ids begin so.
        """
        engine = self._engine.connect()
        return self._container(engine, engines.containers.find(engine, [name])[0])

    @reads
    def logs(
        self,
        name: str,
        *,
        follow: bool = False,
        tail: int = -1,
        since: float = 0.0,
        timestamps: bool = False,
        duration: float = 0.0,
    ) -> Operation[LogEvent, LogState, LogResult]:
        """A container's output.

        Args:
            name: its name or id.
            follow: go on as it is written, until the container ends or the operation is stopped.
            tail: the last lines alone; -1 for all.
            since: only what is younger, in seconds; 0 for all.
            timestamps: with the time of each line.
            duration: seconds after which following ends, as if it were stopped; 0 for never.

        Raises (from `result()`):
            NotFound: there is no such container.
            ApiError: the log broke off.
        """
        request = LogRequest((name,), follow=follow, tail=tail, since=since, timestamps=timestamps, duration=duration)
        return engines.logs.logs(self._engine.connect(), request)

    @changes
    def stop(self, *names: str, seconds: int | None = None) -> Report:
        """Stop containers.

        Args:
            *names: their names or ids.
            seconds: how long each may take to end by itself, before it is killed; None for docker's own 10.

        Raises:
            NotFound: one of them does not exist; nothing is stopped.
        """
        engine = self._engine.connect()
        found = engines.containers.find(engine, names)
        for one in found:
            engines.containers.stop(engine, one.id, seconds=seconds)
        stopped = [one.name for one in found]
        words = [] if seconds is None else ["--time", str(seconds)]
        remarks = tuple(Remark(f"{name} stopped") for name in stopped)
        return Report(remarks, engine.commands.command("stop", *words, *stopped))

    @changes
    def remove(self, *names: str, force: bool = False, volumes: bool = False) -> Report:
        """Remove containers.

        Args:
            *names: their names or ids.
            force: those that run, too; and pass over those that are not there.
            volumes: their anonymous volumes, too.

        Raises:
            NotFound: one of them does not exist, and nothing was removed.
            Conflict: one of them runs, and nothing was removed.
        """
        return self.plan_remove(*names, force=force, volumes=volumes).do()

    @changes
    def plan_remove(self, *names: str, force: bool = False, volumes: bool = False) -> Plan[Report]:
        """What `remove` would do; raises as it does."""
        engine = self._engine.connect()
        missing: list[str] = []
        found = engines.containers.find(engine, names, missing=missing if force else None)
        for one in found:
            if one.is_active and not force:
                raise Conflict(
                    f"The container {one.name} is {one.state}.",
                    status=409,
                    reason="running",
                    cure=f"Stop it first: {engine.commands.magic('stop', one.name)}, or use --force.",
                )
        gone = tuple(one.name for one in found)
        words = ["--force"] * force + ["--volumes"] * volumes
        command = engine.commands.command("rm", *words, *gone, *missing)
        question = f"Remove {_described(found)} of {engine.name}?" if found else ""
        removal = partial(self._remove, engine, found, missing, command, force=force, volumes=volumes)
        return Plan(question, gone, removal)

    @changes
    def _remove(
        self,
        engine: Connected,
        containers: Sequence[ContainerFacts],
        missing: Sequence[str],
        command: str,
        *,
        force: bool,
        volumes: bool,
    ) -> Report:
        self._engine.guard(engine)
        remarks = []
        for one in containers:
            engines.containers.remove(engine, one.id, force=force, volumes=volumes)
            remarks.append(Remark(f"{one.name} removed"))
        remarks += [Remark(f"There is no container {name}.", Tone.DIM) for name in missing]
        return Report(tuple(remarks), command)

    def _container(self, engine: Connected, facts: ContainerFacts) -> Container:
        return Container(**vars(facts), where=engine.name, _containers=self._engine.at(engine).containers)


def _described(containers: Sequence[ContainerFacts]) -> str:
    """Containers as a question has them: with their images and states."""
    shown = [
        f"{one.name} ({engines.references.familiar(one.image)}, {one.status.lower() or one.state})"
        for one in containers[:SHOWN]
    ]
    if len(containers) == 1:
        return f"the container {shown[0]}"
    more = f" and {len(containers) - SHOWN} more" * (len(containers) > SHOWN)
    return f"{len(containers)} containers: {', '.join(shown)}{more},"
