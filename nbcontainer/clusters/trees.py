"""An object with what owns it and what it owns, as a tree."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from nbcontainer.clusters.columns import status_tone
from nbcontainer.clusters.dependents import TABLE, Everything, Found, everything, tables_found
from nbcontainer.clusters.discovery import Resource, find_kind
from nbcontainer.clusters.managed_fields import METADATA_ALONE
from nbcontainer.clusters.missing import not_found_soon
from nbcontainer.clusters.objects import one_named
from nbcontainer.errors import NbcontainerError, NotFound
from nbcontainer.json_objects import JsonObject, text_of
from nbcontainer.model.object_trees import ObjectTree, TreeObject
from nbcontainer.model.tables import Tone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbcontainer.clusters.connection import Cluster

DEEPEST = 20  # owners above each other; ownership cannot be circular, but nothing checks that
MOST_NAMED = 50  # objects in the command
_SHARE = re.compile(r"(\d+)/(\d+) .*")
_COUNTED = {"Ready": "ready", "Completions": "completed"}


class _Branch(NamedTuple):
    """An object with those below it."""

    object: TreeObject
    children: tuple[_Branch, ...] = ()

    def flat(self, depth: int = 0) -> Iterator[TreeObject]:
        """All of them, each before those below it."""
        yield replace(self.object, depth=depth)
        for child in self.children:
            yield from child.flat(depth + 1)


def tree(cluster: Cluster, words: Sequence[str]) -> ObjectTree:
    """The tree of one object, which words name as in `kubectl get`.

    Raises:
        UsageError: the words do not name one object.
        NotFound: there is no such object.
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    found = one_named(cluster, words, "The tree of which object?", "Name one object, such as deploy/web.")
    return cluster.run(_tree(cluster, *found))


async def _tree(cluster: Cluster, resource: Resource, name: str) -> ObjectTree:
    try:
        path = resource.path(cluster.namespace, name)
        page = await cluster.request("GET", path, parameters=METADATA_ALONE, accept=TABLE)
    except NotFound:
        raise await not_found_soon(cluster, (name,), resource) from None
    (this,) = tables_found(resource, [page])
    there = await everything(cluster, this.namespace or (name if resource.is_namespace else ""))
    node = _below(this, there, is_subject=True)
    if resource.is_namespace:
        alone = [one for one in there.objects if one.namespace == name and not one.owners]
        node = _Branch(node.object, tuple(_below(one, there) for one in alone))
    roots = await _above(cluster, this, node, there, DEEPEST)
    objects = tuple(each for root in roots for each in root.flat())
    shown = [f"{each.kind}/{each.name}" for each in objects][:MOST_NAMED]
    namespace = this.namespace or (name if resource.is_namespace else "")
    return ObjectTree(
        resource.qualified_kind,
        name,
        cluster.where if this.namespace else cluster.context,
        objects,
        there.unread,
        cluster.commands.kubectl("get", *shown, namespace=namespace),
    )


async def _above(cluster: Cluster, one: Found, node: _Branch, there: Everything, most: int) -> list[_Branch]:
    """The topmost owners of an object, each with the way down to it; the object itself if nothing owns it."""
    if not one.owner_references or not most:
        return [node]
    by_uid = {each.uid: each for each in there.objects}
    roots: list[_Branch] = []
    for reference in one.owner_references:
        owner = by_uid.get(text_of(reference, "uid")) or await _owner(cluster, reference)
        if owner is None:
            gone = TreeObject(text_of(reference, "kind").lower(), text_of(reference, "name"), status=("gone",))
            roots.append(_Branch(gone, (node,)))
        else:
            roots += await _above(cluster, owner, _Branch(_alone(owner), (node,)), there, most - 1)
    return roots


async def _owner(cluster: Cluster, reference: JsonObject) -> Found | None:
    """An owner that is not among the listed objects: it belongs to the cluster, such as a Node; or it is gone."""
    resource = await find_kind(cluster, text_of(reference, "apiVersion"), text_of(reference, "kind"))
    if resource is None:
        return None
    try:
        path = resource.path(cluster.namespace, text_of(reference, "name"))
        page = await cluster.request("GET", path, parameters=METADATA_ALONE, accept=TABLE)
    except NbcontainerError:
        return None
    found = tables_found(resource, [page])
    return found[0] if found and found[0].uid == text_of(reference, "uid") else None


def _below(one: Found, there: Everything, *, is_subject: bool = False, most: int = DEEPEST) -> _Branch:
    owned = [each for each in there.objects if one.uid in each.owners] if most else []
    owned.sort(key=lambda each: (each.resource.qualified_kind, each.name))
    children = tuple(_below(each, there, most=most - 1) for each in owned)
    return _Branch(_alone(one, is_subject=is_subject), children)


def _alone(one: Found, *, is_subject: bool = False) -> TreeObject:
    words = ["Terminating"] if one.is_terminating else []
    known = dict(one.words)
    words += [known[name] for name in ("Status", "Phase", "State") if name in known]
    words += [f"{known[name]} {word}" for name, word in _COUNTED.items() if name in known]
    words = list(dict.fromkeys(words)) or list(known.values())
    shown = (one.resource.qualified_kind, one.name, one.namespace, tuple(words), _tone(words))
    return TreeObject(*shown, is_subject=is_subject)


def _tone(words: Sequence[str]) -> Tone:
    """What a status means: not all ready is a warning, unless its word says that this is well."""
    tones = [status_tone(word) for word in words]
    shares = [found for word in words if (found := _SHARE.fullmatch(word))]
    for tone in (Tone.BAD, Tone.WARNING, Tone.DIM):
        if tone in tones:
            return tone
    if any(found[1] != found[2] for found in shares):
        return Tone.WARNING
    return Tone.GOOD if Tone.GOOD in tones or any(found[1] != "0" for found in shares) else Tone.PLAIN
