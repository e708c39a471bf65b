"""Which kinds a cluster has, and the path of each."""

from __future__ import annotations

import asyncio
import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from nbcontainer.errors import NotFound, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, text_of, words_of

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster

__all__ = ["EVENT", "POD", "Kinds", "Resource", "find_kind", "find_resource"]

AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind as the API serves it."""

    plural: str
    kind: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    singular: str = ""
    short_names: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """The apiVersion in a manifest."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str | None = None, part: str = "") -> str:
        """The URL path of all objects, those in a namespace, one object, or a subresource such as "log".

        Args:
            namespace: "" for all namespaces.
            name: the object's; None for all objects. An empty name is refused: its path would be that of all objects,
                and a DELETE of it would delete them all.
            part: the subresource.

        Raises:
            UsageError: a name is not valid.
        """
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        space = f"/namespaces/{_segment(namespace)}" if namespace and self.namespaced else ""
        path = f"{root}{space}/{self.plural}"
        if name is not None:
            path += f"/{_segment(name)}"
        return f"{path}/{part}" if part else path


POD = Resource("pods", "Pod", singular="pod", short_names=("po",))
EVENT = Resource("events", "Event", singular="event", short_names=("ev",))


def _segment(name: str) -> str:
    if name in {"", ".", ".."} or "/" in name or "%" in name:
        raise UsageError(f"{name!r} is not a valid name of an object.")
    return quote(name, safe="")


@dataclass(frozen=True)
class Kinds:
    """All kinds of a cluster, preferred versions first."""

    resources: tuple[Resource, ...]
    by_word: dict[str, Resource] = field(default_factory=dict)

    @classmethod
    def of(cls, resources: list[Resource]) -> Kinds:
        """Index the kinds by every word that kubectl accepts for them."""
        words: dict[str, Resource] = {}
        for resource in resources:
            for word in (resource.plural, resource.singular, resource.kind.lower(), *resource.short_names):
                if word:
                    words.setdefault(word, resource)
                    words.setdefault(f"{word}.{resource.group}", resource)
                    words.setdefault(f"{word}.{resource.version}.{resource.group}", resource)
        return cls(tuple(resources), words)


async def find_resource(cluster: Cluster, word: str) -> Resource:
    """The kind that a word names: plural, singular, kind or short name, with or without its group.

    Raises:
        UsageError: the cluster has no such kind; with similar names.
    """
    for known in (POD, EVENT):
        if word.lower() in {known.plural, known.singular, known.kind.lower(), *known.short_names}:
            return known
    for fresh in (False, True):  # the second time with fresh discovery, for a kind that was added since
        kinds = await _kinds(cluster, fresh=fresh)
        if word.lower() in kinds.by_word:
            return kinds.by_word[word.lower()]
    near = difflib.get_close_matches(word.lower(), kinds.by_word, n=3)
    raise UsageError(f"The cluster has no kind {word!r}.", cure=f"Did you mean {' or '.join(near)}?" if near else "")


async def find_kind(cluster: Cluster, api_version: str, kind: str) -> Resource | None:
    """The kind that a manifest's apiVersion and kind name, or None."""
    for fresh in (False, True):
        for resource in (await _kinds(cluster, fresh=fresh)).resources:
            if resource.kind == kind and resource.api_version == api_version:
                return resource
    return None


async def near_kinds(cluster: Cluster, api_version: str, kind: str) -> list[str]:
    """Suggestions for an unknown apiVersion and kind, as "apiVersion kind"."""
    resources = (await _kinds(cluster, fresh=False)).resources
    same = [f"{one.api_version} {one.kind}" for one in resources if one.kind.lower() == kind.lower()]
    if same:
        return same[:3]
    named = {f"{one.api_version} {one.kind}": one for one in resources}
    return difflib.get_close_matches(f"{api_version} {kind}", named, n=3)


async def _kinds(cluster: Cluster, *, fresh: bool) -> Kinds:
    link = cluster.link
    if link.kinds is None or fresh:
        documents = await asyncio.gather(
            *(cluster.request("GET", path, accept=AGGREGATED) for path in ("/api", "/apis"))
        )
        if all(document.get("kind") == "APIGroupDiscoveryList" for document in documents):
            resources = [found for document in documents for found in _from_aggregated(document)]
        else:
            resources = await _from_each_group(cluster, documents[1])
        link.kinds = Kinds.of(resources)
    return link.kinds


def _from_aggregated(document: JsonObject) -> list[Resource]:
    return [
        Resource(
            plural=text_of(entry, "resource"),
            kind=text_of(entry, "responseKind", "kind"),
            group=text_of(group, "metadata", "name"),
            version=text_of(version, "version"),
            namespaced=entry.get("scope") == "Namespaced",
            singular=text_of(entry, "singularResource"),
            short_names=tuple(words_of(entry, "shortNames")),
            verbs=tuple(words_of(entry, "verbs")),
        )
        for group in entries_of(document, "items")
        for version in entries_of(group, "versions")
        for entry in entries_of(version, "resources")
        if text_of(entry, "resource") and text_of(entry, "responseKind", "kind")
    ]


async def _from_each_group(cluster: Cluster, groups: JsonObject) -> list[Resource]:
    """Discovery for API servers before 1.27: one call for each group and version."""
    paths = ["/api/v1"]
    for group in entries_of(groups, "groups"):
        preferred = text_of(group, "preferredVersion", "groupVersion")
        versions = [text_of(version, "groupVersion") for version in entries_of(group, "versions")]
        paths += [f"/apis/{version}" for version in sorted(versions, key=lambda one: one != preferred)]

    async def read(path: str) -> list[Resource]:
        try:
            document = await cluster.request("GET", path)
        except NotFound:
            return []
        group, _, version = (text_of(document, "groupVersion") or "v1").rpartition("/")
        return [
            Resource(
                plural=text_of(entry, "name"),
                kind=text_of(entry, "kind"),
                group=group,
                version=version,
                namespaced=bool(entry.get("namespaced")),
                singular=text_of(entry, "singularName"),
                short_names=tuple(words_of(entry, "shortNames")),
                verbs=tuple(words_of(entry, "verbs")),
            )
            for entry in entries_of(document, "resources")
            if text_of(entry, "name") and "/" not in text_of(entry, "name")
        ]

    return [resource for found in await asyncio.gather(*map(read, paths)) for resource in found]
