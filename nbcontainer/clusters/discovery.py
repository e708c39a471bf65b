"""Which kinds a cluster has, and the path of each."""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from nbcontainer.errors import ApiError, NotFound, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, text_of, words_of

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster

SERVICE_UNAVAILABLE = 503  # of an aggregated API server that is down
AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind as the API serves it.

    Attributes:
        verbs: what the API server can do with it ("list", "watch" …); none where that is not known.
        categories: the words for several kinds at a time that include it, such as "all".
        shadowed: whether its plural alone is another kind's, so that only its group says which is meant.
    """

    plural: str
    kind: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    singular: str = ""
    short_names: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    shadowed: bool = False

    @property
    def word(self) -> str:
        """What names it in a command: "deployments", "pods.metrics.k8s.io"."""
        return ".".join(filter(None, (self.plural, self.version, self.group))) if self.shadowed else self.plural

    @property
    def qualified_kind(self) -> str:
        """What precedes the names of its objects in kubectl's output: "pod", "deployment.apps"."""
        return ".".join(filter(None, (self.kind.lower(), self.group)))

    @property
    def is_namespace(self) -> bool:
        """Whether its objects are the namespaces."""
        return (self.group, self.plural) == ("", "namespaces")

    def can(self, verb: str) -> bool:
        """Whether the API server can do this with it, as far as that is known."""
        return not self.verbs or verb in self.verbs

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
NAMESPACE = Resource("namespaces", "Namespace", namespaced=False, singular="namespace", short_names=("ns",))
NODE = Resource("nodes", "Node", namespaced=False, singular="node", short_names=("no",))
EVENT = Resource("events", "Event", singular="event", short_names=("ev",))


def field_selector(fields: Mapping[str, str]) -> str:
    """The selector of the objects whose fields have these values, whatever signs a user has written in one."""
    escaped = {field: re.sub(r"([\\,=])", r"\\\1", value) for field, value in fields.items()}
    return ",".join(f"{field}={value}" for field, value in escaped.items())


def field_selector_of(name: str) -> str:
    """The selector of the object with this name."""
    return field_selector({"metadata.name": name})


def _segment(name: str) -> str:
    if name in {"", ".", ".."} or "/" in name or "%" in name:
        raise UsageError(f"{name!r} is not a valid name of an object.")
    return quote(name, safe="")


@dataclass(frozen=True)
class Kinds:
    """All kinds of a cluster, preferred versions first.

    Attributes:
        by_word: by every word that kubectl accepts for one.
        silent: the groups whose own API server does not answer, so that their kinds may be missing.
    """

    resources: tuple[Resource, ...]
    by_word: dict[str, Resource] = field(default_factory=dict)
    silent: tuple[str, ...] = ()

    @classmethod
    def of(cls, found: Sequence[Resource], silent: Sequence[str] = ()) -> Kinds:
        """Index the kinds; a kind's own names come before the short names of others."""
        first: dict[str, Resource] = {}
        for one in found:
            first.setdefault(one.plural, one)
        resources = tuple(one if first[one.plural] is one else replace(one, shadowed=True) for one in found)
        words: dict[str, Resource] = {}
        own = [(one, (one.plural, one.singular, one.kind.lower())) for one in resources]
        for resource, names in [*own, *((one, one.short_names) for one in resources)]:
            for word in filter(None, names):
                words.setdefault(word, resource)
                words.setdefault(f"{word}.{resource.group}", resource)
                words.setdefault(f"{word}.{resource.version}.{resource.group}", resource)
        return cls(resources, words, tuple(silent))

    def of_category(self, word: str) -> tuple[Resource, ...]:
        """The kinds of a category, such as "all", each in its preferred version."""
        found = [one for one in self.resources if word in one.categories and one.can("list")]
        return tuple({(one.group, one.plural): one for one in reversed(found)}.values())[::-1]

    def near(self, word: str) -> list[str]:
        """Up to three kinds with a similar name."""
        close = difflib.get_close_matches(word, [one for one in self.by_word if "." not in one or "." in word], n=9)
        return list(dict.fromkeys(self.by_word[one].word for one in close))[:3]


def known_resource(cluster: Cluster, word: str) -> Resource | None:
    """The kind that a word names, if that is known without a request."""
    for known in (POD, EVENT, NAMESPACE):
        if word.lower() in {known.plural, known.singular, known.kind.lower(), *known.short_names}:
            return known
    return cluster.link.kinds.by_word.get(word.lower()) if cluster.link.kinds else None


async def find_resource(cluster: Cluster, word: str) -> Resource:
    """The only kind that a word names; raises as `find_resources`."""
    return (await find_resources(cluster, word))[0]


async def find_resources(cluster: Cluster, word: str) -> tuple[Resource, ...]:
    """The kind that a word names: plural, singular, kind or short name, with or without its group; or a category's.

    Raises:
        UsageError: the cluster has no such kind; with similar names.
    """
    known = known_resource(cluster, word)
    if known is not None:
        return (known,)
    for fresh in (False, True):  # the second time with fresh discovery, for a kind that was added since
        kinds = await _kinds(cluster, fresh=fresh)
        found = kinds.by_word.get(word.lower())
        several = (found,) if found else kinds.of_category(word.lower())
        if several:
            return several
    near = kinds.near(word.lower())
    cure = f"Did you mean {' or '.join(near)}?" if near else ""
    if kinds.silent:
        cure = f"{cure} The API server of {', '.join(kinds.silent)} does not answer; it may be a kind of that.".strip()
    raise UsageError(f"The cluster has no kind {word!r}.", cure=cure or "`%kube api-resources` lists its kinds.")


async def all_resources(cluster: Cluster, *, fresh: bool = False) -> tuple[Resource, ...]:
    """All kinds of the cluster, each in its preferred version.

    Raises:
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    first: dict[tuple[str, str], Resource] = {}
    for one in (await _kinds(cluster, fresh=fresh)).resources:
        first.setdefault((one.group, one.plural), one)
    return tuple(first.values())


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
            link.kinds = Kinds.of(resources, [silent for document in documents for silent in _silent(document)])
        else:
            link.kinds = Kinds.of(*await _from_each_group(cluster, documents[1]))
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
            categories=tuple(words_of(entry, "categories")),
        )
        for group in entries_of(document, "items")
        for version in entries_of(group, "versions")
        for entry in entries_of(version, "resources")
        if text_of(entry, "resource") and text_of(entry, "responseKind", "kind")
    ]


def _silent(document: JsonObject) -> list[str]:
    """The groups with a version whose own API server does not answer."""
    return [
        text_of(group, "metadata", "name")
        for group in entries_of(document, "items")
        if any(text_of(version, "freshness") == "Stale" for version in entries_of(group, "versions"))
    ]


async def _from_each_group(cluster: Cluster, groups: JsonObject) -> tuple[list[Resource], list[str]]:
    """Discovery for API servers before 1.27, one call for each group and version; and the groups that are silent."""
    paths = ["/api/v1"]
    for group in entries_of(groups, "groups"):
        preferred = text_of(group, "preferredVersion", "groupVersion")
        versions = [text_of(version, "groupVersion") for version in entries_of(group, "versions")]
        paths += [f"/apis/{version}" for version in sorted(versions, key=lambda one: one != preferred)]

    silent = list[str]()

    async def read(path: str) -> list[Resource]:
        try:
            document = await cluster.request("GET", path)
        except NotFound:
            return []
        except ApiError as error:
            if error.status != SERVICE_UNAVAILABLE:
                raise
            silent.append(path.split("/")[2])
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
                categories=tuple(words_of(entry, "categories")),
            )
            for entry in entries_of(document, "resources")
            if text_of(entry, "name") and "/" not in text_of(entry, "name")
        ]

    resources = [resource for found in await asyncio.gather(*map(read, paths)) for resource in found]
    return resources, silent
