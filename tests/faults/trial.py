"""One trial: a scenario, a fault planned by its seed, its outcome, and what was left behind."""

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
from nbcontainer.engines import silence
from nbcontainer.engines.http import Http
from nbcontainer.errors import CommandFailed
from nbcontainer.settings import settings
from tests.environment import parts
from tests.faults.proxy import Fault, FaultProxy, Kind, Passed, Way, unix_listener
from tests.faults.verdict import Difference, Ended, Outcome, Verdict, judge

if TYPE_CHECKING:
    from nbcontainer.operation import Operation

BOUND_SECONDS = 30.0  # within which a trial must end by itself
REHEARSALS = 3  # attempts without a fault, of which one must succeed: the machine may be busy
CALL_SECONDS = 8.0  # instead of an ordinary call's one minute
GONE_SECONDS = 8.0  # within which everything it started must be gone
KINDS = {Kind.RESET: 25, Kind.CLOSE: 25, Kind.CORRUPT: 25, Kind.STALL: 12, Kind.FREEZE: 13}
# of pools, whose idle threads stay, and of the tests
STAYS = (
    *("nbcontainer-io", "nbcontainer: call of a cluster", "asyncio_", "ThreadPoolExecutor"),
    *("fault proxy", "pytest_timeout"),
)


class Scenario(abc.ABC):
    """One operation through the proxy, whose right result is known."""

    operation: ClassVar[str]
    name: ClassVar[str]
    checked: ClassVar[bool] = False
    """Whether the data has checksums, which reveal a corrupted byte."""
    needs: ClassVar[tuple[str, ...]]
    """The parts of the environment that it needs."""
    engines: ClassVar[bool] = False
    """Whether it is the engine that connects through the proxy."""
    waits: ClassVar[frozenset[Kind]] = frozenset()
    """Faults that the client cannot notice: it waits until it is stopped, as the reference tool does."""
    has_input: ClassVar[bool] = False
    """Whether a command reads its standard input from the connection."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.word = ""

    @classmethod
    def missing_here(cls) -> str:
        """Why this machine cannot run it; "" if it can."""
        return "; ".join(f"{name}: {words}" for name in cls.needs if (words := _missing(name)))

    def prepare(self) -> None:  # noqa: B027 - most need nothing
        """Make what all its trials share, bypassing the proxy."""

    def clear(self) -> None:  # noqa: B027 - most need nothing
        """Remove what `prepare` has made."""

    def listener(self) -> socket.socket:
        """Where the proxy listens."""
        return unix_listener(self.folder / f"{self.word}.sock")

    @abc.abstractmethod
    def connect(self) -> socket.socket:
        """Connect to the real server."""

    def begin(self) -> None:  # noqa: B027 - most need nothing
        """Make what this trial needs, bypassing the proxy."""

    @abc.abstractmethod
    def carry_out(self, address: str) -> Ended:
        """Run it through the proxy's address."""

    @abc.abstractmethod
    def difference(self, ended: Ended) -> Difference:
        """How the result differs from the right one."""

    def close(self) -> None:  # noqa: B027 - most need nothing
        """Close the connections that nbcontainer keeps for its next call."""

    def left(self, ended: Ended) -> str:  # noqa: ARG002 - most leave nothing with a name
        """A description of what this trial left on the server."""
        return ""

    def end(self) -> None:  # noqa: B027 - most need nothing
        """Remove what `begin`, or the trial, has made."""


@dataclass(frozen=True)
class Chance:
    """A seed's choices for a trial, before the amount of data is known."""

    seed: int
    index: int
    kind: Kind
    connection: float
    way: Way
    place: float
    mask: bytes

    @classmethod
    def of(cls, seed: int, index: int) -> Chance:
        """The plan for a seed and a number."""
        dice = random.Random(f"{seed}:{index}")
        kind = dice.choices(list(KINDS), list(KINDS.values()))[0]
        way = dice.choices([Way.REPLIED, Way.SENT], [7, 3])[0]
        connection, place = dice.random(), dice.random()
        # a quarter each near the start and the end, where protocols have their edge cases
        place = dice.choices([place, place**4, 1 - place**4], [2, 1, 1])[0]
        return cls(
            seed, index, kind, connection, way, place, bytes(dice.randrange(1, 256) for _ in range(dice.randint(1, 4)))
        )

    def fault(self, passed: list[Passed]) -> Fault:
        """The planned fault, given the data without one: half are chosen by connection, half by byte."""
        counts = [one.count(self.way) for one in passed]
        number = int(2 * self.connection * len(passed))
        if self.connection >= 0.5:
            at = (2 * self.connection - 1) * sum(counts)
            number = next((n for n, _ in enumerate(counts) if at < sum(counts[: n + 1])), len(counts) - 1)
        offset = int(self.place * passed[number].count(self.way))
        return Fault(self.kind, number, self.way, offset, self.mask if self.kind is Kind.CORRUPT else b"")


@dataclass(frozen=True)
class Trial:
    """A finished trial."""

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
        """The command that repeats it."""
        return f"python -m tests.faults --replay {self.seed}:{self.index}"

    def __str__(self) -> str:
        """One line."""
        fault = f"{self.fault.kind} of {self.where!r} after {self.fault.offset} bytes {self.fault.way}"
        words = f": {self.verdict.words}" if self.verdict.words else ""
        return f"{self.seed}:{self.index} {self.scenario}, {fault}, {self.seconds:.1f} s: {self.verdict.outcome}{words}"


class Rig:
    """Makes trials one after the other; what their scenarios share is made once.

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
        """A scenario, and its data without a fault."""
        if chosen not in self._ready:
            scenario = chosen(self._folder)
            scenario.prepare()
            self._prepared.append(scenario)
            self._attempt(scenario, None)  # after a first run, everything that is loaded or created once is there
            for _ in range(REHEARSALS):
                verdict, _, passed = self._attempt(scenario, None)
                if verdict.outcome is Outcome.RIGHT:
                    break
            else:
                raise RuntimeError(f"{chosen.name} fails without a fault: {verdict.words}")
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
                proxy.thaw()  # let background shutdowns finish
                left = _settled(scenario, ended, proxy, threads, processes)
                struck = proxy.struck.is_set()
            # a corrupted length may announce more than will come, which is a stall
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
                has_input=scenario.has_input,
            )
            return verdict, ended, proxy.connections
        finally:
            scenario.end()


@functools.cache
def _missing(name: str) -> str:
    """Why a part of the environment is missing; checked once."""
    status = parts()[name].status()
    return "" if status else status.detail


def scenario_of(classes: list[type[Scenario]], index: int) -> type[Scenario]:
    """The scenario for a trial's number: each in turn."""
    return classes[index % len(classes)]


def address_of(listener: socket.socket) -> str:
    """A listener's address, as `unix://PATH` or `HOST:PORT`."""
    name = listener.getsockname()
    return f"unix://{name}" if isinstance(name, str) else f"{name[0]}:{name[1]}"


def finish(operation: Operation[Any, Any, Any], *, until: Callable[[], bool] | None = None) -> Ended:
    """Wait until an operation ends, or an endless one reaches its goal; stop it if that takes too long."""
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
    except BaseException as error:  # noqa: BLE001 - any error is judged
        ended.error = error
    if isinstance(ended.error, CommandFailed):
        ended.code = ended.error.exit_code
    ended.notes = tuple(getattr(operation.state, "notes", ()))
    ended.facts["operation"] = operation
    return ended


def attempt(begin: Callable[[], Operation[Any, Any, Any]], **options: Any) -> Ended:
    """Start an operation and finish it; an error at the start counts as its outcome."""
    try:
        operation = begin()
    except Exception as error:  # noqa: BLE001 - any error is judged
        return Ended(error=error)
    return finish(operation, **options)


def _settled(
    scenario: Scenario, ended: Ended, proxy: FaultProxy, threads: set[threading.Thread], processes: set[int]
) -> str:
    """What is still left, some seconds later, of what a trial started."""
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
    """The pids of this process's children."""
    found = set()
    for path in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        try:
            found |= {int(word) for word in path.read_text().split()}
        except OSError:
            continue
    return found


@contextmanager
def short_limits(folder: Path) -> Iterator[None]:
    """Shorter timeouts of nbcontainer, to detect silence within seconds; and its own folders."""
    before, kept = settings.spool_directory, {name: os.environ.get(name) for name in ("DOCKER_CONFIG", "KUBECONFIG")}
    limits: list[tuple[Any, str, Any]] = [
        (client, "SILENT_SECONDS", 1.0),
        (silence, "CHECK_SECONDS", CALL_SECONDS / 2),
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
