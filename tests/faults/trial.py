"""One trial: a scenario, a fault that its seed plans, what came of it, and what was left behind."""

from __future__ import annotations

import abc
import functools
import os
import random
import shutil
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from nbcontainer.clusters import client, http, reflector
from nbcontainer.engines.http import Http
from nbcontainer.errors import CommandFailed
from nbcontainer.settings import settings
from tests.environment import parts
from tests.faults.proxy import Fault, FaultProxy, Kind, Passed, Way, unix_listener
from tests.faults.verdict import Difference, Ended, Outcome, Verdict, judge

if TYPE_CHECKING:
    from nbcontainer.operation import Operation

BOUND_SECONDS = 30.0  # within which a trial ends by itself
REHEARSALS = 3  # of which one goes well: the machine may be busy
CALL_SECONDS = 8.0  # in place of the minute that an ordinary call may take
GONE_SECONDS = 8.0  # within which all that it began is gone
KINDS = {Kind.RESET: 25, Kind.CLOSE: 25, Kind.CORRUPT: 25, Kind.STALL: 12, Kind.FREEZE: 13}
STAYS = ("nbcontainer-io", "asyncio_", "fault proxy", "ThreadPoolExecutor", "pytest_timeout")


class Scenario(abc.ABC):
    """One thing that is done through the proxy, whose right outcome is known."""

    operation: ClassVar[str]
    name: ClassVar[str]
    checked: ClassVar[bool] = False
    """Whether what passes the proxy carries checksums, so that a changed byte is noticed."""
    needs: ClassVar[tuple[str, ...]]
    """The parts of the environment that it needs."""
    engines: ClassVar[bool] = False
    """Whether the connections through the proxy are the engine's own."""
    waits: ClassVar[frozenset[Kind]] = frozenset()
    """Faults of which the client cannot hear: it waits, until it is stopped, as the reference tool does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.word = ""

    @classmethod
    def missing_here(cls) -> str:
        """Why this machine cannot do it; "" where it can."""
        return "; ".join(f"{name}: {words}" for name in cls.needs if (words := _missing(name)))

    def prepare(self) -> None:  # noqa: B027 - most need nothing
        """Make what all its trials share. Not through the proxy."""

    def clear(self) -> None:  # noqa: B027 - as above
        """Remove what `prepare` has made."""

    def listener(self) -> socket.socket:
        """Where the proxy listens."""
        return unix_listener(self.folder / f"{self.word}.sock")

    @abc.abstractmethod
    def connect(self) -> socket.socket:
        """Connect to the real server."""

    def begin(self) -> None:  # noqa: B027 - as above
        """Make what this trial needs, not through the proxy."""

    @abc.abstractmethod
    def carry_out(self, address: str) -> Ended:
        """Do it through the proxy's address."""

    @abc.abstractmethod
    def difference(self, ended: Ended) -> Difference:
        """How the result differs from the right one."""

    def close(self) -> None:  # noqa: B027 - as above
        """Close the connections that the product keeps for its next call."""

    def left(self, ended: Ended) -> str:  # noqa: ARG002 - most leave nothing that has a name
        """What this trial left on the server, in words."""
        return ""

    def end(self) -> None:  # noqa: B027 - as above
        """Remove what `begin`, or the trial, has made."""


@dataclass(frozen=True)
class Chance:
    """What a seed says of a trial, before it is known how much will pass."""

    seed: int
    index: int
    kind: Kind
    connection: float
    way: Way
    place: float
    mask: bytes

    @classmethod
    def of(cls, seed: int, index: int) -> Chance:
        """The one that a seed and a number stand for."""
        dice = random.Random(f"{seed}:{index}")
        kind = dice.choices(list(KINDS), list(KINDS.values()))[0]
        way = dice.choices([Way.REPLIED, Way.SENT], [7, 3])[0]
        connection, place = dice.random(), dice.random()
        # a quarter each near the beginning and near the end, where protocols have their edges
        place = dice.choices([place, place**4, 1 - place**4], [2, 1, 1])[0]
        return cls(
            seed, index, kind, connection, way, place, bytes(dice.randrange(1, 256) for _ in range(dice.randint(1, 4)))
        )

    def fault(self, passed: list[Passed]) -> Fault:
        """The fault that it means, where so much passes without one: half of them go by connections, half by bytes."""
        counts = [one.count(self.way) for one in passed]
        number = int(2 * self.connection * len(passed))
        if self.connection >= 0.5:
            at = (2 * self.connection - 1) * sum(counts)
            number = next((n for n, _ in enumerate(counts) if at < sum(counts[: n + 1])), len(counts) - 1)
        offset = int(self.place * passed[number].count(self.way))
        return Fault(self.kind, number, self.way, offset, self.mask if self.kind is Kind.CORRUPT else b"")


@dataclass(frozen=True)
class Trial:
    """A trial that was made."""

    index: int
    seed: int
    operation: str
    scenario: str
    fault: Fault
    where: str
    verdict: Verdict
    seconds: float

    @property
    def replay(self) -> str:
        """The command that makes it again."""
        return f"python -m tests.faults --replay {self.seed}:{self.index}"

    def __str__(self) -> str:
        """One line."""
        fault = f"{self.fault.kind} of {self.where!r} after {self.fault.offset} bytes {self.fault.way}"
        words = f": {self.verdict.words}" if self.verdict.words else ""
        return f"{self.seed}:{self.index} {self.scenario}, {fault}, {self.seconds:.1f} s: {self.verdict.outcome}{words}"


class Rig:
    """Makes trials, one after the other; what their scenarios share is made once.

    Args:
        scenarios: The classes of those there are.
    """

    def __init__(self, scenarios: list[type[Scenario]]) -> None:
        self._classes = scenarios
        self._ready: dict[type[Scenario], tuple[Scenario, list[Passed]]] = {}
        self._prepared: list[Scenario] = []
        self._folder = Path(tempfile.mkdtemp(prefix="nbf-"))
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        self._undo.enter_context(short_limits(self._folder))
        return self

    def __exit__(self, *_: object) -> None:
        for scenario in self._prepared:
            scenario.clear()
        self._undo.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def make(self, seed: int, index: int) -> Trial:
        """One trial."""
        chosen = scenario_of(self._classes, index)
        scenario, passed = self._rehearsed(chosen)
        chance = Chance.of(seed, index)
        fault = chance.fault(passed)
        verdict, ended, seen = self._attempt(scenario, fault)
        where = seen[fault.connection].first_line if fault.connection < len(seen) else "no such connection"
        return Trial(index, seed, chosen.operation, chosen.name, fault, where or "nothing yet", verdict, ended.seconds)

    def _rehearsed(self, chosen: type[Scenario]) -> tuple[Scenario, list[Passed]]:
        """A scenario, and what passes of it without a fault."""
        if chosen not in self._ready:
            scenario = chosen(self._folder)
            scenario.prepare()
            self._prepared.append(scenario)
            self._attempt(scenario, None)  # what loads or is made once is there
            for _ in range(REHEARSALS):
                verdict, _, passed = self._attempt(scenario, None)
                if verdict.outcome is Outcome.RIGHT:
                    break
            else:
                raise RuntimeError(f"{chosen.name} goes wrong without a fault: {verdict.words}")
            self._ready[chosen] = scenario, passed
        return self._ready[chosen]

    def _attempt(self, scenario: Scenario, fault: Fault | None) -> tuple[Verdict, Ended, list[Passed]]:
        scenario.word = f"f{uuid.uuid4().hex[:10]}"
        threads, processes = set(threading.enumerate()), children()
        scenario.begin()
        try:
            listener = scenario.listener()
            with FaultProxy(listener, scenario.connect, fault) as proxy:
                began = time.monotonic()
                ended = scenario.carry_out(address_of(listener))
                ended.seconds = time.monotonic() - began
                proxy.thaw()  # what is ended in the background gets its chance
                left = _settled(scenario, ended, proxy, threads, processes)
                struck = proxy.struck.is_set()
            # a byte that was changed may tell of more than will come, which is a stall
            changed = fault is not None and fault.kind is Kind.CORRUPT and not scenario.checked
            waits = changed or (fault is not None and fault.kind in scenario.waits)
            verdict = judge(
                ended,
                scenario.difference(ended),
                fault,
                struck=struck,
                checked=scenario.checked,
                waits=waits,
                left=left,
            )
            return verdict, ended, proxy.connections
        finally:
            scenario.end()


@functools.cache
def _missing(name: str) -> str:
    """Why a part of the environment is not there; asked once."""
    status = parts()[name].status()
    return "" if status else status.detail


def scenario_of(classes: list[type[Scenario]], index: int) -> type[Scenario]:
    """Which scenario a trial's number stands for: each in turn."""
    return classes[index % len(classes)]


def address_of(listener: socket.socket) -> str:
    """A listener's address, as `unix://PATH` or `HOST:PORT`."""
    name = listener.getsockname()
    return f"unix://{name}" if isinstance(name, str) else f"{name[0]}:{name[1]}"


def finish(operation: Operation[Any, Any, Any], *, until: Callable[[], bool] | None = None) -> Ended:
    """Wait for an operation's end, or for what an endless one is to come to; stop it where that takes too long."""
    ended = Ended()
    deadline = time.monotonic() + BOUND_SECONDS
    while not operation.done and not (until is not None and until()):
        if time.monotonic() > deadline:
            ended.stopped = True
            break
        operation.wait(min(0.1, max(0.0, deadline - time.monotonic())), revision=operation.revision)
    operation.stop()
    try:
        ended.value = operation.result(2.0)
    except TimeoutError:
        ended.stuck = True
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is judged
        ended.error = error
    if isinstance(ended.error, CommandFailed):
        ended.code = ended.error.exit_code
    ended.notes = tuple(getattr(operation.state, "notes", ()))
    ended.facts["operation"] = operation
    return ended


def attempt(begin: Callable[[], Operation[Any, Any, Any]], **options: Any) -> Ended:
    """Begin an operation, and finish it; what is raised at once counts as what came of it."""
    try:
        operation = begin()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is judged
        return Ended(error=error)
    return finish(operation, **options)


def _settled(
    scenario: Scenario, ended: Ended, proxy: FaultProxy, threads: set[threading.Thread], processes: set[int]
) -> str:
    """What is still there, some seconds later, of what a trial has begun."""
    deadline = time.monotonic() + GONE_SECONDS
    while True:
        scenario.close()
        names = [one.name for one in set(threading.enumerate()) - threads if not one.name.startswith(STAYS)]
        found = [f"the thread {name!r}" for name in names]
        found += [f"the process {number}" for number in children() - processes]
        found += [f"the connection {line!r}" for line in proxy.open_connections if not scenario.engines]
        found += [words] if (words := scenario.left(ended)) else []
        if not found or time.monotonic() > deadline:
            return ", ".join(found)
        time.sleep(0.05)


def children() -> set[int]:
    """The numbers of this process's children."""
    found = set()
    for path in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        try:
            found |= {int(word) for word in path.read_text().split()}
        except OSError:
            continue
    return found


@contextmanager
def short_limits(folder: Path) -> Iterator[None]:
    """The product's own limits made shorter, so that what is silent is told in seconds; and folders of its own."""
    before, kept = settings.spool_directory, {name: os.environ.get(name) for name in ("DOCKER_CONFIG", "KUBECONFIG")}
    limits: list[tuple[Any, str, Any]] = [
        (client, "SILENT_SECONDS", 1.0),
        (client, "HANDSHAKE_SECONDS", CALL_SECONDS),
        (http, "READ_SECONDS", CALL_SECONDS),
        (reflector, "SILENCE_SECONDS", CALL_SECONDS),
        *(
            (call, "__kwdefaults__", {**(call.__kwdefaults__ or {}), "timeout": CALL_SECONDS})
            for call in (Http.call, Http.stream)
        ),
    ]
    old = [(module, name, getattr(module, name)) for module, name, _ in limits]
    settings.spool_directory = str(folder / "spool")
    os.environ["DOCKER_CONFIG"] = str(folder / "docker")
    os.environ["KUBECONFIG"] = str(folder / "kubeconfig")
    for module, name, value in limits:
        setattr(module, name, value)
    try:
        yield
    finally:
        settings.spool_directory = before
        for module, name, value in old:
            setattr(module, name, value)
        for variable, text in kept.items():
            os.environ.pop(variable) if text is None else os.environ.__setitem__(variable, text)
