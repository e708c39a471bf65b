"""What a deletion would remove: the objects that the call names, and what goes with them."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbcontainer.clusters.deletion import ObjectReference
from nbcontainer.clusters.dependents import Everything, Found, everything
from nbcontainer.clusters.discovery import Resource, find_kind, near_kinds
from nbcontainer.clusters.manifest_files import parse_sources
from nbcontainer.clusters.missing import NAMES_ALONE, ONE_ALONE, check_namespace, not_found_soon
from nbcontainer.clusters.objects import named, refuse_what_cannot
from nbcontainer.clusters.reflector import list_all
from nbcontainer.errors import NotFound, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.manifest_files import Source
    from nbcontainer.kubernetes_yaml.manifests import Manifest

MOST_SHOWN = 10


@dataclass(frozen=True)
class Doomed:
    """What a deletion removes.

    Attributes:
        targets: what the call names.
        dependents: what they own, and what is in the namespaces among them.
        finalizers: what the targets wait for when they are deleted, by their shown name.
        unread: the kinds that could not be searched for dependents.
    """

    targets: tuple[ObjectReference, ...] = ()
    dependents: tuple[Found, ...] = ()
    finalizers: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them: "deployment.apps/web"."""
        return (*map(shown, self.targets), *(one.shown for one in self.dependents))

    def question(self, where: str, *, cascade: str, force: bool) -> str:
        """What to ask the user before it is done."""
        names = list(map(shown, self.targets))
        what = names[0] if len(names) == 1 else f"{len(names)} objects ({_some(names)})"
        said = [f"Delete {what} in {where}?"]
        if self.dependents:
            goes = (
                "Left without an owner:" if cascade == "orphan" else "With it go" if len(names) == 1 else "With them go"
            )
            said.append(f"{goes} {_grouped(self.dependents)}.")
        if self.unread:
            said.append(f"Not searched, because this user may not list them: {_some(self.unread)}.")
        said += [f"{name} stays until {held} is done with it." for name, held in self.finalizers[:MOST_SHOWN]]
        if force:
            said.append("--force does not wait for the node: what runs may go on running for a while.")
        return " ".join(said)


def shown(target: ObjectReference) -> str:
    """Kind and name: "deployment.apps/web"."""
    return f"{target.resource.qualified_kind}/{target.name}"


def doomed(
    cluster: Cluster,
    words: Sequence[str],
    *,
    selector: str = "",
    everything_there: bool = False,
    all_namespaces: bool = False,
    ignore_not_found: bool = False,
    sources: Sequence[Source] = (),
) -> Doomed:
    """What would be deleted.

    Args:
        cluster: the cluster, in the objects' namespace.
        words: kinds and names, as in `kubectl get`; none if there are texts.
        selector: objects with these labels, in place of names.
        everything_there: all objects of the kinds, in place of names.
        all_namespaces: with `selector` or `everything_there`: in all namespaces.
        ignore_not_found: leave out what does not exist.
        sources: texts of YAML whose objects are meant, in place of words.

    Raises:
        UsageError: neither names nor a selector nor all are given; or as for `named`.
        NotFound: an object does not exist; nothing was deleted.
    """
    if sources:
        manifests = parse_sources(sources)
        found = cluster.run(_of_manifests(cluster, manifests, ignore_not_found=ignore_not_found))
    else:
        kinds = [(resource, names) for resource, names, _ in named(cluster, words)]
        several = selector or everything_there
        for resource, names in kinds:
            refuse_what_cannot(cluster, resource, "delete")
            if bool(names) == bool(several):
                raise UsageError(
                    "Give names, or a selector, or `--all`, but only one of the three."
                    if names
                    else f"Which {resource.plural} should be deleted?",
                    cure="" if names else "Name them, or give a selector, or `--all`.",
                )
        query = {"labelSelector": selector} if selector else {}
        found = cluster.run(
            _listed(cluster, [resource for resource, _ in kinds], query, everywhere=all_namespaces)
            if several
            else _named(cluster, kinds, ignore_not_found=ignore_not_found)
        )
    return cluster.run(_with_dependents(cluster, found))


async def _listed(
    cluster: Cluster, resources: Sequence[Resource], query: dict[str, str], *, everywhere: bool
) -> list[tuple[ObjectReference, JsonObject]]:
    found: list[tuple[ObjectReference, JsonObject]] = []
    for resource in resources:
        pages = await list_all(cluster, resource.path("" if everywhere else cluster.namespace), query, NAMES_ALONE)
        metadata = [object_of(one, "metadata") for page in pages for one in entries_of(page, "items")]
        found += [(_target(resource, one), one) for one in metadata]
    if not found and not everywhere and any(resource.namespaced for resource in resources):
        await asyncio.to_thread(check_namespace, cluster)
    return found


def _target(resource: Resource, metadata: JsonObject) -> ObjectReference:
    return ObjectReference(
        resource, text_of(metadata, "namespace"), text_of(metadata, "name"), text_of(metadata, "uid")
    )


async def _named(
    cluster: Cluster, kinds: Sequence[tuple[Resource, tuple[str, ...]]], *, ignore_not_found: bool
) -> list[tuple[ObjectReference, JsonObject]]:
    wanted = [(cluster, resource, name) for resource, names in kinds for name in names]
    return await _read(wanted, ignore_not_found=ignore_not_found)


async def _read(
    wanted: Sequence[tuple[Cluster, Resource, str]], *, ignore_not_found: bool
) -> list[tuple[ObjectReference, JsonObject]]:
    """The objects' metadata.

    Raises:
        NotFound: one of them does not exist.
    """
    found: list[tuple[ObjectReference, JsonObject]] = []
    missing: list[tuple[Cluster, Resource, str]] = []
    for there, resource, name in wanted:
        try:
            one = await there.request("GET", resource.path(there.namespace, name), accept=ONE_ALONE)
        except NotFound:
            missing.append((there, resource, name))
        else:
            metadata = object_of(one, "metadata")
            found.append((_target(resource, metadata), metadata))
    if missing and not ignore_not_found:
        there, resource, _ = missing[0]
        names = [name for where, kind, name in missing if (where, kind) == (there, resource)]
        error = await not_found_soon(there, names, resource)
        raise error.replaced(message=f"{error.message} Nothing was deleted.")
    return found


async def _of_manifests(
    cluster: Cluster, manifests: Sequence[Manifest], *, ignore_not_found: bool
) -> list[tuple[ObjectReference, JsonObject]]:
    wanted: list[tuple[Cluster, Resource, str]] = []
    for manifest in manifests:
        resource = await find_kind(cluster, manifest.api_version, manifest.kind)
        if resource is None:
            near = await near_kinds(cluster, manifest.api_version, manifest.kind)
            raise UsageError(
                f"line {manifest.line_of('kind')}: the cluster has no {manifest.api_version} {manifest.kind}.",
                cure=f"Did you mean {' or '.join(near)}?" if near else "",
            )
        namespace = text_of(manifest.document, "metadata", "namespace")
        wanted.append((cluster.in_namespace(namespace), resource, manifest.name))
    return await _read(wanted, ignore_not_found=ignore_not_found)


async def _with_dependents(cluster: Cluster, found: Sequence[tuple[ObjectReference, JsonObject]]) -> Doomed:
    targets = [target for target, _ in found]
    spaces = {target.name for target in targets if target.resource.is_namespace}
    scopes = {target.namespace for target in targets if not target.resource.is_namespace}
    read = await asyncio.gather(
        *(everything(cluster, one) for one in sorted(({""} if "" in scopes else scopes) | spaces))
    )
    there = Everything(
        tuple({one.uid: one for each in read for one in each.objects}.values()),
        tuple(sorted({word for each in read for word in each.unread})),
    )
    uids = {target.uid for target in targets}
    inside = [one for one in there.objects if one.namespace in spaces]
    goes = {
        one.uid: one for one in (*inside, *there.below([*uids, *(one.uid for one in inside)])) if one.uid not in uids
    }
    held = tuple(
        (shown(target), ", ".join(words))
        for target, metadata in found
        if (words := [one for one in words_of(metadata, "finalizers") if not one.startswith("kubernetes.io/")])
    )
    return Doomed(tuple(targets), tuple(goes.values()), held, there.unread)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return f"{', '.join(names[:MOST_SHOWN])}{more}"


def _grouped(found: Sequence[Found]) -> str:
    """Few objects by name; many by how many there are of each kind."""
    if len(found) <= MOST_SHOWN:
        return ", ".join(one.shown for one in found)
    counts = Counter(one.resource for one in found)
    return ", ".join(f"{count:,} {one.word if count > 1 else one.kind.lower()}" for one, count in counts.most_common())
