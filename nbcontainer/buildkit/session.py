"""The session: what a daemon may request from this client while it builds.

The daemon is the client here. Its calls come back to us through a tunnel in the Control/Session call, or over a
stream from the caller (the Engine's ``POST /session``). Services and their metadata:
https://github.com/moby/buildkit/tree/master/session
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from . import filereceive, filesync, messages
from .connection import ByteStream, Call
from .errors import SolveError
from .rpc import Handler, Server
from .rpc_status import Code, Metadata, RpcError
from .tokens import Login, LoginFor, fetch_token
from .tree import Tree
from .wire import Kind, Message

if TYPE_CHECKING:
    from urllib.request import BaseHandler

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_TUNNEL_CHUNK = 1 << 19
_SERVING = 1
_MOST_OUTPUTS = 16
"""Results that may arrive at the same time, one for each platform; each uses some tens of descriptors."""


@dataclass
class Services:
    """What the daemon may have; everything else is refused.

    Attributes:
        trees: Directory name (``context``, ``dockerfile``, named contexts) → its files.
        secrets: Secret id → returns its bytes, called when a step needs them; None means that there is no such secret.
        login: Registry host → `Login`, or None for anonymous.
        http_handlers: urllib handlers for requests to token services, in place of urllib's defaults.
        token_authority: Fetch registry tokens here, so that passwords stay here; otherwise the daemon gets them.
        ssh: Agent id (``default``) → path of the agent's socket.
        outputs: Exporter's number (``0`` for the only one) → opens the file that a ``tar``, ``oci`` or ``docker``
            exporter writes; `destination.replacement` opens one of the user's.
        output_folders: Exporter's number → the folder that a ``local`` exporter fills.
        on_request: Gets the kind and subject of each request, never its content.
    """

    trees: Mapping[str, Tree] = field(default_factory=dict)
    secrets: Mapping[str, Callable[[], bytes | None]] = field(default_factory=dict, repr=False)
    login: LoginFor | None = field(default=None, repr=False)
    http_handlers: Sequence[type[BaseHandler]] = ()
    token_authority: bool = True
    ssh: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Callable[[], AbstractContextManager[BinaryIO]]] = field(default_factory=dict)
    output_folders: Mapping[str, str | os.PathLike[str]] = field(default_factory=dict)
    on_request: Callable[[str, str], None] | None = None


class OutputError(SolveError):
    """An exporter's result was refused, cannot be written, or did not arrive whole."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.DATA_LOSS, message)


@dataclass
class _Output:
    """One call that sends an exporter's result; there are several for several platforms."""

    name: str
    whole: bool = False
    error: str = ""


class Session:
    """Services that builds may call while it is open.

    Attributes:
        id: Its name in builds.
        lost: Why it ended before `close`, or None.

    Args:
        services: What to offer.
        shared_key: Identifies the context directory, so that its files need not be sent again; stable per directory.
        on_lost: Gets the reason if the connection ends before `close`.
    """

    def __init__(
        self,
        services: Services,
        *,
        shared_key: str = "",
        on_lost: Callable[[RpcError], None] | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.services = services
        self.lost: RpcError | None = None
        self._shared_key, self._on_lost = shared_key, on_lost
        self._seed = os.urandom(32)
        self._logins: dict[str, Login | None] = {}
        self._outputs: list[_Output] = []
        self._receiving = threading.BoundedSemaphore(_MOST_OUTPUTS)
        self._asking = threading.Lock()
        self._closed = False
        self._server = Server(self._handlers(), on_lost=self._end)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What to send with the request that opens the stream for `attach`."""
        key = hashlib.sha256(self._shared_key.encode("utf-8", "surrogateescape")).hexdigest()
        return [
            ("x-docker-expose-session-uuid", self.id),
            ("x-docker-expose-session-name", "nbcontainer"),
            ("x-docker-expose-session-sharedkey", key if self._shared_key else ""),
            *(("x-docker-expose-session-grpc-method", method) for method in self._server.handlers),
        ]

    def attach(self, stream: ByteStream) -> None:
        """Serve the daemon on this stream."""
        self._server.attach(stream)

    def close(self) -> None:
        """End it: the daemon can make no more requests."""
        self._closed = True
        self._server.close()

    def _end(self, error: RpcError) -> None:
        if not self._closed:
            self.lost = error
            if self._on_lost is not None:
                self._on_lost(error)

    def _handlers(self) -> dict[str, Handler]:
        offered, services = {}, self.services
        offered["/grpc.health.v1.Health/Check"] = _unary(
            messages.Empty, lambda _: messages.HealthStatus(status=_SERVING)
        )
        if services.trees:
            offered["/moby.filesync.v1.FileSync/DiffCopy"] = self._send_directory
        if services.secrets:
            offered["/moby.buildkit.secrets.v1.Secrets/GetSecret"] = _unary(messages.GetSecretRequest, self._secret)
        auth = "/moby.filesync.v1.Auth/"
        offered[auth + "Credentials"] = _unary(messages.Host, self._credentials)
        offered[auth + "FetchToken"] = _unary(messages.TokenRequest, self._token)
        if services.token_authority:
            offered[auth + "GetTokenAuthority"] = _unary(messages.AuthorityRequest, self._authority)
            offered[auth + "VerifyTokenAuthority"] = _unary(messages.VerifyRequest, self._verify)
        if services.ssh:
            offered["/moby.sshforward.v1.SSH/CheckAgent"] = _unary(messages.SshId, self._check_agent)
            offered["/moby.sshforward.v1.SSH/ForwardAgent"] = self._forward_agent
        if services.outputs or services.output_folders:
            offered["/moby.filesync.v1.FileSend/DiffCopy"] = self._receive_output
        return offered

    def _report(self, kind: str, subject: str) -> None:
        if self.services.on_request is not None:
            self.services.on_request(kind, subject)

    def _send_directory(self, requests: Iterator[bytes], metadata: Metadata) -> Iterator[bytes | list[bytes]]:
        name = _first(metadata, "dir-name")
        self._report("directory", name)
        tree = self.services.trees.get(name)
        if tree is None:
            raise RpcError(Code.NOT_FOUND, f"no access allowed to directory {name!r}")
        yield from filesync.send(tree, requests, metadata)

    def _secret(self, request: messages.GetSecretRequest) -> messages.Bytes:
        self._report("secret", request.id)
        source = self.services.secrets.get(request.id)
        try:
            value = source() if source is not None else None
        except Exception as error:  # noqa: BLE001 - its text might contain the secret
            raise RpcError(Code.UNKNOWN, f"secret {request.id!r} cannot be read: {type(error).__name__}") from None
        if value is None:
            raise RpcError(Code.NOT_FOUND, f"secret {request.id!r} was not given")
        return messages.Bytes(data=value)

    def _login(self, host: str) -> Login | None:
        """Look up each host once: a credential helper may be slow, or prompt the user each time."""
        with self._asking:
            if host not in self._logins:
                try:
                    self._logins[host] = self.services.login(host) if self.services.login is not None else None
                except Exception as error:  # noqa: BLE001 - its text might contain the secret
                    raise RpcError(
                        Code.UNKNOWN, f"the login for {host} cannot be read: {type(error).__name__}"
                    ) from None
            return self._logins[host]

    def _credentials(self, request: messages.Host) -> messages.Credentials:
        self._report("credentials", request.host)
        login = self._login(request.host) or Login()
        return messages.Credentials(username=login.username, secret=login.secret)

    def _token(self, request: messages.TokenRequest) -> messages.Token:
        self._report("token", request.host)
        return fetch_token(request, self._login(request.host), self.services.http_handlers)

    def _key(self, host: str, salt: bytes) -> Ed25519PrivateKey:
        """The daemon caches tokens under this key, so those of a login are only found with this session's seed."""
        # imported for the first token only, as it loads OpenSSL
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

        mac = hmac.new(salt, digestmod=hashlib.sha256)
        login = self._login(host)
        if login is not None and login.secret:
            mac.update(self._seed)
        return Ed25519PrivateKey.from_private_bytes(mac.digest())

    def _authority(self, request: messages.AuthorityRequest) -> messages.Bytes:
        return messages.Bytes(data=self._key(request.host, request.salt).public_key().public_bytes_raw())

    def _verify(self, request: messages.VerifyRequest) -> messages.Bytes:
        return messages.Bytes(data=self._key(request.host, request.salt).sign(request.payload) + request.payload)

    def _agent(self, name: str) -> str:
        path = self.services.ssh.get(name or "default")
        if path is None:
            raise RpcError(Code.NOT_FOUND, f"no ssh agent was given for {name or 'default'!r}")
        return path

    def _check_agent(self, request: messages.SshId) -> messages.Empty:
        self._agent(request.id)
        return messages.Empty()

    def _forward_agent(self, requests: Iterator[bytes], metadata: Metadata) -> Iterator[bytes]:
        name = _first(metadata, "buildkit.ssh.id")
        self._report("ssh", name or "default")
        with socket.socket(socket.AF_UNIX) as agent:
            try:
                agent.connect(self._agent(name))
            except OSError as error:
                raise RpcError(Code.UNAVAILABLE, f"the ssh agent cannot be reached: {error.strerror}") from None
            threading.Thread(target=_pump_to_socket, args=(requests, agent), daemon=True, name="buildkit-ssh").start()
            while data := agent.recv(1 << 16):
                yield messages.Bytes(data=data).encode()

    def output_error(self, *, built: bool) -> OutputError | None:
        """What went wrong with the exporters' results; once the daemon has `built` all, also what is missing."""
        for output in self._outputs:
            if output.error:
                return OutputError(output.error)
        if not built:
            return None
        if not all(output.whole for output in self._outputs):
            return OutputError("the daemon reported that it was done before it had sent the whole result")
        if {*self.services.outputs, *self.services.output_folders} - {output.name for output in self._outputs}:
            return OutputError("the daemon sent no result")
        return None

    def _receive_output(self, requests: Iterator[bytes], metadata: Metadata) -> Iterator[bytes | list[bytes]]:
        name = _first(metadata, "buildkit-attachable-exporter-id") or "0"
        self._report("output", name)
        output = _Output(name)
        self._outputs.append(output)
        try:
            with self._limited():
                yield from self._received(name, output, requests)
        except RpcError:  # the call ended; a failed build says why
            raise
        except Exception as error:
            if not output.whole:
                output.error = _reason(error)
            raise

    @contextlib.contextmanager
    def _limited(self) -> Iterator[None]:
        if not self._receiving.acquire(blocking=False):
            raise filesync.TransferError(f"the daemon sends more than {_MOST_OUTPUTS} results at the same time")
        try:
            yield
        finally:
            self._receiving.release()

    def _received(self, name: str, output: _Output, requests: Iterator[bytes]) -> Iterator[bytes | list[bytes]]:
        folder = self.services.output_folders.get(name)
        opener = self.services.outputs.get(name)
        if folder is not None:
            statistics = filesync.Statistics()
            for answer in filereceive.receive(requests, folder, statistics):
                output.whole = statistics.finished  # before the daemon gets the reply, and is done
                yield answer
        elif opener is not None:
            with opener() as target:
                for message in requests:
                    target.write(messages.Bytes.decode(message).data)
            output.whole = True
        else:
            raise RpcError(Code.NOT_FOUND, f"no output {name!r}")


class Tunnel:
    """A byte stream inside a Control/Session call."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def recv(self, _: int, /) -> bytes:
        """Wait for some bytes; an empty message does not end the stream."""
        while (message := self._call.receive()) is not None:
            if data := messages.Bytes.decode(message).data:
                return data
        return b""

    def sendall(self, data: bytes, /) -> None:
        """Send all of `data`."""
        for start in range(0, len(data), _TUNNEL_CHUNK):
            self._call.send(messages.Bytes(data=data[start : start + _TUNNEL_CHUNK]).encode())

    def close(self) -> None:
        """End the call."""
        self._call.cancel()


def _reason(error: Exception) -> str:
    if not isinstance(error, OSError):
        return str(error)
    return f"{error.filename or 'it'} cannot be written: {error.strerror}"


def _first(metadata: Metadata, name: str) -> str:
    return next(iter(metadata.get(name, ())), "")


def _unary(kind: type[Kind], function: Callable[[Kind], Message]) -> Handler:
    def handle(requests: Iterator[bytes], _: Metadata) -> Iterable[bytes]:
        return [function(kind.decode(next(requests, b""))).encode()]

    return handle


def _pump_to_socket(requests: Iterator[bytes], target: socket.socket) -> None:
    with contextlib.suppress(RpcError, OSError):
        for message in requests:
            target.sendall(messages.Bytes.decode(message).data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
