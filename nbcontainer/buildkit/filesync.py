"""The sending half of the directory protocol, by which BuildKit requests the build context from its client.

The daemon calls `moby.filesync.v1.FileSync/DiffCopy`; the client lists its tree in STAT packets, the daemon requests
the files that it does not have yet by their place in that list, and gets them in DATA packets. Errors are sent as ERROR
packets. The protocol is described in https://github.com/tonistiigi/fsutil (`receive.go`).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import unquote_plus

from .filestat import CHUNK, ContextError, is_regular
from .messages import Packet, Stat
from .tree import Tree
from .wire import encode_varint

STAT, REQUEST, DATA, FINISHED, ERROR = range(5)
_STATS_IN_BATCH = 256
_BYTES_IN_BATCH = CHUNK // 4
_PROBLEMS_KEPT = 100


class TransferError(Exception):
    """The daemon refused a build context, or broke the protocol."""


@dataclass
class Statistics:
    """The transfer of one tree.

    Attributes:
        problems: Files that changed, shrank or vanished while they were sent, each with what happened; at most the
            first hundred.
        finished: Whether the daemon has reported that it has everything.
    """

    problems: list[str] = field(default_factory=list)
    finished: bool = False

    def note(self, path: str, problem: str) -> None:
        """Remember what happened to a file."""
        if len(self.problems) < _PROBLEMS_KEPT:
            self.problems.append(f"{path} {problem}")


class _Requests:
    """What the daemon requests, read by a thread of its own so that the daemon never has to wait.

    Each file can be requested once, so no more is kept here than was listed.
    """

    def __init__(self, packets: Iterable[bytes]) -> None:
        self.listed: dict[int, tuple[str, int, int]] = {}
        self.ended = False
        self._packets = packets
        self._queue: queue.SimpleQueue[tuple[int, tuple[str, int, int]] | Exception | None] = queue.SimpleQueue()
        self.finished = False
        threading.Thread(target=self._read, name="directory requests", daemon=True).start()

    def _read(self) -> None:
        try:
            for raw in self._packets:
                packet = Packet.decode(raw)
                if packet.type == REQUEST:
                    file = self.listed.pop(packet.id, None)
                    if file is None:
                        raise TransferError(f"the daemon requested file number {packet.id}, which it may not have")  # noqa: TRY301 - raised again by `next`
                    self._queue.put((packet.id, file))
                elif packet.type == FINISHED:
                    self.finished = True
                    return
                elif packet.type == ERROR:
                    text = packet.data.decode("utf-8", "replace")
                    raise TransferError(f"the daemon refused the build context: {text}")  # noqa: TRY301 - raised again by `next`
        except Exception as error:  # noqa: BLE001 - raised again by `next`
            self._queue.put(error)
        finally:
            self.ended = True
            self._queue.put(None)

    def waiting(self) -> bool:
        return not self._queue.empty()

    def next(self) -> tuple[int, tuple[str, int, int]] | None:
        """Wait for a request; None after the last.

        Raises:
            Exception: What the daemon or the connection to it reported instead of one.
        """
        request = self._queue.get()
        if isinstance(request, Exception):
            raise request
        return request


def send(
    tree: Tree,
    requests: Iterable[bytes],
    metadata: Mapping[str, Sequence[str]],
    statistics: Statistics | None = None,
) -> Iterator[list[bytes]]:
    """Answer one call of `FileSync/DiffCopy`.

    It ends early, without an error, when `requests` ends early: then the daemon needs no more. Memory use does not
    depend on the size of the files.

    Args:
        tree: What to send.
        requests: The daemon's packets. Reading them may block; it is done on another thread.
        metadata: The metadata of the call, with the daemon's patterns.
        statistics: Kept up to date during the transfer.

    Yields:
        Packets, several at a time.

    Raises:
        ContextError: A file or folder cannot be read; the daemon has been told.
        InvalidPatternError: A pattern is not valid; the daemon has been told.
        TransferError: The daemon refused what it got.
    """
    statistics = statistics or Statistics()
    incoming = _Requests(requests)
    batch = _Batch()
    try:
        yield from _send_list(tree, incoming, metadata, statistics)
        while (request := incoming.next()) is not None:
            yield from _send_file(tree, request, batch, statistics)
            if batch.size >= _BYTES_IN_BATCH or not incoming.waiting():
                yield batch.take()
        if incoming.finished:
            statistics.finished = True
            batch.add(Packet(type=FINISHED).encode())
            yield batch.take()
    except (ContextError, ValueError) as error:
        yield [Packet(type=ERROR, data=str(error).encode("utf-8", "backslashreplace")).encode()]
        raise


class _Batch:
    """Packets that are sent together."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.size = 0

    def add(self, packet: bytes) -> None:
        self.packets.append(packet)
        self.size += len(packet) + 5  # gRPC prefixes a message with five bytes

    def take(self) -> list[bytes]:
        packets, self.packets, self.size = self.packets, [], 0
        return packets


def _stat_packet(stat: Stat) -> bytes:
    """Write what `Packet(type=STAT, stat=stat).encode()` writes, but faster for plain files, since there are many."""
    if stat.packet:
        return stat.packet
    if stat.linkname or stat.devmajor or stat.devminor or stat.xattrs:
        return Packet(type=STAT, stat=stat).encode()
    path = stat.path.encode()
    parts = [b"\x0a", encode_varint(len(path)), path]
    if stat.mode:
        parts.append(_mode_field(stat.mode))
    if stat.size:
        parts += (b"\x28", encode_varint(stat.size))
    if stat.mtime:
        parts += (b"\x30", encode_varint(stat.mtime & 0xFFFF_FFFF_FFFF_FFFF))
    body = b"".join(parts)
    stat.packet = b"\x12" + encode_varint(len(body)) + body
    return stat.packet


@cache
def _mode_field(mode: int) -> bytes:
    return b"\x10" + encode_varint(mode)


def _patterns(metadata: Mapping[str, Sequence[str]], name: str) -> list[str]:
    values = metadata.get(name, ())
    if list(metadata.get(name + "-encoded", ()))[:1] == ["1"]:
        return [unquote_plus(value) for value in values]
    return list(values)


def _send_list(
    tree: Tree, incoming: _Requests, metadata: Mapping[str, Sequence[str]], statistics: Statistics
) -> Iterator[list[bytes]]:
    batch = _Batch()
    listed = tree.walk(
        _patterns(metadata, "include-patterns"),
        _patterns(metadata, "exclude-patterns"),
        _patterns(metadata, "followpaths"),
        stopped=lambda: incoming.ended,
    )
    for number, stat in enumerate(listed):
        if is_regular(stat.mode):
            incoming.listed[number] = (stat.path, stat.size, stat.mtime)
        batch.add(_stat_packet(stat))
        if len(batch.packets) >= _STATS_IN_BATCH:
            while incoming.waiting() and (request := incoming.next()) is not None:
                yield from _send_file(tree, request, batch, statistics)
            yield batch.take()
    if not incoming.ended:  # otherwise the list may be cut short, and must not look complete
        batch.add(Packet(type=STAT).encode())
        yield batch.take()


def _send_file(
    tree: Tree, request: tuple[int, tuple[str, int, int]], batch: _Batch, statistics: Statistics
) -> Iterator[list[bytes]]:
    """Put a file's packets into the batch, which is sent whenever it becomes large."""
    number, (path, size, mtime) = request
    with tree.open(path, size, mtime) as file:
        for data in file.chunks():
            batch.add(Packet(type=DATA, id=number, data=data).encode())
            if batch.size >= _BYTES_IN_BATCH:
                yield batch.take()
        if file.problem:
            statistics.note(path, file.problem)
    batch.add(Packet(type=DATA, id=number).encode())
