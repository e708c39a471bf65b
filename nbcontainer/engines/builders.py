"""Where a buildx builder is: the engines on which its nodes run, or the address of its buildkitd."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nbcontainer.engines.config import config_folder, find_context

__all__ = ["Node", "nodes_of"]


@dataclass(frozen=True, slots=True)
class Node:
    """Where a builder runs what it builds.

    Attributes:
        context: the docker context, "" where there is only an address.
        address: the engine's, or that of a buildkitd.
        is_engine: whether it is an engine's.
    """

    context: str
    address: str
    is_engine: bool = True


def nodes_of(builder: str) -> list[Node]:
    """Where a builder runs what it builds; [] for the engine's own builder.

    A docker context is a builder of its own name. Source: docker/buildx, store and builder packages. A builder in a
    Kubernetes cluster runs in pods of its own, and none of its nodes is an engine.
    """
    if builder in ("", "default"):
        return []
    if "://" in builder:
        return [Node("", builder, is_engine=False)]
    found = [_node(builder)] if find_context(builder) else []
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        folder = Path(os.environ.get("BUILDX_CONFIG") or config_folder() / "buildx")
        instance = json.loads((folder / "instances" / builder.lower()).read_bytes())
        is_engine = instance.get("Driver") != "remote"
        found += [_node(str(node["Endpoint"]), is_engine=is_engine) for node in instance["Nodes"]]
    return found


def _node(endpoint: str, *, is_engine: bool = True) -> Node:
    context = find_context(endpoint)
    return Node(context.name, context.address) if context else Node("", endpoint, is_engine)
