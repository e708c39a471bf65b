"""What happened to a pod or a workload over time, from real pods."""

import math
import shlex
import subprocess
import time

import pytest

from nbcontainer.clusters.timelines import pod_periods
from nbcontainer.errors import NotFound, UsageError
from nbcontainer.magics import catalogue
from nbcontainer.magics.calls import run_magic
from nbcontainer.model.tables import Tone
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text
from tests.buildkit.building import wait_until

CRASHING = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: crashing}
spec:
  selector: {matchLabels: {app: crashing}}
  template:
    metadata: {labels: {app: crashing}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: app, image: busybox, command: [sh, -c, "echo level=error bad; exit 3"]}]
"""


def magic(line):
    return run_magic(catalogue.verbs_of("kpod"), line, None, {})


def test_a_pod_that_runs(cluster):
    started = time.time()
    cluster.pods.create("steady", "busybox", command="sh -c 'echo one; echo two; sleep 600'").result()
    wait_until(  # a kubelet writes its events after the status
        lambda: "Started" in {one.reason for one in cluster.pods.timeline("steady", tail=0).moments},
        what=lambda: "there was no event of its start in time",
    )
    found = magic(f"timeline steady -n {cluster.namespace}")
    states = {one.subject: one for one in found.periods}
    assert (states["steady"].state, states["steady"].tone) == ("ready", Tone.GOOD)
    assert math.isinf(states["steady · steady"].end)
    assert started - 2 <= states["steady · steady"].start <= time.time() + 1
    reasons = [one.reason for one in found.moments]
    assert reasons[0] == "Object created"
    assert {"Scheduled", "Started"} <= {*reasons}
    assert [one.time for one in found.moments] == sorted(one.time for one in found.moments)
    assert sum(map(sum, found.lines.counts.values())) == 2
    text = as_text(picture_of(found))
    assert all(word in text for word in ("timeline of pod/steady", "so far", "Scheduled", "log lines in"))
    assert subprocess.run(shlex.split(found.command), capture_output=True, text=True, check=True).stdout
    assert cluster.pods.timeline("steady", tail=0).lines is None


def test_a_deployment_whose_container_fails_each_time(cluster):
    cluster.apply(CRASHING)
    wait_until(
        lambda: any(row.restarted for row in cluster.pods.list(selector="app=crashing")),
        seconds=60,
        what=lambda: "it was not restarted in time",
    )
    found = cluster.timeline("deploy/crashing")
    ended = [one for one in found.periods if one.tone is Tone.BAD]
    assert ended
    assert ended[0].state == "exit code 3"
    assert ended[0].end >= ended[0].start
    subjects = {one.subject.partition("/")[0] for one in found.moments}
    assert subjects == {"deployment", "replicaset", "pod"}
    assert any(one.message == "revision 1" for one in found.moments)
    assert {"error"} == {*found.lines.counts}
    wait_until(
        lambda: any(one.reason == "BackOff" for one in cluster.timeline("deploy/crashing", tail=0).moments),
        seconds=60,
        what=lambda: "there was no event of the back-off in time",
    )
    text = as_text(picture_of(cluster.timeline("deploy", "crashing")))
    assert "%kpod logs" in text
    assert "--since-time" in text
    cluster.delete("deploy/crashing").result()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("pod", "missing"), NotFound),
        (("deploy/missing",), NotFound),
        (("deploy",), UsageError),
        (("nodes", "any"), UsageError),
        (("nonsense/x",), UsageError),
    ],
)
def test_what_has_no_timeline(cluster, words, error):
    with pytest.raises(error):
        cluster.timeline(*words)


def test_an_object_without_pods_has_its_events_alone(cluster):
    cluster.create.configmap("plain", literals={"a": "1"})
    found = cluster.timeline("configmap/plain")
    assert (found.periods, [one.reason for one in found.moments]) == ((), ["Object created"])
    assert found.lines is None


NOW = 1_800_000_000.0


def pod(**status):
    metadata = {"name": "web", "creationTimestamp": "2027-01-15T07:59:00Z"}
    return {"kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "app"}]}, "status": status}


def test_a_pod_that_no_node_takes():
    scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    (only,) = pod_periods(pod(phase="Pending", conditions=[scheduled]), NOW)
    assert (only.state, only.tone, math.isinf(only.end)) == ("unschedulable", Tone.WARNING, True)


def test_a_status_without_any_fields_is_no_error():
    assert [one.state for one in pod_periods(pod(), NOW)] == ["pending"]
    assert [one.state for one in pod_periods({"metadata": {"name": "x"}}, NOW)] == ["pending"]
