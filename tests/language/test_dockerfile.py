"""Completion and help of Dockerfiles."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.dockerfile import check, parse
from nbcontainer.dockerfile.words import FLAGS, INSTRUCTIONS, MOUNT_TYPES
from nbcontainer.language.dockerfile import complete_dockerfile, words
from nbcontainer.language.dockerfile_help import help_dockerfile, help_words

STAGES = "ARG V=1\nFROM busybox AS build\nARG FOO=1\nENV BAR=2\nFROM build AS last\n"


def completed(text):
    lines = text.split("\n")
    found = complete_dockerfile(
        text,
        len(lines),
        len(lines[-1]),
        images=lambda: ["busybox:1", "golang:1.26"],
        paths=lambda prefix: [path for path in ("src/", "srv.py", "x") if path.startswith(prefix)],
    )
    return found.start, [item.text for item in found.items]


@pytest.mark.parametrize(
    ("text", "start", "items"),
    [
        ("HEA", 0, ["HEALTHCHECK"]),
        ("fr", 0, ["from"]),
        ("FROM gol", 5, ["golang:1.26"]),
        ("FROM busybox ", 13, ["AS"]),
        (STAGES + "FROM bu", 5, ["build", "busybox:1"]),
        (STAGES + "COPY --f", 5, ["--from="]),
        (STAGES + "COPY --li", 5, ["--link"]),
        (STAGES + "COPY --from=b", 12, ["build", "busybox:1"]),
        (STAGES + "COPY sr", 5, ["src/", "srv.py"]),
        (STAGES + "COPY --from=build sr", 18, []),
        (STAGES + "RUN --mount=type=c", 17, ["cache"]),
        (STAGES + "RUN --mount=type=cache,sh", 23, ["sharing="]),
        (STAGES + "RUN --mount=type=cache,sharing=l", 31, ["locked"]),
        (STAGES + "RUN --network=n", 14, ["none"]),
        (STAGES + "RUN x --ne", 6, []),
        (STAGES + "RUN echo $B", 10, ["BAR"]),
        (STAGES + "RUN echo $F", 10, []),  # an ARG ends with its stage
        (STAGES + "FROM x:${V", 9, []),
        (STAGES + "FROM x:$", 8, ["V"]),
        (STAGES + "ONBUILD MAI", 8, []),
        (STAGES + "RUN echo \\\n  $BA", 3, ["BAR"]),
        (STAGES + "RUN <<EOF\nCO", 2, []),
        (STAGES + "HEALTHCHECK N", 12, ["NONE"]),
        (STAGES + "STOPSIGNAL SIGI", 11, ["SIGINT"]),
        ("# sy", 2, ["syntax="]),
        ("FROM x\n# sy", 4, []),
    ],
)
def test_completion(text, start, items):
    found = completed(text)
    assert found[0] == start
    assert found[1][: len(items)] == items
    assert bool(found[1]) == bool(items)


@given(st.text(max_size=60), st.integers(-1, 5), st.integers(0, 70))
def test_completion_never_fails(text, line, column):
    complete_dockerfile(text, line, column)


def test_every_word_has_help_with_an_example_that_is_right():
    wanted = {*INSTRUCTIONS, *(f"{name} --{flag.name}" for name, flags in FLAGS.items() for flag in flags)}
    wanted |= {f"--mount=type={kind}" for kind in MOUNT_TYPES}
    assert wanted <= set(help_words())
    for word, found in help_words().items():
        assert help_dockerfile(word) == found
        text = found.example if "FROM" in found.example else "FROM busybox AS build\nFROM x\n" + found.example
        assert [str(problem) for problem in check(parse(text)) if problem.severity == "error"] == [], word


def test_help_of_words_as_they_are_written():
    assert help_dockerfile("copy --from").title.startswith("COPY --from")
    assert help_dockerfile("--mount").title.startswith("RUN --mount")
    assert help_dockerfile("RUN --mount=type=ssh").title.startswith("RUN --mount=type=ssh")
    assert help_dockerfile("# escape=`").title.startswith("# escape")
    assert help_dockerfile("nothing") is None
    assert help_dockerfile("") is None


def test_the_words_are_json():
    found = json.loads(json.dumps(words()))
    assert [word["name"] for word in found["instructions"]] == list(INSTRUCTIONS)
    assert all(word["detail"] for word in found["instructions"])
