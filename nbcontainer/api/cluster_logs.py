"""Logs of pods: the same call on a cluster and on its pods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbcontainer import model
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.api.moments import utc_of
from nbcontainer.errors import UsageError
from nbcontainer.model.requests import request_of
from nbcontainer.protection import reads

if TYPE_CHECKING:
    from nbcontainer.logs.operation import LogOperation
    from nbcontainer.model.logs import LogResult
    from nbcontainer.pods_backend import PodsBackend


class ReadsLogs(ABC):
    """What logs can be read of."""

    @abstractmethod
    def _backend(self) -> PodsBackend:
        """Where the pods are."""

    @reads
    def logs(
        self,
        *names: str,
        selector: str = "",
        all_namespaces: bool = False,
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
        prefix: bool = False,
        max_log_requests: int = 0,
        duration: float = 0.0,
    ) -> LogOperation[LogResult]:
        r"""Logs of pods, merged: `nbc.pods.logs("web")`, `nbc.cluster().logs("deploy/web", follow=True)`.

        Lines that are read once are in the order of their times; lines that are followed, in the order of arrival.

        Args:
            *names: pods; or "deploy/NAME", "job/NAME", "cronjob/NAME", "svc/NAME" and the like; or "/REGEX/" for pods
                whose names match.
            selector: pods with these labels.
            all_namespaces: of pods in all namespaces; without names and selector, of all of them.
            container: only this container.
            all_containers: logs of all containers, init and ephemeral ones too.
            follow: keep reading until stopped; pods that appear later join.
            previous: logs of the container before its last restart.
            timestamps: show the time of each line.
            since: only lines newer than this many seconds; 0 for all.
            since_time: only lines since this time (RFC 3339), such as "2026-01-02T03:04:05Z", in place of `since`.
            tail: only the last lines of each; -1 for all.
            include: only lines that match one of these regular expressions, such as "error" or r"5\d\d".
            exclude: no lines that match one of these.
            highlight: mark what matches one of these where lines are shown.
            prefix: name each line's source, even if there is only one.
            max_log_requests: the most logs that are followed at the same time, others in turn; 0 for nbcontainer's own
                limit.
            duration: seconds after which to stop following; 0 for never.

        Raises (also from `result()`):
            NotFound: there is no such pod or container.
            UsageError: a number is negative, or a time or a regular expression is not valid.
        """
        if tail < -1 or since < 0 or duration < 0 or max_log_requests < 0:
            raise UsageError(
                "`--tail`, `--since`, `--duration` and `--max-log-requests` cannot be negative.",
                cure="`--tail=-1` shows the whole log.",
            )
        if since and since_time:
            raise UsageError("Give `--since` or `--since-time`, not both.")
        since_time = _utc(since_time)
        given = {**locals(), "include": tuple(include), "exclude": tuple(exclude), "highlight": tuple(highlight)}
        return self._backend().logs(request_of(model.logs.LogRequest, given))


class LogVerbs(ClusterHandle, ReadsLogs):
    """The logs of a cluster's pods."""

    def _backend(self) -> PodsBackend:
        return self.connect()


def _utc(time: str) -> str:
    """A time in the API's form; "" for none.

    Raises:
        UsageError: it is not one.
    """
    try:
        return utc_of(time).strftime("%Y-%m-%dT%H:%M:%SZ") if time else ""
    except ValueError:
        raise UsageError(f"{time!r} is not a time.", cure="Write it as 2026-01-02T03:04:05Z.") from None
