"""A real buildkitd is killed or stopped at each stage of a build: a plain error, never a hang."""

import signal
import threading
import time

import pytest

from nbcontainer.buildkit import Build, Code, Control, SolveError, SolveOptions
from nbcontainer.buildkit import build as building
from tests.buildkit.building import build, options, output_of, services, unique, wait_until


def dying(daemon, when, *, number=signal.SIGKILL, **ways):
    """Build while the daemon is killed as soon as `when(news)`; returns the error and the time it took."""
    news, killed = [], []
    with Control(daemon.connect) as control:
        dockerfile = f"FROM busybox\nRUN echo begun {unique()} && sleep 300\n"
        made = Build(control, options(), services(dockerfile), on_status=news.append, **ways)

        def kill():
            wait_until(lambda: when(news), 30)
            killed.append(time.monotonic())
            daemon.kill(number)

        thread = threading.Thread(target=kill)
        thread.start()
        with pytest.raises(SolveError) as caught:
            made.run()
        ended = time.monotonic()
        thread.join()
        return caught.value, ended - killed[0]


@pytest.fixture(params=["solve", "gateway"])
def ways(request):
    return {"on_source_map": lambda _: None} if request.param == "gateway" else {}


@pytest.mark.parametrize(
    "when",
    [
        pytest.param(lambda _: True, id="at once"),
        pytest.param(bool, id="at the first news"),
        pytest.param(lambda news: b"begun" in output_of(news), id="in a step"),
    ],
)
def test_killed(own_buildkitd, ways, when):
    error, seconds = dying(own_buildkitd, when, **ways)
    assert error.code is Code.UNAVAILABLE
    assert "connection" in error.message or "connect" in error.message
    assert seconds < 3


def test_stopped_politely(own_buildkitd, ways):
    error, seconds = dying(own_buildkitd, lambda news: b"begun" in output_of(news), number=signal.SIGTERM, **ways)
    assert error.code in (Code.UNAVAILABLE, Code.CANCELLED, Code.UNKNOWN)
    assert seconds < 12


def test_frozen(own_buildkitd, ways, monkeypatch):
    """A hanging daemon is distinguished from one whose step writes nothing."""
    monkeypatch.setattr(building, "_ASKED", 0.2)
    monkeypatch.setattr(building, "_PATIENCE", 1.0)
    news, errors = [], []
    with Control(own_buildkitd.connect) as control:
        dockerfile = f"FROM busybox\nRUN echo begun {unique()} && sleep 300\n"
        made = Build(control, options(), services(dockerfile), on_status=news.append, **ways)

        def run():
            with pytest.raises(SolveError) as caught:
                made.run()
            errors.append(caught.value)

        thread = threading.Thread(target=run)
        thread.start()
        wait_until(lambda: b"begun" in output_of(news), 30)
        thread.join(3)
        assert not errors  # silent, but alive
        own_buildkitd.process.send_signal(signal.SIGSTOP)
        try:
            thread.join(10)
            assert errors[0].code is Code.UNAVAILABLE
            assert "does not answer" in errors[0].message
        finally:
            own_buildkitd.process.send_signal(signal.SIGCONT)


def test_frozen_and_cancelled(own_buildkitd, ways):
    """Cancelling does not wait for a hanging daemon."""
    news, errors = [], []
    with Control(own_buildkitd.connect) as control:
        dockerfile = f"FROM busybox\nRUN echo begun {unique()} && sleep 300\n"
        made = Build(control, options(), services(dockerfile), on_status=news.append, **ways)

        def run():
            with pytest.raises(SolveError) as caught:
                made.run()
            errors.append((caught.value, time.monotonic()))

        thread = threading.Thread(target=run)
        thread.start()
        wait_until(lambda: b"begun" in output_of(news), 30)
        own_buildkitd.process.send_signal(signal.SIGSTOP)
        try:
            started = time.monotonic()
            made.cancel()
            thread.join(10)
            assert errors[0][0].code is Code.CANCELLED
            assert errors[0][1] - started < 1
        finally:
            own_buildkitd.process.send_signal(signal.SIGCONT)


def test_killed_while_a_gateway_is_open(own_buildkitd):
    with Control(own_buildkitd.connect) as control:
        started = time.monotonic()
        opened = Build(control, SolveOptions(), services("FROM busybox")).opened()
        with pytest.raises(SolveError) as caught, opened as gateway:  # noqa: PT012 - either line may raise it
            own_buildkitd.kill()
            gateway.subrequest("frontend.targets", options())
        assert caught.value.code is Code.UNAVAILABLE
        assert time.monotonic() - started < 5


def test_a_new_daemon_is_used_after_the_old_one_died(own_buildkitd):
    with Control(own_buildkitd.connect) as control:
        build(control, "FROM busybox")
        own_buildkitd.kill()
        own_buildkitd.start()
        build(control, "FROM busybox")
