"""What running work receives from its operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

Emitted = TypeVar("Emitted", contravariant=True)  # noqa: PLC0105 - reads better than Emitted_contra


class Progress(Protocol[Emitted]):
    """What running work receives: a way to emit events, and to learn of a stop."""

    def emit(self, event: Emitted) -> None:
        """Fold one event into the state and pass it to the listeners."""

    def on_stop(self, cancel: Callable[[], None]) -> None:
        """Call `cancel` when the operation is stopped (at once, if it already is).

        `cancel` runs on the stopping thread and must return soon: it closes a stream or sends a cancel.
        """

    @property
    def stopping(self) -> bool:
        """Whether a stop was requested."""
