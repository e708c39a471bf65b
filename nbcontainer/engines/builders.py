"""Where a buildx builder runs: on which engines its nodes are, or the address of its buildkitd."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nbcontainer.engines.config import config_folder, find_context


@dataclass(frozen=True, slots=True)
class Node:
    """Where a builder runs its builds.

    Attributes:
        context: the docker context, "" where there is only an address.
        address: of the engine, or of a buildkitd.
        is_engine: whether the address is an engine's.
    """

    context: str
    address: str
    is_engine: bool = True


def nodes_of(builder: str) -> list[Node]:
    """Where a builder runs its builds; [] for the engine's own builder.

    Each docker context is also a builder of that name. A builder in a Kubernetes cluster runs in pods of its own, and
    none of its nodes is an engine. Source: docker/buildx, store and builder packages.
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
