"""Builds, by BuildKit where the engine has it, else by the classic stream; both emit the same events."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

from nbcontainer import engines
from nbcontainer.dockerfile import Dockerfile, check, parse
from nbcontainer.dockerfile.check_options import check_options
from nbcontainer.engines.build_ignore import is_ignored
from nbcontainer.engines.build_output import BuildLog, RunningBuild
from nbcontainer.engines.build_words import build_words
from nbcontainer.engines.config import named_folder
from nbcontainer.engines.connection import Engine
from nbcontainer.errors import BuildFailed, DockerfileError, Problem, UsageError
from nbcontainer.model.build import (
    BuildEnded,
    BuildEvent,
    BuildRequest,
    BuildResult,
    BuildStarted,
    BuildState,
    BuildWarning,
    apply_build,
)
from nbcontainer.model.outcome import Outcome, outcome_of
from nbcontainer.model.references import parse_reference
from nbcontainer.operation import Operation, Progress

BuildOperation = Operation[BuildEvent, BuildState, BuildResult]


def build(engine: Engine, request: BuildRequest, *, command: Sequence[str] = ()) -> BuildOperation:
    """Build an image; returns the running build at once.

    The text is checked first, and its problems are raised here, before anything is sent. The operation's result
    is a `BuildResult`; it raises BuildFailed where a step fails, DockerfileError where the engine rejects the
    text, Unsupported, EngineUnavailable, AuthFailed, PushFailed, or Stopped.

    Args:
        engine: where to build; with `request.builder` only the image is loaded there.
        request: what to build.
        command: the words of the docker command, for the result; () derives them from the request.

    Raises:
        DockerfileError: the text is wrong; all problems at once, with the user's own lines.
        UsageError: a tag is not a valid image name, or a push has no tag.
    """
    if request.builder == "default":  # buildx's name for the engine's own
        request = replace(request, builder="")
    dockerfile, warnings = check_request(request)
    request = replace(request, secrets=tuple(secret.asked() for secret in request.secrets))
    title = request.tags[0] if request.tags else "image"
    told = _command(engine, request, command)
    operation: BuildOperation = Operation(
        f"build of {title}",
        BuildState(title=title, tags=request.tags, engine=engine.name),
        apply_build,
        conclude=_concluder(request, told),
        final_event=lambda: BuildEnded(Outcome.STOPPED, time=time.time()),
    )

    def work(progress: Progress[BuildEvent]) -> None:
        try:
            _run(engine, request, dockerfile, warnings, progress)
        except BaseException as error:
            if operation.state.started:  # a build that was refused before it started shows only its error
                progress.emit(BuildEnded(*outcome_of(error, stopped=progress.stopping), time.time()))
            if isinstance(error, BuildFailed):
                raise _completed(error, operation.state, warnings, told) from error.__cause__
            raise
        progress.emit(BuildEnded(Outcome.DONE, time=time.time()))

    return operation.start_thread(work)


def _command(engine: Engine, request: BuildRequest, words: Sequence[str]) -> str:
    """The build as a command; only docker's has --builder and --push."""
    given = [*(words or build_words(request))]
    if request.builder and not any(word.startswith("--builder") for word in given):  # BUILDX_BUILDER named it
        given.insert(1, f"--builder={request.builder}")
    if request.builder:  # builders are in docker's configuration
        return replace(engine.commands, configuration=named_folder()).docker(*given)
    if not request.push or not engine.commands.is_podman:
        return engine.commands.command(*given)
    pushes = [engine.commands.command("push", tag) for tag in request.tags]
    return " && ".join([engine.commands.command(*(word for word in given if word != "--push")), *pushes])


def _completed(error: BuildFailed, state: BuildState, warnings: list[Problem], command: str) -> BuildFailed:
    """The error with the command, the file and length of the whole output, and the checks' suggestion in its cure."""
    step, kept = state.failed_step, error.output_lines
    lines = max(kept, step.output_lines if step else 0)
    where = f". {state.spool_note}" if state.spool_note else f"; all of them are in {state.spool}."
    rest = f"It wrote {lines:,} lines{where}" if lines > kept else ""
    cure = " ".join(filter(None, (_suggestion(error, warnings), error.cure, rest)))
    return error.replaced(spool=state.spool, output_lines=lines, cure=cure, command=command)


def _suggestion(error: BuildFailed, warnings: list[Problem]) -> str:
    """What the checks suggested for the failed lines: `--from=biuld` was taken for an image, which does not exist."""
    first, last = error.lines or (0, -1)
    return next(
        (problem.suggestion for problem in warnings if first <= problem.line <= last and problem.suggestion), ""
    )


def check_request(
    request: BuildRequest,
    *,
    every_stage: bool = False,
    variables: Callable[[str], Collection[str] | None] | None = None,
) -> tuple[Dockerfile, list[Problem]]:
    """Parse and check a request without an engine; returns the Dockerfile and its warnings.

    Args:
        request: what is to be built.
        every_stage: whether BuildKit's rules are checked in stages that are not built too, as `--check` does.
        variables: returns the names of the variables that an image sets, or None where it does not know.

    Raises:
        DockerfileError: the text is wrong.
        UsageError: a tag is not a valid image name, or a push has no tag.
    """
    for tag in request.tags:
        parse_reference(tag)
    if request.push and not request.tags:
        raise UsageError(
            "`--push` needs a name to push to.", cure="Name the image, such as `--tag=localhost:5000/web:1`."
        )
    if request.push and request.outputs:
        raise UsageError(
            "`--push` and `--output` cannot be combined.", cure="`--output` writes files in place of an image."
        )
    _check_text(request)
    dockerfile = parse(request.dockerfile, request.source_map)
    problems = check(
        dockerfile,
        target=request.target,
        build_args=request.build_args,
        build_contexts=tuple(request.build_contexts),
        every_stage=every_stage,
        variables=variables,
        is_ignored=partial(is_ignored, request),
    )
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise DockerfileError(errors)
    return dockerfile, problems


def _check_text(request: BuildRequest) -> None:
    try:
        request.dockerfile.encode()
    except UnicodeEncodeError as error:
        line = request.source_map.own(request.dockerfile.count("\n", 0, error.start) + 1)
        raise DockerfileError(
            [Problem(line, f"{request.dockerfile[error.start]!r} is half of a character, which UTF-8 cannot encode")]
        ) from None


def has_buildkit(engine: Engine, request: BuildRequest) -> bool:
    """Whether a build would go to BuildKit: the engine has it, or a builder is named."""
    return request.builder not in ("", "default") or engine.capabilities.buildkit


def findings_are_errors(request: BuildRequest) -> bool:
    """Whether a finding of BuildKit's checks stops a build: `# check=error=true`."""
    directive = parse(request.dockerfile, request.source_map).directives.get("check", "")
    return check_options(directive, request.build_args).is_error


def frontend_of(request: BuildRequest) -> str:
    """The image that BuildKit runs to read the text, even for a check; "" for BuildKit's own frontend."""
    return request.build_args.get("BUILDKIT_SYNTAX") or parse(request.dockerfile, request.source_map).syntax


def _run(
    engine: Engine, request: BuildRequest, text: Dockerfile, problems: list[Problem], progress: Progress[BuildEvent]
) -> None:
    """Build, push, and emit the events."""
    by_buildkit = has_buildkit(engine, request)
    if not by_buildkit:
        engines.classic_build.refuse_unsupported(engine, request, text)
    title = request.tags[0] if request.tags else "image"
    planned = tuple(text.plan(request.target, request.build_args, classic=not by_buildkit))
    with closing(BuildLog(f"build-{title}", progress.emit)) as log:
        progress.emit(
            BuildStarted(
                title=title,
                engine=f"builder {request.builder}" if request.builder else engine.name,
                platform=request.platform or ("" if request.builder else engine.capabilities.platform),
                steps=planned,
                time=time.time(),
                spool=log.path,
            )
        )
        log.start()
        for problem in problems:
            progress.emit(BuildWarning(problem, problem.link))
        run = engines.buildkit_build.run_buildkit if by_buildkit else engines.classic_build.run_classic
        built = run(RunningBuild(engine, request, text, problems, planned, progress, log))
    progress.emit(built)
    if request.push and not request.builder:
        engines.build_push.push_built(engine, request.tags, progress)


def _concluder(request: BuildRequest, command: str) -> Callable[[BuildState, None], BuildResult]:
    began = time.time()

    def conclude(state: BuildState, _: None) -> BuildResult:
        ended = state.ended or time.time()
        return BuildResult(
            id=state.id,
            digest=state.digest,
            tags=request.tags,
            size=state.size,
            seconds=max(0.0, ended - began),
            state=replace(state, ended=ended),
            command=command,
        )

    return conclude
