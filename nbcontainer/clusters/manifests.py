"""Objects in full, as `kubectl get -o yaml|json|jsonpath=…` prints them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from nbcontainer.clusters import jsonpath
from nbcontainer.clusters.missing import check_namespace, not_found
from nbcontainer.clusters.objects import named, refuse_what_cannot
from nbcontainer.clusters.reflector import list_here
from nbcontainer.clusters.secret_values import hide
from nbcontainer.clusters.sorting import rank_of
from nbcontainer.clusters.tables import Selection
from nbcontainer.errors import NotFound, UsageError
from nbcontainer.json_objects import entries_of
from nbcontainer.kubernetes_yaml.printing import as_json, as_yaml
from nbcontainer.model.manifests import Manifests

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.discovery import Resource
    from nbcontainer.model.table_request import TableRequest

JSONPATH = "jsonpath="
FORMS = ("yaml", "json", JSONPATH)

Object = dict[str, Any]


def manifests(
    cluster: Cluster,
    words: Sequence[str],
    *,
    output: str = "yaml",
    show_secrets: bool = False,
    **which: Unpack[TableRequest],
) -> Manifests:
    """The objects that `words` name, as in `clusters.objects.tables`, in full.

    Args:
        cluster: the cluster.
        words: kinds and names.
        output: the format of the text: "yaml", "json" or "jsonpath=TEMPLATE".
        show_secrets: leave the values of Secrets in them.
        **which: as for a table.

    Raises:
        UsageError: a format or a JSONPath is not valid; or as for `tables`.
        NotFound, ApiError, ClusterUnavailable: as for `tables`.
    """
    _writer(output)  # raises before anything is read
    objects: list[Object] = []
    commands = []
    kinds = named(cluster, words)
    for resource, names, _ in kinds:
        refuse_what_cannot(cluster, resource, "get" if names else "list")
        selection = Selection(cluster, resource, names=names, **which)
        commands.append(selection.command_with(output=output))
        objects += _read(cluster, selection, resource, names)
    is_one = len(kinds) == 1 and len(kinds[0].names) == 1 and len(objects) == 1
    command = " && ".join(commands)
    return printed(
        objects, output, command=command, is_one=is_one, show_secrets=show_secrets, sort_by=which.get("sort_by", "")
    )


def printed(
    objects: list[Object],
    output: str,
    *,
    command: str,
    is_one: bool,
    show_secrets: bool = False,
    sort_by: str = "",
) -> Manifests:
    """Objects as `kubectl get` prints them.

    Args:
        objects: the objects.
        output: as for `manifests`.
        command: the command that prints them.
        is_one: whether exactly one was asked for, which is printed without a List around it.
        show_secrets: as for `manifests`.
        sort_by: a JSONPath, "" for the order that they have.

    Raises:
        UsageError: the format or a JSONPath is not valid.
    """
    write = _writer(output)
    if sort_by:
        objects.sort(key=rank_of(sort_by))
    hidden = [hide(one) for one in objects]
    text, revealed = write(_whole(hidden, is_one=is_one)), ""
    if show_secrets and hidden != objects:
        revealed = write(_whole(objects, is_one=is_one))
    shown = objects if show_secrets else hidden
    language = output if output in FORMS else ""
    return Manifests(tuple(shown), text, language, command, revealed)


def manifest(cluster: Cluster, kind: str, name: str, *, show_secrets: bool = False) -> Object:
    """One object in full; Secrets without their values, unless they are asked for. Raises as `manifests`."""
    return dict(manifests(cluster, (kind, name), output="json", show_secrets=show_secrets).objects[0])


def _writer(output: str) -> Callable[[Object], str]:
    """What turns an object or a List into text.

    Raises:
        UsageError: there is no such format, or its template is not valid.
    """
    if output == "yaml":
        return lambda whole: as_yaml(_without_managed_fields(whole))
    if output == "json":
        return lambda whole: f"{as_json(_without_managed_fields(whole))}\n"
    if output.startswith(JSONPATH):
        template = output.removeprefix(JSONPATH)
        jsonpath.check(template)
        return lambda whole: jsonpath.evaluate(template, whole)
    raise UsageError(f"{output!r} is not a format of objects.", cure=f"Formats: {', '.join(FORMS)}TEMPLATE.")


def _read(cluster: Cluster, selection: Selection, resource: Resource, names: Sequence[str]) -> list[Object]:
    if names and not selection.narrowed:  # as kubectl does: the user may be allowed to get them by name alone
        return [_one(cluster, resource, selection.namespace, name) for name in names]
    pages = list_here(cluster, selection.path, selection.parameters)
    found: list[Object] = [
        {"apiVersion": resource.api_version, "kind": resource.kind, **item}
        for page in pages
        for item in entries_of(page, "items")
    ]
    if not found and selection.namespace:
        check_namespace(cluster)
    return found


def _one(cluster: Cluster, resource: Resource, namespace: str, name: str) -> Object:
    try:
        return dict(cluster.call("GET", resource.path(namespace, name)))
    except NotFound:
        raise not_found(cluster, [name], resource) from None


def _whole(objects: Sequence[Object], *, is_one: bool) -> Object:
    """The object, or a List of all, as kubectl makes it."""
    if is_one:
        return objects[0]
    return {"apiVersion": "v1", "items": list(objects), "kind": "List", "metadata": {"resourceVersion": ""}}


def _without_managed_fields(whole: Object) -> Object:
    items = whole.get("items") if whole.get("kind") == "List" else None
    if isinstance(items, list):
        return {**whole, "items": [_without_managed_fields(item) for item in items]}
    metadata = whole.get("metadata")
    if not isinstance(metadata, Mapping):
        return whole
    return {**whole, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}
