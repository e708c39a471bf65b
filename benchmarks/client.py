"""A build with nothing but `nbcontainer.buildkit`, run in a kernel like the other builds."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from nbcontainer.buildkit import Build, Control, Entry, Services, SolveOptions, StatusResponse, Tree
from nbcontainer.byte_stream import Stream
from nbcontainer.engines.dial import dial
from nbcontainer.engines.upgrade import upgrade


def _open_stream() -> Stream:
    stream = dial(os.environ["DOCKER_HOST"])
    upgrade(stream, "/grpc")
    return stream


@cache
def _control() -> Control:
    return Control(_open_stream)


def build(folder: str, tag: str, *, fresh: bool = False) -> None:
    """Build a folder with its Dockerfile and receive all status events; `fresh` uses a new connection."""
    control = Control(_open_stream) if fresh else _control()
    dockerfile = (Path(folder) / "Dockerfile").read_bytes()
    services = Services(trees={"context": Tree(folder), "dockerfile": Tree(files={"Dockerfile": dockerfile})})
    options = SolveOptions(exporters=[Entry(type="moby", attributes={"name": tag})])
    statuses: list[StatusResponse] = []
    response = Build(control, options, services, shared_key=folder, on_status=statuses.append).run()
    if not statuses or not response.keys() & {"containerimage.digest", "containerimage.config.digest"}:
        raise RuntimeError("the build sent no status or no digest")
    if fresh:
        control.close()
