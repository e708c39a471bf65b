"""Why a build failed, in plain words, with the user's own lines."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from nbcontainer.dockerfile import Dockerfile, Instruction
from nbcontainer.engines.build_ignore import is_ignored
from nbcontainer.engines.failures import plain
from nbcontainer.errors import BuildFailed, DockerfileError, EngineUnavailable, NbcontainerError, Problem
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.source_map import SourceMap

TAIL_LINES = 200  # of the failed step's output, in the error
TITLE_CHARACTERS = 80
LONG_LINE = 1 << 16
COMMAND_NOT_FOUND, NOT_EXECUTABLE, KILLED = 127, 126, 137

_EXIT_CODE = re.compile(r"\bexit code: (\d{1,3})$")
_PARSE = re.compile(r"^[Dd]ockerfile parse error (?:on )?line (\d+): ")
_OLD_FRONTEND = "failed to solve with frontend dockerfile.v0: "  # the prefix of Docker 20.10's messages alone
_OLD_CURE = (
    "This engine's Dockerfile frontend is old: "
    "make `# syntax=docker/dockerfile:1` the first line, or use a newer engine."
)
_CONTEXTS = "unsupported frontend capability moby.buildkit.frontend.contexts"
_UNTERMINATED = "unterminated heredoc"
_LINE_TOO_LONG = "dockerfile line greater than max allowed size"
_NOISE = (
    _OLD_FRONTEND,
    "failed to solve: ",
    "failed to compute cache key: ",
    "failed to build LLB: ",
    "failed to create LLB definition: ",
    "failed to walk: ",
    "rpc error: code = Unknown desc = ",
    "executor failed running: ",
    "error from sender: ",
)
_CHECKSUM = re.compile(r'failed to calculate checksum of ref [^"]*("[^"]*": not found)')
_PODMAN_STEP = re.compile(r'^(?:error )?building at STEP ".*?": (?=\S)', re.DOTALL)
_PODMAN_SOURCE = re.compile(r'checking on sources under "[^"]*": copier: stat: ')
_METADATA = re.compile(r"^(\S+): failed to resolve source metadata for \1: (?=\S)")
_MISSING = re.compile(r'"(/[^"]*)":? (?:not found|no such file)')
_DID_YOU_MEAN = re.compile(r"^(.*) \(did you mean (.*)\?\)$", re.DOTALL)


def build_failed(
    message: str,
    *,
    step: str,
    title: str,
    lines: tuple[int, int] | None,
    exit_code: int | None,
    output: str,
    request: BuildRequest,
) -> BuildFailed:
    """The error of a failed step.

    Args:
        message: the engine's own words.
        step: the step's name, as the engine says it.
        title: its instruction, on one line.
        lines: the user's own lines.
        exit_code: its process's exit code, if there was one.
        output: the last lines that it wrote.
        request: the build.
    """
    if exit_code is None:
        exit_code = exit_code_of(message)
    title = plain(title)
    if len(title) > TITLE_CHARACTERS:
        title = title[: TITLE_CHARACTERS - 1] + "…"
    reason = short_reason(message)
    where = f"line {lines[0]}: " if lines else ""
    if exit_code:
        text = f"{where}{title or 'a step'} ended with exit code {exit_code}."
    else:
        text = f"{where}{title} failed: {reason}" if title else f"{where}{reason}"
    tail = "\n".join(output.splitlines()[-TAIL_LINES:])
    return BuildFailed(
        text,
        step=step,
        lines=lines,
        exit_code=exit_code or None,
        output=tail,
        cure=_cure(reason, exit_code, title, request),
    )


def connection_lost(where: str, address: str, what: str) -> EngineUnavailable:
    """The error of a build whose engine or builder went away."""
    return EngineUnavailable(
        f"The connection to {where} was lost during the build: {what}",
        tried=(address,),
        cure="Check whether it is still running, and build again.",
    )


def short_reason(message: str) -> str:
    """The engine's message without the prefixes that its layers added."""
    reason = plain(message).strip()
    changed = True
    while changed:
        changed = False
        for noise in _NOISE:
            if reason.startswith(noise):
                reason, changed = reason[len(noise) :], True
    reason = _METADATA.sub("", _PODMAN_SOURCE.sub("", _PODMAN_STEP.sub("", reason)))
    found = _CHECKSUM.search(reason)
    return found[1] if found else reason


def exit_code_of(message: str) -> int | None:
    """The exit code of a step's command, which BuildKit's status has only in words."""
    found = _EXIT_CODE.search(message)
    return int(found[1]) if found else None


def syntax_error(message: str, lines: tuple[int, ...], dockerfile: Dockerfile) -> NbcontainerError:
    """The error where the frontend, not a step, rejects the text."""
    own = dockerfile.source_map.own
    is_old = message.startswith(_OLD_FRONTEND)
    short = short_reason(message)
    found = _PARSE.match(short)
    if found and not lines:
        lines = (int(found[1]),)
    reason = _PARSE.sub("", short)
    hint = _DID_YOU_MEAN.match(reason)
    suggestion = ""
    if hint:
        reason, suggestion = hint[1], f"Did you mean {hint[2]}?"
    if reason.startswith(_LINE_TOO_LONG):  # BuildKit names the line before it
        lines = _too_long_lines(dockerfile) or lines
    if is_old and _CONTEXTS in reason:
        return BuildFailed("This engine's Dockerfile frontend does not support named build contexts.", cure=_OLD_CURE)
    if not lines:
        return BuildFailed(reason)
    cure = ""
    heredoc = next(
        (item for item in dockerfile.instructions if item.heredocs and item.line <= lines[0] <= item.end_line), None
    )
    if heredoc is not None and (is_old or reason == _UNTERMINATED):
        lines = (heredoc.line,)
        reason = (
            "this engine's Dockerfile frontend does not support heredocs"
            if is_old
            else _too_long(dockerfile, heredoc) or reason
        )
    if is_old and not suggestion:
        cure = _OLD_CURE
    problem = Problem(own(lines[0]), reason, end_line=own(lines[-1]), suggestion=suggestion)
    return DockerfileError([problem], cure=cure)


def _too_long(dockerfile: Dockerfile, heredoc: Instruction) -> str:
    """Why the engine's parser does not find a heredoc's end, though it is there: it gives up at a very long line."""
    longest = max(map(len, dockerfile.text.split("\n")[heredoc.line - 1 : heredoc.end_line]), default=0)
    if longest < LONG_LINE:
        return ""
    return f"the engine's parser cannot read the heredoc's line of {longest:,} characters; put the text into a file"


def _too_long_lines(dockerfile: Dockerfile) -> tuple[int, ...]:
    """The first line that BuildKit's parser cannot read."""
    lines = enumerate(dockerfile.text.split("\n"), 1)
    return next(((number,) for number, line in lines if len(line.encode()) >= LONG_LINE), ())


def own_lines(lines: Sequence[int], source_map: SourceMap) -> tuple[int, int] | None:
    """The user's own first and last line for lines of the Dockerfile."""
    return (source_map.own(lines[0]), source_map.own(lines[-1])) if lines else None


def _missing_file(reason: str, request: BuildRequest) -> str:
    """What to do about a file that COPY does not find: it is ignored, or another has a similar name."""
    where = "the files given by `--add`" if request.context is None else f"the build context {_folder(request.context)}"
    found = _MISSING.search(reason)
    if found is None or "://" in (request.context or ""):
        return f"Paths are relative to {where}; .dockerignore may leave files out."
    path = found[1].lstrip("/")
    folder, _, name = path.rpartition("/")
    here = {given.rpartition("/")[2] for given in request.files if given.rpartition("/")[0] == folder}
    if request.context is not None:
        disk = Path(request.context, folder)
        if os.path.lexists(disk / name):
            return _not_sent(path, disk / name, where, request)
        with contextlib.suppress(OSError):
            here.update(entry.name for entry in disk.iterdir())
    near = difflib.get_close_matches(name, here - {name}, 1, 0.6)
    hint = f"Did you mean {folder + '/' if folder else ''}{plain(near[0])}? " if near else ""
    return f"{hint}Paths are relative to {where}."


def _not_sent(path: str, file: Path, where: str, request: BuildRequest) -> str:
    if is_ignored(request, path):
        return f"{path} is in {where}, but .dockerignore leaves it out."
    if file.is_symlink():
        return f"{path} is a link to {plain(str(file.readlink()))}, which is not in {where}."
    return f"Paths are relative to {where}; .dockerignore may leave files out."


def _folder(context: str) -> str:
    """A build context as its full path: "." says little, and gets lost at the end of a sentence."""
    return context if "://" in context else str(Path(context).expanduser().resolve())


def _cure(reason: str, exit_code: int | None, title: str, request: BuildRequest) -> str:  # noqa: PLR0911 - one per cause
    folded = reason.lower()
    word = title.split(" ", 1)[0].upper()
    if exit_code == COMMAND_NOT_FOUND:
        return "The image has no such command: install it in an earlier step, or check its spelling."
    if exit_code == NOT_EXECUTABLE:
        return "The file is not executable: RUN chmod +x, or COPY --chmod=755."
    if exit_code == KILLED:
        return "It was killed, often because memory ran out."
    if exit_code:
        return ""
    if any(word in folded for word in ("authorization", "unauthorized", "401", "pull access denied", "403 forbidden")):
        return "Check the image's name; if it is private, log in first: `%docker login REGISTRY`."
    missing = "not found" in folded or "no such file" in folded or "manifest unknown" in folded
    # before the check for secrets: a file may be named secret
    if word in ("COPY", "ADD") and missing and "--from" not in title:
        return _missing_file(reason, request)
    if "secret" in folded and ("not found" in folded or "not given" in folded):
        return "Give the secret: `--secret=id=NAME,env=VARIABLE` or `--secret=id=NAME,src=FILE`."
    if "no such host" in folded or "failed to do request" in folded:
        return "The registry cannot be reached: check the image's name, the network and the engine's mirrors."
    if (word == "FROM" and missing) or (not word and missing and "no such file" not in folded):
        return "Check the image's name and tag."
    return ""
