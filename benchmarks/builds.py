"""Builds with little to do: what the user waits for is overhead."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import environment
from benchmarks.kernel import Kernel
from benchmarks.measuring import Comparison, Program, Subject, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FILES, _FILE_SIZE, _FOLDERS = 5000, 61440, 100
_TAG = "nbcontainer-benchmark"
_EDITS = itertools.count()
_SMALL = "FROM busybox\nRUN echo one\nCOPY app.py /app.py\nRUN echo two\n"
_LARGE = "FROM busybox\nCOPY data /data\nCOPY src /src\n"


def comparisons() -> Iterator[Comparison]:
    """What this file measures; the contexts are removed afterwards."""
    engine = environment.engine()
    folder = Path(tempfile.mkdtemp(prefix="nbcontainer-benchmark-"))
    kernels: list[Kernel] = []
    try:
        small, large = folder / "small", folder / "large"
        _make_small(small)
        _make_large(large)
        for title, context, before in [
            ("small build, all cached", small, lambda: None),
            (f"{_FILES} files, 300 MB, unchanged", large, lambda: None),
            (f"{_FILES} files, 300 MB, one line edited", large, lambda: _edit(large)),
        ]:
            yield _comparison(title, context, before, engine, kernels)
    finally:
        for kernel in kernels:
            kernel.close()
        shutil.rmtree(folder)
        images = [f"{_TAG}:{name}" for name in ("magic", "api", "client", "fresh", "cli", "buildx")]
        command, variables = [engine.docker, "rmi", "-f", *images], {**os.environ, **engine.variables}
        subprocess.run(command, capture_output=True, env=variables, check=False)


def _comparison(
    title: str, context: Path, before: Callable[[], None], engine: environment.Engine, kernels: list[Kernel]
) -> Comparison:
    tag = _TAG
    subjects = []
    text = (context / "Dockerfile").read_text()
    ours = {
        "%%dockerfile": f"%%dockerfile -t {tag}:magic {context}\n{text}",
        "nbc.images.build": (
            "import nbcontainer as nbc\n"
            f"_ = nbc.images.build({text!r}, context={str(context)!r}, tags=('{tag}:api',)).result()"
        ),
        "buildkit client": f"from benchmarks.client import build\nbuild({str(context)!r}, '{tag}:client')",
        "buildkit client, new connection": (
            f"from benchmarks.client import build\nbuild({str(context)!r}, '{tag}:fresh', fresh=True)"
        ),
    }
    for name, cell in ours.items():
        kernel = Kernel(engine.variables)
        kernels.append(kernel)
        if name == "%%dockerfile":
            kernel.run("%load_ext nbcontainer")
        subjects.append(Subject(name, _running(kernel, cell), _peak(kernel)))
    peers = [
        Program("docker build -q", [engine.docker, "build", "-q", "-t", f"{tag}:cli", context], engine.variables),
        Program(
            "docker buildx build",
            [
                engine.docker,
                "buildx",
                "build",
                "--progress=rawjson",
                "--provenance=false",
                "-t",
                f"{tag}:buildx",
                context,
            ],
            engine.variables,
        ),
    ]
    targets = [Target(name, peer.name, ratio=0.5) for name in ("%%dockerfile", "nbc.images.build") for peer in peers]
    if not any(subject.name == "nbc.images.build" for subject in subjects):
        targets = [Target("buildkit client", peer.name, ratio=0.5) for peer in peers]
    return Comparison(title, subjects + [peer.subject() for peer in peers], targets, before)


def _running(kernel: Kernel, cell: str) -> Callable[[], float]:
    return lambda: kernel.run(cell)


def _peak(kernel: Kernel) -> Callable[[], int]:
    return lambda: kernel.peak


def _make_small(folder: Path) -> None:
    folder.mkdir()
    (folder / "Dockerfile").write_text(_SMALL)
    (folder / "app.py").write_text("print('hello')\n")


def _make_large(folder: Path) -> None:
    rnd = random.Random(1)
    for number in range(_FOLDERS):
        (folder / f"data/{number:03}").mkdir(parents=True)
    for number in range(_FILES):
        (folder / f"data/{number % _FOLDERS:03}/{number}.bin").write_bytes(rnd.randbytes(_FILE_SIZE))
    (folder / "src").mkdir()
    (folder / "Dockerfile").write_text(_LARGE)
    _edit(folder)


def _edit(folder: Path) -> None:
    (folder / "src/main.py").write_text(f"print({next(_EDITS)})\n")
