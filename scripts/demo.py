"""`make demo`: run notebooks/quickstart.ipynb for real, on a machine that may have nothing installed yet.

It uses a running engine, or else a private Podman from the distribution. A local registry receives the pushed image,
and serves base images made from the distribution's packages if Docker Hub is unreachable. The user's own containers,
kubeconfig, clusters and docker configuration are never touched.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
OUTPUT = ROOT / "demo-output"
KERNEL_LOG = "kernel.log"
"""In that folder: the kernel's own stderr, such as a traceback if an interrupt hits its own code."""
QUICKSTART = ROOT / "notebooks" / "quickstart.ipynb"
STARTED = time.monotonic()
HUB = ("registry-1.docker.io", 443)
CELL_SECONDS = 900  # a slow machine compiles Go's standard library in minutes
BASE_IMAGES = ("golang:alpine",)
LESSONS_IMAGES = (*BASE_IMAGES, "busybox", "registry:2", "ubuntu:18.04")
PARTS = ("registry", "registry-token", "images")  # of the environment, started by the demo
STOPPING_SECONDS = 5
"""How long an interrupted cell has to finish; then its kernel is shut down, which stops what the cell started."""
INTERRUPTED = 130  # the exit code after Ctrl-C


def say(text: str) -> None:
    """Print one line with the seconds since the start."""
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


def hub_is_reachable() -> bool:
    """Whether base images can be pulled from Docker Hub."""
    try:
        with socket.create_connection(HUB, timeout=3):
            return True
    except OSError:
        return False


def prepare(*, lessons: bool = False) -> dict[str, str]:
    """Start what the quickstart needs, or all lessons; returns its kernel's environment variables."""
    sys.path.insert(0, str(ROOT))
    from nbcontainer.engines.connection import find_engine, forget_engines  # noqa: PLC0415 - after sys.path is set
    from nbcontainer.errors import EngineUnavailable  # noqa: PLC0415 - after sys.path is set
    from tests.environment import demonstration  # noqa: PLC0415 - after sys.path is set

    environment: dict[str, str] = {}
    try:
        engine = find_engine()
    except EngineUnavailable:
        environment |= demonstration.podman(say, "no container engine answers")
        engine = None
    else:
        if not engine.capabilities.pods:
            environment |= demonstration.podman(say, f"{engine.name} has no pods")
    local = not hub_is_reachable()
    if local:
        say("Docker Hub is unreachable: base images are made from this machine's packages, on a local registry")
    every = lessons and hasattr(os, "geteuid") and os.geteuid() == 0  # making Debian's takes root
    environment |= demonstration.up(base_images=local, small=not every)
    if engine is not None and not engine.private:
        environment["DOCKER_HOST"] = engine.address
    os.environ.update(environment)
    forget_engines()
    engine = find_engine()
    say(f"engine: {engine.name} at {engine.address}")
    if local and not engine.private:
        name_base_images(engine, LESSONS_IMAGES if every else BASE_IMAGES)
    return environment


def name_base_images(engine: Any, names: tuple[str, ...]) -> None:
    """Pull the base images and tag them with their Docker Hub names, for an engine without a configured mirror."""
    from nbcontainer.engines import images  # noqa: PLC0415 - after sys.path is set
    from nbcontainer.errors import NbcontainerError  # noqa: PLC0415 - after sys.path is set

    mirror = os.environ["QUICKSTART_MIRROR"]
    for image in names:
        try:
            images.inspect(engine, image)
        except NbcontainerError:
            say(f"{image} is pulled from the local registry")
            images.pull(engine, f"{mirror}/library/{image}").result()
            images.tag(engine, f"{mirror}/library/{image}", image)


def execute() -> int:
    """Run the notebook, print its cells' output as it arrives, and save the executed notebook and its HTML page."""
    import nbformat  # noqa: PLC0415 - not needed for JupyterLab
    from nbclient import NotebookClient  # noqa: PLC0415 - not needed for JupyterLab
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError  # noqa: PLC0415 - see above

    class PrintingClient(NotebookClient):
        """Prints each line of output as it arrives; if a cell wrote no lines, prints what it displays."""

        wrote = False

        def process_message(self, message: dict[str, Any], cell: Any, cell_index: int) -> Any:
            content, text = message["content"], ""
            if message["msg_type"] == "stream":
                text, self.wrote = content["text"], True
            elif message["msg_type"] in {"display_data", "execute_result"} and not self.wrote:
                text = content["data"].get("text/plain", "")
            elif message["msg_type"] == "execute_input":
                stopper.cell_started()
            for line in text.splitlines():
                print(f"          {line}", flush=True)
            return super().process_message(message, cell, cell_index)

    notebook = nbformat.read(QUICKSTART, as_version=4)

    def begin(cell: Any, cell_index: int) -> None:
        del cell_index
        stopper.watch(client)
        client.wrote = False
        if cell.cell_type == "code" and cell.source.strip():
            first, *rest = cell.source.splitlines()
            say(f"▶ {first}{' …' if rest else ''}")

    client = PrintingClient(
        notebook,
        timeout=CELL_SECONDS,
        startup_timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(QUICKSTART.parent)}},
        on_cell_start=begin,
        extra_arguments=["--log-level=ERROR"],  # kernels warn about how nbclient talks to them
    )
    failed = ""
    stopper = Stopper()
    OUTPUT.mkdir(exist_ok=True)
    try:
        with (OUTPUT / KERNEL_LOG).open("wb") as log:
            client.execute(stderr=log)
    except (CellExecutionError, CellTimeoutError, DeadKernelError, asyncio.CancelledError) as error:
        failed = str(error)
    if stopper.requested:
        raise KeyboardInterrupt
    keep(notebook, failed)
    return 1 if failed else 0


def keep(notebook: Any, failed: str) -> None:
    """Write the executed notebook and its page, and print where; `failed` says why it stopped early."""
    import nbformat  # noqa: PLC0415 - not needed for JupyterLab

    nbformat.write(notebook, OUTPUT / "quickstart.ipynb")
    write_page(notebook)
    if failed:
        print(failed, file=sys.stderr)
        say(f"✕ the quickstart stopped; the page shows where, and {OUTPUT / KERNEL_LOG} has the kernel's own messages")
    else:
        say("✓ from a cell to a running pod")
    print(f"""
  executed notebook   {OUTPUT / "quickstart.ipynb"}
  page                {OUTPUT / "quickstart.html"}
  more lessons        make lab""")


class Stopper:
    """Stops the notebook on a signal: interrupts the running cell, which stops what it started."""

    def __init__(self) -> None:
        self.requested = self.cell_runs = False

    def watch(self, client: Any) -> None:
        """Take over the signals from nbclient, which would leave the kernel's work running; call it in its loop."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        self.cell_runs, self._client = False, client

        def stop() -> None:
            if task is not None:  # a second signal stops at once
                loop.call_later(0 if self.requested else STOPPING_SECONDS, task.cancel)
            self.requested = True
            if self.cell_runs:
                self._interrupt()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        if self.requested and task is not None:  # the signal came just after the previous cell ended
            task.cancel()

    def cell_started(self) -> None:
        """The kernel has started the cell. An interrupt sent earlier would have been lost, so it is sent now."""
        self.cell_runs = True
        if self.requested:
            self._interrupt()

    def _interrupt(self) -> None:
        async def interrupt() -> None:
            with contextlib.suppress(RuntimeError):  # the kernel has just exited by itself
                await self._client.km.interrupt_kernel()

        # keep a reference so that the task is not garbage-collected
        self._interrupting = asyncio.ensure_future(interrupt())


def running_parts() -> set[str]:
    """The parts of the environment that are already running, which an interrupted demo leaves alone."""
    sys.path.insert(0, str(ROOT))
    from tests.environment import parts  # noqa: PLC0415 - after sys.path is set

    return {name for name, part in parts(small=True).items() if name in PARTS and part.status()}


def clean_up(before: set[str]) -> None:
    """Stop what this run started: the notebook's pods, then the environment's parts that were not running before."""
    from nbcontainer import errors, identity  # noqa: PLC0415 - after sys.path is set
    from nbcontainer.api.cluster import Cluster  # noqa: PLC0415 - after sys.path is set
    from tests.environment import parts  # noqa: PLC0415 - after sys.path is set

    made = identity.notebook_id(str(QUICKSTART.parent))
    with contextlib.suppress(errors.NbcontainerError):
        names = [row.name for row in Cluster().pods.list() if row.labels.get(identity.NOTEBOOK_LABEL) == made]
        if names:
            Cluster().pods.delete(*names, force=True).result(20)
    for name, part in reversed(parts(small=True).items()):
        if name in PARTS and name not in before:
            part.down()


def write_page(notebook: Any) -> None:
    """Write the executed notebook as a self-contained HTML page."""
    from nbconvert import HTMLExporter  # noqa: PLC0415 - not needed for JupyterLab

    page, _ = HTMLExporter(template_name="lab", embed_images=True).from_notebook_node(notebook)
    (OUTPUT / "quickstart.html").write_text(page, encoding="utf-8")


def lab() -> int:
    """Open the index of the lessons in JupyterLab, with the same engine and registry."""
    from nbcontainer.lessons import INDEX, tour  # noqa: PLC0415 - after sys.path is set

    folder = OUTPUT / "lessons"
    for line in str(tour(str(folder))).splitlines():
        say(line)
    command = [sys.executable, "-m", "jupyter", "lab", "--ServerApp.ip=127.0.0.1", str(folder / INDEX)]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    say("starting JupyterLab; press Ctrl-C to stop it")
    return subprocess.run(command, check=False).returncode


def main() -> int:
    """Prepare, then run the notebook or open it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None, allow_abbrev=False)
    parser.add_argument("--lab", action="store_true", help="open the lessons in JupyterLab")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupt)
    before = running_parts()
    try:
        prepare(lessons=arguments.lab)
        return lab() if arguments.lab else execute()
    except KeyboardInterrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        if not arguments.lab:
            clean_up(before)
        say("■ stopped; everything it started was stopped, too")
        return INTERRUPTED


def interrupt(*_: object) -> None:
    """SIGTERM stops the demo as Ctrl-C does."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
