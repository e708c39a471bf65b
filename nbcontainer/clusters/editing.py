"""An object as a cell to be edited, and what the edited cell does: it replaces the object, unless others changed it."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from nbcontainer.clusters.apply_refusals import CONFLICT, refusal
from nbcontainer.clusters.differences import BY_OTHERS, without_noise
from nbcontainer.clusters.http import FIELD_MANAGER
from nbcontainer.clusters.patching import REFUSED, Target, one_target
from nbcontainer.clusters.refusals import differences
from nbcontainer.clusters.secret_values import HIDDEN, hide
from nbcontainer.errors import Conflict, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of
from nbcontainer.kubernetes_yaml.manifests import Manifest, parse_manifests
from nbcontainer.kubernetes_yaml.writing import write_yaml
from nbcontainer.model.results import NextCell

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.model.changes import Change
    from nbcontainer.model.source_map import SourceMap

MOST_DRAFTS = 100
MOST_TRIES = 10
MOST_FIELDS = 5  # that an error names
HINT = f"# A value that is {HIDDEN!r} stays as it is. New values are written as text below stringData.\n"
# uid and resourceVersion of the objects that were offered for editing → the object then
_drafts: OrderedDict[tuple[str, str], JsonObject] = OrderedDict()


def draft(cluster: Cluster, words: Sequence[str]) -> NextCell:
    """The cell that edits an object: its YAML without what the API server fills in, with its resourceVersion.

    Raises:
        UsageError: the words do not name one object.
        NotFound, ApiError: there is no such object, or the API server refuses.
    """
    one = one_target(cluster, words)
    present = cluster.run(one.get())
    _remember(present, present)
    version = text_of(present, "metadata", "resourceVersion")
    shown = hide(without_noise(present))
    shown["metadata"] = {**object_of(shown, "metadata"), "resourceVersion": version}
    text = f"{HINT if one.resource.kind == 'Secret' else ''}{write_yaml(shown)}"
    line = ["%%kube", "edit", _words(one)]
    line += ["-n", cluster.namespace] if one.resource.namespaced else []
    line += [f"--context={cluster.context}"] if cluster.named else []
    line += ["--raw"] if "{{" in text else []
    return NextCell(f"{' '.join(line)}\n{text}", one.command("edit"))


def _words(one: Target) -> str:
    resource = one.resource
    return f"{resource.word if resource.shadowed else resource.kind.lower()}/{one.name}"


def edit(cluster: Cluster, words: Sequence[str], text: str, source_map: SourceMap) -> Change:
    """Replace an object by its edited text.

    Raises:
        UsageError: the words do not name one object, or the text is another one.
        Conflict: it has been changed since the text was made.
        NotFound, ApiError: there is no such object, or the API server refuses.
    """
    one = one_target(cluster, words)
    manifests = parse_manifests(text, source_map.own)
    edited = manifests[0]
    if len(manifests) > 1 or (edited.kind, edited.name) != (one.resource.kind, one.name):
        other = f"{edited.kind} {edited.name}" if len(manifests) == 1 else f"{len(manifests)} objects"
        raise UsageError(f"The line edits {one.word}, but the text is {other}.", cure="Edit one object in each cell.")
    return cluster.run(_edit(one, edited))


async def _edit(one: Target, edited: Manifest) -> Change:
    for _ in range(MOST_TRIES):
        change = await _try_edit(one, edited)
        if change is not None:
            return change
    raise Conflict(f"{one.word} changes all the time.", reason="Conflict", cure="Try it again later.")


async def _try_edit(one: Target, edited: Manifest) -> Change | None:
    """Replace the object; None if it was changed at the same time, perhaps only its status."""
    present = await one.get()
    version = text_of(edited.document, "metadata", "resourceVersion")
    uid = text_of(present, "metadata", "uid")
    if version and version != text_of(present, "metadata", "resourceVersion"):
        _refuse_changed(one, edited, present, _drafts.get((uid, version)))
    command = one.command("edit")
    parameters = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
    body = _merged(edited.document, present)
    status, answer = await one.cluster.send("PUT", one.path, parameters=parameters, body=body)
    if status == CONFLICT:
        return None
    if status >= REFUSED:
        raise await refusal(one.cluster, edited, status, answer, present=present)
    if version:
        _remember(present, answer, version)  # so that the same cell can be run again
    return one.change(present, answer, action="edited", command=command)


def _remember(present: JsonObject, then: JsonObject, version: str = "") -> None:
    metadata = object_of(present, "metadata")
    _drafts[text_of(metadata, "uid"), version or text_of(metadata, "resourceVersion")] = without_noise(then)
    while len(_drafts) > MOST_DRAFTS:
        _drafts.popitem(last=False)


def _refuse_changed(one: Target, edited: Manifest, present: JsonObject, then: JsonObject | None) -> None:
    """Refuse the edit if more than the status of the object has changed.

    Raises:
        Conflict: it has.
    """
    now = without_noise(present)
    if then == now:
        return
    fields = sorted({*differences(now, then, ""), *differences(then, now, "")} if then is not None else ())
    more = f" and {len(fields) - MOST_FIELDS} more" if len(fields) > MOST_FIELDS else ""
    what = f": {', '.join(fields[:MOST_FIELDS])}{more}" if fields else ""
    raise Conflict(
        f"{edited.place_of('metadata.resourceVersion')}: {one.word} was changed{_by_whom(present)} since this cell was "
        f"made{what}.",
        reason="Conflict",
        cure=f"`%kube edit {_words(one)}` makes a new cell; without the resourceVersion, this one "
        "overwrites the change.",
    )


def _by_whom(present: JsonObject) -> str:
    """Who has changed an object last, other than its status."""
    entries = [one for one in entries_of(present, "metadata", "managedFields") if not text_of(one, "subresource")]
    if not entries:
        return ""
    # the times are whole seconds
    last = max(entries, key=lambda one: (text_of(one, "time"), text_of(one, "manager") != FIELD_MANAGER))
    try:
        then = datetime.fromisoformat(text_of(last, "time")).timestamp()
    except ValueError:
        return f' by "{text_of(last, "manager")}"'
    return f' by "{text_of(last, "manager")}" {max(0, time.time() - then):.0f} s ago'


def _merged(edited: JsonObject, present: JsonObject) -> JsonObject:
    """What is sent: the text, with what it leaves out because the API server fills it in, and with hidden values."""
    there = object_of(present, "metadata")
    metadata = {**_noise(there), **object_of(edited, "metadata"), "resourceVersion": there.get("resourceVersion")}
    annotations = object_of(there, "annotations")
    kept = {key: annotations[key] for key in BY_OTHERS if key in annotations}
    if kept:
        metadata["annotations"] = {**object_of(edited, "metadata", "annotations"), **kept}
    body = {**edited, "metadata": metadata}
    if "status" in present:
        body["status"] = present["status"]
    if edited.get("kind") == "Secret" and isinstance(edited.get("data"), dict):
        known = object_of(present, "data")
        body["data"] = {
            key: known.get(key, value) if value == HIDDEN else value for key, value in object_of(edited, "data").items()
        }
    return body


def _noise(metadata: JsonObject) -> JsonObject:
    kept = object_of(without_noise({"metadata": metadata}), "metadata")
    return {key: value for key, value in metadata.items() if key not in kept}
