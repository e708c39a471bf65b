"""Trials of containers: run, logs and exec, on Docker and on Podman."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import nbcontainer as nbc
from nbcontainer.engines import connection, containers, images
from nbcontainer.engines.buildkit_build import close_connections
from nbcontainer.engines.exec import execute
from nbcontainer.engines.run import run
from nbcontainer.errors import Conflict, EngineUnavailable, NotFound
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.pods import ExecRequest
from nbcontainer.settings import settings
from tests.buildkit.building import processes
from tests.environment import parts
from tests.faults.proxy import connector, tcp_listener
from tests.faults.trial import Scenario, attempt
from tests.faults.verdict import Difference, Ended, compare_lines

IMAGE = "busybox"
LINES = 300
CODE = 7
BURST = 30
# in bursts, for moments between frames and within them
SCRIPT = (
    f"i=1; while [ $i -le {LINES} ]; do echo line $i of {LINES}; "
    f"[ $((i % {BURST})) = 0 ] && sleep 0.06; i=$((i+1)); done; exit {CODE}"
)
WRITTEN = [f"line {number} of {LINES}" for number in range(1, LINES + 1)]
INPUT = [f"input {number} {'.' * (number % 90)}" for number in range(1, 1500)]
# our own message for a container whose state is no longer known
RUNS_ON, MAY_BE_MADE = "keeps running", "may have created the container"


@contextmanager
def patience() -> Iterator[None]:
    """For calls that are not part of a trial: a busy machine may be slow."""
    before, settings.connect_timeout = settings.connect_timeout, 60.0
    try:
        yield
    finally:
        settings.connect_timeout = before


class OnEngine(Scenario):
    """An operation of one of the environment's engines."""

    part: ClassVar[str] = "docker"
    needs = ("docker", "podman", "registry", "images")

    @property
    def host(self) -> str:
        """The engine's real address."""
        return str(parts()[self.part].host)  # type: ignore[attr-defined]

    @cached_property
    def direct(self) -> connection.Engine:
        """The engine, bypassing the proxy."""
        with patience():
            return connection.find_engine(self.host)

    def prepare(self) -> None:
        with patience():
            images.pull(self.direct, IMAGE).result(60)

    def connect(self) -> socket.socket:
        return connector(self.host)()

    def close(self) -> None:
        for engine in tuple(connection._engines.values()):
            close_connections(engine)
        connection.forget_engines()

    def state_of_container(self) -> str:
        """The state of the trial's container, "" if there is none."""
        with patience(), suppress(NotFound):
            return str(containers.inspect(self.direct, self.word)["State"]["Status"])
        return ""

    def end(self) -> None:
        self.remove(self.word)

    def remove(self, name: str) -> None:
        """Remove a container, if it exists."""
        with patience(), suppress(NotFound, Conflict):  # the engine may be removing it already
            containers.remove(self.direct, name, force=True)
        self.direct.close_idle()


class Writes(OnEngine):
    """Something whose result is lines and an exit code."""

    written: ClassVar[list[str]] = WRITTEN
    code: ClassVar[int | None] = CODE

    def difference(self, ended: Ended) -> Difference:
        return difference_of_lines(self.written, self.code, ended)


def difference_of_lines(written: list[str], code: int | None, ended: Ended) -> Difference:
    """How lines and exit code differ from the expected ones."""
    operation = ended.facts.get("operation")
    if operation is not None:
        ended.lines = spooled(operation.state.spool)
    difference = compare_lines(written, ended.lines or [])
    if difference.words:
        return difference
    if ended.failed:
        return Difference("all lines, and an error", missing=True)
    reported = ended.code or 0
    return (
        Difference(f"exit code {reported} for {code}", bytes=1) if code is not None and reported != code else difference
    )


def spooled(path: str) -> list[str]:
    """The lines of a spool file: those of logs have time, source and stream before the text."""
    text = Path(path).read_bytes().decode("utf-8", "replace") if path and Path(path).exists() else ""
    return text.removesuffix("\n").split("\n") if text else []


class Run(Writes):
    """`docker run --rm`."""

    operation = "run"
    name = "run on Docker"
    removes: ClassVar[bool] = True
    request: ClassVar[RunRequest] = RunRequest(IMAGE, ("sh", "-c", SCRIPT))

    def carry_out(self, address: str) -> Ended:
        command, stdin = self.request.command, self.request.stdin
        far = nbc.engine(address).containers
        return attempt(lambda: far.run(IMAGE, command, name=self.word, remove=self.removes, stdin=stdin))

    def left(self, ended: Ended) -> str:
        state = self.state_of_container()
        said = str(ended.error) if isinstance(ended.error, EngineUnavailable) else ""
        if RUNS_ON in said or (state == "created" and MAY_BE_MADE in said):
            return ""
        if not state or (state == "exited" and not self.removes):
            return ""
        return f"the container, {state}"


class RunOnPodman(Run):
    name = "run on Podman"
    part = "podman"


class RunWithInput(Run):
    """`docker run -i`, whose container is kept."""

    name = "run with input, on Docker by TCP"
    removes = False
    has_input = True
    written = INPUT
    request = RunRequest(
        IMAGE, ("sh", "-c", f"cat; exit {CODE}"), stdin="".join(f"{line}\n" for line in INPUT).encode()
    )

    def listener(self) -> socket.socket:
        return tcp_listener()

    def carry_out(self, address: str) -> Ended:
        return super().carry_out(f"tcp://{address}")


class Logs(Writes):
    """`docker logs -f` of a running container."""

    operation = "logs"
    name = "logs -f on Docker"
    code = None

    def begin(self) -> None:
        request = RunRequest(IMAGE, ("sh", "-c", SCRIPT), name=self.word, detach=True)
        with patience():
            run(self.direct, request).result(60)

    def carry_out(self, address: str) -> Ended:
        return attempt(lambda: nbc.engine(address).containers.logs(self.word, follow=True))

    def difference(self, ended: Ended) -> Difference:
        operation = ended.facts.get("operation")
        if operation is not None:
            ended.lines = [line.split(" ", 3)[-1] for line in spooled(operation.state.spool)]
        difference = compare_lines(self.written, ended.lines or [])
        if ended.error is not None and not difference.words:
            return Difference("all lines, and an error", missing=True)
        return difference


class LogsOnPodman(Logs):
    name = "logs -f on Podman"
    part = "podman"


class Exec(Writes):
    """A command in a running container."""

    operation = "exec"
    name = "exec on Docker"

    def prepare(self) -> None:
        super().prepare()
        self.container = f"faults-{self.part}-{self.folder.name}".replace("_", "-")
        request = RunRequest(IMAGE, ("sleep", "86400"), name=self.container, detach=True)
        with patience():
            run(self.direct, request).result(60)

    def clear(self) -> None:
        self.remove(self.container)

    def carry_out(self, address: str) -> Ended:
        command = ("sh", "-c", SCRIPT, self.word)
        return attempt(
            lambda: execute(
                connection.find_engine(address), self.container, ExecRequest(self.container, command=command)
            )
        )

    def left(self, ended: Ended) -> str:
        del ended
        return "the command" if processes(self.word) else ""


class ExecOnPodman(Exec):
    name = "exec on Podman"
    part = "podman"
