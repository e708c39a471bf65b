"""What `create` makes is what `kubectl create` makes."""

import json
import subprocess

import pytest

import nbcontainer as nbc
from nbcontainer.errors import Conflict, UsageError
from nbcontainer.identity import NOTEBOOK_LABEL, notebook_id


@pytest.fixture
def create(kubernetes, space, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])
    return nbc.cluster(space.context, space.namespace).create


def defaulted(document):
    """An object as the API server would store it, without what differs each time."""
    for name in ("uid", "creationTimestamp", "managedFields", "generation", "resourceVersion", "namespace"):
        document["metadata"].pop(name, None)
    labels = document["metadata"].get("labels", {})
    labels.pop(NOTEBOOK_LABEL, None)
    labels or document["metadata"].pop("labels", None)
    return json.loads(json.dumps(document).replace(json.dumps(notebook_id()), '""'))


CALLS = {
    "deployment web --image=busybox:1 --image=a/b-c:2 --replicas=2 --port=80": lambda create, dry: create.deployment(
        "web", ["busybox:1", "a/b-c:2"], replicas=2, port=80, dry_run=dry
    ),
    "deployment web --image=busybox -- sleep 1": lambda create, dry: create.deployment(
        "web", "busybox", command="sleep 1", dry_run=dry
    ),
    "cronjob x --image=busybox --schedule=0\t0\t*\t*\t* -- date": lambda create, dry: create.cronjob(
        "x", "busybox", "0 0 * * *", command="date", dry_run=dry
    ),
    "namespace made-by-nobody": lambda create, dry: create.namespace("made-by-nobody", dry_run=dry),
    "quota q --hard=pods=3,cpu=2 --scopes=NotTerminating": lambda create, dry: create.quota(
        "q", hard={"pods": "3", "cpu": "2"}, scopes=["NotTerminating"], dry_run=dry
    ),
}


@pytest.mark.parametrize("line", CALLS)
def test_an_object_is_the_same_as_kubectl_s(line, create, kubernetes, space):
    kubectl = [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], "-n", space.namespace]
    words = [word.replace("\t", " ") for word in line.split(" ")]
    flags = ["--dry-run=server", "-o", "json"]
    at = words.index("--") if "--" in words else len(words)
    theirs = subprocess.run(
        [*kubectl, "create", *words[:at], *flags, *words[at:]], capture_output=True, text=True, check=True
    ).stdout
    manifest = json.dumps(dict(CALLS[line](create, "client").manifest))
    ours = subprocess.run(
        [*kubectl, "create", "-f", "-", *flags], input=manifest, capture_output=True, text=True, check=True
    ).stdout
    assert defaulted(json.loads(ours)) == defaulted(json.loads(theirs))
    assert CALLS[line](create, "server").status == "server dry run"


def test_what_is_created_exists_once_and_is_the_notebook_s(create, space):
    assert create.quota("once", hard={"pods": "999"}).action == "created"
    with pytest.raises(Conflict):
        create.quota("once", hard={"pods": "999"})
    there = nbc.cluster(space.context, space.namespace)
    assert there.get("quota", "once")["once"].labels[NOTEBOOK_LABEL] == notebook_id()
    there.delete("quota", "once").result()
    create.cronjob("never", "busybox", "0 0 30 2 *")
    made = create.job("now", source="cronjob/never", dry_run="server", output="yaml")
    assert "cronjob.kubernetes.io/instantiate: manual" in str(made)
    there.delete("cronjob", "never").result()


def test_wrong_arguments_are_refused_before_anything_is_sent(create):
    for call in (
        lambda: create.job("x"),
        lambda: create.job("x", image="busybox", source="cronjob/y"),
        lambda: create.namespace("x", dry_run="none"),
        lambda: create.namespace("x", output="json"),
        lambda: create.deployment("x", ["a", "b"], command="true"),
        lambda: create.job("x", source="deploy/web"),
    ):
        with pytest.raises(UsageError):
            pytest.fail(repr(call()))
