"""Scaling workloads, their rollouts, and what is set in their pods, beside kubectl."""

import contextlib
import json
import shlex
import time

import pytest

import nbcontainer as nbc
from nbcontainer.errors import ApiError, Conflict, NotFound, Unsupported
from nbcontainer.magics import catalogue
from nbcontainer.magics.calls import run_magic
from tests.terminal import Terminal

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {kubernetes.io/change-cause: first}}
spec:
  replicas: 1
  progressDeadlineSeconds: 600
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: web, image: busybox, args: [sleep, "3600"], env: [{name: OLD, value: "1"}]}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store}
spec:
  replicas: 1
  serviceName: store
  selector: {matchLabels: {app: store}}
  template:
    metadata: {labels: {app: store}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: store, image: busybox, args: [sleep, "3600"]}]
"""


pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def there(space, here, tmp_path):
    """A namespace with a Deployment and a StatefulSet: its handle, and kubectl in it."""
    del here
    cluster = nbc.cluster(namespace=space.namespace)
    cluster.apply(DEPLOYMENT)
    terminal, kubeconfig = Terminal(tmp_path).with_kubectl(), ("--kubeconfig", space.kubeconfig)
    yield cluster, lambda *words: terminal.run(shlex.join(["kubectl", *kubeconfig, "-n", space.namespace, *words]))
    for kind in ("deploy/web", "sts/store"):
        cluster.delete(kind, force=True).result(60)


def test_a_rollout_is_followed_in_kubectl_s_words_until_it_is_done(there):
    cluster, kubectl = there
    operation = cluster.rollout.status("deploy/web", "sts/store")
    (web, store) = operation.result(90)
    assert repr(web) == "Change(deployment/web rolled out)"
    steps = operation.state.steps
    for step in steps.values():
        assert step.message == kubectl("rollout", "status", step.name).strip().splitlines()[-1]
    assert steps["deployment/web"].ready == steps["deployment/web"].wanted == 1
    assert web.command.endswith("rollout status deployment.apps web")
    assert store.kind == "StatefulSet"


def test_scaling_waits_for_the_pods(there):
    cluster, kubectl = there
    (change,) = cluster.scale("deploy/web", replicas=3).result(90)
    assert change.action == "scaled"
    assert kubectl("get", "deploy/web", "-o", "jsonpath={.status.readyReplicas}") == "3"
    with pytest.raises(Conflict, match="has 3 replicas, not 7"):
        cluster.scale("deploy", "web", replicas=1, current_replicas=7)
    (change,) = cluster.scale("deploy", "web", replicas=1, current_replicas=3, wait=False)
    assert (change.before["spec"]["replicas"], change.after["spec"]["replicas"]) == (3, 1)
    operation = cluster.scale("deploy", "web", replicas=0)
    words = [step.message for step in operation.events()]
    assert words[-1] == "0 of 0 pods are ready"
    assert set(words[:-1]) <= {f"waiting for {many} to end" for many in ("1 pod", "2 pods", "3 pods")}
    cluster.scale("deploy", "web", replicas=1).result(90)
    with pytest.raises(NotFound):
        cluster.scale("deploy/wep", replicas=1)
    with pytest.raises(Unsupported):
        cluster.scale("cm/kube-root-ca.crt", replicas=1)


DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: farms.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{plural: farms, singular: farm, kind: Farm}}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {{scale: {{specReplicasPath: .spec.size, statusReplicasPath: .status.size}}}}
    schema:
      openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: {group}/v1
kind: Farm
metadata: {{name: one}}
spec: {{size: 1}}
---
apiVersion: {group}/v1
kind: Farm
metadata: {{name: empty}}
"""


def test_custom_resources_that_can_be_scaled_are(there):
    cluster, kubectl = there
    group = f"{cluster.namespace}.example.com"
    cluster.apply(DEFINITION.format(group=group))
    try:
        (change,) = cluster.scale(f"farms.{group}", "one", replicas=3, current_replicas=1)
        assert change.after["spec"] == {"size": 3}
        with pytest.raises(Conflict, match="has 3 replicas, not 1"):
            cluster.scale(f"farms.{group}/one", replicas=2, current_replicas=1)
        cluster.get(f"farms.{group}")["empty"].scale(2)
        assert kubectl("get", f"farms.{group}", "-o", "jsonpath={.items[*].spec.size}") == "2 3"
    finally:
        cluster.delete(f"crd/farms.{group}").result(60)


def test_what_was_changed_by_other_verbs_of_ours_is_applied_without_a_conflict(there):
    cluster, kubectl = there
    cluster.scale("deploy/web", replicas=0, wait=False)
    cluster.patch("deploy/web", patch={"spec": {"revisionHistoryLimit": 5}})
    text = DEPLOYMENT.replace("replicas: 1", "replicas: 0\n  revisionHistoryLimit: 4")
    cluster.apply(text)
    shown = "jsonpath={.spec.replicas} {.spec.revisionHistoryLimit}"
    assert kubectl("get", "deploy/web", "-o", shown) == "0 4"
    cluster.scale("deploy/web", replicas=1, wait=False)
    kubectl("patch", "deploy/web", "-p", '{"spec": {"revisionHistoryLimit": 3}}')
    with pytest.raises(Conflict) as caught:
        cluster.apply(text)
    assert 'spec.revisionHistoryLimit is managed by "kubectl' in caught.value.message
    assert "spec.replicas" not in caught.value.message
    assert kubectl("get", "deploy/web", "-o", shown) == "1 3"


def test_what_tables_give_can_be_scaled_and_rolled_out(there):
    cluster, kubectl = there
    web = cluster.get("deploy")["web"]
    web.scale(0).result(90)
    assert kubectl("get", "deploy/web", "-o", "jsonpath={.spec.replicas}") == "0"
    (change,) = web.restart()
    assert change.action == "restarted"
    assert web.rollout_status().result(90)[0].action == "rolled out"
    assert web.undo(dry_run=True)[0].status == "dry run"


def test_a_rollout_that_cannot_end_says_which_pod_keeps_it_and_can_be_undone(there):
    cluster, kubectl = there
    (change,) = cluster.pod_template.image("deploy/web", "web=127.0.0.1:9/nothing:1")
    assert "127.0.0.1:9/nothing:1" in change.diff
    operation = cluster.rollout.status("deploy/web")
    assert any("127.0.0.1:9" in why for step in operation.events() for why in step.pods.values())
    operation.stop()
    with pytest.raises(ApiError, match=r"was not rolled out after 1 s: Waiting for deployment \"web\" rollout"):
        cluster.rollout.status("deploy/web", timeout=1).result(30)
    table = cluster.rollout.history("deploy", "web")
    assert [row.cells[:3] for row in table] == [(1, "first", "busybox"), (2, "first", "127.0.0.1:9/nothing:1")]
    with pytest.raises(NotFound, match="no revision 9"):
        cluster.rollout.undo("deploy/web", to_revision=9)
    assert cluster.rollout.undo("deploy/web", dry_run=True)[0].status == "dry run"
    (change,) = cluster.rollout.undo("deploy/web")
    assert change.action == "rolled back"
    cluster.rollout.status("deploy/web").result(90)
    assert kubectl("get", "deploy/web", "-o", "jsonpath={..image}") == "busybox"
    assert [row.name for row in cluster.rollout.history("deploy/web")] == ["2", "3"]


def test_only_a_workload_s_own_pods_are_shown_however_it_selects_them(there):
    cluster, _ = there
    broken = DEPLOYMENT.partition("---")[0].replace("busybox", "127.0.0.1:9/nothing:1")
    rule = "{matchExpressions: [{key: app, operator: In, values: [ruled]}]}"
    ruled = broken.replace("{matchLabels: {app: web}}", rule).replace("app: web", "app: ruled")
    cluster.apply(broken.replace("name: web", "name: other").replace("app: web", "app: other"))
    cluster.apply(ruled.replace("{name: web, annotations", "{name: ruled, annotations"))
    try:
        operation = cluster.rollout.status("deploy/ruled")
        names = next(
            list(step.pods) for step in operation.events() if any("127.0.0.1:9" in w for w in step.pods.values())
        )
        operation.stop()
    finally:
        cluster.delete("deploy", "other", "ruled", force=True).result(60)
    assert [name.rpartition("-")[0].rpartition("-")[0] for name in names] == ["ruled"]


def test_pause_resume_and_restart(there):
    cluster, kubectl = there
    assert cluster.rollout.pause("deploy/web")[0].action == "paused"
    for refused in (cluster.rollout.pause, cluster.rollout.restart, cluster.rollout.undo):
        with pytest.raises(Conflict, match="paused"):
            refused("deploy/web")
    assert cluster.rollout.resume("deploy/web")[0].action == "resumed"
    pods = ("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[?(@.status.phase=='Running')].metadata.uid}")
    before = kubectl(*pods)
    assert cluster.rollout.restart("deploy/web", "sts/store")[1].action == "restarted"
    cluster.rollout.status("deploy/web", "sts/store").result(120)
    deadline = time.monotonic() + 60
    while set(before.split()) & set(kubectl(*pods).split()):  # those that are on their way out may still be there
        assert time.monotonic() < deadline
    with pytest.raises(Unsupported, match="Only Deployments can be paused"):
        cluster.rollout.pause("sts/store")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (("image", "deploy/web", "web=busybox:2"), ("image", "deploy/web", "web=busybox:2")),
        (("image", "deploy/web", "*=busybox:3"), ("image", "deploy/web", "*=busybox:3")),
        (("env", "deploy/web", "LEVEL=debug", "OLD-"), ("env", "deploy/web", "LEVEL=debug", "OLD-")),
    ],
)
def test_what_is_set_is_what_kubectl_sets(there, ours, theirs):
    cluster, kubectl = there
    part, *words = ours
    (change,) = getattr(cluster.pod_template, part)(*words, dry_run=True)
    expected = json.loads(kubectl("set", *theirs, "--dry-run=server", "-o", "json"))
    assert change.after["spec"]["template"]["spec"] == expected["spec"]["template"]["spec"]


def test_resources_are_set_and_removed(there):
    cluster, kubectl = there
    limits = {"cpu": "200m", "memory": "64Mi"}
    expected = json.loads(
        kubectl("set", "resources", "deploy/web", "--limits=cpu=200m,memory=64Mi", "--requests=cpu=1m",
                "--dry-run=server", "-o", "json")
    )  # fmt: skip
    (change,) = cluster.pod_template.resources("deploy/web", limits=limits, requests={"cpu": "1m"})
    assert change.after["spec"]["template"]["spec"] == expected["spec"]["template"]["spec"]
    (change,) = cluster.pod_template.resources("deploy/web", limits={"cpu": "0", "memory": "0"})
    assert change.after["spec"]["template"]["spec"]["containers"][0]["resources"] == {"requests": {"cpu": "1m"}}
    with pytest.raises(NotFound, match=r"no container wep(.|\n)*They have web\."):
        cluster.pod_template.resources("deploy/web", limits=limits, container="wep")


def test_the_magic_prints_how_far_it_has_come(there, capsys):
    cluster, _ = there
    with contextlib.suppress(ApiError):
        cluster.rollout.resume("deploy/web")
    found = run_magic(catalogue.verbs_of("kube"), f"rollout status deploy/web -n {cluster.namespace}", None, {})
    assert repr(found) == "Changes(deployment/web rolled out)"
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == 'deployment "web" successfully rolled out'
    assert len(lines) == len(set(lines))  # each is said once, though its pods change in between


def test_one_revision_is_described_as_kubectl_does(there):
    cluster, kubectl = there
    cluster.pod_template.env("deploy/web", "LEVEL=debug")
    assert cluster.rollout.history("deploy/web").names == ["1", "2"]
    for number, expected in ((1, "OLD"), (2, "LEVEL")):
        found = cluster.rollout.history("deploy/web", revision=number)
        told = kubectl("rollout", "history", "deploy/web", f"--revision={number}")
        sections = {title: dict(facts) for title, facts in found.sections}
        assert sections[""]["Revision"] == str(number)
        assert expected in sections["Container web"]["Environment"]
        assert expected in told
        assert all(value in told for value in (sections["Container web"]["Image"], "pod-template-hash"))
    assert "LEVEL" not in dict(dict(cluster.rollout.history("deploy/web", revision=1).sections)["Container web"])
    with pytest.raises(NotFound, match=r"has no revision 9\.\nThere are 1, 2"):
        cluster.rollout.history("deploy/web", revision=9)


def test_environment_variables_are_listed_as_kubectl_lists_them(there):
    cluster, kubectl = there
    cluster.pod_template.env("deploy/web", "LEVEL=debug")
    listed = cluster.pod_template.env("deploy/web", list=True)
    told = [line for line in kubectl("set", "env", "deploy/web", "--list").splitlines() if not line.startswith("#")]
    assert [f"{row.cells[2]}={row.cells[3]}" for row in listed] == told
    (line,) = [
        row
        for row in run_magic(catalogue.verbs_of("kube"), f"set env deploy/web --list -n {cluster.namespace}", None, {})
        if row.name == "OLD"
    ]
    assert line.cells == ("deployment web", "web", "OLD", "1")
    with pytest.raises(NotFound):
        cluster.pod_template.env("deploy/web", container="other", list=True)


def test_rollouts_of_what_a_selector_finds(there):
    cluster, _ = there
    cluster.label("deploy/web", "tier=front")
    assert [one.name for one in cluster.rollout.pause("deploy", selector="tier=front")] == ["web"]
    assert [one.name for one in cluster.rollout.resume("deploy", selector="tier=front")] == ["web"]
    assert [one.name for one in cluster.rollout.status("deploy", selector="tier=front").result(90)] == ["web"]
