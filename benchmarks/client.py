"""A build by `nbcontainer.buildkit` alone, as the builds are measured in a kernel."""

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
    """Build a folder with its Dockerfile, all news of it received; `fresh` over a connection of its own."""
    control = Control(_open_stream) if fresh else _control()
    dockerfile = (Path(folder) / "Dockerfile").read_bytes()
    services = Services(trees={"context": Tree(folder), "dockerfile": Tree(files={"Dockerfile": dockerfile})})
    options = SolveOptions(exporters=[Entry(type="moby", attributes={"name": tag})])
    news: list[StatusResponse] = []
    response = Build(control, options, services, shared_key=folder, on_status=news.append).run()
    if not news or not response.keys() & {"containerimage.digest", "containerimage.config.digest"}:
        raise RuntimeError("the build said nothing")
    if fresh:
        control.close()
