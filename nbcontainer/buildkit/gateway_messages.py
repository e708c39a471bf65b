"""The messages of BuildKit's gateway (LLBBridge) that we use, by their field numbers.

Source: https://github.com/moby/buildkit frontend/gateway/pb/gateway.proto.
"""

from .messages import Definition, Empty, Entry, RpcStatus, Stat
from .wire import Message, blob, blob_map, flag, many, message_map, number, numbers, one, text, text_map, texts


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
    evaluate: bool = flag(14)


class GatewaySolveResponse(Message):
    """LLBBridge.Solve. `result` is an encoded `Result`, kept whole so that it can be returned whole."""

    result: bytes = blob(3)


class ReturnRequest(Message):
    """LLBBridge.Return: an encoded `Result` (`wire.encoded`), or the error with which the build ends."""

    result: bytes = blob(1)
    error: RpcStatus | None = one(2, RpcStatus)


class FileRange(Message):
    """Part of a file, in bytes."""

    offset: int = number(1)
    length: int = number(2)


class ReadFileRequest(Message):
    """LLBBridge.ReadFile."""

    ref: str = text(1)
    path: str = text(2)
    range: FileRange | None = one(3, FileRange)


class ReadDirRequest(Message):
    """LLBBridge.ReadDir."""

    ref: str = text(1)
    path: str = text(2)
    include_pattern: str = text(3)


class ReadDirResponse(Message):
    """LLBBridge.ReadDir."""

    entries: list[Stat] = many(1, Stat)


class StatFileRequest(Message):
    """LLBBridge.StatFile."""

    ref: str = text(1)
    path: str = text(2)


class StatFileResponse(Message):
    """LLBBridge.StatFile."""

    stat: Stat | None = one(1, Stat)


class CacheMount(Message):
    """A cache directory that steps share: `sharing` is 0 shared, 1 private, 2 locked."""

    id: str = text(1)
    sharing: int = number(2)


class Mount(Message):
    """A mount of a container: `type` is 0 bind, 1 secret, 2 ssh, 3 cache, 4 tmpfs; `result` is a ref's id."""

    selector: str = text(2)
    destination: str = text(3)
    readonly: bool = flag(5)
    type: int = number(6)
    cache: CacheMount | None = one(20, CacheMount)
    result: str = text(23)


class NewContainerRequest(Message):
    """LLBBridge.NewContainer."""

    id: str = text(1)
    mounts: list[Mount] = many(2, Mount)


class ContainerId(Message):
    """LLBBridge.ReleaseContainer."""

    id: str = text(1)


class ProcessMeta(Message):
    """A process: arguments, environment, working directory, user."""

    args: list[str] = texts(1)
    env: list[str] = texts(2)
    cwd: str = text(3)
    user: str = text(4)


class Init(Message):
    """Start a process in a container."""

    container: str = text(1)
    meta: ProcessMeta | None = one(2, ProcessMeta)
    fds: list[int] = numbers(3)


class Exit(Message):
    """A process ended."""

    code: int = number(1)


class FileData(Message):
    """Input or output of a process, by file descriptor."""

    fd: int = number(1)
    eof: bool = flag(2)
    data: bytes = blob(3)


class ExecMessage(Message):
    """LLBBridge.ExecProcess, both ways: one of its fields is set."""

    process: str = text(1)
    init: Init | None = one(2, Init)
    file: FileData | None = one(3, FileData)
    started: Empty | None = one(5, Empty)
    exit: Exit | None = one(6, Exit)
    done: Empty | None = one(7, Empty)
