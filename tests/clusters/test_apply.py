"""%%kube apply and %%kube diff on the real cluster, beside kubectl: differences, conflicts, order, pruning, files."""

import http.server
import json
import shlex
import subprocess
import threading

import pytest

import nbcontainer as nbc
from nbcontainer.errors import ApiError, Conflict, UsageError, YamlError
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text

pytestmark = pytest.mark.timeout(120)

CONFIGURATION = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}}}
data:
  colour: {colour}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: c, image: busybox, args: [sleep, '600']}}]}}
"""
SECRET = "{{apiVersion: v1, kind: Secret, metadata: {{name: {name}}}, {part}: {{password: {value}}}}}\n"
DEFINITION = """\
apiVersion: {group}/v1
kind: Gadget
metadata: {{name: one}}
size: 3
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: inside, namespace: {inner}}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: gadgets.{group}}}
spec:
  group: {group}
  names: {{plural: gadgets, singular: gadget, kind: Gadget}}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
---
{{apiVersion: v1, kind: Namespace, metadata: {{name: {inner}}}}}
"""


@pytest.fixture
def kubectl(kubernetes, space):
    """Runs kubectl in the test's namespace."""
    own = [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], "--kubeconfig", kubernetes.env()["KUBECONFIG"]]

    def run(words, stdin=""):
        command = [*own, "-n", space.namespace, *shlex.split(words)]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)

    return run


def kube(line, cell=None, **variables):
    """What a %kube line returns."""
    return run_magic(verbs_of("kube"), line, cell, variables)


def done(changes):
    return [(change.kind, change.name, change.action) for change in changes]


def differing(text):
    """The lines of a difference that were added or removed, without those about what changes by itself."""
    lines = [line for line in text.splitlines() if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"}]
    return [line for line in lines if "generation:" not in line]


def test_a_difference_has_the_lines_of_kubectls(cluster, kubectl):
    before = DEPLOYMENT.format(name="differing", replicas=0) + "---\n" + CONFIGURATION.format(name="same", colour="red")
    after = before.replace("replicas: 0", "replicas: 2").replace("busybox,", "busybox:1.36, stdin: true,")
    cluster.apply(before)
    theirs = kubectl("diff --server-side --force-conflicts -f -", after)
    ours = cluster.diff(after)
    assert done(ours) == [("Deployment", "differing", "configured"), ("ConfigMap", "same", "unchanged")]
    assert differing(ours.diff) == differing(theirs.stdout) != []
    assert not any(noise in ours.diff for noise in ("managedFields", "resourceVersion", "status:", "uid:"))
    applied = cluster.apply(after)
    assert applied.diff == ours.diff
    assert applied[1].diff == cluster.diff(after).diff == ""
    assert kubectl("get deploy differing -o jsonpath={.spec.replicas}").stdout == "2"


def test_the_differences_are_drawn(cluster):
    text = "---\n".join(CONFIGURATION.format(name=f"drawn-{one}", colour="red") for one in "abc")
    created = as_text(picture_of(cluster.apply(text)))
    assert created.count(" created ") == 3
    assert "colour" not in created  # what is new is folded
    drawn = as_text(picture_of(cluster.apply(text.replace("red", "blue", 1))))
    assert "−    colour: red" in drawn
    assert "+    colour: blue" in drawn
    assert "2 unchanged: configmap/drawn-b, configmap/drawn-c" in drawn


def test_if_one_object_is_refused_none_is_changed(cluster, kubectl):
    text = CONFIGURATION.format(name="first", colour="red") + "---\n" + DEPLOYMENT.format(name="Bad_name", replicas=0)
    with pytest.raises(
        ApiError, match=r'line 9: metadata\.name: "Bad_name" cannot be a name: .* Nothing was applied\.'
    ):
        cluster.apply(text)
    assert "not found" in kubectl("get cm first").stderr


def test_a_conflict_has_both_values_and_the_manager_and_says_what_to_do(cluster, kubectl):
    text = DEPLOYMENT.format(name="disputed", replicas=0)
    cluster.apply(text)
    kubectl("scale deploy/disputed --replicas=1")
    text = text.replace("replicas: 0", "replicas: 2")
    with pytest.raises(Conflict) as caught:
        kube(f"apply -n {cluster.namespace}", text)
    assert caught.value.message.startswith('line 6: spec.replicas is managed by "kubectl" with subresource "scale"')
    assert caught.value.message.endswith(": it is 1 in the cluster, and 2 here.")
    assert caught.value.cure.startswith("`--force-conflicts` takes over these fields; or remove them")
    assert done(kube(f"apply -n {cluster.namespace} --force-conflicts", text)) == [
        ("Deployment", "disputed", "configured")
    ]


def test_values_of_secrets_are_in_no_difference_and_no_error(cluster):
    value, other = "swordfish-1", "swordfish-2"
    text = SECRET.format(name="kept", part="stringData", value=value)
    changes = [cluster.apply(text), cluster.apply(text.replace(value, other)), cluster.diff(text)]
    assert [done(one)[0][2] for one in changes] == ["created", "configured", "configured"]
    assert differing(changes[1].diff) == ["-  password: hidden (before)", "+  password: hidden (after)"]
    refused = []
    for part, wrong in (("data", value), ("data", f"[{value}]"), ("stringData", f"{{a: {value}}}")):
        with pytest.raises(ApiError) as caught:
            cluster.apply(SECRET.format(name="kept", part=part, value=wrong))
        refused.append(caught.value)
    assert refused[0].message == "line 1: a value of data is not base64."
    said = " ".join([*map(str, refused), *(one.diff for one in changes)])
    said += "".join(as_text(picture_of(one)) for one in changes)
    encoded = {"c3dvcmRmaXNoLTE", "c3dvcmRmaXNoLTI"}
    assert not [each for each in (value, other, *encoded) if each in said]


def test_a_kind_and_a_namespace_come_before_their_objects(cluster, kubectl, space):
    group, inner = f"apply.{space.namespace}.example", f"{space.namespace}-inner"
    text = DEFINITION.format(group=group, inner=inner)
    try:
        shown = cluster_of_any(cluster).diff(
            text.replace("metadata: {name: one}", f"metadata: {{name: one, namespace: {space.namespace}}}")
        )
        assert {change.action for change in shown} == {"created"}
        changes = cluster_of_any(cluster).apply(
            text.replace("metadata: {name: one}", f"metadata: {{name: one, namespace: {space.namespace}}}")
        )
        assert [change.kind for change in changes] == ["Namespace", "CustomResourceDefinition", "Gadget", "ConfigMap"]
        assert {change.action for change in changes} == {"created"}
        assert kubectl(f"get gadgets.{group} one -o jsonpath={{.size}}").stdout == "3"
    finally:
        kubectl(f"delete ns/{inner} crd/gadgets.{group} --wait=false --ignore-not-found")


def cluster_of_any(cluster):
    """The same, without a namespace in the call."""
    assert cluster.namespace
    return nbc.cluster()


def test_lists_are_unfolded(cluster):
    items = [json.loads(json.dumps({"metadata": {"name": f"listed-{one}"}, "data": {"a": "b"}})) for one in range(2)]
    typed = {"apiVersion": "v1", "kind": "ConfigMapList", "items": items}
    whole = {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "ConfigMap", **items[0]}]}
    assert done(cluster.apply(json.dumps(typed))) == [("ConfigMap", f"listed-{one}", "created") for one in range(2)]
    assert done(cluster.apply(json.dumps(whole))) == [("ConfigMap", "listed-0", "unchanged")]


def test_what_is_no_longer_in_the_text_is_pruned_after_a_question(cluster, kubectl, monkeypatch):
    monkeypatch.setattr("nbcontainer.identity._user_id", lambda: f"prunes in {cluster.namespace}")
    keep, drop = CONFIGURATION.format(name="keep", colour="red"), CONFIGURATION.format(name="drop", colour="red")
    cluster.apply(f"{keep}---\n{drop}")
    kubectl("create cm theirs")
    kubectl(f"label cm theirs nbcontainer.notebook={nbc.notebook_id()}")  # it was not applied by us
    asked = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
    with pytest.raises(nbc.errors.Stopped, match="Nothing was changed"):
        kube(f"apply --prune -n {cluster.namespace}", keep.replace("red", "blue"))
    assert "Apply, and delete the object configmap/drop which this notebook applied before?" in asked[0]
    names = "get cm -o jsonpath={.items[*].metadata.name}"
    assert {"keep", "drop", "theirs"} <= {*kubectl(names).stdout.split()}
    assert done(cluster.diff(keep, prune=True))[1:] == [("ConfigMap", "drop", "pruned")]
    assert done(cluster.apply(keep, prune=True)) == [
        ("ConfigMap", "keep", "unchanged"),
        ("ConfigMap", "drop", "pruned"),
    ]
    assert {"keep", "drop", "theirs"} & {*kubectl(names).stdout.split()} == {"keep", "theirs"}


def test_the_notebooks_label_is_only_put_on_what_is_new(cluster, kubectl):
    kubectl("create cm older --from-literal=colour=red")
    cluster.apply(CONFIGURATION.format(name="newer", colour="red"))
    cluster.apply(CONFIGURATION.format(name="older", colour="blue"), force_conflicts=True)
    label = r"-o 'jsonpath={.metadata.labels.nbcontainer\.notebook}'"
    assert kubectl(f"get cm older {label}").stdout == ""
    cluster.apply(CONFIGURATION.format(name="newer", colour="blue"))
    assert kubectl(f"get cm newer {label}").stdout == nbc.notebook_id()


def test_files_folders_and_urls(cluster, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    files = {"b.yaml": "file-b", "a.json": "file-a", "inner/c.yml": "file-c"}
    for path, name in files.items():
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        (tmp_path / path).write_text(json.dumps(document))
    (tmp_path / "notes.txt").write_text("not a manifest")
    line = f"apply -n {cluster.namespace} --dry-run=server"
    assert [change.name for change in kube(f"{line} -f '{tmp_path}'")] == ["file-a", "file-b"]
    assert [change.name for change in kube(f"{line} -R -f '{tmp_path}'")] == ["file-a", "file-b", "file-c"]
    assert [change.name for change in kube(f"diff -n {cluster.namespace} -f {inner}/c.yml")] == ["file-c"]
    handler = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *words: handler(*words, directory=str(tmp_path))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert [change.name for change in kube(f"{line} -f {url}/b.yaml")] == ["file-b"]
        with pytest.raises(UsageError, match=r"none\.yaml cannot be read: the server answered with HTTP status 404"):
            kube(f"{line} -f {url}/none.yaml?token=secret")
        server.shutdown()
    (tmp_path / "b.yaml").write_text("a: [")
    with pytest.raises(YamlError, match=r"b\.yaml, line 1: this is not YAML"):
        kube(f"{line} -f {tmp_path}/b.yaml")
    with pytest.raises(UsageError, match=r"notes cannot be read: No such file"):
        kube(f"{line} -f {tmp_path}/notes")
    with pytest.raises(UsageError, match="There is nothing to apply"):
        kube(line)
    with pytest.raises(UsageError, match="Give either a text, or `--filename`"):
        kube(f"{line} -f {tmp_path}", CONFIGURATION.format(name="x", colour="red"))
    assert done(kube(f"{line} -f -", CONFIGURATION.format(name="{{x}}", colour="red"), x="called"))[0][1] == "called"


def test_a_kustomization_is_made_by_kubectl_or_refused_in_words(cluster, kubernetes, tmp_path, monkeypatch):
    (tmp_path / "map.yaml").write_text(CONFIGURATION.format(name="plain", colour="red"))
    (tmp_path / "kustomization.yaml").write_text("namePrefix: made-\nresources: [map.yaml]\n")
    line = f"apply -n {cluster.namespace} --dry-run=server -k {tmp_path}"
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(UsageError, match="needs the kubectl or the kustomize command, and there is neither"):
        kube(line)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kubectl").symlink_to(kubernetes.env()["NBCONTAINER_TEST_KUBECTL"])
    (change,) = kube(line)
    assert (change.name, change.action) == ("made-plain", "created")
    assert shlex.split(change.command)[-3:] == ["-k", str(tmp_path), "--dry-run=server"]
    (tmp_path / "kustomization.yaml").write_text("resources: [none.yaml]\n")
    with pytest.raises(UsageError, match=r"kubectl kustomize .* failed: .*none\.yaml"):
        kube(line)
