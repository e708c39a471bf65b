"""A live table under a thousand changes a second, replayed from a recorded watch, and one of a hundred thousand rows.

Delays are from the moment when the server wrote a change until the table's state has it, or a frame of the page shows
it. The page is JupyterLab's, in Chromium, which shares the machine with the kernel and the server.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from benchmarks.kernel import Kernel
from benchmarks.measuring import MEGABYTE, MissingError
from benchmarks.processes import cpu_seconds, memory
from tests.browser.conftest import ARGUMENTS
from tests.browser.jupyter import JupyterServer, chromium
from tests.clusters.replayed_watch import ReplayedWatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.browser.jupyter import NotebookPage

_PODS, _MANY, _RATE = 10_000, 100_000, 1000
_SECONDS = 20.0  # of a measurement of delays
_SAMPLES = 12  # of the page's memory
_MEDIAN, _SLOWEST, _CORE = 0.1, 0.5, 0.5  # seconds, seconds, share of a core
_GROWTH = 5 * MEGABYTE  # of the page's memory over the whole churn, after the first sample
_SMOOTH = 0.5  # of the frames that an empty page draws

_STATE = """
import json, time
from pathlib import Path
import nbcontainer as nbc
from nbcontainer.model.tables import TableChanged
watch, delays, begun = nbc.pods.watch(all_namespaces=True), [], None
for event in watch.events():
    now = time.time()
    if not isinstance(event, TableChanged):
        continue
    begun, cpu = (now, time.process_time()) if begun is None else (begun, cpu)
    delays += [now - row.cells[4] / 1000 for row in event.rows]
    if now > begun + {seconds}:
        break
core = (time.process_time() - cpu) / (now - begun)
watch.stop()
Path({path!r}).write_text(json.dumps([delays, core]))
"""
_DELAYS = """seconds => new Promise(done => {
  const delays = [], known = new Map(); const begun = performance.now();
  const look = () => {
    const now = Date.now();
    for (const row of document.querySelectorAll('.nbc-row:not([hidden])')) {
      const cells = [...row.querySelectorAll('.nbc-cell')].map(cell => cell.textContent);
      const written = cells.find(text => /^\\d{13}$/.test(text)), name = cells[1];
      if (!written || known.get(name) === written) continue;
      if (known.has(name)) delays.push((now - Number(written)) / 1000);
      known.set(name, written);
    }
    if (performance.now() - begun < seconds * 1000) requestAnimationFrame(look); else done(delays);
  };
  requestAnimationFrame(look); })"""
_FRAMES = """seconds => new Promise(done => {
  const grid = document.querySelector('.nbc-grid'); let frames = 0; const begun = performance.now();
  const step = () => { frames += 1; if (grid) grid.scrollTop += 3000;
    performance.now() - begun < seconds * 1000 ? requestAnimationFrame(step) : done(frames / seconds) };
  requestAnimationFrame(step); })"""


@dataclass
class Figures:
    """Figures that have no peer, as a `Comparison` is measured and shown.

    Attributes:
        minutes: how long the page's memory is watched.
        missing: what could not be measured, and why.
    """

    minutes: float
    missing: list[str] = field(default_factory=list)
    _lines: list[tuple[str, bool | None]] = field(default_factory=list)

    def measure(self, rounds: int) -> None:
        """Measure once: each figure is of thousands of changes."""
        del rounds
        with tempfile.TemporaryDirectory(prefix="benchmark-tables-") as folder:
            self._state(Path(folder))
            with _chromium() as browser, _jupyter(Path(folder)) as jupyter:
                self._page(browser, jupyter, Path(folder))
                self._many(browser, jupyter, Path(folder))

    def show(self) -> bool:
        """Print the figures; returns whether all targets are met."""
        print(f"\nlive table, {_PODS:,} pods, {_RATE:,} changes/s")
        for text, met in self._lines:
            print(f"  {'       ' if met is None else 'met    ' if met else 'MISSED '} {text}")
        return all(met is not False for _, met in self._lines)

    def _note(self, text: str, met: bool | None = None) -> None:  # noqa: FBT001 - a verdict
        self._lines.append((text, met))

    def _delays(self, where: str, delays: list[float]) -> None:
        delays.sort()
        median, slowest = statistics.median(delays), delays[int(len(delays) * 0.99)]
        targets = f"targets: {_MEDIAN * 1e3:.0f} and {_SLOWEST * 1e3:.0f} ms"
        text = (
            f"{where}: median {median * 1e3:.0f} ms, p99 {slowest * 1e3:.0f} ms of {len(delays):,} changes ({targets})"
        )
        self._note(text, median <= _MEDIAN and slowest <= _SLOWEST)

    def _core(self, where: str, core: float) -> None:
        self._note(f"{where}: {core:.0%} of a core (target: at most {_CORE:.0%})", core <= _CORE)

    def _state(self, folder: Path) -> None:
        path = folder / "state.json"
        with _replayed(folder, _PODS, _RATE) as variables, Kernel(variables) as kernel:
            kernel.run(_STATE.format(seconds=_SECONDS, path=str(path)))
        delays, core = json.loads(path.read_text("utf-8"))
        self._delays("until the table's state has it", delays)
        self._core("the client without a page", core)

    def _page(self, browser: Browser, jupyter: JupyterServer, folder: Path) -> None:
        with _shown(browser, jupyter, folder, _PODS, _RATE) as (page, pid):
            page.page.evaluate(_DELAYS, 3)  # the first seconds list and load
            begun, cpu = time.monotonic(), cpu_seconds(pid)
            delays = page.page.evaluate(_DELAYS, _SECONDS)
            core = (cpu_seconds(pid) - cpu) / (time.monotonic() - begun)
            self._delays("until a frame of the page shows it", delays)
            self._core("the kernel with a page", core)
            used, kernels = [], []
            for _ in range(_SAMPLES + 1):
                page.page.wait_for_timeout(self.minutes * 60_000 / _SAMPLES)
                used.append(_heap(page))
                kernels.append(memory(pid))
        grown = max(used[1:]) - used[0]
        first, most, last = (size / MEGABYTE for size in (used[0], max(used[1:]), used[-1]))
        shown = f"{first:.1f} MB, then at most {most:.1f} MB, last {last:.1f} MB"
        self._note(f"the page's memory over {self.minutes:g} minutes: {shown}", grown <= _GROWTH)
        self._note(f"the kernel's: {kernels[0] / MEGABYTE:.0f} MB, at the end {kernels[-1] / MEGABYTE:.0f} MB")

    def _many(self, browser: Browser, jupyter: JupyterServer, folder: Path) -> None:
        blank = browser.new_page()
        possible = blank.evaluate(_FRAMES, 2)
        blank.close()
        for rate in (0, _RATE):
            with _shown(browser, jupyter, folder, _MANY, rate) as (page, pid):
                frames = page.page.evaluate(_FRAMES, 5)
                heap, kernel = _heap(page) / MEGABYTE, memory(pid) / MEGABYTE
            what = f"{_MANY:,} rows, {rate:,} changes/s, while it scrolls"
            target = f"an empty page draws {possible:.0f}; target: at least {_SMOOTH:.0%} of that"
            self._note(f"{what}: {frames:.0f} frames/s ({target})", frames >= possible * _SMOOTH)
            self._note(f"{what}: the page uses {heap:.0f} MB, the kernel {kernel:.0f} MB")


def comparisons(minutes: float) -> Iterator[Figures]:
    """What this file measures.

    Args:
        minutes: how long the page's memory is watched.
    """
    yield Figures(minutes)


@contextlib.contextmanager
def _chromium() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        raise MissingError("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@contextlib.contextmanager
def _jupyter(folder: Path) -> Iterator[JupyterServer]:
    server = JupyterServer(folder)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def _replayed(folder: Path, pods: int, rate: int) -> Iterator[dict[str, str]]:
    with ReplayedWatch(folder, pods=pods, rate=rate) as server:
        yield {"KUBECONFIG": str(server.kubeconfig)}


@contextlib.contextmanager
def _shown(
    browser: Browser, jupyter: JupyterServer, folder: Path, pods: int, rate: int
) -> Iterator[tuple[NotebookPage, int]]:
    """A notebook that shows the table in full, and the process of its kernel."""
    note = folder / "pid"
    with _replayed(folder, pods, rate) as variables:
        first = f"import os; os.environ.update({variables!r})\nprint(open({str(note)!r}, 'w').write(str(os.getpid())))"
        cells = [f"{first}\n%load_ext nbcontainer", "%kpod -A"]
        page = jupyter.open(browser, f"table-{pods}-{rate}", cells, own_kernel=True)
        page.run_and_wait(0)
        page.run_and_wait(1)
        page.page.wait_for_function(
            "least => Number(document.querySelector('.nbc-grid')?.getAttribute('aria-rowcount')) > least",
            arg=pods,
            timeout=120_000,
        )
        yield page, int(note.read_text("utf-8"))
        page.close()


def _heap(page: NotebookPage) -> int:
    """The JavaScript memory that the page still needs, in bytes."""
    session = page.page.context.new_cdp_session(page.page)
    session.send("HeapProfiler.collectGarbage")
    used: dict[str, Any] = session.send("Runtime.getHeapUsage")
    session.detach()
    return int(used["usedSize"])
