"""The gateway (LLBBridge): drive a build as its frontend does, or ask the frontend about the Dockerfile."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator

from . import gateway_messages
from .connection import Call
from .control import Control, SolveOptions, decoded
from .errors import SolveError
from .messages import Definition, Empty, RpcStatus, SourceMap
from .rpc_status import Code, RpcError
from .wire import Kind, Message, encoded

_SERVICE = "/moby.buildkit.v1.frontend.LLBBridge/"
_REGISTER = 10  # seconds until a daemon must know a build that was just started
_SUBREQUESTS = "moby.buildkit.frontend.subrequests+forward"


class Gateway:
    """Calls that belong to the build `ref`, which was started by a Solve without a frontend.

    `cancel` aborts the running calls; to end the build, its Solve must be cancelled as well, or a RUN goes on.
    """

    def __init__(self, control: Control, ref: str) -> None:
        self._client, self._metadata = control.client, [("buildkit-controlapi-buildid", ref)]
        self._calls: set[Call] = set()
        self._cancelled = False
        self._lock = threading.Lock()

    def cancel(self) -> None:
        """Abort all calls; later ones fail."""
        with self._lock:
            self._cancelled = True
            calls = list(self._calls)
        for call in calls:
            call.cancel()

    def ping(self) -> None:
        """Wait until the daemon knows the build."""
        self._call("Ping", Empty(), Empty, timeout=_REGISTER)

    def solve(self, options: SolveOptions) -> tuple[gateway_messages.Result, bytes]:
        """Let the frontend make a graph; returns the result, decoded and encoded.

        Raises:
            SolveError: It failed.
        """
        request = gateway_messages.GatewaySolveRequest(
            frontend=options.frontend,
            frontend_options=options.attributes(),
            allow_result_return=True,
            allow_result_array_ref=True,
            cache_imports=list(options.cache_imports),
        )
        raw = self._call("Solve", request, gateway_messages.GatewaySolveResponse).result
        return decoded(gateway_messages.Result, raw), raw

    def subrequest(self, name: str, options: SolveOptions) -> dict[str, object]:
        """Ask the frontend about the Dockerfile: ``frontend.lint``, ``frontend.outline``, ``frontend.targets``.

        Raises:
            SolveError: The Dockerfile is wrong, or the frontend does not know the request.
        """
        attributes = {**options.frontend_attributes, "requestid": name, "frontend.caps": _SUBREQUESTS}
        result, _ = self.solve(SolveOptions(options.frontend, attributes))
        try:
            answer = json.loads(result.metadata["result.json"])
        except (KeyError, ValueError):
            raise SolveError(Code.UNIMPLEMENTED, f"the daemon's frontend does not answer {name}") from None
        return answer if isinstance(answer, dict) else {}

    def return_result(self, result: bytes = b"", error: RpcError | None = None) -> None:
        """End the frontend's part: the outer Solve continues with the encoded `result`, or fails with `error`."""
        # A daemon (BuildKit 0.25 in Docker 28.5) crashes if it gets neither a result nor an error.
        request = gateway_messages.ReturnRequest(result=encoded(result))
        if error is not None:
            request = gateway_messages.ReturnRequest(error=RpcStatus(code=int(error.code), message=error.message))
        self._call("Return", request, Empty, timeout=_REGISTER)

    def _call(self, name: str, request: Message, answer: type[Kind], *, timeout: float | None = None) -> Kind:
        with self.following() as follow:
            try:
                raw = self._client.unary(
                    _SERVICE + name, request.encode(), metadata=self._metadata, timeout=timeout, on_call=follow
                )
            except RpcError as error:
                raise SolveError.of(error) from None
        return decoded(answer, raw)

    @contextlib.contextmanager
    def following(self) -> Iterator[Callable[[Call], None]]:
        """Register a call for `cancel`."""
        started: list[Call] = []

        def follow(call: Call) -> None:
            started.append(call)
            with self._lock:
                self._calls.add(call)
                cancelled = self._cancelled
            if cancelled:
                call.cancel()

        try:
            yield follow
        finally:
            with self._lock:
                self._calls.difference_update(started)


def source_map(result: gateway_messages.Result) -> SourceMap | None:
    """Step digest → Dockerfile lines, of all platforms of a result; None where the daemon does not send it."""
    merged = SourceMap()
    for ref in result.all_refs():
        definition: Definition | None = ref.definition
        if definition is not None and definition.source is not None:
            merged.locations.update(definition.source.locations)
            merged.infos = merged.infos or definition.source.infos
    return merged if merged.locations else None
