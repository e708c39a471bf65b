"""The docker package's own client, over our connection to an engine.

Its calls and objects are the package's own; how the engine is reached, TLS, ssh and the private Podman included, is
ours. Three things are better than over the package's own transport: a connection that breaks is an error rather than
the quiet end of a stream, an engine that hangs is noticed, and closing the client ends the calls of other threads.
"""

from __future__ import annotations

import functools
import http.client
import io
import logging
import socket
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import docker
import docker.utils.proxy
import requests
import requests.adapters
import urllib3.connection
import urllib3.connectionpool

from nbcontainer.byte_stream import Silent
from nbcontainer.engines.config import proxy_table
from nbcontainer.engines.failures import lost
from nbcontainer.request_log import LoggedRequest
from nbcontainer.settings import settings

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine

HEAD_END = b"\r\n\r\n"
LOG = logging.getLogger(__name__)
READING = frozenset({"GET", "HEAD"})
IDLE_CONNECTIONS = 10  # as many as docker's own client keeps


class EngineClient(docker.DockerClient):
    """`docker.DockerClient` for one of our engines; it calls `check` before each request that may change something.

    Its methods raise `docker.errors` where the engine refuses, `requests.exceptions.ReadTimeout` where the caller's own
    time limit expires, and `EngineUnavailable` where the engine cannot be reached, breaks off or hangs.
    """

    def __init__(self, engine: Engine, check: Callable[[], None]) -> None:
        # super().__init__ would only make another API client
        self.api = _Api(engine, check)


class _Api(docker.APIClient):
    """The package's API client; base_url matters only to its own transport."""

    def __init__(self, engine: Engine, check: Callable[[], None]) -> None:
        super().__init__("unix:///engine", version=engine.capabilities.api_version)
        self._custom_adapter = _Adapter(engine, check)
        self.mount(f"{self.base_url}/", self._custom_adapter)
        self.trust_env = False  # no proxy and no ~/.netrc: `Engine.dial` decides how to connect
        self._proxy_configs = docker.utils.proxy.ProxyConfig.from_dict(
            proxy_table(engine.address)  # type: ignore[arg-type] # the same names
        )

    def _read_from_socket(self, response: requests.Response, *arguments: object, **options: object) -> object:
        # it polls without a time limit before each read, and would not notice a hung engine: the read waits instead
        self._get_raw_response_socket(response)._sock.is_polled = False  # type: ignore[attr-defined] # noqa: SLF001
        return super()._read_from_socket(response, *arguments, **options)  # type: ignore[misc]


class _Adapter(requests.adapters.HTTPAdapter):
    """Sends the requests of a session over connections to the engine, whatever host their URL names."""

    def __init__(self, engine: Engine, check: Callable[[], None]) -> None:
        self._check, self._where = check, engine.name
        self._sockets = sockets = weakref.WeakSet[_Socket]()
        self._lock = lock = threading.Lock()

        def connect() -> _Socket:  # must not refer to this adapter, which idle connections in urllib3 would keep alive
            made = _Socket(engine)
            with lock:
                sockets.add(made)
            return made

        self._pool = _Pool(connect)
        super().__init__()

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        if request.method not in READING:
            self._check()
        with LoggedRequest(LOG, str(request.method), request.path_url, self._where) as logged:
            response = super().send(request, *arguments, **options)
            logged.status = response.status_code
        return response

    def get_connection_with_tls_context(self, *_: object, **__: object) -> _Pool:
        return self._pool

    def get_connection(self, *_: object, **__: object) -> _Pool:  # its name before requests 2.32
        return self._pool

    def request_url(self, request: requests.PreparedRequest, _proxies: Mapping[str, str] | None) -> str:
        return request.path_url

    def close(self) -> None:
        """Close all connections, including those of calls that other threads wait for."""
        super().close()
        with self._lock:
            found = list(self._sockets)
        for each in found:
            each.shutdown(socket.SHUT_RDWR)


class _Pool(urllib3.connectionpool.HTTPConnectionPool):
    def __init__(self, connect: Callable[[], _Socket]) -> None:
        super().__init__("localhost", maxsize=IDLE_CONNECTIONS)
        self._connect = connect

    def _new_conn(self) -> _Connection:
        return _Connection(self._connect)


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: _Socket, *arguments: object, **options: object) -> None:
        super().__init__(sock, *arguments, **options)  # type: ignore[arg-type] # it calls only `makefile`
        self._socket = sock

    def begin(self) -> None:
        super().begin()
        self._socket.begin_body(may_end=not self.chunked and not self.length)


class _Connection(urllib3.connection.HTTPConnection):
    response_class = _Response
    sock: _Socket

    def __init__(self, connect: Callable[[], _Socket]) -> None:
        super().__init__("localhost")
        self._connect = connect

    def connect(self) -> None:
        self.sock = self._connect()

    @property
    def is_connected(self) -> bool:
        return self.sock is not None and not self.sock.is_dropped()


class _Socket:
    """A connection to the engine, with the socket methods that http.client, urllib3, docker and its users call."""

    def __init__(self, engine: Engine) -> None:
        self._stream = engine.dial()
        self._name, self._address = engine.name, engine.address
        self._check_alive = engine.http().check_alive
        self._timeout: float | None = None
        self._readers = 0
        self._is_closed = False  # its readers may still be open
        self._is_cut = False
        self._is_in_head = False
        self._is_whole = True  # whether the connection may end here
        self._tail = b""
        self.is_polled = True
        weakref.finalize(self, self._stream.close)

    # --- the beginning of a reply

    def makefile(self, _mode: str = "rb", _buffering: int | None = None) -> io.BufferedReader:
        """A reader for one reply, whose head comes first."""
        self._is_in_head, self._is_whole, self._tail = True, False, b""
        self._stream.when_silent(self._check_alive, settings.connect_timeout)
        self._readers += 1
        return io.BufferedReader(_Reader(self, "rwb"))  # type: ignore[arg-type] # it calls only what is here

    def begin_body(self, *, may_end: bool) -> None:
        """The head has been read; `may_end` says whether the end of the connection ends the body."""
        self._is_in_head, self._is_whole = False, may_end
        self._stream.when_silent(self._check_alive)

    def _head_part(self, data: bytes) -> bytes:
        """As much of `data` as belongs to the head.

        The rest stays in the stream: docker's package reads an upgraded connection without the buffer of
        http.client, where a frame that arrived with the head would be lost.
        """
        seen = self._tail + data
        end = seen.find(HEAD_END)
        if end < 0:
            self._tail = seen[1 - len(HEAD_END) :]
            return data
        used = end + len(HEAD_END) - len(self._tail)
        self._tail = b""
        self._stream.unread(data[used:])
        return data[:used]

    # --- a socket's own calls

    def recv(self, size: int, _flags: int = 0) -> bytes:
        """The next bytes.

        Raises:
            EngineUnavailable: the connection broke, or the engine hangs. Not an OSError, which docker's package would
                take for the end of a stream.
            OSError: it was closed here, or (TimeoutError) nothing came in time.
        """
        try:
            data = self._stream.recv(size)
        except TimeoutError:
            raise
        except OSError as error:
            raise self._broken(error) from error
        if self._is_in_head:
            data = self._head_part(data)
        if not data and size and (self._is_cut or not self._is_whole):
            raise self._broken(None)
        return data

    def recv_into(self, buffer: bytearray | memoryview, size: int = 0, _flags: int = 0) -> int:
        """As `recv`, into a buffer."""
        data = self.recv(size or len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def sendall(self, data: bytes | bytearray | memoryview, _flags: int = 0) -> None:
        """Send all of `data`; raises as `recv` does, and BrokenPipeError where the engine stops reading."""
        try:
            self._stream.sendall(data)
        except (BrokenPipeError, TimeoutError):
            raise  # its reply may say why
        except OSError as error:
            raise self._broken(error) from error

    def send(self, data: bytes | bytearray | memoryview, _flags: int = 0) -> int:
        """As `sendall`."""
        self.sendall(data)
        return len(data)

    def _broken(self, error: OSError | None) -> Exception:
        if self._is_cut:
            return ConnectionAbortedError("The connection was closed while a call waited for it.")
        if isinstance(error, Silent):
            return lost(str(error), self._address)
        if self._is_in_head:
            return lost(f"{self._name} closed the connection without an answer.", self._address)
        return lost(f"{self._name} broke off in the middle of its reply.", self._address)

    def fileno(self) -> int:
        """A descriptor to poll: the connection's own, or a ready one where a read need not wait, or waits itself."""
        if not self.is_polled or self._stream.readable(0):
            return _ready()
        return self._stream.fileno()

    def gettimeout(self) -> float | None:
        """How long one read or write may wait; None for no limit."""
        return self._timeout

    def settimeout(self, seconds: float | None) -> None:
        """Set how long one read or write may wait; None for no limit."""
        self._timeout = seconds
        self._stream.settimeout(seconds)

    def is_dropped(self) -> bool:
        """Whether an idle connection was closed by the engine, or here."""
        return self._stream.readable(0)

    def shutdown(self, how: int) -> None:
        """End sending; or both directions, from any thread, which ends another thread's read."""
        if how == socket.SHUT_WR:
            self._stream.shutdown_write()
        elif how == socket.SHUT_RDWR:
            self._is_cut = True
            self._stream.close()

    def close(self) -> None:
        """Close it when its last reader is closed."""
        self._is_closed = True
        if not self._readers:
            self._stream.close()

    def _decref_socketios(self) -> None:
        """A reader was closed; called by `socket.SocketIO`."""
        self._readers -= 1
        if self._is_closed:
            self.close()


class _Reader(socket.SocketIO):
    """What docker's package hands out as the socket of an exec or attach."""

    def flush(self) -> None:
        """Do nothing: http.client also calls it after the user has closed the reader."""


@functools.cache
def _ready() -> int:
    """A descriptor that every poll finds ready: a socket's at its end, since select on Windows takes only sockets."""
    ours, theirs = socket.socketpair()
    theirs.close()
    return ours.detach()
