"""The messages of BuildKit's control and session services that we use, by their field numbers.

Sources, under https://github.com/moby/buildkit: api/services/control/control.proto, solver/pb/ops.proto,
session/*/*.proto; and https://github.com/tonistiigi/fsutil types/{stat,wire}.proto.
"""

from .wire import Message, blob, blob_map, blobs, flag, many, message_map, number, one, text, text_map, texts


class Empty(Message):
    """Nothing."""


class Bytes(Message):
    """Only bytes: a secret, a piece of a tunnel, of an upload or of a tar."""

    data: bytes = blob(1)


class Time(Message):
    """google.protobuf.Timestamp: seconds since 1970 and nanoseconds."""

    seconds: int = number(1)
    nanos: int = number(2)

    def timestamp(self) -> float:
        """Seconds since 1970."""
        return self.seconds + self.nanos / 1e9


class AnyMessage(Message):
    """google.protobuf.Any; BuildKit puts JSON into `value` and appends ``+json`` to the type."""

    type_url: str = text(1)
    value: bytes = blob(2)


class RpcStatus(Message):
    """google.rpc.Status, as grpc-status-details-bin carries it."""

    code: int = number(1)
    message: str = text(2)
    details: list[AnyMessage] = many(3, AnyMessage)


# --- Control


class Position(Message):
    """A place in a source file; lines count from 1."""

    line: int = number(1)


class Range(Message):
    """Lines of a source file, the end included."""

    start: Position | None = one(1, Position)
    end: Position | None = one(2, Position)


class Location(Message):
    """Ranges in one source: `source` is its index in `SourceMap.infos`."""

    source: int = number(1)
    ranges: list[Range] = many(2, Range)


class Locations(Message):
    """Where a step was written."""

    locations: list[Location] = many(1, Location)


class SourceInfo(Message):
    """A source file as the daemon read it."""

    filename: str = text(1)
    data: bytes = blob(2)


class SourceMap(Message):
    """Step digest → the places in the sources where it was written."""

    locations: dict[str, Locations] = message_map(1, Locations)
    infos: list[SourceInfo] = many(2, SourceInfo)


class Definition(Message):
    """A build graph: encoded ops, the last one pointing at the result."""

    operations: list[bytes] = blobs(1)
    metadata: dict[str, bytes] = blob_map(2)
    source: SourceMap | None = one(3, SourceMap)


class Entry(Message):
    """An exporter or a cache, by type and attributes (hidden: they may hold access keys)."""

    type: str = text(1)
    attributes: dict[str, str] = text_map(2, hidden=True)


class CacheOptions(Message):
    """Where cache comes from."""

    imports: list[Entry] = many(5, Entry)


class SolveRequest(Message):
    """Control.Solve. Daemons before BuildKit 0.13 read `exporter_old`, later ones `exporters`."""

    ref: str = text(1)
    exporter_old: str = text(3)
    exporter_attributes_old: dict[str, str] = text_map(4, hidden=True)
    session: str = text(5)
    frontend: str = text(6)
    frontend_attributes: dict[str, str] = text_map(7, hidden=True)
    cache: CacheOptions | None = one(8, CacheOptions)
    entitlements: list[str] = texts(9)
    internal: bool = flag(11)
    exporters: list[Entry] = many(13, Entry)


class SolveResponse(Message):
    """Control.Solve: what the exporter reports, such as ``containerimage.digest``."""

    exporter: dict[str, str] = text_map(1)


class StatusRequest(Message):
    """Control.Status."""

    ref: str = text(1)


class Vertex(Message):
    """A step; it is sent again whenever it changes."""

    digest: str = text(1)
    inputs: list[str] = texts(2)
    name: str = text(3)
    cached: bool = flag(4)
    started: Time | None = one(5, Time)
    completed: Time | None = one(6, Time)
    error: str = text(7)


class VertexStatus(Message):
    """Progress within a step: a layer being pulled, a context being sent; `current` and `total` in bytes or items."""

    id: str = text(1)
    vertex: str = text(2)
    current: int = number(4)
    total: int = number(5)
    completed: Time | None = one(8, Time)


class VertexLog(Message):
    """Output of a step; `stream` is 1 or 2."""

    vertex: str = text(1)
    timestamp: Time | None = one(2, Time)
    stream: int = number(3)
    message: bytes = blob(4)


class VertexWarning(Message):
    """A warning of the frontend's linter or of a step."""

    vertex: str = text(1)
    level: int = number(2)
    short: bytes = blob(3)
    detail: list[bytes] = blobs(4)
    url: str = text(5)
    info: SourceInfo | None = one(6, SourceInfo)
    ranges: list[Range] = many(7, Range)


class StatusResponse(Message):
    """What has changed since the last one."""

    vertexes: list[Vertex] = many(1, Vertex)
    statuses: list[VertexStatus] = many(2, VertexStatus)
    logs: list[VertexLog] = many(3, VertexLog)
    warnings: list[VertexWarning] = many(4, VertexWarning)


# --- session services


class Stat(Message):
    """A file; `mode` is Go's os.FileMode, `mtime` in nanoseconds.

    Attributes:
        packet: The encoded STAT packet, cached; not a field.
    """

    packet: bytes = b""

    path: str = text(1)
    mode: int = number(2)
    uid: int = number(3)
    gid: int = number(4)
    size: int = number(5)
    mtime: int = number(6)
    linkname: str = text(7)
    devmajor: int = number(8)
    devminor: int = number(9)
    xattrs: dict[str, bytes] = blob_map(10)


class Packet(Message):
    """The directory protocol: `type` is 0 STAT, 1 REQUEST, 2 DATA, 3 FINISHED, 4 ERROR."""

    type: int = number(1)
    stat: Stat | None = one(2, Stat)
    id: int = number(3)
    data: bytes = blob(4)


class GetSecretRequest(Message):
    """Secrets.GetSecret."""

    id: str = text(1)


class HealthStatus(Message):
    """grpc.health.v1: 1 is SERVING."""

    status: int = number(1)


class Host(Message):
    """Auth.Credentials: for which registry."""

    host: str = text(1)


class Credentials(Message):
    """Auth.Credentials: an empty user name means that the secret is an identity token."""

    username: str = text(1)
    secret: str = text(2, hidden=True)


class TokenRequest(Message):
    """Auth.FetchToken."""

    client_id: str = text(1)
    host: str = text(2)
    realm: str = text(3)
    service: str = text(4)
    scopes: list[str] = texts(5)


class Token(Message):
    """Auth.FetchToken: `expires_in` in seconds, `issued_at` in seconds since 1970."""

    token: str = text(1, hidden=True)
    expires_in: int = number(2)
    issued_at: int = number(3)


class AuthorityRequest(Message):
    """Auth.GetTokenAuthority."""

    host: str = text(1)
    salt: bytes = blob(2)


class VerifyRequest(Message):
    """Auth.VerifyTokenAuthority."""

    host: str = text(1)
    payload: bytes = blob(2)
    salt: bytes = blob(3)


class SshId(Message):
    """SSH.CheckAgent."""

    id: str = text(1)
