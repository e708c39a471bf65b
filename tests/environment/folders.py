"""Where the environment keeps downloads, builds and data: outside the clone and the user's own folders."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = Path(__file__).resolve().parent
"""The folder of these scripts, for the Go modules and configuration that lie beside them."""

SOCKET_PATH_LIMIT = 107
"""Longest path of a unix socket on Linux, in bytes (sun_path in unix(7))."""


def home() -> Path:
    """The root of all state: ``$NBCONTAINER_CACHE/environment``, by default under ``~/.cache/nbcontainer``."""
    cache = os.environ.get("NBCONTAINER_CACHE") or str(Path.home() / ".cache" / "nbcontainer")
    return Path(cache).expanduser().absolute() / "environment"


def folder(*names: str) -> Path:
    """A folder below the root, created if it is missing."""
    path = home().joinpath(*names)
    path.mkdir(parents=True, exist_ok=True)
    return path


def short_folder(name: str) -> Path:
    """A folder with a short path, for programs that need one; one per root, removed at a reboot."""
    digest = hashlib.sha256(str(home()).encode()).hexdigest()[:8]
    base = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    path = Path(base, f"nbcontainer-{digest}", name)
    path.mkdir(parents=True, exist_ok=True)
    return path


def log_file(name: str) -> Path:
    """The log of one process or one installation step."""
    return folder("logs") / f"{name}.log"


def write(path: Path, text: str, mode: int = 0o644) -> Path:
    """Writes a file atomically: a reader sees the old text or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.chmod(mode)
    temporary.replace(path)
    return path


def port(name: str, default: int) -> int:
    """A TCP port, which ``NBCONTAINER_ENVIRONMENT_<NAME>_PORT`` may change."""
    return int(os.environ.get(f"NBCONTAINER_ENVIRONMENT_{name}_PORT") or default)


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Holds a lock against other processes of the same user: concurrent ``up`` commands take turns."""
    with (folder("locks") / name).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
