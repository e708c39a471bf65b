"""What a page offers to do with the rows of a table: magics, in a cell below."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from nbcontainer.model.impersonation import NOBODY_ELSE, Impersonation
from nbcontainer.model.tables import RowVerb

if TYPE_CHECKING:
    from nbcontainer.model.tables import Table


def verbs_of(table: Table, impersonation: Impersonation = NOBODY_ELSE) -> tuple[RowVerb, ...]:
    """The verbs for a table's rows, in the table's cluster or engine, by the user who lists it."""
    there = f" --table-context={shlex.quote(table.context)} --table-server={shlex.quote(table.server)}"
    there += "".join(f" {shlex.quote(flag)}" for flag in impersonation.flags)
    if table.kind != "pod":
        return ()
    if not there.isprintable() or "{" in there:  # a name with a line break or a {{…}} would become code in that cell
        return ()
    return (
        RowVerb("l", "logs", f"%kpod logs {{rows}}{there}", many=True),
        RowVerb("d", "describe", f"%kpod describe {{rows}}{there}"),
        RowVerb("x", "exec", f"%kpod exec {{rows}}{there} -- ls /", runs=False),
        RowVerb("Delete", "delete", f"%kpod delete {{rows}}{there}", many=True),
    )
