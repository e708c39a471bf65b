"""The revisions of a workload, and going back to one of them.

A Deployment keeps them in its ReplicaSets, a DaemonSet and a StatefulSet in ControllerRevisions. Source:
k8s.io/kubectl, pkg/polymorphichelpers/history.go and rollback.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nbcontainer.clusters.columns import epoch
from nbcontainer.clusters.discovery import Resource
from nbcontainer.clusters.label_selectors import selector_text
from nbcontainer.clusters.ownership import owned
from nbcontainer.clusters.pod_sections import facts, template_sections
from nbcontainer.errors import ApiError, Conflict, NotFound, Unsupported
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of, value_of
from nbcontainer.model.results import Description
from nbcontainer.model.tables import Column, Row, Table, TableReset, TableState, apply_table

if TYPE_CHECKING:
    from nbcontainer.clusters.patching import Target
    from nbcontainer.model.changes import Change

REPLICA_SETS = Resource("replicasets", "ReplicaSet", "apps")
REVISIONS = Resource("controllerrevisions", "ControllerRevision", "apps")
REVISION = "deployment.kubernetes.io/revision"
CAUSE = "kubernetes.io/change-cause"
# what describes a ReplicaSet rather than its template, and so stays with the Deployment
OWN_ANNOTATIONS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
)
COLUMNS = (
    Column("REVISION", "number"),
    Column("CHANGE-CAUSE"),
    Column("IMAGES"),
    Column("AGE", "age"),
)


class Revision(NamedTuple):
    """One revision: its number, the object that keeps it, and the template of its pods."""

    number: int
    kept: JsonObject
    template: JsonObject


async def revisions(target: Target, present: JsonObject) -> list[Revision]:
    """A workload's revisions, oldest first.

    Raises:
        Unsupported: the kind has none.
    """
    kind = target.resource.kind
    if kind not in {"Deployment", "DaemonSet", "StatefulSet"}:
        raise Unsupported("`rollout`", target.word, cure="Deployments, DaemonSets and StatefulSets have revisions.")
    resource = REPLICA_SETS if kind == "Deployment" else REVISIONS
    path = resource.path(target.cluster.namespace)
    parameters = {"labelSelector": selector_text(object_of(present, "spec", "selector"))}
    answer = await target.cluster.request("GET", path, parameters=parameters)
    uid = text_of(present, "metadata", "uid")
    found = [_revision(one) for one in owned(entries_of(answer, "items"), {uid})]
    return sorted((one for one in found if one.number), key=lambda one: one.number)


def _revision(kept: JsonObject) -> Revision:
    if kept.get("revision") is not None:
        return Revision(number_of(kept, "revision"), kept, object_of(kept, "data", "spec", "template"))
    number = text_of(kept, "metadata", "annotations", REVISION)
    return Revision(int(number) if number.isdecimal() else 0, kept, object_of(kept, "spec", "template"))


def history(target: Target, found: list[Revision]) -> Table:
    """The revisions as a table, newest last."""
    rows = [_row(one) for one in found]
    title = f"revisions of {target.word}"
    reset = TableReset(COLUMNS, tuple(rows), title, target.cluster.where)
    return Table(apply_table(TableState(), reset), target.command("rollout history"))


def describe(target: Target, found: list[Revision], number: int) -> Description:
    """The pods of one revision, as `kubectl rollout history --revision` describes them.

    Raises:
        NotFound: it is not kept.
    """
    one = revision_of(target, found, number)
    cause = object_of(one.kept, "metadata", "annotations").get(CAUSE)
    head = ("", facts(("Revision", number), ("Change Cause", cause)))
    return Description(
        target.resource.kind,
        target.name,
        target.cluster.namespace,
        target.cluster.where,
        tuple(section for section in (head, *template_sections(one.template)) if section[1]),
        command=target.command("rollout history", f"--revision={number}"),
    )


def _row(one: Revision) -> Row:
    annotations = object_of(one.kept, "metadata", "annotations")
    images = [text_of(each, "image") for each in entries_of(one.template, "spec", "containers")]
    made = epoch(text_of(one.kept, "metadata", "creationTimestamp"))
    cells = (one.number, str(annotations.get(CAUSE) or "<none>"), ", ".join(images), made)
    return Row(str(one.number), cells, name=str(one.number), rank=f"{one.number:09d}")


def revision_of(target: Target, found: list[Revision], number: int) -> Revision:
    """The revision with a number; with 0 the one before the last.

    Raises:
        NotFound: it is not kept, or there is none before.
    """
    if not number:
        if len(found) < 2:  # noqa: PLR2004 - the present one, and one before
            raise NotFound(f"{target.word} has no revision before the present one.")
        return found[-2]
    for one in found:
        if one.number == number:
            return one
    known = ", ".join(str(one.number) for one in found)
    raise NotFound(f"{target.word} has no revision {number}.", cure=f"There are {known}." if known else "")


async def undo(target: Target, *, to_revision: int, dry_run: bool, command: str) -> Change:
    """Go back to an earlier template of the pods.

    Raises:
        NotFound: there is no such revision.
        Conflict: the rollout is paused.
        ApiError: it has this template already.
    """
    present = await target.get()
    if value_of(present, "spec", "paused"):
        cure = f"Run `%kube rollout resume {target.word.replace(' ', '/')}` first."
        raise Conflict(f"The rollout of {target.word} is paused.", reason="Paused", cure=cure)
    chosen = revision_of(target, await revisions(target, present), to_revision)
    template = _template(chosen)
    if template == object_of(present, "spec", "template"):
        raise ApiError(f"{target.word} has the template of revision {chosen.number} already.", reason="Unchanged")
    patch: list[dict[str, object]] = [{"op": "replace", "path": "/spec/template", "value": template}]
    if target.resource.kind == "Deployment":
        patch.append({"op": "add", "path": "/metadata/annotations", "value": _annotations(present, chosen.kept)})
    return await target.patch(patch, "json", present=present, action="rolled back", command=command, dry_run=dry_run)


def _template(chosen: Revision) -> JsonObject:
    """The pods' template as it was, without what the revision's own object has added."""
    template = {key: value for key, value in chosen.template.items() if key != "$patch"}
    metadata = object_of(template, "metadata")
    labels = {key: value for key, value in object_of(metadata, "labels").items() if key != "pod-template-hash"}
    return {**template, "metadata": {**metadata, "labels": labels}}


def _annotations(present: JsonObject, kept: JsonObject) -> dict[str, object]:
    """The revision's annotations, with those that are the Deployment's own."""
    own = object_of(present, "metadata", "annotations")
    theirs = object_of(kept, "metadata", "annotations")
    return {
        **{name: value for name, value in theirs.items() if name not in OWN_ANNOTATIONS},
        **{name: value for name, value in own.items() if name in OWN_ANNOTATIONS},
    }
