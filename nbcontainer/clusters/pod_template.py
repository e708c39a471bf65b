"""Changes of the pods that a workload makes: images, environment variables and resources of their containers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nbcontainer.clusters.pod_sections import source_words, variable_value
from nbcontainer.errors import NotFound, Unsupported
from nbcontainer.json_objects import JsonObject, entries_of, text_of
from nbcontainer.model.tables import Column, Row, Table, TableReset, TableState, apply_table

if TYPE_CHECKING:
    from nbcontainer.clusters.patching import Target
    from nbcontainer.model.changes import Change

_PLACES = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
_IN_TEMPLATE = ("spec", "template", "spec")
LISTS = ("containers", "initContainers")
EVERY = "*"

Container = dict[str, object]


async def set_images(target: Target, images: Mapping[str, str], *, dry_run: bool, command: str) -> Change:
    """Give containers other images; the name "*" means all of them.

    Raises:
        NotFound: the pods have no such container.
        Unsupported: objects of this kind make no pods.
    """
    present = await target.get()
    changes: dict[str, list[Container]] = {}
    left = {name for name in images if name != EVERY}
    for part in LISTS:
        for one in entries_of(present, *_place(target, present), part):
            name = text_of(one, "name")
            image = images.get(name, images.get(EVERY, ""))
            left.discard(name)
            if image:
                changes.setdefault(part, []).append({"name": name, "image": image})
    _refuse_unknown(target, present, left)
    return await _patch(target, present, changes, action="image updated", dry_run=dry_run, command=command)


async def set_environment(
    target: Target, values: Mapping[str, str | None], *, container: str, dry_run: bool, command: str
) -> Change:
    """Set environment variables of containers, or remove those whose value is None.

    Raises:
        NotFound: the pods have no such container.
        Unsupported: objects of this kind make no pods.
    """
    variables: list[Container] = [
        {"name": name, "$patch": "delete"} if value is None else {"name": name, "value": value, "valueFrom": None}
        for name, value in values.items()
    ]
    return await _set_all(target, container, {"env": variables}, action="env updated", dry_run=dry_run, command=command)


async def list_environment(targets: Sequence[Target], *, container: str) -> Table:
    """The environment variables of the containers of each workload, as they are written in its pods' template.

    Raises:
        NotFound: a workload does not exist, or has no such container.
        Unsupported: objects of this kind make no pods.
    """
    rows: list[Row] = []
    for target in targets:
        present = await target.get()
        place = _place(target, present)
        every = [one for part in LISTS for one in entries_of(present, *place, part)]
        chosen = [one for one in every if container in (EVERY, text_of(one, "name"))]
        if not chosen:
            _refuse_unknown(target, present, {container})
        for one in chosen:
            variables = [(text_of(each, "name"), variable_value(each)) for each in entries_of(one, "env")]
            variables += [("*", source_words(each)) for each in entries_of(one, "envFrom")]
            for name, value in variables:
                cells = (target.word, text_of(one, "name"), name, value)
                rows.append(Row(" ".join((str(len(rows)), name)), cells, name=name))
    columns = (Column("OBJECT"), Column("CONTAINER"), Column("NAME"), Column("VALUE"))
    reset = TableReset(columns, tuple(rows), "environment variables", targets[0].cluster.where)
    return Table(apply_table(TableState(), reset), targets[0].command("set env", "--list"))


async def set_resources(
    target: Target,
    limits: Mapping[str, str],
    requests: Mapping[str, str],
    *,
    container: str,
    dry_run: bool,
    command: str,
) -> Change:
    """Say how much of the resources containers may use, and how much is reserved; "0" removes one.

    Raises:
        NotFound: the pods have no such container.
        Unsupported: objects of this kind make no pods.
    """
    given = {"limits": limits, "requests": requests}
    resources = {
        part: {name: None if value == "0" else value for name, value in values.items()}
        for part, values in given.items()
        if values
    }
    return await _set_all(
        target,
        container,
        {"resources": resources},
        action="resource requirements updated",
        dry_run=dry_run,
        command=command,
    )


async def _set_all(
    target: Target, container: str, fields: Container, *, action: str, dry_run: bool, command: str
) -> Change:
    """Patch the named container, or all but the init containers."""
    present = await target.get()
    names = [text_of(one, "name") for one in entries_of(present, *_place(target, present), LISTS[0])]
    chosen = [name for name in names if container in {"", EVERY, name}]
    _refuse_unknown(target, present, set() if chosen else {container})
    changes = {LISTS[0]: [{"name": name, **fields} for name in chosen]}
    return await _patch(target, present, changes, action=action, dry_run=dry_run, command=command)


def _place(target: Target, present: JsonObject) -> Sequence[str]:
    """Where the pods' specification is."""
    place = _PLACES.get(target.resource.kind, _IN_TEMPLATE)
    if not entries_of(present, *place, LISTS[0]):
        raise Unsupported("`set`", target.word, cure="It is for Pods, Deployments, DaemonSets, Jobs and the like.")
    return place


def _refuse_unknown(target: Target, present: JsonObject, names: set[str]) -> None:
    if not names:
        return
    place = _place(target, present)
    known = [text_of(one, "name") for part in LISTS for one in entries_of(present, *place, part)]
    raise NotFound(
        f"The pods of {target.word} have no container {', '.join(sorted(names))}.",
        cure=f"They have {', '.join(known)}.",
    )


async def _patch(
    target: Target,
    present: JsonObject,
    changes: Mapping[str, Sequence[Container]],
    *,
    action: str,
    dry_run: bool,
    command: str,
) -> Change:
    """Send what is to be changed in lists of containers, which are merged by the containers' names."""
    patch: dict[str, object] = dict(changes)
    for key in reversed(_place(target, present)):
        patch = {key: patch}
    return await target.patch(patch, "strategic", present=present, action=action, command=command, dry_run=dry_run)
