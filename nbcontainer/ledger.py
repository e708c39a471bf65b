"""The images that a notebook built. Their digests must not change, so they have no label; they are noted in a file."""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from nbcontainer.identity import data_folder, notebook_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path


@dataclass(frozen=True)
class BuiltImage:
    """An image that this notebook built.

    Attributes:
        engine: the address of the engine that has it.
        id: the image's id.
        tags: the names that the build gave it.
    """

    engine: str
    id: str
    tags: tuple[str, ...] = ()


def note_image(image: BuiltImage) -> None:
    """Add an image to this notebook's ledger. Where it cannot be written, the log says so: the build succeeded."""
    line = json.dumps(asdict(image)) + "\n"
    try:
        path = _path()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as output:
            output.write(line)  # one write, so that two kernels of one notebook cannot mix their lines
    except (OSError, RuntimeError) as error:
        logging.getLogger(__name__).warning("The ledger of built images cannot be written: %s", error)


def built_images() -> list[BuiltImage]:
    """The images that this notebook has built, oldest first; those of broken lines are left out."""
    try:
        lines = _path().read_text("utf-8", errors="replace").splitlines()
    except (OSError, RuntimeError):
        return []
    found: dict[BuiltImage, None] = {}
    for line in lines:
        with suppress(ValueError, TypeError, KeyError):
            entry = json.loads(line)
            found[BuiltImage(str(entry["engine"]), str(entry["id"]), tuple(map(str, entry["tags"])))] = None
    return list(found)


def forget_images(images: Collection[BuiltImage]) -> None:
    """Remove images from the ledger, because they are gone."""
    kept: Iterable[str] = (json.dumps(asdict(one)) for one in built_images() if one not in images)
    with suppress(OSError, RuntimeError):
        path = _path()
        new = path.with_name(f"{path.name}.{os.getpid()}")
        new.write_text("".join(f"{line}\n" for line in kept), "utf-8")
        new.replace(path)


def _path() -> Path:
    return data_folder() / "built" / f"{notebook_id()}.jsonl"
