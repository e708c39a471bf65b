"""What differs between daemons: Debian 12's Engine 20.10, and a standalone buildkitd."""

import pytest

from nbcontainer.buildkit import Build, Entry, SolveError
from tests.buildkit.building import build, image, options, output_of, services, unique


@pytest.fixture(params=["old_engine", "buildkitd"])
def daemon(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def exporter(request):
    """Where the image goes: an engine keeps it, buildkitd's own store has it."""
    old = "old_engine" in request.node.callspec.id
    return image("nbcontainer-test/old:1") if old else Entry(type="image", attributes={"name": "nbcontainer-test/bk:1"})


def test_an_image(daemon, exporter):
    news, word = [], unique()
    dockerfile = f"FROM busybox\nRUN echo {word}\nCOPY a /a\nRUN cat /a"
    response = build(daemon, dockerfile, {"a": "in the context"}, exporters=[exporter], news=news)
    assert response["containerimage.digest"].startswith("sha256:")
    assert word in output_of(news).decode()
    assert b"in the context" in output_of(news)


@pytest.mark.parametrize(
    ("dockerfile", "lines", "exit_code"),
    [
        ("FROM busybox\n\nRUN true && \\\n  exit 7\n", (3, 4), 7),
        ("FROM busybox\nCOPY nosuch /\n", (2,), None),
        ("FROM busybox\nNOSUCH true\n", (2,), None),
    ],
)
def test_failures_name_their_lines(daemon, dockerfile, lines, exit_code):
    """The Engine 20.10 sends no details: the step comes from Status, its lines from the source map."""
    maps = []
    made = Build(daemon, options(), services(dockerfile), on_status=lambda _: None, on_source_map=maps.append)
    with pytest.raises(SolveError) as caught:
        made.run()
    assert (caught.value.lines, caught.value.exit_code) == (lines, exit_code)


def test_a_secret(daemon):
    news = []
    build(
        daemon,
        f"FROM busybox\nRUN --mount=type=secret,id=token echo {unique()} && sha256sum /run/secrets/token",
        offered={"secrets": {"token": lambda: b"hunter2"}},
        news=news,
    )
    assert b"f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7" in output_of(news)
