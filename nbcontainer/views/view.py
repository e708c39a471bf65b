"""The interface of each noun's view: an event as a line, a state as a picture, and the messages to its widget."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeAlias, TypeVar

from nbcontainer import verbs, views, widgets
from nbcontainer.errors import NbcontainerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbcontainer.operation import Operation
    from nbcontainer.views.blocks import Node
    from nbcontainer.views.kit import Picture
    from nbcontainer.widgets.live import LiveWidget

Event = TypeVar("Event")
State = TypeVar("State")
Wire = dict[str, object]  # a message to a widget, as JSON
AnyView: TypeAlias = "View[Any, Any]"


class View(ABC, Generic[Event, State]):
    """How one noun is drawn on every surface.

    Attributes:
        streams: whether a terminal prints its lines as they come, as `docker logs` does, instead of redrawing a
            picture.
        page: the name of its widget's files in `static`. "picture" draws what `render` returns; what is virtual
            (tables, logs) has a page of its own, and its own `wire`.
    """

    streams: ClassVar[bool] = False
    page: ClassVar[str] = "picture"
    _drawn: tuple[tuple[object, Picture], ...] = ()  # the last two states with their pictures

    def titled(self, heading: str, title: str) -> Self:
        """The same view with a heading: the verb that ran a command, and the command as the user wrote it."""
        del heading, title
        return self

    def fresh(self, state: State, *, coloured: bool) -> str:
        """For `streams`: the complete lines since the last call, or ""."""
        del state, coloured
        return ""

    def unfinished(self, state: State) -> str:
        """For `streams`: the line that has not ended yet, or ""."""
        del state
        return ""

    def is_empty(self, state: State) -> bool:
        """Whether a page would show only a frame; it then waits a moment for content, or for an error."""
        del state
        return False

    @abstractmethod
    def line(self, event: Event) -> str | None:
        """The event as one or more plain lines, or None if it is not worth a line."""

    @abstractmethod
    def render(self, state: State) -> Picture:
        """The state as a picture. It has no side effects.

        What grows with the time is a Clock or an open end; what else depends on it is brought up to date each second.
        """

    def picture(self, state: State) -> Picture:
        """`render(state)`, without rendering the same state twice."""
        for known, picture in self._drawn:
            if known is state:
                return picture
        picture = self.render(state)
        self._drawn = ((state, picture), *self._drawn[:1])
        return picture

    def widget(self, state: State, *, lease: float = 0.0) -> LiveWidget:
        """A widget that starts from `state`.

        Args:
            state: what it shows at first.
            lease: seconds that it stays live although nobody looks at it; 0 for as long as it runs.

        Raises:
            NbcontainerError: the front end was not built.
        """
        return widgets.live.widget_class(self.page)(self.wire(None, state), lease=lease)

    def first(self, state: State) -> State:
        """What a page is sent at first, where the whole state would take long to send; the rest follows at once."""
        return state

    def page_height(self, state: State) -> int | None:
        """The height of its widget in pixels, so that replacing a picture by it does not shift the page."""
        del state
        return None

    def wire(self, previous: State | None, state: State) -> Wire | None:
        """The message, as JSON, that takes the widget from `previous` to `state`; None if nothing changed.

        If `previous` is None: the whole state, from which a re-opened view starts. If it is the same state: what has
        changed only because of the time.
        """
        if previous is None:
            return views.page.whole(self.picture(state))
        before = self.picture(previous)
        if previous is state:
            self._drawn = ()
        return views.page.changes(before, self.picture(state))

    def children(self, state: State, block: str, node: str) -> Sequence[Node]:
        """The children of a node that the user opens for the first time, by the keys of its tree and its own.

        Called on any thread, also while a cell runs.

        Raises:
            NbcontainerError: they cannot be loaded; the page shows why.
        """
        del state, block, node
        return ()

    def act(self, operation: Operation[Event, State, object], action: Mapping[str, object]) -> Wire | None:
        """Do what the user requested in the page; the return value is the reply to the widget.

        Supports `stop`, `magic` (the line of an Action) and `children` (of a node of a tree).
        """
        match action:
            case {"type": "stop"}:
                operation.stop()
            case {"type": "magic"}:
                return magic_of(action)
            case {"type": "children", "block": str(block), "node": str(node)}:
                try:
                    return {"nodes": views.page.as_json(tuple(self.children(operation.state, block, node)))}
                except NbcontainerError as error:
                    return {"refused": str(error)}
        return None


def magic_of(action: Mapping[str, object]) -> Wire | None:
    """The reply to a page that asks for the line of an Action, to write it into a cell; None for other requests."""
    match action:
        case {"type": "magic", "magic": str(magic), "verb": list(path), "values": dict(values)}:
            try:
                return {"source": verbs.lines.magic_line(magic, [str(word) for word in path], values)}
            except UsageError as error:
                return {"refused": str(error)}
    return None


def changed_facts(old: Wire, new: Wire) -> Wire:
    """The fields of `new` that differ from `old`."""
    return {name: value for name, value in new.items() if old[name] != value}
