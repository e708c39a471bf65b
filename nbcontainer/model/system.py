"""The disk space that an engine uses."""

from __future__ import annotations

from dataclasses import dataclass

from nbcontainer.drawn import Drawn

IMAGES, CONTAINERS, VOLUMES, BUILD_CACHE = "Images", "Containers", "Local Volumes", "Build Cache"  # docker's words


@dataclass(frozen=True, slots=True)
class Stored:
    """One object that takes disk space.

    Attributes:
        name: an image's first tag, a container's or a volume's name, what a cache record is; or a short id.
        size: bytes, with what it shares; -1 if the engine does not know it.
        shared: bytes that it shares with others.
        is_active: whether it is in use: an image or a volume by a container; a container if it runs.
        created: seconds since the epoch; 0 where it is not known.
    """

    name: str
    size: int
    shared: int = 0
    is_active: bool = False
    created: float = 0.0

    @property
    def own(self) -> int:
        """Bytes that it alone takes."""
        return max(0, self.size - self.shared)


@dataclass(frozen=True, slots=True)
class Usage:
    """What the objects of one kind take together.

    Attributes:
        kind: `IMAGES`, `CONTAINERS`, `VOLUMES` or `BUILD_CACHE`.
        total: how many there are.
        active: how many of them are in use.
        size: bytes.
        reclaimable: bytes that would be freed if those that are not in use were removed.
        objects: each of them, the largest first, if they were asked for.
    """

    kind: str
    total: int
    active: int
    size: int
    reclaimable: int
    objects: tuple[Stored, ...] = ()

    @property
    def inactive(self) -> int:
        """How many are not in use."""
        return self.total - self.active


@dataclass(frozen=True)
class DiskUsage(Drawn):
    """The disk space that an engine uses, as `docker system df` tells it.

    Attributes:
        where: the engine.
        usages: images, containers, volumes and the build cache.
        called: how a `%docker` line must name the engine, "" for the one in use.
        note: a remark on the figures.
    """

    where: str
    usages: tuple[Usage, ...]
    command: str = ""
    called: str = ""
    note: str = ""

    def __repr__(self) -> str:
        """How much it is, and where."""
        return f"DiskUsage({self.size:,} bytes in {self.where})"

    def usage(self, kind: str) -> Usage:
        """What the objects of one kind take."""
        return next(usage for usage in self.usages if usage.kind == kind)

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(usage.size for usage in self.usages)

    @property
    def reclaimable(self) -> int:
        """Bytes in all that are not in use."""
        return sum(usage.reclaimable for usage in self.usages)
