"""What a page offers to do with the rows of a table: magics, in a cell below."""

from __future__ import annotations

import re
import shlex
from functools import cache
from typing import TYPE_CHECKING

from nbcontainer.model.impersonation import NOBODY_ELSE, Impersonation
from nbcontainer.model.tables import RowVerb
from nbcontainer.verbs import declared

if TYPE_CHECKING:
    from nbcontainer.model.tables import Table

POD = "pod"
_KIND = re.compile(r"[\w.-]+")
_HAS_LOGS = frozenset(
    {"deployment.apps", "statefulset.apps", "daemonset.apps", "replicaset.apps", "job.batch", "service"}
)
# the keys are k9s's; {rows} stands for names, {rows:KIND} for KIND/NAME
_OF_PODS = (
    RowVerb("l", "logs", "%kpod logs {rows}", many=True),
    RowVerb("d", "describe", "%kpod describe {rows}"),
    RowVerb("s", "exec", "%kpod exec {rows} -- ls /", runs=False),
)
_LOGS = RowVerb("l", "logs", "%kube logs {rows:KIND}", many=True)
_OF_OTHERS = (
    RowVerb("d", "describe", "%kube describe {rows:KIND}", many=True),
    RowVerb("y", "yaml", "%kube get {rows:KIND} -o yaml", many=True),
)
_OF_ALL = (
    RowVerb("e", "edit", "%kube edit {rows:KIND}"),
    RowVerb("o", "owner", "%kube tree {rows:KIND}"),
    RowVerb("u", "used by", "%kube describe {rows:KIND}"),
)
_OF_CLUSTERS_PODS = (RowVerb("y", "yaml", "%kpod get {rows} -o yaml", many=True), *_OF_ALL)
_DELETE_POD = RowVerb("Delete", "delete", "%kpod delete {rows}", many=True)
_DELETE = RowVerb("Delete", "delete", "%kube delete {rows:KIND}", many=True)


def verbs_of(table: Table, impersonation: Impersonation = NOBODY_ELSE) -> tuple[RowVerb, ...]:
    """The verbs for a table's rows, in the table's cluster or engine, by the user who lists it."""
    there = f" --table-context={shlex.quote(table.context)} --table-server={shlex.quote(table.server)}"
    there += "".join(f" {shlex.quote(flag)}" for flag in impersonation.flags)
    if not _KIND.fullmatch(table.kind):
        return ()
    if not there.isprintable() or "{" in there:  # a name with a line break or a {{…}} would become code in that cell
        return ()
    if table.kind == POD:
        offered = (*_OF_PODS, *(_OF_CLUSTERS_PODS if table.in_cluster else ()), _DELETE_POD)
    else:
        offered = (*([_LOGS] if table.kind in _HAS_LOGS else []), *_OF_OTHERS, *_OF_ALL, _DELETE)
    return tuple(_at(verb, table.kind, there) for verb in offered if _is_declared(verb))


def _at(verb: RowVerb, kind: str, there: str) -> RowVerb:
    """The verb for a kind, in the place that the flags name, before a command's own words."""
    line, dashes, command = verb.line.replace("{rows:KIND}", f"{{rows:{kind}}}").partition(" -- ")
    return RowVerb(verb.key, verb.word, f"{line}{there}{dashes}{command}", many=verb.many, runs=verb.runs)


def _is_declared(verb: RowVerb) -> bool:
    """Whether its magic has the verb, and takes the place of a table."""
    magic, path, *_ = verb.line.removeprefix("%").split()
    return path in _paths(magic)


@cache
def _paths(magic: str) -> frozenset[str]:
    return frozenset(verb.path for verb in declared(magic) if "--table-context" in verb.flags)
