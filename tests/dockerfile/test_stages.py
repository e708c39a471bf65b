"""Stages, what they need of each other, and the steps of a build."""

import pytest

from nbcontainer.dockerfile import parse
from nbcontainer.model.source_map import SourceMap

TEXT = """\
ARG BASE=busybox
FROM golang:1.26 AS build
WORKDIR /src
COPY . .
RUN go build -o /app . && \\
    true
FROM $BASE AS unused
RUN nothing
FROM build AS test
RUN --mount=from=unused,target=/u go test
FROM scratch
ENV A=1
COPY --from=build /app /app
"""


def names(steps):
    return [step.name for step in steps]


def test_the_plan_has_the_steps_that_the_target_needs():
    dockerfile = parse(TEXT, SourceMap.shifted(TEXT.count("\n") + 1, 1))
    plan = dockerfile.plan()
    assert names(plan) == [
        "[build 1/4] FROM golang:1.26 AS build",
        "[build 2/4] WORKDIR /src",
        "[build 3/4] COPY . .",
        "[build 4/4] RUN go build -o /app . && true",
        "[stage-3 1/1] COPY --from=build /app /app",
    ]
    assert plan[3].lines == (6, 7)
    assert plan[3].stage == "build"
    assert plan[4].stage == "stage-3"
    assert [stage.label for stage in dockerfile.reachable("test")] == ["build", "unused", "test"]
    assert names(dockerfile.plan("test"))[-1] == "[test 1/1] RUN --mount=from=unused,target=/u go test"


def test_the_classic_plan_has_every_instruction_up_to_the_target():
    plan = parse(TEXT).plan("unused", classic=True)
    assert [step.instruction for step in plan][-2:] == ["FROM $BASE AS unused", "RUN nothing"]
    assert len(plan) == 6


def test_one_stage_without_a_name():
    assert names(parse("FROM busybox\nRUN a\nCMD b\n").plan()) == ["[1/2] FROM busybox", "[2/2] RUN a"]


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("FROM x\nCOPY a /b", True),
        ("FROM x\nADD a.tar /", True),
        ("FROM x\nRUN --mount=target=/src make", True),
        ("FROM x\nRUN --mount=type=bind,source=a,target=/src make", True),
        ("FROM x AS a\nFROM y\nCOPY --from=a /b /b", False),
        ("FROM x\nADD https://example.com/a /a", False),
        ("FROM x\nADD https://example.com/a b /a/", True),
        ("FROM x\nADD git@example.com:a/b.git /a", False),
        ("FROM x\nCOPY <<EOF /a\nb\nEOF", False),
        ("FROM x\nCOPY b <<EOF /a/\nb\nEOF", True),
        ("FROM x\nRUN --mount=type=cache,target=/c make", False),
        ("FROM x\nRUN --mount=from=y,target=/c make", False),
        ("FROM x AS unused\nCOPY a /b\nFROM y", False),
        ("FROM x\nONBUILD COPY a /b", False),
        ("", False),
    ],
)
def test_whether_the_context_is_needed(text, needed):
    assert parse(text).uses_context() is needed


def test_bases_with_arguments():
    dockerfile = parse("ARG A=one\nARG B=$A-two\nFROM ${B:-x}\nFROM $TARGETOS\n")
    assert dockerfile.base(dockerfile.stages[0]) == "one-two"
    assert dockerfile.base(dockerfile.stages[0], {"A": "1"}) == "1-two"
    assert dockerfile.base(dockerfile.stages[1]) is None  # only the engine knows
