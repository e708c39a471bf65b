"""Any kind from YAML: server-side apply. All objects are tried in a dry run before the first of them is applied."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nbcontainer.clusters.apply_refusals import NOT_FOUND, is_own_conflict, refusal
from nbcontainer.clusters.differences import compared, is_same
from nbcontainer.clusters.discovery import Resource, find_kind, near_kinds
from nbcontainer.clusters.http import FIELD_MANAGER
from nbcontainer.clusters.pruning import Doomed, find_doomed, prune
from nbcontainer.errors import ApiError, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, value_of
from nbcontainer.kubernetes_yaml.manifests import Manifest
from nbcontainer.model.changes import Change, ChangeDone, Changes, ChangesUnderWay, apply_change
from nbcontainer.operation import Operation

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.operation import Progress

APPLY = "application/apply-patch+yaml"  # JSON is YAML
CREATED, REFUSED = 201, 300
MOST_AT_ONCE = 8  # dry runs
DEFINITION = "CustomResourceDefinition"
ESTABLISHED_SECONDS, ESTABLISHED_PAUSE = 30.0, 0.05
ORDER = {"Namespace": 0, DEFINITION: 1}  # what others need comes first
CANNOT_TRY = "does not support dry run"  # a webhook that has side effects


@dataclass(frozen=True)
class Options:
    """How objects are applied.

    Attributes:
        own_namespace: whether the call names the namespace: a manifest with a different one is then an error.
        force_conflicts: take over fields that others manage.
        labels: are added to each object that does not exist yet, and kept on those that have them.
        prune: whether to delete what has these labels and was applied before, but is not in the text.
        source: the flags that name the text, in kubectl's words.
        verb: the verb in kubectl's command.
    """

    own_namespace: bool = False
    force_conflicts: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    prune: bool = False
    source: tuple[str, ...] = ("-f", "-")
    verb: str = "apply"


@dataclass(frozen=True)
class Tried:
    """One object of the text after its dry run.

    Attributes:
        document: what is sent.
        is_served: whether the API server has its kind already; otherwise the same text defines it.
        present: the object as it exists; None if it does not.
        expected: the dry run's answer; None if there could be none: its namespace or kind is in the same text, or a
            webhook refuses dry runs.
    """

    manifest: Manifest
    resource: Resource
    namespace: str
    document: JsonObject
    is_served: bool = True
    present: JsonObject | None = None
    expected: JsonObject | None = None

    def change(self, cluster: Cluster, command: str, answer: JsonObject | None = None, status: str = "") -> Change:
        """What was done, or what would be: `answer` is the object afterwards, None for a dry run.

        The difference is the dry run's: by now, controllers may have changed the object too.
        """
        expected = self.expected or answer
        before, after = compared(self.present, expected or self.document)
        same = expected is not None and is_same(self.present, expected)
        return Change(
            self.resource.kind,
            self.manifest.name,
            self.namespace,
            "created" if self.present is None else "unchanged" if same else "configured",
            status=status,
            uid=text_of(answer, "metadata", "uid"),
            where=" · ".join(filter(None, (cluster.context, self.namespace))),
            command=command,
            manifest=self.document,
            before=before,
            after=after,
        )


@dataclass(frozen=True)
class Comparison:
    """A text's objects beside those of the cluster.

    Attributes:
        tried: in the order in which they are applied.
        doomed: what would be pruned.
    """

    cluster: Cluster
    tried: tuple[Tried, ...]
    options: Options
    doomed: tuple[Doomed, ...] = ()

    @property
    def changes(self) -> Changes:
        """What would be done."""
        return Changes(self._changes("dry run", dry_run=True))

    def _changes(self, status: str, *, dry_run: bool) -> list[Change]:
        command = self.command(dry_run=dry_run)
        there = self.cluster
        applied = [one.change(there, command, status=status) for one in self.tried]
        return applied + [replace(one.change(there, command), status=status) for one in self.doomed]

    def command(self, *, dry_run: bool = False) -> str:
        """The same as a kubectl command; kubectl refuses objects in another namespace than its -n names."""
        options = self.options
        words = ["--dry-run=server"] if dry_run and options.verb == "apply" else []
        words += ["--force-conflicts"] if options.force_conflicts else []
        if options.prune:
            words += ["--prune", *(f"--selector={name}={value}" for name, value in options.labels.items())]
        spaces = {one.namespace for one in self.tried}
        named = self.cluster.namespace if spaces <= {"", self.cluster.namespace} else ""
        return self.cluster.commands.kubectl(options.verb, "--server-side", *options.source, *words, namespace=named)

    def apply(self) -> Operation[ChangeDone, ChangesUnderWay, Changes]:
        """Apply them, one after another. A stop leaves those that were applied as they are.

        The operation raises:
            Conflict, ApiError: the API server refuses an object; those applied before it stay.
        """
        waiting = tuple(self._changes("waiting", dry_run=False))
        operation: Operation[ChangeDone, ChangesUnderWay, Changes] = Operation(
            "application of the manifests",
            ChangesUnderWay(self.cluster.where, waiting),
            apply_change,
            conclude=lambda state, _: Changes(state.changes),
        )
        return operation.start_task(self._apply)

    async def _apply(self, progress: Progress[ChangeDone]) -> None:
        done: list[Change] = []
        command = self.command()
        for one in self.tried:
            done.append(await self._apply_one(one, command, done))
            progress.emit(ChangeDone(len(done) - 1, done[-1]))
        for doomed in reversed(self.doomed):  # what others need goes last
            await prune(self.cluster, doomed)
            progress.emit(ChangeDone(len(self.tried) + self.doomed.index(doomed), doomed.change(self.cluster, command)))

    async def _apply_one(self, one: Tried, command: str, done: Sequence[Change]) -> Change:
        status, answer = await _send(self.cluster, one, self.options, dry_run=False)
        if status >= REFUSED:
            there = replace(self.cluster, namespace=one.namespace)
            stays = ", ".join(f"{change.kind} {change.name}" for change in done)
            rest = f" Applied before it: {stays}." if stays else ""
            raise await refusal(there, one.manifest, status, answer, present=one.present, rest=rest)
        if one.resource.kind == DEFINITION:
            await _established(self.cluster, one)
        return one.change(self.cluster, command, answer)


def compare(cluster: Cluster, manifests: Sequence[Manifest], options: Options) -> Comparison:
    """Compare a text's objects with the cluster's in a dry run. Nothing is sent unless all of it can be understood.

    Raises:
        UsageError: the cluster has no such kind, or a manifest names another namespace than the call.
        Conflict: somebody else manages a field; it names field, manager and line.
        ApiError: the API server refuses an object.
    """
    return cluster.run(_compare(cluster, manifests, options))


async def _compare(cluster: Cluster, manifests: Sequence[Manifest], options: Options) -> Comparison:
    ordered = sorted(manifests, key=lambda one: ORDER.get(one.kind, len(ORDER)))
    text = _Text(cluster, ordered)
    wanted = []
    for manifest in ordered:
        resource, served = await text.resource(manifest)
        namespace = _namespace(cluster, manifest, resource, own=options.own_namespace)
        wanted.append(Tried(manifest, resource, namespace, manifest.document, is_served=served))
    limit = asyncio.Semaphore(MOST_AT_ONCE)

    async def tried(one: Tried) -> Tried:
        async with limit:
            return await _try(text, one, options, several=len(wanted) > 1)

    found = await asyncio.gather(*map(tried, wanted), return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException):
            raise each
    known = tuple(each for each in found if isinstance(each, Tried))
    comparison = Comparison(cluster, known, options)
    if not options.prune:
        return comparison
    kept = {(one.resource.group, one.resource.kind, one.namespace, one.manifest.name) for one in known}
    spaces = {one.namespace for one in known if one.namespace} | {cluster.namespace}
    return replace(comparison, doomed=await find_doomed(cluster, options.labels, spaces, kept, FIELD_MANAGER))


class _Text:
    """What the objects of one text define for each other: namespaces, and kinds."""

    def __init__(self, cluster: Cluster, manifests: Sequence[Manifest]) -> None:
        self.cluster = cluster
        self.namespaces = {one.name for one in manifests if (one.api_version, one.kind) == ("v1", "Namespace")}
        definitions = (one.document for one in manifests if one.kind == DEFINITION)
        self.kinds = {(new.api_version, new.kind): new for each in definitions for new in _defined(each)}

    async def resource(self, manifest: Manifest) -> tuple[Resource, bool]:
        """The kind of an object, and whether the cluster has it already.

        Raises:
            UsageError: neither the cluster nor the text has it.
        """
        found = await find_kind(self.cluster, manifest.api_version, manifest.kind)
        if found is not None:
            return found, True
        new = self.kinds.get((manifest.api_version, manifest.kind))
        if new is not None:
            return new, False
        near = await near_kinds(self.cluster, manifest.api_version, manifest.kind)
        hint = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else f"`{self.cluster.commands.kubectl('api-resources', namespace='')}` lists what it has."
        )
        where = manifest.place_of("kind")
        raise UsageError(f"{where}: the cluster has no {manifest.api_version} {manifest.kind}.", cure=hint)


def _defined(definition: JsonObject) -> list[Resource]:
    """The kinds that a CustomResourceDefinition makes, one for each version."""
    names = object_of(definition, "spec", "names")
    return [
        Resource(
            text_of(names, "plural"),
            text_of(names, "kind"),
            text_of(definition, "spec", "group"),
            text_of(version, "name"),
            namespaced=text_of(definition, "spec", "scope") == "Namespaced",
        )
        for version in entries_of(definition, "spec", "versions")
    ]


async def _try(text: _Text, one: Tried, options: Options, *, several: bool) -> Tried:
    """Look an object up, and apply it in a dry run."""
    cluster = text.cluster
    if not one.is_served:
        return replace(one, document=_with_labels(one.manifest.document, options.labels, None))
    path = one.resource.path(one.namespace, one.manifest.name)
    status, found = await cluster.send("GET", path)
    present = found if status < REFUSED else None
    one = replace(one, present=present, document=_with_labels(one.manifest.document, options.labels, present))
    status, answer = await _send(cluster, one, options, dry_run=True)
    if status < REFUSED:
        return replace(one, expected=answer)
    if (status == NOT_FOUND and one.namespace in text.namespaces) or CANNOT_TRY in text_of(answer, "message"):
        return one
    there = replace(cluster, namespace=one.namespace)
    rest = " Nothing was applied." if several else ""
    raise await refusal(there, one.manifest, status, answer, present=present, rest=rest)


async def _send(cluster: Cluster, one: Tried, options: Options, *, dry_run: bool) -> tuple[int, JsonObject]:
    """Send an object. What we changed in another way before, such as by `%kube scale`, is taken over.

    To the API server, a manager that patches and the same manager that applies are two, which conflict.
    """
    path = one.resource.path(one.namespace, one.manifest.name)
    parameters: dict[str, str | bool] = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
    parameters |= {"dryRun": "All"} if dry_run else {}
    for force in (options.force_conflicts, True):
        status, answer = await cluster.send(
            "PATCH", path, parameters={**parameters, "force": force}, body=one.document, content_type=APPLY
        )
        if force or not is_own_conflict(status, answer):
            break
    return status, answer


def _namespace(cluster: Cluster, manifest: Manifest, resource: Resource, *, own: bool) -> str:
    if not resource.namespaced:
        return ""
    stated = text_of(manifest.document, "metadata", "namespace")
    if own and stated and stated != cluster.namespace:
        raise UsageError(
            f"{manifest.place_of('metadata.namespace')}: the manifest's namespace is {stated!r}, "
            f"the call's is {cluster.namespace!r}.",
            cure=f"Name it too, with `--namespace={stated}`, or remove one of the two.",
        )
    return stated or cluster.namespace


def _with_labels(document: JsonObject, labels: Mapping[str, str], present: JsonObject | None) -> JsonObject:
    """What is sent: with the labels, if the object is new, and with those it has, which would be removed otherwise."""
    own = value_of(document, "metadata", "labels") or {}
    there = object_of(present, "metadata", "labels")
    kept = labels if present is None else {name: there[name] for name in labels if name in there}
    if not kept or not isinstance(own, dict):  # if they are wrong, the API server says so
        return document
    return {**document, "metadata": {**object_of(document, "metadata"), "labels": {**kept, **own}}}


async def _established(cluster: Cluster, one: Tried) -> None:
    """Wait until the API server serves the kinds of a definition.

    Raises:
        ApiError: it does not, after a while.
    """
    path = one.resource.path("", one.manifest.name)
    kinds = [new for new in _defined(one.document) if new.kind]
    deadline = time.monotonic() + ESTABLISHED_SECONDS
    while True:
        found = await cluster.request("GET", path)
        conditions = {text_of(one, "type"): text_of(one, "status") for one in entries_of(found, "status", "conditions")}
        served = entries_of(found, "spec", "versions")
        names = {text_of(version, "name") for version in served if version.get("served")}
        wanted = [new for new in kinds if new.version in names]
        if conditions.get("Established") == "True" and all(
            [await find_kind(cluster, new.api_version, new.kind) is not None for new in wanted]
        ):
            return
        if time.monotonic() > deadline:
            why = next((text_of(each, "message") for each in entries_of(found, "status", "conditions")
                        if text_of(each, "status") == "False"), "")  # fmt: skip
            raise ApiError(f"{one.manifest.name} is not established after {ESTABLISHED_SECONDS:g} s. {why}".strip())
        await asyncio.sleep(ESTABLISHED_PAUSE)
