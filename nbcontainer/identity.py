"""Whose it is: the label of what a notebook has made, and the id in it that tells the notebook from all others."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path

__all__ = ["NOTEBOOK_LABEL", "IdentityWarning", "data_folder", "notebook_id"]

NOTEBOOK_LABEL = "nbcontainer.notebook"
_RANDOM_ID = re.compile(r"[0-9a-f]{32}")
_OF_THIS_PROCESS = secrets.token_hex(16)


class IdentityWarning(UserWarning):
    """The user's id cannot be kept; another kernel will not know what this one has made."""


def notebook_id(path: str = "") -> str:
    """The notebook's id, which survives the kernel: the value of the label `nbcontainer.notebook`.

    It is of the notebook's path and of the user's random id: in a JupyterHub the same path is in everybody's home, and
    the pods of all of them may be in one namespace.

    Args:
        path: the notebook's path; "" for this one's, as Jupyter tells it, else for the working folder.
    """
    path = path or os.environ.get("JPY_SESSION_NAME") or str(Path.cwd())
    return hashlib.sha256(f"{_user_id(data_folder())}\0{path}".encode()).hexdigest()[:12]


def data_folder() -> Path:
    """Where the user's data of nbcontainer is kept, as each platform has it."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "nbcontainer"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "nbcontainer"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "nbcontainer"


@cache
def _user_id(folder: Path) -> str:
    """The random id that is kept in `folder`; where it cannot be kept, one of this process."""
    file = folder / "user-id"
    try:
        return _read(file) or _create(file)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: there is no home
        why = getattr(error, "strerror", None) or error
        text = f"{file} cannot be used: {why}. What this notebook makes has an id that ends with its kernel."
        warnings.warn_explicit(text, IdentityWarning, "nbcontainer", 0)  # without a line of ours under it
        return _OF_THIS_PROCESS


def _read(file: Path) -> str:
    """The id in the file, "" where there is no file."""
    try:
        text = file.read_text("ascii").strip()
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
    return _read(file)


def _put(new: Path, file: Path) -> None:
    """Give `new` a second name, unless something has that name already."""
    try:
        file.hardlink_to(new)
    except FileExistsError:
        pass
    except OSError:  # a filesystem without hard links
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as output:
            output.write(new.read_bytes())
