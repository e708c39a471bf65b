"""The receiving half of the directory protocol: the files that an exporter of type `local` puts into a folder.

The daemon calls `moby.filesync.v1.FileSend/DiffCopy` and lists its files; this side requests their content. As with
buildx, what the folder already contains stays unless it has the same name, and everything belongs to the user.
The daemon is not trusted: `Listing` checks what it lists, and `Destination` keeps all of it in the folder.
"""

from __future__ import annotations

import os
import stat as stat_bits
from collections.abc import Iterable, Iterator

from .destination import Attributes, Destination, NotPermittedError, ReceivedFile
from .filelisting import Listing
from .filestat import CHARACTER_DEVICE, DEVICE, DIRECTORY, FIFO, SYMLINK, is_regular, permissions
from .filesync import DATA, ERROR, FINISHED, REQUEST, STAT, Statistics, TransferError
from .messages import Packet, Stat


def receive(
    packets: Iterable[bytes], destination: str | os.PathLike[str], statistics: Statistics | None = None
) -> Iterator[list[bytes]]:
    """Answer one call of `FileSend/DiffCopy`.

    Args:
        packets: The daemon's.
        destination: The folder; it is created if it does not exist.
        statistics: Kept up to date during the transfer.

    Yields:
        Packets to send, several at a time.

    Raises:
        TransferError: The daemon failed, broke the protocol, or ended before everything had arrived.
        DestinationError: A file was refused, or cannot be written.
    """
    statistics = statistics or Statistics()
    with Destination(destination) as folder:
        receiver = _Receiver(folder, statistics)
        for raw in packets:
            packet = Packet.decode(raw)
            if packet.type == ERROR:
                raise TransferError(f"the daemon cannot send the result: {packet.data.decode('utf-8', 'replace')}")
            if packet.type == FINISHED:
                if not statistics.finished:
                    raise TransferError("the daemon ended before it had sent the whole result")
                return
            if packet.type == STAT:
                if receiver.add(packet.stat):
                    yield [Packet(type=REQUEST, id=receiver.listed - 1).encode()]
            elif packet.type == DATA:
                receiver.write(packet.id, packet.data)
            if receiver.complete and not receiver.awaited and not statistics.finished:
                receiver.finish()
                statistics.finished = True
                yield [Packet(type=FINISHED).encode()]
    raise TransferError("the daemon ended before it had sent the whole result")


class _Receiver:
    """Files that are being received.

    Attributes:
        listed: How many entries the daemon has listed.
        complete: Whether it has listed all.
        awaited: Files that are not complete yet, by number.
    """

    def __init__(self, destination: Destination, statistics: Statistics) -> None:
        self._destination, self._statistics = destination, statistics
        self._listing = Listing()
        self._links: list[Stat] = []
        self._left_out: set[str] = set()
        self._open: dict[int, ReceivedFile] = {}
        self.listed = 0
        self.complete = False
        self.awaited: dict[int, Stat] = {}

    def add(self, stat: Stat | None) -> bool:
        """Create what the daemon lists, None being the end; returns whether its content must be requested."""
        if self.complete:
            raise TransferError(f"the daemon listed {stat.path if stat else ''!r} after the end of its list")
        if stat is None:
            self.complete = True
            return False
        self._listing.add(stat)
        number, self.listed = self.listed, self.listed + 1
        if stat.mode & DIRECTORY:
            self._destination.make_folder(stat.path, _attributes(stat))
        elif stat.mode & SYMLINK:
            self._destination.make_symlink(stat.path, stat.linkname, _attributes(stat))
        elif stat.mode & (DEVICE | FIFO):
            self._make_special(stat)
        elif stat.linkname in self._left_out:  # anything of that name is the user's own
            self._leave_out(stat, "is another name of one")
        elif stat.linkname:
            self._links.append(stat)
        elif is_regular(stat.mode):
            self.awaited[number] = stat
            return True
        else:
            self._leave_out(stat, "is of an unknown kind")
        return False

    def write(self, number: int, data: bytes) -> None:
        """Write a piece of a file; an empty one ends it."""
        stat = self.awaited.get(number)
        if stat is None:
            raise TransferError(f"the daemon sent file number {number}, which was not requested")
        file = self._open.get(number)
        if file is None:
            file = self._open[number] = self._destination.open_file(stat.path, _attributes(stat))
        file.write(data)
        if not data:
            del self._open[number], self.awaited[number]
            file.finish()

    def finish(self) -> None:
        """Do what needs all files to be there: hard links, and the attributes of folders."""
        for stat in self._links:
            self._destination.make_link(stat.path, stat.linkname)
        self._destination.finish()

    def _make_special(self, stat: Stat) -> None:
        kind = stat_bits.S_IFIFO
        if stat.mode & DEVICE:
            kind = stat_bits.S_IFCHR if stat.mode & CHARACTER_DEVICE else stat_bits.S_IFBLK
        try:
            self._destination.make_special(stat.path, kind, (stat.devmajor, stat.devminor), _attributes(stat))
        except NotPermittedError as error:
            self._leave_out(stat, error.reason)

    def _leave_out(self, stat: Stat, reason: str) -> None:
        self._left_out.add(stat.path)
        self._statistics.note(stat.path, f"{reason}, and was left out")


def _attributes(stat: Stat) -> Attributes:
    return Attributes(permissions(stat.mode), stat.mtime, stat.xattrs)
