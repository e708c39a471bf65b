"""Small changes of objects of any kind: patches, labels and annotations."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from nbcontainer.clusters.differences import compared, is_same, without_values
from nbcontainer.clusters.failures import raise_for_status, status_error
from nbcontainer.clusters.http import FIELD_MANAGER
from nbcontainer.clusters.missing import NAMES_ALONE, not_found, not_found_soon
from nbcontainer.clusters.objects import named, one_named
from nbcontainer.clusters.secret_values import HIDDEN, hide
from nbcontainer.errors import Conflict, NotFound, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of
from nbcontainer.kubernetes_yaml.documents import read_documents
from nbcontainer.model.changes import Change

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.discovery import Resource

TYPES = {
    "strategic": "application/strategic-merge-patch+json",
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
}
_WHOLE_PATCH = re.compile(r'Invalid value: "map\[.*\]": ', re.DOTALL)  # a patch is quoted whole, values and all
REFUSED, UNKNOWN_FORMAT, MISSING = 300, 415, 404
MOST_AT_ONCE = 8  # requests
MOST_TRIES = 10


@dataclass(frozen=True)
class Target:
    """One object to be changed, and where it is."""

    cluster: Cluster
    resource: Resource
    name: str

    @property
    def path(self) -> str:
        """Its path."""
        return self.resource.path(self.cluster.namespace if self.resource.namespaced else "", self.name)

    @property
    def word(self) -> str:
        """What names it: "deployment web"."""
        return f"{self.resource.kind.lower()} {self.name}"

    def command(self, verb: str, *words: str) -> str:
        """A kubectl command for it, such as "rollout status"."""
        space = None if self.resource.namespaced else ""
        kind = self.resource.qualified_kind
        return self.cluster.commands.kubectl(*verb.split(), kind, self.name, *words, namespace=space)

    async def get(self) -> JsonObject:
        """The object as it exists.

        Raises:
            NotFound: it does not; with suggestions.
        """
        status, found = await self.cluster.send("GET", self.path)
        if status == MISSING:
            raise await not_found_soon(self.cluster, [self.name], self.resource)
        raise_for_status(self.cluster, status, found)
        return found

    async def patch(
        self, patch: object, kind: str, *, present: JsonObject, action: str, command: str, dry_run: bool, part: str = ""
    ) -> Change:
        """Patch the object; `part` is a subresource such as "scale".

        Raises:
            ApiError: the API server refuses.
        """
        path = f"{self.path}/{part}" if part else self.path
        parameters: dict[str, str] = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        parameters |= {"dryRun": "All"} if dry_run else {}
        status, answer = await self.cluster.send(
            "PATCH", path, parameters=parameters, body=patch, content_type=TYPES[kind]
        )
        if status >= REFUSED:
            error = status_error(self.cluster, status, answer)
            quoted = patch if isinstance(patch, dict) else {}
            message = _WHOLE_PATCH.sub("", error.message).replace('The object ""', f"The patch of {self.word}")
            message = without_values(message, {**quoted, "kind": self.resource.kind})
            cure = "Custom resources take `--type=merge`." if status == UNKNOWN_FORMAT else error.cure
            raise error.replaced(message=message, cure=cure)
        if part:
            answer = await self.get() if not dry_run else present
        return self.change(present, answer, action=action, command=command, status="dry run" if dry_run else "")

    def change(self, present: JsonObject, answer: JsonObject, *, action: str, command: str, status: str = "") -> Change:
        """What was done to it."""
        before, after = compared(present, answer)
        namespace = text_of(answer, "metadata", "namespace")
        return Change(
            self.resource.kind,
            self.name,
            namespace,
            "unchanged" if is_same(present, answer) else action,
            status=status,
            uid=text_of(answer, "metadata", "uid"),
            where=" · ".join(filter(None, (self.cluster.context, namespace))),
            command=command,
            before=before,
            after=after,
        )


def one_target(cluster: Cluster, words: Sequence[str]) -> Target:
    """The only object that the words name: ("deploy", "web") or ("deploy/web",).

    Raises:
        UsageError: they name none or several, or the cluster has no such kind.
    """
    return Target(cluster, *one_named(cluster, words, "This takes one object.", "Such as deploy/web, or deploy web."))


def targets(cluster: Cluster, words: Sequence[str], *, selector: str = "", all: bool = False) -> list[Target]:  # noqa: A002 - kubectl's own flag
    """The objects that the words name, or those of the named kinds with these labels, or all of them.

    Raises:
        UsageError: neither names, a selector nor `all`; or more than one of these.
        NotFound: there is none.
    """
    kinds = named(cluster, words)
    names = any(one.names for one in kinds)
    if sum((names, bool(selector), all)) != 1:
        raise UsageError("Give names, a selector or `--all`, one of the three.", cure="Such as deploy/web.")
    if names:
        return [Target(cluster, one.resource, name) for one in kinds for name in one.names]
    found = []
    for resource, _, _ in kinds:
        path = resource.path(cluster.namespace if resource.namespaced else "")
        parameters = {"labelSelector": selector} if selector else {}
        answer = cluster.call("GET", path, parameters=parameters, accept=NAMES_ALONE)
        found += [Target(cluster, resource, text_of(one, "metadata", "name")) for one in entries_of(answer, "items")]
    if not found:
        which = f" with {selector}" if selector else ""
        raise NotFound(f"There are no {', '.join(one.resource.word for one in kinds)}{which} in {cluster.where}.")
    return found


# --- patches


def patch(
    cluster: Cluster, words: Sequence[str], text: str, *, kind: str, subresource: str = "", dry_run: bool = False
) -> Change:
    """Patch one object.

    Args:
        cluster: the cluster.
        words: name the object.
        text: the patch, as YAML or JSON.
        kind: "strategic", "merge" or "json".
        subresource: patch this part of it, such as "scale" or "status".
        dry_run: the API server checks and answers, and changes nothing.

    Raises:
        UsageError: the text is not a patch of this kind.
        NotFound, Conflict, ApiError: there is no such object, or the API server refuses.
    """
    if kind not in TYPES:
        raise UsageError(f"{kind!r} is not a type of patch.", cure=f"Types: {', '.join(TYPES)}.")
    documents = [document.root.value for document in read_documents(text)]
    if len(documents) != 1 or not isinstance(documents[0], list if kind == "json" else dict):
        wanted = "a list of operations" if kind == "json" else "one mapping with the fields to be changed"
        raise UsageError(f"A patch of type {kind} is {wanted}, in YAML or JSON.")
    (document,) = documents
    one = one_target(cluster, words)
    shown = orjson.dumps(_without_secrets(document, one.resource.kind)).decode()
    part = [f"--subresource={subresource}"] if subresource else []
    more = [*part, *(["--dry-run=server"] if dry_run else [])]
    command = one.command("patch", f"--type={kind}", f"--patch={shown}", *more)

    async def run() -> Change:
        present = await one.get()
        return await one.patch(
            document, kind, present=present, action="patched", command=command, dry_run=dry_run, part=subresource
        )

    return cluster.run(run())


def _without_secrets(patch: object, kind: str) -> object:
    """A patch as a command may show it."""
    if kind != "Secret":
        return patch
    if isinstance(patch, list):
        return [{**each, "value": HIDDEN} if isinstance(each, dict) and "value" in each else each for each in patch]
    shown = hide({**(patch if isinstance(patch, dict) else {}), "kind": kind})
    return {key: value for key, value in shown.items() if isinstance(patch, dict) and key in patch}


# --- labels and annotations


@dataclass(frozen=True)
class Field:
    """The labels or annotations of an object.

    Attributes:
        name: in the metadata: "labels".
        verb: kubectl's verb: "label".
        action: what a change is called.
    """

    name: str
    verb: str
    action: str


LABELS = Field("labels", "label", "labeled")
ANNOTATIONS = Field("annotations", "annotate", "annotated")


def pairs_of(words: Sequence[str]) -> tuple[list[str], dict[str, str | None]]:
    """The words that name objects, and the wanted values: KEY=VALUE sets one, KEY- (None) removes it.

    Raises:
        UsageError: a key is given twice, or a name after a value.
    """
    names: list[str] = []
    wanted: dict[str, str | None] = {}
    for word in words:
        key, equals, value = word.partition("=")
        removes = not equals and word.endswith("-")
        if not equals and not removes:
            if wanted:
                raise UsageError(f"{word!r} is neither KEY=VALUE nor KEY-.", cure="Names come before the values.")
            names.append(word)
            continue
        key = key.removesuffix("-") if removes else key
        if not key or key in wanted:
            raise UsageError(f"{word!r} has no key." if not key else f"{key} is given twice.")
        wanted[key] = None if removes else value
    return names, wanted


def change_metadata(
    field: Field,
    found: Sequence[Target],
    wanted: Mapping[str, str | None],
    *,
    overwrite: bool = False,
    dry_run: bool = False,
) -> list[Change]:
    """Set and remove labels or annotations. Nothing is changed unless all objects can be.

    Raises:
        Conflict: an object has another value already, and `overwrite` is false.
        NotFound, ApiError: there is no such object, or the API server refuses.
    """
    flags = [*(["--overwrite"] if overwrite else []), *(["--dry-run=server"] if dry_run else [])]
    words = [f"{key}-" if value is None else f"{key}={value}" for key, value in wanted.items()]
    limit = asyncio.Semaphore(MOST_AT_ONCE)

    async def get(one: Target) -> JsonObject:
        async with limit:
            present = await one.get()
        if not overwrite:
            _refuse_other_values(field, one, object_of(present, "metadata", field.name), wanted)
        return present

    async def change(one: Target, present: JsonObject) -> Change:
        for tries_left in reversed(range(MOST_TRIES)):
            version = {} if overwrite else {"resourceVersion": text_of(present, "metadata", "resourceVersion")}
            patch = {"metadata": {field.name: dict(wanted), **version}}
            command = one.command(field.verb, *words, *flags)
            try:
                async with limit:
                    return await one.patch(
                        patch, "merge", present=present, action=field.action, command=command, dry_run=dry_run
                    )
            except Conflict:  # perhaps only its status has changed
                if not tries_left:
                    raise
                present = await get(one)
        raise AssertionError  # the last try returned or raised

    async def run() -> list[Change]:
        objects = await asyncio.gather(*map(get, found))
        return list(await asyncio.gather(*map(change, found, objects)))

    return found[0].cluster.run(run())


def _refuse_other_values(
    field: Field, one: Target, there: Mapping[str, object], wanted: Mapping[str, str | None]
) -> None:
    other = {key: there[key] for key, value in wanted.items() if value is not None and there.get(key, value) != value}
    if other:
        has = " and ".join(f"{key}={value}" for key, value in other.items())
        what = field.name if len(other) > 1 else field.name.removesuffix("s")
        raise Conflict(
            f"{one.word} already has the {what} {has}. Nothing was changed.",
            reason="AlreadyExists",
            cure="`--overwrite` replaces it.",
        )


def read_metadata(field: Field, found: Sequence[Target]) -> list[tuple[Target, dict[str, str]]]:
    """The labels or annotations of each object.

    Raises:
        NotFound, ApiError: there is no such object, or the API server refuses.
    """
    answers = []
    for one in found:
        try:
            present = one.cluster.call("GET", one.path)
        except NotFound:
            raise not_found(one.cluster, [one.name], one.resource) from None
        values = {key: f"{value}" for key, value in object_of(hide(present), "metadata", field.name).items()}
        answers.append((one, dict(sorted(values.items()))))
    return answers
