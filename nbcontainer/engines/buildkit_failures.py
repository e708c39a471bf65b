"""What a failed Solve means: an error of a step, the text, the connection, or the user's own options."""

from __future__ import annotations

from nbcontainer.buildkit.errors import SolveError
from nbcontainer.buildkit.rpc_status import Code
from nbcontainer.buildkit.session import OutputError
from nbcontainer.dockerfile import Dockerfile, Instruction
from nbcontainer.engines.build_failures import build_failed, connection_lost, own_lines, syntax_error
from nbcontainer.engines.build_ignore import bad_pattern
from nbcontainer.engines.build_status import StatusTranslator
from nbcontainer.engines.config import configured_commands
from nbcontainer.engines.connection import Engine
from nbcontainer.engines.failures import plain
from nbcontainer.errors import ApiError, BuildFailed, NbcontainerError, UsageError
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.build_steps import BuildStep
from nbcontainer.model.references import parse_reference

_METADATA = "[internal] load metadata for "
_NO_BUILDX = "unknown flag: --builder"  # docker's
_NO_BUILDER = "no builder "  # buildx's own words


def solve_failure(
    error: SolveError, engine: Engine, request: BuildRequest, dockerfile: Dockerfile, translator: StatusTranslator
) -> NbcontainerError:
    """The error that a failed Solve means."""
    failed = error.step or translator.failed
    where = f"builder {request.builder}" if request.builder else engine.name
    if isinstance(error, OutputError):
        return BuildFailed(
            f"The output of {where} did not arrive: {plain(error.message)}.",
            cure="A folder may contain part of it; a file is unchanged.",
        )
    if (fault := usage_fault(error.message, request)) is not None:
        return fault
    # an error too long for HTTP/2's headers breaks the connection; the step's status has reported it before
    if error.code is Code.UNAVAILABLE and not translator.error(failed):
        return connection_lost(where, request.builder or engine.address, f"{error.message.rstrip('.')}.")
    if error.code is Code.UNIMPLEMENTED and not failed:
        return ApiError(f"{where} cannot do this build: {error.message}.", reason="unimplemented")
    step = translator.step(failed)
    if step is None and error.exit_code is None:
        return syntax_error(error.message, error.lines, dockerfile)
    at_fault = _at_fault(error, step, dockerfile)
    lines = own_lines(error.lines, request.source_map) or (step.lines if step else None)
    title = step.instruction if step is not None and not step.internal else ""
    if at_fault is not None:
        lines, title = lines or dockerfile.own(at_fault), title or at_fault.title
    return build_failed(
        translator.error(failed) or error.message,
        step=step.name if step else "",
        title=title,
        lines=lines,
        exit_code=error.exit_code,
        output=translator.output(failed),
        request=request,
    )


def usage_fault(message: str, request: BuildRequest) -> UsageError | None:
    """The error where the user's options, not the text, are at fault: an unknown builder, an invalid pattern."""
    if request.builder and _NO_BUILDER in message:
        return UsageError(
            f"There is no builder {request.builder}.",
            cure=f"`{configured_commands().docker('buildx', 'ls')}` lists the builders.",
        )
    if request.builder and _NO_BUILDX in message:
        return UsageError(
            f"`--builder={request.builder}` needs docker's buildx plugin, which is not installed.",
            cure="Install it, or name the address of a buildkitd: `--builder=tcp://HOST:PORT`.",
        )
    if "multiple references to image store" in message:
        return UsageError(
            f"This engine stores images of a single platform, and {request.platform} names several.",
            cure="Name one, or enable the engine's containerd image store.",
        )
    if "syntax error in pattern" in message or "invalid path pattern" in message:
        return bad_pattern(request)
    return None


def _at_fault(error: SolveError, step: BuildStep | None, dockerfile: Dockerfile) -> Instruction | None:
    """The instruction at an error's lines, or, where the engine reports none, the one that names the missing image."""
    if error.lines:
        return next((item for item in dockerfile.instructions if item.line <= error.lines[0] <= item.end_line), None)
    name = step.name if step else ""
    if not name.startswith(_METADATA):
        return _by_text(step, dockerfile) if step else None
    for stage in dockerfile.stages:
        for item in (stage.start, *stage.instructions):
            named = [dockerfile.base(stage)] if item is stage.start else dockerfile.sources(item)
            if name.removeprefix(_METADATA) in [_full_name(source) for source in named if source]:
                return item
    return None


def _by_text(step: BuildStep, dockerfile: Dockerfile) -> Instruction | None:
    """The instruction of a step that is known only by its text; an old engine names the step of an ADD by its URL."""
    for item in dockerfile.instructions:
        if item.title == step.instruction or (item.name == "ADD" and step.name in item.arguments[:-1]):
            return item
    return None


def _full_name(image: str) -> str:
    """An image's name as BuildKit writes it: docker.io/library/busybox:latest."""
    try:
        reference = parse_reference(image).tagged()
    except UsageError:
        return ""
    tag = f":{reference.tag}" if reference.tag else ""
    digest = f"@{reference.digest}" if reference.digest else ""
    return f"{reference.host}/{reference.repository}{tag}{digest}"
