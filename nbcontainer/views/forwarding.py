"""Forwarded ports: where a browser finds each, and which pod answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbcontainer.model.forwarding import Forwarding, Forwardings, ForwardStep
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import SIGNS, Grid, Line, Picture, Span, separated
from nbcontainer.views.registry import shows
from nbcontainer.views.view import View

if TYPE_CHECKING:
    from nbcontainer.views.blocks import Block

ENDS = {Outcome.FAILED: ("failed", Tone.BAD), Outcome.STOPPED: ("stopped", Tone.DIM)}


@shows(Forwarding)
class ForwardingView(View[ForwardStep, Forwarding]):
    """Each port as a link, the pod that it leads to, and how many connections there are."""

    def line(self, event: ForwardStep) -> str | None:
        """The new pod, or what is wrong."""
        return event.note or (f"forwarding to {event.pod}" if event.pod else None)

    def render(self, state: Forwarding) -> Picture:
        """The target, its ports, and what is wrong."""
        word, tone = ENDS.get(state.outcome, ("forwarding", Tone.GOOD))
        sign = "■" if state.outcome is Outcome.STOPPED else SIGNS[tone]
        head = Line.of(
            Span(f"{sign} ", tone),
            Span(state.target, bold=True),
            Span(" "),
            Span(word, tone, status=True),
            *((Span("  "), *separated(_connections(state))) if state.total else ()),
            Span("  "),
            Span(state.where, Tone.DIM, chip=True),
            head=True,
            key="head",
        )
        live = not state.outcome
        rows = tuple(
            (
                Span(state.url(port), link=state.url(port) if live else "", tone=Tone.PLAIN if live else Tone.DIM),
                Span(f"→ {state.pod}:{port.remote}", Tone.DIM),
            )
            for port in state.ports
        )
        blocks: list[Block] = [head, Grid(rows, indent=2, key="ports", keys=tuple(map(str, state.ports)))]
        if state.note:
            blocks.append(Line.of(Span(f"! {state.note}", Tone.WARNING), indent=2, wraps=True, key="note"))
        return Picture(tuple(blocks), label=f"port-forward to {state.target}")


@shows(Forwardings)
class ForwardingsView(View[ForwardStep, Forwardings]):
    """All of them, one below the other."""

    def line(self, event: ForwardStep) -> str | None:
        """Nothing: it is a list."""
        del event
        return None

    def render(self, state: Forwardings) -> Picture:
        """Their pictures."""
        pictures = [ForwardingView().render(one) for one in state.states]
        blocks = tuple(
            replace(block, key=f"{number}-{block.key}")
            for number, picture in enumerate(pictures)
            for block in picture.blocks
        )
        nothing = Line.of(Span("No ports are forwarded.", Tone.DIM), head=True)
        return Picture(blocks or (nothing,), label="port-forwards")


def _connections(state: Forwarding) -> str:
    total = f"{state.total:,} connection{'s' if state.total != 1 else ''}"
    return f"{state.active:,} open of {total}" if state.active else total
