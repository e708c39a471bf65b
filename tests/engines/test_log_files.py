"""Each real producer of a log, joined with the reader of its file: what is written is what is read, everywhere."""

import base64
import contextlib
import re
import shlex
import time

import pytest

from nbcontainer.engines import containers
from nbcontainer.engines.build import build
from nbcontainer.engines.exec import execute
from nbcontainer.engines.logs import logs
from nbcontainer.engines.run import run
from nbcontainer.errors import NotFound
from nbcontainer.model.build import BuildRequest, StepOutput
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.log_file import LogReader
from nbcontainer.model.log_lines import LONGEST_LINE
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import ExecRequest
from tests.engines.build_engines import output
from tests.engines.conftest import ENGINES
from tests.log_files import bytes_in, check_texts, expected_texts, lines_everywhere, visible
from tests.terminal import Terminal

HEAD = (
    b"plain\n\x1b[31mred\x1b[0m\n\n- foo stdout bar\n==> web <==\n2026-11-23T10:42:07.113200Z web stdout text\n"
    b"invalid \xff\xfe, half \xe2\x82\ncr lf\r\n 1%\r 50%\r100%\n"
)
LONG = 100_000  # bytes
TAIL = b"h\xc3\xa4llo\nno end"
WRITTEN = HEAD + b"x" * LONG + b"\n" + TAIL
ERRORS = b"- err stderr first\nlast \xff"
STAMP = re.compile(rb"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d) ")


def writes(data):
    return f"echo {base64.b64encode(data).decode()} | base64 -d"


SCRIPT = f"{writes(HEAD)}; head -c {LONG} /dev/zero | tr '\\0' x; echo; {writes(TAIL)}; {writes(ERRORS)} >&2"
COMMAND = ("sh", "-c", SCRIPT)
# rootless Podman cannot open a terminal in the environment
WITH_TERMINALS = pytest.mark.parametrize("engine", [name for name in ENGINES if "rootless" not in name], indirect=True)


@pytest.fixture
def container(engine, unique):
    """A name; the containers whose names begin with it are removed after the test."""
    yield unique
    for one in containers.list_containers(engine, every=True):
        if one.name.startswith(unique):
            with contextlib.suppress(NotFound):
                containers.remove(engine, one.id, force=True)


def made(engine, name, *command, **fields):
    """Run a container to its end."""
    body = {"Image": "busybox", "Cmd": list(command), **fields}
    engine.http().json("POST", "/containers/create", query={"name": name}, body=body)
    engine.http().call("POST", f"/containers/{name}/start")
    engine.http().call("POST", f"/containers/{name}/wait")


def check_streams(lines, source, *, times=False):
    """Check the lines of a container that has run COMMAND."""
    assert {line.source for line in lines} == {source}
    by_stream = {name: [line for line in lines if line.stream == name] for name in ("stdout", "stderr")}
    check_texts(by_stream["stdout"], expected_texts(WRITTEN))
    check_texts(by_stream["stderr"], expected_texts(ERRORS))
    for line in lines:
        assert (abs(line.time - time.time()) < 600) if times else not line.time


def test_run(engine, busybox, container):
    operation = run(engine, RunRequest(busybox, COMMAND, name=container, remove=True))
    check_streams(lines_everywhere(operation), container)
    reader = LogReader(operation.state.spool)
    assert (reader.output(10**9, "stdout"), reader.output(10**9, "stderr")) == ((WRITTEN, 0), (ERRORS, 0))
    assert operation.result().output.count("x") == WRITTEN.count(b"x")  # the other stream may come between


def test_exec(engine, busybox, container):
    run(engine, RunRequest(busybox, ("sleep", "600"), name=container, detach=True)).result(60)
    operation = execute(engine, container, ExecRequest(container, COMMAND))
    check_streams(lines_everywhere(operation), container)
    result = operation.result()
    assert (result.output, result.errors) == (WRITTEN.decode("utf-8", "replace"), ERRORS.decode("utf-8", "replace"))


@WITH_TERMINALS
def test_exec_in_a_terminal(engine, busybox, container):
    run(engine, RunRequest(busybox, ("sleep", "600"), name=container, detach=True)).result(60)
    operation = execute(engine, container, ExecRequest(container, COMMAND, tty=True))
    lines = lines_everywhere(operation)
    assert {(line.source, line.stream) for line in lines} == {(container, "stdout")}
    assert [line.text for line in lines][:2] == ["plain", "\x1b[31mred\x1b[0m"]
    assert operation.result().output.startswith("plain\r\n")


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize("timestamps", [False, True])
def test_logs(engine, busybox, container, follow, timestamps):
    run(engine, RunRequest(busybox, COMMAND, name=container)).result(60)
    operation = logs(engine, LogRequest((container,), follow=follow, timestamps=timestamps))
    check_streams(lines_everywhere(operation), container, times=timestamps or follow)
    kept, _ = LogReader(operation.state.spool).output(10**9, "stdout")
    kept = STAMP.sub(b"", kept) if timestamps or follow else kept
    assert b"\n" + b"x" * LONG + b"\n" in kept, "a long line has no timestamps inside"


@WITH_TERMINALS
@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.usefixtures("busybox")
def test_logs_of_a_terminal(engine, container, follow):
    script = f"for length in 100 16384 20000 {LONG}; do head -c $length /dev/zero | tr '\\0' x; echo; done; printf end"
    made(engine, container, "sh", "-c", script, Tty=True)
    operation = logs(engine, LogRequest((container,), follow=follow, timestamps=True))
    lines = lines_everywhere(operation)
    check_texts(lines, [*("x" * min(length, LONGEST_LINE) for length in (100, 16_384, 20_000, LONG)), "end"])
    assert all(abs(line.time - time.time()) < 600 for line in lines)
    assert STAMP.sub(b"", bytes_in(operation.state.spool)).replace(b"\r", b"").count(b"x") == 136_484
    assert b"20" not in STAMP.sub(b"", bytes_in(operation.state.spool)), "no timestamp is inside a line"


def test_the_last_line_before_a_restart_has_no_end(docker, busybox_of, unique):
    try:
        made(docker, unique, "sh", "-c", "echo begin; printf end", Image=busybox_of(docker))
        docker.http().call("POST", f"/containers/{unique}/start")
        docker.http().call("POST", f"/containers/{unique}/wait")
        operation = logs(docker, LogRequest((unique,), timestamps=True))
        assert [line.text for line in lines_everywhere(operation)] == ["begin", "end", "begin", "end"]
    finally:
        containers.remove(docker, unique, force=True)


def test_merged_logs(engine, busybox, container):
    names = (f"{container}-a", f"{container}-b")
    for name in names:
        run(engine, RunRequest(busybox, COMMAND, name=name)).result(60)
    lines = lines_everywhere(logs(engine, LogRequest(names)))
    for name in names:
        check_streams([line for line in lines if line.source == name], name)
    followed = lines_everywhere(logs(engine, LogRequest(names, follow=True)))
    for name in names:
        check_streams([line for line in followed if line.source == name], name, times=True)


def test_build(engine, unique):
    script = SCRIPT.replace("'\\0'", '"\\0"')
    text = f"FROM busybox\nRUN : {unique}; {script}\nRUN : {unique}; echo again; printf 'a\\r\\nb'\n"
    operation = build(engine, BuildRequest(text))
    events = [event for event in operation.events() if isinstance(event, StepOutput)]
    operation.result(120)
    state = operation.state
    steps = {step.name: step for step in state.steps.values() if step.output}
    kept = list(LogReader(state.spool).lines(0, 100_000))
    for name, step in steps.items():
        ours = [event for event in events if event.id == step.id]
        read = [line for line in kept if line.source == name]
        emitted = [(event.stream, line) for event in ours for line in event.lines]
        assert emitted == [(line.stream, line.text.rstrip("\r").rpartition("\r")[2]) for line in read]
        assert tuple(line for _, line in emitted) == step.output
        assert {line.time for line in read} >= {event.time for event in ours}
        assert all(abs(line.time - time.time()) < 600 for line in read)
    run_step = next(step for step in steps.values() if "head -c" in step.instruction)
    settled = [text.rpartition("\r")[2] for text in expected_texts(WRITTEN)]
    written = [visible(line[:LONGEST_LINE]) for line in run_step.output]
    if engine.capabilities.buildkit:  # it tells the two streams apart
        assert [line for line in written if line in settled] == settled
    else:
        before = settled.index("x" * LONGEST_LINE)  # in it, the other stream may come between
        assert written[:before] == settled[:before]
    assert output(state, "echo again").split("\n") == ["again", "a", "b"]


@pytest.fixture
def terminal(tmp_path):
    return Terminal(tmp_path).with_podman()


def test_the_output_is_what_the_command_line_gives(engine, busybox, container, terminal):
    only_out = ("sh", "-c", SCRIPT.partition(f"; {writes(ERRORS)}")[0])
    ran = run(engine, RunRequest(busybox, only_out, remove=True)).result(60)
    assert ran.output == terminal.try_bytes(ran.command).stdout.decode("utf-8", "replace")
    assert ran.output_lines == len(expected_texts(WRITTEN))
    run(engine, RunRequest(busybox, ("sleep", "600"), name=container, detach=True)).result(60)
    done = execute(engine, container, ExecRequest(container, COMMAND)).result(60)
    told = terminal.try_bytes(done.command)
    assert done.output == told.stdout.decode("utf-8", "replace")
    assert done.errors == told.stderr.decode("utf-8", "replace")
    assert shlex.split(done.command)[-3:] == list(COMMAND)
