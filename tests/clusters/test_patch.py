"""%kube patch, edit, label and annotate on the real cluster, beside kubectl."""

import shlex
import subprocess

import pytest

import nbcontainer as nbc
from nbcontainer.errors import ApiError, Conflict, NotFound, UsageError
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.model.results import NextCell
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text

pytestmark = pytest.mark.timeout(120)

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, labels: {{tier: front}}}}
spec:
  replicas: 0
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
      - {{name: a, image: busybox}}
      - {{name: b, image: busybox}}
---
{{apiVersion: v1, kind: Secret, metadata: {{name: {name}}}, stringData: {{password: swordfish-1, other: kept-value}}}}
"""
VALUES = ("swordfish", "kept-value", "c3dvcmRmaXNo", "a2VwdC12YWx1")


class Shell:
    """Takes the cell that a magic writes."""

    written = ""

    def set_next_input(self, text):
        self.written = text


@pytest.fixture
def name(request, space, kubernetes, monkeypatch):
    """The name of a Deployment and a Secret that exist."""
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])
    name = request.node.name.removeprefix("test_").replace("_", "-")[:30].strip("-")
    nbc.cluster("", space.namespace).apply(DEPLOYMENT.format(name=name))
    return name


@pytest.fixture
def kube(space):
    """What a %kube line returns; also the cell that it writes."""

    def run(line, cell=None):
        verb, _, rest = line.partition(" ")
        shell = Shell()
        result = run_magic(verbs_of("kube"), f"{verb} -n {space.namespace} {rest}", cell, {}, shell)
        return shell.written or result

    return run


@pytest.fixture
def kubectl(kubernetes, space):
    own = [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], "--kubeconfig", kubernetes.env()["KUBECONFIG"]]

    def run(words):
        command = [*own, "-n", space.namespace, *shlex.split(words)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    return run


def run_cell(text):
    """Run a cell that begins with a %%kube line."""
    line, _, body = text.removeprefix("%%kube ").partition("\n")
    return run_magic(verbs_of("kube"), line, body, {})


IMAGES = "-o 'jsonpath={.spec.template.spec.containers[*].image}'"


def test_each_type_of_patch(name, kube, kubectl):
    containers = "spec: {template: {spec: {containers: [{name: b, image: 'busybox:1'}]}}}"
    change = kube(f"patch deploy/{name}", containers)
    assert (change.kind, change.name, change.action) == ("Deployment", name, "patched")
    assert "+        image: busybox:1" in change.diff
    assert kubectl(f"get deploy {name} {IMAGES}") == "busybox busybox:1"
    assert kube(f"patch deploy {name} -p {shlex.quote(containers)}").action == "unchanged"
    kube(f"patch deploy/{name} --type=merge -p {shlex.quote(containers)}")
    assert kubectl(f"get deploy {name} {IMAGES}") == "busybox:1"
    nbc.cluster("", change.namespace).patch(
        f"deploy/{name}", type="json", patch=[{"op": "add", "path": "/metadata/labels/a", "value": "b"}]
    )
    assert kubectl(f"get deploy {name} -o jsonpath={{.metadata.labels.a}}") == "b"
    tried = kube(f"patch deploy/{name} --subresource=scale --dry-run=server -p 'spec: {{replicas: 1}}'")
    assert tried.status == "dry run"
    kube(f"patch deploy/{name} --subresource=scale -p 'spec: {{replicas: 1}}'")
    assert kubectl(f"get deploy {name} -o jsonpath={{.spec.replicas}}") == "1"
    kube(f"patch deploy/{name} -p 'spec: {{replicas: 0}}'")


def test_what_is_wrong_with_a_patch(name, kube):
    for line, error, words in (
        (
            f"deploy/{name} -p 'spec: {{replica: 1}}'",
            ApiError,
            f'The patch of deployment {name} is invalid: .*"spec.repl',
        ),
        (f"deploy/{name} -p '[1]'", UsageError, "A patch of type strategic is one mapping"),
        (f"deploy/{name} --type=json -p 'a: b'", UsageError, "A patch of type json is a list of operations"),
        (f"deploy/{name}", UsageError, "What is the patch"),
        ("deploy/nothing -p 'a: b'", NotFound, "There is no deployment nothing"),
        (f"deploy,cm {name} -p 'a: b'", UsageError, "This takes one object"),
    ):
        with pytest.raises(error, match=words):
            kube(f"patch {line}")
    with pytest.raises(ApiError) as caught:
        kube("patch crd/none --type=strategic -p 'a: b'")
    assert caught.value.reason in {"NotFound", "not found"}


def test_values_of_secrets_are_in_no_patch_s_words(name, kube, kubectl):
    changes = [kube(f"patch secret/{name} -p 'stringData: {{password: swordfish-2}}'")]
    assert kubectl(f"get secret {name} -o 'jsonpath={{.data.password}}'") == "c3dvcmRmaXNoLTI="
    refused = []
    for kind, patch in (
        ("merge", '{"data": {"password": ["swordfish-3"]}}'),
        ("merge", '{"data": {"password": "swordfish"}}'),
        ("strategic", '{"data": {"password": {"a": "swordfish-3"}}, "stringDate": {"x": "swordfish-4"}}'),
        ("json", '[{"op": "replace", "path": "/data/password", "value": ["swordfish-3"]}]'),
    ):
        with pytest.raises(ApiError) as caught:
            kube(f"patch secret/{name} --type={kind} -p {shlex.quote(patch)}")
        refused.append(caught.value)
    said = "".join([*map(str, refused), *(one.diff + one.command + as_text(picture_of(one)) for one in changes)])
    assert not [value for value in VALUES if value in said]


def test_an_edited_cell_replaces_the_object_unless_it_was_changed(name, kube, kubectl, space):
    cell = kube(f"edit deploy/{name}")
    head, _, text = cell.partition("\n")
    assert head == f"%%kube edit deployment/{name} -n {space.namespace}"
    assert "  resourceVersion: " in text
    assert not [noise for noise in ("managedFields", "uid:", "generation:", "status:") if noise in text]
    edited = cell.replace("    tier: front\n", "").replace("        image: busybox\n", "        image: busybox:1\n", 1)
    change = run_cell(edited)
    assert change.action == "edited"
    assert kubectl(f"get deploy {name} {IMAGES}") == "busybox:1 busybox"
    assert kubectl(f"get deploy {name} -o jsonpath={{.metadata.labels.tier}}") == ""
    assert run_cell(edited).action == "unchanged"  # the same cell can be run again
    kubectl(f"annotate deploy {name} said=so")
    with pytest.raises(Conflict) as caught:
        run_cell(edited.replace("busybox:1", "busybox:2"))
    assert f'deployment {name} was changed by "kubectl-annotate"' in caught.value.message
    assert caught.value.message.endswith("since this cell was made: metadata.annotations.")
    assert caught.value.cure.startswith(f"`%kube edit deployment/{name}` makes a new cell")
    with pytest.raises(UsageError, match=rf"The line edits deployment {name}, but the text is Deployment other"):
        run_cell(edited.replace(f"  name: {name}\n", "  name: other\n", 1))
    with pytest.raises(ApiError, match=r"line \d+: .*replicaz"):
        run_cell(kube(f"edit deploy/{name}").replace("  replicas:", "  replicaz:"))


def test_a_change_of_the_status_alone_does_not_hold_an_edit_up(name, kube, kubectl):
    cell = kube(f"edit deploy/{name}")
    kubectl(f'patch deploy {name} --subresource=status --type=merge -p \'{{"status": {{"collisionCount": 7}}}}\'')
    assert run_cell(cell.replace("tier: front", "tier: back")).action == "edited"
    assert kubectl(f"get deploy {name} -o jsonpath={{.metadata.labels.tier}}{{.status.collisionCount}}") == "back7"


def test_a_secrets_cell_hides_its_values_which_stay(name, kube, kubectl):
    cell = kube(f"edit secret/{name}")
    assert not [value for value in VALUES if value in cell]
    change = run_cell(cell.replace("type: Opaque", "stringData: {more: swordfish-5}\ntype: Opaque"))
    assert not [value for value in VALUES if value in change.diff]
    data = kubectl(f"get secret {name} -o 'jsonpath={{.data.password}} {{.data.other}} {{.data.more}}'")
    assert data == "c3dvcmRmaXNoLTE= a2VwdC12YWx1ZQ== c3dvcmRmaXNoLTU="


def test_python_gets_the_cell(name, space):
    cell = nbc.cluster("", space.namespace).edit("deployments", name)
    assert isinstance(cell, NextCell)
    assert f"edit deployment/{name}" in as_text(picture_of(cell))


def test_labels_as_by_kubectl(name, kube, kubectl):
    labels = f"get deploy {name} -o jsonpath={{.metadata.labels}}"
    assert [one.action for one in kube(f"label deploy/{name} secret/{name} env=prod")] == ["labeled", "labeled"]
    with pytest.raises(Conflict, match=f"{name} already has the label env=prod. Nothing was changed."):
        kube(f"label secret/{name} deploy/{name} env=dev new=one")
    assert '"new"' not in kubectl(labels)
    kube(f"label deploy {name} env=dev tier- --overwrite")
    assert '"env":"dev"' in kubectl(labels)
    assert "tier" not in kubectl(labels)
    assert kube(f"label deploy/{name} env=dev").command.endswith(f"label deployment.apps {name} env=dev")
    assert [one.name for one in kube("label deploy,secret -l env=dev found=yes")] == [name]
    assert {one.kind for one in kube("label deploy --all --dry-run=server found=no --overwrite")} == {"Deployment"}
    ours, theirs = str(kube(f"label deploy/{name} --list")), kubectl(f"label deploy/{name} --list")
    assert ours.splitlines() == sorted(theirs.splitlines())
    kube(f"annotate deploy/{name} 'note=two words' a.example/b=c")
    assert kubectl(f"get deploy {name} -o jsonpath={{.metadata.annotations.note}}") == "two words"
    for line, words in (
        (f"label deploy/{name}", "Which labels should be set"),
        ("label deploy a=b", "Give names, a selector or `--all`"),
        (f"label deploy/{name} a=b --all", "Give names, a selector or `--all`"),
        (f"label deploy {name} a=b c", "'c' is neither KEY=VALUE nor KEY-"),
        (f"label deploy {name} a=b a-", "a is given twice"),
    ):
        with pytest.raises(UsageError, match=words):
            kube(line)


def test_an_object_of_a_table_has_the_verbs(name, space):
    web = nbc.cluster("", space.namespace).get("deploy", name)[name]
    assert web.patch({"spec": {"paused": True}}).action == "patched"
    assert [one.action for one in web.label("tier-", "env=prod")] == ["labeled"]
    assert [one.action for one in web.annotate("note=one two")] == ["annotated"]
    assert nbc.cluster("", space.namespace).get("deploy", name)[name].labels.get("env") == "prod"
