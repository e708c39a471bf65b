"""The types of operations that keep tables up to date."""

from __future__ import annotations

from typing import TypeAlias

from nbcontainer.model.several_tables import OneTable, SeveralTables
from nbcontainer.model.tables import Table, TableEvent, Tables, TableState
from nbcontainer.operation import Operation

# the table of one kind, or those of several
TableWatch: TypeAlias = Operation[TableEvent, TableState, Table] | Operation[OneTable, SeveralTables, Tables]
