"""One pod, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from nbcontainer.api.nouns import Noun
from nbcontainer.api.objects import ApiObject
from nbcontainer.errors import UsageError
from nbcontainer.model.results import Description

if TYPE_CHECKING:
    from nbcontainer.api.pods import Pods
    from nbcontainer.logs.operation import LogOperation
    from nbcontainer.model.changes import Changes
    from nbcontainer.model.deletion import Deletion, ObjectEnd
    from nbcontainer.model.logs import LogResult
    from nbcontainer.model.pods import ExecResult
    from nbcontainer.model.tables import Table
    from nbcontainer.model.timelines import Timeline
    from nbcontainer.model.why import Diagnosis
    from nbcontainer.operation import Operation


@dataclass(frozen=True, repr=False)
class Pod(ApiObject):
    """A pod as the table showed it, and what can be done with it, in the cluster in which it was found."""

    kind: str = "Pod"
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
        since_time: str = "",
        tail: int = -1,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        highlight: Sequence[str] = (),
        duration: float = 0.0,
    ) -> LogOperation[LogResult]:
        """Its log; takes the arguments of `Pods.logs`, and raises the same errors."""
        return self._there.logs(
            self.name,
            container=container,
            all_containers=all_containers,
            follow=follow,
            previous=previous,
            timestamps=timestamps,
            since=since,
            since_time=since_time,
            tail=tail,
            include=include,
            exclude=exclude,
            highlight=highlight,
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
    ) -> LogOperation[ExecResult]:
        """Run a command in it; takes the arguments of `Pods.exec`, and raises the same errors."""
        return self._there.exec(self.name, command, container=container, stdin=stdin, tty=tty, timeout=timeout)

    def debug(
        self,
        command: Sequence[str] | str = (),
        *,
        image: str = "",
        container: str = "",
        target: str = "",
        profile: str = "general",
        stdin: str | bytes | None = None,
        timeout: float = 0.0,
    ) -> LogOperation[ExecResult]:
        """Run a command in a container for debugging in it; as `Cluster.debug`, with the same errors."""
        return self._its_cluster.debug(
            self.name,
            command,
            image=image,
            container=container,
            target=target,
            profile=profile,
            stdin=stdin,
            timeout=timeout,
        )

    def delete(
        self, *, force: bool = False, grace_period: int | None = None, cascade: str = "background"
    ) -> Operation[ObjectEnd, Deletion, Changes]:
        """Delete it, and wait until it is gone; raises as `Pods.delete`."""
        if cascade != "background":
            return super().delete(force=force, grace_period=grace_period, cascade=cascade)
        return self._there.delete(self.name, force=force, grace_period=grace_period)

    def describe(self) -> Description:
        """Its current details, with its events; raises as `Pods.describe`."""
        found = self._there.describe(self.name)
        return found if isinstance(found, Description) else found[0]

    def why(self) -> Diagnosis:
        """Why it does not run, is not ready, or does not go; raises as `Pods.why`."""
        return self._there.why(self.name)

    def timeline(self) -> Timeline:
        """What happened to it over time; raises as `Pods.timeline`."""
        return self._there.timeline(self.name)

    def events(self) -> Table:
        """Its events, newest last."""
        return self._there.events(self.name)

    @property
    def _there(self) -> Pods:
        if self._pods is None:
            raise UsageError(f"This is a record of the pod {self.name}.", cure=f"nbc.pods.get({self.name!r})")
        return cast("Pods", self._pods)
