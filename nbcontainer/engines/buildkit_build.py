"""A build by BuildKit: our request becomes a Solve, its Status our events."""

from __future__ import annotations

import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from nbcontainer.buildkit import frontend
from nbcontainer.buildkit.build import Build
from nbcontainer.buildkit.control import Control, SolveOptions
from nbcontainer.buildkit.destination import Destination, DestinationError, replacement
from nbcontainer.buildkit.errors import SolveError
from nbcontainer.buildkit.filestat import ContextError
from nbcontainer.buildkit.messages import Entry
from nbcontainer.buildkit.session import Services
from nbcontainer.buildkit.tokens import Login
from nbcontainer.buildkit.tree import Tree
from nbcontainer.byte_stream import Stream
from nbcontainer.dockerfile.lint_rules import buildkits_name
from nbcontainer.engines.build_ignore import ignore_text
from nbcontainer.engines.build_output import RunningBuild
from nbcontainer.engines.build_status import StatusTranslator
from nbcontainer.engines.builders import nodes_of
from nbcontainer.engines.buildkit_failures import solve_failure
from nbcontainer.engines.child_process import dial_command
from nbcontainer.engines.config import configured_commands, proxies
from nbcontainer.engines.connection import Engine
from nbcontainer.engines.credentials import credentials
from nbcontainer.engines.dial import dial
from nbcontainer.engines.failures import plain
from nbcontainer.engines.images import inspect
from nbcontainer.engines.url_handlers import URL_HANDLERS
from nbcontainer.errors import ApiError, EngineUnavailable, Problem, UsageError
from nbcontainer.json_objects import number_of
from nbcontainer.model.build import BuildRequest, BuildWarning, ImageBuilt

_REMOTE = re.compile(r"^(https?://|git://|git@|ssh://|oci-layout://|docker-image://|target:|input:)")
FIRST_WITH_LIMITS = 23  # the first Docker whose BuildKit applies limits to steps
_IMAGE_ID = "containerimage.config.digest"
_MANIFEST = "containerimage.digest"

Output = Path | Callable[[], AbstractContextManager[BinaryIO]]
"""A folder to fill, or a function that opens a file."""

_lock = threading.Lock()


def run_buildkit(running: RunningBuild) -> ImageBuilt:
    """Build, and emit all events but the last, which is returned."""
    engine, request = running.engine, running.request
    for ignored in _ignored(engine, request):
        running.log.emit(ignored)
    known = [(buildkits_name(problem.source), problem.line) for problem in running.problems]
    translator = StatusTranslator(
        running.planned, request.source_map, running.log, known, build_args=request.build_args
    )
    response = _solve(running, translator)
    translator.finish()
    translator.finish_planned()
    return _built(engine, request, response)


def _solve(running: RunningBuild, translator: StatusTranslator) -> dict[str, str]:
    engine, request = running.engine, running.request
    control = control_of(engine, request.builder)
    with _loading(engine, request) as outputs:
        try:
            options = options_of(engine, request)
            services = services_of(request, outputs, running.log.emit)
        except (ValueError, ContextError) as error:
            raise UsageError(f"{error}.") from None
        build = Build(
            control,
            options,
            services,
            shared_key=shared_key(request),
            on_status=translator.take,
            on_source_map=translator.learn_lines,
        )
        running.progress.on_stop(build.cancel)
        try:
            return build.run()
        except SolveError as error:
            translator.finish(error.step or translator.failed, succeeded=False)
            raise solve_failure(error, engine, request, running.dockerfile, translator) from None


def _ignored(engine: Engine, request: BuildRequest) -> list[BuildWarning]:
    """A warning for each flag that an old engine accepts and ignores."""
    version = engine.capabilities.version
    if request.builder or not version[:1].isdigit() or int(version.partition(".")[0]) >= FIRST_WITH_LIMITS:
        return []
    given = {"--ulimit": request.ulimits, "--shm-size": request.shm_size, "--cgroup-parent": request.cgroup_parent}
    text = "{} is ignored: " + f"{engine.name} does not support it, Docker {FIRST_WITH_LIMITS}.0 and newer do"
    return [
        BuildWarning(Problem(0, text.format(flag), "warning", source="engine"))
        for flag, value in given.items()
        if value
    ]


def control_of(engine: Engine, builder: str) -> Control:
    """The connection to the engine's BuildKit, or to a builder; kept for later calls.

    A forked child makes its own: it has no threads.
    """
    builder = "" if builder == "default" else builder  # buildx's name for the engine's own
    with _lock:
        kept = engine.controls
        key = (builder, tuple(nodes_of(builder)), os.getpid())  # the name may mean another builder since
        control = kept.get(key)
        if control is None:
            control = kept[key] = (
                Control(lambda: _builder_stream(builder), name=builder)
                if builder
                else Control(engine.open_stream, name=engine.name)
            )
        return control


def close_connections(engine: Engine) -> None:
    """Close the connections to an engine's BuildKit and its builders; builds that use them fail."""
    with _lock:
        kept, engine.controls = engine.controls, {}
    for (*_, process), control in kept.items():
        if process == os.getpid():
            control.close()


def _builder_stream(builder: str) -> Stream:
    """A stream to a buildkitd's address, or to a buildx builder by its name."""
    try:
        if "://" in builder:
            return dial(builder)
        return dial_command(["docker", "buildx", "dial-stdio", "--builder", builder])
    except OSError as error:
        raise EngineUnavailable(
            f"The builder {builder} cannot be reached: {error.strerror or error}",
            tried=(builder,),
            cure=f"`{configured_commands().docker('buildx', 'ls')}` lists the builders.",
        ) from None


def shared_key(request: BuildRequest) -> str:
    """The daemon's key for the context, by which unchanged files are not sent again: its absolute path."""
    return f"nbcontainer:{Path(request.context).resolve()}" if request.context is not None else "nbcontainer"


def options_of(engine: Engine, request: BuildRequest) -> SolveOptions:
    """A request as BuildKit's options."""
    contexts = {name: _named_context(name, value)[1] for name, value in request.build_contexts.items()}
    remote = request.context if request.context is not None and _REMOTE.match(request.context) else ""
    attributes = frontend.DockerfileFlags(
        target=request.target,
        build_args={**_proxies(engine, request), **request.build_args},
        labels=request.labels,
        platforms=[part.strip() for part in request.platform.split(",") if part.strip()],
        no_cache=request.no_cache,
        no_cache_filter=request.no_cache_filter,
        pull=request.pull,
        add_hosts=request.add_hosts,
        network=request.network,
        shm_size=request.shm_size,
        ulimits=request.ulimits,
        cgroup_parent=request.cgroup_parent,
        contexts=contexts,
        context=remote,
    ).attributes()
    if remote:
        attributes["dockerfilekey"] = "dockerfile"
    attributes.update(request.attributes)
    return SolveOptions(
        frontend_attributes=attributes,
        exporters=[_exporter(request)],
        cache_imports=[frontend.entry(text, default_type="registry") for text in request.cache_from],
        entitlements=sorted({*request.allow, *([frontend.NETWORK_HOST] if request.network == "host" else [])}),
    )


def _proxies(engine: Engine, request: BuildRequest) -> dict[str, str]:
    """The proxies of docker's configuration, as build arguments; the user's own take precedence."""
    return {name: value for name, value in proxies(engine.address).items() if name not in request.build_args}


def _exporter(request: BuildRequest) -> Entry:
    """Where the image goes: an engine keeps it itself; a builder pushes it, or sends it here to be loaded."""
    attributes = {f"annotation.{name}": value for name, value in request.annotations.items()}
    if request.tags:
        attributes["name"] = ",".join(request.tags)
    if request.outputs:
        kind, more, _ = _output(request.outputs)
        return Entry(type=kind, attributes={**attributes, **more})
    if not request.builder:
        return Entry(type="moby", attributes=attributes)
    if request.push:
        return Entry(type="image", attributes={**attributes, "push": "true"})
    return Entry(type="docker", attributes=attributes)


def _output(outputs: Sequence[str]) -> tuple[str, dict[str, str], Path]:
    """One `--output`: its type, the exporter's attributes, and the file or folder that it goes to.

    Raises:
        ValueError: it cannot be written here.
    """
    if len(outputs) > 1:
        raise ValueError("`--output`: only one is supported")
    text = outputs[0]
    found = frontend.entry(f"type=local,dest={text}" if "=" not in text else text)
    attributes = dict(found.attributes)
    place = attributes.pop("dest", "")
    target = Path(place).expanduser()
    if found.type not in ("local", "tar", "oci", "docker") or place in ("", "-"):
        raise ValueError(f"`--output` {text!r}: write a folder, or type=local, tar, oci or docker with dest=PATH")
    if found.type != "local" and target.is_dir():
        raise ValueError(f"`--output` {text!r}: {target} is a folder")
    if not target.parent.is_dir():
        raise ValueError(f"`--output` {text!r}: the folder {target.parent} does not exist")
    return found.type, attributes, target


def _named_context(name: str, value: str) -> tuple[str, str]:
    """A named context: the tree that serves it ("" for none), and the frontend's attribute."""
    if _REMOTE.match(value):
        return "", value
    return frontend.local_context(name)


def services_of(request: BuildRequest, outputs: Mapping[str, Output], warn: Callable[[BuildWarning], None]) -> Services:
    """What BuildKit may ask for: files, secrets, logins, agents, and where `outputs` go."""
    files = {"Dockerfile": request.dockerfile.encode()}
    if request.ignore is not None or request.files:  # else the daemon reads the context's own
        ignored = ignore_text(request)
        if ignored is not None:
            files["Dockerfile.dockerignore"] = ignored.encode("utf-8", "surrogateescape")
    trees = {"dockerfile": Tree(None, files)}
    if request.context is None or not _REMOTE.match(request.context):
        trees["context"] = Tree(request.context, request.files)
    for name, value in request.build_contexts.items():
        tree = _named_context(name, value)[0]
        if tree:
            try:
                trees[tree] = Tree(value)
            except ContextError as error:
                raise UsageError(f"`--build-context` {name}: {error}.") from None

    def login(host: str) -> Login | None:
        def report(text: str) -> None:
            warn(BuildWarning(Problem(0, text, "warning", source="credentials")))

        found = credentials(host, warn=report)
        if found is None or found.kind == "registry token":
            return None  # a bearer token is for the registry itself, and BuildKit never asks for one
        return Login(found.username, found.secret)

    return Services(
        trees=trees,
        secrets={secret.id: secret.read for secret in request.secrets},
        login=login,
        http_handlers=URL_HANDLERS,
        ssh=request.ssh,
        outputs={name: opener for name, opener in outputs.items() if callable(opener)},
        output_folders={name: folder for name, folder in outputs.items() if not callable(folder)},
    )


def _try_folder(target: Path) -> None:
    """Create the folder of an output before the build, to report at once that it cannot be created."""
    try:
        Destination(target).close()
    except DestinationError as error:
        raise UsageError(f"`--output`: {plain(str(error))}.") from None


@contextmanager
def _loading(engine: Engine, request: BuildRequest) -> Iterator[Mapping[str, Output]]:
    """Where `--output` goes, or where a builder's image is received, to be loaded into the engine once it is whole."""
    if request.outputs:
        try:
            kind, _, target = _output(request.outputs)
        except ValueError as error:
            raise UsageError(f"{error}.") from None
        if kind == "local":
            _try_folder(target)
        yield {"0": target if kind == "local" else lambda: replacement(target)}
        return
    if not request.builder or request.push:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="nbcontainer-image-") as folder:
        path = Path(folder, "image.tar")
        yield {"0": lambda: path.open("wb")}
        if not path.exists():
            raise ApiError(f"The builder {request.builder} sent no image.", reason="no image")
        with path.open("rb") as image:
            pieces = iter(lambda: image.read(1 << 20), b"")
            headers = {"Content-Type": "application/x-tar", "Content-Length": str(path.stat().st_size)}
            with engine.http().stream(
                "POST", "/images/load", query={"quiet": True}, body=pieces, headers=headers
            ) as reply:
                for line in reply.lines():
                    if line.get("error"):
                        raise ApiError(f"{engine.name} cannot load the image: {line['error']}", reason="load")


def _built(engine: Engine, request: BuildRequest, response: Mapping[str, str]) -> ImageBuilt:
    image_id, digest = response.get(_IMAGE_ID, ""), response.get(_MANIFEST, "")
    pushed = bool(request.builder and request.push)
    size = (
        0 if pushed or request.outputs else image_size(engine, request.tags[0] if request.tags else image_id or digest)
    )
    if digest == image_id:
        digest = ""  # an engine's own store has no manifest until the image is pushed
    return ImageBuilt(image_id or digest, digest, size, pushed=pushed, time=time.time())


def image_size(engine: Engine, name: str) -> int:
    """The size of an image in bytes; 0 where the engine does not report it."""
    with suppress(ApiError, EngineUnavailable):
        return number_of(inspect(engine, name), "Size") if name else 0
    return 0
