"""Calls whose connections freeze: ``python -m tests.faults.frozen`` prints what their user learns, and when.

Each call is frozen once it has shown something, in two modes: all connections, as where the network is gone; or only
those that exist, as where a NAT or a proxy forgets them and new ones work. The engine's work goes on meanwhile.
"""

from __future__ import annotations

import abc
import argparse
import os
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import nbcontainer as nbc
from nbcontainer.engines import images
from nbcontainer.engines.connection import find_engine
from nbcontainer.engines.exec import execute
from nbcontainer.engines.run import run
from nbcontainer.errors import NbcontainerError
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.pods import ExecRequest
from nbcontainer.operation import Operation
from nbcontainer.settings import settings
from tests.environment.sshd import Sshd
from tests.faults.containers import IMAGE, OnEngine, patience
from tests.faults.images import Moves
from tests.faults.proxy import FaultProxy, connector, tcp_listener
from tests.faults.trial import address_of
from tests.faults.verdict import Difference, Ended

LIMIT_SECONDS = 120.0
READY_SECONDS = 60.0  # for a call to show something before it is frozen
LAYER_BYTES = 60_000_000
WRITES = "i=0; while [ $i -lt 600 ]; do i=$((i+1)); echo line $i; sleep 0.5; done"
ENDS = "i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo line $i; sleep 0.5; done; exit 7"


class Frozen(OnEngine):
    """A call that is frozen."""

    operation = "frozen"

    @abc.abstractmethod
    def start(self, address: str) -> Operation[Any, Any, Any]:
        """Start the call on the engine at an address."""

    def shown(self, state: Any) -> int:
        """How much the call has shown so far."""
        return int(state.total)

    def said(self, state: Any) -> list[str]:
        """The remarks that the call has shown so far."""
        return list(state.notes)

    def carry_out(self, address: str) -> Ended:
        raise NotImplementedError

    def difference(self, ended: Ended) -> Difference:
        raise NotImplementedError


class FollowedLog(Frozen):
    name = "docker logs -f"
    command: ClassVar[str] = WRITES

    def begin(self) -> None:
        with patience():
            run(self.direct, RunRequest(IMAGE, ("sh", "-c", self.command), name=self.word, detach=True)).result(60)

    def start(self, address: str) -> Operation[Any, Any, Any]:
        return nbc.engine(address).containers.logs(self.word, follow=True)


class FollowedLogOnPodman(FollowedLog):
    name = "podman logs -f"
    part = "podman"


class FollowedLogBySsh(FollowedLog):
    name = "docker logs -f, by ssh"

    def connect(self) -> Any:
        return connector(f"127.0.0.1:{Sshd().port}")()

    def start(self, address: str) -> Operation[Any, Any, Any]:
        return super().start(f"ssh://root@{address.removeprefix('tcp://')}")


class RunThatEnds(Frozen):
    name = "docker run, that ends"
    removed: ClassVar[bool] = False

    def start(self, address: str) -> Operation[Any, Any, Any]:
        far = nbc.engine(address).containers
        return far.run(IMAGE, ("sh", "-c", ENDS), name=self.word, remove=self.removed)


class RunThatEndsOnPodman(RunThatEnds):
    name = "podman run, that ends"
    part = "podman"


class RunThatIsRemoved(RunThatEnds):
    name = "docker run --rm, that ends"
    removed = True


class RunThatWrites(Frozen):
    name = "docker run, that writes on"

    def start(self, address: str) -> Operation[Any, Any, Any]:
        return nbc.engine(address).containers.run(IMAGE, ("sh", "-c", WRITES), name=self.word)


class RunThatWritesOnPodman(RunThatWrites):
    name = "podman run, that writes on"
    part = "podman"


class ExecThatEnds(FollowedLog):
    name = "docker exec, that ends"
    command = "sleep 600"
    executed: ClassVar[str] = ENDS

    def start(self, address: str) -> Operation[Any, Any, Any]:
        request = ExecRequest(self.word, command=("sh", "-c", self.executed))
        return execute(find_engine(address), self.word, request)


class ExecThatEndsOnPodman(ExecThatEnds):
    name = "podman exec, that ends"
    part = "podman"


class ExecThatWrites(ExecThatEnds):
    name = "docker exec, that writes on"
    executed = WRITES


class Push(Moves, Frozen):
    name = "docker push"
    layer_bytes = LAYER_BYTES

    def begin(self) -> None:
        self.image = self.image_at(self.registry)
        self.make_image(self.image)

    def start(self, address: str) -> Operation[Any, Any, Any]:
        return nbc.engine(address).images.push(self.image)

    def shown(self, state: Any) -> int:
        return len(state.notes) + sum(layer.current + layer.done for layer in state.layers.values())

    def end(self) -> None:
        self.forget(self.image)


class PushOnPodman(Push):
    name = "podman push"
    part = "podman"


class Pull(Push):
    name = "docker pull"

    def begin(self) -> None:
        super().begin()
        with patience():
            images.push(self.direct, self.image).result(120)
        self.forget(self.image)

    def start(self, address: str) -> Operation[Any, Any, Any]:
        return nbc.engine(address).images.pull(self.image)


class PullOnPodman(Pull):
    name = "podman pull"
    part = "podman"
    layer_bytes = 4 * LAYER_BYTES  # it says nothing until a layer is there


class Build(Frozen):
    name = "docker build by BuildKit"

    def start(self, address: str) -> Operation[Any, Any, Any]:
        text = f"FROM {IMAGE}\nENV word={self.word}\nRUN {ENDS.replace('exit 7', 'true')}\nRUN echo done\n"
        return nbc.engine(address).images.build(text, context=None, tags=(f"faults/{self.word}:1",))

    def shown(self, state: Any) -> int:
        return sum(len(step.output) for step in state.instructions)

    def said(self, state: Any) -> list[str]:
        return [warning.problem.message for warning in state.warnings]

    def end(self) -> None:
        with patience(), suppress(NbcontainerError):
            images.remove(self.direct, f"faults/{self.word}:1", force=True)


class BuildOnPodman(Build):
    name = "podman build"
    part = "podman"


class _Call(threading.Thread):
    """A quick call, with an operation's face: it shows something while it is not made yet."""

    class _State:
        total, notes = 1, ()

    def __init__(self, call: Any) -> None:
        super().__init__(daemon=True)
        self._call, self._go, self._error = call, threading.Event(), None
        self.state = self._State()
        self.start()

    def frozen(self) -> None:
        self._go.set()

    def run(self) -> None:
        self._go.wait()
        try:
            self._call()
        except NbcontainerError as error:
            self._error = error

    @property
    def done(self) -> bool:
        return not self.is_alive()

    def result(self, _: float) -> None:
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        self._go.set()


class ShortCall(Frozen):
    name = "docker ps, on a kept connection"

    def start(self, address: str) -> Any:
        self.engine = nbc.engine(address)
        self.engine.containers.list()
        return _Call(self.call)

    def call(self) -> None:
        self.engine.containers.list()


class ShortChange(ShortCall):
    name = "docker tag, on a kept connection"

    def call(self) -> None:
        self.engine.images.tag(IMAGE, f"faults/{self.word}:1")

    def end(self) -> None:
        with patience(), suppress(NbcontainerError):
            images.remove(self.direct, f"faults/{self.word}:1", force=True)


KINDS: list[type[Frozen]] = [
    *(FollowedLog, FollowedLogOnPodman, FollowedLogBySsh, RunThatWrites, RunThatWritesOnPodman),
    *(RunThatEnds, RunThatEndsOnPodman, RunThatIsRemoved, ExecThatEnds, ExecThatEndsOnPodman, ExecThatWrites),
    *(Push, PushOnPodman, Pull, PullOnPodman, Build, BuildOnPodman, ShortCall, ShortChange),
]


@dataclass
class Learned:
    """What the user of a frozen call learned, and when: seconds after the freeze."""

    went_on: float | None = None
    told: tuple[float, str] | None = None
    ended: tuple[float, str] | None = None

    def __str__(self) -> str:
        """One cell of the table."""
        words = [f"went on after {self.went_on:.0f} s"] if self.went_on is not None else []
        words += [f"said after {self.told[0]:.0f} s: {self.told[1]}"] if self.told else []
        words += [f"ended after {self.ended[0]:.0f} s: {self.ended[1]}"] if self.ended else []
        return "; ".join(words) or "never"


def trials(kinds: list[type[Frozen]], folder: Path, seconds: float, *, existing_only: bool) -> list[Learned]:
    """Make calls, freeze them at the same time, and see what their users learn within so many seconds."""
    scenarios = [kind(folder) for kind in kinds]
    for scenario in scenarios:  # here, since it changes the time limits of all calls
        scenario.word = f"frozen-{uuid.uuid4().hex[:10]}"
        scenario.begin()
    with ThreadPoolExecutor(len(scenarios)) as pool:
        found = list(pool.map(lambda scenario: _trial(scenario, seconds, existing_only=existing_only), scenarios))
    for scenario in scenarios:
        scenario.end()
    return found


def _trial(scenario: Frozen, seconds: float, *, existing_only: bool) -> Learned:
    listener, learned = tcp_listener(), Learned()
    with FaultProxy(listener, scenario.connect) as proxy:
        try:
            operation = scenario.start(f"tcp://{address_of(listener)}")
            _until(lambda: scenario.shown(operation.state) > 0 or operation.done, READY_SECONDS)
            assert not operation.done, f"it ended before it was frozen: {operation.result(1)}"
        except Exception as error:  # noqa: BLE001 - the other trials go on
            learned.ended = 0.0, f"the trial failed: {error!r}"
            return learned
        proxy.freeze(existing_only=existing_only)
        if isinstance(operation, _Call):
            operation.frozen()
        _observe(scenario, operation, learned, seconds)
        operation.stop()
        proxy.thaw()
    return learned


def _observe(scenario: Frozen, operation: Operation[Any, Any, Any], learned: Learned, seconds: float) -> None:
    began = time.monotonic()
    shown, said = -1, len(scenario.said(operation.state))
    while shown != scenario.shown(operation.state):  # what is on its way arrives
        shown = scenario.shown(operation.state)
        time.sleep(1)
    while (passed := time.monotonic() - began) < seconds and not operation.done:
        if learned.went_on is None and scenario.shown(operation.state) > shown:
            learned.went_on = passed
        if learned.told is None and len(scenario.said(operation.state)) > said:
            learned.told = passed, scenario.said(operation.state)[said]
        time.sleep(0.1)
    if operation.done:
        try:
            operation.result(1)
            learned.ended = passed, "its result"
        except NbcontainerError as error:
            learned.ended = passed, f"{type(error).__name__}: {error.message}"


def _until(condition: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


@contextmanager
def _surroundings() -> Iterator[Path]:
    """Folders of its own, and an ssh that knows the server behind any port."""
    with tempfile.TemporaryDirectory(prefix="nbf-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        settings.spool_directory = str(folder / "spool")
        os.environ["DOCKER_CONFIG"] = str(folder / "docker")
        ssh = folder / "ssh"
        alias = f"HostKeyAlias=[127.0.0.1]:{Sshd().port}"
        ssh.write_text(f'#!/bin/sh\nexec {Sshd().client_path / "ssh"} -o "{alias}" "$@"\n')
        ssh.chmod(0o755)
        os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
        yield folder


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.frozen", description=__doc__)
    parser.add_argument("--seconds", type=float, default=LIMIT_SECONDS, help="how long each is frozen")
    parser.add_argument("--only", default="", help="words in the names of the calls")
    chosen = parser.parse_args(arguments)
    kinds = [kind for kind in KINDS if chosen.only in kind.name]
    with _surroundings() as folder:  # one mode after the other: an engine that is gone is forgotten for all calls
        some, every = (trials(kinds, folder, chosen.seconds, existing_only=mode) for mode in (True, False))
    sys.stdout.write("| call | only existing connections frozen | all frozen |\n|---|---|---|\n")
    for row in zip(kinds, some, every, strict=True):
        sys.stdout.write(f"| {row[0].name} | {row[1]} | {row[2]} |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
