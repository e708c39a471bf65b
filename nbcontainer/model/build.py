"""A build: its request, events, state and result.

Lines count from 1. A *Dockerfile line* is a line of the text that is sent to the engine; `SourceMap` maps it to the
user's own line. Times are seconds since the epoch, sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nbcontainer.drawn import Drawn
from nbcontainer.errors import Problem
from nbcontainer.model.build_steps import BuildStep, StepState, Transfer
from nbcontainer.model.events import SpoolCut
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.secrecy import Secret
from nbcontainer.model.source_map import SourceMap
from nbcontainer.model.tables import dataframe

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped,import-not-found,unused-ignore]

OUTPUT_LINES = 400  # lines of output that the state keeps for one step; the spool file has all


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """All that a build needs to know; the fields are docker build's flags.

    Attributes:
        dockerfile: the text.
        context: the build context's folder, or None where nothing is sent.
        files: in-memory files laid over the context, path → content.
        secrets: by id.
        build_contexts: named contexts, name → folder, image or URL.
        ignore: this Dockerfile's own patterns, in place of the context's .dockerignore.
        ssh: agent id → its socket.
        outputs: `--output` values; empty means the engine's image store.
        allow: privileges that RUN steps may use ("network.host", "security.insecure").
        source_map: from the text's lines to the user's own.
        attributes: further attributes of the Dockerfile frontend.
    """

    dockerfile: str
    context: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    build_args: Mapping[str, str] = field(default_factory=dict, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    platform: str = ""
    ignore: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    ssh: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    no_cache: bool = False
    no_cache_filter: tuple[str, ...] = ()
    pull: bool = False
    push: bool = False
    network: str = ""
    add_hosts: tuple[str, ...] = ()
    shm_size: str = ""
    ulimits: tuple[str, ...] = ()
    cgroup_parent: str = ""
    build_contexts: Mapping[str, str] = field(default_factory=dict)
    cache_from: tuple[str, ...] = ()
    builder: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    source_map: SourceMap = field(default_factory=SourceMap)


@dataclass(frozen=True, slots=True)
class BuildStarted:
    """The build has started; `steps` are those predicted from the text, in the text's order."""

    title: str
    engine: str
    platform: str = ""
    steps: tuple[BuildStep, ...] = ()
    time: float = 0.0
    spool: str = ""


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step is known, or runs (then `time` is set). `replaces` is the predicted step that it turned out to be."""

    step: BuildStep
    time: float | None = None
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class StepOutput:
    """Whole lines that a step wrote. ANSI sequences are kept, other control characters are not trusted."""

    id: str
    lines: tuple[str, ...]
    stream: str = "stdout"
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class StepProgress:
    """A part of a step pulled, sent or unpacked more bytes."""

    id: str
    transfer: Transfer


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step ended. If it failed, `error` says why in the engine's words, and `exit_code` is that of its command."""

    id: str
    state: StepState
    time: float | None = None
    error: str = ""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class BuildWarning:
    """A warning about the text, from the engine or from our own checks; `problem.source` is the rule's name."""

    problem: Problem
    url: str = ""


@dataclass(frozen=True, slots=True)
class PushProgress:
    """One layer's progress, while the built image is pushed as part of the build."""

    transfer: Transfer


@dataclass(frozen=True, slots=True)
class ImageBuilt:
    """The image is there. `id` is its configuration's digest, `digest` the manifest's (once pushed or exported)."""

    id: str
    digest: str = ""
    size: int = 0
    pushed: bool = False
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class BuildEnded:
    """The build has ended; `reason` says why it is not done."""

    outcome: Outcome
    reason: str = ""
    time: float = 0.0


BuildEvent = (
    BuildStarted
    | SpoolCut
    | StepStarted
    | StepOutput
    | StepProgress
    | StepFinished
    | BuildWarning
    | PushProgress
    | ImageBuilt
    | BuildEnded
)


@dataclass(frozen=True, slots=True)
class BuildState:
    """A build's state: the fold of its events.

    Attributes:
        title: what is built, in the user's words (the first tag, or "image").
        steps: by id, in build order.
        spool: the path of the file with the whole output, or "".
        spool_note: why the file does not have all of it, or "".
        outcome: how it ended; `reason` says why it is not done.
        ended: when it ended, whatever the outcome.
    """

    title: str = "image"
    tags: tuple[str, ...] = ()
    engine: str = ""
    platform: str = ""
    started: float = 0.0
    steps: Mapping[str, BuildStep] = field(default_factory=dict)
    warnings: tuple[BuildWarning, ...] = ()
    pushing: Mapping[str, Transfer] = field(default_factory=dict)
    id: str = ""
    digest: str = ""
    size: int = 0
    pushed: bool = False
    spool: str = ""
    spool_note: str = ""
    outcome: Outcome = Outcome.RUNNING
    reason: str = ""
    ended: float | None = None

    @property
    def instructions(self) -> tuple[BuildStep, ...]:
        """The steps that belong to an instruction of the text."""
        return tuple(step for step in self.steps.values() if not step.internal)

    def count(self, *states: StepState) -> int:
        """How many instruction steps are in one of these states."""
        return sum(step.state in states for step in self.steps.values() if not step.internal)

    @property
    def failed_step(self) -> BuildStep | None:
        """The step that failed, if one did."""
        return next((step for step in self.steps.values() if step.state is StepState.FAILED), None)


def apply_build(state: BuildState, event: BuildEvent) -> BuildState:  # noqa: PLR0911 - a return for each event
    """Fold one event into a build's state."""
    match event:
        case BuildStarted():
            return replace(
                state,
                title=event.title,
                engine=event.engine,
                platform=event.platform,
                started=event.time,
                spool=event.spool,
                steps={step.id: step for step in event.steps},
            )
        case StepStarted():
            return replace(state, steps=_started(state.steps, event))
        case StepOutput() | StepProgress() | StepFinished():
            step = state.steps.get(event.id)
            if step is None:
                return state
            return replace(state, steps={**state.steps, event.id: _advance(step, event)})
        case BuildWarning():
            return state if event in state.warnings else replace(state, warnings=(*state.warnings, event))
        case SpoolCut():
            warning = BuildWarning(Problem(0, event.note, "warning", source="output"))
            return replace(state, warnings=(*state.warnings, warning), spool_note=event.note)
        case PushProgress():
            return replace(state, pushing={**state.pushing, event.transfer.name: event.transfer})
        case ImageBuilt():
            return replace(
                state,
                id=event.id or state.id,
                digest=event.digest or state.digest,
                size=event.size or state.size,
                pushed=event.pushed or state.pushed,
            )
        case BuildEnded():
            return _ended(state, event)


def _ended(state: BuildState, event: BuildEnded) -> BuildState:
    """End every step that still runs: the engine does not always report their ends."""
    steps = {
        name: replace(step, state=StepState.STOPPED, finished=event.time) if step.state is StepState.RUNNING else step
        for name, step in state.steps.items()
    }
    return replace(state, steps=steps, outcome=event.outcome, reason=event.reason, ended=event.time)


def _started(steps: Mapping[str, BuildStep], event: StepStarted) -> dict[str, BuildStep]:
    step = event.step
    if event.time is not None and step.state is StepState.WAITING:
        step = replace(step, state=StepState.RUNNING, started=event.time)
    if event.replaces in steps and event.replaces != step.id:
        return {step.id if key == event.replaces else key: step if key == event.replaces else old
                for key, old in steps.items()}  # fmt: skip
    known = steps.get(step.id)
    if known is not None:
        step = replace(
            step,
            output=known.output,
            output_lines=known.output_lines,
            transfers=known.transfers,
            started=known.started or step.started,
        )
    return {**steps, step.id: step}


def _advance(step: BuildStep, event: StepOutput | StepProgress | StepFinished) -> BuildStep:
    match event:
        case StepOutput():
            return replace(
                step,
                output=(*step.output, *event.lines)[-OUTPUT_LINES:],
                output_lines=step.output_lines + len(event.lines),
            )
        case StepProgress():
            others = {transfer.name: transfer for transfer in step.transfers}
            others[event.transfer.name] = event.transfer
            return replace(step, transfers=tuple(others.values()))
        case StepFinished():
            return replace(step, state=event.state, finished=event.time, error=event.error, exit_code=event.exit_code)


@dataclass(frozen=True)
class BuildResult(Drawn):
    """A finished build.

    Attributes:
        id: the image's id (its configuration's digest).
        digest: the manifest's digest, "" where the image was neither pushed nor stored with one.
        size: the image's size, 0 where the engine did not report it.
        seconds: from the request to the image.
        command: the same build as a docker command.
    """

    id: str
    digest: str
    tags: tuple[str, ...]
    size: int
    seconds: float
    state: BuildState
    command: str = ""

    def __repr__(self) -> str:
        """Names, id and time."""
        named = [*self.tags, *([self.id[:19]] if self.id else [])]
        return f"BuildResult({', '.join([*named, f'{self.seconds:.1f} s'])})"

    @property
    def steps(self) -> tuple[BuildStep, ...]:
        """The instruction steps, in build order."""
        return self.state.instructions

    @property
    def warnings(self) -> tuple[BuildWarning, ...]:
        """The warnings of the engine and of the checks."""
        return self.state.warnings

    @property
    def cached(self) -> int:
        """How many steps came from the cache."""
        return self.state.count(StepState.CACHED)

    def dataframe(self) -> DataFrame:
        """The steps as a pandas DataFrame (pandas must be installed)."""
        return dataframe(
            ["step", "stage", "first line", "state", "seconds"],
            [
                [step.instruction or step.name, step.stage, step.lines and step.lines[0], str(step.state), step.seconds]
                for step in self.steps
            ],
        )
