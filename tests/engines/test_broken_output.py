"""Output whose connection breaks, on each engine: nothing is lost or repeated, or a note says what is missing."""

import contextlib
from pathlib import Path

import pytest

from nbcontainer.engines import addresses, connection, containers, images, run_output
from nbcontainer.engines.build import build
from nbcontainer.engines.exec import execute
from nbcontainer.engines.logs import logs
from nbcontainer.engines.run import run
from nbcontainer.engines.run_request import creation
from nbcontainer.errors import CommandFailed, EngineUnavailable, NotFound, PullFailed
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import ExecRequest
from nbcontainer.views.logs import LogView
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text
from tests.engines.build_engines import wait_until
from tests.engines.conftest import find, running
from tests.engines.cutting_proxy import CuttingProxy
from tests.faults.proxy import Fault, FaultProxy, Kind, Way, connector, unix_listener

pytestmark = pytest.mark.timeout(120)

TEN = [f"line {number}" for number in range(1, 11)]
# the engine may put lines that arrive together into one frame
SLOWLY = (
    "for n in $(seq 5); do echo line $n; sleep 0.1; done; sleep 1; "
    "for n in $(seq 6 10); do echo line $n; sleep 0.1; done"
)
FROM_LOG = "the connection broke after 5 lines; what follows is from the container's log"
MISSING = "the connection broke after 5 lines: the output after that is missing"


@pytest.fixture
def proxy(engine, tmp_path):
    """A proxy to the engine that can be cut."""
    with CuttingProxy(tmp_path / "engine.sock", engine.address) as between:
        yield between


@pytest.fixture
def far(engine, proxy):
    """The engine, through that proxy."""
    return connection.Engine(proxy.address, "test", engine.capabilities, _where=addresses.Address(proxy.address))


@pytest.fixture
def proxy_of_podman(tmp_path, monkeypatch):
    """A proxy to Podman that can be cut."""
    with CuttingProxy(tmp_path / "podman.sock", find(running("podman", "Podman").host, monkeypatch).address) as between:
        yield between


@pytest.fixture
def podman_far(proxy_of_podman, monkeypatch):
    """Podman, through that proxy."""
    return find(proxy_of_podman.address, monkeypatch)


@pytest.fixture
def container(engine, unique):
    """A name; the container with it is removed after the test."""
    yield unique
    with contextlib.suppress(NotFound):
        containers.remove(engine, unique, force=True)


def ran(far, busybox, container, script, **fields):
    """A run that has ended, and its result."""
    operation = run(far, RunRequest(busybox, ("sh", "-c", script), name=container, **fields))
    return operation, operation.result(60)


@pytest.fixture
def impatient(monkeypatch):
    """Stalled connections are given up quickly."""
    monkeypatch.setattr(run_output, "SILENT_SECONDS", 0.5)


def texts(operation):
    return [line.text for line in operation.state.lines]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("how", ["between", "within", "garbage", "stall"])
def test_the_rest_comes_from_the_log(far, proxy, busybox, container, how):
    cut = proxy.cut(b"/attach", b"line 5\n", how)
    operation, result = ran(far, busybox, container, SLOWLY, remove=how != "stall")
    assert cut.done.is_set()
    assert (texts(operation), result.exit_code, result.notes) == (TEN, 0, ())
    assert (operation.state.notes, operation.state.marks) == ((FROM_LOG,), (5,))
    assert Path(result.spool).read_text().splitlines() == TEN


@pytest.mark.usefixtures("impatient")
def test_a_connection_that_stalls_until_container_and_log_are_gone(far, proxy, busybox, container):
    proxy.cut(b"/attach", b"line 5\n", "stall")
    operation, result = ran(far, busybox, container, SLOWLY, remove=True)
    if texts(operation) != TEN:  # Podman may remove it a moment later
        assert (texts(operation), result.notes) == (TEN[:5], (MISSING,))
        for text in (repr(result), as_text(picture_of(result)), as_text(LogView("Run").render(operation.state))):
            assert MISSING in text


def test_the_log_supplies_what_is_missing_after_the_container_ended(far, proxy, busybox, container):
    script = "for n in $(seq 10); do echo line $n; sleep 0.02; done"
    cut = proxy.cut(b"/attach", b"line 9\n")
    operation, result = ran(far, busybox, container, script)
    assert cut.done.is_set()
    assert (texts(operation), result.notes) == (TEN, ())
    assert operation.state.notes == (FROM_LOG.replace("5", "9"),)


@pytest.mark.parametrize("checked", [1, 1000])
def test_nothing_is_missing_from_a_container_that_is_removed_when_it_ends(far, proxy, busybox, monkeypatch, checked):
    monkeypatch.setattr(run_output, "CHECKED_BYTES", checked)
    script = "for n in $(seq 10); do echo line $n; sleep 0.1; done"
    cut = proxy.cut(b"/attach", b"line 5\n")
    operation, result = ran(far, busybox, "", script, remove=True)
    assert cut.done.is_set()
    assert (texts(operation), result.notes) == (TEN, ())
    assert operation.state.notes == (FROM_LOG,)


def test_the_end_of_a_long_output_that_broke(far, proxy, busybox, container, monkeypatch):
    monkeypatch.setattr(run_output, "CHECKED_BYTES", 1000)
    script = "seq 1000; sleep 0.1; echo last 1; sleep 0.1; echo last 2; sleep 0.1; echo last 3"
    cut = proxy.cut(b"/attach", b"last 1\n")
    operation, result = ran(far, busybox, container, script)
    assert cut.done.is_set()
    assert result.output.splitlines() == [*map(str, range(1, 1_001)), "last 1", "last 2", "last 3"]
    assert (operation.state.total, len(operation.state.notes), result.notes) == (1_003, 1, ())


def test_a_failure_is_the_commands_own_and_has_the_whole_output(far, proxy, busybox, container):
    proxy.cut(b"/attach", b"line 5\n")
    with pytest.raises(CommandFailed, match="exit code 3") as caught:
        ran(far, busybox, container, f"{SLOWLY}; exit 3")
    assert (caught.value.exit_code, caught.value.output.splitlines()) == (3, TEN)


def test_partial_lines_both_streams_and_binary_output(far, proxy, busybox, container):
    script = (
        "echo err 1 >&2; printf '\\377\\376 bad\\n'; sleep 0.1; printf 'begun, '; sleep 0.1; echo err 2 >&2; sleep 1; "
        "echo 'ended'; echo 'h\u00e4llo'; echo err 3 >&2; printf 'no end'"
    )
    cut = proxy.cut(b"/attach", b"err 2\n")
    operation, result = ran(far, busybox, container, script)
    assert cut.done.is_set()
    lines = operation.state.lines
    assert [line.text for line in lines if line.stream == "stderr"] == ["err 1", "err 2", "err 3"]
    written = [line.text for line in lines if line.stream == "stdout"]
    assert written == ["\ufffd\ufffd bad", "begun, ended", "h\u00e4llo", "no end"]
    assert result.notes == ()


def test_the_log_breaks_too_and_the_wait_for_the_exit_code(far, proxy, busybox, container):
    proxy.cut(b"/attach", b"line 2\n")
    logs = proxy.cut(b"/logs", b"line 7\n", times=2)
    waits = proxy.cut(b"/wait", b"", times=2)
    with pytest.raises(CommandFailed, match="exit code 3") as caught:
        ran(far, busybox, container, f"{SLOWLY}; exit 3")
    assert logs.done.is_set()
    assert waits.done.is_set()
    assert caught.value.output.splitlines() == TEN


@pytest.fixture
def without_log(monkeypatch):
    """Containers whose output the engine does not keep."""

    def creation_without_log(*arguments):
        made = creation(*arguments)
        return {**made, "HostConfig": {**made["HostConfig"], "LogConfig": {"Type": "none"}}}

    monkeypatch.setattr("nbcontainer.engines.run.creation", creation_without_log)


@pytest.mark.usefixtures("without_log")
@pytest.mark.parametrize("remove", [True, False])
def test_without_a_log_it_is_attached_again_and_a_note_says_what_is_missing(far, proxy, busybox, container, remove):
    proxy.cut(b"/attach", b"line 5\n")
    operation, result = ran(far, busybox, container, SLOWLY.replace("sleep 1;", "sleep 4;"), remove=remove)
    assert (texts(operation), result.exit_code) == (TEN, 0)
    assert result.notes == (MISSING,)
    assert operation.state.marks == (5,)


def test_an_input_that_was_cut_is_an_error(far, proxy, busybox, container):
    script = "head -n 5; sleep 600"
    data = b"".join(b"line %d\n" % number for number in range(1, 1_000_000))
    proxy.cut(b"/attach", b"line 5\n")
    operation = run(far, RunRequest(busybox, ("sh", "-c", script), name=container, stdin=data))
    with pytest.raises(EngineUnavailable, match="got only part"):
        operation.result(60)


def test_a_command_that_closes_its_output_and_goes_on_is_not_a_break(far, busybox, container):
    operation = run(far, RunRequest(busybox, ("sh", "-c", "echo up; exec >&- 2>&-; sleep 2; exit 4"), name=container))
    with pytest.raises(CommandFailed, match="exit code 4"):
        operation.result(60)
    assert (texts(operation), operation.state.notes) == (["up"], ())


@pytest.mark.parametrize("how", ["between", "within"])
def test_a_command_in_a_container_keeps_its_exit_code(far, proxy, busybox, container, how):
    run(far, RunRequest(busybox, ("sleep", "600"), name=container, detach=True)).result(60)
    cut = proxy.cut(b"/start", b"line 5\n", how)
    script = SLOWLY.replace("sleep 1;", "sleep 3;")
    operation = execute(far, container, ExecRequest(container, ("sh", "-c", script)))
    if far.capabilities.api_version == "1.41" and not far.capabilities.pods:  # Docker 20.10
        said = {"between": "exit code 126.*whose connection broke", "within": "was lost, which also ended the command"}
        with pytest.raises((CommandFailed, EngineUnavailable), match=f"(?s){said[how]}"):
            operation.result(60)
        assert (cut.done.is_set(), texts(operation)) == (True, TEN[:5])
        return
    result = operation.result(60)
    assert cut.done.is_set()
    assert (texts(operation), result.exit_code) == (TEN[:5], 0)
    assert result.notes == ("the connection ended before the command: its output after that is missing",)
    proxy.cut(b"/start", b"line 5\n", how)
    with pytest.raises(CommandFailed, match="exit code 3"):
        execute(far, container, ExecRequest(container, ("sh", "-c", f"{script}; exit 3"))).result(60)
    whole = execute(far, container, ExecRequest(container, ("sh", "-c", "seq 3; sleep 0.2; echo end"))).result(60)
    assert (whole.output, whole.notes) == ("1\n2\n3\nend\n", ())


@pytest.mark.parametrize("how", ["between", "clean"])
def test_a_followed_log_that_ends_before_its_container_goes_on(far, proxy, busybox, container, how):
    script = "for n in $(seq 600); do echo line $n; sleep 0.2; done"
    run(far, RunRequest(busybox, ("sh", "-c", script), name=container, detach=True)).result(60)
    cut = proxy.cut(b"/logs", b"line 5\n", how, times=2)
    operation = logs(far, LogRequest((container,), follow=True))
    wait_until(lambda: operation.state.total >= 10)
    operation.stop()
    assert cut.done.is_set()
    assert texts(operation)[:10] == TEN
    assert operation.state.notes[0] == "its connection broke; a new one continues where it was"


def test_a_pull_that_ends_early_is_a_failure_though_the_image_was_here_before(far, proxy, registry):
    name = f"{registry}/library/busybox:latest"
    images.pull(far, name).result(60)
    # Podman pulls by its own API from a registry on its own machine, which may speak plain HTTP
    proxy.cut(b"/images/pull" if far.is_podman else b"/images/create", b"\n", "clean")
    with pytest.raises(PullFailed, match="ended the pull before the image was complete"):
        images.pull(far, name).result(60)
    assert images.pull(far, name).result(60).image == name


def test_a_build_that_ends_early_is_a_failure_though_a_step_wrote_what_looks_like_an_id(
    podman_far, proxy_of_podman, unique
):
    tag = f"{unique}:1"
    build(podman_far, BuildRequest("FROM busybox", tags=(tag,))).result(60)
    digits = "".join(map(str, range(100, 132)))[:64]
    cut = proxy_of_podman.cut(b"/build", f'{digits}\\n"}}'.encode(), "ended")
    text = f"FROM busybox\nRUN echo {unique}; printf %s $(seq 100 131) | cut -c1-64; sleep 600"
    try:
        with pytest.raises(EngineUnavailable, match="without naming an image"):
            build(podman_far, BuildRequest(text, tags=(tag,))).result(60)
        assert cut.done.is_set()
    finally:
        images.remove(podman_far, tag, force=True)


def test_a_container_whose_creation_got_no_reply_is_reported(engine, tmp_path, busybox, container):
    cut = Fault(Kind.CLOSE, 0, Way.REPLIED, 20)
    with FaultProxy(unix_listener(tmp_path / "cuts"), connector(engine.address), cut) as cutting:
        far = connection.Engine(
            "", "test", engine.capabilities, _where=addresses.Address(f"unix://{tmp_path / 'cuts'}")
        )
        with pytest.raises(EngineUnavailable, match="may have created the container") as caught:
            run(far, RunRequest(busybox, ("true",), name=container)).result(60)
        assert cutting.struck.is_set()
        far.close_idle()
    assert "docker ps -a" in caught.value.cure
    assert containers.inspect(engine, container)["State"]["Status"] in ("created", "configured")
    with pytest.raises(EngineUnavailable) as caught:
        run(far, RunRequest(busybox, ("true",))).result(60)
    assert "may have" not in caught.value.message


@pytest.mark.parametrize("remove", [True, False])
def test_no_line_is_requested_twice(far, busybox, remove):
    for script, output in (("printf 'no end'", "no end"), ("true", ""), ("echo; echo; echo a", "\n\na\n")):
        operation, result = ran(far, busybox, "", script, remove=remove)
        assert (result.output, operation.state.notes) == (output, ())
        assert Path(result.spool).read_text() == output
        if not remove:
            containers.remove(far, result.id, force=True)
