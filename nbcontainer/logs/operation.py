"""The operation of a log, of a command's output, or of anything else that is a sequence of lines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

from nbcontainer.errors import Stopped
from nbcontainer.model.log_lines import LogLine
from nbcontainer.model.log_reading import every_chunk_from
from nbcontainer.model.logs import LogEvent, LogState, apply_logs
from nbcontainer.operation import Operation

BACKLOG = 8  # batches of chunks that a late listener to the events still gets

Result = TypeVar("Result", covariant=True)  # noqa: PLC0105 - reads better than Result_co


class LogOperation(Operation[LogEvent, LogState, Result]):
    """A log that is being read: iterate it for its lines, all of them, however slowly; `events()` has the rest.

    Args:
        name: what runs, in a few words, for messages ("log of web").
        state: the state before the first event.
        endless: a followed log: stopping it is its normal end.
        conclude: makes the result from the last state and the work's return value.
        final_event: makes the last event if the server has not answered a stop.
    """

    def __init__(
        self,
        name: str,
        state: LogState,
        *,
        endless: bool = False,
        conclude: Callable[[LogState, Any], Result] | None = None,
        final_event: Callable[[], LogEvent] | None = None,
    ) -> None:
        super().__init__(
            name, state, apply_logs, endless=endless, conclude=conclude, backlog=BACKLOG, final_event=final_event
        )

    def __iter__(self) -> Iterator[LogLine]:  # type: ignore[override] # lines in place of events
        """Yield the lines from the first on, as they come; raises the operation's error at the end, if there is one.

        Raises:
            LinesMissing: the file of the log is incomplete, or was removed.
        """
        seen = 0
        try:
            while True:
                revision, done = self.revision, self.done
                for number, chunk in every_chunk_from(self.state, seen):
                    yield from chunk.lines
                    seen = number + chunk.count
                if done:
                    break
                self.wait(revision=revision)
        except KeyboardInterrupt:
            self.interrupt()
            raise
        self._raise_error(unless=Stopped)

    async def __aiter__(self) -> AsyncIterator[LogLine]:  # type: ignore[override] # lines in place of events
        """Yield the lines from the first on, as they come, on the caller's own event loop."""
        seen = 0
        async for _ in self.events_async():
            for number, chunk in every_chunk_from(self.state, seen):
                for line in chunk.lines:
                    yield line
                seen = number + chunk.count
