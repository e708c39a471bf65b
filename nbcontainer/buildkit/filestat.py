"""Metadata of one file of a build context, as BuildKit's directory protocol needs it.

It is what buildx sends: https://github.com/tonistiigi/fsutil (`stat.go`, `stat_unix.go`).
"""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import stat as stat_bits
import time
from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple, Self

from .messages import Stat

CHUNK = 1 << 20
"""Bytes per read; the daemon accepts messages of up to 16 MiB."""

# Go's os.FileMode, which is not st_mode: https://pkg.go.dev/io/fs#FileMode
DIRECTORY = 1 << 31
SYMLINK = 1 << 27
DEVICE, FIFO, _SETUID, _SETGID = 1 << 26, 1 << 25, 1 << 23, 1 << 22
CHARACTER_DEVICE, _STICKY, _IRREGULAR, _SOCKET = 1 << 21, 1 << 20, 1 << 19, 1 << 24
_TYPE = DIRECTORY | SYMLINK | DEVICE | FIFO | CHARACTER_DEVICE | _IRREGULAR | _SOCKET
_GO_BITS = {
    stat_bits.S_IFDIR: DIRECTORY,
    stat_bits.S_IFLNK: SYMLINK,
    stat_bits.S_IFBLK: DEVICE,
    stat_bits.S_IFCHR: DEVICE | CHARACTER_DEVICE,
    stat_bits.S_IFIFO: FIFO,
}

_MEMORY_TIME = 1_600_000_000 * 10**9

GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
"""Errors of a file that is no longer what it was when its folder was listed."""

FirstNames = dict[tuple[int, int], str]
"""Device and inode → the first name under which a file with several was found."""

Known = dict[tuple[int, int], tuple[tuple[int, ...], Stat]]
"""Device and inode → what shows whether a file has changed, and its `Stat` when it was last listed."""

_SETTLED = 2 * 10**9  # nanoseconds after which a change cannot go unnoticed because of the clock's coarse steps
_known: Known = {}
_MOST_KNOWN = 100_000


class ContextError(Exception):
    """A build context that cannot be sent.

    Attributes:
        path: The file or folder at fault: within the context, or the context itself.
        reason: What is wrong with it.
    """

    def __init__(self, path: str, reason: str) -> None:
        shown = repr(path)
        try:
            path.encode()
        except UnicodeEncodeError:
            shown = "'" + os.fsencode(path).decode("utf-8", "backslashreplace") + "'"
        super().__init__(f"build context: {shown}: {reason}")
        self.path = path
        self.reason = reason


class MemoryFile(NamedTuple):
    """A file that is not on disk.

    Attributes:
        data: Its content.
        mode: Its permissions.
    """

    data: bytes
    mode: int = 0o644


@functools.cache
def go_mode(mode: int) -> int:
    """Translate `st_mode` to Go's `os.FileMode`; sockets become ordinary files, as for buildx."""
    result = mode & 0o777 | _GO_BITS.get(stat_bits.S_IFMT(mode), 0)
    if mode & stat_bits.S_ISUID:
        result |= _SETUID
    if mode & stat_bits.S_ISGID:
        result |= _SETGID
    if mode & stat_bits.S_ISVTX:
        result |= _STICKY
    return result


def permissions(mode: int) -> int:
    """Translate the permissions of Go's `os.FileMode` back to those of `st_mode`."""
    result = mode & 0o777
    for bit, meaning in ((_SETUID, stat_bits.S_ISUID), (_SETGID, stat_bits.S_ISGID), (_STICKY, stat_bits.S_ISVTX)):
        result |= meaning if mode & bit else 0
    return result


def is_regular(mode: int) -> bool:
    """Whether Go's `os.FileMode` is that of an ordinary file, whose content can be requested."""
    return not mode & _TYPE


class FileReader:
    """A file that is being read: at most the bytes that it had when it was opened.

    Attributes:
        size: Bytes to come; a file that shrinks yields fewer.
        problem: What happened to it since it was listed; empty if nothing did.
    """

    __slots__ = ("_data", "_descriptor", "_path", "problem", "size")

    def __init__(
        self, path: str, data: bytes = b"", descriptor: int | None = None, size: int = 0, problem: str = ""
    ) -> None:
        self._path = path
        self._data = data
        self._descriptor = descriptor
        self.size = len(data) if descriptor is None else size
        self.problem = problem

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def chunks(self) -> Iterator[bytes]:
        """Read to the end, at most `CHUNK` bytes at once.

        Raises:
            ContextError: The disk failed.
        """
        if self._descriptor is None:
            for start in range(0, self.size, CHUNK):
                yield self._data[start : start + CHUNK]
            return
        left = self.size
        while left:
            try:
                data = os.read(self._descriptor, min(left, CHUNK))
            except OSError as error:
                raise ContextError(self._path, f"cannot be read: {error.strerror}") from error
            if not data:
                self.problem = "shrank while it was sent"
                return
            left -= len(data)
            yield data


def describe(path: str, entry: os.DirEntry[str], folder: int | None, first_names: FirstNames) -> Stat | None:
    """Describe a file on disk; owner and group stay 0, as in every docker client.

    The attributes of a file that has not changed since it was last described are not read again: whatever changes
    them also changes its ctime.

    Args:
        path: Its path within the context.
        entry: The directory entry.
        folder: The descriptor of its folder, if it was listed through one.
        first_names: Read and extended for files with several names.

    Returns:
        None if it has vanished. Must not be changed: it is cached.

    Raises:
        ContextError: It cannot be read, or has a name that BuildKit does not accept.
    """
    try:
        if folder is None:
            status = entry.stat(follow_symlinks=False)
        else:  # not through the entry, whose descriptor may have been closed
            status = os.stat(entry.name, dir_fd=folder, follow_symlinks=False)
        if status.st_nlink != 1 or not stat_bits.S_ISREG(status.st_mode):
            return _described(path, entry, folder, status, first_names)
        changed = status.st_ctime_ns
        facts = (changed, status.st_mtime_ns, status.st_size, status.st_mode)
        known = _known.get((status.st_dev, status.st_ino))
        if known is not None and known[0] == facts and known[1].path == path:
            return known[1]
        stat = _described(path, entry, folder, status, first_names)
        if time.time_ns() - changed > _SETTLED:
            if len(_known) >= _MOST_KNOWN:
                _known.clear()
            _known[status.st_dev, status.st_ino] = facts, stat
    except OSError as error:
        if error.errno in GONE or error.errno == errno.EINVAL:  # EINVAL: no longer a symbolic link
            return None
        raise unreadable(path, error) from error
    return stat


def _described(
    path: str, entry: os.DirEntry[str], folder: int | None, status: os.stat_result, first_names: FirstNames
) -> Stat:
    _check_name(path)
    mode = go_mode(status.st_mode)
    stat = Stat(path=path, mode=mode, mtime=status.st_mtime_ns)
    if not mode & DIRECTORY:
        stat.size = status.st_size
        if mode & SYMLINK:
            stat.linkname = _link_target(path, entry.path, folder)
        elif status.st_nlink > 1:
            first = first_names.setdefault((status.st_dev, status.st_ino), path)
            if first != path:
                stat.linkname = first
        if mode & DEVICE:
            stat.devmajor, stat.devminor = os.major(status.st_rdev), os.minor(status.st_rdev)
    attributes = _extended_attributes(path, entry.path if folder is None else f"/proc/self/fd/{folder}/{entry.name}")
    if attributes:
        stat.xattrs = attributes
    return stat


def describe_memory(path: str, file: MemoryFile) -> Stat:
    """Describe a file in memory; its time is made from its content, since the daemon compares size, time and mode."""
    _check_name(path)
    digest = int.from_bytes(hashlib.sha256(file.data).digest()[:8], "big")
    mtime = _MEMORY_TIME + digest % 10**9
    return Stat(path=path, mode=go_mode(file.mode & 0o7777), size=len(file.data), mtime=mtime)


def describe_folder(path: str) -> Stat:
    """Describe a folder that exists in memory only."""
    _check_name(path)
    return Stat(path=path, mode=DIRECTORY | 0o755, mtime=_MEMORY_TIME)


def _check_name(path: str) -> None:
    if not path.isascii():
        try:
            path.encode()
        except UnicodeEncodeError:
            raise ContextError(path, "its name is not UTF-8, which builds require; rename it") from None


def _link_target(path: str, on_disk: str, folder: int | None) -> str:
    target = os.readlink(on_disk, dir_fd=folder)
    try:
        target.encode()
    except UnicodeEncodeError:
        raise ContextError(path, "the target of this symbolic link is not UTF-8, which builds require") from None
    return target


def _extended_attributes(path: str, on_disk: str) -> dict[str, bytes]:
    """Read extended attributes as buildx does: all but Apple's own and those whose value cannot be read."""
    if not hasattr(os, "listxattr"):  # Python has it on Linux only
        return {}
    try:
        names = os.listxattr(on_disk, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise
    found = {}
    for name in names:
        if name.startswith("com.apple."):
            continue
        try:
            name.encode()
            found[name] = os.getxattr(on_disk, name, follow_symlinks=False)
        except UnicodeEncodeError:
            raise ContextError(path, "has an extended attribute whose name is not UTF-8") from None
        except OSError:
            continue
    return found


def unreadable(path: str, error: OSError) -> ContextError:
    """The error for a file or folder that cannot be read, and what to do."""
    return ContextError(path, f"cannot be read: {error.strerror}; make it readable or name it in .dockerignore")
