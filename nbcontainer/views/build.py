"""How a build is drawn: plain lines, a picture, and the messages to its widget (frontend/src/build_wire.ts)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence

from nbcontainer.model.build import BuildEvent, BuildState
from nbcontainer.model.build_steps import BuildStep, StepState, Transfer
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.tables import Tone
from nbcontainer.views.ansi import one_line
from nbcontainer.views.build_lines import BuildLines, reason_of
from nbcontainer.views.kit import Block, Grid, Line, Output, Picture, Span
from nbcontainer.views.quantities import before_these, format_seconds, format_size, short_digest
from nbcontainer.views.view import View, Wire, changed_facts, facts_of

__all__ = ["BuildView", "transfer_text"]

LOOKS = {
    StepState.WAITING: ("○", Tone.DIM),
    StepState.RUNNING: ("◐", Tone.RUNNING),
    StepState.DONE: ("✓", Tone.GOOD),
    StepState.CACHED: ("●", Tone.CACHED),
    StepState.FAILED: ("✕", Tone.BAD),
    StepState.STOPPED: ("■", Tone.WARNING),
}
RUNNING_LINES = 4  # lines of output below the picture of a running or stopped build
CUT = (StepState.RUNNING, StepState.STOPPED)  # steps that show their last lines
SHORT = 1.0  # seconds; an internal step that took less gets no row
NAME_LENGTH = 100  # the most characters of an instruction in a picture
REASON_LINES = 12  # the most characters of the reason if a build failed but no step did
ENGINE = "engine"  # the heading of steps that do not belong to an instruction
_NAMELESS = re.compile(r"stage-(\d+)")  # BuildKit's name for a stage without one
_HEAD = (
    *("title", "engine", "platform", "started", "finished", "ended", "outcome", "reason"),
    *("id", "digest", "size", "pushed"),
)


class BuildView(View[BuildEvent, BuildState]):
    """The view of one build.

    Args:
        whole: whether the plain lines include all output of the steps, not only the end of a failed step's output.
    """

    page = "build"

    def __init__(self, *, whole: bool = False) -> None:
        self._lines = BuildLines(whole=whole)

    def line(self, event: BuildEvent) -> str | None:
        """Like BuildKit's plain progress, but with output only for a failed step."""
        return self._lines.line(event)

    def render(self, state: BuildState) -> Picture:
        """The head, the steps in build order, the output of a failed or running step, and the warnings."""
        now = time.time()
        word, tone = _phase(state)
        head = [Span(state.title, bold=True), Span("  "), Span(word, tone), Span(f"  {_facts(state, now)}", Tone.DIM)]
        others = [tag for tag in state.tags if tag != state.title]
        if others:
            head.insert(1, Span(f" + {', '.join(others)}", Tone.DIM))
        where = " · ".join(part for part in (state.engine, state.platform) if part)
        if where:
            head += [Span("  "), Span(where, Tone.DIM, chip=True)]
        blocks: list[Block] = [Line(tuple(head), head=True)]
        axis = _axis(state, now)
        rows = [_row(step, stage, axis) for stage, step in _with_stages(state.steps.values())]
        if rows:
            blocks.append(Grid(tuple(rows), right=frozenset({2, 4, 6}), flexible=3))
        blocks += _outputs(state)
        blocks += [
            Line.of(
                Span("! warning ", Tone.WARNING), str(warning.problem), Span(f" {warning.problem.source}", Tone.DIM)
            )
            for warning in state.warnings
        ]
        return Picture(tuple(blocks), label=f"Build of {state.title}: {word}")

    def wire(self, previous: BuildState | None, state: BuildState) -> Wire | None:
        """The whole state, or the fields and steps that changed, with only the new lines of output."""
        if previous is None:
            return {**_head(state), "steps": [_whole_step(step) for step in state.steps.values()]}
        message: Wire = {}
        if changed := changed_facts(_head(previous), _head(state)):
            message["build"] = changed
        if previous.steps is not state.steps:
            steps = [
                _changed_step(previous.steps.get(step.id), step)
                for step in state.steps.values()
                if previous.steps.get(step.id) is not step
            ]
            if steps:
                message["steps"] = steps
            if list(previous.steps) != list(state.steps):
                message["order"] = list(state.steps)
        return message or None


def _named_briefly(step: BuildStep) -> str:
    return one_line((step.instruction or step.name).removeprefix("[internal] "), NAME_LENGTH)


def _phase(state: BuildState) -> tuple[str, Tone]:
    if state.outcome is Outcome.DONE:
        return "✓ built and pushed" if state.pushed else "✓ built", Tone.GOOD
    built = "built, not pushed" if state.id else ""
    if state.outcome is Outcome.STOPPED:
        return f"■ stopped{f': {built}' if built else ''}", Tone.WARNING
    failed = state.failed_step
    if failed is not None:
        where = f" at line {failed.lines[0]}" if failed.lines else ""
        return f"✕ failed{where}" + ("" if failed.exit_code is None else f", exit code {failed.exit_code}"), Tone.BAD
    if state.outcome is Outcome.FAILED:
        return f"✕ {built or 'failed'}", Tone.BAD
    return "pushing" if state.id else "building", Tone.RUNNING


def _facts(state: BuildState, now: float) -> str:
    cached, total = state.count(StepState.CACHED), len(state.instructions)
    took = format_seconds((state.ended or now) - state.started) if state.started else ""
    if state.outcome is Outcome.DONE:
        digest = state.digest or state.id
        facts = [short_digest(digest), format_size(state.size) if state.size else "", took]
        facts += [f"{cached} of {total} cached" if cached else ""]
    elif state.outcome or state.failed_step is not None:
        facts = [f"after {took}" if took else "", f"{cached} cached" if cached else ""]
    else:
        done = cached + state.count(StepState.DONE)
        pushed = transfer_text(state.pushing.values())
        facts = [pushed, f"{done} of {total} steps" if total else "", f"{cached} cached" if cached else "", took]
    return " · ".join(fact for fact in facts if fact)


def transfer_text(transfers: Iterable[Transfer]) -> str:
    """Bytes transferred, and the total if all sizes are known: "3.1 MB / 40 MB"."""
    parts = list(transfers)
    current = sum(part.current for part in parts)
    total = sum(part.total for part in parts) if all(part.total for part in parts) else 0
    if not current and not total:
        return ""
    return f"{format_size(current)} / {format_size(total)}" if total > current else format_size(current)


def _with_stages(steps: Iterable[BuildStep]) -> list[tuple[str, BuildStep]]:
    """The steps grouped by stage in order of appearance; the first of a group has the stage's name. Internal ones last.

    Of the engine's own steps, only those that failed or took noticeably long are shown.
    """
    groups: dict[str, list[BuildStep]] = {}
    engine: list[BuildStep] = []
    for step in steps:
        if not step.internal:
            groups.setdefault(step.stage, []).append(step)
        elif step.state is StepState.FAILED or _felt(step):
            engine.append(step)
    if engine:
        groups[ENGINE] = engine
    names = list(groups)
    return [
        (stage_name(stage, names) if i == 0 else "", step)
        for stage, group in groups.items()
        for i, step in enumerate(group)
    ]


def stage_name(stage: str, stages: Sequence[str]) -> str:
    """The name of a stage; one without a name ("stage-1") is the final one, or is called by its number."""
    own = [name for name in stages if name != ENGINE]
    found = _NAMELESS.fullmatch(stage)
    if found is None:
        return stage
    if len(own) == 1:
        return ""
    return "final" if stage == own[-1] else f"stage {found[1]}"


def _axis(state: BuildState, now: float) -> tuple[float, float]:
    """The start and end of a build's time axis; steps that are still running reach its end."""
    times = [moment for step in state.steps.values() for moment in (step.started, step.finished) if moment is not None]
    running = any(step.state is StepState.RUNNING for step in state.steps.values())
    start = min([*times, state.started or now])
    return start, max([*times, state.finished or start, now if running else start, start + 0.1])


def _felt(step: BuildStep) -> bool:
    return step.started is not None and (step.finished or time.time()) - step.started >= SHORT


def _row(step: BuildStep, stage: str, axis: tuple[float, float]) -> tuple[Span, ...]:
    sign, tone = LOOKS[step.state]
    start, end = axis
    first, last = step.lines or (0, 0)
    lines = (f"{first}–{last}" if last > first else str(first)) if first else ""
    if step.state in {StepState.CACHED, StepState.STOPPED, StepState.WAITING}:
        took = step.state.value
    elif step.started is None:
        took = ""
    else:
        took = format_seconds((step.finished or end) - step.started)
    bar = None
    if step.started is not None:
        bar = ((step.started - start) / (end - start), ((step.finished or end) - start) / (end - start))
    named = Tone.BAD if step.state is StepState.FAILED else Tone.DIM if step.state is StepState.WAITING else Tone.PLAIN
    return (
        Span(sign, tone),
        Span(stage, Tone.DIM),
        Span(lines, Tone.DIM, code=True),
        Span(_named_briefly(step), named, code=True),
        Span(transfer_text(step.transfers), Tone.DIM),
        Span("", tone, bar=bar),
        Span(took, tone if tone in {Tone.CACHED, Tone.WARNING, Tone.BAD} else Tone.DIM),
    )


def _outputs(state: BuildState) -> list[Block]:
    """All output of a failed step; without one, the last lines of steps that are running, or were when stopped."""
    failed = state.failed_step
    if failed is not None:
        blocks: list[Block] = [_output_head(failed, Tone.BAD)]
        hidden = failed.output_lines - len(failed.output)
        if hidden > 0:
            spool = "" if state.spool_note else state.spool
            blocks.append(Line.of(Span(before_these(hidden, "lines", spool), Tone.DIM), indent=2))
        if failed.output:
            blocks.append(Output(failed.output, Tone.BAD))
        if reason := reason_of(failed):
            blocks.append(Line.of(Span(reason, Tone.BAD), indent=2))
        return blocks
    if state.outcome is Outcome.FAILED and state.reason:
        return [Line.of(Span(one_line(line), Tone.BAD), indent=2) for line in state.reason.splitlines()[:REASON_LINES]]
    blocks = []
    for step in state.steps.values():
        if step.state in CUT and step.output:
            tone = LOOKS[step.state][1]
            blocks += [_output_head(step, tone), Output(step.output[-RUNNING_LINES:], tone)]
    return blocks


def _output_head(step: BuildStep, tone: Tone) -> Line:
    sign, _ = LOOKS[step.state]
    first, last = step.lines or (0, 0)
    where = (f"lines {first}–{last} " if last > first else f"line {first} ") if first else ""
    return Line.of(Span(f"{sign} {where}", tone), Span(_named_briefly(step), code=True))


# --- JSON


def _head(state: BuildState) -> Wire:
    return {
        **{name: getattr(state, name) for name in _HEAD},
        "spool": "" if state.spool_note else state.spool,
        "tags": list(state.tags),
        "pushing": [facts_of(transfer) for transfer in state.pushing.values()],
        "warnings": [{**facts_of(warning.problem), "url": warning.url} for warning in state.warnings],
    }


def _whole_step(step: BuildStep) -> Wire:
    return {**facts_of(step), "transfers": [facts_of(transfer) for transfer in step.transfers]}


def _changed_step(previous: BuildStep | None, step: BuildStep) -> Wire:
    whole = _whole_step(step)
    if previous is not None:
        new = step.output_lines - previous.output_lines
        whole["output"] = list(step.output[-new:]) if new > 0 else []
    return whole
