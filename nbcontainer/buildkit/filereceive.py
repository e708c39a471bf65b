"""The receiving half of the directory protocol: what an exporter of type `local` puts into a folder.

The daemon calls `moby.filesync.v1.FileSend/DiffCopy` and lists its files; this end asks for their content. As with
buildx, what the folder holds already stays unless it has the same name, and everything belongs to the user.
The daemon is not trusted to stay within the folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat as stat_bits
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .filestat import CHARACTER_DEVICE, DEVICE, DIRECTORY, FIFO, SYMLINK, is_regular, permissions
from .filesync import DATA, ERROR, FINISHED, REQUEST, STAT, Statistics, TransferError
from .messages import Packet, Stat
from .patterns import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["receive"]


def receive(
    packets: Iterable[bytes], destination: str | os.PathLike[str], statistics: Statistics | None = None
) -> Iterator[list[bytes]]:
    """Answer one call of `FileSend/DiffCopy`.

    Args:
        packets: Those of the daemon.
        destination: The folder; it is made if it does not exist.
        statistics: Kept up to date meanwhile.

    Yields:
        Packets to send, several at a time.

    Raises:
        TransferError: The daemon failed, broke the protocol, or ended before all was there.
        OSError: A file cannot be written.
    """
    statistics = statistics or Statistics()
    with contextlib.closing(_Receiver(Path(destination), statistics)) as receiver:
        for raw in packets:
            packet = Packet.decode(raw)
            if packet.type == ERROR:
                raise TransferError(f"the daemon cannot send the result: {packet.data.decode('utf-8', 'replace')}")
            if packet.type == FINISHED and statistics.finished:
                statistics.report(now=True)
                return
            if packet.type == STAT and packet.stat is not None:
                if receiver.add(packet.stat):
                    yield [Packet(type=REQUEST, id=receiver.listed - 1).encode()]
            elif packet.type == STAT:
                receiver.complete = True
            elif packet.type == DATA:
                receiver.write(packet.id, packet.data)
            if receiver.complete and not receiver.awaited and not statistics.finished:
                receiver.finish()
                statistics.finished = True
                yield [Packet(type=FINISHED).encode()]
    raise TransferError("the daemon ended before it had sent the whole result")


class _Receiver:
    """Files while they arrive.

    Attributes:
        listed: How many entries the daemon has listed.
        complete: Whether it has listed all.
        awaited: Files that have not arrived whole, by number.
    """

    def __init__(self, destination: Path, statistics: Statistics) -> None:
        destination.mkdir(parents=True, exist_ok=True)
        self._root = destination.resolve()
        self._statistics = statistics
        self._folders: dict[str, Stat | None] = {"": None}
        self._links: list[Stat] = []
        self._open: dict[int, tuple[BinaryIO, Path]] = {}
        self.listed = 0
        self.complete = False
        self.awaited: dict[int, Stat] = {}

    def add(self, stat: Stat) -> bool:
        """Make what the daemon lists; says whether its content must be asked for."""
        above, _, name = stat.path.rpartition("/")
        if not name or clean(stat.path) != stat.path or name == ".." or "\0" in stat.path or above not in self._folders:
            raise TransferError(f"the daemon listed {stat.path!r}, which is no path in a folder that it has listed")
        number, self.listed = self.listed, self.listed + 1
        self._statistics.entries = self.listed
        target = self._root / stat.path
        if stat.mode & DIRECTORY:
            if target.is_symlink() or not target.is_dir():
                _remove(target)
                target.mkdir()
            self._folders[stat.path] = stat
        elif stat.mode & SYMLINK:
            _remove(target)
            target.symlink_to(stat.linkname)
            _set_facts(target, stat)
        elif stat.mode & (DEVICE | FIFO):
            self._make_special(target, stat)
        elif stat.linkname:
            self._links.append(stat)
        elif is_regular(stat.mode):
            self.awaited[number] = stat
            return True
        return False

    def write(self, number: int, data: bytes) -> None:
        """Take a piece of a file; an empty one ends it."""
        stat = self.awaited.get(number)
        if stat is None:
            raise TransferError(f"the daemon sent file number {number}, which was not asked for")
        target = self._root / stat.path
        if number not in self._open:
            unfinished = target.with_name(f".unfinished.{os.getpid()}.{number}")
            unfinished.unlink(missing_ok=True)
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._open[number] = (os.fdopen(descriptor, "wb"), unfinished)
        file, unfinished = self._open[number]
        file.write(data)
        self._statistics.bytes += len(data)
        if not data:
            file.close()
            del self._open[number], self.awaited[number]
            _set_facts(unfinished, stat)
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            unfinished.replace(target)
            self._statistics.files += 1
            self._statistics.path = stat.path
        self._statistics.report()

    def finish(self) -> None:
        """Do what can be done only when all files are there: further names, and the facts of folders."""
        for stat in self._links:
            source = self._root / stat.linkname
            if clean(stat.linkname) != stat.linkname or stat.linkname.rpartition("/")[0] not in self._folders:
                raise TransferError(f"the daemon links {stat.path!r} to {stat.linkname!r}, which it has not sent")
            target = self._root / stat.path
            _remove(target)
            os.link(source, target, follow_symlinks=False)
        for path, folder in reversed(self._folders.items()):
            if folder is not None:
                _set_facts(self._root / path, folder)

    def close(self) -> None:
        """Remove what has not arrived whole."""
        for file, path in self._open.values():
            file.close()
            path.unlink(missing_ok=True)
        self._open.clear()

    def _make_special(self, target: Path, stat: Stat) -> None:
        kind = stat_bits.S_IFIFO
        if stat.mode & DEVICE:
            kind = stat_bits.S_IFCHR if stat.mode & CHARACTER_DEVICE else stat_bits.S_IFBLK
        _remove(target)
        try:
            os.mknod(target, kind | permissions(stat.mode), os.makedev(stat.devmajor, stat.devminor))
        except PermissionError:
            self._statistics.note(stat.path, "is a device, which only root may make, and was left out")
        else:
            _set_facts(target, stat)


def _remove(target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)


def _set_facts(target: Path, stat: Stat) -> None:
    for name, value in stat.xattrs.items():
        with contextlib.suppress(OSError):  # a file system or user may not have them; buildx leaves them out too
            os.setxattr(target, name, value, follow_symlinks=False)
    if not stat.mode & SYMLINK:
        target.chmod(permissions(stat.mode))
    os.utime(target, ns=(stat.mtime, stat.mtime), follow_symlinks=False)
