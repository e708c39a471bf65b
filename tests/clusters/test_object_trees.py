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
    (root,) = tree.roots
    (replica_set,) = root.children
    assert (root.kind, root.status, root.tone, root.is_root) == ("deployment.apps", ("2/2 ready",), Tone.GOOD, True)
    assert replica_set.kind == "replicaset.apps"
    assert [(pod.kind, pod.status, pod.tone) for pod in replica_set.children] == [
        ("pod", ("Running", "1/1 ready"), Tone.GOOD)
    ] * 2
    assert len(list(tree.nodes())) == 4
    assert tree.unread == ()
    text = as_text(picture_of(tree))
    assert "  ├ pod/crown-" in text
    assert "  └ pod/crown-" in text
    assert "<details" in as_html(picture_of(tree))


def test_a_pod_is_shown_below_its_owners_and_not_beside_others(cluster):
    name = cluster.pods.list(selector="app=crown").names[0]
    (root,) = cluster.pods.get(name).tree().roots
    assert (root.kind, root.name, root.is_root) == ("deployment.apps", "crown", False)
    (pod,) = root.children[0].children
    assert (pod.name, pod.is_root) == (name, True)


def test_an_owner_that_belongs_to_the_cluster():
    (root,) = nbc.cluster("", "kube-node-lease").tree("lease", "nbc-node").roots
    assert (root.kind, root.name, root.status) == ("node", "nbc-node", ("Ready",))
    assert [child.name for child in root.children] == ["nbc-node"]


def test_an_owner_that_is_gone(cluster, space):
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "00000000-0000-0000-0000-000000000000"}
    body = {"metadata": {"name": "orphaned", "ownerReferences": [owner]}}
    path = f"/api/v1/namespaces/{space.namespace}/configmaps"
    space.run(space.request("POST", path, body=body))
    (root,) = cluster.tree("cm", "orphaned").roots  # until the garbage collector finds it
    assert (root.kind, root.name, root.status) == ("configmap", "gone", ("gone",))


def test_what_a_namespace_has(cluster, space):
    (root,) = cluster.tree("ns", space.namespace).roots
    assert "crown" in {child.name for child in root.children if child.kind == "deployment.apps"}
    assert not [child for child in root.children if child.kind in {"pod", "replicaset.apps"} and "crown" in child.name]


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
