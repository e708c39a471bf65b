"""Scaling, rollouts and changes of containers on the real cluster, beside kubectl."""

import json
import os
import subprocess

import pytest

import nbcontainer as nbc
from nbcontainer.errors import ApiError, Conflict, NotFound, Stopped, UsageError
from nbcontainer.model.outcome import Outcome
from nbcontainer.views.text import as_text
from nbcontainer.views.workloads import WorkloadView

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, annotations: {{kubernetes.io/change-cause: first}}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{{name: c, image: busybox, args: [sleep, '600'], imagePullPolicy: IfNotPresent}}]
"""


@pytest.fixture
def there(kubernetes, space, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])
    return nbc.cluster(space.context, space.namespace)


@pytest.fixture
def kubectl(kubernetes, space):
    def run(*words, check=True):
        command = [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], "-n", space.namespace, *words]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
        assert not check or ended.returncode == 0, ended.stderr
        return ended.stdout

    return run


@pytest.fixture
def web(there, request):
    """A Deployment without replicas, of the test's own name."""
    name = request.node.name.replace("_", "-")[5:35].strip("-")
    apply(there, name)
    yield name
    there.delete("deploy", name).result()


def apply(there, name, replicas=0):
    done = there.apply(MANIFEST.format(name=name, replicas=replicas))
    if hasattr(done, "result"):
        done.result()


def container(kubectl, web):
    return json.loads(kubectl("get", "deploy", web, "-o", "json"))["spec"]["template"]["spec"]["containers"][0]


def test_scale_waits_for_its_replicas_and_for_their_end(there, web, kubectl):
    operation = there.scale(f"deploy/{web}", replicas=2)
    steps = list(operation)
    assert steps[0].message == "0 of 2 replicas are ready..."
    assert steps[-1].outcome is Outcome.DONE
    assert any(step.unready for step in steps)
    (change,) = operation.result()
    assert (change.action, change.name) == ("scaled", web)
    assert kubectl("get", "deploy", web, "-o", "jsonpath={.status.readyReplicas}") == "2"
    with pytest.raises(Conflict, match="has 2 replicas, not 7: it was not scaled"):
        there.scale("deploy", web, replicas=1, current_replicas=7).result()
    there.scale("deploy", web, replicas=0, current_replicas=2).result()
    assert not kubectl("get", "deploy", web, "-o", "jsonpath={.status.replicas}")


def test_scale_dry_run_refusals_and_stop(there, web, kubectl):
    for kind in ("client", "server"):
        (change,) = there.scale("deploy", web, replicas=3, dry_run=kind).result()
        assert change.status == f"{kind} dry run"
    assert kubectl("get", "deploy", web, "-o", "jsonpath={.spec.replicas}") == "0"
    with pytest.raises(UsageError, match='"client" or "server", not \'none\''):
        there.scale("deploy", web, replicas=3, dry_run="none")
    with pytest.raises(UsageError, match="cannot be scaled"):
        there.scale("cm/kube-root-ca.crt", replicas=1).result()
    with pytest.raises(NotFound, match="no deployment nothing"):
        there.scale("deploy/nothing", replicas=1)
    there.set.image(f"deploy/{web}", "c=127.0.0.1:1/nothing:1")
    operation = there.scale("deploy", web, replicas=1)
    operation.wait(5, revision=operation.revision)
    operation.stop()
    with pytest.raises(Stopped):
        operation.result(1)
    assert kubectl("get", "deploy", web, "-o", "jsonpath={.spec.replicas}") == "1"


def test_rollout_status_says_which_pods_are_not_ready_and_undo_mends_it(there, web, kubectl):
    there.scale("deploy", web, replicas=1).result()
    there.set.image(f"deploy/{web}", "c=127.0.0.1:1/nothing:1")
    operation = there.rollout.status(f"deploy/{web}")
    for step in operation:
        if any("ErrImagePull" in why or "ImagePullBackOff" in why for _, why in step.unready):
            break
    assert (
        step.message == f'Waiting for deployment "{web}" rollout to finish: 1 old replicas are pending termination...'
    )
    shown = as_text(WorkloadView().render(operation.state))
    assert "1 old replicas" in shown
    assert "127.0.0.1:1/nothing:1" in shown
    operation.stop()
    assert step.message in kubectl("rollout", "status", "deploy", web, "--watch=false")
    with pytest.raises(ApiError, match=r"took longer than 0\.5 s: Waiting for deployment"):
        there.rollout.status("deploy", web, timeout=0.5).result()
    table = there.rollout.history("deploy", web)
    assert table.column("IMAGES") == ("busybox", "127.0.0.1:1/nothing:1")
    assert table.column("CHANGE-CAUSE") == ("first", "first")
    told = kubectl("rollout", "history", f"deploy/{web}").split()
    assert [word for word in told if word.isdigit()] == list(table.column("REVISION"))
    (change,) = there.rollout.undo("deploy", web)
    assert change.action == "rolled back"
    (remark,) = there.rollout.status("deploy", web).result().remarks
    assert remark.text == f'deployment "{web}" successfully rolled out'
    assert remark.text in kubectl("rollout", "status", "deploy", web)
    with pytest.raises(NotFound, match=r"has no revision 9\.\s+It has 2, 3\."):
        there.rollout.undo("deploy", web, to_revision=9)
    details = there.rollout.history("deploy", web, revision=2)
    assert ("Image", "127.0.0.1:1/nothing:1") in dict(details.sections)["Container c"]


def test_pause_resume_and_restart(there, web, kubectl):
    assert there.rollout.pause("deploy", web)[0].action == "paused"
    assert there.rollout.pause("deploy", web)[0].action == "unchanged"
    for call in (there.rollout.restart, there.rollout.undo):
        with pytest.raises(ApiError, match=r"is paused[\s\S]*rollout resume"):
            call("deploy", web)
    assert there.rollout.resume("deploy", web)[0].action == "resumed"
    assert there.rollout.restart("deploy", web)[0].action == "restarted"
    annotations = kubectl("get", "deploy", web, "-o", "jsonpath={.spec.template.metadata.annotations}")
    assert "kubectl.kubernetes.io/restartedAt" in annotations
    with pytest.raises(UsageError, match=r"rollout status is not possible for configmap/kube-root-ca\.crt"):
        there.rollout.status("cm/kube-root-ca.crt")


def test_set_changes_containers_as_kubectl_does(there, web, kubectl):
    apply(there, f"{web}-2")
    try:
        there.set.image(f"deploy/{web}", "*=busybox:1")
        there.set.env(f"deploy/{web}", "A=1", "B=2")
        there.set.env(f"deploy/{web}", "A=3", "B-", "C=")
        there.set.env(f"deploy/{web}", source="configmap/kube-root-ca.crt", prefix="P_")
        there.set.resources(f"deploy/{web}", limits={"cpu": "200m"}, requests={"cpu": "10m"})
        other = f"deploy/{web}-2"
        kubectl("set", "image", other, "*=busybox:1")
        kubectl("set", "env", other, "A=1", "B=2")
        kubectl("set", "env", other, "A=3", "B-", "C=")
        kubectl("set", "env", other, "--from=configmap/kube-root-ca.crt", "--prefix=P_")
        kubectl("set", "resources", other, "--limits=cpu=200m", "--requests=cpu=10m")
        assert container(kubectl, web) == container(kubectl, f"{web}-2")
    finally:
        there.delete("deploy", f"{web}-2").result()
    assert there.set.image(f"deploy/{web}", "c=busybox:1")[0].action == "unchanged"
    with pytest.raises(UsageError, match=r"There is no container d\.\s+Containers: c\."):
        there.set.image(f"deploy/{web}", "d=busybox")
    with pytest.raises(UsageError, match="A is already set in c"):
        there.set.env(f"deploy/{web}", "A=4", overwrite=False)
    assert "hunter2" not in there.set.env(f"deploy/{web}", "PASSWORD=hunter2", dry_run="client").command
