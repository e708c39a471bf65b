"""The gateway (LLBBridge): drive a build as its frontend does.

Lint, outline and targets of a Dockerfile; files of any state; processes in any state, including a failed step's.
"""

import contextlib
import json
import queue
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from . import gateway_messages
from .connection import Call
from .control import Control, SolveOptions, decoded
from .errors import SolveError
from .messages import Bytes, Definition, Empty, RpcStatus, SourceMap, Stat
from .rpc_status import Code, RpcError
from .wire import Kind, Message, encoded

_SERVICE = "/moby.buildkit.v1.frontend.LLBBridge/"
_REGISTER = 10  # seconds until a daemon must know a build that was just started
_SUBREQUESTS = "moby.buildkit.frontend.subrequests+forward"
_STDIN, _STDOUT, _STDERR = 0, 1, 2


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

    def solve(self, options: SolveOptions, *, evaluate: bool = False) -> tuple[gateway_messages.Result, bytes]:
        """Let the frontend make a graph, and (`evaluate`) run it; returns the result, decoded and encoded.

        Raises:
            SolveError: It failed. With `evaluate`, its `failed` gives access to the failed step.
        """
        request = gateway_messages.GatewaySolveRequest(
            frontend=options.frontend,
            frontend_options=options.attributes(),
            allow_result_return=True,
            allow_result_array_ref=True,
            cache_imports=list(options.cache_imports),
            evaluate=evaluate,
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

    def read_directory(self, ref: str, path: str = "/", include: str = "") -> list[Stat]:
        """List a directory of a state; `include` is a pattern of names."""
        request = gateway_messages.ReadDirRequest(ref=ref, path=path, include_pattern=include)
        return self._call("ReadDir", request, gateway_messages.ReadDirResponse).entries

    def read_file(self, ref: str, path: str, offset: int = 0, length: int = 0) -> bytes:
        """Read a file of a state, or `length` bytes of it. Without a length the daemon sends it in one message."""
        part = gateway_messages.FileRange(offset=offset, length=length) if length else None
        return self._call("ReadFile", gateway_messages.ReadFileRequest(ref=ref, path=path, range=part), Bytes).data

    def stat_file(self, ref: str, path: str) -> Stat:
        """Describe a file of a state."""
        return (
            self._call(
                "StatFile", gateway_messages.StatFileRequest(ref=ref, path=path), gateway_messages.StatFileResponse
            ).stat
            or Stat()
        )

    @contextlib.contextmanager
    def container(self, mounts: Sequence[gateway_messages.Mount]) -> Iterator["Container"]:
        """A container made of these mounts; it ends with its first process."""
        name = uuid.uuid4().hex
        self._call("NewContainer", gateway_messages.NewContainerRequest(id=name, mounts=list(mounts)), Empty)
        try:
            yield Container(self, name)
        finally:
            try:
                self._call("ReleaseContainer", gateway_messages.ContainerId(id=name), Empty, timeout=_REGISTER)
            except RpcError as error:
                # It repeats the outcome of the first process; and a build that is over has already released it.
                if error.code not in (Code.UNKNOWN, Code.CANCELLED, Code.UNAVAILABLE):
                    raise

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

    def stream(self, name: str, requests: Iterator[bytes]) -> Iterator[bytes]:
        """Start a streaming call of this build."""
        with self.following() as follow:
            yield from self._client.stream(_SERVICE + name, requests, metadata=self._metadata, on_call=follow)

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


@dataclass(frozen=True)
class Container:
    """A container in a state of the build."""

    gateway: Gateway
    id: str

    def run(
        self,
        arguments: Sequence[str],
        *,
        environment: Sequence[str] = (),
        directory: str = "/",
        user: str = "",
        stdin: bytes = b"",
        on_output: Callable[[int, bytes], None] | None = None,
    ) -> tuple[int, bytes, bytes]:
        """Run a process to its end; returns exit code, output and error output (empty if `on_output` takes them)."""
        messages: queue.SimpleQueue[gateway_messages.ExecMessage | None] = queue.SimpleQueue()
        process, outputs, code = uuid.uuid4().hex, {_STDOUT: bytearray(), _STDERR: bytearray()}, -1
        meta = gateway_messages.ProcessMeta(args=list(arguments), env=list(environment), cwd=directory, user=user)
        start = gateway_messages.Init(container=self.id, meta=meta, fds=[_STDIN, _STDOUT, _STDERR])
        messages.put(gateway_messages.ExecMessage(process=process, init=start))
        requests = (message.encode() for message in iter(messages.get, None))
        try:
            for raw in self.gateway.stream("ExecProcess", requests):
                message = decoded(gateway_messages.ExecMessage, raw)
                if message.started is not None:
                    for begin in range(0, len(stdin), 1 << 20):
                        data = gateway_messages.FileData(fd=_STDIN, data=stdin[begin : begin + (1 << 20)])
                        messages.put(gateway_messages.ExecMessage(process=process, file=data))
                    messages.put(
                        gateway_messages.ExecMessage(
                            process=process, file=gateway_messages.FileData(fd=_STDIN, eof=True)
                        )
                    )
                elif message.file is not None and message.file.data:
                    if on_output is not None:
                        on_output(message.file.fd, message.file.data)
                    elif message.file.fd in outputs:
                        outputs[message.file.fd] += message.file.data
                elif message.exit is not None:
                    code = message.exit.code
                elif message.done is not None:
                    messages.put(None)
        finally:
            messages.put(None)
        return code, bytes(outputs[_STDOUT]), bytes(outputs[_STDERR])


def source_map(result: gateway_messages.Result) -> SourceMap | None:
    """Step digest → Dockerfile lines, of all platforms of a result; None where the daemon does not send it."""
    merged = SourceMap()
    for ref in result.all_refs():
        definition: Definition | None = ref.definition
        if definition is not None and definition.source is not None:
            merged.locations.update(definition.source.locations)
            merged.infos = merged.infos or definition.source.infos
    return merged if merged.locations else None
