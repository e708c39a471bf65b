"""Ownership: the label on everything that a notebook creates, with an id that identifies the notebook."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

NOTEBOOK_LABEL = "nbcontainer.notebook"
_RANDOM_ID = re.compile(r"[0-9a-f]{32}")
_OF_THIS_PROCESS = secrets.token_hex(16)
_WRITE_SECONDS = 1.0


class IdentityWarning(UserWarning):
    """The user's id cannot be saved; another kernel will not recognise what this one has created."""


def notebook_id(path: str = "") -> str:
    """The notebook's id, which survives the kernel: the value of the label `nbcontainer.notebook`.

    It is made from the notebook's path and the user's random id: in a JupyterHub, everybody's home may have the same
    path, and all their pods may be in one namespace.

    Args:
        path: the notebook's path; "" for this one's, from VS Code or Jupyter, or else for the working directory at the
            time of import.
    """
    path = path or notebook_path() or _STARTED_IN
    return hashlib.sha256(f"{_user_id()}\0{path}".encode("utf-8", "surrogateescape")).hexdigest()[:12]


def notebook_path() -> str:
    """The path of this notebook's file, as VS Code or Jupyter told its kernel at the start; "" if neither did."""
    return _path_in_vs_code() or os.environ.get("JPY_SESSION_NAME", "")


def _path_in_vs_code() -> str:
    """The path that VS Code passes to its kernels, "" elsewhere; Jupyter's session name differs at each start."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return str(shell.user_ns.get("__vsc_ipynb_file__") or "") if shell is not None else ""


def _working_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it has been removed
        return ""


_STARTED_IN = _working_folder()  # kept, because a notebook that changes its directory is still the same notebook


def starting_folder() -> str:
    """The notebook's folder: the working directory at the time of import; "" if it had been removed."""
    return _STARTED_IN


def data_folder() -> Path:
    """The folder for nbcontainer's user data, by the platform's convention."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "nbcontainer"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "nbcontainer"
    named = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".local" / "share") / "nbcontainer"  # by the XDG convention


def _user_id() -> str:
    """The random id in the data folder; if it cannot be saved there, an id of this process."""
    try:
        folder = data_folder()
    except RuntimeError:
        return _without("There is no home folder")
    return _kept_id(folder / "user-id")


@cache
def _kept_id(file: Path) -> str:
    try:
        return _read(file) or _create(file)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        return _without(f"{file} cannot be used: {why}")


@cache
def _without(why: str) -> str:
    """The id of this process, with a warning once."""
    text = f"{why}. What this notebook creates has an id that is lost when its kernel ends."
    warnings.warn_explicit(text, IdentityWarning, "nbcontainer", 0)  # so that no source line of ours is shown
    return _OF_THIS_PROCESS


def _read(file: Path) -> str:
    """The id in the file, "" where there is no file."""
    deadline = time.monotonic() + _WRITE_SECONDS
    try:
        while not (text := file.read_text("ascii").strip()) and time.monotonic() < deadline:
            time.sleep(0.01)  # without hard links, another process may be writing it
    except FileNotFoundError:
        return ""
    if not _RANDOM_ID.fullmatch(text):
        raise ValueError("it contains no id; remove it")
    return text


def _create(file: Path) -> str:
    """Write a new id atomically; if another process was faster, return that one's."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".user-id-")  # readable only by this user
    try:
        with os.fdopen(descriptor, "w") as output:
            output.write(f"{secrets.token_hex(16)}\n")
        _put(Path(temporary), file)
    finally:
        Path(temporary).unlink()
    if found := _read(file):
        return found
    raise ValueError("it is a broken link; remove it")


def _put(new: Path, file: Path) -> None:
    """Give `new` a second name, unless that name is taken."""
    with suppress(FileExistsError):
        try:
            file.hardlink_to(new)
        except FileExistsError:
            raise
        except OSError:  # a filesystem without hard links
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as output:
                output.write(new.read_bytes())
