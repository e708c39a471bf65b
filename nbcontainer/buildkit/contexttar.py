"""A build context as a tar, for builders that cannot request files one by one.

These builders (Podman's, Docker's before BuildKit) expect their client to apply `.dockerignore`. Podman then also
applies the one in the tar, with its own rules; so the tar gets one that lists only the files added here.
"""

from __future__ import annotations

import hashlib
import posixpath
import tarfile
from collections.abc import Iterator, Sequence

from .filestat import CHARACTER_DEVICE, DEVICE, DIRECTORY, FIFO, SYMLINK, is_regular, permissions
from .filesync import Statistics
from .messages import Stat
from .tree import Tree

_BLOCK = tarfile.BLOCKSIZE
_SMALL = 1 << 18
_IGNORE_FILES = (".dockerignore", ".containerignore")


class ContextTar:
    """The bytes of a tar (GNU format, times in whole seconds), made while they are read; it may be iterated repeatedly.

    Args:
        tree: What to pack.
        dockerfile: Its text, which is packed beside the context.
        ignore_patterns: What to leave out; see `patterns.read_ignore_file`.
        statistics: Kept up to date meanwhile.

    Attributes:
        dockerfile_name: The Dockerfile's name in the tar, which the builder needs. It depends on the content, so
            that an unchanged context makes an unchanged tar.

    Raises (while iterating):
        ContextError: A file or folder cannot be read.
        InvalidPatternError: A pattern is not valid.
    """

    def __init__(
        self,
        tree: Tree,
        dockerfile: str | bytes,
        ignore_patterns: Sequence[str] = (),
        statistics: Statistics | None = None,
    ) -> None:
        self._tree = tree
        self._dockerfile = dockerfile.encode() if isinstance(dockerfile, str) else dockerfile
        self._patterns = ignore_patterns
        self._statistics = statistics or Statistics()
        digest = hashlib.sha256(self._dockerfile).hexdigest()
        length = 20
        while tree.exists(f".dockerfile.{digest[:length]}"):
            length += 1
        self.dockerfile_name = f".dockerfile.{digest[:length]}"
        self.outward_link: Stat | None = None
        """The first packed symbolic link whose target is above the context, which Podman 4 rejects."""

    def __iter__(self) -> Iterator[bytes]:
        """Pack, a piece at a time; no more than about a megabyte is held in memory."""
        own_ignore_file = "".join(f"{name}\n" for name in (*_IGNORE_FILES, self.dockerfile_name))
        pieces = [_member(self.dockerfile_name, self._dockerfile), _member(_IGNORE_FILES[0], own_ignore_file.encode())]
        size = sum(map(len, pieces))
        for stat in self._tree.walk(exclude=self._patterns):
            if stat.path in _IGNORE_FILES:
                continue
            for piece in self._pack(stat):
                pieces.append(piece)
                size += len(piece)
                if size >= _SMALL:
                    yield b"".join(pieces)
                    pieces, size = [], 0
        pieces.append(bytes(2 * _BLOCK))
        yield b"".join(pieces)
        self._statistics.finished = True

    def _pack(self, stat: Stat) -> Iterator[bytes]:
        if not is_regular(stat.mode) or stat.linkname:
            if self.outward_link is None and stat.mode & SYMLINK and _leads_out(stat):
                self.outward_link = stat
            yield _header(stat, 0)
            return
        with self._tree.open(stat.path, stat.size, stat.mtime) as file:
            yield _header(stat, file.size)
            sent = 0
            for data in file.chunks():
                sent += len(data)
                yield data
            # a file that shrank is padded with zeros: its size has already been sent
            while sent < file.size:
                filler = bytes(min(file.size - sent, _SMALL))
                sent += len(filler)
                yield filler
            yield bytes(-file.size % _BLOCK)
            if file.problem:
                self._statistics.note(stat.path, file.problem)


def _leads_out(link: Stat) -> bool:
    folder = posixpath.dirname(link.path)
    return posixpath.normpath(posixpath.join(folder, link.linkname)).split("/", 1)[0] == ".."


def _member(name: str, data: bytes) -> bytes:
    return _header(Stat(path=name, mode=0o644), len(data)) + data + bytes(-len(data) % _BLOCK)


def _header(stat: Stat, size: int) -> bytes:
    info = tarfile.TarInfo(stat.path)
    info.mode = permissions(stat.mode)
    info.mtime = stat.mtime // 10**9
    info.linkname = stat.linkname
    if stat.mode & DIRECTORY:
        info.type = tarfile.DIRTYPE
    elif stat.mode & SYMLINK:
        info.type = tarfile.SYMTYPE
    elif stat.mode & DEVICE:
        info.type = tarfile.CHRTYPE if stat.mode & CHARACTER_DEVICE else tarfile.BLKTYPE
        info.devmajor, info.devminor = stat.devmajor, stat.devminor
    elif stat.mode & FIFO:
        info.type = tarfile.FIFOTYPE
    elif stat.linkname:
        info.type = tarfile.LNKTYPE
    else:
        info.size = size
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
