"""Help at the cursor (Shift-Tab), by itself and in a real kernel."""

import pytest

from nbcontainer.magics.hover import help_at


@pytest.mark.parametrize(
    ("code", "word", "wanted"),
    [
        ("%docker push x", "%docker", "Images, containers, networks"),
        ("%docker push x", "push", "%docker push IMAGE"),
        ("%kpod -n shop", "-n", "--namespace"),
        ("%%dockerfile -t a\nFROM x", "-t", "name and tag"),
        ("%%dockerfile\nFROM a", "FROM", "Starts a stage"),
        ("%%dockerfile\nRUN --mount=type=cache,target=/x a", "type", "kept between builds"),
        ("%%dockerfile\nCOPY --chown=1 \\\n  --from=b c", "--from", "COPY --from"),
        ("%%dockerfile\nFROM a\nENV VERSION=1\nRUN echo $VERSION", "$VERSION", "VERSION=1 (ENV)"),
        ("%%dockerfile\nCOPY --from=a b c", "--from", "COPY --from"),
        ("%%dockerfile\n# syntax=x\nFROM a", "syntax", "Dockerfile frontend"),
        ("x = 1\n%docker images", "images", "Lists images"),
        ("%%kube apply\nkind: Pod", "apply", "server-side"),
    ],
)
def test_help_on_the_word_at_the_cursor(code, word, wanted):
    assert wanted in (help_at(code, code.index(word) + 1) or "")


@pytest.mark.parametrize(
    "code",
    ["", "x = 1", "%%bash\necho", "%%kube apply\nkind: Pod", "%%dockerfile\n", "%timeit x", "%%dockerfile\nRUN COPY"],
)
def test_foreign_code_is_left_alone(code):
    assert help_at(code, len(code)) is None


@pytest.mark.parametrize("position", [-1, 0, 3, 10_000])
def test_any_position_is_good(position):
    help_at("%%dockerfile\n\\\n\\\nRUN --", position)
