"""Completion and help of Dockerfiles."""

import json

from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.dockerfile import check, parse
from nbcontainer.dockerfile.words import FLAGS, INSTRUCTIONS, MOUNT_TYPES
from nbcontainer.language.dockerfile import complete_dockerfile, words
from nbcontainer.language.dockerfile_help import help_dockerfile, help_words


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
