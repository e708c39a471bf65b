"""The messages of BuildKit's gateway (LLBBridge) that we use, by their field numbers.

Source: https://github.com/moby/buildkit frontend/gateway/pb/gateway.proto.
"""

from .messages import Definition, Entry, RpcStatus
from .wire import Message, blob, blob_map, flag, many, message_map, one, text, text_map


class Ref(Message):
    """A state of a file system that the daemon can make, and the graph that says how."""

    id: str = text(1)
    definition: Definition | None = one(2, Definition)


class RefMap(Message):
    """One state per platform."""

    refs: dict[str, Ref] = message_map(1, Ref)


class Result(Message):
    """A frontend's result: `ref`, or `refs` where there are several platforms."""

    ref: Ref | None = one(3, Ref)
    refs: RefMap | None = one(4, RefMap)
    metadata: dict[str, bytes] = blob_map(10)

    def all_refs(self) -> list[Ref]:
        """All its states."""
        several = list(self.refs.refs.values()) if self.refs else []
        return [self.ref, *several] if self.ref else several


class GatewaySolveRequest(Message):
    """LLBBridge.Solve."""

    frontend: str = text(2)
    frontend_options: dict[str, str] = text_map(3, hidden=True)
    allow_result_return: bool = flag(5)
    allow_result_array_ref: bool = flag(6)
    cache_imports: list[Entry] = many(12, Entry)


class GatewaySolveResponse(Message):
    """LLBBridge.Solve. `result` is an encoded `Result`, kept whole so that it can be returned whole."""

    result: bytes = blob(3)


class ReturnRequest(Message):
    """LLBBridge.Return: an encoded `Result` (`wire.encoded`), or the error with which the build ends."""

    result: bytes = blob(1)
    error: RpcStatus | None = one(2, RpcStatus)
