"""A stop returns control in less than a second even if the server is silent, and leaves nothing running there."""

import threading
import time

import pytest

from nbcontainer.engines import addresses, capabilities, connection, containers, images
from nbcontainer.engines.build import build
from nbcontainer.engines.run import run
from nbcontainer.errors import EngineUnavailable, NbcontainerError, NotFound, Stopped
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.build_steps import StepState
from nbcontainer.model.containers import RunRequest
from nbcontainer.views.build import BuildView
from nbcontainer.views.images import TransferView
from nbcontainer.views.logs import LogView
from nbcontainer.views.text import as_text
from tests.engines.build_engines import processes, wait_until
from tests.engines.peers import Middleman, Speaker, tcp_listener, unix_connect, unix_listener


@pytest.fixture
def between(engine, tmp_path, monkeypatch):
    """The engine through a proxy that can freeze, and the proxy."""
    with Middleman(unix_listener(tmp_path / "e"), unix_connect(engine.address)) as middleman:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'e'}")
        yield connection.find_engine(), middleman
        middleman.thaw()


def stopped(operation, view):
    """Stop it; returns the first words of its last picture, once control is back."""
    started = time.monotonic()
    operation.stop()
    with pytest.raises(Stopped) as caught:
        operation.result(5)
    took = time.monotonic() - started
    assert took < 1, took
    first = as_text(view.render(operation.state)).splitlines()[0]
    assert "■ stopped" in first
    return first, caught.value


def gone(operation):
    assert operation.wait_until_gone(30)


def closed_by_the_engine(connection):
    connection.settimeout(0)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@pytest.fixture
def silent_registry():
    """The address of a registry that accepts connections and never replies, and a count of them."""
    listener = tcp_listener()
    listener.listen()
    held = []

    def accept():
        try:
            while True:
                held.append(listener.accept()[0])
        except OSError:
            return

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"127.0.0.1:{listener.getsockname()[1]}", held
    listener.shutdown(2)
    listener.close()
    thread.join(5)
    for one in held:
        one.close()


def test_a_pull_from_a_registry_that_never_answers(engine, silent_registry, unique):
    address, held = silent_registry
    operation = images.pull(engine, f"{address}/{unique}:1")
    wait_until(lambda: held)
    stopped(operation, TransferView())
    gone(operation)
    wait_until(lambda: all(closed_by_the_engine(one) for one in held))


def test_a_run_that_pulls_from_it(engine, silent_registry, unique):
    address, held = silent_registry
    operation = run(engine, RunRequest(f"{address}/{unique}:1", name=unique))
    wait_until(lambda: held)
    stopped(operation, LogView())
    gone(operation)
    with pytest.raises(NotFound):
        containers.inspect(engine, unique)


@pytest.mark.parametrize("remove", [True, False])
def test_a_run_on_an_engine_that_froze(engine, busybox, between, unique, remove):
    frozen, middleman = between
    request = RunRequest(busybox, ("sh", "-c", "echo up; trap '' TERM; sleep 600"), name=unique, remove=remove)
    operation = run(frozen, request)
    wait_until(lambda: operation.state.total)
    middleman.freeze()
    _, error = stopped(operation, LogView())
    assert "in the background" in error.cure
    assert not operation.gone
    middleman.thaw()
    gone(operation)
    try:
        if remove:
            with pytest.raises(NotFound):
                containers.inspect(engine, unique)
        else:
            assert not containers.inspect(engine, unique)["State"]["Running"]
    finally:
        if not remove:
            containers.remove(engine, unique, force=True)


@pytest.mark.parametrize("detach", [True, False])
def test_a_run_on_an_engine_that_froze_before_it_began(engine, busybox, between, unique, detach):
    frozen, middleman = between
    middleman.freeze()
    operation = run(frozen, RunRequest(busybox, ("sleep", "600"), name=unique, detach=detach))
    started = time.monotonic()
    operation.stop()
    with pytest.raises(Stopped):
        operation.result(5)
    assert time.monotonic() - started < 1
    middleman.thaw()
    gone(operation)
    with pytest.raises(NotFound):
        containers.inspect(engine, unique)


def test_a_build_on_an_engine_that_froze(between, unique):
    frozen, middleman = between
    text = f"FROM busybox\nRUN echo {unique}; sleep 600\n"
    operation = build(frozen, BuildRequest(text, tags=(f"{unique}:1",)))
    wait_until(lambda: any(step.output for step in operation.state.steps.values()))
    middleman.freeze()
    stopped(operation, BuildView())
    middleman.thaw()
    gone(operation)
    wait_until(lambda: not processes(unique))
    # the connection stays usable
    again = build(frozen, BuildRequest(f"FROM busybox\nLABEL of={unique}"))
    assert again.result(60).id


def test_a_push_on_an_engine_that_froze(engine, between, registry, make_image, unique):
    name = make_image(engine, f"{registry}/tests/{unique}:1", 3_000_000)
    frozen, middleman = between
    middleman.freeze()
    operation = images.push(frozen, name)
    stopped(operation, TransferView())
    middleman.thaw()
    gone(operation)


def test_an_engine_that_goes_away_in_the_middle_is_unavailable_and_what_was_shown_stays(
    engine, busybox, between, unique
):
    cut, middleman = between
    running = run(cut, RunRequest(busybox, ("sh", "-c", "echo up; sleep 600"), name=unique))
    wait_until(lambda: running.state.total)
    building = build(cut, BuildRequest(f"FROM busybox\nRUN echo {unique}; sleep 600\n"))
    wait_until(lambda: any(step.output for step in building.state.steps.values()))
    middleman.close()
    try:
        for operation, view in ((running, LogView()), (building, BuildView())):
            with pytest.raises(EngineUnavailable) as caught:
                operation.result(30)
            assert cut.address in caught.value.tried
            assert caught.value.cure
            assert operation is building or f"If {unique} was started, it keeps running." in caught.value.message
            assert "✕ failed" in as_text(view.render(operation.state)).splitlines()[0]
        assert running.state.lines[0].text == "up"
        assert any(step.output for step in building.state.steps.values())
        assert not building.state.count(StepState.RUNNING)
        sleeping = next(step for step in building.state.steps.values() if "sleep" in step.instruction)
        assert sleeping.state in {StepState.STOPPED, StepState.FAILED}
        gone(running)
        assert containers.inspect(engine, unique)["State"]["Running"]
    finally:
        containers.remove(engine, unique, force=True)


@pytest.mark.parametrize("remove", [True, False])
def test_a_command_that_is_stopped_may_end_by_itself(engine, busybox, unique, remove):
    script = "trap 'echo tidied > /kept/file; exit 0' TERM; echo up; while :; do sleep 0.1; done"
    volume = f"{unique}-kept"
    request = RunRequest(busybox, ("sh", "-c", script), name=unique, remove=remove, volumes=(f"{volume}:/kept",))
    operation = run(engine, request)
    wait_until(lambda: operation.state.total)
    stopped(operation, LogView())
    gone(operation)
    reader = RunRequest(busybox, ("cat", "/kept/file"), remove=True, volumes=(f"{volume}:/kept",))
    try:
        assert run(engine, reader).result(60).output == "tidied\n"
    finally:
        if not remove:
            containers.remove(engine, unique)
        engine.http().call("DELETE", f"/volumes/{volume}")


@pytest.mark.parametrize("what", ["pull", "push", "run"])
def test_an_engine_that_never_answers_a_call(tmp_path, what):
    with Speaker(tmp_path / "s", b"", stay=True) as speaker:
        where = addresses.Address(speaker.address)
        kind = capabilities.Capabilities("Docker Engine", "1", "1.47")
        engine = connection.Engine(speaker.address, "test", kind, _where=where)
        begin = {
            "pull": lambda: images.pull(engine, "busybox"),
            "push": lambda: images.push(engine, "127.0.0.1:1/x"),
            "run": lambda: run(engine, RunRequest("busybox")),
        }
        operation = begin[what]()
        wait_until(lambda: speaker.received)
        stopped(operation, LogView() if what == "run" else TransferView())
    with pytest.raises((Stopped, NbcontainerError)):
        operation.result(1)
