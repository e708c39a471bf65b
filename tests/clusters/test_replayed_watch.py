"""A table under thousands of changes a second, replayed from a recording: no change is lost, none is invented."""

import json
import time

import pytest

import nbcontainer as nbc
from tests.clusters.replayed_watch import NAMESPACE, ReplayedWatch
from tests.recordings import pod_watch

STILL = 700  # pods that do not change: two pages
CHANGES = 2_900  # more than two whole recordings, to the middle of its pods' starts
RATE = 5_000
SECONDS = 20.0


def _left(changes):
    """The recorded pods that are there after so many changes, with their status."""
    left, events = {}, pod_watch.lines()[1:]
    for number in range(changes):
        event = json.loads(events[number % len(events)])
        name, _, status, *_ = event["object"]["rows"][0]["cells"]
        left.pop(name, None)
        if event["type"] != "DELETED":
            left[name] = status
    return left


@pytest.mark.live
@pytest.mark.parametrize("everywhere", [False, True])
def test_a_table_is_right_after_thousands_of_changes_a_second(tmp_path, monkeypatch, everywhere):
    expected = _left(CHANGES)
    assert len(set(expected.values())) > 1
    with ReplayedWatch(tmp_path, pods=STILL, rate=RATE, changes=CHANGES) as server:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig))
        watch = nbc.pods.watch(all_namespaces=everywhere)
        try:
            deadline = time.monotonic() + SECONDS
            found = {}
            while found != expected and time.monotonic() < deadline:
                watch.wait(1.0, revision=watch.revision)
                rows = watch.state.rows
                status = [column.name for column in watch.state.columns].index("STATUS") if rows else 0
                found = {row.name: row.cells[status] for row in rows.values() if not row.name.startswith("still-")}
        finally:
            watch.stop()
            watch.wait()
    assert found == expected
    assert len(watch.state.rows) == STILL + len(expected)
    assert list(watch.state.rows) == sorted(watch.state.rows)
    assert {row.namespace for row in watch.state.rows.values()} == {NAMESPACE}
