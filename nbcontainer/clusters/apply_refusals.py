"""Why the API server refuses an object of a text: the fields it names, with their lines, and what to do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson

from nbcontainer.clusters.differences import without_values
from nbcontainer.clusters.failures import raise_for_status
from nbcontainer.clusters.http import FIELD_MANAGER
from nbcontainer.clusters.missing import missing_namespace
from nbcontainer.clusters.refusals import cause_words, fixed_fields, is_fixed, name_cure
from nbcontainer.errors import ApiError, Conflict
from nbcontainer.json_objects import JsonObject, entries_of, text_of
from nbcontainer.kubernetes_yaml.manifests import Manifest, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbcontainer.clusters.connection import Cluster

NOT_FOUND, CONFLICT = 404, 409
MOST_LINES = 5  # of a refusal that are shown
LONGEST_VALUE = 60  # characters of a value that a conflict quotes


async def refusal(
    cluster: Cluster,
    manifest: Manifest,
    status: int,
    answer: JsonObject,
    *,
    present: JsonObject | None,
    rest: str = "",
) -> ApiError:
    """The API server's refusal, with the lines of the fields that it names.

    Args:
        cluster: the cluster, in the object's namespace.
        manifest: the object that was refused.
        status: the HTTP status.
        answer: the `Status` object.
        present: the object as it exists; None if it does not.
        rest: what happened to the other objects, in words.
    """
    error = await _refusal(cluster, manifest, status, answer, present)
    words = f"{error.message.rstrip('.')}.{rest}" if rest else error.message
    return error.replaced(message=without_values(words, manifest.document))


def is_own_conflict(status: int, answer: JsonObject) -> bool:
    """Whether an object conflicts with nothing but our own earlier changes of it."""
    causes = entries_of(answer, "details", "causes")
    return status == CONFLICT and bool(causes) and all(map(_is_own, causes))


def _is_own(cause: JsonObject) -> bool:
    is_conflict = cause.get("reason") == "FieldManagerConflict"
    return is_conflict and text_of(cause, "message").startswith(f'conflict with "{FIELD_MANAGER}"')


async def _refusal(
    cluster: Cluster, manifest: Manifest, status: int, answer: JsonObject, present: JsonObject | None
) -> ApiError:
    causes = entries_of(answer, "details", "causes")
    if status == CONFLICT and any(cause.get("reason") == "FieldManagerConflict" for cause in causes):
        others = [cause for cause in causes if not _is_own(cause)]
        return Conflict(
            "\n".join(_first(_conflict_words(manifest, cause, present) for cause in others)),
            status=status,
            reason="FieldManagerConflict",
            cure="`--force-conflicts` takes over these fields; or remove them from the manifest, and they stay as they "
            "are.",
        )
    if status == CONFLICT and text_of(manifest.document, "metadata", "resourceVersion"):
        place = manifest.place_of("metadata.resourceVersion")
        return Conflict(
            f"{place}: {manifest.kind} {manifest.name} was changed by someone else since this version of it.",
            status=status,
            reason="Conflict",
            cure="Get it again, or remove the resourceVersion to apply this over the change.",
        )
    absent = await asyncio.to_thread(missing_namespace, cluster) if status == NOT_FOUND else None
    if absent is not None:
        stated = manifest.stated_line("metadata.namespace")  # otherwise the call names it
        where = f"{manifest.place_of('metadata.namespace')}: " if stated else ""
        return absent.replaced(message=f"{where}{absent.message}")
    if causes:
        lines = [line for cause in causes for line in _cause_lines(manifest, cause, present)]
        fixed = present is not None and any(is_fixed(cause) for cause in causes)
        cure = _replace_cure(cluster, manifest) if fixed else name_cure(causes)
        error = _typed(cluster, status, answer, "\n".join(_first(lines)))
        return error.replaced(cure=cure or error.cure)
    return _worded(cluster, manifest, status, answer)


def _worded(cluster: Cluster, manifest: Manifest, status: int, answer: JsonObject) -> ApiError:
    """A refusal whose message is all that it says."""
    message = text_of(answer, "message")
    if manifest.kind == "Secret" and "illegal base64" in message:
        error = _typed(cluster, status, answer, f"{manifest.place_of('data')}: a value of data is not base64.")
        return error.replaced(cure="The values of stringData may be any text.")
    field, kind = manifest.unquoted(message)
    if field:
        wanted = f"{field} must be text, and without quotes this is {kind}"
        error = _typed(cluster, status, answer, f"{manifest.place_of(field)}: {wanted}.")
        return error.replaced(cure="Put the value in quotes.")
    return _typed(cluster, status, answer, manifest.with_lines(message))


def _first(lines: Iterator[str] | list[str]) -> list[str]:
    return list(dict.fromkeys(lines))[:MOST_LINES]


def _conflict_words(manifest: Manifest, cause: JsonObject, present: JsonObject | None) -> str:
    """Who manages a field, its value there, and the manifest's."""
    field = text_of(cause, "field").lstrip(".")
    manager = text_of(cause, "message").removeprefix("conflict with ")
    secret = manifest.kind == "Secret" and field.startswith(("data", "stringData"))
    theirs = "" if secret else _shown(value_at(present, field))
    ours = "" if secret else _shown(manifest.value_of(field))
    values = f": it is {theirs} in the cluster, and {ours} here" if theirs and ours else ""
    return f"{manifest.place_of(field)}: {field} is managed by {manager}{values}."


def _shown(value: object) -> str:
    """A value as YAML has it on one line; "" if it is none, or too long to be quoted."""
    text = "" if value is None else orjson.dumps(value).decode()
    return text if len(text) <= LONGEST_VALUE else ""


def _cause_lines(manifest: Manifest, cause: JsonObject, present: JsonObject | None) -> list[str]:
    field = text_of(cause, "field")
    if present is not None and is_fixed(cause):
        fields = fixed_fields(cause, manifest.document, present)
        what = f"cannot be changed once {manifest.kind} {manifest.name} exists"
        return [f"{manifest.place_of(one)}: {one} {what}." for one in fields]
    words = cause_words(cause)
    return [f"{manifest.place_of(field)}: {field}: {words}" if field else f"{manifest.place_of('')}: {words}"]


def _replace_cure(cluster: Cluster, manifest: Manifest) -> str:
    delete = f"`{cluster.commands.kubectl('delete', manifest.kind.lower(), manifest.name)}`"
    if manifest.kind == "Pod":
        delete = cluster.commands.magic("delete", manifest.name)
    return f"Delete it first ({delete}) and run this again, or give the new one another name."


def _typed(cluster: Cluster, status: int, answer: JsonObject, message: str) -> ApiError:
    try:
        raise_for_status(cluster, status, answer)
    except ApiError as error:
        return error.replaced(message=message or error.message)
    raise AssertionError  # the status is a refusal
