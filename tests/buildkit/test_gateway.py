"""Subrequests on a real Engine."""

import pytest

from nbcontainer.buildkit import Build, Code, SolveError, SolveOptions
from tests.buildkit.building import options, services

DOCKERFILE = """\
FROM busybox AS base
RUN echo x > /made
from base as web
ARG PORT=80
RUN --mount=type=cache,target=/c mkdir /partial; echo half > /partial/f; exit 3
"""


def opened(engine, dockerfile=DOCKERFILE):
    return Build(engine, SolveOptions(), services(dockerfile)).opened()


def test_lint_outline_and_targets(engine):
    with opened(engine) as gateway:
        (warning,) = gateway.subrequest("frontend.lint", options())["warnings"]
        assert warning["ruleName"] == "ConsistentInstructionCasing"
        assert warning["location"]["ranges"][0]["start"]["line"] == 3
        outline = gateway.subrequest("frontend.outline", options())
        assert outline["name"] == "web"
        assert [argument["name"] for argument in outline["args"]] == ["PORT"]
        targets = gateway.subrequest("frontend.targets", options())["targets"]
        assert [target["name"] for target in targets] == ["base", "web"]


def test_a_subrequest_that_is_not_known(engine):
    with opened(engine) as gateway:
        with pytest.raises(SolveError) as caught:
            gateway.subrequest("frontend.nosuch", options())
        assert caught.value.subrequest == "frontend.nosuch"


def test_a_dockerfile_that_is_wrong(engine):
    with opened(engine, "FROM busybox\nNOSUCH") as gateway:
        with pytest.raises(SolveError) as caught:
            gateway.subrequest("frontend.outline", options())
        assert caught.value.lines == (2,)


def test_a_gateway_after_its_end(engine):
    with opened(engine) as gateway:
        pass
    with pytest.raises(SolveError) as caught:
        gateway.ping()
    assert caught.value.code in (Code.CANCELLED, Code.UNKNOWN, Code.NOT_FOUND)
