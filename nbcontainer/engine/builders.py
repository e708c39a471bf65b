"""Where a buildx builder is: the engines on which its nodes run, or the address of its buildkitd."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from nbcontainer.engine.config import Context, config_folder, find_context

__all__ = ["nodes_of"]


def nodes_of(builder: str) -> list[Context]:
    """The docker contexts and addresses on which a builder runs what it builds; [] for the engine's own builder.

    A docker context is a builder of its own name. Source: docker/buildx, store and builder packages. A builder in a
    Kubernetes cluster runs in pods of its own, and none of its nodes is an engine.
    """
    if builder in ("", "default"):
        return []
    if "://" in builder:
        return [Context("", builder)]
    found = [context] if (context := find_context(builder)) else []
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        folder = Path(os.environ.get("BUILDX_CONFIG") or config_folder() / "buildx")
        for node in json.loads((folder / "instances" / builder.lower()).read_bytes())["Nodes"]:
            endpoint = str(node["Endpoint"])
            found.append(find_context(endpoint) or Context("", endpoint))
    return found
