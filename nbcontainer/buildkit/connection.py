"""A connection: `http2.Http2` between a thread that reads a byte stream and one that writes it.

No lock is held while bytes are sent: two peers that both send at once must not block each other.
"""

import contextlib
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from .http2 import Http2, Stream
from .rpc_status import Code, RpcError, encode_timeout

_OUTGOING_MARK = 1 << 20  # bytes that may wait for the writer before senders wait too
_OUTGOING_LIMIT = 32 << 20  # for a peer that keeps sending requests and reads no replies
_READ_SIZE = 1 << 18
HEALTH = "/grpc.health.v1.Health/Check"


class ByteStream(Protocol):
    """A connected stream: a socket, TLS, a child's pipes, an upgraded HTTP connection.

    `recv` and `sendall` are called at the same time by two threads. `close` may be called by any thread, more than
    once, and must wake a waiting `recv` or `sendall` (for a socket: shut it down before closing it). Bytes that
    arrived together with the reply to an HTTP upgrade are the first that `recv` returns.
    """

    def recv(self, size: int, /) -> bytes:
        """Wait for some bytes, at most `size`; nothing at the end of the stream."""
        ...

    def sendall(self, data: bytes, /) -> None:
        """Send all of `data`."""
        ...

    def close(self) -> None:
        """End both directions."""
        ...


def _short(method: str) -> str:
    """``/moby.buildkit.v1.Control/Solve`` → ``Control/Solve``."""
    return method.rsplit(".", 1)[-1]


def _broken(error: Exception) -> RpcError:
    """Why a connection is over, in words; the operating system's own where it is an OSError."""
    said = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return RpcError(Code.UNAVAILABLE, f"the connection broke: {said}")


def frame(message: bytes) -> bytes:
    """Prefix a message as gRPC does: not compressed, its length."""
    return struct.pack(">BI", 0, len(message)) + message


class Call:
    """One call, on either side. Its methods may be used from several threads."""

    def __init__(self, connection: "Connection", stream: Stream, method: str, timeout: float | None = None) -> None:
        self._connection, self._stream, self.method, self._timeout = connection, stream, method, timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._changed = threading.Condition(connection.lock)

    @property
    def headers(self) -> dict[str, list[str]]:
        """What the other side sent first."""
        return self._stream.headers

    def send(self, *messages: bytes) -> None:
        """Send messages, as fast as the other side reads them.

        Raises:
            RpcError: The call is over, at the latest by its deadline.
        """
        self.send_framed(b"".join([frame(message) for message in messages]))

    def send_framed(self, data: bytes) -> None:
        """Like `send`, for messages that already have their prefixes."""
        connection, position = self._connection, 0
        with connection.lock:
            while position < len(data):
                # Called even without room: after a loss nothing makes room, and the call must fail.
                room = max(0, _OUTGOING_MARK - connection.outgoing_size)
                sent = self._named(connection.http2.send, self._stream, data, position, room)
                connection.flush()
                if not sent:
                    connection.blocked.add(self)
                    self._wait()
                position += sent

    def end(self) -> None:
        """Signal that no more messages follow."""
        with self._connection.lock:
            self._connection.http2.end(self._stream)
            self._connection.flush()

    def send_headers(self, headers: Sequence[tuple[str, str]], *, end: bool = False) -> None:
        """Send the first or, with `end`, the last headers of a reply."""
        with self._connection.lock:
            self._connection.http2.send_headers(self._stream, headers, end=end)
            self._connection.flush()
            self._changed.notify_all()

    def receive(self) -> bytes | None:
        """Wait for the next message; None after the last one.

        Raises:
            RpcError: The call failed, or its deadline passed.
        """
        connection, stream = self._connection, self._stream
        with connection.lock:
            while True:
                message = connection.http2.take(stream)
                if message is not None:
                    connection.flush()
                    return message
                if stream.ended and (stream.failure is None or connection.http2.client):
                    self._finished()
                    return None
                self._check()
                self._wait()

    def messages(self) -> Iterator[bytes]:
        """All further messages; leaving the loop early does not end the call."""
        while (message := self.receive()) is not None:
            yield message

    def cancel(self) -> None:
        """Abort the call on both sides. Does nothing if it is over."""
        self.fail(RpcError(Code.CANCELLED, f"{_short(self.method)} was cancelled"))

    def fail(self, failure: RpcError) -> None:
        """Abort the call with this outcome."""
        with self._connection.lock:
            if self._stream.ended and self._stream.ended_here:
                return
            self._stream.messages.clear()
            self._connection.http2.reset(self._stream, failure)
            self._connection.flush()
            self._changed.notify_all()
            self._connection.close_if_unused()

    def wake(self) -> None:
        """Wake the waiting threads; the connection's lock is held."""
        self._changed.notify_all()

    def _finished(self) -> None:
        """The other side has ended: for a client that is the outcome of the call."""
        if not self._connection.http2.client:
            return
        failure = self._stream.outcome()
        if not self._stream.ended_here:  # answered before all was sent: the rest is not needed
            self._connection.http2.reset(self._stream, None)
            self._connection.flush()
        if failure:
            raise self._named_error(failure)

    def _check(self) -> None:
        if self._stream.failure is not None:
            raise self._named_error(self._stream.failure)

    def _wait(self) -> None:
        remaining = None if self._deadline is None else self._deadline - time.monotonic()
        if remaining is not None and remaining <= 0:
            late = RpcError(Code.DEADLINE_EXCEEDED, f"{_short(self.method)} took longer than {self._timeout:g} s")
            self._connection.http2.reset(self._stream, late)
            self._connection.flush()
            raise late
        self._changed.wait(remaining)

    def _named(self, function: Callable[..., int], *arguments: object) -> int:
        try:
            return function(*arguments)
        except RpcError as error:
            raise self._named_error(error) from None

    def _named_error(self, error: RpcError) -> RpcError:
        """A new error for each caller, which names the call during which the connection was lost."""
        message = error.message
        if error.code is Code.UNAVAILABLE and error is self._connection.http2.lost:
            message = f"{message} (during {_short(self.method)})"
        return RpcError(error.code, message, error.status_details)


class Connection:
    """One end of a connection.

    Args:
        stream: The connected byte stream; it is closed with the connection.
        client: Whether this side starts calls.
        on_call: For a server: gets each call on a thread of its own.
        on_lost: Gets the reason why the connection ended, if not by `close`.
    """

    def __init__(
        self,
        stream: ByteStream,
        *,
        client: bool,
        on_call: Callable[[Call], None] | None = None,
        on_lost: Callable[[RpcError], None] | None = None,
    ) -> None:
        self.lock = threading.RLock()  # the finalizer of an abandoned generator may enter it again
        self.http2 = Http2(client=client)
        self.outgoing_size = 0
        self._reads = 0  # how often data arrived
        self._heard = time.monotonic()
        self._may_ping = True
        self.blocked: set[Call] = set()
        self._stream, self._on_call, self._on_lost = stream, on_call, on_lost
        self._calls: dict[int, Call] = {}
        self._outgoing: list[bytes] = []
        self._closing = False
        self._closes_when_unused = False
        self._to_write = threading.Condition(self.lock)
        self._news = threading.Condition(self.lock)
        name = "buildkit-client" if client else "buildkit-server"
        self._threads = [
            threading.Thread(target=run, daemon=True, name=f"{name}-{job}")
            for job, run in (("reader", self._read), ("writer", self._write))
        ]
        with self.lock:
            self.flush()
        for thread in self._threads:
            thread.start()

    @property
    def lost(self) -> RpcError | None:
        """Why the connection takes no more calls, or None."""
        return self.http2.lost or self.http2.draining

    def call(self, method: str, metadata: Sequence[tuple[str, str]] = (), timeout: float | None = None) -> Call:
        """Start a call of ``/package.Service/Method`` that may take `timeout` seconds.

        Raises:
            RpcError: The connection is lost.
        """
        headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", method),
            (":authority", "localhost"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "nbcontainer"),
        ]
        if timeout is not None:
            headers.append(("grpc-timeout", encode_timeout(timeout)))
        with self.lock:
            try:
                stream = self.http2.open([*headers, *metadata])
            except RpcError as error:
                raise RpcError(error.code, f"{error.message} (before {_short(method)})") from None
            call = self._calls[stream.id] = Call(self, stream, method, timeout)
            self.flush()
        return call

    def answers(self, timeout: float) -> bool:
        """Whether the other side responds within `timeout` seconds to a PING.

        gRPC's servers refuse pings between which they have sent no message (GOAWAY "too_many_pings",
        https://github.com/grpc/grpc/blob/master/doc/keepalive.md): then it is a call, to which any reply will do.
        """
        with self.lock:
            before = self._reads
            call: Call | None = None
            try:
                if self._may_ping:
                    self._may_ping = False
                    self.http2.ping()
                    self.flush()
                else:
                    call = self.call(HEALTH)
                    call.end()
            except RpcError:
                return False
            self._news.wait_for(lambda: self._reads > before or self.lost is not None, timeout)
            if call is not None:
                call.cancel()
            return self._reads > before

    @property
    def silent_seconds(self) -> float:
        """How long ago anything arrived."""
        return time.monotonic() - self._heard

    def flush(self) -> None:
        """Hand pending data to the writer; the lock is held."""
        data = self.http2.data_to_send()
        if data:
            self._outgoing.append(data)
            self.outgoing_size += len(data)
            self._to_write.notify()

    def give_up(self) -> None:
        """Drop the connection: the other side does not answer."""
        self._lose(RpcError(Code.UNAVAILABLE, "the other side does not answer a ping"))

    def close(self) -> None:
        """End all calls and both threads, within a second."""
        with self.lock:
            calls = self._end()
            self.http2.close()
            self.flush()
            self._closing = True
            self._to_write.notify()
            self._news.notify_all()
            for call in calls:
                call.wake()
        current = threading.current_thread()
        reader, writer = self._threads
        if current is not writer:
            writer.join(0.2)  # it may still send the GOAWAY
        self._stream.close()
        for thread in (reader, writer):
            if thread is not current:
                thread.join(0.3)

    def close_when_unused(self) -> None:
        """Close it as soon as no call uses it."""
        with self.lock:
            self._closes_when_unused = True
            self.close_if_unused()

    def close_if_unused(self) -> None:
        """Close it if that was asked for and no call uses it; the lock is held."""
        if self._closes_when_unused and not self._calls.keys() & self.http2.streams.keys():
            self._lose(RpcError(Code.UNAVAILABLE, "the connection is no longer used"))

    def _end(self) -> list[Call]:
        calls = list(self._calls.values())
        self._calls.clear()
        self.blocked.clear()
        return calls

    def _lose(self, error: RpcError) -> None:
        with self.lock:
            first = self.http2.lost is None
            self.http2.fail(error)
            for call in self._end():
                call.wake()
            self._closing = True
            self._to_write.notify()
            self._news.notify_all()
        self._stream.close()
        if first and self._on_lost is not None:
            self._on_lost(error)

    def _read(self) -> None:
        try:
            while data := self._stream.recv(_READ_SIZE):
                self._receive(data)
            self._lose(RpcError(Code.UNAVAILABLE, "the other side closed the connection"))
        except RpcError as error:
            self._lose(error)
        except Exception as error:  # noqa: BLE001 - whatever a stream raises, the connection is over
            self._lose(_broken(error))

    def _receive(self, data: bytes) -> None:
        with self.lock:
            if self.http2.lost:
                return
            changes = self.http2.receive(data)
            self._reads += 1
            self._heard = time.monotonic()
            self._may_ping = self._may_ping or bool(changes.touched)
            self._news.notify_all()
            self.flush()
            if self.outgoing_size > _OUTGOING_LIMIT:
                raise RpcError(Code.UNAVAILABLE, "the other side sends requests and does not read the replies")
            for stream in changes.touched:
                call = self._calls.get(stream.id)
                if call is not None:
                    call.wake()
            for stream in changes.opened:
                self._serve(stream)
            if len(self._calls) > len(self.http2.streams):
                for gone in self._calls.keys() - self.http2.streams.keys():
                    del self._calls[gone]
                self.close_if_unused()

    def _serve(self, stream: Stream) -> None:
        call = self._calls[stream.id] = Call(self, stream, (stream.headers.get(":path") or [""])[0])
        if self._on_call is not None:
            threading.Thread(target=self._on_call, args=(call,), daemon=True, name="buildkit-call").start()

    def _write(self) -> None:
        while True:
            with self.lock:
                while not self._outgoing and not self._closing:
                    self._to_write.wait()
                if not self._outgoing:
                    break
                data = b"".join(self._outgoing)
                self._outgoing.clear()
                self.outgoing_size = 0
                for call in self.blocked:
                    call.wake()
                self.blocked.clear()
            try:
                self._stream.sendall(data)
            except Exception as error:  # noqa: BLE001 - as in _read
                self._lose(error if isinstance(error, RpcError) else _broken(error))
                break
        with contextlib.suppress(Exception):
            self._stream.close()
