"""`make test`: sets up what the tests need and runs all of them, several columns of tests at a time.

A column begins as soon as its own parts are up, so nothing waits for the cluster but the tests of the cluster. What
each job prints is kept in a log; a failed one's is printed at once, and what failed is named again at the end.

With `--quick` (`make quick`) only what needs no part: lint, formats, types, and the quick tests on this Python.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.environment import folders, packages, parts  # noqa: E402 - after the path is set
from tests.environment.__main__ import up  # noqa: E402 - as above
from tests.environment.part import say  # noqa: E402 - as above

OUTPUT = ROOT / ".pytest_cache" / "make-test"
LANES = 5
"""Jobs at the same time: more than processors, since most tests wait for an engine or a browser."""
NEWS_SECONDS = 30
MOST_AGAIN = 20
"""With more failures than this something is broken: a second run would only take time."""
REQUIRE_ALL = os.geteuid() == 0 and shutil.which("apt-get") is not None
"""This kind of machine (Debian as root) has all parts: no test may be skipped."""
HERE = ".".join(map(str, sys.version_info[:2]))
VERSIONS = ("3.11", "3.12")
NODE = "the front end's packages"
WITHOUT_PARTS = f"NBCONTAINER_CACHE={folders.folder('nothing')}"
REGISTRIES = frozenset({"images", "registry-password", "registry-token"})
ENGINES = REGISTRIES | {"docker", "docker20", "podman", "podman-rootless"}
NODE_OF_KUBERNETES = REGISTRIES | {"docker", "podman", "kubernetes"}
CLUSTER = NODE_OF_KUBERNETES | {"kwok"}
BREAKING = tuple(f"tests/engines/test_{name}.py" for name in ("broken_output", "full_disk", "stopping", "endings"))
BUILDS = tuple(
    f"tests/engines/test_{name}.py" for name in ("build", "build_buildkit", "build_lint", "build_output", "builders")
)
LIVE: tuple[tuple[str, tuple[str, ...], frozenset[str]], ...] = (
    # name, paths, parts; the longest first. What no column names is in the last one.
    ("broken connections", BREAKING, ENGINES),
    ("engines", ("tests/engines",), ENGINES),
    ("cluster", ("tests/clusters",), CLUSTER),
    ("the page", ("tests/browser",), NODE_OF_KUBERNETES | {"chromium"}),
    ("faults and notebooks", ("tests/faults", "tests/notebooks"), ENGINES | CLUSTER),
    ("builds", BUILDS, ENGINES | {"buildkitd"}),
    ("differential", ("tests/buildkit/test_differential.py",), frozenset({"docker", "images"})),
    ("BuildKit", ("tests/buildkit", "tests/dockerfile"), ENGINES | {"buildkitd"}),
    ("magics", ("tests/magics",), NODE_OF_KUBERNETES),
    ("everything else", ("tests",), ENGINES | CLUSTER | {"buildkitd"}),
)
STREAMS_AND_VIEWS = tuple(f"tests/{name}" for name in ("engines", "clusters", "faults", "views", "widgets"))
QUICK: tuple[tuple[str, tuple[str, ...], frozenset[str]], ...] = (
    ("quick, magics", ("tests/magics",), frozenset({NODE})),
    ("quick, BuildKit", ("tests/buildkit", "tests/dockerfile"), frozenset({NODE})),
    ("quick, streams and views", STREAMS_AND_VIEWS, frozenset({NODE})),
    ("quick, everything else", ("tests",), frozenset({NODE})),
)
"""The tests without parts: each column computes about as long."""
SAME_ON_EVERY_PYTHON = ("tests/test_architecture.py", "tests/test_suite.py", "tests/frontend")


@dataclass
class Job:
    """One process of the run.

    Args:
        name: What it is called in the output.
        command: Its command line.
        needs: Parts of the environment, or other jobs, that must have ended before it begins.
        cache: pytest's cache of it, where what failed is remembered; None where it is no pytest.
    """

    name: str
    command: list[str]
    needs: frozenset[str] = frozenset()
    cache: Path | None = None
    seconds: float = 0.0
    code: int = -1
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    unsteady: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Where everything that it prints goes."""
        return OUTPUT / f"{slug(self.name)}.log"

    @property
    def text(self) -> str:
        """What it has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def percent(self) -> str:
        """How far pytest has come, as it says itself."""
        return (re.findall(r"\[ *(\d+%)\]", self.text) or [""])[-1]

    def start(self) -> None:
        """Begins it. It ends with this process, however that ends."""
        OUTPUT.mkdir(parents=True, exist_ok=True)
        bound = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*bound, *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                start_new_session=True,
            )

    def interrupt(self) -> None:
        """Ends it as Ctrl-C does, so that tests clean up behind them; with force where that takes long."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)

    def run(self) -> None:
        """Begins it, and waits for its end."""
        begun = time.monotonic()
        self.start()
        assert self.process is not None  # noqa: S101 - set by start
        self.code = self.process.wait()
        self.seconds = time.monotonic() - begun
        closing = re.findall(r"^.* in \d+\.\d+s.*$", self.text, re.MULTILINE) if self.cache else []
        counts = Counter({word: int(count) for count, word in re.findall(r"(\d+) ([a-z]+)", "".join(closing[-1:]))})
        counts["errors"] += counts.pop("error", 0)
        if self.cache and self.code == NONE_FOUND:  # all of a folder's tests are quick ones
            self.code = 0
        if self.code and not counts["failed"] + counts["errors"]:
            counts["errors"] = 1  # it is no pytest, or pytest itself did not come to its end
        self.counts = counts
        self.failures = re.findall(r"^(?:FAILED|ERROR) .*$", self.text, re.MULTILINE) if self.code else []

    def run_again(self) -> None:
        """Runs once more what failed, alone.

        Beside other columns a machine may be too busy to keep a promise that is made in seconds, or a page's frames.
        What passes now is named in the report: a test that needs this often has a fault, or its subject has.
        """
        first, seconds, names = self.counts, self.seconds, self.failures
        self.command = [*self.command, "--last-failed", "--last-failed-no-failures=none"]
        self.name += ", again"
        self.run()
        self.seconds += seconds
        self.counts = first + self.counts
        for word in ("failed", "errors"):
            self.counts[word] -= first[word]
        if not self.code:
            self.unsteady = [name.partition(" ")[2] for name in names]

    def result(self) -> str:
        """One line about its end."""
        counts = ", ".join(f"{self.counts[word]} {word}" for word in OUTCOMES if self.counts[word])
        return f"{'✓' if self.code == 0 else '✕'} {self.name:<28} {self.seconds:6.1f} s  {counts}"


NONE_FOUND = 5  # pytest's exit code
OUTCOMES = ("failed", "errors", "skipped", "passed")


def pytest(name: str, *words: str, needs: frozenset[str] = frozenset()) -> Job:
    """A job that runs tests."""
    cache = OUTPUT / slug(name)
    options = ["-q", "--no-header", "--durations=25", "--durations-min=1", "-o", f"cache_dir={cache}"]
    return Job(name, [sys.executable, "-m", "pytest", *options, *words], needs, cache)


def slug(name: str) -> str:
    """A name as that of a file."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def columns(*, live: bool) -> list[Job]:
    """The tests that talk to something, or all others, each in exactly one column.

    Those of the page have a process of their own: Playwright keeps an event loop running in the thread of its tests.
    Quick tests find no engine, cluster or browser, so that one which wants one is seen.
    """
    table = LIVE if live else QUICK
    found, named = [], [path for _, paths, _ in table for path in paths]
    for name, paths, needs in table:
        inner = [other for other in named for path in paths if other.startswith(f"{path}/")]
        marked = "live" if live else "not live"
        job = pytest(name, "-m", marked, *(f"--ignore={other}" for other in inner), *paths, needs=needs)
        if not live:
            job.command = ["env", WITHOUT_PARTS, *job.command]
        found.append(job)
    return found


def second_python() -> Job | None:
    """The quick tests on the other Python that is here, but for those that read texts or run other programs alone."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for version in VERSIONS:
        if version == HERE:
            continue
        # pyenv's own names work only where they are chosen
        for python in (f"python{version}", *map(str, pyenv.glob(f"{version}.*/bin/python"))):
            if shutil.which(python) and packages.works(python, "-c", "import venv, ensurepip"):
                ignored = (f"--ignore={path}" for path in SAME_ON_EVERY_PYTHON)
                job = pytest(
                    f"quick tests, Python {version}", "-m", "not live", *ignored, needs=frozenset({NODE, "images"})
                )
                script = f'python=$(sh scripts/bootstrap.sh test {python}) && exec env {WITHOUT_PARTS} "$python" "$@"'
                job.command = ["sh", "-c", script, "sh", *job.command[1:]]
                return job
    return None


def plan(*, quick: bool) -> list[Job]:
    """All jobs, those first that should begin first."""
    checks = [
        Job(NODE, [sys.executable, "scripts/front_end.py"]),
        Job("lint, formats, types", ["sh", "scripts/check.sh"], frozenset({NODE})),
    ]
    if quick:
        return [*checks, *columns(live=False)]
    second = second_python()  # one long column: it begins among the longest
    longest, others = columns(live=True)[:4], columns(live=True)[4:]
    return [*checks, *longest, *([second] if second else []), *others, *columns(live=False)]


class Run:
    """Runs jobs in lanes while the environment comes up."""

    def __init__(self, jobs: list[Job]) -> None:
        self.waiting, self.running, self.ended = list(jobs), list[Job](), list[Job]()
        self.there: set[str] = set()
        self.news: queue.SimpleQueue[Job | str] = queue.SimpleQueue()
        self.problems: dict[str, str] = {}

    def set_up(self) -> None:
        """Brings all parts up; says of each when it is there, or cannot be."""

        def ended(name: str, problem: str) -> None:
            if problem:
                self.problems[name] = problem
            self.news.put(name)

        every = parts()
        try:
            up(list(every), every, ended=ended)
        finally:
            for name in every:
                self.news.put(name)

    def go(self, *, sets_up: bool) -> None:
        """Runs everything to its end."""
        if sets_up:
            threading.Thread(target=self.set_up, daemon=True).start()
        while self.waiting or self.running:
            for job in list(self.waiting):
                if len(self.running) < LANES and job.needs <= self.there:
                    self.begin(job)
            try:
                came = self.news.get(timeout=NEWS_SECONDS)
            except queue.Empty:
                self.tell()
                continue
            if isinstance(came, Job):
                self.running.remove(came)
                self.end(came)
                came = came.name
            self.there.add(came)
        for job in self.ended:
            if job.cache and 0 < job.counts["failed"] + job.counts["errors"] <= MOST_AGAIN:
                say(f"▶ what failed of {job.name}, again, alone")
                job.run_again()
                self.show(job)

    def begin(self, job: Job) -> None:
        """Starts a job in a thread that waits for its end."""
        self.waiting.remove(job)
        self.running.append(job)
        say(f"▶ {job.name}")

        def run() -> None:
            try:
                job.run()
            finally:
                self.news.put(job)

        threading.Thread(target=run, daemon=True).start()

    def end(self, job: Job) -> None:
        """Says how a job ended."""
        self.ended.append(job)
        self.show(job)

    def show(self, job: Job) -> None:
        """One line, after all that a failed one printed."""
        if job.code:
            print(job.text, flush=True)
        say(job.result())

    def tell(self) -> None:
        """Says what is going on, where nothing has ended for a while."""
        now = [f"{job.name} {job.percent}".strip() for job in self.running]
        later = [f"{len(self.waiting)} waiting"] if self.waiting else []
        say(" · ".join([*now, *later]))

    def stop(self) -> None:
        """Ends what still runs."""
        for job in [*self.running, *self.ended]:
            job.interrupt()


def main() -> int:
    """Plan, run, report."""
    begun = time.monotonic()
    # where the machine has no Node.js, the checks have put one beside this Python
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    # a test's module is compiled once, not by each of the columns
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    quick = "--quick" in sys.argv[1:]
    if REQUIRE_ALL:
        os.environ["NBCONTAINER_REQUIRE_ALL"] = "1"
    run = Run(plan(quick=quick))

    def interrupted(number: int, _frame: FrameType | None) -> None:
        run.stop()
        os._exit(128 + number)  # at once: what comes up goes on by itself, and is waited for by the next run

    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)
    run.go(sets_up=not quick)
    return report(run, time.monotonic() - begun)


def report(run: Run, seconds: float) -> int:
    """The times of all jobs, what failed, and the sum in pytest's own words; gives the exit code."""
    total: Counter[str] = Counter()
    print()
    for job in run.ended:
        print(job.result())
        total += job.counts
    for name, problem in run.problems.items():
        print(f"✕ {name}: {problem}")
    total["errors"] += len(run.problems) if REQUIRE_ALL else 0
    for job in run.ended:
        if job.unsteady:
            print(f"passed only when they were run again, alone ({job.name}):", *job.unsteady, sep="\n  ")
        if job.code:
            print(*job.failures, f"  all that '{job.name}' printed: {job.log}", sep="\n")
    counts = ", ".join(f"{total[word]} {word}" for word in OUTCOMES if total[word])
    print(f"===== {counts} in {seconds:.2f}s =====", flush=True)
    return 1 if total["failed"] or total["errors"] or (REQUIRE_ALL and total["skipped"]) else 0


if __name__ == "__main__":
    raise SystemExit(main())
