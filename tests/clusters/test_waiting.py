"""Waiting for objects on the real cluster, as kubectl wait does."""

import threading
import time

import pytest

from nbcontainer.clusters.waiting import goal_of
from nbcontainer.errors import ApiError, NotFound, Stopped, UsageError
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.model.outcome import Outcome
from nbcontainer.views.text import as_text
from nbcontainer.views.waiting import WaitView
from tests.clusters.test_tables import until

pytestmark = pytest.mark.timeout(120)

MAP = "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, labels: {{of: wait}}}}, data: {{a: {value!r}}}}}"

SEEN_BEFORE = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}


def test_a_pod_s_condition(cluster, space):
    cluster.pods.create("ready", "busybox", command="sleep 600", wait=False).result(30)
    line = f"wait pod/ready --for=condition=ready -n {space.namespace}"
    waited = run_magic(verbs_of("kube"), line, None, {})
    assert waited.state.objects["pod/ready"].outcome is Outcome.DONE
    assert cluster.pods.get("ready").facts["ready"] == "1/1"
    assert "condition met" in as_text(WaitView().render(waited.state))
    with pytest.raises(ApiError, match="has no condition Sunny, but ") as caught:
        cluster.wait("pod", "ready", until="condition=Sunny", timeout=0).result(10)
    assert caught.value.reason == "Timeout"
    cluster.wait("pod", "ready", until="condition=Ready=true", timeout=0).result(10)
    ending = cluster.wait("pod", "ready", until="delete")
    until(lambda: ending.state.objects)
    cluster.pods.delete("ready", force=True).result(30)
    ending.result(30)


def test_a_value(cluster):
    cluster.apply(MAP.format(name="valued", value="one"))
    waiting = cluster.wait("cm/valued", until="jsonpath={.data.a}=two")
    until(lambda: waiting.state.objects)
    assert waiting.state.objects["configmap/valued"].message == "it is one"
    cluster.apply(MAP.format(name="valued", value="two"))
    assert waiting.result(10).state.objects["configmap/valued"].outcome is Outcome.DONE
    cluster.get("cm")["valued"].wait("jsonpath={.data.a}", timeout=0).result(10)


def test_a_creation(cluster):
    waiting = cluster.wait("cm/later", until="create")
    until(lambda: waiting.state.objects)
    assert not waiting.done
    cluster.apply(MAP.format(name="later", value=""))
    waiting.result(10)


def test_several_are_waited_for_by_their_labels(cluster):
    for name in ("several-1", "several-2"):
        cluster.apply(MAP.format(name=name, value="x").replace("of: wait", "of: several"))
    waiting = cluster.wait("cm", until="delete", selector="of=several")
    until(lambda: len(waiting.state.objects) == 2)
    cluster.delete("cm", "several-1").result(30)
    assert not waiting.done
    cluster.delete("cm", "several-2").result(30)
    assert set(waiting.result(10).state.objects) == {"configmap/several-1", "configmap/several-2"}
    cluster.wait("cm", until="delete", selector="of=several").result(10)  # they are gone already


def test_a_stop_ends_it_at_once(cluster):
    cluster.apply(MAP.format(name="forever", value="x"))
    waiting = cluster.wait("cm", "forever", until="delete", timeout=-1)
    until(lambda: waiting.state.objects)
    began = time.monotonic()
    threading.Timer(0.0, waiting.stop).start()
    with pytest.raises(Stopped):
        waiting.result(5)
    assert time.monotonic() - began < 0.5
    assert waiting.state.objects["configmap/forever"].outcome is Outcome.STOPPED


def test_what_cannot_be_waited_for(cluster):
    with pytest.raises(NotFound, match="no configmap nope"):
        cluster.wait("cm", "nope", until="condition=Ready").result(10)
    with pytest.raises(NotFound, match="no such configmaps"):
        cluster.wait("cm", until="condition=Ready", selector="of=nobody").result(10)
    with pytest.raises(UsageError, match="Which configmaps"):
        cluster.wait("cm", until="delete")
    for said in ("", "condition", "delete=now", "ready", "jsonpath=", "jsonpath={.a"):
        with pytest.raises(UsageError):
            goal_of(said)


@pytest.mark.parametrize(
    ("said", "found", "is_met"),
    [
        ("condition=Ready", {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, True),
        ("condition=ready=false", {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, True),
        ("condition=Ready", {"metadata": {"generation": 2}, "status": SEEN_BEFORE}, False),
        ("jsonpath='{.a}'=b", None, False),
        ("jsonpath={.a}=b=c", {"a": "b=c"}, True),
        ("jsonpath=.a=b", {"a": "b"}, True),
        ("jsonpath={.x[?(@.n=='k')].v}='1'", {"x": [{"n": "k", "v": 1}]}, True),
        ("create", None, False),
    ],
)  # fmt: skip
def test_whether_an_object_is_as_wanted(said, found, is_met):
    assert goal_of(said.replace("'{", "{").replace("}'", "}")).look(found)[0] is is_met
