"""Containers of an engine; methods have docker's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, cast

from nbcontainer import engines, existence, model
from nbcontainer.api.nouns import EngineNoun, filter_words, noun_of
from nbcontainer.api.plans import Plan
from nbcontainer.errors import Conflict
from nbcontainer.identity import NOTEBOOK_LABEL, notebook_id
from nbcontainer.model.containers import ContainerFacts, RunRequest, RunResult
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.requests import bytes_from, command_words, refuse_negative
from nbcontainer.model.results import Described, Remark, Report
from nbcontainer.model.tables import Table, Tone
from nbcontainer.protection import changes, reads

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine as Connected
    from nbcontainer.model.logs import LogEvent, LogResult, LogState
    from nbcontainer.model.results import Description
    from nbcontainer.operation import Operation

__all__ = ["Container", "ContainerRun", "Containers"]

SHOWN = 10  # containers that a confirmation question describes


class _Verbs:
    """What can be done with one container: the methods of what `get`, a table's rows and `run` return."""

    id: str
    name: str
    _containers: Containers | None

    def logs(
        self,
        *,
        follow: bool = False,
        tail: int = -1,
        since: float = 0.0,
        timestamps: bool = False,
        duration: float = 0.0,
    ) -> Operation[LogEvent, LogState, LogResult]:
        """Its output; see `Containers.logs`."""
        return self._all.logs(
            self.name, follow=follow, tail=tail, since=since, timestamps=timestamps, duration=duration
        )

    def stop(self, *, seconds: int | None = None) -> Report:
        """Stop it; see `Containers.stop`."""
        return self._all.stop(self.id, seconds=seconds)

    def remove(self, *, force: bool = False, volumes: bool = False) -> Report:
        """Remove it; see `Containers.remove`."""
        return self._all.remove(self.id, force=force, volumes=volumes)

    @property
    def _all(self) -> Containers:
        """The containers of the engine on which it was found."""
        return noun_of(self._containers, "container", self.name)

    def __getstate__(self) -> dict[str, object]:
        """What is pickled and copied: the facts, without the private handle, which has connections."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


@dataclass(frozen=True, repr=False)
class Container(_Verbs, Described, ContainerFacts):
    """A container as it was when it was fetched, and what can be done with it.

    Attributes:
        where: the engine that it runs on.
    """

    where: str = ""
    _containers: Containers | None = field(default=None, repr=False, compare=False)

    def description(self) -> Description:
        """Its details when it was fetched."""
        facts = [("Id", self.id), ("State", self.status or self.state), ("Image", self.image)]
        facts += [("Command", self.command), ("Ports", self.ports)]
        sections = [("", tuple((name, value) for name, value in facts if value))]
        sections += [("Labels", tuple(self.labels.items()))] if self.labels else []
        return model.results.Description("Container", self.name, where=self.where, sections=tuple(sections))


@dataclass(frozen=True, repr=False)
class ContainerRun(_Verbs, RunResult):
    """The result of `run`: a `RunResult`, and what can be done with its container while it exists."""

    _containers: Containers | None = field(default=None, repr=False, compare=False)


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
    ) -> Operation[LogEvent, LogState, ContainerRun]:
        """Run a command in a new container: `run("busybox", ["date"], remove=True).result().output`.

        Stopping it sends the command its stop signal, and kills it a third of a second later.

        Args:
            image: its name or id.
            command: its words, or one text that is split as a shell does; empty for the image's own.
            name: the container's name; "" for one generated by the engine.
            detach: leave it running; the result is available as soon as it has started.
            remove: remove it, with its anonymous volumes, when it has ended.
            environment: variables, in addition to the image's own and the proxies from docker's configuration.
            publish: ports, each "[[IP:]HOST:]CONTAINER[/PROTOCOL]".
            volumes: volumes or folders, each "SOURCE:TARGET[:ro]".
            entrypoint: overrides the image's own.
            user: the user it runs as, "UID[:GID]" or a name.
            workdir: the working directory, an absolute path in the container.
            network: the network that it joins.
            hostname: its host name.
            memory: the memory limit, such as "512m".
            cpus: the CPU limit; 0 for none.
            labels: additional labels; the notebook's own is always set.
            platform: the image's platform, "OS/ARCH".
            pull: when to pull the image: "missing", "always" or "never".
            read_only: mount its root filesystem read-only.
            restart: "no", "always", "unless-stopped", "on-failure" or "on-failure:3".
            stdin: what the command reads; None for nothing.

        Raises:
            UsageError: a value is invalid.

        Raises (from `result()`):
            CommandFailed: it exited with a non-zero code.
            NotFound: there is no such image.
            Conflict: the name or a port is in use.
            EngineUnavailable: the connection to the engine was lost.
        """
        request = RunRequest(
            image=image,
            command=command_words(command),
            name=name,
            detach=detach,
            remove=remove,
            environment=environment or {},
            publish=tuple(publish),
            volumes=tuple(volumes),
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
        engine = self._engine.connect()
        containers = self._at(engine)

        def finish(result: RunResult) -> ContainerRun:
            return ContainerRun(**vars(result), _containers=containers)

        return cast("Operation[LogEvent, LogState, ContainerRun]", engines.run.run(engine, request, finish))

    @reads
    def names(self) -> Sequence[str]:
        """The names of all containers."""
        return [one.name for one in engines.containers.list_containers(self._engine.connect(), every=True)]

    @reads
    def list(
        self,
        *,
        all: bool = False,  # noqa: A002 - docker's own flag
        filters: Sequence[str] = (),
        no_trunc: bool = False,
    ) -> Table:
        """The table of containers, newest first; `table["web"]` is the `Container` with that name.

        Args:
            all: include stopped containers.
            filters: docker's filters, such as "status=exited" or "label=tier=db".
            no_trunc: do not shorten ids.
        """
        engine = self._engine.connect()
        chosen = engines.objects.filters_of(filters)
        listed = engines.containers.list_containers(engine, every=all, filters=chosen)
        there = {one.id: one for one in listed}
        words = [*(["--all"] * all), *(["--no-trunc"] * no_trunc)]
        words += filter_words(filters)
        return Table(
            engines.containers.table(engine, listed, no_trunc=no_trunc),
            engine.commands.command("ps", *words),
            object_of=lambda row: self._container(engine, there[row.key]),
        )

    @reads
    def get(self, name: str) -> Container:
        """One container.

        Args:
            name: its name, its id, or a prefix of its id.

        Raises:
            NotFound: there is no such container; the error suggests a similar name.
            UsageError: several ids have this prefix.
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
            follow: keep reading until the container ends or the operation is stopped.
            tail: only the last lines; -1 for all.
            since: only lines newer than this many seconds; 0 for all.
            timestamps: show the time of each line.
            duration: seconds after which to stop following; 0 for never.

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
            seconds: how long each may take to exit before it is killed; None for docker's default, 10; -1 for as long
                as it takes.

        Raises:
            NotFound: one of them does not exist; nothing is stopped.
        """
        if seconds != -1:
            refuse_negative(seconds=seconds)
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
            force: remove running containers too, and ignore missing ones.
            volumes: also remove their anonymous volumes.

        Raises:
            NotFound: one of them does not exist, and nothing was removed.
            Conflict: one of them is running, and nothing was removed.
        """
        return self.plan_remove(*names, force=force, volumes=volumes).do()

    @changes
    def plan_remove(self, *names: str, force: bool = False, volumes: bool = False) -> Plan[Report]:
        """What `remove` would do; raises the same errors."""
        engine = self._engine.connect()
        missing: list[str] = []
        found = engines.containers.find(engine, names, missing=missing if force else None)
        for one in found:
            if one.is_active and not force:
                raise Conflict(
                    f"The container {one.name} is {one.state}.",
                    status=409,
                    reason="running",
                    cure=f"Stop it first: {engine.commands.magic('stop', one.name)}, or use `--force`.",
                )
        gone = tuple(one.name for one in found)
        words = ["--force"] * force + ["--volumes"] * volumes
        command = engine.commands.command("rm", *words, *gone, *missing)
        question = f"Remove {_described(found)} from {engine.name}?" if found else ""
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
        remarks += [Remark(existence.none_called("container", name, engine.name), Tone.DIM) for name in missing]
        return Report(tuple(remarks), command)

    def _container(self, engine: Connected, facts: ContainerFacts) -> Container:
        return Container(**vars(facts), where=engine.name, _containers=self._at(engine))


def _described(containers: Sequence[ContainerFacts]) -> str:
    """Containers in the words of a confirmation question, with their images and states."""
    shown = [
        f"{one.name} ({engines.references.familiar(one.image)}, {one.status.lower() or one.state})"
        for one in containers[:SHOWN]
    ]
    if len(containers) == 1:
        return f"the container {shown[0]}"
    more = f" and {len(containers) - SHOWN} more" * (len(containers) > SHOWN)
    return f"{len(containers)} containers: {', '.join(shown)}{more},"
