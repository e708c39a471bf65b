"""The clusters that these tests talk to: the environment's real node, and the tests' own API servers."""

import uuid
from contextlib import suppress
from pathlib import Path

import pytest

import nbcontainer as nbc
from nbcontainer.clusters.connection import find_cluster
from nbcontainer.errors import ApiError, NotFound
from nbcontainer.settings import settings
from tests.buildkit.building import wait_until
from tests.clusters.own_cluster import OwnCluster
from tests.clusters.two_contexts import TwoContexts


@pytest.fixture(autouse=True)
def spool_folder(tmp_path, monkeypatch):
    """Full outputs go into the test's own folder."""
    monkeypatch.setattr(settings, "spool_directory", str(tmp_path / "spool"))


@pytest.fixture(scope="session")
def kubernetes():
    """The environment's one-node cluster."""
    part = pytest.importorskip("tests.environment.cluster").Kubernetes()
    status = part.status()
    if not status:
        pytest.skip(f"kubernetes: {status.detail}")
    return part


@pytest.fixture(scope="module")
def space(kubernetes):
    """A namespace of each file's own on the real node, as a client of it; removed at the end."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])
    name = f"test-{uuid.uuid4().hex[:8]}"
    cluster = find_cluster("", name)
    cluster.run(cluster.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}}))
    wait_until(lambda: _has_account(cluster), what=lambda: f"{name} has no service account, so no pods, in time")
    yield cluster
    body = {"gracePeriodSeconds": 0}
    with suppress(ApiError):
        cluster.run(cluster.request("DELETE", f"/api/v1/namespaces/{name}/pods", body=body))
        cluster.run(cluster.request("DELETE", f"/api/v1/namespaces/{name}"))
    monkeypatch.undo()


def _has_account(cluster):
    """Whether the account that pods have unless they name another is there; it is made soon after the namespace."""
    try:
        return cluster.run(cluster.request("GET", f"/api/v1/namespaces/{cluster.namespace}/serviceaccounts/default"))
    except NotFound:
        return None


@pytest.fixture
def here(space, monkeypatch):
    """The same namespace, as `nbc.cluster()` gives it."""
    monkeypatch.setenv("KUBECONFIG", space.kubeconfig)
    return nbc.cluster(namespace=space.namespace)


@pytest.fixture
def cluster(here):
    """What `here` is, for tests that only use the handle."""
    return here


@pytest.fixture
def viewer(kubernetes, space, monkeypatch):
    """The same namespace, as a user who may only read."""
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["NBCONTAINER_TEST_KUBECONFIG_VIEWER"])
    return find_cluster("", space.namespace)


@pytest.fixture(scope="session")
def own_cluster(kubernetes, tmp_path_factory):
    """An API server without nodes that tests may restart and fill."""
    cluster = pytest.importorskip("tests.environment.cluster")
    made = OwnCluster(tmp_path_factory.mktemp("own-cluster"), cluster.commands(), kubernetes.pki)
    try:
        made.up()
        yield made
    finally:
        made.down()


@pytest.fixture
def two_contexts(kubernetes, own_cluster, space, tmp_path):
    """Two clusters in one kubeconfig, of which "dev" is current."""
    files = {"dev": own_cluster.kubeconfig(), "prod": Path(kubernetes.env()["KUBECONFIG"])}
    made = TwoContexts(tmp_path, files, {"dev": own_cluster.cluster(), "prod": space})
    yield made
    made.remove()
