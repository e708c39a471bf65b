"""Debian packages without installing them: downloaded by apt, unpacked into private folders.

The machine's package database, its sources and what is installed stay as they are, and no root is needed.
apt runs with its own lists, cache and preferences, and the machine's mirror.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import folders
from .part import Unavailable
from .processes import StartFailed, run

if TYPE_CHECKING:
    from collections.abc import Sequence

RELEASE = "bookworm"
NEWER = "sid"
_LISTS_KEEP_SECONDS = 86_400
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def mirrors() -> dict[str, str]:
    """The suites of the machine's own Debian sources and the address of each.

    Raises:
        Unavailable: This is not a Debian 12 with package sources.
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise Unavailable("apt-get and dpkg-deb are not installed: the parts are made from Debian packages")
    targets = run(
        ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI) $(COMPONENT)", "Created-By: Packages"]
    )
    found: dict[str, str] = {}
    for line in targets.splitlines():
        suite, address, component = line.split()
        if suite.startswith(RELEASE) and component == "main":
            found.setdefault(suite, address)
    if RELEASE not in found:
        raise Unavailable(f"the package sources of this machine have no Debian {RELEASE}")
    return found


def _apt_options(suite: str) -> list[str]:
    """Options that isolate apt, with the sources of one suite."""
    root = folders.folder("apt", suite)
    for name in ("lists/partial", "cache/archives/partial", "empty"):
        (root / name).mkdir(parents=True, exist_ok=True)
    known = mirrors()
    lines = (
        [f"deb [signed-by={_KEYRING}] {known[RELEASE]} {NEWER} main"]
        if suite == NEWER
        else [f"deb [signed-by={_KEYRING}] {address} {name} main" for name, address in known.items()]
    )
    folders.write(root / "sources.list", "\n".join(lines) + "\n")
    settings = {
        "Dir::Etc::sourcelist": root / "sources.list",
        "Dir::Etc::sourceparts": root / "empty",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": root / "empty",
        "Dir::State::lists": root / "lists",
        "Dir::Cache": root / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": 3,
        "APT::Update::Post-Invoke-Success": "",
    }
    return [item for name, value in settings.items() for item in ("-o", f"{name}={value}")]


def update(suite: str = RELEASE, *, force: bool = False) -> None:
    """Downloads the package lists of one suite, at most once a day."""
    stamp = folders.folder("apt", suite) / "updated"
    if not force and stamp.exists() and time.time() - stamp.stat().st_mtime < _LISTS_KEEP_SECONDS:
        return
    run(["apt-get", "update", "-q", "--error-on=any", *_apt_options(suite)])
    stamp.touch()


def download(names: Sequence[str], suite: str, into: Path) -> list[Path]:
    """Downloads packages, without dependencies, into a folder."""
    with folders.locked(f"apt-{suite}"):
        update(suite)
        command = ["apt-get", "download", "-q", *_apt_options(suite), *names]
        try:
            run(command, cwd=into)
        except StartFailed:
            # an outdated list names files that the mirror no longer has
            update(suite, force=True)
            run(command, cwd=into)
    return sorted(into.glob("*.deb"))


def unpack(name: str, packages: Sequence[str], suite: str = RELEASE) -> Path:
    """A private folder tree that holds the files of some packages; made once for each set of packages.

    Args:
        name: Names the tree.
        packages: All that is needed, libraries too: dependencies are not followed, since most of them
            (libc6, libseccomp2, ...) are part of every Debian system.
        suite: The Debian release they come from.

    Returns:
        The root of the tree (it holds ``usr/``).
    """
    digest = hashlib.sha256(" ".join([suite, *sorted(packages)]).encode()).hexdigest()[:12]
    target = folders.folder("packages") / f"{name}-{digest}"
    with folders.locked(f"unpack-{name}"):
        if target.is_dir():
            return target
        with tempfile.TemporaryDirectory(dir=folders.folder("packages"), prefix=".unpack-") as temporary:
            archives, tree = Path(temporary, "archives"), Path(temporary, "tree")
            archives.mkdir()
            tree.mkdir(mode=0o755)
            for archive in download(packages, suite, archives):
                run(["dpkg-deb", "--extract", str(archive), str(tree)])
            tree.rename(target)
    return target


def program_path(*trees: Path) -> str:
    """A ``PATH`` that finds the programs of the trees first, then the machine's."""
    names = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")
    private = [str(tree / name) for tree in trees for name in names if (tree / name).is_dir()]
    machine = os.environ.get("PATH", "").split(":")
    # sbin is missing from the PATH of unprivileged users and of some root shells
    return ":".join([*private, *machine, "/usr/sbin", "/sbin"])


def library_path(*trees: Path) -> str:
    """An ``LD_LIBRARY_PATH`` for the shared libraries in the trees."""
    found = [str(path) for tree in trees for path in (*tree.glob("usr/lib/*-linux-gnu"), *tree.glob("lib/*-linux-gnu"))]
    return ":".join([*found, *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])


def works(*command: str, environment: dict[str, str] | None = None) -> bool:
    """Whether a program can start here, e.g. finds a C library that is new enough."""
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=20, check=False, env={**os.environ, **(environment or {})}
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def program(name: str, package: str = "") -> str:
    """A program of the machine, or else from a Debian package that is unpacked for it."""
    found = shutil.which(name, path=program_path())
    if found:
        return found
    tree = unpack(package or name, [package or name])
    found = shutil.which(name, path=program_path(tree))
    if not found:
        raise Unavailable(f"{name} is neither installed nor in the Debian package {package or name}")
    return found
