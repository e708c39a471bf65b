"""A BuildKit client in Python: the standard library and the h2 package, nothing else.

It speaks BuildKit's own protocol, gRPC over HTTP/2, on any byte stream, and plays both parts of it: client of the
daemon's Control service, and server of the session that the daemon calls back while it builds. It knows nothing of
Docker, of notebooks or of this product::

    control = Control(open_stream)                      # open_stream() -> ByteStream, dialled by the caller
    services = Services(
        trees={"context": Tree(".", {}), "dockerfile": Tree(None, {"Dockerfile": b"FROM busybox"})},
        secrets={"token": lambda: b"..."},              # called when the daemon asks
        login=lambda host: Login("alice", "secret"),    # or Login.identity_token(...), or None: anonymous
    )
    options = SolveOptions(
        frontend_attributes=DockerfileFlags(target="web").attributes(),
        exporters=[Entry(type="moby", attributes={"name": "web:1"})],
    )
    build = Build(control, options, services, on_status=print, on_source_map=print)
    response = build.run()                              # {"containerimage.digest": ...}; raises SolveError
    build.cancel()                                      # from any thread, at any time; run() raises within a second

`on_status` gets each `messages.StatusResponse` as it arrives, on a thread of its own; it may take its time.
`on_source_map` gets the `messages.SourceMap` (step digest → lines) before the first step of the Dockerfile runs, where
the daemon sends it. A `SolveError` has `lines`, `step` and `exit_code`.

    with build.opened() as gateway:                      # instead of `run`: lint, outline, targets
        gateway.subrequest("frontend.lint", options)

Several builds may use one `Control` at the same time; it dials again after a connection was lost. Every failure of the
connection is an `RpcError` with `Code.UNAVAILABLE`; what `open_stream` itself raises passes through, except OSError,
which becomes one.
"""

from .build import Build
from .connection import ByteStream
from .control import Control, SolveOptions
from .errors import SolveError, Source
from .frontend import DockerfileFlags
from .gateway import Gateway
from .messages import Entry, SourceMap, StatusResponse
from .rpc_status import Code, RpcError
from .session import Services, Session
from .tokens import Login
from .tree import Tree

__all__ = [
    "Build",
    "ByteStream",
    "Code",
    "Control",
    "DockerfileFlags",
    "Entry",
    "Gateway",
    "Login",
    "RpcError",
    "Services",
    "Session",
    "SolveError",
    "SolveOptions",
    "Source",
    "SourceMap",
    "StatusResponse",
    "Tree",
]
