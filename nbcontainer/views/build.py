"""How a build is drawn: plain lines and a picture."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from nbcontainer.model.build import BuildEvent, BuildState
from nbcontainer.model.build_steps import BuildStep, StepState, Transfer
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.tables import Tone
from nbcontainer.views.ansi import one_line
from nbcontainer.views.blocks import Block, Progress
from nbcontainer.views.build_lines import BuildLines, reason_of
from nbcontainer.views.kit import Clock, Grid, Line, Output, Picture, Span, separated
from nbcontainer.views.quantities import format_size, short_digest
from nbcontainer.views.registry import shows
from nbcontainer.views.view import View, Wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcontainer.operation import Operation

LOOKS = {
    StepState.WAITING: ("○", Tone.DIM),
    StepState.RUNNING: ("◐", Tone.RUNNING),
    StepState.DONE: ("✓", Tone.GOOD),
    StepState.CACHED: ("●", Tone.CACHED),
    StepState.FAILED: ("✕", Tone.BAD),
    StepState.STOPPED: ("■", Tone.WARNING),
}
RUNNING_LINES = 4  # the last lines of output that are shown of a running or stopped step
CUT = (StepState.RUNNING, StepState.STOPPED)  # steps that show their last lines
TIMED = (StepState.RUNNING, StepState.DONE, StepState.FAILED)  # steps that show how long they took
SHORT = 1.0  # seconds; an internal step that took less gets no row
NAME_LENGTH = 100  # the most characters of an instruction in a picture
REASON_LINES = 12  # the most lines of the reason if a build failed but no step did
RUNNING_SHARE = 0.3  # how much of a running step counts as done if that is not known
ALMOST = 0.99  # the most that is done of a build that has not ended
ENGINE = "engine"  # the heading of steps that do not belong to an instruction
_NAMELESS = re.compile(r"stage-(\d+)")  # BuildKit's name for a stage without one

Row = tuple[Span, ...]


@shows(BuildState)
class BuildView(View[BuildEvent, BuildState]):
    """The view of one build. It remembers the rows of its steps, most of which do not change from one to the next.

    Args:
        whole: whether the plain lines include all output of the steps, not only the end of a failed step's output.
    """

    def __init__(self, *, whole: bool = False) -> None:
        self._lines = BuildLines(whole=whole)
        self._rows: dict[str, tuple[BuildStep, str, Row]] = {}
        self._outputs: dict[str, tuple[BuildStep, tuple[int, bool, str], Output]] = {}
        self._unfolded: set[str] = set()  # steps whose whole output the page wants

    def line(self, event: BuildEvent) -> str | None:
        """Like BuildKit's plain progress, but with output only for a failed step."""
        return self._lines.line(event)

    def render(self, state: BuildState) -> Picture:
        """The head, the steps in build order with their outputs, why it failed, and the warnings."""
        blocks: list[Block] = [_head(state)]
        if not state.outcome:
            blocks.append(Progress(_share(state), key="progress"))
        if steps := _with_stages(state.steps.values()):
            blocks.append(self._steps(state, steps))
        blocks += _reason(state)
        blocks += _warnings(state)
        return Picture(tuple(blocks), label=f"Build of {state.title}")

    def act(self, operation: Operation[BuildEvent, BuildState, object], action: Mapping[str, object]) -> Wire | None:
        """Knows `unfold` (row), too: of a running step, the page gets only the end of the output until then."""
        if action.get("type") == "unfold":
            self._unfolded.add(str(action.get("row")))
        return super().act(operation, action)

    def _steps(self, state: BuildState, steps: Sequence[tuple[str, BuildStep]]) -> Grid:
        shown = [step for _, step in steps if step.output or step.state is StepState.FAILED]
        return Grid(
            tuple(self._row(step, stage) for stage, step in steps),
            right=frozenset({2, 4, 6}),
            flexible=3,
            key="steps",
            keys=tuple(step.id for _, step in steps),
            axis=_axis(state),
            outputs=self._below(state, shown),
            optional=frozenset({4}),
            group=1,
            label="Steps",
        )

    def _row(self, step: BuildStep, stage: str) -> Row:
        known = self._rows.get(step.id)
        if known is None or known[0] is not step or known[1] != stage:
            known = self._rows[step.id] = (step, stage, _row(step, stage))
        return known[2]

    def _below(self, state: BuildState, steps: Iterable[BuildStep]) -> dict[str, Output]:
        """The outputs of the steps; once one has failed, only its own is unfolded."""
        spool = "" if state.spool_note else state.spool
        cut = () if state.failed_step is not None else CUT
        found: dict[str, Output] = {}
        for step in steps:
            preview = RUNNING_LINES if step.state in cut else 0
            is_brief = step.state is StepState.RUNNING and step.id not in self._unfolded
            known, wanted = self._outputs.get(step.id), (preview, is_brief, spool)
            if known is None or known[0] is not step or known[1] != wanted:
                lines = step.output[-RUNNING_LINES:] if is_brief else step.output
                known = self._outputs[step.id] = (step, wanted, _output(step, lines, preview, spool))
            found[step.id] = known[2]
        return found


# --- the head


def _head(state: BuildState) -> Line:
    word, tone = _phase(state)
    others = ", ".join(tag for tag in state.tags if tag != state.title)
    where = " · ".join(part for part in (state.engine, state.platform) if part)
    spans = [Span(state.title, bold=True)]
    spans += [Span(f" + {others}", Tone.DIM)] if others else []
    spans += [Span("  "), Span(word, tone, status=True), Span("  ", Tone.DIM), *_facts(state)]
    spans += [Span("  "), Span(where, Tone.DIM, chip=True)] if where else []
    return Line(tuple(spans), head=True, key="head")


def _phase(state: BuildState) -> tuple[str, Tone]:
    built = "built, not pushed" if state.id else ""
    failed = state.failed_step
    match state.outcome:
        case Outcome.DONE:
            return "✓ built and pushed" if state.pushed else "✓ built", Tone.GOOD
        case Outcome.STOPPED:
            return f"■ stopped{f': {built}' if built else ''}", Tone.WARNING
        case _ if failed is not None:
            where = f" at line {failed.lines[0]}" if failed.lines else ""
            code = "" if failed.exit_code is None else f", exit code {failed.exit_code}"
            return f"✕ failed{where}{code}", Tone.BAD
        case Outcome.FAILED:
            return f"✕ {built or 'failed'}", Tone.BAD
        case Outcome.RUNNING:
            return "pushing" if state.id else "building", Tone.RUNNING


def _facts(state: BuildState) -> tuple[Span, ...]:
    cached, total = state.count(StepState.CACHED), len(state.instructions)
    is_running = not state.outcome and state.failed_step is None
    before = "" if is_running or state.outcome is Outcome.DONE else "after "
    took = Span("", Tone.DIM, clock=Clock(state.started, state.ended, before=before)) if state.started else ""
    if state.outcome is Outcome.DONE:
        size = format_size(state.size) if state.size else ""
        return separated(
            short_digest(state.digest or state.id), size, took, f"{cached} of {total} cached" if cached else ""
        )
    if not is_running:
        return separated(took, f"{cached} cached" if cached else "")
    done = cached + state.count(StepState.DONE)
    return separated(
        transfer_text(state.pushing.values()),
        f"{done} of {total} steps" if total else "",
        f"{cached} cached" if cached else "",
        took,
    )


def transfer_text(transfers: Iterable[Transfer]) -> str:
    """Bytes transferred, and the total if all sizes are known: "3.1 MB / 40 MB"."""
    current, total = _transferred(transfers)
    if not current and not total:
        return ""
    return f"{format_size(current)} / {format_size(total)}" if total > current else format_size(current)


def _transferred(transfers: Iterable[Transfer]) -> tuple[int, int]:
    """Bytes transferred, and the total, or 0 if not all sizes are known."""
    parts = list(transfers)
    total = sum(part.total for part in parts) if all(part.total for part in parts) else 0
    return sum(part.current for part in parts), total


def _share(state: BuildState) -> float:
    """How much of the build is done: all instructions count the same, a running one by its transferred bytes."""
    shares = [_share_of(step) for step in state.instructions]
    if state.pushing:
        current, total = _transferred(state.pushing.values())
        shares.append(min(1.0, current / total) if total else 0.0)
    return min(sum(shares) / len(shares), ALMOST) if shares else 0.0


def _share_of(step: BuildStep) -> float:
    if step.state is not StepState.RUNNING:
        return 1.0 if step.state in {StepState.DONE, StepState.CACHED} else 0.0
    current, total = _transferred(step.transfers)
    return min(1.0, current / total) if total else RUNNING_SHARE


# --- the steps


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
    names = list(groups)
    if engine:
        groups[ENGINE] = [*groups.get(ENGINE, ()), *engine]
    return [
        ("" if i else stage_name(stage, names), step) for stage, group in groups.items() for i, step in enumerate(group)
    ]


def stage_name(stage: str, stages: Sequence[str]) -> str:
    """The name of a stage; one without a name ("stage-1") is the final one, or is called by its number."""
    found = _NAMELESS.fullmatch(stage)
    if found is None:
        return stage
    if len(stages) == 1:
        return ""
    return "final" if stage == stages[-1] else f"stage {found[1]}"


def _axis(state: BuildState) -> tuple[float, float | None]:
    """The start and end of a build's time axis; steps that are still running reach its end."""
    times = [moment for step in state.steps.values() for moment in (step.started, step.finished) if moment is not None]
    start = min([*times, *filter(None, [state.started])], default=0.0)
    if any(step.state is StepState.RUNNING for step in state.steps.values()):
        return start, None
    return start, max([*times, state.ended or start, start + 0.1])


def _felt(step: BuildStep) -> bool:
    return step.started is not None and (step.finished or time.time()) - step.started >= SHORT


def _row(step: BuildStep, stage: str) -> Row:
    sign, tone = LOOKS[step.state]
    named = Tone.BAD if step.state is StepState.FAILED else Tone.DIM if step.state is StepState.WAITING else Tone.PLAIN
    timed = tone if step.state in {StepState.CACHED, StepState.STOPPED, StepState.FAILED} else Tone.DIM
    took = Span("", timed)
    if step.state not in TIMED:
        took = Span(step.state.value, timed)
    elif step.started is not None:
        took = Span("", timed, clock=Clock(step.started, step.finished))
    return (
        Span(sign, tone),
        Span(stage, Tone.DIM),
        Span(_place(step), Tone.BAD if step.state is StepState.FAILED else Tone.DIM, code=True),
        Span(_named_briefly(step), named, code=True),
        Span(transfer_text(step.transfers), Tone.DIM),
        Span("", tone, bar=None if step.started is None else (step.started, step.finished)),
        took,
    )


def _place(step: BuildStep) -> str:
    first, last = step.lines or (0, 0)
    return f"{first}–{last}" if last > first else str(first or "")


def _named_briefly(step: BuildStep) -> str:
    return one_line((step.instruction or step.name).removeprefix("[internal] "), NAME_LENGTH)


def _output(step: BuildStep, lines: tuple[str, ...], preview: int, spool: str) -> Output:
    """All output of a failed step, the last lines of others."""
    sign, tone = LOOKS[step.state]
    place = _place(step)
    where = f"{'lines' if '–' in place else 'line'} {place} " if place else ""
    has_failed = step.state is StepState.FAILED
    return Output(
        lines,
        tone if step.state in CUT or has_failed else Tone.DIM,
        count=step.output_lines,
        open=has_failed,
        preview=preview,
        title=(Span(f"{sign} {where}", tone), Span(_named_briefly(step), code=True)),
        rest=spool,
        ending=reason_of(step) if has_failed else "",
    )


# --- below the steps


def _reason(state: BuildState) -> Iterator[Line]:
    """Why the build failed, if no step did."""
    if state.outcome is not Outcome.FAILED or state.failed_step is not None:
        return
    for number, line in enumerate(state.reason.splitlines()[:REASON_LINES]):
        yield Line.of(Span(one_line(line), Tone.BAD), indent=2, key=f"reason {number}")


def _warnings(state: BuildState) -> Iterator[Line]:
    for number, warning in enumerate(state.warnings):
        problem = warning.problem
        yield Line.of(
            Span("! warning ", Tone.WARNING),
            str(problem),
            Span(f" {problem.source}", Tone.DIM),
            wraps=True,
            key=f"warning {number}",
        )
