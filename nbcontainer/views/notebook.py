"""A notebook's page: a live widget, whose output also contains the state as text and as HTML."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from IPython.display import DisplayHandle, clear_output, display

from nbcontainer import views, widgets
from nbcontainer.errors import NbcontainerError, Stopped
from nbcontainer.interrupts import interrupts_deferred
from nbcontainer.model.tables import Tone
from nbcontainer.views.blocks import Actions
from nbcontainer.views.html import as_html
from nbcontainer.views.kit import Line, Span
from nbcontainer.views.live import LiveView
from nbcontainer.views.streaming import FRAME_SECONDS
from nbcontainer.views.text import as_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbcontainer.operation import Operation
    from nbcontainer.views.kit import Picture
    from nbcontainer.views.lease import Lease
    from nbcontainer.views.view import View
    from nbcontainer.widgets.live import LiveWidget

Event = TypeVar("Event")
State = TypeVar("State")

EMPTY_SECONDS = 1.0  # how long to wait for something to show before showing an empty frame
STILL_SECONDS = 0.25  # seconds between two whole pictures, if there is no widget
NOTHING = {"text/plain": "", "text/html": ""}  # replaces an empty frame


def display_picture(picture: Picture, *, clear: bool = False) -> None:
    """Display a picture in a kernel; with `clear`, replace the cell's output so far."""
    if clear:
        clear_output(wait=True)
    display(_bundle(picture), raw=True)


def display_result(picture: Picture) -> None:
    """Display a picture that does not change in a page: by a widget if it has buttons, which ask the kernel."""
    if not any(isinstance(block, Actions) for block in picture.blocks):
        display_picture(picture)
        return
    try:
        display(still_widget(picture))
    except NbcontainerError:  # the front end was not built
        display_picture(picture)


def display_unsaved(picture: Picture, *, saved: Picture) -> None:
    """Display a picture in a page, of which the notebook saves another; only the other where there are no widgets."""
    try:
        display(still_widget(picture, saved=saved))
    except NbcontainerError:  # the front end was not built
        display_picture(saved)


def still_widget(picture: Picture, *, saved: Picture | None = None) -> LiveWidget:
    """A widget of a picture that does not change.

    Args:
        picture: what the page shows.
        saved: what the saved notebook shows, if that differs.

    Raises:
        NbcontainerError: the front end was not built.
    """
    whole = views.page.whole(picture)
    widget = widgets.live.widget_class("picture")(whole)
    widget.on_action(views.view.magic_of)
    still = picture if saved is None else saved
    widget.set_static(text=as_text(still), html=as_html(still))
    widget.finish(whole)
    return widget


def _bundle(picture: Picture) -> dict[str, str]:
    return {"text/plain": as_text(picture), "text/html": as_html(picture)}


class Notebook:
    """A live widget; its output also contains the state as text and as HTML, for when there is no kernel."""

    name = "notebook"

    def draw(self, operation: Operation[Event, State, object], view: View[Event, State]) -> None:
        """Show the widget and keep it up to date until the operation is done."""
        if _is_refused(operation, view):
            return  # nothing to add to the error
        follower = None
        try:
            with interrupts_deferred():
                follower = _open(operation.state, view)
            follower.follow(operation)
        except KeyboardInterrupt:
            operation.interrupt()
            raise
        finally:
            if follower is not None:
                with interrupts_deferred():
                    follower.finish(operation)

    def follow_behind(
        self, operation: Operation[Event, State, object], view: View[Event, State]
    ) -> LiveView[Event, State]:
        """Display the widget and keep it up to date on a thread, after the cell has finished."""
        return self.follow_later(operation.name, operation.state, lambda _: operation, view)

    def follow_later(
        self,
        name: str,
        state: State,
        start: Callable[[State], Operation[Event, State, object]],
        view: View[Event, State],
        *,
        lease: float = 0.0,
    ) -> LiveView[Event, State]:
        """Display the widget with `state`; the operation that keeps it up to date, `name`, is started on a thread.

        If the modules of widgets have not been loaded yet, the picture is displayed first and the widget then
        replaces it.

        Args:
            name: the operation's name.
            state: what is shown at first.
            start: starts an operation that brings a state up to date, and keeps it so.
            view: how it is drawn.
            lease: seconds after which a widget that nobody looks at sleeps, until somebody does; 0 for never.
        """
        # where other widgets are in use, this one may be inside them, where it could not replace a picture
        early = None if "ipywidgets" in sys.modules else _Still(state, view, height=view.page_height(state))
        opened = None if early is not None else _open(state, view, lease=lease)
        return LiveView(
            name,
            state,
            start,
            lambda: opened or _open(state, view, early, lease=lease),
            views.lease.Lease(lease) if lease else None,
        )


def embedded(
    name: str,
    state: State,
    start: Callable[[State], Operation[Event, State, object]] | None,
    view: View[Event, State],
    *,
    lease: float = 0.0,
    shown_by: Callable[[LiveView[Event, State]], None] = lambda _: None,
) -> LiveWidget:
    """A widget that is not displayed, to be put inside others.

    Args:
        name: the name of the operation that keeps it up to date.
        state: what is shown at first.
        start: starts that operation from a state; None if there is nothing to follow.
        view: how it is drawn.
        lease: seconds after which it sleeps if nobody looks at it; 0 for never.
        shown_by: is told what keeps it up to date.

    Raises:
        NbcontainerError: the front end was not built.
    """
    widget = view.widget(state, lease=lease)
    follower = _Follower(state, view, widget)
    if start is None:
        widget.finish(view.wire(None, state) or {})
        widget.on_action(views.view.magic_of)
        picture = view.picture(state)
        widget.set_static(text=as_text(picture), html=as_html(picture))
    else:
        shown_by(LiveView(name, state, start, lambda: follower, views.lease.Lease(lease) if lease else None))
    return widget


def _is_refused(operation: Operation[Event, State, object], view: View[Event, State]) -> bool:
    """Wait until there is something to show; return whether it failed before there was."""
    operation.wait(FRAME_SECONDS, revision=0)
    if operation.error is not None and operation.revision == 1:
        return True
    deadline = time.monotonic() + EMPTY_SECONDS
    while view.is_empty(operation.state) and not operation.done and (left := deadline - time.monotonic()) > 0:
        operation.wait(left, revision=operation.revision)
    return operation.error is not None and view.is_empty(operation.state)


def _is_empty_failure(operation: Operation[Event, State, object], view: View[Event, State]) -> bool:
    """Whether it failed with nothing to show, so that only the error is shown."""
    failed = operation.error is not None and not isinstance(operation.error, Stopped)
    return failed and view.is_empty(operation.state)


def _open(
    state: State, view: View[Event, State], early: _Still[Event, State] | None = None, *, lease: float = 0.0
) -> _Follower[Event, State] | _Still[Event, State]:
    """Display the view's widget, or its picture if the front end was not built.

    Args:
        state: the initial state.
        view: how it is drawn.
        early: a picture that is already displayed and is to be replaced.
        lease: as in `follow_later`.
    """
    first = view.first(state)
    try:
        widget = view.widget(first, lease=lease)
    except NbcontainerError:
        return early or _Still(state, view)
    return _Follower(state, view, widget, sent=first).display(early.handle if early is not None else None)


class _Still(Generic[Event, State]):
    """Keeps one displayed picture up to date with one operation, by redrawing it."""

    widget = None

    def __init__(self, state: State, view: View[Event, State], *, height: int | None = None) -> None:
        self._view = view
        self._height = height
        self.handle = DisplayHandle()
        self._is_displayed = False
        self._draw(state)

    def _draw(self, state: State) -> None:
        bundle = _bundle(self._view.render(state))  # the time runs on, even if nothing else has changed
        if self._height is not None:
            bundle["text/html"] = f'<div style="height: {self._height}px; overflow: auto">{bundle["text/html"]}</div>'
        if self._is_displayed:
            self.handle.update(bundle, raw=True)
        else:
            self.handle.display(bundle, raw=True)
        self._is_displayed = True

    def follow(self, operation: Operation[Event, State, object], lease: Lease | None = None) -> None:
        del lease  # a picture does not know who looks at it
        revision = operation.revision
        while not operation.done:
            if operation.wait(1.0, revision=revision) and not operation.done:
                revision = operation.revision
                with interrupts_deferred():
                    self._draw(operation.state)
                operation.wait(STILL_SECONDS)

    def finish(self, operation: Operation[Event, State, object]) -> None:
        if _is_empty_failure(operation, self._view):
            self.handle.update(NOTHING, raw=True)
        else:
            self._draw(operation.state)

    def dismiss(self) -> None:
        """There is nothing to close."""

    def sleep(self, state: State) -> None:
        """It never sleeps."""

    def wake(self) -> None:
        """It never sleeps."""

    def on_seen(self, call: Callable[[], None]) -> None:
        """It never sleeps."""


class _Follower(Generic[Event, State]):
    """Keeps one displayed widget up to date with one operation."""

    def __init__(
        self, state: State, view: View[Event, State], widget: LiveWidget, *, sent: State | None = None
    ) -> None:
        self._view = view
        self._sent = state if sent is None else sent  # the widget was created from it
        self.widget = widget
        self._keep_still(state)
        self._handle: DisplayHandle | None = None

    def display(self, handle: DisplayHandle | None) -> Self:
        """Display the widget, in place of what the handle displays."""
        self._handle = handle or display(self.widget, display_id=True)
        if handle is not None:
            handle.update(self.widget)
        return self

    def _keep_still(self, state: State, *, running: bool = True) -> None:
        picture = self._view.picture(state)
        if running:  # if saved while it runs, it must not appear to be running when it is opened again
            moment = Line.of(Span(f"as of {time.strftime('%H:%M:%S')}; live only while its kernel runs", Tone.DIM))
            picture = replace(picture, blocks=(*picture.blocks, moment))
        self.widget.set_static(text=as_text(picture), html=as_html(picture))

    def follow(self, operation: Operation[Event, State, object], lease: Lease | None = None) -> None:
        self.widget.on_action(lambda action: self._view.act(operation, action))
        revision = -1
        while not operation.done and not (lease is not None and lease.is_over):
            is_new = operation.wait(1.0, revision=revision)
            with interrupts_deferred():
                if not self.widget.pause and not operation.done:  # even if nothing is new: the time runs on
                    revision = operation.revision
                    self._send(operation.state)
            if is_new:  # no longer than needed: waiting anew for a batch that leaves late would double its delay
                operation.wait(min(self.widget.pause, FRAME_SECONDS))
            with interrupts_deferred():
                self.widget.heartbeat()

    def _send(self, state: State) -> None:
        message = self._view.wire(self._sent, state)
        self._sent = state
        if message is not None:
            self.widget.emit(message, whole=lambda: self._view.wire(None, state) or {})

    def dismiss(self) -> None:
        """Close the widget."""
        self.widget.close()

    def sleep(self, state: State) -> None:
        self._send(state)
        self._keep_still(state)
        self.widget.asleep = time.time()

    def wake(self) -> None:
        self.widget.asleep = 0.0

    def on_seen(self, call: Callable[[], None]) -> None:
        self.widget.on_seen(call)

    def finish(self, operation: Operation[Event, State, object]) -> None:
        """Send the last state and leave it in the saved output; leave nothing if it failed with nothing to show."""
        if _is_empty_failure(operation, self._view) and self._handle is not None:
            self._handle.update(NOTHING, raw=True)
            self.widget.close()
            return
        stopped = isinstance(operation.error, Stopped) or (operation.endless and operation.stopping)
        self.widget.finish(self._view.wire(None, operation.state) or {}, stopped=stopped)
        self._keep_still(operation.state, running=False)
        if self._handle is not None:
            self._handle.update(self.widget)
