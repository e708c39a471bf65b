"""What each noun's view is: how an event reads as a line, how a state looks, and what its widget is told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcontainer.operation import Operation
    from nbcontainer.views.picture import Picture
    from nbcontainer.widgets.live import LiveWidget

__all__ = ["View"]

Event = TypeVar("Event")
State = TypeVar("State")


class View(ABC, Generic[Event, State]):
    """How one noun looks on every surface.

    Attributes:
        streams: in a terminal its lines are written as they come and stay, as `docker logs` writes them; no picture is
            drawn over.
    """

    streams: ClassVar[bool] = False

    def fresh(self, state: State, *, coloured: bool) -> str:
        """Where `streams`: the whole lines that were not asked for before, "" where there are none now."""
        del state, coloured
        return ""

    def is_empty(self, state: State) -> bool:
        """Whether a page would show nothing but a frame; then it waits a moment for what comes, or for a refusal."""
        del state
        return False

    @abstractmethod
    def line(self, event: Event) -> str | None:
        """The event as one or more plain lines, or None where it is not worth one."""

    @abstractmethod
    def render(self, state: State) -> Picture:
        """The state as a picture, for a terminal and for the saved notebook."""

    def widget(self, state: State) -> LiveWidget | None:
        """A widget that shows the state (its class is imported here, on first use); None: its picture is enough."""
        del state
        return None

    def page_height(self, state: State) -> int | None:
        """How many pixels high its widget will be, so that a picture before it leaves the page where it is."""
        del state
        return None

    def wire(self, previous: State | None, state: State) -> dict[str, Any] | None:
        """What the widget is told to come from `previous` to `state`: JSON; None where nothing changed.

        With `previous` None: the whole, from which a re-opened view starts.
        """
        del previous, state
        return None

    def act(self, operation: Operation[Event, State, Any], action: Mapping[str, Any]) -> dict[str, Any] | None:
        """Do what the person asked for in the page; what it returns is replied to the widget. Knows `stop`."""
        if action.get("type") == "stop":
            operation.stop()
        return None
