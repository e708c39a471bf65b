"""Builds on a real Engine: statuses, lines, failures, cancelling, and all kinds of endings."""

import os
import signal
import threading
import time

import pytest

from nbcontainer.buildkit import Build, Code, Control, Entry, RpcError, SolveError
from tests.buildkit.building import (
    ask,
    build,
    image,
    options,
    output_of,
    processes,
    services,
    steps,
    unique,
    wait_until,
)

FOREVER = "FROM busybox\nRUN echo begun && sleep {marker}\n"


def test_a_build_makes_an_image_and_reports_its_status(engine):
    word, news = unique(), []
    response = build(
        engine,
        f"FROM busybox\nRUN echo {word} && echo oops >&2\nCOPY a /a\nRUN cat /a",
        {"a": f"content {word}"},
        exporters=[image("nbcontainer-test/build:1")],
        news=news,
    )
    assert response["containerimage.config.digest"].startswith("sha256:")
    output = output_of(news).decode()
    assert word in output
    assert f"content {word}" in output
    assert {log.stream for response in news for log in response.logs} == {1, 2}
    final = steps(news).values()
    assert all(step.completed and not step.error for step in final)
    assert any("RUN echo" in step.name for step in final)


def test_the_cache_is_used(engine):
    dockerfile, news = f"FROM busybox\nRUN echo {unique()}", []
    build(engine, dockerfile)
    build(engine, dockerfile, news=news)
    assert [step.cached for step in steps(news).values() if "RUN" in step.name] == [True]
    build(engine, dockerfile, news=news, no_cache=True)
    assert [step.cached for step in steps(news).values() if "RUN" in step.name] == [False]


def test_every_step_has_its_lines_before_it_runs(engine):
    maps, news, seen_before = [], [], []
    dockerfile = f"FROM busybox AS a\n\nRUN echo {unique()} && \\\n  true\nFROM busybox\nCOPY --from=a /etc/passwd /p\n"

    def found(source_map):
        seen_before.append(output_of(news))
        maps.append(source_map)

    Build(
        engine,
        options([image("nbcontainer-test/lines:1")]),
        services(dockerfile),
        on_status=news.append,
        on_source_map=found,
    ).run()
    lines = {
        digest: {line for location in places.locations for found in location.ranges for line in span(found)}
        for digest, places in maps[0].locations.items()
    }
    found_lines = {step.name.split()[2]: lines[digest] for digest, step in steps(news).items() if lines.get(digest)}
    assert found_lines["RUN"] == {3, 4}
    assert found_lines["COPY"] == {6}
    assert seen_before == [b""]
    assert maps[0].infos[0].data.decode() == dockerfile


def span(found):
    return range(found.start.line, found.end.line + 1)


@pytest.fixture(params=["solve", "gateway"])
def ways(request):
    """Arguments of a build in each mode: a plain Solve, or through the gateway for the source map."""
    return {"on_source_map": lambda _: None} if request.param == "gateway" else {}


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ("FROM busybox\n\nRUN true && \\\n  exit 7\n", ((3, 4), 7, "exit code: 7")),
        ("FROM busybox\nRUN <<EOF\nnosuch\nEOF\n", ((2, 3, 4), 127, "exit code: 127")),
        ("FROM busybox\nCOPY nosuch /\n", ((2,), None, "nosuch")),
        ("FROM busybox\nRUN --nosuch true\n", ((2,), None, "nosuch")),
        ("FROM busybox\nNOSUCH true\n", ((2,), None, "NOSUCH")),
        ("FROM busybox\nRUN --mount=type=secret,id=nosuch,required cat /run/secrets/nosuch\n", ((2,), None, "nosuch")),
        ("FROM 127.0.0.1:5000/nosuch/image\n", ((1,), None, "nosuch/image")),
        ("", ((), None, "empty")),
    ],
)
def test_failures_name_their_lines(engine, ways, dockerfile, expected):
    (lines, exit_code, words), news = expected, []
    made = Build(engine, options(), services(dockerfile), on_status=news.append, **ways)
    started = time.monotonic()
    with pytest.raises(SolveError) as caught:
        made.run()
    error = caught.value
    assert (error.lines, error.exit_code) == (lines, exit_code)
    assert words in error.message
    assert error.code in (Code.UNKNOWN, Code.NOT_FOUND, Code.INVALID_ARGUMENT)
    if exit_code:
        assert steps(news)[error.step].error
    assert time.monotonic() - started < 5


def test_a_target_that_does_not_exist(engine, ways):
    with pytest.raises(SolveError, match="nosuch"):
        Build(engine, options(target="nosuch"), services("FROM busybox"), **ways).run()


def test_a_solve_that_is_refused_does_not_leave_status_waiting(engine, ways):
    started = time.monotonic()
    made = Build(engine, options([Entry(type="nosuch")]), services("FROM busybox"), on_status=print, **ways)
    with pytest.raises(SolveError, match="exporter"):
        made.run()
    assert time.monotonic() - started < 2


def test_cancel_ends_the_step_within_a_second(engine, ways):
    marker, news, errors = f"9{time.time_ns() % 10**12}", [], []
    made = Build(engine, options(), services(FOREVER.format(marker=marker)), on_status=news.append, **ways)

    def run():
        with pytest.raises(SolveError) as caught:
            made.run()
        errors.append(caught.value)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: b"begun" in output_of(news) and processes(marker))
    started = time.monotonic()
    made.cancel()
    thread.join(5)
    assert time.monotonic() - started < 1
    assert errors[0].code is Code.CANCELLED
    wait_until(lambda: not processes(marker), 1)
    made.cancel()


def test_cancel_before_the_start(engine, ways):
    made = Build(engine, options(), services("FROM busybox"), on_status=print, **ways)
    made.cancel()
    with pytest.raises(SolveError, match="cancelled"):
        made.run()


def test_an_interrupt_ends_the_step(engine, ways):
    marker, news = f"8{time.time_ns() % 10**12}", []
    made = Build(engine, options(), services(FOREVER.format(marker=marker)), on_status=news.append, **ways)
    interrupted = []

    def interrupt():
        wait_until(lambda: b"begun" in output_of(news))
        interrupted.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        made.run()
    assert time.monotonic() - interrupted[0] < 1
    thread.join()
    wait_until(lambda: not processes(marker), 1)


def test_a_deadline(engine):
    made = Build(engine, options(), services(FOREVER.format(marker="77")), timeout=1.5)
    with pytest.raises(SolveError) as caught:
        made.run()
    assert caught.value.code is Code.DEADLINE_EXCEEDED


def test_a_lost_session_ends_the_build(engine, ways):
    marker, news = f"7{time.time_ns() % 10**12}", []
    made = Build(engine, options(), services(FOREVER.format(marker=marker)), on_status=news.append, **ways)
    sessions, start = [], engine.start_session
    engine.start_session = lambda *args, **more: sessions.append(start(*args, **more)) or sessions[-1]

    def cut():
        wait_until(lambda: b"begun" in output_of(news))
        sessions[0]._server._connection._stream._call.cancel()

    thread = threading.Thread(target=cut)
    thread.start()
    with pytest.raises(SolveError, match="session"):
        made.run()
    thread.join()
    wait_until(lambda: not processes(marker), 2)


def test_a_lost_connection_ends_the_build(open_stream, ways):
    streams, news = [], []

    def remembered():
        streams.append(open_stream())
        return streams[-1]

    with Control(remembered) as control:
        made = Build(control, options(), services(FOREVER.format(marker="76")), on_status=news.append, **ways)

        def cut():
            wait_until(lambda: b"begun" in output_of(news))
            streams[0].close()

        thread = threading.Thread(target=cut)
        thread.start()
        started = time.monotonic()
        with pytest.raises(SolveError) as caught:
            made.run()
        assert caught.value.code is Code.UNAVAILABLE
        assert time.monotonic() - started < 5
        thread.join()
        ask(control)
        assert len(streams) == 2


def test_concurrent_builds_share_a_connection(engine):
    found = []

    def run():
        news = []
        word = unique()
        build(engine, f"FROM busybox\nRUN echo {word}", news=news)
        found.append(word in output_of(news).decode())

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [True] * 6


def test_a_failing_listeners_error_is_raised(engine):
    def listener(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Build(engine, options(), services("FROM busybox"), on_status=listener).run()


def test_a_slow_listener_gets_every_status(engine):
    news = []

    def listener(response):
        time.sleep(0.05)
        news.append(response)

    word = unique()
    dockerfile = f"FROM busybox\nRUN for i in $(seq 20); do echo {word} $i; sleep 0.05; done; echo the end of {word}"
    Build(engine, options(), services(dockerfile), on_status=listener).run()
    assert f"the end of {word}" in output_of(news).decode()
    assert all(step.completed for step in steps(news).values())


def test_no_thread_is_left(open_stream):
    with Control(open_stream) as control:
        build(control, "FROM busybox", news=[])
    wait_until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("buildkit-")], 2)


@pytest.mark.parametrize("through_gateway", [True, False])
def test_statuses_after_the_solve_reply_are_received(engine, monkeypatch, through_gateway):
    answered, tell = threading.Event(), engine.status

    def solve(*arguments, solve=engine.solve, **options):
        try:
            return solve(*arguments, **options)
        finally:
            answered.set()

    def status(ref, **options):
        for response in tell(ref, **options):
            assert answered.wait(30)  # as on a busy machine: no message has been read yet
            yield response

    monkeypatch.setattr(engine, "solve", solve)
    monkeypatch.setattr(engine, "status", status)
    word, news = unique(), []
    text = f"FROM busybox\nRUN echo {word}\nRUN echo last of {word}"
    lines = {"on_source_map": lambda _: None} if through_gateway else {}
    Build(engine, options(), services(text), on_status=news.append, **lines).run()
    assert output_of(news).decode().endswith(f"last of {word}\n")


def test_statuses_of_a_late_job_are_received(engine, monkeypatch):
    """The daemon waits some seconds for an unknown build, then says that there is none."""
    refused, tell = threading.Event(), engine.status

    def solve(*arguments, solve=engine.solve, **options):
        assert refused.wait(30)
        return solve(*arguments, **options)

    def status(ref, **options):
        try:
            yield from tell(ref, **options)
        except RpcError:
            refused.set()
            raise

    monkeypatch.setattr(engine, "solve", solve)
    monkeypatch.setattr(engine, "status", status)
    word, news = unique(), []
    build(engine, f"FROM busybox\nRUN echo {word}", news=news)
    assert word in output_of(news).decode()
