"""Loads and connects ahead of time what the first calls need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module

from nbcontainer import clusters
from nbcontainer.loading import PRELOADED


def preloading() -> Iterator[Callable[[], object]]:
    """The steps: imports, and, as soon as it can be opened, the connection to the cluster, if there is one."""
    for name in PRELOADED:
        yield partial(import_module, name)
        if name == clusters.__name__ + ".connection":
            yield _open_connection


def _open_connection() -> None:
    cluster = clusters.connection.find_cluster()
    cluster.link.http.connect(cluster)
