"""Descriptions of objects of many kinds on the real cluster, beside kubectl's; what uses what; no secrets."""

import re
import subprocess

import pytest

import nbcontainer as nbc
from nbcontainer.clusters.quantities import quantity
from nbcontainer.errors import NotFound, UsageError
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.model.results import Objects
from nbcontainer.views.html import as_html
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text

pytestmark = pytest.mark.timeout(120)

PASSWORD = "a-very-secret-value"
OBJECTS = f"""
{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: runner}}}}
---
{{apiVersion: v1, kind: ConfigMap, metadata: {{name: settings}}, data: {{color: blue, lines: "one\\ntwo"}}}}
---
{{apiVersion: v1, kind: Secret, metadata: {{name: login}}, stringData: {{password: {PASSWORD}}}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: disk}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: front, labels: {{app: front}}}}
spec:
  replicas: 0
  selector: {{matchLabels: {{app: front}}, matchExpressions: [{{key: tier, operator: NotIn, values: [b, a]}}]}}
  template:
    metadata: {{labels: {{app: front}}}}
    spec:
      serviceAccountName: runner
      volumes:
        - {{name: etc, configMap: {{name: settings}}}}
        - {{name: data, persistentVolumeClaim: {{claimName: disk}}}}
      containers:
        - name: front
          image: busybox
          env: [{{name: PASSWORD, valueFrom: {{secretKeyRef: {{name: login, key: password}}}}}}]
---
apiVersion: v1
kind: Service
metadata: {{name: front}}
spec: {{selector: {{app: front}}, ports: [{{port: 80, name: http}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: front}}
spec:
  tls: [{{hosts: [front.example], secretName: login}}]
  rules:
    - host: front.example
      http:
        paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: front, port: {{number: 80}}}}}}}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: front}}
spec: {{scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: front}}, maxReplicas: 2}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {{name: nightly}}
spec:
  schedule: "0 0 1 1 *"
  suspend: true
  jobTemplate:
    spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: one, image: busybox}}]}}}}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: store}}
spec:
  replicas: 0
  serviceName: store
  selector: {{matchLabels: {{app: store}}}}
  template: {{metadata: {{labels: {{app: store}}}}, spec: {{containers: [{{name: store, image: busybox}}]}}}}
---
apiVersion: batch/v1
kind: Job
metadata: {{name: once}}
spec:
  suspend: true
  template: {{spec: {{restartPolicy: Never, containers: [{{name: once, image: busybox}}]}}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: agent}}
spec:
  selector: {{matchLabels: {{app: agent}}}}
  template:
    metadata: {{labels: {{app: agent}}}}
    spec: {{nodeSelector: {{nowhere: here}}, containers: [{{name: agent, image: busybox}}]}}
---
{{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {{name: held}}, spec: {{holderIdentity: "<b>me</b>"}}}}
"""


@pytest.fixture(autouse=True)
def real_cluster(kubernetes, monkeypatch):
    """The real cluster is in use."""
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])


@pytest.fixture(scope="module")
def filled(space):
    """A cluster handle for a namespace with an object of many kinds."""
    cluster = nbc.cluster("", space.namespace)
    cluster.apply(OBJECTS)
    return cluster


@pytest.fixture(scope="module")
def kubectl(kubernetes, space):
    """What kubectl prints in the same namespace."""
    environment = kubernetes.env()

    def run(*words):
        command = [environment["NBCONTAINER_TEST_KUBECTL"], "-n", space.namespace, *words]
        shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=30)
        return shown.stdout

    return run


def facts(description, title=""):
    return dict(dict(description.sections).get(title, ()))


# an object of each kind, and a name among those that are compared
KINDS = {
    "deployment/front": "StrategyType",
    "statefulset/store": "Replicas",
    "daemonset/agent": "Desired Number of Nodes Scheduled",
    "job/once": "Backoff Limit",
    "cronjob/nightly": "Schedule",
    "service/front": "Type",
    "ingress/front": "Ingress Class",
    "configmap/settings": "Name",
    "secret/login": "Type",
    "persistentvolumeclaim/disk": "Status",
    "serviceaccount/runner": "Image pull secrets",
    "horizontalpodautoscaler/front": "Max replicas",
}


@pytest.mark.parametrize("named", KINDS)
def test_the_facts_are_kubectl_s(filled, kubectl, named):
    ours = facts(filled.describe(named))
    printed = kubectl("describe", named).partition("\nEvents:")[0]
    theirs = dict(re.findall(r"^(\w[^:\n]*):[ \t]+(\S.*)$", printed, re.MULTILINE))
    written_otherwise = {"CreationTimestamp", "Labels", "Annotations", "Replicas", "Finalizers"}
    same = (ours.keys() & theirs.keys()) - written_otherwise
    assert {name: ours[name] for name in same} == {name: theirs[name].strip() for name in same}
    assert KINDS[named] in ours
    assert KINDS[named] in theirs


def test_the_node_s_facts_are_kubectl_s(filled, kubectl):
    (node,) = (one for one in filled.describe("node") if one.name == "nbc-node")
    printed = kubectl("describe", "node", "nbc-node")
    for title in ("Capacity", "System Info"):
        for value in facts(node, title).values():
            assert value in printed
    assert facts(node)["Unschedulable"] == "false"
    assert facts(node, "Conditions")["Ready"].startswith("True: KubeletReady")
    assert re.match(r"requests \d+m? \(\d+%\), limits", facts(node, "Allocated resources")["cpu"])


def test_a_namespace_tells_its_quota(filled, space):
    filled.apply("{apiVersion: v1, kind: ResourceQuota, metadata: {name: most}, spec: {hard: {configmaps: 90}}}")
    described = filled.describe("ns", space.namespace)
    assert facts(described)["Status"] == "Active"
    assert re.fullmatch(r"(\d+|\?) used of 90", facts(described, "Resource quota most")["configmaps"])


def test_what_uses_what(filled):
    deployment = filled.describe("deploy/front")
    assert facts(deployment, "Uses") == {
        "ConfigMap": "settings (volume etc)",
        "PersistentVolumeClaim": "disk (volume data)",
        "Secret": "login (variable PASSWORD)",
        "ServiceAccount": "runner (runs as it)",
    }
    assert facts(deployment, "Used by") == {
        "Services": "front (selects its pods)",
        "Ingresses": "front (through Service front)",
        "HorizontalPodAutoscalers": "front (scales it)",
    }
    used = {named: facts(filled.describe(named), "Used by") for named in ("cm/settings", "secret/login", "pvc/disk")}
    assert used["cm/settings"] == {"Deployments": "front (volume etc)"}
    assert used["secret/login"] == {"Deployments": "front (variable PASSWORD)", "Ingresses": "front (TLS)"}
    assert used["pvc/disk"] == {"Deployments": "front (volume data)"}
    assert facts(filled.describe("svc/front"), "Used by") == {"Ingresses": "front (routes to it)"}


def test_another_kind_is_told_field_by_field_and_shown_harmless(filled):
    lease = filled.describe("lease", "held")
    assert facts(lease, "Spec") == {"holderIdentity": "<b>me</b>"}
    assert "<b>me</b>" not in as_html(picture_of(lease))


def test_a_secret_s_value_is_never_shown(filled):
    secret = filled.describe("secret", "login")
    assert facts(secret, "Data") == {"password": f"{len(PASSWORD)} bytes"}
    shown = "".join([as_text(picture_of(secret)), as_html(picture_of(secret)), secret.yaml, repr(secret.manifest)])
    assert PASSWORD not in shown
    assert "YS12ZXJ5LXNlY3JldC12YWx1ZQ" not in shown
    assert "password: hidden" in secret.yaml


def test_the_yaml_has_no_noise(filled):
    described = filled.describe("deploy/front")
    assert "kind: Deployment" in described.yaml
    for noise in ("managedFields", "resourceVersion", "uid:"):
        assert noise not in described.yaml
    assert "image: busybox" in as_html(picture_of(described))


def test_several_objects_are_described_below_each_other(filled, space):
    several = filled.describe("svc,cm", selector="app!=none")
    assert isinstance(several, Objects)
    assert {"front", "settings"} <= {one.name for one in several}
    assert " && " in several.command
    one = run_magic(verbs_of("kube"), f"describe svc -n {space.namespace}", None, {})
    assert [each.name for each in one] == ["front"]


def test_what_does_not_exist(filled):
    with pytest.raises(NotFound, match="frent") as caught:
        filled.describe("deploy", "frent")
    assert "front" in caught.value.cure
    with pytest.raises(UsageError, match="no kind 'deplox'"):
        filled.describe("deplox", "front")


@pytest.mark.parametrize(
    ("text", "number"),
    [("100m", 0.1), ("1.5Gi", 1.5 * 2**30), ("2", 2.0), ("1e3", 1000.0), ("3E", 3e18), (".5", 0.5), ("x", 0.0)],
)
def test_a_quantity_is_a_number(text, number):
    assert quantity(text) == pytest.approx(number)
