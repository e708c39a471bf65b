"""`%kube context` and `%kube namespace`: what a notebook uses, without a change to the kubeconfig."""

import pytest

import nbcontainer as nbc
from nbcontainer.api.cluster import Cluster
from nbcontainer.errors import ClusterUnavailable, Forbidden, NotFound, Protected
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.settings import settings
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text
from tests.clusters.kubectl_output import drawn, printed
from tests.terminal import Terminal

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def kubeconfig(two_contexts, monkeypatch):
    """The kubeconfig with two contexts; "dev" is current. It must stay as it is."""
    monkeypatch.setenv("KUBECONFIG", str(two_contexts.file))
    for name in ("context", "namespace"):
        monkeypatch.setattr(settings, name, "")
    before = two_contexts.file.read_bytes()
    yield two_contexts
    assert two_contexts.file.read_bytes() == before


def kube(line):
    return run_magic(verbs_of("kube"), line, None, {})


def test_the_contexts_are_those_that_kubectl_lists(tmp_path):
    listed = kube("context")
    theirs = Terminal(tmp_path).with_kubectl().run(listed.command)
    heads, rows = drawn(listed)
    head, *lines = printed(theirs)
    assert heads == head
    assert rows == [[*line[:4], line[4] or "default"] if line[0] else line for line in lines]
    assert [row.name for row in listed if row.cells[0] == "*"] == ["dev"]


def test_a_chosen_context_and_namespace_are_used_by_every_call(two_contexts):
    assert kube("namespace " + two_contexts.namespace)
    assert nbc.pods.list().state.where == f"dev · {two_contexts.namespace}"
    kube("context prod")
    assert nbc.pods.list().state.where == "prod · default", "a namespace belongs to its context"
    kube(f"context prod -n {two_contexts.namespace}")
    assert nbc.pods.list(selector="of=prod").names == ["web"]
    listed = kube("context")
    assert [row.name for row in listed if row.cells[0] == "*"] == ["prod"]
    assert "the kubeconfig has another" in as_text(picture_of(listed))
    assert f"In use: {two_contexts.namespace}" in as_text(picture_of(kube("namespace")))
    kube(f"namespace {two_contexts.namespace} --context=dev")
    assert (settings.context, settings.namespace) == ("dev", two_contexts.namespace)
    assert nbc.cluster("dev").pods.list(selector="of=dev").state.where.startswith("dev · "), "a call may name another"


def test_what_does_not_exist_changes_nothing(two_contexts):
    with pytest.raises(ClusterUnavailable, match="no context 'produce'"):
        kube("context produce")
    with pytest.raises(NotFound) as missing:
        kube(f"namespace {two_contexts.namespace}x")
    assert two_contexts.namespace in missing.value.cure
    assert (settings.context, settings.namespace) == ("", "")


def test_a_chosen_context_does_not_permit_a_change(monkeypatch, two_contexts):
    monkeypatch.setattr(settings, "protected_contexts", ["prod"])
    kube(f"context prod -n {two_contexts.namespace}")
    with pytest.raises(Protected):
        nbc.pods.delete("web")
    assert two_contexts.has("web", "prod")


def test_a_namespace_that_may_not_be_looked_up(monkeypatch, two_contexts):
    def refuse(*_, **__):
        raise Forbidden("namespaces is forbidden", status=403)

    monkeypatch.setattr("nbcontainer.clusters.tables.table", refuse)
    Cluster().namespaces.use(two_contexts.namespace)
    assert settings.namespace == two_contexts.namespace
