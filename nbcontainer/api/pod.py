"""One pod, and what can be done with it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from nbcontainer.api.nouns import Noun
from nbcontainer.errors import UsageError
from nbcontainer.model.results import Described, Description
from nbcontainer.model.tables import Cell, Table

if TYPE_CHECKING:
    from nbcontainer.api.pods import Pods
    from nbcontainer.model.changes import Changes
    from nbcontainer.model.logs import LogEvent, LogResult, LogState
    from nbcontainer.model.pods import ExecResult, PodDeletion, PodEnd
    from nbcontainer.operation import Operation

__all__ = ["Pod"]


@dataclass(frozen=True, repr=False)
class Pod(Described):
    """A pod as the table showed it, and what can be done with it, in the cluster in which it was found.

    Attributes:
        facts: its row of the table, by the column's name in lower case: "ready", "status", "restarts" …; an age is its
            start time, in seconds since the epoch.
        command: the command that shows it, for a terminal.
    """

    name: str
    namespace: str = ""
    facts: Mapping[str, Cell] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    command: str = ""
    _pods: Noun | None = field(default=None, repr=False, compare=False)

    @property
    def status(self) -> str:
        """Its status, as in the table, such as "CrashLoopBackOff"."""
        return str(self.facts.get("status") or "")

    def logs(
        self,
        *,
        container: str = "",
        all_containers: bool = False,
        follow: bool = False,
        previous: bool = False,
        timestamps: bool = False,
        since: float = 0.0,
        tail: int = -1,
        duration: float = 0.0,
    ) -> Operation[LogEvent, LogState, LogResult]:
        """Its log; takes the arguments of `Pods.logs`, and raises the same errors."""
        return self._there.logs(
            self.name,
            container=container,
            all_containers=all_containers,
            follow=follow,
            previous=previous,
            timestamps=timestamps,
            since=since,
            tail=tail,
            duration=duration,
        )

    def exec(
        self,
        command: Sequence[str] | str,
        *,
        container: str = "",
        stdin: str | bytes | None = None,
        tty: bool = False,
        timeout: float = 0.0,
    ) -> Operation[LogEvent, LogState, ExecResult]:
        """Run a command in it; takes the arguments of `Pods.exec`, and raises the same errors."""
        return self._there.exec(self.name, command, container=container, stdin=stdin, tty=tty, timeout=timeout)

    def delete(
        self, *, force: bool = False, grace_period: int | None = None
    ) -> Operation[PodEnd, PodDeletion, Changes]:
        """Delete it, and wait until it is gone; raises as `Pods.delete`."""
        return self._there.delete(self.name, force=force, grace_period=grace_period)

    def describe(self) -> Description:
        """Its current details, with its events; raises as `Pods.describe`."""
        return self._there.describe(self.name)

    def events(self) -> Table:
        """Its events, newest last."""
        return self._there.events(self.name)

    def description(self) -> Description:
        """Its row of the table."""
        shown = (_shown(name, value) for name, value in self.facts.items() if value not in {None, "", "<none>"})
        sections = [
            ("", tuple(fact for fact in shown if fact[0] != "Name")),
            ("Labels", tuple(sorted(self.labels.items()))),
        ]
        return Description(
            "Pod",
            self.name,
            self.namespace,
            self.where,
            tuple((title, facts) for title, facts in sections if facts),
            command=self.command,
        )

    @property
    def _there(self) -> Pods:
        if self._pods is None:
            raise UsageError(f"This is a record of the pod {self.name}.", cure=f"nbc.pods.get({self.name!r})")
        return cast("Pods", self._pods)


def _shown(column: str, value: Cell) -> tuple[str, str]:
    if column == "age" and isinstance(value, float):
        return "Created", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(value))
    return ("IP" if column == "ip" else column.capitalize()), str(value)
