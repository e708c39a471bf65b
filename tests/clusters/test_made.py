"""What a notebook made in a cluster: listed by `%nbcontainer made`, removed by `clean`."""

import uuid

import pytest

import nbcontainer as nbc
from nbcontainer.errors import Forbidden
from nbcontainer.magics import catalogue
from nbcontainer.magics.calls import run_magic

TEXT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: busybox, command: [sleep, '600']}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


def magic(line):
    return run_magic(catalogue.verbs_of("nbcontainer"), line, None, {})


def words(table):
    return sorted(f"{row.kind}/{row.name}" for row in table)


@pytest.fixture
def notebook(cluster, monkeypatch):
    """Another notebook than any other test's."""
    monkeypatch.setenv("JPY_SESSION_NAME", f"/notebooks/{uuid.uuid4().hex}.ipynb")
    yield cluster
    nbc.clean()


def test_objects_are_listed_without_what_they_own_and_removed(notebook):
    notebook.apply(TEXT)
    notebook.pods.create("made", "busybox", command="sleep 600").result()
    notebook.rollout.status("deploy/web").result()
    every = ["deployment.apps/web", "pod/made", "service/web"]
    assert words(magic("made")) == every
    assert sorted(nbc.plan_clean().changes) == every
    assert sorted(str(magic("clean -y")).splitlines()) == [f"{word} removed" for word in every]
    assert words(nbc.made()) == []
    assert "made" not in notebook.pods.names()


def test_a_user_who_may_list_only_some_kinds_sees_those(notebook, kubernetes, monkeypatch):
    notebook.create.configmap("made", literals={"a": "1"})
    notebook.create.serviceaccount("made")
    allowed = nbc.cluster(namespace=notebook.namespace)
    assert words(nbc.made()) == ["configmap/made", "serviceaccount/made"]
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["NBCONTAINER_TEST_KUBECONFIG_VIEWER"])
    seen = words(nbc.made())
    with pytest.raises(Forbidden, match="forbidden"):
        nbc.clean()
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])
    assert "configmap/made" in seen
    assert allowed.get("configmap", "made")
