"""How a push or pull is drawn: plain lines and a picture."""

from __future__ import annotations

from collections.abc import Collection

from nbcontainer.model.images import (
    ImageTransferred,
    LayerProgress,
    LayerState,
    TransferEvent,
    TransferNote,
    TransferStarted,
    TransferState,
)
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.tables import Tone
from nbcontainer.views.ansi import plain
from nbcontainer.views.blocks import Block, Progress
from nbcontainer.views.flat import bar_text
from nbcontainer.views.kit import Clock, Grid, Line, Picture, Span, separated
from nbcontainer.views.quantities import format_seconds, format_size, short_digest
from nbcontainer.views.registry import shows
from nbcontainer.views.view import View

UNKNOWN_SIZE = 1000  # bytes that a layer of unknown size counts for in the whole
_PHASES = {Outcome.FAILED: ("✕ failed", Tone.BAD), Outcome.STOPPED: ("■ stopped", Tone.WARNING)}


@shows(TransferState)
class TransferView(View[TransferEvent, TransferState]):
    """The view of one push or pull. It remembers which layers it has reported, so each transfer has its own."""

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
            case TransferNote(text, True):
                return plain(text)
            case _:
                return None

    def render(self, state: TransferState) -> Picture:
        """The head, and the layers with bars and bytes in columns. The reason for a failure is left to the error."""
        doing, done = _words(state.direction)
        word, tone = _PHASES.get(state.outcome, (doing, Tone.RUNNING))
        if state.outcome is Outcome.DONE:
            word, tone = f"✓ {done}", Tone.GOOD
        head = [
            Span(state.image, bold=True),
            Span("  "),
            Span(word, tone, status=True),
            Span("  ", Tone.DIM),
            *_facts(state),
        ]
        # a name such as quay.io/team/web already contains the registry
        host = "" if state.image.startswith(f"{state.host}/") else state.host
        where = " · ".join(part for part in (host, state.engine) if part)
        if where:
            head += [Span("  "), Span(where, Tone.DIM, chip=True)]
        blocks: list[Block] = [Line(tuple(head), head=True)]
        if state.layers:
            layers = state.layers.values()
            if not state.outcome:
                blocks.append(Progress(_share(layers), key="progress"))
            rows = tuple(_row(layer, state.outcome) for layer in layers)
            keys = tuple(layer.id for layer in layers)
            blocks.append(Grid(rows, right=frozenset({3}), flexible=4, keys=keys, label="Layers"))
        blocks += [Line.of(Span(f"! {plain(note)}", Tone.WARNING), wraps=True) for note in state.warnings]
        return Picture(tuple(blocks), label=f"{doing.removesuffix('ing').title()} of {state.image}")


def _words(direction: str) -> tuple[str, str]:
    return ("pulling", "pulled") if direction == "pull" else ("pushing", "pushed")


def _facts(state: TransferState) -> tuple[Span, ...]:
    clock = Clock(state.started, state.ended, before="after " if state.outcome in _PHASES else "")
    took = Span("", Tone.DIM, clock=clock) if state.started else ""
    skipped = sum(layer.skipped for layer in state.layers.values())
    there = f"{skipped} already there" if skipped else ""
    if state.outcome is Outcome.DONE:
        return separated(short_digest(state.digest), format_size(state.size) if state.size else "", took, there)
    done = sum(layer.done for layer in state.layers.values())
    return separated(f"{done} of {len(state.layers)} layers" if state.layers else "", took, there)


def _share(layers: Collection[LayerState]) -> float:
    """How much of all bytes is done."""
    total = sum(_weight(layer) for layer in layers)
    done = sum(_weight(layer) if layer.done else layer.current for layer in layers)
    return min(1.0, done / total) if total else 0.0


def _weight(layer: LayerState) -> int:
    return layer.total or max(layer.current, UNKNOWN_SIZE)


def _look(layer: LayerState, outcome: Outcome) -> tuple[str, Tone]:
    if layer.skipped:
        return "●", Tone.CACHED
    if layer.done:
        return "✓", Tone.GOOD
    return ("◐", Tone.RUNNING) if layer.current and not outcome else ("○", Tone.DIM)


def _row(layer: LayerState, outcome: Outcome) -> tuple[Span, ...]:
    sign, tone = _look(layer, outcome)
    share = 1.0 if layer.done else min(1.0, layer.current / layer.total) if layer.total else 0.0
    if layer.done or not layer.current:
        amount = format_size(layer.total) if layer.total else ""
    else:
        amount = format_size(layer.current) + (f" / {format_size(layer.total)}" if layer.total else "")
    return (
        Span(sign, tone),
        Span(layer.id, code=True),
        Span(bar_text(share), tone, bar=(0.0, share)),
        Span(amount, Tone.DIM),
        Span(layer.status.lower() if layer.done or not outcome else "not done", Tone.DIM),
    )
