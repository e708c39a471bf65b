"""What BuildKit's own checks say about a Dockerfile, without building it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from nbcontainer.buildkit.build import Build
from nbcontainer.buildkit.control import SolveOptions
from nbcontainer.buildkit.errors import SolveError
from nbcontainer.buildkit.filestat import ContextError
from nbcontainer.buildkit.rpc_status import Code, RpcError
from nbcontainer.dockerfile import parse
from nbcontainer.dockerfile.lint_rules import RULES, buildkits_name
from nbcontainer.engines.build_failures import short_reason, syntax_error
from nbcontainer.engines.buildkit_build import control_of, options_of, services_of, shared_key
from nbcontainer.engines.buildkit_failures import usage_fault
from nbcontainer.engines.connection import Engine
from nbcontainer.errors import DockerfileError, EngineUnavailable, Problem, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of
from nbcontainer.model.build import BuildRequest, BuildWarning

SECONDS = 10.0  # BuildKit may ask a registry about the base images
_NO_CHECKS = "unsupported request frontend.lint"  # of a frontend before 1.8 whose error has no details
_VIOLATION = re.compile(r"lint violation found for rules: (.+)")
_NO_VERDICT = (Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.CANCELLED)


def lint(engine: Engine, request: BuildRequest) -> list[Problem] | None:
    """The warnings of BuildKit's checks, and the error that would stop a build, in the order of the lines.

    None where its frontend has no checks (before 1.8). Checks that could not be finished are a warning without a line.

    Raises:
        EngineUnavailable: The builder that the request names cannot be reached.
        UsageError: There is no such builder, or BuildKit does not accept a value of the request.
    """
    warned: list[BuildWarning] = []
    try:
        asked = SolveOptions(frontend_attributes=options_of(engine, request).frontend_attributes)
        services = services_of(request, {}, warned.append)
    except (ValueError, ContextError) as error:
        raise UsageError(f"{error}.") from None
    control = control_of(engine, request.builder)
    build = Build(control, SolveOptions(), services, shared_key=shared_key(request), timeout=SECONDS)
    try:
        with build.opened() as gateway:
            answer = gateway.subrequest("frontend.lint", asked)
    except EngineUnavailable as error:
        if request.builder:
            raise
        return [_unfinished(error.message)]
    except RpcError as error:
        return _refusal(SolveError.of(error), request)
    found = [*(warning.problem for warning in warned), *_warnings(answer, request), *_errors(answer, request)]
    return sorted(found, key=lambda problem: problem.line)


def joined(own: Sequence[Problem], said: Sequence[Problem] | None) -> list[Problem]:
    """Our problems and BuildKit's, each once, in the order of the lines.

    Whether one of its rules finds something is for BuildKit to say, as it knows the base images. What we found too has
    our words, which say what to do.

    Args:
        own: what our checks found.
        said: what `lint` returned; None, or only a problem without a line, where BuildKit has said nothing.
    """
    has_spoken = said is not None and all(problem.line for problem in said)
    heard = {(problem.source, problem.line) for problem in said or ()}
    kept = [
        problem
        for problem in own
        if not has_spoken or problem.source not in RULES or (problem.source, problem.line) in heard
    ]
    known = {(buildkits_name(problem.source), problem.line) for problem in kept}
    further = [_explained(problem) for problem in said or () if (problem.source, problem.line) not in known]
    return sorted([*kept, *further], key=lambda problem: problem.line)


def _explained(problem: Problem) -> Problem:
    """BuildKit's finding with the link to the page of its rule."""
    return replace(problem, link=RULES[problem.source].link) if problem.source in RULES else problem


def _refusal(error: SolveError, request: BuildRequest) -> list[Problem] | None:
    """What a missing answer means: no checks, no time, or a text that the frontend cannot parse."""
    if error.subrequest or error.code is Code.UNIMPLEMENTED or _NO_CHECKS in error.message:
        return None
    if (fault := usage_fault(error.message, request)) is not None:
        raise fault
    if error.code in _NO_VERDICT:
        return [_unfinished(error.message)]
    return _verdict(error.message, error.lines, request)


def _unfinished(reason: str) -> Problem:
    return Problem(0, f"BuildKit's own checks could not be finished: {short_reason(reason).rstrip('.')}.", "warning")


def _verdict(message: str, lines: tuple[int, ...], request: BuildRequest) -> list[Problem]:
    """BuildKit's refusal, worded as a build would word it."""
    error = syntax_error(message, lines, parse(request.dockerfile, request.source_map))
    return list(error.problems) if isinstance(error, DockerfileError) else [Problem(0, error.message)]


def _errors(answer: JsonObject, request: BuildRequest) -> list[Problem]:
    """The error that would stop a build; the checks end there."""
    fault = object_of(answer.get("buildError"))
    if not fault:
        return []
    message, lines = text_of(fault, "message") or "the Dockerfile cannot be built", _lines(fault)
    violated = _VIOLATION.search(message)
    if violated is None or lines:
        return _verdict(message, lines, request)
    # `# check=error=true` turns the warnings of the same reply into errors; only they have lines
    rules = {rule.strip() for rule in violated[1].split(",")}
    found = [replace(item, severity="error") for item in _warnings(answer, request) if item.source in rules]
    return found or [Problem(0, message)]


def _warnings(answer: JsonObject, request: BuildRequest) -> Iterator[Problem]:
    for warning in entries_of(answer.get("warnings")):
        lines = _lines(warning)
        yield Problem(
            request.source_map.own(lines[0]) if lines else 0,
            text_of(warning, "detail") or text_of(warning, "description"),
            "warning",
            request.source_map.own(lines[-1]) if lines else 0,
            source=text_of(warning, "ruleName"),
        )


def _lines(found: JsonObject) -> tuple[int, ...]:
    """The first and the last line of a warning or an error, or none."""
    places = entries_of(object_of(found.get("location")).get("ranges"))
    starts = [line for place in places if (line := number_of(object_of(place.get("start")), "line"))]
    ends = [line for place in places if (line := number_of(object_of(place.get("end")), "line"))]
    return (min(starts), max(starts + ends)) if starts else ()
