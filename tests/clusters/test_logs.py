"""Logs from a real node: whole, followed through restarts and broken connections, merged, stopped."""

import threading
import time
from pathlib import Path

import pytest

from nbcontainer.clusters import log_follow
from nbcontainer.clusters.deletion import delete
from nbcontainer.clusters.log_lines import LineReader
from nbcontainer.clusters.logs import logs
from nbcontainer.clusters.pods import create
from nbcontainer.errors import ApiError, NotFound, UsageError
from nbcontainer.model.log_file import LogReader
from nbcontainer.model.log_lines import LONGEST_LINE
from nbcontainer.model.logs import LogLines, LogRequest, LogResult
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.pods import PodRequest
from tests.clusters.test_tables import tasks_on, until
from tests.log_files import bytes_in, texts_in

pytestmark = pytest.mark.timeout(300)


def run(space, name, script, **options):
    labels = options.pop("labels", {})
    request = PodRequest(name, "busybox", command=("sh", "-c", script), labels=labels, **options)
    return create(space, request).result(90)


@pytest.fixture(scope="module")
def writer(space):
    """A pod that has written some lines and still runs."""
    run(space, "writer", r"seq 1 500; printf 'bad \377\033[31m\342\200\256<b>\000\r\n'; printf 'no end'; sleep 3600")
    return "writer"


def test_the_log_so_far(space, writer):
    # the runtime holds back a line without its end
    until(lambda: logs(space, LogRequest((writer,))).result(30).state.total == 501)
    operation = logs(space, LogRequest((writer,)))
    result = operation.result(30)
    assert [line.text for line in result][:3] == ["1", "2", "3"]
    assert result[500].text == "bad \ufffd\x1b[31m\u202e<b>\x00"
    assert result.state.total == len(result)
    assert result.state.sources == {writer: False}
    assert Path(result.state.spool).read_bytes().startswith(b"1\n2\n3\n")  # a single log's file is the log
    assert b"bad \xff\x1b[31m" in bytes_in(result.state.spool)


def test_tail_since_and_timestamps(space, writer):
    assert len(logs(space, LogRequest((writer,), tail=5)).result(30)) <= 5
    assert len(logs(space, LogRequest((writer,), since=3600)).result(30)) >= 500
    result = logs(space, LogRequest((writer,), tail=3, timestamps=True)).result(30)
    assert all(abs(line.time - time.time()) < 3600 for line in result)
    assert bytes_in(result.state.spool).startswith(b"20")


def test_a_long_log_is_read_in_large_pieces(space, monkeypatch):
    """A server sends it in pieces of some kilobytes; each costs as much as hundreds of lines."""
    run(space, "long-log", "yes 'a line of a long log, which has the usual length of one' | head -n 200000; sleep 3600")
    until(lambda: logs(space, LogRequest(("long-log",))).result(30).state.total == 200_000)
    sizes = []
    fed = LineReader.feed

    def feed(reader, data):
        sizes.append(len(data))
        fed(reader, data)

    monkeypatch.setattr(LineReader, "feed", feed)
    assert logs(space, LogRequest(("long-log",))).result(60).state.total == 200_000
    assert sum(sizes) / len(sizes) > 16 * 1024


def test_what_is_not_there(space, writer):
    with pytest.raises(NotFound, match="There is no pod nix in "):
        logs(space, LogRequest(("nix",))).result(30)
    with pytest.raises(NotFound, match="There is no pod nix in "):
        logs(space, LogRequest(("nix",), follow=True)).result(30)
    with pytest.raises(NotFound, match="There are no pods nix, writter in ") as caught:
        logs(space, LogRequest(("nix", "writter"), follow=True)).result(30)
    assert caught.value.cure == "Did you mean writer?"
    assert caught.value.__context__ is None  # else IPython also shows the traceback of its cause
    with pytest.raises(NotFound, match="There is no namespace never-was in"):
        logs(space, LogRequest(("nix",), namespace="never-was")).result(30)
    with pytest.raises(NotFound, match="There is no namespace never-was in"):
        logs(space, LogRequest(selector="app=x", namespace="never-was", follow=True)).result(30)
    elsewhere = logs(space, LogRequest((writer,), namespace="default"))
    with pytest.raises(NotFound, match="There is no pod writer in ") as caught:
        elsewhere.result(30)
    assert f"writer is in namespace {space.namespace}: `--namespace={space.namespace}`." in caught.value.cure
    with pytest.raises(NotFound, match="no container side") as caught:
        logs(space, LogRequest((writer,), container="side")).result(30)
    assert caught.value.cure == "It has: writer."
    with pytest.raises(NotFound, match="no container side"):
        logs(space, LogRequest((writer,), container="side", follow=True)).result(30)
    with pytest.raises(UsageError):
        logs(space, LogRequest()).result(30)
    nobody = logs(space, LogRequest(selector="app=none")).result(30)
    assert (len(nobody), nobody.state.notes) == (0, (f"There are no pods with app=none in {space.where}.",))


@pytest.mark.parametrize("follow", [False, True])
def test_an_existing_and_a_missing_pod(space, writer, follow):
    operation = logs(space, LogRequest(("nix", writer, "deploy/none"), follow=follow, duration=3.0))
    if follow:
        operation.result(30)
    else:  # what exists is read to its end before the error
        with pytest.raises(NotFound, match="There is no pod nix in "):
            operation.result(30)
    result = LogResult(operation.state)
    assert [line.text for line in result][:3] == ["1", "2", "3"]
    assert result.state.total >= 500
    missing = [note for note in result.state.notes if "There is no" in note]
    assert len(missing) == 2
    assert missing[0].startswith("There is no pod nix in ")
    assert missing[1].startswith("There is no deployment none in ")
    assert not any("There is no" in line.text for line in result)
    side = logs(space, LogRequest((writer, "nix"), container="writer", follow=True, duration=3.0)).result(30)
    assert side.state.total >= 500


def test_following_waits_for_the_first_pod_of_a_selector_and_says_so(space):
    operation = logs(space, LogRequest(selector="app=later", follow=True))
    nobody = f"There are no pods with app=later in {space.where} yet; those that appear join."
    until(lambda: operation.state.notes == (nobody,))
    run(space, "later", "echo here; sleep 600", labels={"app": "later"})
    until(lambda: operation.state.total == 1)
    operation.stop()
    assert operation.result(5).state.notes[1] == "later joined"


def test_following_ends_with_the_pod(space):
    run(space, "short", "for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done; printf last", restart="Never")
    operation = logs(space, LogRequest(("short",), follow=True))
    result = operation.result(30)
    assert [line.text for line in result] == [*(f"line {number}" for number in range(1, 6)), "last"]
    assert result.state.outcome is Outcome.DONE
    assert not result.state.following
    assert texts_in(result.state.spool) == [*(f"line {number}" for number in range(1, 6)), "last"]


def test_following_is_stopped_within_a_second_and_leaves_nothing(space, writer):
    before = tasks_on(space)
    operation = logs(space, LogRequest((writer,), follow=True))
    until(lambda: operation.state.total >= 500)
    began = time.monotonic()
    operation.stop()
    result = operation.result(5)
    assert time.monotonic() - began < 1
    assert result.state.outcome is Outcome.STOPPED
    assert not result.state.following
    until(lambda: tasks_on(space) <= before)


def test_following_has_a_time_limit(space, writer):
    began = time.monotonic()
    result = logs(space, LogRequest((writer,), follow=True, duration=1.0)).result(10)
    assert 0.9 < time.monotonic() - began < 4
    assert result.state.total >= 500


def run_with_state(space, name, script):
    """A pod whose folder /state outlives its container."""
    body = {
        "metadata": {"name": name},
        "spec": {
            "containers": [
                {
                    "name": "c",
                    "image": "busybox",
                    "args": ["sh", "-c", script],
                    "volumeMounts": [{"name": "state", "mountPath": "/state"}],
                }
            ],
            "volumes": [{"name": "state", "emptyDir": {}}],
        },
    }
    space.run(space.request("POST", f"/api/v1/namespaces/{space.namespace}/pods", body=body))


def test_a_restart_is_followed_without_loss_or_repetition(space):
    script = (
        "n=$(cat /state/n 2>/dev/null || echo 0); n=$((n+1)); echo $n > /state/n; "
        "for i in 1 2 3 4 5 6; do echo run $n line $i; sleep 0.2; done; [ $n = 3 ] && sleep 600; exit 1"
    )
    run_with_state(space, "restarts", script)
    operation = logs(space, LogRequest(("restarts",), follow=True))
    expected = [f"run {turn} line {number}" for turn in (1, 2, 3) for number in range(1, 7)]
    until(lambda: operation.state.total >= len(expected), 120)
    operation.stop()
    result = operation.result(5)
    assert [line.text for line in result] == expected
    assert any("restarted (exit code 1)" in note for note in result.state.notes)
    run(space, "never-ended", "sleep 600")
    with pytest.raises(NotFound, match="Container never-ended of never-ended was not restarted"):
        logs(space, LogRequest(("never-ended",), previous=True)).result(30)
    previous = logs(space, LogRequest(("restarts",), previous=True)).result(30)
    assert [line.text for line in previous] == expected[6:12]


def test_a_broken_connection_is_taken_up_where_it_broke(space):
    count = 3_000
    run(
        space,
        "steady",
        f"for i in $(seq 1 {count}); do echo line $i; [ $((i % 100)) = 0 ] && sleep 0.1; done; sleep 600",
    )
    operation = logs(space, LogRequest(("steady",), follow=True))
    for total in (500, 1_000, 1_500, 2_000):
        until(lambda total=total: operation.state.total >= total, 60)
        _break_streams(space)
    until(lambda: operation.state.total >= count, 60)
    time.sleep(0.5)
    operation.stop()
    operation.result(5)
    assert texts_in(operation.state.spool) == [f"line {number}" for number in range(1, count + 1)]
    assert operation.state.total == count


def test_the_run_before_is_read_right_after_each_crash(space):
    """At any time `previous` returns the lines of one whole run, and none of the node's own messages."""
    script = "n=$(cat /state/n 2>/dev/null || echo 0); n=$((n+1)); echo $n > /state/n; echo run $n; echo over; exit 1"
    run_with_state(space, "crashes", script)
    runs = []
    until(lambda: _restarts(space, "crashes") >= (0, False), 60)
    while _restarts(space, "crashes") < (2, True):
        result = logs(space, LogRequest(("crashes",), previous=True)).result(60)
        first, second = (line.text for line in result)
        assert (first[:4], second) == ("run ", "over")
        runs.append(int(first[4:]))
    assert runs == sorted(runs)
    assert runs[0] == 1


def _restarts(cluster, name):
    """How often a pod's container was restarted, -1 before its first run ended; and whether it waits for the next."""
    pod = cluster.run(cluster.request("GET", f"/api/v1/namespaces/{cluster.namespace}/pods/{name}"))
    (status,) = (pod.get("status") or {}).get("containerStatuses") or ({},)
    first = not status.get("restartCount") and "terminated" not in status.get("state", {}) | status.get("lastState", {})
    return (-1, False) if first else (status["restartCount"], "waiting" in status["state"])


def _break_streams(cluster):
    """Cut every connection of the session, as a network does."""

    async def cut():
        session, _ = await cluster.link.client.session()
        for protocols in list(session.connector._acquired_per_host.values()):
            for protocol in list(protocols):
                if protocol.transport is not None:
                    protocol.transport.abort()

    cluster.run(cut())


def test_pods_that_appear_later_join(space):
    run(space, "join-1", "echo first; sleep 600", labels={"app": "join"})
    operation = logs(space, LogRequest(selector="app=join", follow=True))
    until(lambda: operation.state.total == 1)
    run(space, "join-2", "echo second; sleep 600", labels={"app": "join"})
    until(lambda: operation.state.total == 2)
    delete(space, ["join-1"], force=True).result(60)
    until(lambda: operation.state.sources.get("join-1") is False)
    assert not operation.done
    operation.stop()
    result = operation.result(5)
    assert [(line.source, line.text) for line in result] == [("join-1", "first"), ("join-2", "second")]
    assert result.state.notes == ("join-2 joined", "join-1 was deleted")
    assert result.state.marks == (
        1,
        2,
    )  # before the lines of the pod that joined, after those of the one that left
    assert result.text == "first\nsecond"
    assert [(line.source, line.text) for line in LogReader(result.state.spool).lines(0, 3)] == [
        ("join-1", "first"),
        ("join-2", "second"),
    ]
    assert b"\n==> join-2 <==\n" in Path(result.state.spool).read_bytes()


@pytest.mark.parametrize("grace", [0, 1])
def test_a_pod_deleted_mid_log_ends_it(space, grace):
    name = f"deleted-{grace}"
    run(space, name, "while true; do echo x; sleep 0.1; done")
    operation = logs(space, LogRequest((name,), follow=True))
    until(lambda: operation.state.total > 3)
    delete(space, [name], grace_period=grace).result(60)
    assert operation.result(60).state.notes == (f"{name} was deleted",)


def test_deployments_and_all_containers(space):
    template = {
        "metadata": {"labels": {"app": "two"}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {"name": name, "image": "busybox", "args": ["sh", "-c", f"echo of {name}; sleep 600"]}
                for name in ("main", "side")
            ],
        },
    }
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "two"}}, "template": template}
    path = f"/apis/apps/v1/namespaces/{space.namespace}/deployments"
    space.run(space.request("POST", path, body={"metadata": {"name": "two"}, "spec": spec}))
    operation = logs(space, LogRequest(("deploy/two",), follow=True, all_containers=True))
    until(lambda: operation.state.total == 4, 90)
    operation.stop()
    result = operation.result(5)
    assert sorted(line.text for line in result) == ["of main", "of main", "of side", "of side"]
    assert {source.split("/")[1] for source in result.state.sources} == {"main", "side"}
    main_only = logs(space, LogRequest(("deploy/two",))).result(30)
    assert [line.text for line in main_only] == ["of main", "of main"]
    with pytest.raises(NotFound, match="There is no deployment none in "):
        logs(space, LogRequest(("deploy/none",))).result(30)


def test_a_pod_that_cannot_start_says_why(space):
    request = PodRequest("unstarted", "127.0.0.1:5000/no/such:1", wait=False)
    create(space, request).result(30)
    operation = logs(space, LogRequest(("unstarted",), follow=True))
    until(lambda: any("has no image" in note for note in operation.state.notes), 60)
    operation.stop()
    operation.result(5)
    with pytest.raises(ApiError, match=r"has no image 127\.0\.0\.1:5000/no/such:1") as caught:
        logs(space, LogRequest(("unstarted",))).result(30)
    assert "%docker push" in caught.value.cure


def test_a_pod_that_has_not_started_says_how_to_wait(space):
    create(space, PodRequest("early", "busybox", command=("sleep", "600"), wait=False)).result(30)
    with pytest.raises(ApiError) as caught:
        logs(space, LogRequest(("early",))).result(30)
    assert caught.value.cure == f"`%kpod logs -f early -n {space.namespace}` waits until it runs."


def test_more_sources_than_streams(space, monkeypatch):
    monkeypatch.setattr(log_follow, "MOST_STREAMS", 2)
    monkeypatch.setattr(log_follow, "FEWEST_STREAMS", 1)
    monkeypatch.setattr(log_follow, "POLL_SECONDS", 0.3)
    for number in range(4):
        script = "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.3; done; sleep 600"
        run(space, f"crowd-{number}", script, labels={"app": "crowd"})
    operation = logs(space, LogRequest(selector="app=crowd", follow=True))
    until(lambda: operation.state.total >= 32, 60)
    operation.stop()
    result = operation.result(5)
    for number in range(4):
        mine = [line.text for line in result if line.source == f"crowd-{number}"]
        assert mine == [str(line) for line in range(1, 9)]


def test_a_long_line_is_cut_in_the_window_and_whole_in_the_spool(space):
    run(space, "long", "echo before; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo after; sleep 600")
    until(lambda: logs(space, LogRequest(("long",))).result(60).state.total == 3)
    for request in (LogRequest(("long",)), LogRequest(("long",), timestamps=True)):
        operation = logs(space, request)
        result = operation.result(60)
        before, long, after = result
        assert (before.text, after.text) == ("before", "after")
        assert (len(long.text), long.missing) == (LONGEST_LINE, 3_000_000 - LONGEST_LINE)
        assert bytes_in(operation.state.spool).count(b"x") == 3_000_000


def test_lines_at_full_speed_come_in_batches_and_are_whole(space):
    count = 300_000
    run(space, "flood", f"seq 1 {count}; sleep 600")
    operation = logs(space, LogRequest(("flood",), follow=True))
    batches = []

    def listen():
        batches.extend(event for event in operation.events() if isinstance(event, LogLines))

    listener = threading.Thread(target=listen)
    listener.start()
    until(lambda: operation.state.total >= count, 120)
    operation.stop()
    operation.result(5)
    listener.join(10)
    numbers = [str(number) for number in range(1, count + 1)]
    assert texts_in(operation.state.spool) == numbers
    assert [line.text for line in operation] == numbers  # however late
    assert len(batches) < count / 100
