"""What a cluster says about itself on the real cluster, beside kubectl: kinds, fields, permissions, the user."""

import subprocess

import pytest

import nbcontainer as nbc
from nbcontainer.errors import Forbidden, UsageError
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def kubectl(kubernetes):
    """What kubectl prints, as words."""
    environment = kubernetes.env()

    def run(*words):
        command = [environment["NBCONTAINER_TEST_KUBECTL"], *words]
        shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=30)
        return shown.stdout

    return run


PATHS = ("deploy", "deploy.spec.strategy", "pod.spec.containers", "pod.metadata.labels", "ingresses.networking.k8s.io")


@pytest.mark.parametrize("path", PATHS)
def test_an_explanation_is_kubectl_s(cluster, kubectl, path):
    found = cluster.explain(path)
    printed = kubectl("explain", path)
    lines = [line for line in printed.splitlines() if line.startswith("  ") and "\t<" in line]
    names = [line.split("\t")[0].strip() for line in lines]
    types = [line.split("<")[1].partition(">")[0] for line in lines]
    assert [field.name for field in found.fields] == names
    assert [field.type for field in found.fields] == types
    assert found.description.split()[:5] == printed.partition("DESCRIPTION:")[2].split()[:5]


def test_all_fields_below_are_kubectl_s(cluster, kubectl):
    found = cluster.explain("deploy.spec", recursive=True)
    printed = kubectl("explain", "deploy.spec", "--recursive").partition("FIELDS:")[2]
    names = [line.split("\t")[0] for line in printed.splitlines() if "\t<" in line]
    assert [f"{'  ' * (field.depth + 1)}{field.name}" for field in found.fields] == names
    assert "[]Container required" in as_text(picture_of(found))


def test_another_version(cluster):
    assert cluster.explain("hpa.spec", api_version="autoscaling/v1").version == "v1"
    fields = {field.name for field in cluster.explain("hpa.spec", api_version="autoscaling/v1").fields}
    assert "targetCPUUtilizationPercentage" in fields


def test_what_cannot_be_explained(cluster):
    with pytest.raises(UsageError, match=r"deployments\.spec has no field 'strateg'") as caught:
        cluster.explain("deploy.spec.strateg")
    assert "strategy" in caught.value.cure
    with pytest.raises(UsageError, match="no kind"):
        cluster.explain("deplox")


def test_the_kinds_are_kubectl_s(cluster, kubectl):
    found = cluster.api_resources(api_group="apps")
    printed = kubectl("api-resources", "--api-group=apps", "--no-headers")
    assert [" ".join(filter(None, row.cells[:5])) for row in found.state.rows.values()] == [
        " ".join(line.split()) for line in printed.splitlines()
    ]
    assert "nodes" in cluster.api_resources(namespaced=False).column("NAME")
    assert "nodes" not in cluster.api_resources(namespaced=True).column("NAME")
    assert "pods" in cluster.api_resources(categories="all", verbs="list,watch").column("NAME")


def test_what_the_user_may_do(space, viewer, kubernetes, monkeypatch):
    reader = nbc.cluster("", viewer.namespace)
    assert reader.auth.can_i("list", "pods")
    assert not reader.auth.can_i("delete", "deploy/web")
    assert not reader.auth.can_i("get", "secrets", all_namespaces=True)
    assert "get" in "".join(reader.auth.can_i(list=True).column("VERBS"))
    with pytest.raises(UsageError, match="May you do what"):
        reader.auth.can_i("delete")
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])
    admin = nbc.cluster("", space.namespace)
    assert "✓ yes  delete pods in" in as_text(picture_of(admin.auth.can_i("delete", "po")))


def test_who_the_user_is(cluster, kubectl):
    found = cluster.auth.who_am_i()
    assert found.name in kubectl("auth", "whoami")
    assert "system:masters" in dict(found.sections[0][1])["Groups"]


def test_a_refusal_names_the_question_that_shows_it(viewer):
    with pytest.raises(Forbidden, match="cannot delete") as caught:
        run_magic(verbs_of("kube"), f"delete cm/kube-root-ca.crt -n {viewer.namespace} -y", None, {})
    assert "%kube auth can-i delete configmaps -n" in caught.value.cure
    assert "can-i --list" in caught.value.cure
