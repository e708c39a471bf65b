"""HTTP/2 with gRPC's framing as a state machine without I/O: bytes in, changes out; calls in, bytes out.

Flow control follows the reader: what a consumer has not taken counts against the window of its stream, so a slow one
holds back only its own stream; the window of the whole connection is given back at once.
"""

import struct
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import H2Error, ProtocolError, StreamClosedError, TooManyStreamsError
from h2.frame_buffer import FrameBuffer
from h2.settings import SettingCodes, Settings
from hyperframe.frame import ContinuationFrame, Frame, GoAwayFrame

from .rpc_status import Code, RpcError, error_of_headers, error_of_reset, metadata_of

STREAM_WINDOW = 4 << 20
CONNECTION_WINDOW = 16 << 20
MESSAGE_LIMIT = 64 << 20
CONCURRENT_CALLS = 256
HEADERS_LIMIT = 16 << 20  # bytes, as in Go's gRPC: the error of a failed step contains its whole command
_OVERHEAD = 64  # what a waiting message costs besides its bytes, so that empty ones count too
_PREFIX = 5
_PING = b"nbcontai"  # 8 bytes, of no meaning


class Stream:
    """The connection's state of one call.

    Attributes:
        headers: What the other side sent first.
        trailers: What it sent last.
        ended: The other side sends no more.
        ended_here: This side sends no more.
        failure: Why the call is over before its end.
    """

    def __init__(self, stream_id: int) -> None:
        self.id = stream_id
        self.headers: dict[str, list[str]] = {}
        self.trailers: dict[str, list[str]] = {}
        self.messages: deque[bytes] = deque()
        self.waiting = 0
        self.withheld = 0
        self.partial = bytearray()
        self.ended = self.ended_here = False
        self.failure: RpcError | None = None

    def feed(self, data: bytes, limit: int) -> None:
        """Split `data` into messages.

        Raises:
            RpcError: A message is larger than `limit` bytes, or compressed.
        """
        partial, start = self.partial, 0
        partial += data
        while len(partial) - start >= _PREFIX:
            compressed, length = struct.unpack_from(">BI", partial, start)
            if compressed == 1:
                raise RpcError(Code.UNIMPLEMENTED, "the other side sent a compressed message, which was not agreed on")
            if compressed:
                raise RpcError(Code.INTERNAL, f"the other side sent a malformed message (flag {compressed})")
            if length > limit:
                raise RpcError(Code.RESOURCE_EXHAUSTED, f"a message of {length} bytes is over the limit of {limit}")
            end = start + _PREFIX + length
            if end > len(partial):
                break
            self.messages.append(bytes(partial[start + _PREFIX : end]))
            self.waiting += length + _OVERHEAD
            start = end
        del partial[:start]

    def outcome(self) -> RpcError | None:
        """The error with which the call ended; None for success."""
        return self.failure or error_of_headers(self.headers, self.trailers)


@dataclass
class Changes:
    """What received bytes led to."""

    touched: set[Stream] = field(default_factory=set)
    opened: list[Stream] = field(default_factory=list)


class _Frames(FrameBuffer):
    """h2's own accepts 64 frames of headers, a megabyte at most; this one limits their total size."""

    def __init__(self, *, server: bool) -> None:
        super().__init__(server)
        self._more = bytearray()  # from the third frame on

    def _update_header_buffer(self, f: Frame | None) -> Frame | None:
        kept = self._headers_buffer
        if len(kept) > 1 and isinstance(f, ContinuationFrame) and f.stream_id == kept[0].stream_id:
            self._more += f.data
            if len(self._more) > HEADERS_LIMIT:
                raise ProtocolError(f"headers of more than {HEADERS_LIMIT} bytes")
            if "END_HEADERS" not in f.flags:
                return None
            f.data, self._more = bytes(self._more), bytearray()
        return super()._update_header_buffer(f)


class _Connection(H2Connection):
    """h2's own treats every GOAWAY as the end; one without an error only announces it (RFC 9113, 6.8)."""

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[events.Event]]:
        state = self.state_machine.state
        answer = super()._receive_goaway_frame(frame)
        if not frame.error_code:
            self.state_machine.state = state
        return answer


class Http2:
    """One side of a connection. Not thread-safe: `connection.Connection` guards it.

    Attributes:
        lost: Why the connection is over, once it is.
        draining: Why the other side takes no new calls; the running ones continue.
    """

    def __init__(self, *, client: bool, message_limit: int = MESSAGE_LIMIT) -> None:
        self.client, self.message_limit = client, message_limit
        self.lost: RpcError | None = None
        self.draining: RpcError | None = None
        self.streams: dict[int, Stream] = {}
        self._h2 = _Connection(
            H2Configuration(
                client_side=client,
                header_encoding=None,
                validate_inbound_headers=False,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        settings = {
            SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
            SettingCodes.MAX_CONCURRENT_STREAMS: CONCURRENT_CALLS,
            SettingCodes.MAX_HEADER_LIST_SIZE: HEADERS_LIMIT,
        }
        if client:
            settings[SettingCodes.ENABLE_PUSH] = 0
        self._h2.local_settings = Settings(client=client, initial_values=settings)
        self._h2.incoming_buffer = _Frames(server=not client)
        self._h2.decoder.max_header_list_size = HEADERS_LIMIT
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(CONNECTION_WINDOW)
        self._received = 0
        self._first = True

    def data_to_send(self) -> bytes:
        """Take what must be sent to the other side."""
        return self._h2.data_to_send()

    def open(self, headers: Sequence[tuple[str, str]]) -> Stream:
        """Start a call.

        Raises:
            RpcError: The connection is lost, or the other side allows no more calls now.
        """
        if self.lost or self.draining:
            raise self.lost or self.draining  # type: ignore[misc] # one of them is set
        try:
            stream = Stream(self._h2.get_next_available_stream_id())
            self._h2.send_headers(stream.id, headers)
        except TooManyStreamsError:
            raise RpcError(Code.RESOURCE_EXHAUSTED, "the other side allows no more calls at a time") from None
        except H2Error as error:
            raise RpcError(Code.UNAVAILABLE, f"cannot start a call: {error}") from error
        self.streams[stream.id] = stream
        return stream

    def send_headers(self, stream: Stream, headers: Sequence[tuple[str, str]], *, end: bool = False) -> None:
        """Send the first or, with `end`, the last headers of a reply; nothing if the call is over."""
        if self._over(stream) or stream.ended_here:
            return
        self._h2.send_headers(stream.id, headers, end_stream=end)
        if end:
            self._end_here(stream)

    def send(self, stream: Stream, data: bytes, start: int, most: int) -> int:
        """Send as much of ``data[start:]`` as the other side's windows allow, at most `most` bytes; return how much.

        Raises:
            RpcError: The call is over.
        """
        if self._over(stream) or stream.ended_here:
            raise stream.outcome() or RpcError(Code.CANCELLED, "the call is over")
        try:
            room = self._h2.local_flow_control_window(stream.id)
            stop = start + max(0, min(room, most, len(data) - start))
            position, step = start, self._h2.max_outbound_frame_size
            while position < stop:
                piece = data[position : min(position + step, stop)]
                self._h2.send_data(stream.id, piece)
                position += len(piece)
        except StreamClosedError:
            raise RpcError(Code.CANCELLED, "the other side aborted the call") from None
        return stop - start

    def end(self, stream: Stream) -> None:
        """Signal that no more will be sent."""
        if not self._over(stream) and not stream.ended_here:
            self._h2.end_stream(stream.id)
            self._end_here(stream)

    def reset(self, stream: Stream, failure: RpcError | None) -> None:
        """Abort the call, with `failure` as its outcome here unless it has one already.

        A client passes None where it was answered before it had sent everything.
        """
        if stream.failure is None:
            stream.failure = failure
        if self.streams.pop(stream.id, None) is None or self.lost:
            return
        try:
            self._h2.reset_stream(stream.id, ErrorCodes.NO_ERROR if stream.ended_here else ErrorCodes.CANCEL)
        except StreamClosedError:
            return

    def ping(self) -> None:
        """Send a PING, which the other side must answer (RFC 9113, 6.7)."""
        if self.lost is None:
            self._h2.ping(_PING)

    def take(self, stream: Stream) -> bytes | None:
        """Take the next message, if one is complete, and let the other side send on."""
        if not stream.messages:
            return None
        message = stream.messages.popleft()
        stream.waiting -= len(message) + _OVERHEAD
        self._give_back(stream)
        return message

    def fail(self, lost: RpcError) -> None:
        """The connection is over, and so are all its calls."""
        if self.lost is None:
            self.lost = self.draining or lost
        for stream in self.streams.values():
            answered = self.client and stream.ended
            if not answered and stream.failure is None:
                stream.failure = self.lost
        self.streams.clear()

    def close(self) -> None:
        """Send a GOAWAY, and end all calls here."""
        if self.lost is None:
            self._h2.close_connection()
        self.fail(RpcError(Code.CANCELLED, "the connection was closed"))

    def receive(self, data: bytes) -> Changes:
        """Process bytes from the other side.

        Raises:
            RpcError: They are not HTTP/2; the connection cannot go on.
        """
        if self._first and self.client and data.startswith(b"HTTP/1"):
            line = data.split(b"\r\n", 1)[0].decode("latin-1")[:120]
            raise RpcError(Code.UNAVAILABLE, f"the other side speaks HTTP/1, not gRPC: {line!r}")
        self._first = False
        changes = Changes()
        try:
            for event in self._h2.receive_data(data):
                self._process(event, changes)
            self._return_connection_window()
        except RpcError:
            raise
        except Exception as error:  # hpack and hyperframe have errors of their own
            raise RpcError(Code.UNAVAILABLE, f"the other side sent malformed HTTP/2: {error!r:.200}") from error
        return changes

    def _process(self, event: events.Event, changes: Changes) -> None:
        if isinstance(event, events.DataReceived):
            self._received += event.flow_controlled_length or 0
            stream = self.streams.get(event.stream_id or 0)
            if stream is not None:
                changes.touched.add(stream)
                self._feed(stream, event)
        elif isinstance(event, events.RequestReceived):
            stream = self.streams[event.stream_id or 0] = Stream(event.stream_id or 0)
            stream.headers = _metadata(event.headers)
            changes.opened.append(stream)
        elif isinstance(event, events.ConnectionTerminated):
            changes.touched.update(self._drain(event))
        elif isinstance(event, (events.RemoteSettingsChanged, events.WindowUpdated)):
            stream = self.streams.get(getattr(event, "stream_id", None) or 0)
            changes.touched.update([stream] if stream else self.streams.values())
        else:
            stream = self.streams.get(getattr(event, "stream_id", None) or 0)
            if stream is not None:
                changes.touched.add(stream)
                self._progress(stream, event)

    def _drain(self, event: events.ConnectionTerminated) -> list[Stream]:
        """The other side sent a GOAWAY: without an error, it still completes the calls that it has received."""
        said = (event.additional_data or b"").decode("utf-8", "replace")
        reason = f"the other side is closing the connection (GOAWAY {event.error_code}: {said!r:.200})"
        self.draining = RpcError(Code.UNAVAILABLE, reason)
        if event.error_code:
            raise self.draining
        not_received = [stream for number, stream in self.streams.items() if number > (event.last_stream_id or 0)]
        if self.client:
            for stream in not_received:
                stream.failure = stream.failure or self.draining
                self.streams.pop(stream.id)
        return not_received

    def _progress(self, stream: Stream, event: events.Event) -> None:
        if isinstance(event, events.ResponseReceived):
            stream.headers = _metadata(event.headers)
            kind = (stream.headers.get("content-type") or [""])[0]
            if stream.headers.get(":status") != ["200"] or not kind.startswith("application/grpc"):
                foreign = error_of_headers(stream.headers, {}) or RpcError(Code.UNKNOWN, "the answer is not gRPC")
                self.reset(stream, foreign)
        elif isinstance(event, events.TrailersReceived):
            stream.trailers = _metadata(event.headers)
        elif isinstance(event, events.StreamEnded):
            stream.ended = True
            if stream.partial:
                stream.failure = RpcError(Code.INTERNAL, "the other side ended the call within a message")
            if stream.ended_here:
                self.streams.pop(stream.id, None)
        elif isinstance(event, events.StreamReset):
            self.streams.pop(stream.id, None)
            if (not stream.ended or not self.client) and stream.failure is None:
                stream.failure = error_of_reset(event.error_code or 0)

    def _feed(self, stream: Stream, event: events.DataReceived) -> None:
        stream.withheld += event.flow_controlled_length or 0
        try:
            stream.feed(event.data or b"", self.message_limit)
        except RpcError as error:
            self.reset(stream, error)
            return
        self._give_back(stream)

    def _give_back(self, stream: Stream) -> None:
        """Let the other side send more: in few large steps, and only while little waits for the consumer."""
        if stream.withheld < STREAM_WINDOW // 4 or stream.waiting > STREAM_WINDOW // 2 or stream.ended:
            return
        if self.lost or stream.id not in self.streams:
            return
        try:
            self._h2.increment_flow_control_window(stream.withheld, stream.id)
        except StreamClosedError:
            return
        stream.withheld = 0

    def _return_connection_window(self) -> None:
        if self._received >= CONNECTION_WINDOW // 4:
            self._h2.increment_flow_control_window(self._received)
            self._received = 0

    def _over(self, stream: Stream) -> bool:
        """Whether nothing can be sent any more: the call failed, or (for a client) it was answered."""
        if self.lost or stream.failure is not None or stream.id not in self.streams:
            return True
        return self.client and stream.ended

    def _end_here(self, stream: Stream) -> None:
        stream.ended_here = True
        if stream.ended:
            self.streams.pop(stream.id, None)
        elif not self.client:  # answered before the client ended, which need not send more
            self.reset(stream, RpcError(Code.CANCELLED, "the call was answered"))


def _metadata(headers: Sequence[tuple[bytes, bytes]] | object) -> dict[str, list[str]]:
    pairs = headers if isinstance(headers, list) else []
    return metadata_of((name.decode("utf-8", "replace"), value.decode("utf-8", "replace")) for name, value in pairs)
