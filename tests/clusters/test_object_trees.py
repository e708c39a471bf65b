"""Trees of owners and dependents on the real cluster."""

import time

import pytest

import nbcontainer as nbc
from nbcontainer.errors import NotFound, UsageError
from nbcontainer.model.tables import Tone
from nbcontainer.views.html import as_html
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text

pytestmark = pytest.mark.timeout(120)

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: crown}
spec:
  replicas: 2
  selector: {matchLabels: {app: crown}}
  template:
    metadata: {labels: {app: crown}}
    spec: {terminationGracePeriodSeconds: 0, containers: [{name: leaf, image: busybox, args: [sleep, "600"]}]}
"""


@pytest.fixture(autouse=True)
def real_cluster(kubernetes, monkeypatch):
    """The real cluster is in use."""
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])


@pytest.fixture(scope="module")
def cluster(space):
    """A handle of a namespace in which two pods of a Deployment run."""
    made = nbc.cluster("", space.namespace)
    made.apply(DEPLOYMENT)
    deadline = time.monotonic() + 60
    while made.get("deploy", "crown")["crown"].facts["ready"] != "2/2":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield made
    made.delete("deploy", "crown").result(60)


def test_a_deployment_s_tree(cluster):
    tree = cluster.tree("deploy/crown")
    pod = ("pod", ("Running", "1/1 ready"), 2, Tone.GOOD)
    assert [(one.kind, one.status, one.depth, one.tone) for one in tree.objects] == [
        ("deployment.apps", ("2/2 ready",), 0, Tone.GOOD),
        ("replicaset.apps", ("2/2 ready",), 1, Tone.GOOD),
        pod,
        pod,
    ]
    assert tree.unread == ()
    text = as_text(picture_of(tree))
    assert "  ├ pod/crown-" in text
    assert "  └ pod/crown-" in text
    assert "<details" in as_html(picture_of(tree))


def test_a_pod_is_shown_below_its_owners_and_not_beside_others(cluster):
    name = cluster.pods.list(selector="app=crown").names[0]
    root, _, pod = cluster.pods.get(name).tree().objects
    assert (root.kind, root.name, root.is_subject) == ("deployment.apps", "crown", False)
    assert (pod.name, pod.depth, pod.is_subject) == (name, 2, True)


def test_an_owner_that_belongs_to_the_cluster():
    root, lease = nbc.cluster("", "kube-node-lease").tree("lease", "nbc-node").objects
    assert (root.kind, root.name, root.status) == ("node", "nbc-node", ("Ready",))
    assert (lease.name, lease.depth) == ("nbc-node", 1)


def test_an_owner_that_is_gone(cluster, space):
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "00000000-0000-0000-0000-000000000000"}
    held = ["tests.nbcontainer/held"]  # from the garbage collector
    body = {"metadata": {"name": "orphaned", "ownerReferences": [owner], "finalizers": held}}
    path = f"/api/v1/namespaces/{space.namespace}/configmaps"
    space.run(space.request("POST", path, body=body))
    try:
        root, _ = cluster.tree("cm", "orphaned").objects
    finally:
        cluster.patch("cm/orphaned", patch={"metadata": {"finalizers": None}}, type="merge")
    assert (root.kind, root.name, root.status) == ("configmap", "gone", ("gone",))


def test_what_a_namespace_has(cluster, space):
    depths = {one.kind: one.depth for one in cluster.tree("ns", space.namespace).objects if "crown" in one.name}
    assert depths == {"deployment.apps": 1, "replicaset.apps": 2, "pod": 3}


@pytest.mark.usefixtures("cluster")
def test_what_a_reader_may_not_list_is_said(viewer):
    tree = nbc.cluster("", viewer.namespace).tree("deploy", "crown")
    assert "secrets" in tree.unread
    assert "Not searched, because they may not be listed: " in as_text(picture_of(tree))


def test_what_has_no_tree(cluster):
    with pytest.raises(NotFound, match="no deployment crowd"):
        cluster.tree("deploy", "crowd")
    with pytest.raises(UsageError, match="which object"):
        cluster.tree("deploy")
