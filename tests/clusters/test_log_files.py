"""Each producer of a log in a cluster, joined with the reader of its file: what is written is what is read."""

import base64
import time

import pytest

from nbcontainer.clusters.exec import execute
from nbcontainer.clusters.logs import logs
from nbcontainer.model.log_file import LogReader
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import ExecRequest
from tests.clusters.test_logs import run
from tests.clusters.test_tables import until
from tests.log_files import check_texts, expected_texts, lines_everywhere

pytestmark = pytest.mark.timeout(300)

HOSTILE = (
    b"plain\n\x1b[31mred\x1b[0m\n\n- foo stdout bar\n==> web <==\n2026-11-23T10:42:07.113200Z web stdout text\n"
    b"invalid \xff\xfe, half \xe2\x82\ncr lf\r\n 1%\r 50%\r100%\n"
)
LONG = 100_000  # bytes
END = b"h\xc3\xa4llo\nno end"
WRITTEN = HOSTILE + b"x" * LONG + b"\n" + END


def writes(data):
    return f"echo {base64.b64encode(data).decode()} | base64 -d"


SCRIPT = f"{writes(HOSTILE)}; head -c {LONG} /dev/zero | tr '\\0' x; echo; {writes(END)}"
NAMES = ("files-1", "files-2")


@pytest.fixture(scope="module")
def ended(space):
    """Two pods that have written all and ended."""
    for name in NAMES:
        run(space, name, SCRIPT, restart="Never", labels={"app": "files"})
    count = len(expected_texts(WRITTEN))
    for name in NAMES:
        until(lambda name=name: logs(space, LogRequest((name,))).result(30).state.total == count)
    return NAMES


def check(lines, source, *, times):
    check_texts([line for line in lines if line.source == source], expected_texts(WRITTEN))
    for line in lines:
        assert (abs(line.time - time.time()) < 600) if times else not line.time


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize("timestamps", [False, True])
def test_a_log(space, ended, follow, timestamps):
    lines = lines_everywhere(logs(space, LogRequest(ended[:1], follow=follow, timestamps=timestamps)))
    check(lines, ended[0], times=follow or timestamps)


@pytest.mark.parametrize("follow", [False, True])
def test_merged_logs(space, ended, follow):
    request = LogRequest(ended, follow=True) if follow else LogRequest(selector="app=files")
    lines = lines_everywhere(logs(space, request))
    for name in ended:
        check(lines, name, times=True)


def test_a_command(space):
    run(space, "files-exec", "sleep 600")
    operation = execute(space, ExecRequest("files-exec", ("sh", "-c", f"{SCRIPT}; echo why >&2")))
    lines = lines_everywhere(operation)
    check_texts([line for line in lines if line.stream == "stdout"], expected_texts(WRITTEN))
    assert [line.text for line in lines if line.stream == "stderr"] == ["why"]
    reader = LogReader(operation.state.spool)
    assert (reader.output(10**9, "stdout"), reader.output(10**9, "stderr")) == ((WRITTEN, 0), (b"why\n", 0))
