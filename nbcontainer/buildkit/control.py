"""The Control service: what a BuildKit daemon does for a client."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from . import messages
from .connection import ByteStream
from .errors import SolveError
from .rpc import Client, OnCall
from .rpc_status import Code, RpcError
from .session import Services, Session, Tunnel
from .wire import Kind, Message, WireError

_SERVICE = "/moby.buildkit.v1.Control/"
_QUICK = 30  # seconds for calls that a daemon answers at once


@dataclass(frozen=True)
class SolveOptions:
    """What to build, and what to do with the result.

    Attributes:
        frontend: What reads the sources: ``dockerfile.v0``, or ``gateway.v0`` with an image as attribute ``source``.
        frontend_attributes: Its options; see `frontend.DockerfileFlags`.
        exporters: What to do with the result: type and attributes, ``moby`` for engines, ``image`` for buildkitd.
        cache_imports: Where to look for cache.
        entitlements: What the build may do beyond the default: ``network.host``, ``security.insecure``.
    """

    frontend: str = "dockerfile.v0"
    frontend_attributes: Mapping[str, str] = field(default_factory=dict, repr=False)
    exporters: Sequence[messages.Entry] = ()
    cache_imports: Sequence[messages.Entry] = ()
    entitlements: Sequence[str] = ()

    def attributes(self) -> dict[str, str]:
        """The frontend's options, with the caches that it is to use (client/solve.go, cache-imports)."""
        found = dict(self.frontend_attributes)
        if self.cache_imports:
            entries = [{"Type": entry.type, "Attrs": entry.attributes} for entry in self.cache_imports]
            found["cache-imports"] = json.dumps(entries)
        return found

    def request(self, ref: str, session: str, *, through_gateway: bool = False) -> messages.SolveRequest:
        """The message to send; `through_gateway` leaves the frontend to the calls that follow."""
        request = messages.SolveRequest(
            ref=ref,
            session=session,
            exporters=list(self.exporters),
            cache=messages.CacheOptions(imports=list(self.cache_imports)),
            entitlements=list(self.entitlements),
        )
        if self.exporters:
            request.exporter_old = self.exporters[0].type
            request.exporter_attributes_old = dict(self.exporters[0].attributes)
        if not through_gateway:
            request.frontend, request.frontend_attributes = self.frontend, self.attributes()
        return request


class Control:
    """A daemon's Control service. May be used by several threads.

    Args:
        open_stream: Connects to the daemon; called when first needed and after the connection was lost.
        name: The daemon's, for the log.
    """

    def __init__(self, open_stream: Callable[[], ByteStream], *, name: str = "BuildKit") -> None:
        self.client = Client(open_stream, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection and all that uses it."""
        self.client.close()

    def call(
        self,
        name: str,
        request: Message,
        answer: type[Kind],
        *,
        timeout: float | None = _QUICK,
        on_call: OnCall | None = None,
    ) -> Kind:
        """Call a method of the Control service.

        Raises:
            RpcError: It failed.
        """
        raw = self.client.unary(_SERVICE + name, request.encode(), timeout=timeout, on_call=on_call)
        return decoded(answer, raw)

    def solve(
        self, request: messages.SolveRequest, *, timeout: float | None = None, on_call: OnCall | None = None
    ) -> dict[str, str]:
        """Build; returns what the exporter reports.

        Raises:
            SolveError: It failed, or was cancelled through the call that `on_call` got.
        """
        try:
            return dict(self.call("Solve", request, messages.SolveResponse, timeout=timeout, on_call=on_call).exporter)
        except RpcError as error:
            raise SolveError.of(error) from None

    def status(self, ref: str, *, on_call: OnCall | None = None) -> Iterator[messages.StatusResponse]:
        """What happens in the build `ref`, from start to finish.

        The daemon waits for a build that it does not know yet; cancel the call if it never comes.
        """
        for raw in self.client.stream(_SERVICE + "Status", [messages.StatusRequest(ref=ref).encode()], on_call=on_call):
            yield decoded(messages.StatusResponse, raw)

    def start_session(
        self, services: Services, *, shared_key: str = "", on_lost: Callable[[RpcError], None] | None = None
    ) -> Session:
        """Offer services to the daemon until the session is closed; see `Session` for the arguments.

        Raises:
            RpcError: The daemon cannot be reached.
        """
        session = Session(services, shared_key=shared_key, on_lost=on_lost)
        session.attach(Tunnel(self.client.call(_SERVICE + "Session", session.headers)))
        return session


def decoded(kind: type[Kind], raw: bytes) -> Kind:
    """Decode a reply.

    Raises:
        RpcError: It is malformed.
    """
    try:
        return kind.decode(raw)
    except WireError as error:
        raise RpcError(Code.INTERNAL, f"the daemon sent a malformed {kind.__name__}: {error}") from None
