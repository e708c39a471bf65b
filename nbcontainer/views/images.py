"""How a push or pull is drawn: plain lines, a picture, and its widget's messages (frontend/src/images_wire.ts)."""

from __future__ import annotations

import time

from nbcontainer.model.images import (
    ImageTransferred,
    LayerProgress,
    LayerState,
    TransferEvent,
    TransferStarted,
    TransferState,
)
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.tables import Tone
from nbcontainer.views.ansi import plain
from nbcontainer.views.kit import Block, Grid, Line, Picture, Span
from nbcontainer.views.quantities import format_seconds, format_size, short_digest
from nbcontainer.views.view import View, Wire, changed_facts, facts_of

__all__ = ["TransferView"]

BAR_CELLS = 20  # cells of a layer's bar in the terminal
_HEAD = ("direction", "image", "host", "engine", "started", "finished", "digest", "size", "outcome", "ended")
_PHASES = {Outcome.FAILED: ("✕ failed", Tone.BAD), Outcome.STOPPED: ("■ stopped", Tone.WARNING)}


class TransferView(View[TransferEvent, TransferState]):
    """The view of one push or pull. It remembers which layers it has reported, so each transfer has its own."""

    page = "images"

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._words = ("pushing", "pushed")
        self._image = "image"
        self._started_at = 0.0

    def line(self, event: TransferEvent) -> str | None:
        """A line for the start, for each layer that is done, and for the end."""
        match event:
            case TransferStarted():
                self._words = _words(event.direction)
                self._image, self._started_at = event.image, event.time
                way = "to" if event.direction == "push" else "from"
                return f"{self._words[0]} {plain(event.image)} {way} {plain(event.host)}"
            case LayerProgress(layer) if layer.done and layer.id not in self._told:
                self._told.add(layer.id)
                size = f" {format_size(layer.total)}" if layer.total else ""
                return f"{plain(layer.id)} {plain(layer.status).lower()}{size}"
            case ImageTransferred():
                took = format_seconds(event.time - self._started_at) if self._started_at and event.time else ""
                facts = [event.digest, format_size(event.size) if event.size else "", took]
                return " ".join(word for word in (self._words[1], plain(self._image), *facts) if word)
            case _:
                return None

    def render(self, state: TransferState) -> Picture:
        """The head, and the layers with bars and bytes in columns. The reason for a failure is left to the error."""
        doing, done = _words(state.direction)
        word, tone = _PHASES.get(state.outcome, (doing, Tone.RUNNING))
        if state.outcome is Outcome.DONE:
            word, tone = f"✓ {done}", Tone.GOOD
        head = [Span(state.image, bold=True), Span("  "), Span(word, tone), Span(f"  {_facts(state)}", Tone.DIM)]
        # a name such as quay.io/team/web already contains the registry
        host = "" if state.image.startswith(f"{state.host}/") else state.host
        where = " · ".join(part for part in (host, state.engine) if part)
        if where:
            head += [Span("  "), Span(where, Tone.DIM, chip=True)]
        blocks: list[Block] = [Line(tuple(head), head=True)]
        if state.layers:
            rows = tuple(_row(layer, state.outcome) for layer in state.layers.values())
            blocks.append(Grid(rows, right=frozenset({3}), flexible=4))
        return Picture(tuple(blocks), label=f"{state.image}: {word}")

    def wire(self, previous: TransferState | None, state: TransferState) -> Wire | None:
        """The whole state, or the fields and layers that changed."""
        if previous is None:
            return {**_head(state), "layers": [facts_of(layer) for layer in state.layers.values()]}
        layers = [facts_of(layer) for layer in state.layers.values() if previous.layers.get(layer.id) is not layer]
        message: Wire = {}
        if head := changed_facts(_head(previous), _head(state)):
            message["transfer"] = head
        if layers:
            message["layers"] = layers
        return message or None


def _words(direction: str) -> tuple[str, str]:
    return ("pulling", "pulled") if direction == "pull" else ("pushing", "pushed")


def _facts(state: TransferState) -> str:
    took = format_seconds((state.ended or time.time()) - state.started) if state.started else ""
    if state.finished is not None:
        facts = [short_digest(state.digest), format_size(state.size) if state.size else "", took]
    else:
        done = sum(layer.done for layer in state.layers.values())
        took = f"after {took}" if state.outcome and took else took
        facts = [f"{done} of {len(state.layers)} layers" if state.layers else "", took]
    skipped = sum(layer.skipped for layer in state.layers.values())
    facts.append(f"{skipped} already there" if skipped else "")
    return " · ".join(fact for fact in facts if fact)


def _look(layer: LayerState, outcome: Outcome) -> tuple[str, Tone]:
    if layer.skipped:
        return "●", Tone.CACHED
    if layer.done:
        return "✓", Tone.GOOD
    return ("◐", Tone.RUNNING) if layer.current and not outcome else ("○", Tone.DIM)


def _row(layer: LayerState, outcome: Outcome) -> tuple[Span, ...]:
    sign, tone = _look(layer, outcome)
    share = 1.0 if layer.done else min(1.0, layer.current / layer.total) if layer.total else 0.0
    filled = round(share * BAR_CELLS)
    if layer.done or not layer.current:
        amount = format_size(layer.total) if layer.total else ""
    else:
        amount = format_size(layer.current) + (f" / {format_size(layer.total)}" if layer.total else "")
    return (
        Span(sign, tone),
        Span(layer.id, code=True),
        Span("━" * filled + "╌" * (BAR_CELLS - filled), tone, bar=(0.0, share)),
        Span(amount, Tone.DIM),
        Span(layer.status.lower() if layer.done or not outcome else "not done", Tone.DIM),
    )


def _head(state: TransferState) -> Wire:
    return {**{name: getattr(state, name) for name in _HEAD}, "notes": list(state.notes)}
