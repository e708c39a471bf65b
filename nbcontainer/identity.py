"""Whose it is: the label of what a notebook has made, and the id in it that tells the notebook from all others."""

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

__all__ = ["NOTEBOOK_LABEL", "IdentityWarning", "data_folder", "notebook_id"]

NOTEBOOK_LABEL = "nbcontainer.notebook"
_RANDOM_ID = re.compile(r"[0-9a-f]{32}")
_OF_THIS_PROCESS = secrets.token_hex(16)
_WRITE_SECONDS = 1.0


class IdentityWarning(UserWarning):
    """The user's id cannot be kept; another kernel will not know what this one has made."""


def notebook_id(path: str = "") -> str:
    """The notebook's id, which survives the kernel: the value of the label `nbcontainer.notebook`.

    It is of the notebook's path and of the user's random id: in a JupyterHub the same path is in everybody's home, and
    the pods of all of them may be in one namespace.

    Args:
        path: the notebook's path; "" for this one's, as VS Code or Jupyter tells it, else for the folder that Python
            was in when this was loaded.
    """
    path = path or _path_in_vs_code() or os.environ.get("JPY_SESSION_NAME") or _BEGAN_IN
    return hashlib.sha256(f"{_user_id()}\0{path}".encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _path_in_vs_code() -> str:
    """The path that VS Code gives to its kernels, "" elsewhere; what Jupyter has of it is another at each start."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return str(shell.user_ns.get("__vsc_ipynb_file__") or "") if shell is not None else ""


def _working_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it is removed
        return ""


_BEGAN_IN = _working_folder()  # whoever goes to another folder is in the same notebook all the same


def data_folder() -> Path:
    """Where the user's data of nbcontainer is kept, as each platform has it."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "nbcontainer"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "nbcontainer"
    named = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".local" / "share") / "nbcontainer"  # as XDG has it


def _user_id() -> str:
    """The random id that is kept in the data folder; where it cannot be kept, one of this process."""
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
    text = f"{why}. What this notebook makes has an id that ends with its kernel."
    warnings.warn_explicit(text, IdentityWarning, "nbcontainer", 0)  # without a line of ours under it
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
        raise ValueError("it holds no id; remove it")
    return text


def _create(file: Path) -> str:
    """Put a new id there, whole and at once; where another process was quicker, the id is that one's."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".user-id-")  # for this user alone
    try:
        with os.fdopen(descriptor, "w") as output:
            output.write(f"{secrets.token_hex(16)}\n")
        _put(Path(temporary), file)
    finally:
        Path(temporary).unlink()
    if found := _read(file):
        return found
    raise ValueError("it leads nowhere; remove it")


def _put(new: Path, file: Path) -> None:
    """Give `new` a second name, unless something has that name already."""
    with suppress(FileExistsError):
        try:
            file.hardlink_to(new)
        except FileExistsError:
            raise
        except OSError:  # a filesystem without hard links
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as output:
                output.write(new.read_bytes())
