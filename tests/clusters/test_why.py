"""Why pods, Services and workloads are not well: real ones, broken in many ways."""

import re

import pytest

import nbcontainer as nbc
from nbcontainer.clusters.why import pod_rules
from nbcontainer.clusters.why.facts import PodFacts
from nbcontainer.errors import NotFound, UsageError
from nbcontainer.magics import catalogue
from nbcontainer.magics.calls import run_magic
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text
from tests.buildkit.building import wait_until

pytestmark = pytest.mark.timeout(240)
SLEEP = ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.2; done"]


def pod(container=None, *, metadata=None, **spec):
    whole = {"name": "app", "image": "busybox", "command": SLEEP, **(container or {})}
    return {"metadata": metadata or {}, "spec": {"containers": [whole], "terminationGracePeriodSeconds": 1, **spec}}


def from_key(kind, name, key):
    return {"env": [{"name": "A", "valueFrom": {f"{kind}KeyRef": {"name": name, "key": key}}}]}


# each pod that is broken, what `why` must say about it, and what its evidence must have
BROKEN = {
    "wrong-name": (pod({"image": "UPPER/Case:1"}), r"'UPPER/Case:1' is not a valid image name", "InvalidImageName"),
    "no-image": (pod({"image": "127.0.0.1:5000/nothing/here:1"}), r"the registry has no image", "not found"),
    "refused": (pod({"image": "127.0.0.1:5001/team/web:1"}), r"does not allow the node to pull", "waiting"),
    "no-command": (pod({"command": ["/no/such/program"]}), r"/no/such/program", "state"),
    "exits": (pod({"command": ["sh", "-c", "echo the last word; exit 3"]}), r"ends with exit code 3", "the last word"),
    "completes": (pod({"command": ["true"]}), r"exit code 0: its command finishes", "exitCode: 0"),
    "unlucky": (pod({"command": ["sh", "-c", "exit 137"]}), r"was killed \(exit code 137\)", "exitCode: 137"),
    "liveness": (
        pod({"livenessProbe": {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}}),
        r"liveness probe fails",
        "Unhealthy",
    ),
    "readiness": (
        pod({"readinessProbe": {"exec": {"command": ["sh", "-c", "echo not yet; exit 1"]}, "periodSeconds": 1}}),
        r"runs, but is not ready: its readiness probe fails: not yet",
        "readinessProbe",
    ),
    "init-fails": (
        pod(initContainers=[{"name": "prepare", "image": "busybox", "command": ["sh", "-c", "echo no table; exit 4"]}]),
        r"init container prepare ends with exit code 4",
        "no table",
    ),
    "init-runs": (
        pod(initContainers=[{"name": "wait", "image": "busybox", "command": SLEEP}]),
        r"init container wait runs since",
        "state.running",
    ),
    "much-cpu": (pod({"resources": {"requests": {"cpu": "500"}}}), r"Insufficient cpu", "PodScheduled"),
    "selector": (pod(nodeSelector={"disk": "golden"}), r"didn't match Pod's node affinity/selector", "disk=golden"),
    "claim": (
        pod(volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "unbound"}}]),
        r"no node accepts it",
        "persistentvolumeclaim/unbound",
    ),
    "no-claim": (
        pod(volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "never-made"}}]),
        r'"never-made" not found',
        "it does not exist",
    ),
    "no-configmap": (
        pod(from_key("configMap", "absent", "a")),
        r'configmap "absent" not found',
        "CreateContainerConfigError",
    ),
    "no-key": (pod(from_key("configMap", "kube-root-ca.crt", "wrong")), r"couldn't find key wrong", "waiting"),
    "no-secret": (pod(from_key("secret", "absent", "a")), r'secret "absent" not found', "waiting"),
    "never": (
        pod({"image": "127.0.0.1:5000/never/pulled:1", "imagePullPolicy": "Never"}),
        r"pull policy is Never",
        "ErrImageNeverPull",
    ),
    "root": (pod({"securityContext": {"runAsNonRoot": True}}), r"runAsNonRoot", "waiting"),
    "port-taken": (pod({"ports": [{"containerPort": 80, "hostPort": 31999}]}), r"free ports", "PodScheduled"),
    "no-mount": (
        pod(
            {"volumeMounts": [{"name": "data", "mountPath": "/data"}]},
            volumes=[{"name": "data", "hostPath": {"path": "/no/such/file", "type": "File"}}],
        ),
        r"its volume data cannot be mounted: hostPath type check failed",
        "FailedMount",
    ),
    "missing-volume": (
        pod(
            {"volumeMounts": [{"name": "data", "mountPath": "/data"}]},
            volumes=[{"name": "data", "secret": {"secretName": "absent"}}],
        ),
        r'its volume data cannot be mounted: secret "absent" not found',
        "FailedMount",
    ),
    "hook": (
        pod({"lifecycle": {"postStart": {"exec": {"command": ["false"]}}}}, terminationGracePeriodSeconds=0),
        r"the postStart hook of container app fails",
        "lifecycle.postStart",
    ),
    "startup": (
        pod({"startupProbe": {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}}),
        r"startup probe fails",
        "Startup probe failed",
    ),
    "not-executable": (pod({"command": ["/tmp"]}), r'cannot be started: exec: "/tmp": .*permission denied', "exec"),
    "second": (
        {
            "metadata": {},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [
                    {"name": "app", "image": "busybox", "command": SLEEP},
                    {"name": "proxy", "image": "busybox", "command": ["sh", "-c", "echo cannot bind; exit 1"]},
                ],
            },
        },
        r"container proxy ends with exit code 1",
        "cannot bind",
    ),
    "affinity": (
        pod(
            affinity={
                "podAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "absent"}}}
                    ]
                }
            }
        ),
        r"didn't match pod affinity rules",
        "PodScheduled",
    ),
    "gated": (pod(schedulingGates=[{"name": "example.com/gate"}]), r"example.com/gate is removed", "schedulingGates"),
    "over-time": (pod(activeDeadlineSeconds=1), r"failed: DeadlineExceeded", "DeadlineExceeded"),
}
READY = ("well", "port-holder")


@pytest.fixture(scope="module")
def broken(space):
    """A namespace with all of them; the well ones are there first."""
    path = f"/api/v1/namespaces/{space.namespace}"
    claim = {
        "metadata": {"name": "unbound"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    space.run(space.request("POST", f"{path}/persistentvolumeclaims", body=claim))
    holder = pod({"ports": [{"containerPort": 80, "hostPort": 31999}]})
    for name, body in {"well": pod(), "port-holder": holder}.items():
        space.run(space.request("POST", f"{path}/pods", body={**body, "metadata": {"name": name}}))
    there = nbc.cluster(space.context, space.namespace)
    wait_until(lambda: not there.why("pod/port-holder"), seconds=60, what=lambda: "it does not run")
    for name, (body, _, _) in BROKEN.items():
        space.run(space.request("POST", f"{path}/pods", body={**body, "metadata": {"name": name, **body["metadata"]}}))
    return space


@pytest.fixture
def there(broken, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", broken.kubeconfig)
    return nbc.cluster(broken.context, broken.namespace)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_pod_is_explained_with_its_evidence(there, name):
    _, words, evidence = BROKEN[name]

    def shown():
        found = there.pods.why(name)
        whole = " | ".join(f"{one.source}: {one.text}" for one in found.evidence)
        return re.search(words, found.reason) and evidence in whole

    wait_until(shown, seconds=100, what=lambda: as_text(picture_of(there.pods.why(name))))
    found = there.pods.why(name)
    assert found
    assert found.findings[0].cure
    if name == "second":
        assert found.next[0].startswith("%kpod logs second -c proxy")
    if name == "much-cpu":
        assert "Ask for less" in found.findings[0].cure
    assert len(found.reason) < 500
    text = as_text(picture_of(found))
    assert found.reason[:40] in text
    assert "Traceback" not in text


@pytest.mark.parametrize("name", READY)
def test_a_pod_that_is_well_has_no_reason(there, name):
    found = there.pods.why(name)
    assert not found
    assert (found.reason, found.evidence, found.next) == ("", (), ())
    assert "It is well" in as_text(picture_of(found))


def test_a_pod_that_does_not_go_says_what_holds_it(there, broken):
    body = pod(metadata={"name": "held", "finalizers": ["example.com/keep"]})
    path = f"/api/v1/namespaces/{broken.namespace}/pods"
    broken.run(broken.request("POST", path, body=body))
    there.pods.delete("held", force=True)
    wait_until(
        lambda: "example.com/keep" in there.pods.why("held").reason,
        seconds=60,
        what=lambda: there.pods.why("held").reason,
    )
    (command,) = there.pods.why("held").next
    run_magic(catalogue.verbs_of("kube"), command.removeprefix("%kube "), None, {})
    wait_until(
        lambda: "held" not in there.pods.names(), seconds=30, what=lambda: "it stays although its finalizer is gone"
    )


WORKLOADS = """
apiVersion: v1
kind: Service
metadata: {name: good}
spec: {selector: {app: good}, ports: [{port: 80, targetPort: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: misspelt}
spec: {selector: {app: godo}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: wrong-port}
spec: {selector: {app: good}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: undeclared}
spec: {selector: {app: good}, ports: [{port: 80, targetPort: 81}]}
---
apiVersion: v1
kind: Service
metadata: {name: unready}
spec: {selector: {app: crashing}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: bare}
spec: {ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: good}
spec:
  selector: {matchLabels: {app: good}}
  template:
    metadata: {labels: {app: good}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: app, image: busybox, command: [sleep, "600"], ports: [{name: web, containerPort: 8080}]}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: crashing}
spec:
  selector: {matchLabels: {app: crashing}}
  template:
    metadata: {labels: {app: crashing}}
    spec: {containers: [{name: app, image: busybox, command: [sh, -c, "echo no database; exit 7"]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: none}
spec:
  replicas: 0
  selector: {matchLabels: {app: none}}
  template:
    metadata: {labels: {app: none}}
    spec: {containers: [{name: app, image: busybox}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: no-account}
spec:
  selector: {matchLabels: {app: no-account}}
  template:
    metadata: {labels: {app: no-account}}
    spec: {serviceAccountName: nobody-here, containers: [{name: app, image: busybox}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: nowhere}
spec:
  selector: {matchLabels: {app: nowhere}}
  template:
    metadata: {labels: {app: nowhere}}
    spec: {nodeSelector: {gpu: "yes"}, containers: [{name: app, image: busybox}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: hopeless}
spec:
  backoffLimit: 0
  template:
    spec: {restartPolicy: Never, containers: [{name: app, image: busybox, command: [sh, -c, "echo why me; exit 5"]}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: asleep}
spec:
  suspend: true
  schedule: "0 0 1 1 *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: busybox}]}}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: classless}
spec: {storageClassName: golden, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: nowhere}
spec:
  ingressClassName: absent
  defaultBackend: {service: {name: no-such, port: {number: 80}}}
  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: good, port: {number: 99}}}}]}}]
"""

OF_OBJECTS = {
    "service/misspelt": "selects no pod: none has the labels app=godo",
    "service/wrong-port": "leads to the port 'http', but no container",
    "service/undeclared": "leads to port 81 of its pods, whose containers declare 8080",
    "service/unready": "container app ends with exit code 7",
    "service/bare": "has no selector",
    "deployment/crashing": "container app ends with exit code 7",
    "deployment/none": "wants no pods",
    "deployment/no-account": "cannot be created: .*nobody-here",
    "daemonset/nowhere": "no node fits it",
    "job/hopeless": "has failed: Job has reached the specified backoff limit",
    "cronjob/asleep": "is suspended",
    "pvc/classless": "wants the StorageClass 'golden', which does not exist",
    "ingress/nowhere": "is of the class 'absent', which does not exist",
}


@pytest.fixture(scope="module")
def workloads(broken):
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("KUBECONFIG", broken.kubeconfig)
    nbc.cluster(broken.context, broken.namespace).apply(WORKLOADS)
    yield broken
    monkeypatch.undo()


@pytest.mark.parametrize("what", OF_OBJECTS)
@pytest.mark.usefixtures("workloads")
def test_an_object_is_explained_down_to_its_pods(there, what):
    def shown():
        return re.search(OF_OBJECTS[what], there.why(what).reason)

    wait_until(shown, seconds=100, what=lambda: as_text(picture_of(there.why(what))))
    assert there.why(what).evidence


@pytest.mark.usefixtures("workloads")
def test_what_is_well_is_well(there):
    there.rollout.status("deploy/good").result(90)
    for what in ("deployment/good", "service/good"):
        wait_until(lambda what=what: not there.why(what), seconds=30, what=lambda what=what: there.why(what).reason)
    pods = there.get("pods", selector="app=crashing").names
    nearest = there.why("service/misspelt").evidence[-1]
    assert "app=good" in nearest.text
    assert there.why("service/unready").findings[0].subject in {f"pod/{name}" for name in pods}
    reasons = [one.reason for one in there.why("ingress/nowhere").findings]
    assert reasons == ["NoIngressClass", "NoService", "NoSuchPort"]


LIMITED = """
apiVersion: v1
kind: LimitRange
metadata: {name: narrow}
spec: {limits: [{type: Container, max: {memory: 64Mi}}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: greedy}
spec:
  selector: {matchLabels: {app: greedy}}
  template:
    metadata: {labels: {app: greedy}}
    spec: {containers: [{name: app, image: busybox, resources: {limits: {memory: 1Gi}}}]}
"""


@pytest.mark.usefixtures("workloads")
def test_a_limit_range_and_a_quota_are_named(there):
    there.apply(LIMITED)
    wait_until(lambda: any("LimitRange" in one.cure for one in there.why("deploy/greedy").findings))
    assert "maximum memory usage per Container is 64Mi" in there.why("deploy/greedy").reason
    there.delete("limitrange/narrow").result(30)
    there.create.quota("tight", hard={"pods": "1"})
    there.rollout.restart("deploy/greedy")
    wait_until(
        lambda: "exceeded quota" in there.why("deploy/greedy").reason,
        seconds=60,
        what=lambda: there.why("deploy/greedy").reason,
    )
    assert there.why("deploy/greedy").next == (f"%kube describe quota -n {there.namespace} --context={there.context}",)
    there.delete("quota/tight").result(30)


def test_a_namespace_is_surveyed_worst_first(there, workloads):
    found = there.why()
    assert found
    assert "not well" in found.status
    passing = [one.passing for one in found.findings]
    assert passing == sorted(passing)
    subjects = {one.subject for one in found.findings}
    assert {"pod/wrong-name", "service/misspelt", "persistentvolumeclaim/classless"} <= subjects
    text = as_text(picture_of(run_magic(catalogue.verbs_of("kube"), f"why -n {workloads.namespace}", None, {})))
    assert "what is wrong" in text
    with pytest.raises(NotFound):
        nbc.cluster(workloads.context, "never-made").why()


def test_wrong_questions(there):
    for words, error in {("pod",): UsageError, ("pod", "missing"): NotFound, ("nonsense/x",): UsageError}.items():
        with pytest.raises(error):
            there.why(*words)


@pytest.mark.parametrize(
    "status", [{}, {"containerStatuses": [{}]}, {"conditions": [{"type": "PodScheduled", "status": "False"}]}]
)
def test_a_status_that_lacks_fields_is_no_error(status):
    pod_rules.findings(PodFacts({"metadata": {"name": "x"}, "status": status}))
