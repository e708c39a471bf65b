"""What each noun's view is: how an event reads as a line, how a state looks, and what its widget is told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

from nbcontainer import widgets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance

    from nbcontainer.operation import Operation
    from nbcontainer.views.picture import Picture
    from nbcontainer.widgets.live import LiveWidget

__all__ = ["AnyView", "View", "Wire", "changed_facts", "facts_of", "sendable"]

Event = TypeVar("Event")
State = TypeVar("State")
Wire = dict[str, object]  # what is told to a widget, as JSON
AnyView: TypeAlias = "View[Any, Any]"


class View(ABC, Generic[Event, State]):
    """How one noun looks on every surface.

    Attributes:
        streams: in a terminal its lines are written as they come and stay, as `docker logs` writes them; no picture is
            drawn over.
        page: the name of its widget's files in `static`; "" where a page shows its picture.
    """

    streams: ClassVar[bool] = False
    page: ClassVar[str] = ""

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
        """A widget that starts from `state`; None where its picture is enough.

        Raises:
            NbcontainerError: the page was not built.
        """
        return widgets.live.widget_class(self.page)(self.wire(None, state)) if self.page else None

    def page_height(self, state: State) -> int | None:
        """How many pixels high its widget will be, so that a picture before it leaves the page where it is."""
        del state
        return None

    def wire(self, previous: State | None, state: State) -> Wire | None:
        """What the widget is told to come from `previous` to `state`: JSON; None where nothing changed.

        With `previous` None: the whole, from which a re-opened view starts.
        """
        del previous, state
        return None

    def act(self, operation: Operation[Event, State, object], action: Mapping[str, object]) -> Wire | None:
        """Do what the person asked for in the page; what it returns is replied to the widget. Knows `stop`."""
        if action.get("type") == "stop":
            operation.stop()
        return None


def facts_of(value: DataclassInstance) -> Wire:
    """The fields of a dataclass, by name."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def changed_facts(old: Wire, new: Wire) -> Wire:
    """Those of `new` that are not as in `old`."""
    return {name: value for name, value in new.items() if old[name] != value}


def sendable(text: str) -> str:
    """`text` without halves of surrogate pairs, which no message could carry."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
