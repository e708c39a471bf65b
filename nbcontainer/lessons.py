"""The lessons: notebooks that come with the package, copied to where the user can run and change them."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from nbcontainer.errors import UsageError
from nbcontainer.identity import starting_folder
from nbcontainer.model.results import Remark, Report
from nbcontainer.model.tables import Tone
from nbcontainer.protection import reads

FOLDER = "nbcontainer-tour"
INDEX = "index.ipynb"
RECORD = ".nbcontainer-tour.json"
"""In the folder: the SHA-256 sum of each notebook as it was copied, by name."""


@reads
def tour(to: str = FOLDER) -> Report:
    """Copy the lessons into a folder; what you have changed there is left as it is.

    Args:
        to: the folder, which is created if it does not exist.

    Raises:
        UsageError: no folder is named, or the folder or a file cannot be written.
    """
    folder = _folder(to)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        changed = _copy(folder)
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"The lessons cannot be copied to {folder}: {why}.", cure="Name another folder.") from error
    index = folder / INDEX
    start = Remark(f"Begin with {index}", link=_link(index), cure=f"In a terminal: jupyter lab {_quoted(index)}")
    left = [
        Remark(f"You have changed {name}, so it was left as it is.", Tone.DIM, cure="Rename it to get a new copy.")
        for name in changed
    ]
    return Report((start, *left))


def notebooks() -> list[Path]:
    """The notebooks that come with the package; a clone has them beside it."""
    inside = Path(__file__).with_name("notebooks")
    return sorted((inside if inside.is_dir() else Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def _folder(to: str) -> Path:
    """The folder's whole path.

    Raises:
        UsageError: it is empty, or begins with `~` and a user who has no home folder.
    """
    if not to:
        raise UsageError("The folder for the lessons has no name.", cure=f"Name one, such as {FOLDER}.")
    try:
        path = Path(to).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{to} is not a folder: no such home folder.", cure="Name another folder.") from error
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the user's links


def _copy(folder: Path) -> list[str]:
    """Copy the notebooks; returns the names of those that the user has changed, which are left as they are.

    Raises:
        UsageError: a folder has the name of a notebook.
    """
    record = folder / RECORD
    copied = _read(record)
    changed = []
    for source in notebooks():
        content, target = source.read_bytes(), folder / source.name
        if target.is_dir():
            raise UsageError(f"{target} is a folder.", cure="Rename it, or name another folder for the lessons.")
        there = target.read_bytes() if target.exists() else None
        if there is not None and there != content and _digest(there) != copied.get(source.name):
            changed.append(source.name)
            continue
        if there != content:
            _write(target, content)
        copied[source.name] = _digest(content)
    _write(record, json.dumps(copied, indent=1).encode())
    return changed


def _read(record: Path) -> dict[str, str]:
    """The record; if it is missing or broken, every notebook that differs counts as changed."""
    with suppress(OSError, ValueError):
        found = json.loads(record.read_bytes())
        if isinstance(found, dict):
            return {name: digest for name, digest in found.items() if isinstance(digest, str)}
    return {}


def _write(target: Path, content: bytes) -> None:
    """Write a whole file or nothing."""
    new = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        new.write_bytes(content)
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _link(index: Path) -> str:
    """The index as a link in a notebook's output; "" if it is not below the notebook's folder."""
    with suppress(ValueError):
        return quote(index.relative_to(starting_folder()).as_posix())
    return ""


def _quoted(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)
