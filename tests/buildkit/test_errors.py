"""Failing lines, steps and exit codes from what real daemons sent (recordings of Docker 28.5.2)."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.buildkit.errors import SolveError
from nbcontainer.buildkit.messages import AnyMessage, RpcStatus
from nbcontainer.buildkit.rpc_status import Code, RpcError

RECORDINGS = Path(__file__).parents[1] / "recordings" / "buildkit"


def recorded(name):
    details = json.loads((RECORDINGS / f"error-{name}.json").read_text())
    encoded = [AnyMessage(type_url=url, value=json.dumps(value).encode()) for url, value in details]
    return SolveError.of(RpcError(Code.UNKNOWN, name, RpcStatus(code=2, message=name, details=encoded).encode()))


@pytest.mark.parametrize(
    ("name", "lines", "exit_code"),
    [
        ("badflag", (2,), None),
        ("copy", (2,), None),
        ("frontend", (1,), None),
        ("heredoc", (2, 3, 4, 5), 127),
        ("image", (1,), None),
        ("run", (6, 7, 8), 7),
        ("secret", (2,), None),
        ("syntax", (3,), None),
        ("target", (), None),
    ],
)
def test_recorded_errors_name_their_lines(name, lines, exit_code):
    error = recorded(name)
    assert error.lines == lines
    assert error.exit_code == exit_code
    assert bool(error.step) == (name in ("copy", "heredoc", "run", "secret"))
    for source in error.sources:
        assert source.filename == "Dockerfile"
        assert source.text.splitlines()[max(source.lines) - 1]


KEYS = [
    "info",
    "ranges",
    "start",
    "end",
    "line",
    "data",
    "op",
    "exec",
    "mounts",
    "inputIDs",
    "mountIDs",
    "description",
    "digest",
    "Code",
    "name",
    "input",
    "mountType",
    "cacheOpt",
    "filename",
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(["Source", "Vertex", "Solve", "Subrequest", "ExitMessage"]), json_values)
def test_details_of_any_shape_are_tolerated(kind, value):
    detail = AnyMessage(type_url=f"github.com/moby/buildkit/errdefs.{kind}+json", value=json.dumps(value).encode())
    error = SolveError(Code.UNKNOWN, "x", RpcStatus(details=[detail]).encode())
    assert isinstance(error.lines, tuple)


@given(st.binary(max_size=100))
def test_details_of_any_bytes_are_tolerated(raw):
    assert SolveError(Code.UNKNOWN, "x", raw).message == "x"
