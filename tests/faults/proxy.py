"""A proxy for unix sockets and TCP that breaks one connection at a planned byte; it does not interpret the data.

A test can also freeze it by hand: everything, or only the connections that exist, as a NAT or proxy that forgets them.
"""

from __future__ import annotations

import ctypes
import select
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self

PIECE = 65_536
CLOSED_BY_PEER = select.POLLRDHUP | select.POLLHUP | select.POLLERR


class Kind(StrEnum):
    """What happens to a connection."""

    RESET = "reset"
    """It is cut off (RST with TCP), and data in flight is lost."""
    CLOSE = "close"
    """It ends as if it had been closed properly: FIN."""
    STALL = "stall"
    """Nothing more passes in this direction of it; all other connections continue."""
    FREEZE = "freeze"
    """Nothing more passes anywhere; new connections are accepted but get no reply."""
    CORRUPT = "corrupt"
    """Some bytes are corrupted."""


class Way(StrEnum):
    """A direction."""

    SENT = "sent"
    """From the client."""
    REPLIED = "replied"
    """To the client."""


@dataclass(frozen=True)
class Fault:
    """One planned fault.

    Args:
        kind: What happens.
        connection: To which connection, counted from 0 in the order in which they are made.
        way: Whose bytes are counted.
        offset: How many of them pass before it happens.
        mask: What the next bytes are changed by (XOR), of a corruption.
    """

    kind: Kind
    connection: int
    way: Way
    offset: int
    mask: bytes = b""


@dataclass
class Passed:
    """A connection's record: the number of bytes in each direction, and the client's first line."""

    sent: int = 0
    replied: int = 0
    first_line: str = ""

    def count(self, way: Way) -> int:
        """The bytes in one direction."""
        return self.sent if way is Way.SENT else self.replied

    def add(self, way: Way, data: bytes) -> None:
        """Count the data."""
        if way is Way.REPLIED:
            self.replied += len(data)
            return
        if not self.sent:
            line = data.split(b"\r\n", 1)[0][:120]
            self.first_line = line.decode() if line.isascii() and line.decode().isprintable() else "binary"
        self.sent += len(data)


@dataclass
class _Joined:
    """A client's connection and the one to the server."""

    near: socket.socket
    far: socket.socket | None = None
    passed: Passed = field(default_factory=Passed)
    stalled: dict[Way, bool] = field(default_factory=dict)
    client_gone: threading.Event = field(default_factory=threading.Event)


class FaultProxy:
    """Passes connections on to a server, and injects the planned fault into one of them.

    Args:
        listener: A bound socket; see `unix_listener` and `tcp_listener`.
        connect: Makes a connection to the server.
        fault: What is planned; None to pass everything on and only count.

    Attributes:
        connections: What passed, a `Passed` for each connection in order.
        struck: Set once the fault has happened.
    """

    def __init__(
        self, listener: socket.socket, connect: Callable[[], socket.socket], fault: Fault | None = None
    ) -> None:
        self._listener, self._connect, self._fault = listener, connect, fault
        self._joined: list[_Joined] = []
        self._threads: list[threading.Thread] = []
        self._flowing = threading.Event()
        self._flowing.set()
        self._closed = threading.Event()
        self.connections: list[Passed] = []
        self.struck = threading.Event()
        listener.listen()
        self._start(self._accept)

    @property
    def open_connections(self) -> list[str]:
        """The connections that the client has made and neither closed nor lost, by their first lines."""
        return [joined.passed.first_line for joined in self._joined if not joined.client_gone.is_set()]

    def stall(self, way: Way) -> None:
        """Let nothing more pass in this direction of the existing connections."""
        for joined in self._joined:
            joined.stalled[way] = True

    def freeze(self, *, existing_only: bool = False) -> None:
        """Let nothing more pass; with `existing_only`, new connections go on to work."""
        if existing_only:
            for way in Way:
                self.stall(way)
        else:
            self._flowing.clear()

    def thaw(self, *, existing: bool = False) -> None:
        """End a freeze for new connections; frozen ones stay frozen, or with `existing` go on with what they hold."""
        if existing or not self._flowing.is_set():
            for joined in self._joined:
                joined.stalled = dict.fromkeys(Way, not existing)
        self._flowing.set()

    def close(self) -> None:
        """Close everything, and wait until all threads have ended."""
        self._closed.set()
        self._flowing.set()
        # shutdown wakes accept; close alone does not
        for connection in [self._listener, *self._sockets()]:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(5)
        for connection in [self._listener, *self._sockets()]:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _sockets(self) -> list[socket.socket]:
        return [side for joined in self._joined for side in (joined.near, joined.far) if side is not None]

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True, name="fault proxy")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            joined = _Joined(near)
            self._joined.append(joined)
            self.connections.append(joined.passed)
            self._start(self._serve, joined, len(self._joined) - 1)

    def _serve(self, joined: _Joined, number: int) -> None:
        if not self._wait(joined, Way.SENT):
            return
        try:
            joined.far = self._connect()
        except OSError:
            self._end(joined, abruptly=True)
            return
        fault = self._fault if self._fault is not None and self._fault.connection == number else None
        for way in Way:
            self._start(self._pass, joined, way, fault if fault is not None and fault.way is way else None)

    def _pass(self, joined: _Joined, way: Way, fault: Fault | None) -> None:
        """Copy one direction until its end."""
        assert joined.far is not None
        source, target = (joined.near, joined.far) if way is Way.SENT else (joined.far, joined.near)
        try:
            if fault is not None and not fault.offset and not self._strike(joined, fault):
                return
            while self._wait(joined, way) and (data := source.recv(PIECE)):
                if not self._wait(joined, way):
                    return
                for piece in _cut(data, joined.passed.count(way), fault):
                    sent = _changed(piece, joined.passed.count(way), fault)
                    joined.passed.add(way, sent)
                    if sent != piece:
                        self.struck.set()
                    target.sendall(sent)
                    due = fault is not None and 0 < joined.passed.count(way) == fault.offset
                    if fault is not None and due and not self._strike(joined, fault):
                        return
                    if not self._wait(joined, way):
                        return
        except OSError:
            pass  # one side is gone: close the other side, too
        if way is Way.SENT:
            joined.client_gone.set()
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _strike(self, joined: _Joined, fault: Fault) -> bool:
        """Inject the fault; returns whether this direction continues."""
        if fault.kind is Kind.CORRUPT:
            return True  # the next bytes are changed
        self.struck.set()
        if fault.kind is Kind.FREEZE:
            self._flowing.clear()
            return True
        if fault.kind is Kind.STALL:
            joined.stalled[fault.way] = True
            return True
        self._end(joined, abruptly=fault.kind is Kind.RESET)
        return False

    def _wait(self, joined: _Joined, way: Way) -> bool:
        """Block while nothing may pass, until the client is gone; returns whether to continue."""
        if self._flowing.is_set() and not joined.stalled.get(way):
            return True
        poll = select.poll()
        poll.register(joined.near, CLOSED_BY_PEER)
        while not self._closed.is_set():
            if poll.poll(50):
                joined.client_gone.set()
                if joined.far is not None:
                    with suppress(OSError):
                        joined.far.shutdown(socket.SHUT_RDWR)
                return False
            if self._flowing.is_set() and not joined.stalled.get(way):
                return True
        return False

    def _end(self, joined: _Joined, *, abruptly: bool) -> None:
        """End a connection for both sides."""
        joined.client_gone.set()
        for side in (joined.near, joined.far):
            if side is None:
                continue
            with suppress(OSError):
                if abruptly and side.family is not socket.AF_UNIX:
                    _reset(side)
                side.shutdown(socket.SHUT_RDWR)


def _reset(side: socket.socket) -> None:
    """Reset a TCP connection at once: connect(2) with AF_UNSPEC dissolves it, and Linux sends RST."""
    library = ctypes.CDLL(None, use_errno=True)
    address = struct.pack("H14x", socket.AF_UNSPEC)
    library.connect(side.fileno(), address, len(address))


def _cut(data: bytes, passed: int, fault: Fault | None) -> list[bytes]:
    """Data split at the moment of the fault."""
    at = fault.offset - passed if fault is not None else 0
    return [data[:at], data[at:]] if 0 < at < len(data) else [data]


def _changed(piece: bytes, passed: int, fault: Fault | None) -> bytes:
    """A piece as it is passed on."""
    if fault is None or fault.kind is not Kind.CORRUPT:
        return piece
    changed = bytearray(piece)
    for place, change in enumerate(fault.mask, fault.offset - passed):
        if 0 <= place < len(changed):
            changed[place] ^= change
    return bytes(changed)


def unix_listener(path: Path) -> socket.socket:
    """A socket bound to a path."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    return listener


def tcp_listener() -> socket.socket:
    """A socket bound to a free port of this machine."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


def connector(address: str) -> Callable[[], socket.socket]:
    """A function that connects to ``unix:///PATH`` or ``HOST:PORT``."""

    def connect() -> socket.socket:
        if address.startswith("unix://"):
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(address.removeprefix("unix://"))
            except OSError:
                connection.close()
                raise
            return connection
        host, _, port = address.rpartition(":")
        connection = socket.create_connection((host, int(port)), 5)
        connection.settimeout(None)  # an idle connection stays open
        return connection

    return connect
