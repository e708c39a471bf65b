"""`-o yaml|json|jsonpath|custom-columns`, `--sort-by`, `-L`, `--show-labels`, RESTARTS: beside what kubectl prints."""

import json
import re
import shlex
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest

import nbcontainer as nbc
from nbcontainer.clusters.sorting import rank_of
from nbcontainer.errors import NotFound, UsageError
from nbcontainer.kubernetes_yaml.printing import as_yaml
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.views.manifests import printed as printed_manifests
from nbcontainer.views.manifests import revealed
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text
from tests.clusters.kubectl_output import drawn, is_same_table, printed

pytestmark = pytest.mark.timeout(120)

VALUE, ENCODED = "open sesame", "b3BlbiBzZXNhbWU="
TEXTS = {
    "boolean": "yes",
    "clock": "12:30",
    "date": "2020-01-01",
    "time": "2020-01-01T00:00:00Z",
    "octal": "010",
    "float": "1e3",
    "under": "1_000",
    "null": "~",
    "empty": "",
    "lines": "one\n  two\n",
    "open": "one\ntwo",
    "colon": "a: b",
    "hash": "a #b",
    "quote": "it's",
    "double": '"x"',
    "space": " x ",
    "tab": "a\tb",
    "equals": "=",
    "merge": "<<",
    "long": "word " * 50,
    "wide": "é ü 😀",
    "html": "a<b>&c",
    "k-10": "a",
    "k-9": "b",
    "K": "c",
    "indented": " first\nsecond",
    "blank": "x\n\n",
    "carriage": "a\r\nb",
    "brace": "{x}",
    "star": "*x",
    "dash": "- x",
}
OBJECTS = """
{{apiVersion: v1, kind: ConfigMap, metadata: {{name: form-10, labels: {{app: web, example.com/tier: front}}}}}}
---
{{apiVersion: v1, kind: ConfigMap, metadata: {{name: form-9, labels: {{app: db, size: "20"}}}}, data: {{count: "9"}}}}
---
{{apiVersion: v1, kind: ConfigMap, metadata: {{name: form-texts, labels: {{app: db, size: "3"}}}}, data: {texts}}}
---
{{apiVersion: v1, kind: Secret, metadata: {{name: form-door, labels: {{app: web}}}}, data: {{key: {encoded}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: form-restarted, labels: {{app: web}}}}
spec: {{schedulerName: none, containers: [{{name: web, image: busybox}}, {{name: side, image: busybox:2}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: form-fresh, labels: {{app: db}}}}
spec: {{schedulerName: none, containers: [{{name: web, image: busybox}}]}}
"""


@pytest.fixture(scope="module")
def kubectl(kubernetes, space, tmp_path_factory):
    """Runs kubectl in the test's namespace."""
    own = [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], "--kubeconfig", kubernetes.env()["KUBECONFIG"]]
    own += ["-n", space.namespace, "--cache-dir", str(tmp_path_factory.mktemp("kubectl"))]

    def run(words, stdin=""):
        return subprocess.run([*own, *shlex.split(words)], input=stdin, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module", autouse=True)
def filled(kubernetes, space, kubectl):
    """The namespace with objects whose text is difficult, a Secret, and a pod that was restarted."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])
    nbc.cluster("", space.namespace).apply(OBJECTS.format(texts=json.dumps(TEXTS, ensure_ascii=False), encoded=ENCODED))
    # as kubectl applied it: the annotation has the whole manifest
    applied = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "form-applied"}, "stringData": {"key": VALUE}}
    kubectl("apply -f -", json.dumps(applied)).check_returncode()
    ended = (datetime.now(UTC) - timedelta(seconds=65)).strftime("%Y-%m-%dT%H:%M:%SZ")
    container = {"name": "web", "image": "busybox", "imageID": "", "ready": True, "restartCount": 3}
    container |= {"lastState": {"terminated": {"exitCode": 1, "finishedAt": ended, "startedAt": ended}}}
    path = f"/api/v1/namespaces/{space.namespace}/pods/form-restarted/status"
    body = {"status": {"phase": "Running", "containerStatuses": [container]}}
    space.run(space.request("PATCH", path, body=body, content_type="application/merge-patch+json"))
    yield
    monkeypatch.undo()


@pytest.fixture(autouse=True)
def real_cluster(kubernetes, monkeypatch):
    """The real cluster is in use."""
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])


@pytest.fixture
def kube(space):
    """What a %kube line returns in the test's namespace."""
    return lambda line: run_magic(verbs_of("kube"), f"{line} -n {space.namespace}", None, {})


WHOLE = [
    "cm form-texts -o yaml",
    "cm form-texts -o json",
    "cm form-9 form-10 -o yaml",
    "pods -l app=web -o yaml",
    "cm,pods -l app=db -o json",
    "cm -l app=nothing -o yaml",
    "cm/form-9 pod/form-fresh -o yaml",
    "cm -l app=db --sort-by=.metadata.labels.size -o yaml",
    "node/nbc-node -o jsonpath={.status.nodeInfo}",
    'pods -l app -o jsonpath=\'{range .items[*]}{.metadata.name}{"\\t"}{.spec.containers[*].image}{"\\n"}{end}\'',
    "cm form-9 -o jsonpath='{.metadata.labels}{.data.count}'",
    "pods -l app -o jsonpath='{.items[?(@.metadata.labels.app==\"web\")].spec.containers[-1:].image}'",
    "pods -l app -o jsonpath='{..containers[0].name}'",
    "cm form-9 -o jsonpath='{.data.missing}|{.metadata.labels.app}'",
]


def stable(text):
    """Without what changes by itself."""
    return re.sub(r"(lastHeartbeatTime|resourceVersion)\"?: \"[^\"]+\"", r"\1", text)


@pytest.mark.parametrize("words", WHOLE)
def test_whole_objects_byte_for_byte(words, kube, kubectl):
    ours, theirs = kube(f"get {words}"), kubectl(f"get {words}")
    assert not theirs.returncode, theirs.stderr
    assert stable(str(ours)) == stable(theirs.stdout)
    assert stable(printed_manifests(ours)) == stable(theirs.stdout).removesuffix("\n"), "and so in a terminal"


def test_the_command_prints_the_same(kube, kubectl):
    ours = kube("get cm form-9 --sort-by=.metadata.name -o yaml")
    words = shlex.split(ours.command)
    assert words[0] == "kubectl"
    assert kubectl(shlex.join(words[words.index("get") :])).stdout == str(ours)


@pytest.mark.parametrize(
    "words",
    [
        "cm -l app --sort-by=.metadata.name",
        "cm -l app --sort-by={.metadata.labels.size}",
        "pods -l app --sort-by=.status.containerStatuses[0].restartCount",
        "pods -l app --sort-by=spec.containers[-1:].image -o wide",
        "cm -l app -L app,example.com/tier -L size",
        "cm -l app --show-labels",
        "pods -l app --sort-by=.metadata.name",
        "pods -l app -L app --show-labels -o wide",
        "pods -l app",
        "cm -l app -o custom-columns=N:.metadata.name,DATA:.data.count,LABELS:.metadata.labels",
        "pods -l app -o custom-columns=NAME:metadata.name,IMAGES:.spec.containers[*].image,C:.spec.containers[0].ports",
    ],
)
def test_tables_as_kubectl_prints_them(words, kube, kubectl):
    for _ in range(5):  # an age may change between our list and kubectl's
        table, theirs = kube(f"get {words}"), kubectl(f"get {words}").stdout
        if is_same_table(table, theirs):
            return
    pytest.fail(f"{drawn(table)}\n{printed(theirs)}")


def test_when_a_pod_was_last_restarted(kube):
    table = kube("get pods -l app")
    row = next(row for row in table if row.name == "form-restarted")
    assert row.cells[3] == 3, "a number, for sorting and dataframes"
    assert 60 < time.time() - row.restarted < 120
    assert re.search(r"\b3 \((6\d|7\d|8\d|9\d|1\d\d)s ago\)", as_text(picture_of(table)))


# --- live


def test_a_sorted_table_stays_sorted(space):
    watch = nbc.cluster("", space.namespace).watch(
        "cm", selector="app", sort_by=".metadata.labels.size", label_columns=["size"], columns=""
    )
    deadline = time.monotonic() + 30

    def until(names):
        while [row.name for row in watch.state.rows.values()] != names:
            assert time.monotonic() < deadline, list(watch.state.rows)
            time.sleep(0.02)

    until(["form-10", "form-texts", "form-9"])
    path = f"/api/v1/namespaces/{space.namespace}/configmaps/form-10"
    for size, order in (("10", ["form-texts", "form-10", "form-9"]), (None, ["form-10", "form-texts", "form-9"])):
        body = {"metadata": {"labels": {"size": size}}}
        space.run(space.request("PATCH", path, body=body, content_type="application/merge-patch+json"))
        until(order)
        assert [row.cells[-1] for row in watch.state.rows.values() if row.name == "form-10"] == [size or ""]
    watch.stop()


# --- Secrets


@pytest.mark.parametrize("output", ["yaml", "json", "jsonpath={.items[*].data}", "jsonpath={..}"])
def test_a_secret_s_values_are_hidden_unless_asked_for(output, kube, kubectl):
    words = f"get secrets form-door form-applied -o {shlex.quote(output)}"
    hidden = kube(words)
    assert "hidden" in str(hidden)
    for value in (VALUE, ENCODED):
        assert value not in f"{hidden}{hidden.objects}{as_text(picture_of(hidden))}"
    shown = kube(f"{words} --show-secrets")
    if ".." not in output:
        assert str(shown) == kubectl(words).stdout
    assert ENCODED in str(shown)
    assert ENCODED in as_text(revealed(shown)), "in a live page"
    assert not [value for value in (VALUE, ENCODED) if value in as_text(picture_of(shown))], "not in what is saved"


def test_custom_columns_and_sorting_do_not_show_them(kube):
    table = kube("get secrets form-door --sort-by=.data.key -o custom-columns=N:.metadata.name,V:.data.key")
    assert [row.cells for row in table] == [("form-door", "hidden")]
    assert ENCODED not in str(table.state)


# --- in Python


def test_an_object_s_manifest(space):
    cluster = nbc.cluster("", space.namespace)
    found = cluster.get("cm", "form-9")["form-9"].manifest()
    assert (found["kind"], found["data"]) == ("ConfigMap", {"count": "9"})
    assert nbc.cluster("", space.namespace).pods.get("form-fresh").manifest()["spec"]["schedulerName"] == "none"
    door = cluster.get("secret")["form-door"]
    assert door.manifest()["data"] == {"key": "hidden"}
    assert door.manifest(show_secrets=True)["data"] == {"key": ENCODED}
    many = cluster.manifests("cm", selector="app", sort_by=".metadata.name", output="json")
    assert [one["metadata"]["name"] for one in many.objects] == ["form-10", "form-9", "form-texts"]
    assert repr(many) == "Manifests(ConfigMap/form-10, ConfigMap/form-9, ConfigMap/form-texts)"


@pytest.mark.parametrize(
    ("line", "kind", "word"),
    [
        ("get cm -o xml", UsageError, "jsonpath="),
        ("get cm -o jsonpath={.items", UsageError, "} is missing"),
        ("get cm -o jsonpath={range .items[*]}", UsageError, "no {end}"),
        ("get cm -o jsonpath={.items[99].kind}", UsageError, "no item 99"),
        ("get cm -o custom-columns=NAME", UsageError, "a name, a colon and a JSONPath"),
        ("get cm --sort-by={", UsageError, "not a path"),
        ("get cm -w --duration=1s -o yaml", UsageError, "follows a table"),
        ("get cm form-8 -o yaml", NotFound, "form-9"),
    ],
)
def test_what_is_refused(line, kind, word, kube):
    with pytest.raises(kind) as refused:
        kube(line.replace("-o jsonpath={range .items[*]}", "-o 'jsonpath={range .items[*]}'"))
    assert word in f"{refused.value.message} {refused.value.cure}"


# --- the order, without a cluster


def test_ranks_are_in_kubectl_s_order():
    values = [None, -2, "-1", "100m", 0.5, "1", "1k", "1Ki", "1Mi", 2_000_000, "a", "b-10", "b-2"]
    rank = rank_of(".v")
    ranks = [rank({"v": value} if value is not None else {}) for value in values]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)
    assert rank_of(".v[1].x")({"v": [{"x": 1}]}) == "", "not every object has a second one"


def test_keys_are_sorted_as_go_yaml_does():
    keys = ["_", "A", "a-b", "a1", "a02", "a2", "a10", "ab", "b"]
    assert [line.partition(":")[0] for line in as_yaml(dict.fromkeys(reversed(keys), "x")).splitlines()] == [
        "_", "A", "a-b", "a1", "a2", "a02", "a10", "ab", "b",
    ]  # fmt: skip
