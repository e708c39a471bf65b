"""Objects of any kind are deleted on the real cluster: what goes with them is said before, what holds them during."""

import time

import pytest

import nbcontainer as nbc
from nbcontainer.clusters.deletion import holding
from nbcontainer.clusters.discovery import Resource
from nbcontainer.errors import Forbidden, NotFound, Stopped, UsageError
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.model.outcome import Outcome
from nbcontainer.views.deletion import DeletionView
from nbcontainer.views.text import as_text
from tests.clusters.test_tables import until

pytestmark = pytest.mark.timeout(120)

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: doomed}
spec:
  replicas: 1
  selector: {matchLabels: {app: doomed}}
  template:
    metadata: {labels: {app: doomed}}
    spec: {terminationGracePeriodSeconds: 0, containers: [{name: doomed, image: busybox, args: [sleep, "600"]}]}
"""
MAP = "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, labels: {{of: {name}}}, finalizers: [{held}]}}}}"


def kinds(names):
    return sorted({name.partition("/")[0] for name in names})


def test_what_an_object_owns_goes_with_it(cluster):
    cluster.apply(DEPLOYMENT)
    until(lambda: cluster.pods.list(selector="app=doomed").names)
    plan = cluster.plan_delete("deploy", "doomed", cascade="foreground")
    assert kinds(plan.changes) == ["deployment.apps", "pod", "replicaset.apps"]
    assert "With it go replicaset.apps/doomed-" in plan.question
    result = plan.do().result(60)
    assert [(one.kind, one.name, one.action) for one in result] == [("Deployment", "doomed", "deleted")]
    assert "delete deployments doomed --cascade=foreground" in result.command
    assert cluster.pods.list(selector="app=doomed").names == []


def test_orphans_stay(cluster):
    cluster.apply(DEPLOYMENT.replace("doomed", "leaving").replace("replicas: 1", "replicas: 0"))
    until(lambda: cluster.get("rs", selector="app=leaving").names)
    plan = cluster.plan_delete("deploy/leaving", cascade="orphan")
    assert plan.changes == ("deployment.apps/leaving",)
    assert "Left without an owner: replicaset.apps/leaving-" in plan.question
    plan.do().result(60)
    assert len(cluster.get("rs", selector="app=leaving")) == 1
    cluster.delete("rs", selector="app=leaving").result(60)
    assert len(cluster.get("rs", selector="app=leaving")) == 0


def test_a_finalizer_that_holds_an_object_is_named(cluster, space):
    cluster.apply(MAP.format(name="held", held="example.com/keeper"))
    plan = cluster.plan_delete("cm", "held")
    assert "configmap/held stays until example.com/keeper is done with it." in plan.question
    operation = plan.do()
    until(lambda: operation.state.objects["configmap/held"].message if operation.state.objects else "")
    text = as_text(DeletionView().render(operation.state))
    assert "held by the finalizer example.com/keeper" in text
    path = f"/api/v1/namespaces/{space.namespace}/configmaps/held"
    patch = {"metadata": {"finalizers": None}}
    space.run(space.request("PATCH", path, body=patch, content_type="application/merge-patch+json"))
    operation.result(30)
    assert operation.state.objects["configmap/held"].outcome is Outcome.DONE


def test_a_stop_ends_the_wait_and_not_the_deletion(cluster, space):
    cluster.apply(MAP.format(name="stays", held="example.com/keeper"))
    operation = cluster.delete("cm", "stays")
    until(lambda: operation.state.left)
    began = time.monotonic()
    operation.stop()
    with pytest.raises(Stopped):
        operation.result(5)
    assert time.monotonic() - began < 1
    assert cluster.delete("cm", "stays", wait=False).result(10)[0].action == "deleted"
    path = f"/api/v1/namespaces/{space.namespace}/configmaps/stays"
    patch = {"metadata": {"finalizers": None}}
    space.run(space.request("PATCH", path, body=patch, content_type="application/merge-patch+json"))


def test_a_namespace_is_deleted_with_what_is_in_it(cluster, space):
    name = f"{space.namespace}-inner"
    space.run(space.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}}))
    inner = nbc.cluster("", name)
    inner.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: inside}}")
    plan = cluster.plan_delete("ns", name)
    assert "configmap/inside" in plan.changes
    plan.do().result(60)
    with pytest.raises(NotFound):
        cluster.get("ns", name)


def test_the_objects_of_a_cell_s_yaml_or_a_file(cluster, space, tmp_path):
    yaml = "\n---\n".join(f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}}}" for name in ("one", "two"))
    cluster.apply(yaml)
    result = run_magic(verbs_of("kube"), f"delete -n {space.namespace} -y", yaml, {})
    assert [one.name for one in result] == ["one", "two"]
    cluster.apply(yaml)
    (tmp_path / "both.yaml").write_text(yaml)
    assert len(cluster.delete(filename=str(tmp_path)).result(30)) == 2
    with pytest.raises(NotFound, match="Nothing was deleted"):
        run_magic(verbs_of("kube"), f"delete -n {space.namespace} -y", yaml, {})
    assert "There" in str(run_magic(verbs_of("kube"), f"delete -n {space.namespace} --ignore-not-found -y", yaml, {}))


def test_rows_and_selectors(cluster):
    for name in ("red", "green"):
        cluster.apply(f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, labels: {{colour: {name}}}}}}}")
    assert cluster.get("cm")["red"].describe().name == "red"
    cluster.get("cm")["red"].delete().result(30)
    assert cluster.delete("cm", selector="colour=green").result(30)[0].name == "green"
    assert {"red", "green"}.isdisjoint(cluster.get("cm").names)


def test_what_is_refused(cluster, viewer):
    with pytest.raises(NotFound, match="Nothing was deleted"):
        cluster.plan_delete("cm", "nope")
    for given in ({"names": ("a",), "all": True}, {}, {"names": ("a",), "selector": "a=b"}):
        names = given.pop("names", ())
        with pytest.raises(UsageError):
            cluster.plan_delete("cm", *names, **given)
    for kind, text in (("", ""), ("cm", "a: b")):
        with pytest.raises(UsageError, match="Delete what"):
            cluster.plan_delete(kind, text=text)
    with pytest.raises(UsageError, match="background, foreground, orphan"):
        cluster.plan_delete("cm", "a", cascade="all")
    reader = nbc.cluster("", viewer.namespace)
    with pytest.raises(Forbidden, match="cannot delete"):
        reader.delete("cm", "kube-root-ca.crt").result(30)


def test_a_namespace_that_stays_says_why():
    space = {
        "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"},
        "status": {
            "conditions": [
                {"type": "NamespaceContentRemaining", "status": "True", "message": "Some resources are remaining."},
                {"type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "All found"},
            ]
        },
    }
    assert (
        holding(Resource("namespaces", "Namespace", namespaced=False, verbs=("get",)), space)
        == "Some resources are remaining."
    )
