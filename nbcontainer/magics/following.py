"""Logs and watches: until when they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbcontainer.errors import UsageError
from nbcontainer.magics.calls import Call, is_headless

if TYPE_CHECKING:
    from nbcontainer.model.logs import LogEvent, LogRequest, LogResult, LogState
    from nbcontainer.operation import Operation

__all__ = ["log_request", "show_log"]


def log_request(call: Call, names: tuple[str, ...]) -> LogRequest:
    """The request of a `logs` verb.

    Raises:
        UsageError: it would be followed where nobody can stop it.
    """
    from nbcontainer.model.logs import LogRequest  # noqa: PLC0415 - loads with the first call

    values = call.values
    if values.follow and not values.timeout and is_headless():
        raise UsageError(
            "Following a log would not end here: there is neither a page nor a terminal.",
            cure="--timeout 30s ends it, or leave -f out.",
        )
    of_pods = "all_containers" in values
    return LogRequest(
        names=names,
        namespace=(values.namespace or "") if of_pods else "",
        selector=(values.selector or "") if of_pods else "",
        container=(values.container or "") if of_pods else "",
        all_containers=values.all_containers if of_pods else False,
        follow=values.follow,
        previous=values.previous if of_pods else False,
        timestamps=values.timestamps,
        since=values.since or 0.0,
        tail=-1 if values.tail is None else values.tail,
        timeout=values.timeout or 0.0,
    )


def show_log(call: Call, operation: Operation[LogEvent, LogState, LogResult]) -> Any:
    """Show a log; one that is followed holds the cell until it is stopped."""
    from nbcontainer.views.logs import LogView  # noqa: PLC0415 - loads with the first call
    from nbcontainer.views.surfaces import show  # noqa: PLC0415 - as above

    del call
    return show(operation, LogView())
