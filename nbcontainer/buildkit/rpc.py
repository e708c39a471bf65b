"""gRPC on any byte stream: a client that dials when needed, and a server for one connection."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Self

from .connection import HEALTH, ByteStream, Call, Connection
from .rpc_status import Code, Metadata, RpcError, encode_message

Handler = Callable[[Iterator[bytes], Metadata], Iterable[bytes | list[bytes]]]
"""A method of a server: gets requests and metadata, yields replies; a list is sent as one batch."""

OnCall = Callable[[Call], None]

_LOG = logging.getLogger("nbcontainer.buildkit")


class Client:
    """Calls over one connection, which is opened when first needed and again after it was lost.

    Args:
        open_stream: Connects to the server. OSError becomes `RpcError`, other errors pass through.
        name: The server's, for the log, which gets a line for each call that has ended.
    """

    def __init__(self, open_stream: Callable[[], ByteStream], name: str = "BuildKit") -> None:
        self._open_stream, self._name = open_stream, name
        self._connection: Connection | None = None
        self._dialling = threading.Lock()
        self._closed = False
        self._closes_when_unused = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, method: str, metadata: Sequence[tuple[str, str]] = (), timeout: float | None = None) -> Call:
        """Start a call that lasts for as long as the caller likes; see `Connection.call`."""
        with self._logged(method, "started"):
            return self._start(method, metadata, timeout)

    def unary(
        self,
        method: str,
        request: bytes = b"",
        *,
        metadata: Sequence[tuple[str, str]] = (),
        timeout: float | None = None,
        on_call: OnCall | None = None,
    ) -> bytes:
        """Send one message, wait for one. `on_call` gets the call, which it may cancel from another thread.

        Raises:
            RpcError: It failed.
        """
        answers = list(self.stream(method, [request], metadata=metadata, timeout=timeout, on_call=on_call))
        if not answers:
            raise RpcError(Code.INTERNAL, f"{method} got no reply")
        return answers[0]

    def stream(
        self,
        method: str,
        requests: Iterable[bytes],
        *,
        metadata: Sequence[tuple[str, str]] = (),
        timeout: float | None = None,
        on_call: OnCall | None = None,
    ) -> Iterator[bytes]:
        """Send messages and yield the replies. Leaving early, even by an interrupt, cancels the call.

        Unless `requests` is a list, a thread of its own reads from it.

        Raises:
            RpcError: It failed.
        """
        with self._logged(method, Code.OK.name):
            call = self._start(method, metadata, timeout)
            try:
                if on_call is not None:
                    on_call(call)
                if isinstance(requests, list):
                    with contextlib.suppress(_Answered):
                        _send_all(call, requests)
                else:
                    threading.Thread(target=_pump, args=(call, requests), daemon=True, name="buildkit-requests").start()
                yield from call.messages()
            except BaseException:
                call.cancel()
                raise

    def drop_if_silent(self, seconds: float, *, after: float = 0.0) -> None:
        """Drop the connection if it does not answer a ping for so long; the next call opens another one.

        Args:
            seconds: to wait for the answer.
            after: how long it must have been silent to be asked.
        """
        connection = self._connection
        if connection is None or connection.silent_seconds < after:
            return
        began = time.perf_counter()
        answers = connection.answers(seconds)
        self._log(HEALTH, "answered" if answers else "silent", began)
        if not answers:
            connection.give_up()
            with self._dialling:
                if self._connection is connection:
                    self._connection = None

    def close_when_unused(self) -> None:
        """Close the connection as soon as no call uses it; one that a later call opens, too."""
        self._closes_when_unused = True  # without the lock: opening the stream may end in this call
        if self._connection is not None:
            self._connection.close_when_unused()

    def close(self) -> None:
        """End the connection and all calls. Later calls fail."""
        with self._dialling:
            self._closed = True
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextlib.contextmanager
    def _logged(self, method: str, outcome: str) -> Iterator[None]:
        """Log a call when the block ends: its name, outcome and milliseconds, but no content."""
        began = time.perf_counter()
        try:
            yield
        except RpcError as error:
            outcome = error.code.name
            raise
        except BaseException as error:
            outcome = Code.CANCELLED.name if isinstance(error, GeneratorExit) else type(error).__name__
            raise
        finally:
            self._log(method, outcome, began)

    def _log(self, method: str, outcome: str, began: float) -> None:
        if _LOG.isEnabledFor(logging.DEBUG):
            _LOG.debug("POST %s %s %.0f ms %s", method, outcome, (time.perf_counter() - began) * 1000, self._name)

    def _start(self, method: str, metadata: Sequence[tuple[str, str]], timeout: float | None) -> Call:
        connection = self._connected()
        call = connection.call(method, metadata, timeout)
        if self._closes_when_unused:
            connection.close_when_unused()
        return call

    def _connected(self) -> Connection:
        with self._dialling:
            if self._closed:
                raise RpcError(Code.CANCELLED, "the client was closed")
            if self._connection is None or self._connection.lost:
                try:
                    stream = self._open_stream()
                except OSError as error:
                    raise RpcError(Code.UNAVAILABLE, f"cannot connect: {error.strerror or error}") from error
                self._connection = Connection(stream, client=True)
            return self._connection


class _Answered(Exception):
    """The reply came before everything was sent."""


def _send_all(call: Call, requests: Iterable[bytes]) -> None:
    """Send; where the call is already over, its reply says why."""
    try:
        for message in requests:
            call.send(message)
    except RpcError:
        raise _Answered from None
    call.end()


def _pump(call: Call, requests: Iterable[bytes]) -> None:
    try:
        _send_all(call, requests)
    except _Answered:
        return
    except Exception as error:  # noqa: BLE001 - the caller reads the replies on another thread
        call.fail(RpcError(Code.CANCELLED, f"the requests broke off: {type(error).__name__}: {error}"))


class Server:
    """Answers calls on one connection, each on a thread of its own.

    Args:
        handlers: ``/package.Service/Method`` → its handler.
        on_lost: Gets the reason why the connection ended, if not by `close`.
    """

    def __init__(self, handlers: Mapping[str, Handler], on_lost: Callable[[RpcError], None] | None = None) -> None:
        self.handlers = dict(handlers)
        self._on_lost = on_lost
        self._connection: Connection | None = None

    def attach(self, stream: ByteStream) -> None:
        """Serve this stream until it ends."""
        self._connection = Connection(stream, client=False, on_call=self._answer, on_lost=self._on_lost)

    def close(self) -> None:
        """End the connection and all calls."""
        if self._connection is not None:
            self._connection.close()

    def _answer(self, call: Call) -> None:
        outcome = RpcError(Code.OK, "")
        try:
            call.send_headers([(":status", "200"), ("content-type", "application/grpc")])
            handler = self.handlers.get(call.method)
            if handler is None:
                raise RpcError(Code.UNIMPLEMENTED, f"{call.method} is not offered")  # noqa: TRY301 - one exit for all errors
            metadata = {name: values for name, values in call.headers.items() if not name.startswith(":")}
            with contextlib.closing(_closable(handler(call.messages(), metadata))) as answers:
                for answer in answers:
                    call.send(*answer) if isinstance(answer, list) else call.send(answer)
        except RpcError as error:
            outcome = error
        except Exception as error:  # noqa: BLE001 - the peer must learn of any failure
            outcome = RpcError(Code.UNKNOWN, f"{type(error).__name__}: {error}")
        trailers = [("grpc-status", str(int(outcome.code)))]
        if outcome.message:
            trailers.append(("grpc-message", encode_message(outcome.message)))
        call.send_headers(trailers, end=True)


def _closable(answers: Iterable[bytes | list[bytes]]) -> Generator[bytes | list[bytes], None, None]:
    """As a generator, which can be closed: then a handler frees its resources at once when the call is aborted."""
    yield from answers
