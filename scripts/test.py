"""`make test`: sets up what the tests need and runs all of them, in several columns at a time.

A column starts as soon as its own parts are up, so only the cluster's tests wait for the cluster. Each job's output
goes to a log; a failed job's is printed at once, and the failures are listed again at the end.

With `--quick` (`make quick`) it runs only what needs no part: lint, formatting, types, and the quick tests on this
Python.
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

from tests.environment import folders, packages, parts  # noqa: E402 - after sys.path is set
from tests.environment.__main__ import up  # noqa: E402 - after sys.path is set
from tests.environment.part import say  # noqa: E402 - after sys.path is set

OUTPUT = ROOT / ".pytest_cache" / "make-test"
LANES = 7
"""Jobs at a time: more than processors, because most tests wait for an engine or a browser."""
PROGRESS_SECONDS = 30
RESERVED_SECONDS = 15
"""How long lanes are kept free for the longest jobs, whose parts may come up last, at the start."""
MAX_RERUNS = 20
"""With more failures than this something is broken, and a second run would only take time."""
REQUIRE_ALL = os.geteuid() == 0 and shutil.which("apt-get") is not None
"""This kind of machine (Debian as root) can run all parts: no test may be skipped."""
THIS_PYTHON = ".".join(map(str, sys.version_info[:2]))
VERSIONS = ("3.11", "3.12")
NODE = "the front end's packages"
WITHOUT_PARTS = f"NBCONTAINER_CACHE={folders.folder('nothing')}"
REGISTRIES = frozenset({"images", "registry-password", "registry-token"})
ENGINES = REGISTRIES | {"docker", "docker20", "podman", "podman-rootless"}
NODE_OF_KUBERNETES = REGISTRIES | {"docker", "podman", "kubernetes"}
CLUSTER = NODE_OF_KUBERNETES | {"kwok"}


def _files(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"tests/{folder}/test_{name}.py" for name in names)


BROKEN_CLUSTERS = _files(
    "clusters", "api_server_faults", "broken_streams", "expired_certificates", "frozen", "kubernetes_client"
)
PODS = _files(
    "clusters",
    *("cp", "cut_logs", "exec_end", "exec_input", "exec_of_workloads", "full_disk", "log_files", "log_selection"),
    *("logs", "pods", "port_forward", "sleeping_tables", "troubled_logs"),
)
OBJECTS = _files(
    "clusters",
    *("apply", "creation", "debug", "describe", "draining", "managed_fields", "object_deletion", "object_events"),
    *("object_trees", "objects", "output_forms", "patch", "resources", "usage", "waiting", "workloads"),
)
LIVE: tuple[tuple[str, tuple[str, ...], frozenset[str]], ...] = (
    # name, paths, parts; the longest first. Files in no other column run in the last one of their folder, or of all.
    ("the page", ("tests/browser",), NODE_OF_KUBERNETES | {"chromium"}),
    ("the lesson on the Dockerfile", _files("notebooks", "dockerfile"), ENGINES | CLUSTER),
    ("notebooks", ("tests/notebooks",), ENGINES | CLUSTER),
    ("broken clusters", BROKEN_CLUSTERS, CLUSTER),
    ("pods and their logs", PODS, CLUSTER),
    ("frozen engines", _files("engines", "frozen"), ENGINES),
    ("containers", _files("engines", "containers", "docker_client"), ENGINES),
    (
        "the page, live",
        _files("browser", "lessons", "quickstart", "real", "sleeping_tables"),
        NODE_OF_KUBERNETES | {"chromium"},
    ),
    ("objects", OBJECTS, CLUSTER),
    ("cluster", ("tests/clusters",), CLUSTER),
    ("broken output", _files("engines", "broken_output", "full_disk"), ENGINES),
    ("stopping", _files("engines", "endings", "stopping"), ENGINES),
    ("builds", _files("engines", "build", "build_buildkit", "build_lint", "builders"), ENGINES | {"buildkitd"}),
    ("networks, Podman's pods", _files("engines", "networks", "pods", "volumes"), ENGINES),
    ("faults", ("tests/faults",), ENGINES | CLUSTER),
    ("engines", ("tests/engines",), ENGINES),
    ("BuildKit", ("tests/buildkit", "tests/dockerfile"), ENGINES | {"buildkitd", "dockerfile-oracle"}),
    ("differential", _files("buildkit", "differential"), frozenset({"docker", "images"})),
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
"""The tests without parts, in columns of about equal run time."""
SAME_ON_EVERY_PYTHON = (
    *(f"tests/test_{name}.py" for name in ("architecture", "packaging", "reference", "suite")),
    "tests/frontend",
)


@dataclass
class Job:
    """One process of the run.

    Args:
        name: Its name in the output.
        command: Its command line.
        needs: Parts of the environment that must be up, and jobs that must have ended, before it starts.
        cache: Its pytest cache, which remembers the failures; None if it is not pytest.
    """

    name: str
    command: list[str]
    needs: frozenset[str] = frozenset()
    cache: Path | None = None
    seconds: float = 0.0
    code: int = -1
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    flaky: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """The file with its output."""
        return OUTPUT / f"{slug(self.name)}.log"

    @property
    def text(self) -> str:
        """Its output so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def percent(self) -> str:
        """The progress that pytest prints."""
        return (re.findall(r"\[ *(\d+%)\]", self.text) or [""])[-1]

    @property
    def failed(self) -> set[str]:
        """The tests that failed."""
        return {line.partition(" ")[2].partition(" - ")[0] for line in self.failures}

    @property
    def is_late(self) -> bool:
        """Whether all that failed missed a time limit."""
        return len(re.findall(r"^too late: ", self.text, re.MULTILINE)) == len(self.failures)

    def start(self) -> None:
        """Starts it. It is interrupted when this process ends, however that ends."""
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
        """Interrupts it as Ctrl-C does, to let tests clean up; kills it if that takes too long."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)

    def run(self) -> None:
        """Starts it, and waits for it to end."""
        started = time.monotonic()
        self.start()
        assert self.process is not None  # noqa: S101 - set by start
        self.code = self.process.wait()
        self.seconds = time.monotonic() - started
        summary = re.findall(r"^.* in \d+\.\d+s.*$", self.text, re.MULTILINE) if self.cache else []
        counts = Counter({word: int(count) for count, word in re.findall(r"(\d+) ([a-z]+)", "".join(summary[-1:]))})
        counts["errors"] += counts.pop("error", 0)
        if self.cache and self.code == NONE_FOUND:  # a folder may have only quick tests
            self.code = 0
        if self.code and not counts["failed"] + counts["errors"]:
            counts["errors"] = 1  # it is not pytest, or pytest itself did not finish
        self.counts = counts
        self.failures = re.findall(r"^(?:FAILED|ERROR) .*$", self.text, re.MULTILINE) if self.code else []

    def rerun(self) -> None:
        """Reruns the failures, with nothing else running; once more if they only miss time limits again.

        While other columns run, the machine may be too busy to meet a time limit or to draw a page's frames in time.
        What passes now is listed in the report: a test that often needs this has a bug, or the code it tests does.
        """
        names = self.failed
        self.command = [*self.command, "--last-failed", "--last-failed-no-failures=none"]
        for times in (", rerun", ", rerun twice"):
            first, seconds = self.counts, self.seconds
            self.name = f"{self.name.partition(', rerun')[0]}{times}"
            self.run()
            self.seconds += seconds
            self.counts = first + self.counts
            for word in ("failed", "errors"):
                self.counts[word] -= first[word]
            if not self.failures or not self.is_late:
                break
        self.flaky = sorted(names - self.failed)

    def result(self) -> str:
        """One line about how it ended."""
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
    """A name in the form of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def columns(*, live: bool) -> list[Job]:
    """The live tests, or all others, each in exactly one column.

    The page's tests have their own process: Playwright keeps an event loop running in their thread.
    Quick tests cannot reach an engine, cluster or browser: a test that needs one but lacks the mark fails.
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
    """The quick tests on another installed Python, except those that only read files or run other programs."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for version in VERSIONS:
        if version == THIS_PYTHON:
            continue
        # pyenv's shims work only for the selected version
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
    """All jobs, in the order in which they should start."""
    checks = [
        Job(NODE, [sys.executable, "scripts/front_end.py"]),
        Job("lint, formats, types", ["sh", "scripts/check.sh"], frozenset({NODE})),
    ]
    if quick:
        return [*checks, *columns(live=False)]
    second = second_python()  # a long column: it starts with the longest ones
    longest, others = columns(live=True)[:LANES], columns(live=True)[LANES:]
    return [*checks, *longest, *([second] if second else []), *others, *columns(live=False)]


class Run:
    """Runs jobs in lanes while the environment comes up."""

    def __init__(self, jobs: list[Job]) -> None:
        self.waiting, self.running, self.ended = list(jobs), list[Job](), list[Job]()
        self.ready: set[str] = set()
        self.events: queue.SimpleQueue[Job | str] = queue.SimpleQueue()
        self.problems: dict[str, str] = {}

    def set_up(self) -> None:
        """Brings up all parts; reports each one when it is up or has failed."""

        def ended(name: str, problem: str) -> None:
            if problem:
                self.problems[name] = problem
            self.events.put(name)

        every = parts()
        try:
            up(list(every), every, ended=ended)
        finally:
            for name in every:
                self.events.put(name)

    def go(self, *, sets_up: bool) -> None:
        """Runs everything until all jobs have ended."""
        if sets_up:
            threading.Thread(target=self.set_up, daemon=True).start()
        reserved_until = time.monotonic() + RESERVED_SECONDS
        while self.waiting or self.running:
            reserving = time.monotonic() < reserved_until
            free = LANES - len(self.running)
            for job in self.waiting[: max(free, 0)] if reserving else list(self.waiting):
                if len(self.running) < LANES and job.needs <= self.ready:
                    self.begin(job)
            try:
                event = self.events.get(timeout=1 if reserving else PROGRESS_SECONDS)
            except queue.Empty:
                if not reserving:
                    self.show_progress()
                continue
            if isinstance(event, Job):
                self.running.remove(event)
                self.end(event)
                event = event.name
            self.ready.add(event)
        for job in self.ended:
            if job.cache and 0 < job.counts["failed"] + job.counts["errors"] <= MAX_RERUNS:
                say(f"▶ {job.name}: rerunning the failures, with nothing else running")
                job.rerun()
                self.show(job)

    def begin(self, job: Job) -> None:
        """Starts a job in a thread that waits for it."""
        self.waiting.remove(job)
        self.running.append(job)
        say(f"▶ {job.name}")

        def run() -> None:
            try:
                job.run()
            finally:
                self.events.put(job)

        threading.Thread(target=run, daemon=True).start()

    def end(self, job: Job) -> None:
        """Notes that a job ended, and shows how."""
        self.ended.append(job)
        self.show(job)

    def show(self, job: Job) -> None:
        """Prints one line about a job, after the whole output of a failed one."""
        if job.code:
            print(job.text, flush=True)
        say(job.result())

    def show_progress(self) -> None:
        """Prints what is running, when nothing has ended for a while."""
        now = [f"{job.name} {job.percent}".strip() for job in self.running]
        later = [f"{len(self.waiting)} waiting"] if self.waiting else []
        say(" · ".join([*now, *later]))

    def stop(self) -> None:
        """Interrupts what is still running."""
        for job in [*self.running, *self.ended]:
            job.interrupt()


def main() -> int:
    """Plan, run, report."""
    started = time.monotonic()
    # if the machine has no Node.js, the checks install one next to this Python
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    # a test module is compiled once, not in each column
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    quick = "--quick" in sys.argv[1:]
    if REQUIRE_ALL:
        os.environ["NBCONTAINER_REQUIRE_ALL"] = "1"
    run = Run(plan(quick=quick))

    def interrupted(number: int, _frame: FrameType | None) -> None:
        run.stop()
        os._exit(128 + number)  # at once: parts that are coming up go on, and the next run waits for them

    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)
    run.go(sets_up=not quick)
    return report(run, time.monotonic() - started)


def report(run: Run, seconds: float) -> int:
    """Prints the times of all jobs, the failures, and the total in pytest's format; returns the exit code."""
    total: Counter[str] = Counter()
    print()
    for job in run.ended:
        print(job.result())
        total += job.counts
    for name, problem in run.problems.items():
        print(f"✕ {name}: {problem}")
    total["errors"] += len(run.problems) if REQUIRE_ALL else 0
    for job in run.ended:
        if job.flaky:
            print(f"passed only when rerun on their own ({job.name}):", *job.flaky, sep="\n  ")
        if job.code:
            print(*job.failures, f"  the whole output of '{job.name}': {job.log}", sep="\n")
    counts = ", ".join(f"{total[word]} {word}" for word in OUTCOMES if total[word])
    print(f"===== {counts} in {seconds:.2f}s =====", flush=True)
    return 1 if total["failed"] or total["errors"] or (REQUIRE_ALL and total["skipped"]) else 0


if __name__ == "__main__":
    raise SystemExit(main())
