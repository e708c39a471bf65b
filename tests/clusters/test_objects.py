"""Tables of any kind on the real cluster, beside what kubectl prints; how kinds are named; what cannot be listed."""

import shlex
import subprocess
import time

import pytest

import nbcontainer as nbc
from nbcontainer.api.completion import known_names
from nbcontainer.clusters import discovery, objects
from nbcontainer.clusters.columns import Decoder
from nbcontainer.clusters.connection import find_cluster
from nbcontainer.errors import ApiError, Forbidden, NotFound, Unsupported, UsageError
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.model.tables import Table, Tables, Tone
from nbcontainer.views.kit import Grid
from nbcontainer.views.results import picture_of
from nbcontainer.views.several_tables import SeveralTablesView
from nbcontainer.views.text import as_text
from tests.clusters.kubectl_output import drawn, is_same_table

pytestmark = pytest.mark.timeout(120)

SECRET = "c2VjcmV0LXZhbHVl"
OBJECTS = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, labels: {{app: web}}}}
spec:
  replicas: 0
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: busybox}}]}}
---
{{apiVersion: v1, kind: Service, metadata: {{name: web, labels: {{app: web}}}}, spec: {{ports: [{{port: 80}}]}}}}
---
{{apiVersion: v1, kind: ConfigMap, metadata: {{name: web}}, data: {{a: b, c: d}}}}
---
{{apiVersion: v1, kind: Secret, metadata: {{name: web}}, data: {{password: {secret}}}}}
---
{{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {{name: web}}, spec: {{holderIdentity: me}}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {{name: web}}
spec:
  schedule: "0 0 1 1 *"
  suspend: true
  jobTemplate:
    spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: web, image: busybox}}]}}}}}}
---
apiVersion: v1
kind: Event
metadata: {{name: web}}
type: Warning
reason: Tried
message: "it went wrong: twice"
involvedObject: {{kind: Pod, name: web, namespace: {space}}}
---
{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: web}},
 spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}}}
"""
CUSTOM = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: nbcwidgets.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{plural: nbcwidgets, singular: nbcwidget, kind: NbcWidget, shortNames: [nbcw], categories: [nbcall]}}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
      additionalPrinterColumns:
        - {{name: Size, type: integer, jsonPath: .spec.size}}
        - {{name: Ratio, type: number, jsonPath: .spec.ratio}}
        - {{name: Enabled, type: boolean, jsonPath: .spec.enabled}}
        - {{name: Last Sync, type: date, jsonPath: .spec.synced}}
        - {{name: Phase, type: string, jsonPath: .spec.phase}}
        - {{name: Notes, type: string, jsonPath: .spec.notes, priority: 1}}
"""
WIDGETS = """
apiVersion: {group}/v1
kind: NbcWidget
metadata: {{name: full}}
spec: {{size: 3, ratio: 1.5, enabled: true, synced: "2020-01-01T00:00:00Z", phase: Ready, notes: some words}}
---
{{apiVersion: {group}/v1, kind: NbcWidget, metadata: {{name: bare}}, spec: {{size: 0, ratio: 2, enabled: false}}}}
"""


@pytest.fixture(scope="module")
def filled(space):
    """The namespace with an object of many kinds, and a kind of its own; and that kind's group."""
    group = f"{space.namespace}.example.com"
    cluster = nbc.cluster("", space.namespace)
    cluster.apply(OBJECTS.format(space=space.namespace, secret=SECRET))
    cluster.apply(CUSTOM.format(group=group))
    deadline = time.monotonic() + 30
    while True:
        try:
            cluster.apply(WIDGETS.format(group=group))
            break
        except (ApiError, UsageError):  # the API server serves a new kind only after a moment
            assert time.monotonic() < deadline
            time.sleep(0.2)
    yield group
    space.run(space.request("DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/nbcwidgets.{group}"))


@pytest.fixture(autouse=True)
def real_cluster(kubernetes, monkeypatch):
    """The real cluster is in use."""
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])


@pytest.fixture(scope="module")
def kubectl(kubernetes, space, tmp_path_factory):
    """Runs kubectl in the test's namespace; it does not remember the kinds of an earlier run."""
    own = [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], "--kubeconfig", kubernetes.env()["KUBECONFIG"]]
    own += ["-n", space.namespace, "--cache-dir", str(tmp_path_factory.mktemp("kubectl"))]
    return lambda words: subprocess.run([*own, *shlex.split(words)], capture_output=True, text=True, check=False)


def until(condition, seconds=30):
    """Wait for a fact."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.02)


def kube(line, cell=None):
    """What a %kube line returns."""
    return run_magic(verbs_of("kube"), line, cell, {})


KINDS = [
    *("deploy", "svc", "cm", "secrets", "lease", "cronjobs", "events", "pvc", "sa", "nbcwidgets", "NbcWidget"),
    *(
        "crd/nbcwidgets.{group}",
        "nodes",
        "storageclasses",
        "apiservices",
        "clusterroles",
        "priorityclasses",
        "flowschemas",
        "pods",
        "rs",
    ),
]


@pytest.mark.parametrize("wide", ["", " -o wide"], ids=["", "wide"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_kubectl_prints(kind, wide, filled, space, kubectl):
    kind = kind.format(group=filled)
    for _ in range(5):  # something may happen between our list and kubectl's
        table, theirs = kube(f"get {kind} -n {space.namespace}{wide}"), kubectl(f"get {kind}{wide}").stdout
        if is_same_table(table, theirs):
            break
    else:
        pytest.fail(f"{drawn(table)}\n{theirs}")
    names = kube(f"get {kind} -n {space.namespace} -o name")
    assert sorted(kubectl(f"get {kind} -o name").stdout.splitlines()) == sorted(names)


def test_a_secret_s_value_is_nowhere(filled, space):
    table = kube(f"get secret web -n {space.namespace} -o wide")
    assert table.names == ["web"]
    assert SECRET not in f"{table.state}{table['web'].facts}"
    assert filled


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (("deployments.apps",), ["deployment.apps/web"]),
        (("Deployment.v1.apps", "web"), ["deployment.apps/web"]),
        (("deploy/web", "svc/web", "deploy/web"), ["deployment.apps/web", "service/web"]),
        (("svc,deploy,service", "web"), ["service/web", "deployment.apps/web"]),
        (("all",), []),
        (("nbcall",), ["nbcwidget.{group}/bare", "nbcwidget.{group}/full"]),
        (("nbcw.v1.{group}", "full"), ["nbcwidget.{group}/full"]),
    ],
)
def test_how_kinds_are_named(words, rows, filled, space, kubectl):
    words = [word.format(group=filled) for word in words]
    found = nbc.cluster("", space.namespace).get(*words)
    tables = [found] if isinstance(found, Table) else found
    names = [name for table in tables for name in table.qualified_names]
    wanted = [row.format(group=filled) for row in rows]
    assert [name for name in names if name in wanted] == wanted  # the namespace may have others as well
    assert sorted(names) == sorted({*kubectl(f"get {shlex.join(words)} -o name").stdout.splitlines()})


def test_several_kinds_are_drawn_one_below_the_other(filled, space):
    assert filled
    found = kube(f"get deploy,svc -n {space.namespace} -l app=web")
    assert isinstance(found, Tables)
    assert [table.names for table in found] == [["web"], ["web"]]
    heads = [block.columns[:2] for block in picture_of(found).blocks if isinstance(block, Grid)]
    assert heads == [("NAME", "READY"), ("NAME", "TYPE")]


def test_objects_and_pods(filled, space):
    cluster = nbc.cluster("", space.namespace)
    full = cluster.get("nbcw")["full"]
    assert (full.kind, full.namespace, full.facts["size"], full.facts["phase"]) == (
        "NbcWidget", space.namespace, 3, "Ready",
    )  # fmt: skip
    assert full.command.endswith(f"get nbcwidget.{filled} full")
    assert repr(full) == "NbcWidget('full')"
    assert ("Size", "3") in full.description().sections[0][1]
    assert [row.cells[3] for row in cluster.get("nbcw")] == [False, True]


def test_a_watched_table_of_a_custom_kind(filled, space):
    path = f"/apis/{filled}/v1/namespaces/{space.namespace}/nbcwidgets"
    operation = nbc.cluster("", space.namespace).watch("nbcw")
    until(lambda: operation.state.live)
    made = {
        "apiVersion": f"{filled}/v1",
        "kind": "NbcWidget",
        "metadata": {"name": "new"},
        "spec": {"phase": "Pending"},
    }
    space.run(space.request("POST", path, body=made))
    key = f"{space.namespace}/new"
    until(lambda: key in operation.state.rows)
    age = operation.state.rows[key].cells[-3]
    assert operation.state.rows[key].cells[:2] == ("new", None)
    assert operation.state.columns[4].kind == "age"
    assert age is None
    merge = "application/merge-patch+json"
    space.run(space.request("PATCH", f"{path}/new", body={"spec": {"size": 7, "phase": "Ready"}}, content_type=merge))
    until(lambda: operation.state.rows[key].cells[1] == 7)
    assert operation.state.rows[key].tone is Tone.GOOD
    space.run(space.request("DELETE", f"{path}/new"))
    until(lambda: key not in operation.state.rows)
    operation.stop()
    assert operation.result(5)["full"].kind == "NbcWidget"


@pytest.mark.usefixtures("filled")
def test_what_is_not_there(space):
    cluster = nbc.cluster("", space.namespace)
    with pytest.raises(UsageError, match="The cluster has no kind 'deploymint'") as unknown:
        cluster.get("deploymint")
    assert unknown.value.cure == "Did you mean deployments or endpoints?"
    with pytest.raises(UsageError, match="The cluster has no kind 'xyzzy'") as unknown:
        cluster.get("xyzzy")
    assert unknown.value.cure == "`%kube api-resources` lists its kinds."
    with pytest.raises(NotFound, match="There is no deployment webb in nbc") as missing:
        cluster.get("deploy", "webb")
    assert missing.value.cure == "Did you mean web?"
    with pytest.raises(NotFound, match="There is no nbcwidget x in nbc"):
        cluster.get("nbcw/x")
    with pytest.raises(NotFound, match=r"There is no node x in nbc\."):
        cluster.get("node/x")
    with pytest.raises(Unsupported, match="nbc does not support listing tokenreviews"):
        cluster.get("tokenreviews")
    with pytest.raises(UsageError, match="'web' is not KIND/NAME"):
        cluster.get("deploy/web", "web")
    with pytest.raises(UsageError, match="Objects of which kind"):
        cluster.get(",")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("kind", "selector", "field_selector", "message"),
    [
        ("pods", "!!x", "", "The label selector is not valid: found '!', expected: identifier."),
        ("pods", "app=a=b", "", "The label selector is not valid: found '=', expected: ',' or 'end of string'."),
        ("pods", "", "status.foo=1", "Objects of this kind cannot be selected by the field status.foo."),
        ("configmaps", "", "status.foo=1", "Objects of this kind cannot be selected by the field status.foo."),
        ("pods", "", "!!x", "The field selector is not valid: '!!x'; can't understand '!!x'."),
    ],
)
def test_a_selector_that_is_not_valid(kind, selector, field_selector, message, space):
    with pytest.raises(ApiError) as refused:
        nbc.cluster("", space.namespace).get(kind, selector=selector, field_selector=field_selector)
    assert (refused.value.status, refused.value.message) == (400, message)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("name", ["web,metadata.name=web", "web,metadata.namespace!=x", r"\x1b[31mred", "a=b"])
@pytest.mark.parametrize("verb", ["get", "describe", "delete"])
def test_a_name_with_the_signs_of_a_selector_names_nothing_else(verb, name, space):
    with pytest.raises(NotFound) as missing:
        getattr(nbc.cluster("", space.namespace), verb)("deploy", name)
    assert name in missing.value.message


def test_what_may_not_be_listed(kubernetes, space, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["NBCONTAINER_TEST_KUBECONFIG_VIEWER"])
    for ask in (lambda cluster: cluster.get("secrets"), lambda cluster: cluster.watch("secrets").result(20)):
        with pytest.raises(Forbidden, match=r'secrets is forbidden: User .* cannot list resource "secrets"'):
            ask(nbc.cluster("", space.namespace))


def test_kinds_are_completed_without_a_request(filled, space, monkeypatch):
    cluster = find_cluster("", space.namespace)
    monkeypatch.setattr(cluster.link, "kinds", None)
    monkeypatch.setattr(type(cluster.link.http), "send", lambda *_, **__: pytest.fail("it sent a request"))
    assert objects.kinds_at_hand(cluster) == []
    assert "deployments" in known_names("kind", namespace=space.namespace)
    assert objects.names(cluster, "nbcwidgets") == []
    monkeypatch.undo()
    kube_config = space.kubeconfig
    monkeypatch.setenv("KUBECONFIG", kube_config)
    cluster.run(discovery.find_resource(cluster, "nbcw"))
    assert "nbcwidgets" in objects.kinds_at_hand(cluster)
    assert "tokenreviews" not in objects.kinds_at_hand(cluster)
    assert known_names("kind") == objects.kinds_at_hand(cluster)
    assert known_names("object", namespace=space.namespace, of_kind="nbcw") == ["bare", "full"]
    assert filled


def test_kinds_of_two_groups_with_one_name():
    pods = discovery.Resource("pods", "Pod", singular="pod", short_names=("po",))
    metrics = discovery.Resource("pods", "PodMetrics", "metrics.k8s.io", "v1beta1")
    beta = discovery.Resource("jobs", "Job", "batch", "v1beta1")
    short = discovery.Resource("boats", "Boat", "sea.io", short_names=("pods", "bo"))
    kinds = discovery.Kinds.of([short, pods, metrics, discovery.Resource("jobs", "Job", "batch"), beta])
    assert kinds.by_word["pods"].word == "pods"
    assert kinds.by_word["bo"].word == "boats"
    assert kinds.by_word["pods.metrics.k8s.io"].word == "pods.v1beta1.metrics.k8s.io"
    assert kinds.by_word["podmetrics"].qualified_kind == "podmetrics.metrics.k8s.io"
    assert kinds.by_word["jobs.batch"].version == "v1"
    assert kinds.by_word["jobs.v1beta1.batch"].version == "v1beta1"


def test_objects_of_an_api_server_that_makes_no_tables():
    item = {"kind": "Boat", "metadata": {"name": "a", "namespace": "sea", "creationTimestamp": "2020-01-01T00:00:00Z"}}
    decoder = Decoder("Boat", with_namespace=True)
    (row,) = decoder.rows({"kind": "BoatList", "items": [item]})
    assert [column.name for column in decoder.columns] == ["NAMESPACE", "NAME", "AGE"]
    assert row.cells == ("sea", "a", 1577836800.0)
    assert [changed.key for changed in decoder.rows(item)] == list(decoder.keys(item)) == ["sea/a"]
    assert decoder.rows({"kind": "BoatList", "items": []}) == []


def test_several_kinds_are_watched_together(filled, space, here):
    assert filled
    listed = {table.state.title: table.names for table in here.get("deploy,svc,nbcwidgets")}
    assert len(listed) > 1
    watch = here.watch("deploy,svc,nbcwidgets")
    try:
        seen = {}
        while seen != listed:
            assert watch.wait(20, revision=watch.revision)
            seen = {one.title: [row.name for row in one.rows.values()] for one in watch.state.tables if one.rows}
        service = {"metadata": {"name": "watched-late"}, "spec": {"ports": [{"port": 80}]}}
        space.call("POST", f"/api/v1/namespaces/{space.namespace}/services", body=service)
        while "watched-late" not in seen.get("services", ()):
            assert watch.wait(20, revision=watch.revision)
            seen = {one.title: [row.name for row in one.rows.values()] for one in watch.state.tables}
    finally:
        watch.stop()
    result = watch.result(20)
    assert result[0]["web"].kind == "Deployment"
    assert "watched-late" in {name for table in result for name in table.names}
    space.call("DELETE", f"/api/v1/namespaces/{space.namespace}/services/watched-late")

    view = SeveralTablesView()
    lines = [line for event in watch.events() if (line := view.line(event))]
    assert any(line.startswith("deployments\nNAME") for line in lines)
    assert any(line.startswith("services  watched-late ") for line in lines)
    text = as_text(view.render(watch.state))
    assert text.index("deployments  nbc") < text.index("services  nbc")


def test_one_of_several_kinds_may_not_be_watched(kubernetes, space, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["NBCONTAINER_TEST_KUBECONFIG_VIEWER"])
    with pytest.raises(Forbidden, match='cannot list resource "secrets"'):
        nbc.cluster("", space.namespace).watch("deploy,secrets").result(20)
