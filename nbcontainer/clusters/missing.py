"""Suggestions for a name that does not exist: a similar name, another namespace, or that the namespace is missing.

The calls run on the caller's own thread, and only after something was not found. What the user may not list is
skipped.
"""

from __future__ import annotations

import asyncio
import difflib
from typing import TYPE_CHECKING

from nbcontainer import existence
from nbcontainer.clusters.discovery import NAMESPACE, POD, Resource, field_selector_of
from nbcontainer.errors import NbcontainerError, NotFound
from nbcontainer.json_objects import entries_of, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.clusters.connection import Cluster

NAMES_ALONE = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
ONE_ALONE = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"
MOST_NAMES = 500  # names that are searched for a similar one
ASK_SECONDS = 3.0  # a suggestion is not worth a longer wait


def check_namespace(cluster: Cluster) -> None:
    """Make sure that the cluster's namespace exists, if the user may look it up.

    Raises:
        NotFound: it does not; with suggestions.
    """
    error = missing_namespace(cluster)
    if error is not None:
        raise error


def missing_namespace(cluster: Cluster) -> NotFound | None:
    """The error for a namespace that does not exist; None if it does, or if the user may not look it up."""
    if not cluster.namespace:
        return None
    try:
        cluster.call("GET", NAMESPACE.path("", cluster.namespace), accept=ONE_ALONE, seconds=ASK_SECONDS)
    except NotFound:
        return _no_namespace(cluster)
    except NbcontainerError:
        pass
    return None


def _no_namespace(cluster: Cluster) -> NotFound:
    names = _names(cluster, NAMESPACE, {"limit": str(MOST_NAMES)})
    near = near_names(cluster.namespace, [name for name, _ in names])
    some = f"It has {', '.join(sorted(name for name, _ in names)[:8])}." if names else ""
    cure = f"Did you mean {' or '.join(near)}?" if near else some
    return existence.not_found("namespace", cluster.namespace, f"the context {cluster.context}", cure=cure)


def not_found(cluster: Cluster, names: Sequence[str], resource: Resource = POD) -> NotFound:
    """The error for objects that do not exist: with similar names, or the namespace where they are."""
    here = _names(cluster, resource, {"limit": str(MOST_NAMES)}, cluster.namespace)
    error = missing_namespace(cluster) if not here and resource.namespaced else None
    if error is not None:
        return error
    near = [name for word in names for name in near_names(word, [name for name, _ in here])]
    cure = f"Did you mean {' or '.join(dict.fromkeys(near))}?" if near else _elsewhere(cluster, names[0], resource)
    where = cluster.where if resource.namespaced else cluster.context
    return existence.not_found(resource.kind.lower(), names, where, cure=cure, plural=resource.plural)


async def not_found_soon(cluster: Cluster, names: Sequence[str], resource: Resource = POD) -> NotFound:
    """`not_found`, on the background loop."""
    return await asyncio.to_thread(not_found, cluster, names, resource)


def _elsewhere(cluster: Cluster, name: str, resource: Resource) -> str:
    if not resource.namespaced:
        return ""
    spaces = [space for _, space in _names(cluster, resource, {"fieldSelector": field_selector_of(name)})]
    if spaces:
        return f"{name} is in namespace {' and '.join(sorted(spaces)[:3])}: `--namespace={min(spaces)}`."
    return f"{cluster.commands.magic('get')} lists them." if resource == POD else ""


def _names(
    cluster: Cluster, resource: Resource, parameters: dict[str, str], namespace: str = ""
) -> list[tuple[str, str]]:
    """Names with their namespaces; none if the user may not list them."""
    try:
        answer = cluster.call(
            "GET", resource.path(namespace), parameters=parameters, accept=NAMES_ALONE, seconds=ASK_SECONDS
        )
    except NbcontainerError:
        return []
    found = entries_of(answer, "items")
    return [(text_of(one, "metadata", "name"), text_of(one, "metadata", "namespace")) for one in found]


def near_names(word: str, names: Sequence[str]) -> list[str]:
    """Up to three names similar to `word`.

    Generated names ("web-5d59d67564-x2x7k") also match without their suffixes.
    """
    spelled: dict[str, str] = {}
    for name in names:
        parts = name.split("-")
        for end in range(len(parts), max(len(parts) - 3, 0), -1):
            spelled.setdefault("-".join(parts[:end]), name)
    whole = [name for name in names if name.startswith(f"{word}-")]
    close = [spelled[one] for one in difflib.get_close_matches(word, list(spelled), n=3, cutoff=0.7)]
    return list(dict.fromkeys([*whole, *close]))[:3]
