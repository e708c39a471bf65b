"""Nodes are cordoned and drained, on an API server without kubelets: the tests say when a pod is gone."""

import time

import pytest

import nbcontainer as nbc
from nbcontainer.clusters.discovery import POD
from nbcontainer.errors import ApiError, Conflict, NotFound, Stopped, UsageError
from nbcontainer.model.outcome import Outcome
from nbcontainer.views.draining import DrainView
from nbcontainer.views.text import as_text

pytestmark = pytest.mark.timeout(120)

SPACE = "drained"
POLICIES = f"/apis/policy/v1/namespaces/{SPACE}/poddisruptionbudgets"


class Node:
    """A node that exists only in the API, and its pods."""

    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name

    def call(self, method, path, **given):
        return self.cluster.run(self.cluster.send(method, path, **given))

    def pod(self, name, *, owner="ReplicaSet", annotations=None, volumes=(), phase="Running"):
        """A pod that runs on it."""
        owners = [{"apiVersion": "apps/v1", "kind": owner, "name": "web", "uid": "1", "controller": True}]
        meta = {"name": name, "labels": {"app": name}, "annotations": annotations or {}}
        meta["ownerReferences"] = owners if owner else []
        spec = {"nodeName": self.name, "containers": [{"name": "main", "image": "busybox"}], "volumes": list(volumes)}
        status, answer = self.call("POST", POD.path(SPACE), body={"metadata": meta, "spec": spec})
        assert status == 201, answer
        ready = {"type": "Ready", "status": "True" if phase == "Running" else "False"}
        self.patch(POD.path(SPACE, name, "status"), {"status": {"phase": phase, "conditions": [ready]}})

    def patch(self, path, body):
        status, answer = self.call("PATCH", path, body=body, content_type="application/merge-patch+json")
        assert status == 200, answer

    def end(self, name):
        """End a pod, as the kubelet does."""
        self.call("DELETE", POD.path(SPACE, name), body={"gracePeriodSeconds": 0})

    def terminating(self, name):
        """Wait until a pod is to end."""
        deadline = time.monotonic() + 30
        while "deletionTimestamp" not in self.call("GET", POD.path(SPACE, name))[1]["metadata"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture
def node(own_cluster, monkeypatch, request):
    """A node in an own namespace, and the handle."""
    monkeypatch.setenv("KUBECONFIG", str(own_cluster.kubeconfig()))
    made = Node(own_cluster.cluster(namespace=SPACE), f"n-{abs(hash(request.node.name)) % 10**8}")
    made.call("POST", "/api/v1/namespaces", body={"metadata": {"name": SPACE}})
    made.call("POST", f"/api/v1/namespaces/{SPACE}/serviceaccounts", body={"metadata": {"name": "default"}})
    made.call("POST", "/api/v1/nodes", body={"metadata": {"name": made.name, "labels": {"rack": made.name}}})
    yield made
    made.call("DELETE", POD.path(SPACE), body={"gracePeriodSeconds": 0})
    made.call("DELETE", POLICIES)
    made.call("DELETE", f"/api/v1/nodes/{made.name}")


def is_cordoned(node):
    return nbc.cluster().get("nodes", node.name)[node.name].facts["status"].endswith("SchedulingDisabled")


def test_nodes_are_cordoned_and_uncordoned(node):
    cluster, name = nbc.cluster(), node.name
    (change,) = cluster.cordon(name, dry_run=True)
    assert repr(change) == f"Change(node/{name} cordoned, dry run)"
    assert not is_cordoned(node)
    (change,) = cluster.cordon(name)
    assert change.action == "cordoned"
    assert change.command.endswith(f"cordon {name}")
    assert is_cordoned(node)
    assert cluster.cordon(selector=f"rack={name}")[0].status == "already cordoned"
    assert cluster.uncordon(name)[0].action == "uncordoned"
    assert not is_cordoned(node)
    with pytest.raises(NotFound, match="no node nix"):
        cluster.cordon("nix")
    with pytest.raises(UsageError, match="Which nodes"):
        cluster.drain()


def test_a_plan_says_which_pods_go_and_which_stay(node):
    node.pod("web")
    node.pod("static", owner="", annotations={"kubernetes.io/config.mirror": "x"})
    node.pod("done", owner="", phase="Succeeded")
    plan = nbc.cluster().plan_drain(node.name)
    assert sorted(plan.changes) == [f"{SPACE}/done", f"{SPACE}/web"]
    assert plan.question.startswith(f"Cordon the node {node.name}, and evict 2 pods: ")
    text = plan.preview._repr_mimebundle_()["text/plain"]
    assert f"{SPACE}/static  stays       a static pod of the node" in text
    assert nbc.cluster().plan_drain(node.name, pod_selector="app=web").changes == (f"{SPACE}/web",)
    assert not is_cordoned(node)


def test_pods_that_may_be_lost_are_named_before_anything_is_done(node):
    node.pod("alone", owner="")
    node.pod("stored", volumes=[{"name": "data", "emptyDir": {}}])
    node.call(
        "POST",
        f"/apis/apps/v1/namespaces/{SPACE}/daemonsets",
        body={
            "metadata": {"name": "web"},
            "spec": {
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "main", "image": "busybox"}]},
                },
            },
        },
    )
    node.pod("daemon", owner="DaemonSet")
    with pytest.raises(Conflict, match="Not drained, and not cordoned") as error:
        nbc.cluster().drain(node.name)
    for words in ("alone", "stored", "daemon"):
        assert words in str(error.value)
    for flag in ("--ignore-daemonsets", "--delete-emptydir-data", "--force"):
        assert flag in error.value.cure
    assert not is_cordoned(node)
    plan = nbc.cluster().plan_drain(node.name, force=True, ignore_daemonsets=True, delete_emptydir_data=True)
    assert sorted(plan.changes) == [f"{SPACE}/alone", f"{SPACE}/stored"]
    assert "of the DaemonSet web" in plan.preview._repr_mimebundle_()["text/plain"]
    node.call("DELETE", f"/apis/apps/v1/namespaces/{SPACE}/daemonsets/web")
    plan = nbc.cluster().plan_drain(node.name, force=True, delete_emptydir_data=True)
    assert f"{SPACE}/daemon" in plan.changes  # its DaemonSet is gone


@pytest.mark.parametrize("disable_eviction", [False, True])
def test_a_drain_ends_once_the_pods_are_gone(node, disable_eviction):
    node.pod("web")
    drain = nbc.cluster().drain(node.name, grace_period=7, disable_eviction=disable_eviction)
    node.terminating("web")
    assert is_cordoned(node)
    assert not drain.done
    assert node.call("GET", POD.path(SPACE, "web"))[1]["metadata"]["deletionGracePeriodSeconds"] == 7
    node.end("web")
    done, evicted = drain.result(30)
    assert (done.action, evicted.action) == ("drained", "evicted")
    more = " --disable-eviction" if disable_eviction else ""
    assert done.command.endswith(f"drain {node.name}{more} --grace-period=7")
    assert drain.state.steps[f"{SPACE}/web"].words == "evicted"


def waiting(drain):
    """Wait until a disruption budget is said to hold a pod; returns what is said."""
    deadline = time.monotonic() + 30
    while (step := drain.state.steps.get(f"{SPACE}/web")) is None or step.words != "waiting":
        assert time.monotonic() < deadline, drain.state
        time.sleep(0.05)
    return step.message


@pytest.fixture
def budget(node):
    """A pod, and a disruption budget that needs it."""
    node.pod("web")
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    assert node.call("POST", POLICIES, body={"metadata": {"name": "holds"}, "spec": spec})[0] == 201

    def allow(count):
        status = {"observedGeneration": 1, "disruptionsAllowed": count, "currentHealthy": 1 + count}
        status |= {"desiredHealthy": 1, "expectedPods": 1}
        node.patch(f"{POLICIES}/holds/status", {"status": status})

    allow(0)
    return allow


def test_a_disruption_budget_that_forbids_it_is_said_and_waited_for(node, budget):
    drain = nbc.cluster().drain(node.name)
    assert "holds" in waiting(drain)
    assert "holds" in as_text(DrainView().render(drain.state))
    budget(1)
    node.terminating("web")
    node.end("web")
    assert drain.result(30)[0].action == "drained"


@pytest.mark.usefixtures("budget")
def test_a_stop_leaves_the_node_cordoned_and_says_so(node):
    drain = nbc.cluster().drain(node.name)
    waiting(drain)
    began = time.monotonic()
    drain.stop()
    with pytest.raises(Stopped):
        drain.result(10)
    assert time.monotonic() - began < 0.5
    step = drain.state.steps[f"node/{node.name}"]
    assert step.outcome is Outcome.STOPPED
    assert step.message == f"it remains cordoned; `%kube uncordon {node.name}` undoes that"
    assert is_cordoned(node)


@pytest.mark.usefixtures("budget")
def test_what_is_not_gone_in_time_is_named(node):
    with pytest.raises(ApiError, match=f"{SPACE}/web is left") as error:
        nbc.cluster().drain(node.name, timeout=1).result(30)
    assert error.value.reason == "Timeout"
    assert "uncordon" in error.value.cure
