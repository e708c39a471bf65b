"""One log stream, copied to the collector."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbcontainer.cluster.connection import Cluster
    from nbcontainer.cluster.log_collector import Collector
    from nbcontainer.cluster.log_lines import LineReader

__all__ = ["copy_stream"]


async def copy_stream(
    cluster: Cluster,
    path: str,
    parameters: dict[str, Any],
    *,
    reader: LineReader,
    collector: Collector,
    opened: Callable[[], None] = lambda: None,
) -> None:
    """Copy a log to its end, whole lines at a time.

    Raises:
        ApiError: the API server or the node refuses it.
        ClusterUnavailable: the connection broke.
    """
    async with cluster.stream(path, parameters=parameters, accept="*/*") as response:
        opened()
        async for chunk in response.content.iter_any():
            collector.add(*reader.feed(chunk))
            await asyncio.sleep(0)  # at full speed there is always a next chunk: let the others run
        collector.add(*reader.finish())
