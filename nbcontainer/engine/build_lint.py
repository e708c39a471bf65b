"""What BuildKit's own checks say of a Dockerfile, without building it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nbcontainer.buildkit.build import Build
from nbcontainer.buildkit.control import SolveOptions
from nbcontainer.buildkit.errors import SolveError
from nbcontainer.buildkit.rpc_status import RpcError
from nbcontainer.buildkit.session import Services
from nbcontainer.buildkit.tree import Tree
from nbcontainer.engine.buildkit_build import control_of, options_of
from nbcontainer.errors import EngineUnavailable, Problem

if TYPE_CHECKING:
    from nbcontainer.engine.connection import Engine
    from nbcontainer.model.build import BuildRequest

__all__ = ["lint"]

SECONDS = 10.0  # BuildKit may ask a registry about the base images


def lint(engine: Engine, request: BuildRequest) -> list[Problem]:
    """The warnings of BuildKit's checks; none where its frontend has no checks (before 1.8) or cannot finish them."""
    tree = Tree(None, {"Dockerfile": request.dockerfile.encode()})
    services = Services(trees={"dockerfile": tree, "context": Tree(None, {})})
    build = Build(control_of(engine, request.builder), SolveOptions(), services, timeout=SECONDS)
    asked = SolveOptions(frontend_attributes=options_of(engine, request).frontend_attributes)
    try:
        with build.opened(internal=True) as gateway:
            answer = gateway.subrequest("frontend.lint", asked)
    except (SolveError, RpcError, EngineUnavailable, ValueError):
        return []
    return sorted(_problems(answer, request), key=lambda problem: problem.line)


def _problems(answer: Mapping[str, Any], request: BuildRequest) -> Iterator[Problem]:
    for warning in answer.get("warnings") or ():
        ranges = (warning.get("location") or {}).get("ranges") or ()
        line = next((place["start"]["line"] for place in ranges if (place.get("start") or {}).get("line")), 0)
        yield Problem(
            request.source_map.own(line) if line else 0,
            str(warning.get("detail") or warning.get("description") or ""),
            "warning",
            source=str(warning.get("ruleName") or ""),
        )
