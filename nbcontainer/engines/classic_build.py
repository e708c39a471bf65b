"""A build by an engine without BuildKit: `POST /build` with a tar, and a stream of text back."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from nbcontainer.buildkit.contexttar import ContextTar
from nbcontainer.buildkit.filestat import ContextError
from nbcontainer.buildkit.frontend import size_in_bytes
from nbcontainer.buildkit.patterns import read_ignore_file
from nbcontainer.buildkit.tree import Tree
from nbcontainer.byte_stream import Frozen
from nbcontainer.dockerfile import Dockerfile
from nbcontainer.engines.build_failures import build_failed, connection_lost, syntax_error
from nbcontainer.engines.build_ignore import bad_pattern, ignore_text
from nbcontainer.engines.build_output import BuildLog, RunningBuild
from nbcontainer.engines.classic_stream import ClassicTranslator
from nbcontainer.engines.config import proxies
from nbcontainer.engines.connection import Engine
from nbcontainer.engines.credentials import config_header, credentials
from nbcontainer.engines.events import Events
from nbcontainer.engines.exit_code import has_ended
from nbcontainer.engines.failures import plain
from nbcontainer.engines.http import quoted
from nbcontainer.engines.images import inspect
from nbcontainer.engines.images import tag as tag_image
from nbcontainer.engines.podman_steps import StepMark
from nbcontainer.engines.replies import ReplyStream
from nbcontainer.engines.silence import HEAD_SECONDS, Silence
from nbcontainer.errors import (
    ApiError,
    BuildFailed,
    EngineUnavailable,
    NbcontainerError,
    NotFound,
    Problem,
    Stopped,
    Unsupported,
    UsageError,
)
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of
from nbcontainer.model.build import BuildEvent, BuildRequest, BuildWarning, ImageBuilt
from nbcontainer.model.build_steps import StepState
from nbcontainer.model.references import parse_reference
from nbcontainer.operation import Progress

HEREDOC_PODMAN = (4, 8)  # the first Podman whose builder (buildah 1.33) supports heredocs
BAD_REQUEST, SERVER_ERROR = 400, 500

_BUILDKIT_CURE = "Use an engine with BuildKit: Docker 19.03 or newer."
_EXIT_CODE = re.compile(r"exit status (\d+)|returned a non-zero code: (\d+)|exit code:? (\d+)")


def run_classic(running: RunningBuild) -> ImageBuilt:
    """Build, and emit all events but the last, which is returned."""
    engine, tags = running.engine, running.request.tags
    translator = ClassicTranslator(running.dockerfile, running.planned, running.log)
    _run(running, translator)
    found: JsonObject = {}
    with suppress(ApiError):
        found = inspect(engine, translator.image_id)
    if not found:  # what looked like an id was a step's output, and the stream ended early
        raise _no_image(engine)
    image_id = text_of(found, "Id") or translator.image_id
    if not image_id.startswith("sha256:"):
        image_id = f"sha256:{image_id}"
    for tag in tags[1:]:
        tag_image(engine, tags[0], tag)
    return ImageBuilt(image_id, size=number_of(found, "Size"), time=time.time())


def refuse_unsupported(engine: Engine, request: BuildRequest, dockerfile: Dockerfile) -> None:
    """Refuse what an engine without BuildKit cannot do.

    Raises:
        Unsupported: names the first such thing.
    """
    podman = engine.is_podman
    for asked, what in (
        (request.secrets, "build secrets"),
        (request.ssh, "ssh agents"),
        (request.outputs, "`--output`"),
        (request.annotations, "annotations"),
        (request.allow, "`--allow`"),
        (request.build_contexts, "named build contexts"),
        (request.no_cache_filter, "`--no-cache-filter`"),
        (request.attributes, "attributes of BuildKit's frontend"),
        ("," in request.platform, "several platforms"),
        (request.context is not None and "://" in request.context, "a build context from a URL"),
    ):
        if asked:
            raise Unsupported(what, engine.name, cure=_BUILDKIT_CURE)
    heredocs = not podman or _version(engine.capabilities.version) < HEREDOC_PODMAN
    for instruction in dockerfile.instructions:
        line = dockerfile.own(instruction)[0]
        if instruction.heredocs and heredocs:
            cure = "Write RUN commands with && and \\, and put files into the context with `--add`."
            raise Unsupported(f"heredocs (line {line})", engine.name, cure=cure)
        if instruction.name == "RUN":
            mounts = instruction.flag_values("mount")
            if any("type=secret" in mount or "type=ssh" in mount for mount in mounts):
                raise Unsupported(f"secrets and ssh in RUN --mount (line {line})", engine.name, cure=_BUILDKIT_CURE)
            if instruction.flags and not podman:
                raise Unsupported(f"RUN --{instruction.flags[0].name} (line {line})", engine.name, cure=_BUILDKIT_CURE)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _run(running: RunningBuild, translator: ClassicTranslator) -> None:
    engine, request, dockerfile, progress = running.engine, running.request, running.dockerfile, running.progress
    mark = StepMark(engine.address if engine.is_podman else "", request.ulimits)
    try:
        tar = _context(engine, request, dockerfile)
        query = _query(engine, request, tar.dockerfile_name, mark)
    except (ValueError, ContextError) as error:
        raise UsageError(f"{error}.") from None
    headers = {"Content-Type": "application/x-tar", "X-Registry-Config": _logins(engine, dockerfile, running.log)}
    body = _until_stopped(tar, progress)
    begin = partial(
        engine.http().stream,
        "POST",
        "/build",
        query=query,
        body=body,
        headers=headers,
        timeout=HEAD_SECONDS,
        on_open=progress.on_stop,
    )
    try:
        failure = _follow(running, begin, translator)
    except ApiError as error:
        link = tar.outward_link
        if link is not None and error.status == SERVER_ERROR and engine.is_podman:  # its reply has no message
            raise BuildFailed(
                f"{engine.name} rejects the build context: the link {plain(link.path)} points outside of it, "
                f"to {plain(link.linkname)}.",
                cure="Exclude it in .dockerignore, or point it at a file in the context.",
            ) from None
        if error.status in (BAD_REQUEST, SERVER_ERROR):
            raise syntax_error(error.message, (), dockerfile) from None
        raise
    except (EngineUnavailable, Frozen) as error:
        if progress.stopping:
            raise
        raise connection_lost(engine.name, engine.address, getattr(error, "message", str(error))) from None
    finally:
        if progress.stopping and translator.runs_command:
            mark.end_running_step()
        translator.finish(StepState.STOPPED)
    if failure is not None:
        raise _failure(failure, request, dockerfile, translator)
    if not translator.image_id:
        raise _no_image(engine)


def _follow(
    running: RunningBuild, begin: Callable[[], ReplyStream], translator: ClassicTranslator
) -> JsonObject | None:
    """Translate the stream to its end; returns the message that says why the build failed, or None."""
    engine = running.engine
    with begin() as reply:
        built = Events(engine, reply)

        def is_behind() -> bool | None:
            """Whether the running step or the build has ended: nothing else can be known."""
            if translator.container and has_ended(engine, f"/containers/{translator.container}"):
                return True
            return True if any(_is_built(engine, built, tag) for tag in running.request.tags[:1]) else None

        def say(words: str) -> None:
            running.log.emit(BuildWarning(Problem(0, f"{words} from {engine.name}", "warning", source="engine")))

        Silence(reply.stream, engine.http().check_alive, is_behind, say)
        for message in reply.lines():
            if "error" in message or "errorDetail" in message:
                text = _message_of(message)
                translator.finish(StepState.FAILED, text, _exit_code(text, translator))
                return message
            translator.take(message)
    if translator.image_id:
        translator.finish()
    return None


def _is_built(engine: Engine, since: Events, tag: str) -> bool:
    """Whether an image was given that name; Podman reports only the ids of what was built."""
    if not engine.is_podman:
        return since.has("tag", str(parse_reference(tag).tagged()))
    with suppress(NotFound):
        return since.has("build", text_of(inspect(engine, tag), "Id").removeprefix("sha256:"))
    return False


def _no_image(engine: Engine) -> EngineUnavailable:
    return connection_lost(engine.name, engine.address, "it ended the build without naming an image.")


def _until_stopped(tar: ContextTar, progress: Progress[BuildEvent]) -> Iterator[bytes]:
    """The tar, until a stop is requested: then the upload breaks off, which stops the engine."""
    for piece in tar:
        if progress.stopping:
            raise Stopped("The build was stopped.")
        yield piece


def _context(engine: Engine, request: BuildRequest, dockerfile: Dockerfile) -> ContextTar:
    """The tar to send; the folder is in it only where an instruction reads it, or a base image's trigger may."""
    reads = dockerfile.uses_context(request.target, request.build_args) or _has_trigger(engine, request, dockerfile)
    tree = Tree(request.context if reads else None, request.files)
    ignored = ignore_text(request) if reads else None
    fault = bad_pattern(request) if ignored else None
    if fault is not None:
        raise fault
    return ContextTar(tree, request.dockerfile, read_ignore_file(ignored or ""))


def _has_trigger(engine: Engine, request: BuildRequest, dockerfile: Dockerfile) -> bool:
    """Whether a base image may have an ONBUILD; assumed of one that the engine does not have yet."""
    if request.context is None:
        return False
    for stage in dockerfile.reachable(request.target, request.build_args):
        base = dockerfile.base(stage, request.build_args)
        if base == "scratch" or dockerfile.parent(stage, request.build_args) is not None:
            continue
        try:  # its history, since Podman does not show the triggers in its configuration
            history = engine.http().json("GET", f"/images/{quoted(base)}/history") if base else None
        except ApiError:
            return True
        if not history or any("ONBUILD " in text_of(layer, "CreatedBy") for layer in entries_of(history)):
            return True
    return False


def _query(engine: Engine, request: BuildRequest, dockerfile_name: str, mark: StepMark) -> dict[str, object]:
    ulimits: list[object] = [_ulimit(text) for text in request.ulimits]
    add_hosts: object = ",".join(request.add_hosts)
    if engine.is_podman:  # which has its own formats for both, and rejects docker's
        ulimits = [*request.ulimits, *filter(None, [mark.ulimit])]
        add_hosts = [host.replace("=", ":", 1) for host in request.add_hosts]
    given: dict[str, object] = {
        "version": "1",  # the classic builder; "2" would be BuildKit
        "dockerfile": dockerfile_name,
        "t": request.tags[0] if request.tags else None,
        "rm": True,
        "forcerm": True,
        "nocache": request.no_cache or None,
        "pull": request.pull or None,
        "target": request.target or None,
        "platform": request.platform or None,
        "networkmode": request.network or None,
        "extrahosts": add_hosts or None,
        "shmsize": size_in_bytes(request.shm_size) if request.shm_size else None,
        "cgroupparent": request.cgroup_parent or None,
        "labels": dict(request.labels) or None,
        "buildargs": {**proxies(engine.address), **request.build_args} or None,
        "cachefrom": list(request.cache_from) or None,
        "ulimits": ulimits or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _ulimit(text: str) -> dict[str, object]:
    name, _, values = text.partition("=")
    soft, _, hard = values.partition(":")
    try:
        return {"Name": name, "Soft": int(soft), "Hard": int(hard or soft)}
    except ValueError:
        raise ValueError(f"ulimit {text!r}: write NAME=SOFT or NAME=SOFT:HARD") from None


def _logins(engine: Engine, dockerfile: Dockerfile, log: BuildLog) -> str:
    """The credentials of the registries that base images come from, and of no other."""

    def warn(text: str) -> None:
        log.emit(BuildWarning(Problem(0, text, "warning", source="credentials")))

    names = {dockerfile.base(stage) or "" for stage in dockerfile.stages}
    names |= {source for item in dockerfile.instructions for source in dockerfile.sources(item)}
    hosts = set()
    for name in names - {"", "scratch"}:
        try:
            hosts.add(parse_reference(name).host)
        except UsageError:
            continue
    return config_header({host: credentials(host, podman=engine.is_podman, warn=warn) for host in hosts})


def _message_of(message: JsonObject) -> str:
    detail = text_of(object_of(message.get("errorDetail")), "message")
    return detail or text_of(message, "error") or "the build failed"


def _failure(
    message: JsonObject, request: BuildRequest, dockerfile: Dockerfile, translator: ClassicTranslator
) -> NbcontainerError:
    text = _message_of(message)
    step = translator.step
    if step is None:
        return syntax_error(text, (), dockerfile)
    return build_failed(
        text,
        step=step.name,
        title=step.instruction,
        lines=step.lines,
        exit_code=_exit_code(text, translator),
        output="\n".join(translator.output),
        request=request,
    )


def _exit_code(error: str, translator: ClassicTranslator) -> int | None:
    """The exit code in an engine's message, where the failed step is a RUN."""
    step, found = translator.step, _EXIT_CODE.search(error)
    if step is None or found is None or step.instruction.split(" ", 1)[0].upper() != "RUN":
        return None
    return int(next(filter(None, found.groups())))
