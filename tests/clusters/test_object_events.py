"""Events of objects of any kind on the real cluster."""

import time

import pytest

import nbcontainer as nbc
from nbcontainer.errors import UsageError
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of

EVENT = """
apiVersion: v1
kind: Event
metadata: {{name: {name}}}
type: {kind}
reason: Tried
message: "it went wrong: twice"
involvedObject: {{kind: Deployment, name: {about}, namespace: {space}}}
"""


@pytest.fixture
def cluster(space, kubernetes, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])
    made = nbc.cluster("", space.namespace)
    for name, kind, about in (("one", "Warning", "told"), ("two", "Normal", "told"), ("three", "Normal", "other")):
        made.apply(EVENT.format(name=f"{name}-event", kind=kind, about=about, space=space.namespace))
    return made


def test_the_events_of_an_object(cluster, space):
    of_deployment = cluster.events("deploy/told")
    assert sorted(of_deployment.column("TYPE")) == ["Normal", "Warning"]
    assert set(of_deployment.column("OBJECT")) == {"deployment/told"}
    warnings = run_magic(verbs_of("kube"), f"events --for deploy/told --types=warning -n {space.namespace}", None, {})
    assert warnings.column("TYPE") == ("Warning",)
    assert "--for=deployment/told --types=Warning" in warnings.command
    assert {"deployment/told", "deployment/other"} <= set(cluster.events().column("OBJECT"))
    assert len(cluster.events(types="Normal,Warning", all_namespaces=True)) >= 3


def test_the_events_of_a_node_are_in_any_namespace(cluster, space):
    about = {"kind": "Node", "name": "nbc-node", "uid": "nbc-node", "apiVersion": "v1"}
    body = {"metadata": {"generateName": "of-a-node-"}, "involvedObject": about, "reason": "Seen", "type": "Normal"}
    space.run(space.request("POST", "/api/v1/namespaces/default/events", body=body))  # where a kubelet writes its own
    assert "Seen" in cluster.events("node/nbc-node").column("REASON")


def test_what_happened_to_an_earlier_object_of_the_name_is_not_in_its_description(cluster, space):
    deployment = (
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: told}, spec: {replicas: 0, selector: {matchLabels: "
        "{app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: a}]}}}}"
    )
    cluster.apply(deployment)
    made = space.run(space.request("GET", f"/apis/apps/v1/namespaces/{space.namespace}/deployments/told"))
    for name, about, reason in (("then", "an-earlier-uid", "Then"), ("now", made["metadata"]["uid"], "Now")):
        event = EVENT.format(name=name, kind="Normal", about=f"told, uid: {about}", space=space.namespace)
        cluster.apply(event.replace("Tried", reason))
    reasons = {event[1] for event in cluster.describe("deploy/told").events}
    assert "Now" in reasons
    assert "Then" not in reasons
    assert {"Then", "Now"} <= set(cluster.events("deploy/told").column("REASON"))  # as in `kubectl events`


def test_new_events_come(cluster, space):
    watch = cluster.watch_events("deploy/later")
    assert not watch.done
    cluster.apply(EVENT.format(name="late-event", kind="Normal", about="later", space=space.namespace))
    deadline = time.monotonic() + 20
    while not watch.state.rows:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    watch.stop()
    assert watch.result(5).column("OBJECT") == ("deployment/later",)


def test_what_has_no_events(cluster):
    for about in ("deploy", "deploy/a/b"):
        with pytest.raises(UsageError):
            cluster.events(about)
    with pytest.raises(UsageError, match="no events of type 'Bad'"):
        cluster.events(types="Bad")
