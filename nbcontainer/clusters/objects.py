"""Objects of any kind, by the words of `kubectl get`: which kinds they name, and a table of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Unpack

from nbcontainer import clusters
from nbcontainer.clusters.discovery import Resource, find_resources, known_resource
from nbcontainer.clusters.missing import NAMES_ALONE
from nbcontainer.clusters.tables import Selection, table, watch_table
from nbcontainer.errors import Unsupported, UsageError
from nbcontainer.json_objects import entries_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.model.table_request import TableRequest
    from nbcontainer.model.tables import Table
    from nbcontainer.operation.watches import TableWatch

MOST_NAMES = "500"  # names that are offered


class Named(NamedTuple):
    """One kind that a call names.

    Attributes:
        names: only these objects; none for all.
        by_category: whether it was named by a category such as "all": it is then left out if there are none.
    """

    resource: Resource
    names: tuple[str, ...]
    by_category: bool = False


def tables(cluster: Cluster, words: Sequence[str], **which: Unpack[TableRequest]) -> list[Table]:
    """A table for each kind that `words` name: ("deploy", "web"), ("deploy,svc",), ("deploy/web", "svc/web"), ("all",).

    Raises:
        UsageError: the cluster has no such kind, or the words are neither KIND NAME… nor KIND/NAME….
        NotFound, ApiError, ClusterUnavailable: as for `clusters.tables.table`.
    """
    found = []
    for resource, names, by_category in named(cluster, words):
        refuse_what_cannot(cluster, resource, "list")
        one = table(cluster, resource, names=names, **which)
        if one or not by_category:
            found.append(one)
    return found


def watch(
    cluster: Cluster,
    words: Sequence[str],
    *,
    finish: Callable[[Table], Table] | None = None,
    **which: Unpack[TableRequest],
) -> TableWatch:
    """The tables of the kinds that `words` name, until it is stopped; `finish` makes a result from each last table.

    Raises:
        UsageError: as for `tables`.
        Unsupported: the API server cannot watch this kind.
    """
    found = named(cluster, words)
    for resource, _, by_category in found:
        if not by_category:
            refuse_what_cannot(cluster, resource, "watch")
    if len(found) == 1:
        return watch_table(cluster, found[0].resource, names=found[0].names, finish=finish, **which)
    watched = [Selection(cluster, one.resource, names=one.names, **which) for one in found if one.resource.can("watch")]
    return clusters.several_tables.watch_tables(cluster, watched, finish)


def refuse_what_cannot(cluster: Cluster, resource: Resource, verb: str) -> None:
    """Refuse a kind of which the API server cannot do something.

    Raises:
        Unsupported: it cannot.
    """
    if not resource.can(verb):
        raise Unsupported(f"{verb}ing {resource.word}", cluster.context)


def named(cluster: Cluster, words: Sequence[str]) -> list[Named]:
    """The kinds and names in the words of a call, in its order; raises as `tables`."""
    first, *others = words
    if any("/" in word for word in words):
        wrong = next((word for word in words if not all(word.partition("/"))), "")
        if wrong:
            raise UsageError(
                f"{wrong!r} is not KIND/NAME, as the other arguments are.",
                cure="Write KIND/NAME for each object, or one KIND and then its names.",
            )
        by_kind: dict[Resource, list[str]] = {}
        for kind, _, name in (word.partition("/") for word in words):
            by_kind.setdefault(_resources(cluster, kind)[0], []).append(name)
        return [Named(resource, tuple(dict.fromkeys(names))) for resource, names in by_kind.items()]
    kinds = [kind for kind in first.split(",") if kind]
    if not kinds:
        raise UsageError("Objects of which kind?", cure="Such as deployments, deploy,svc or deploy/web.")
    found: dict[Resource, Named] = {}
    for kind in kinds:
        several = _resources(cluster, kind)
        for resource in several:
            found.setdefault(resource, Named(resource, tuple(others), by_category=len(several) > 1))
    return list(found.values())


def one_named(cluster: Cluster, words: Sequence[str], question: str, cure: str) -> tuple[Resource, str]:
    """The only object that words name.

    Args:
        cluster: the cluster.
        words: as for `named`.
        question: the error if they name none or several.
        cure: its cure.

    Raises:
        UsageError: they do not name one object, or the cluster has no such kind.
    """
    found = [(one.resource, name) for one in named(cluster, words) for name in one.names]
    if len(found) != 1:
        raise UsageError(question, cure=cure)
    return found[0]


def _resources(cluster: Cluster, word: str) -> tuple[Resource, ...]:
    known = known_resource(cluster, word)  # no request, and no background loop, for the first table of pods
    return (known,) if known is not None else cluster.run(find_resources(cluster, word))


# --- completion


def kinds_at_hand(cluster: Cluster) -> list[str]:
    """The names of all kinds that can be listed; none if the cluster has not been asked for its kinds yet."""
    kinds = cluster.link.kinds
    return list(dict.fromkeys(one.word for one in kinds.resources if one.can("list"))) if kinds else []


def names(cluster: Cluster, word: str) -> list[str]:
    """The names of the objects of a kind; none if it takes discovery to know the kind.

    Raises:
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    resource = known_resource(cluster, word)
    if resource is None:
        return []
    path = resource.path(cluster.namespace if resource.namespaced else "")
    found = cluster.call("GET", path, parameters={"limit": MOST_NAMES}, accept=NAMES_ALONE)
    return [text_of(one, "metadata", "name") for one in entries_of(found, "items")]
