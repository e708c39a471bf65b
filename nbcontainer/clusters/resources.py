"""Any kind from YAML: server-side apply, with errors that name the lines of the text."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import Resource, find_kind, near_kinds
from nbcontainer.clusters.failures import raise_for_status
from nbcontainer.clusters.missing import missing_namespace
from nbcontainer.clusters.refusals import cause_words, fixed_fields, is_fixed, name_cure
from nbcontainer.errors import ApiError, Conflict, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, value_of
from nbcontainer.kubernetes_yaml.manifests import Manifest, parse_manifests
from nbcontainer.model.changes import Change
from nbcontainer.model.source_map import SourceMap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.clusters.connection import Cluster

MANAGER = "nbcontainer"
APPLY = "application/apply-patch+yaml"  # JSON is YAML
CREATED, NOT_FOUND, CONFLICT = 201, 404, 409
MOST_LINES = 5  # of a refusal that are shown


def apply(
    cluster: Cluster,
    text: str,
    *,
    namespace: str = "",
    source_map: SourceMap = SourceMap(),  # noqa: B008 - it is frozen
    dry_run: bool = False,
    force_conflicts: bool = False,
    labels: dict[str, str] | None = None,
) -> list[Change]:
    """Apply YAML server-side: every document, of any kind. Nothing is sent unless all of it can be understood.

    Args:
        cluster: the cluster, in the namespace of objects that name none.
        namespace: another namespace; then a manifest that names a different one is an error.
        text: one or more YAML documents.
        source_map: from the text's lines to the user's own.
        dry_run: the API server checks and answers, and changes nothing.
        force_conflicts: take over fields that others manage.
        labels: are added to each object's own.

    Raises:
        UsageError: the text is not YAML, or not manifests; or the cluster has no such kind.
        Conflict: somebody else manages a field; it names field, manager and line.
        ApiError: the API server refuses an object; those applied before it stay.
    """
    manifests = parse_manifests(text, source_map.own)
    return cluster.run(
        _apply(
            cluster.in_namespace(namespace),
            manifests,
            own=bool(namespace),
            dry_run=dry_run,
            force=force_conflicts,
            labels=labels or {},
        )
    )


async def _apply(
    cluster: Cluster,
    manifests: Sequence[Manifest],
    *,
    own: bool,
    dry_run: bool,
    force: bool,
    labels: dict[str, str],
) -> list[Change]:
    resources = [await _resource(cluster, manifest) for manifest in manifests]
    spaces = [
        _namespace(cluster, manifest, resource, own=own)
        for manifest, resource in zip(manifests, resources, strict=True)
    ]
    command = _command(cluster, spaces, dry_run=dry_run, force=force)
    changes: list[Change] = []
    for manifest, resource, space in zip(manifests, resources, spaces, strict=True):
        document = _with_labels(manifest.document, labels)
        path = resource.path(space, manifest.name)
        before, old = await cluster.send("GET", path)
        parameters: dict[str, str | bool] = {
            "fieldManager": MANAGER,
            "fieldValidation": "Strict",
            "force": force,
        }
        parameters |= {"dryRun": "All"} if dry_run else {}
        status, answer = await cluster.send("PATCH", path, parameters=parameters, body=document, content_type=APPLY)
        if status >= 300:  # noqa: PLR2004 - HTTP's own boundary
            present = old if before < CREATED else None
            there = replace(cluster, namespace=space)
            raise await _refusal(there, manifest, status, answer, changes, present=present)
        same = before < CREATED and _comparable(old) == _comparable(answer)
        action = "created" if status == CREATED else "unchanged" if same else "configured"
        changes.append(
            Change(
                resource.kind,
                manifest.name,
                space,
                action,
                status="dry run" if dry_run else "",
                uid=text_of(answer, "metadata", "uid"),
                where=f"{cluster.context} · {space}" if space else cluster.context,
                command=command,
                manifest=document,
            )
        )
    return changes


def _command(cluster: Cluster, spaces: Sequence[str], *, dry_run: bool, force: bool) -> str:
    """The same as a kubectl command; kubectl refuses objects in another namespace than its -n names."""
    words = [*(["--dry-run=server"] if dry_run else []), *(["--force-conflicts"] if force else [])]
    named = cluster.namespace if {*spaces} <= {"", cluster.namespace} else ""
    return cluster.commands.kubectl("apply", "--server-side", "-f", "-", *words, namespace=named)


async def _resource(cluster: Cluster, manifest: Manifest) -> Resource:
    found = await find_kind(cluster, manifest.api_version, manifest.kind)
    if found is None:
        near = await near_kinds(cluster, manifest.api_version, manifest.kind)
        hint = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else f"`{cluster.commands.kubectl('api-resources', namespace='')}` lists what it has."
        )
        line = manifest.line_of("kind")
        raise UsageError(f"line {line}: the cluster has no {manifest.api_version} {manifest.kind}.", cure=hint)
    return found


def _namespace(cluster: Cluster, manifest: Manifest, resource: Resource, *, own: bool) -> str:
    if not resource.namespaced:
        return ""
    stated = text_of(manifest.document, "metadata", "namespace")
    if own and stated and stated != cluster.namespace:
        raise UsageError(
            f"line {manifest.line_of('metadata.namespace')}: the manifest's namespace is {stated!r}, "
            f"the call's is {cluster.namespace!r}.",
            cure=f"Name it too, with `--namespace={stated}`, or remove one of the two.",
        )
    return stated or cluster.namespace


def _with_labels(document: JsonObject, labels: dict[str, str]) -> JsonObject:
    own = value_of(document, "metadata", "labels") or {}
    if not labels or not isinstance(own, dict):  # if they are wrong, the API server says so
        return document
    return {**document, "metadata": {**object_of(document, "metadata"), "labels": {**labels, **own}}}


def _comparable(document: JsonObject) -> JsonObject:
    """An object without what changes by itself: its status may differ between two calls."""
    metadata = {**object_of(document, "metadata"), "managedFields": None, "resourceVersion": None}
    return {**document, "metadata": metadata, "status": None}


async def _refusal(
    cluster: Cluster,
    manifest: Manifest,
    status: int,
    answer: JsonObject,
    before: Sequence[Change],
    *,
    present: JsonObject | None,
) -> ApiError:
    """The API server's refusal, with the lines of the fields that it names; `present` is the existing object."""
    causes = entries_of(answer, "details", "causes")
    stays = "".join(f" {change.kind} {change.name}," for change in before)
    stays = f" Applied before it:{stays.rstrip(',')}." if before else ""
    if status == CONFLICT and any(cause.get("reason") == "FieldManagerConflict" for cause in causes):
        words = []
        for cause in causes:
            field = text_of(cause, "field").lstrip(".")
            message = text_of(cause, "message").removeprefix("conflict with ")
            words.append(f"line {manifest.line_of(field)}: {field} is managed by {message}")
        return Conflict(
            "\n".join(words) + stays,
            status=status,
            reason="FieldManagerConflict",
            cure="`--force-conflicts` takes over these fields; or leave them out of the manifest.",
        )
    absent = await asyncio.to_thread(missing_namespace, cluster) if status == NOT_FOUND else None
    if absent is not None:
        line = manifest.stated_line("metadata.namespace")  # otherwise the call names it
        return absent.replaced(message=f"line {line}: {absent.message}{stays}" if line else f"{absent.message}{stays}")
    if causes:
        lines = [line for cause in causes for line in _cause_lines(manifest, cause, present)]
        fixed = present is not None and any(is_fixed(cause) for cause in causes)
        cure = _replace_cure(cluster, manifest) if fixed else name_cure(causes)
        text = "\n".join(list(dict.fromkeys(lines))[:MOST_LINES])
        error = _typed(cluster, status, answer, text + stays)
        return error.replaced(cure=cure or error.cure)
    message = text_of(answer, "message")
    field, kind = manifest.unquoted(message)
    if field:
        wanted = f"{field} must be text, and without quotes this is {kind}"
        error = _typed(cluster, status, answer, f"line {manifest.line_of(field)}: {wanted}.{stays}")
        return error.replaced(cure="Put the value in quotes.")
    return _typed(cluster, status, answer, manifest.with_lines(message) + stays)


def _cause_lines(manifest: Manifest, cause: JsonObject, present: JsonObject | None) -> list[str]:
    field = text_of(cause, "field")
    if present is not None and is_fixed(cause):
        fields = fixed_fields(cause, manifest.document, present)
        what = f"cannot be changed once {manifest.kind} {manifest.name} exists"
        return [f"line {manifest.line_of(one)}: {one} {what}." for one in fields]
    words = cause_words(cause)
    return [f"line {manifest.line_of(field)}: {field}: {words}" if field else f"line {manifest.line_of('')}: {words}"]


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
