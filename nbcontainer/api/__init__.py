"""The public calls: settings, protection, choice of engine and cluster; then an Operation or a result.

Each takes what docker's or kubectl's verb of that name takes. Engines and clusters meet here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbcontainer.errors import (
    DockerfileError,
    EngineUnavailable,
    NbcontainerError,
    Problem,
    Protected,
)
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.requests import request_from
from nbcontainer.model.results import Remark, Report
from nbcontainer.model.tables import Tone
from nbcontainer.protection import (
    Place,
    changes,
    guard,
    place_of_engine,
    places_of_builder,
    reads,
)
from nbcontainer.verbs.wording import in_python

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine as Connected
    from nbcontainer.model.build import BuildEvent, BuildResult, BuildState
    from nbcontainer.model.images import TransferEvent, TransferResult, TransferState
    from nbcontainer.model.tables import Table
    from nbcontainer.operation import Operation

NbcontainerError.word_cures(in_python)

__all__ = [
    "BuildRequest",
    "build",
    "check",
    "images",
    "pull",
    "push",
    "tag",
]


# --- images


@changes
def build(
    request: BuildRequest | str, *, command: Sequence[str] = (), engine: str = "", **fields: Any
) -> Operation[BuildEvent, BuildState, BuildResult]:
    """Build an image.

    Every build is a call that changes, with `outputs` too: its RUN steps, the ONBUILD steps of its base image and the
    frontend that a `# syntax=` names are executed where it is built, and fill the cache there.

    Args:
        request: what to build, or the Dockerfile's text, with `fields` as `BuildRequest` names them.
        command: the words of the docker command, for the result; () for those that the request gives.
        engine: a docker context, an address or "podman"; "" for the one in use. So for all calls of an engine.
        **fields: `BuildRequest`'s fields, where `request` is a text.

    Raises:
        DockerfileError: the text has faults that can be known before anything is sent; all of them.
        EngineUnavailable: no engine answers.
        Protected: the engine is protected and not named. So for all calls that change something.
    """
    from nbcontainer.engines.build import build as engine_build  # noqa: PLC0415 - loads with the first build

    asked = request_from(BuildRequest, request, fields, by="dockerfile")
    try:
        found = _engine(engine)
        _guard_building(places_of_builder(asked.builder), engine, asked.builder)
    except (EngineUnavailable, Protected):
        _faults(asked)  # they need no engine, and come first
        raise
    return engine_build(found, asked, command=command)


@reads
def check(request: BuildRequest | str, *, engine: str = "", **fields: Any) -> Report:
    """Check a Dockerfile without building it; where an engine with BuildKit answers, by BuildKit's own checks too.

    A frontend that the text names is an image, which is run for those checks: a protected engine is not asked for them.

    Args:
        request: what would be built, or the Dockerfile's text.
        engine: as for `build`.
        **fields: `BuildRequest`'s fields, where `request` is a text.

    Raises:
        DockerfileError: it has faults, or BuildKit would not build it; each with the person's own line.
        EngineUnavailable: the builder that the request names cannot be reached.
    """
    asked = request_from(BuildRequest, request, fields, by="dockerfile")
    problems = _faults(asked)
    known = {(problem.source, problem.line) for problem in problems}
    linted = _lint(asked, engine)
    errors = [problem for problem in linted if problem.severity == "error"]
    if errors:
        raise DockerfileError(errors)
    problems += [found for found in linted if (found.source, found.line) not in known]
    if not problems:
        return Report((Remark("The Dockerfile has no faults that can be seen without building it."),))
    return Report(
        tuple(
            Remark(f"line {p.line}: {p.message}" if p.line else p.message, Tone.WARNING, p.suggestion)
            for p in sorted(problems, key=lambda problem: problem.line)
        ),
    )


def _faults(request: BuildRequest) -> list[Problem]:
    """The warnings about a text, which need no engine; its errors are raised."""
    from nbcontainer.engines.build import check_request  # noqa: PLC0415 - loads with the first build

    return list(check_request(request)[1])


def _lint(request: BuildRequest, engine: str) -> list[Problem]:
    from nbcontainer.engines.build import frontend_of, has_buildkit  # noqa: PLC0415 - loads with the first build

    try:
        found = _engine(engine)
    except EngineUnavailable:
        return []
    if not has_buildkit(found, request):
        return []
    if frontend := frontend_of(request):
        try:
            places = places_of_builder(request.builder) or [place_of_engine(found)]
            changes(_guard_building)(places, engine, request.builder)
        except Protected as refusal:
            left_out = f"BuildKit's own checks were left out: {frontend} is run for them, and the engine is protected."
            return [Problem(0, left_out, "warning", suggestion=refusal.cure)]
    from nbcontainer.engines.build_lint import lint  # noqa: PLC0415 - seldom

    return lint(found, request)


@changes
def push(image: str, *, engine: str = "") -> Operation[TransferEvent, TransferState, TransferResult]:
    """Push an image to the registry that its name says.

    Raises (from `result()`):
        AuthFailed: the registry does not accept the credentials, or wants some.
        PushFailed: it did not complete.
        NotFound: there is no such image.
        EngineUnavailable: the engine went away.
    """
    from nbcontainer.engines import images as engine_images  # noqa: PLC0415 - loads with the first call

    return engine_images.push(_engine(engine), image)


@changes
def pull(
    image: str, *, platform: str = "", engine: str = ""
) -> Operation[TransferEvent, TransferState, TransferResult]:
    """Pull an image; raises from `result()` as `push` does, with PullFailed in place of PushFailed."""
    from nbcontainer.engines import images as engine_images  # noqa: PLC0415 - loads with the first call

    return engine_images.pull(_engine(engine), image, platform=platform)


@changes
def tag(image: str, target: str, *, engine: str = "") -> Report:
    """Give an image a further name."""
    from nbcontainer.engines import images as engine_images  # noqa: PLC0415 - loads with the first call

    found = _engine(engine)
    engine_images.tag(found, image, target)
    return Report((Remark(f"{image} is also {target}"),), found.commands.command("tag", image, target))


@reads
def images(*, name: str = "", all: bool = False, engine: str = "") -> Table:  # noqa: A002 - docker's own flag
    """The table of images in the engine's store."""
    from nbcontainer.engines import images as engine_images  # noqa: PLC0415 - loads with the first call

    return engine_images.images(_engine(engine), name, every=all)


# --- what they share


def _engine(name: str = "") -> Connected:
    """The engine of that name, or the one in use; where the call changes something, it must not be protected."""
    from nbcontainer.engines.connection import find_engine  # noqa: PLC0415 - loads with the first call

    engine = find_engine(name)
    guard(place_of_engine(engine), name)
    return engine


def _guard_building(places: Sequence[Place], engine: str, builder: str) -> None:
    """Refuse to build where it is protected; a buildkitd is named by `builder`, for no context leads to it."""
    for place in places:
        guard(place, engine, builder if place.kind == "buildkitd" else "")
