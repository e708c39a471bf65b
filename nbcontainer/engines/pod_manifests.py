"""Podman's pods as Kubernetes objects: what `podman kube generate` makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

from nbcontainer.engines.pods import podman_http, table
from nbcontainer.errors import ApiError, YamlError
from nbcontainer.kubernetes_yaml.documents import read_document

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine
    from nbcontainer.model.table_request import TableRequest


def manifests(engine: Engine, names: Sequence[str], **which: Unpack[TableRequest]) -> list[dict[str, Any]]:
    """The pods in full; they have no status.

    Args:
        engine: the engine.
        names: only these pods.
        **which: as for a table.

    Raises:
        NotFound, UsageError, Unsupported: as for `engines.pods.table`.
        ApiError: Podman cannot express one of them as a Kubernetes object.
    """
    return [_generated(engine, name) for name in table(engine, names, **which).names]


def _generated(engine: Engine, name: str) -> dict[str, Any]:
    reply = podman_http(engine).call("GET", "/libpod/generate/kube", query={"names": name})
    try:
        document = read_document(reply.body)
    except YamlError as error:
        raise ApiError(f"Podman's answer cannot be read: {error}") from None
    if document is None or not isinstance(document.root.value, dict):
        raise ApiError(f"Podman made no object of the pod {name!r}.")
    return document.root.value
