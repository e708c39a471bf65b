"""Reaching an API server: addresses without a scheme, and proxies from the kubeconfig and the environment."""

import base64
import json
import os
import subprocess
import warnings
from functools import partial
from pathlib import Path

import pytest

import nbcontainer as nbc
from nbcontainer.clusters import verification
from nbcontainer.clusters.connection import find_cluster
from nbcontainer.clusters.exec import execute
from nbcontainer.clusters.http import Cancellation
from nbcontainer.clusters.kubeconfig import read_access
from nbcontainer.clusters.logs import logs
from nbcontainer.clusters.pods import create
from nbcontainer.clusters.tables import table, watch_table
from nbcontainer.errors import ClusterUnavailable, InsecureConnection
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import ExecRequest, PodRequest
from nbcontainer.settings import settings
from tests.clusters.breaking_proxy import BreakingProxy, server_tls
from tests.clusters.test_tables import until
from tests.environment.cluster_configuration import NODE_ADDRESS
from tests.forward_proxy import ForwardProxy

pytestmark = pytest.mark.timeout(120)

LOGIN = "Basic " + base64.b64encode(b"ann:p@ss").decode()


@pytest.fixture
def write(kubernetes, space, tmp_path, monkeypatch):
    """The cluster with other fields in its kubeconfig entry."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)

    def write(**fields):
        document = json.loads(Path(kubernetes.env()["KUBECONFIG"]).read_text())
        document["clusters"][0]["cluster"] |= fields
        (tmp_path / "config").write_text(json.dumps(document))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        return find_cluster("", space.namespace)

    return write


@pytest.fixture
def proxy():
    """A proxy that knows the API server as kubernetes:443."""
    with ForwardProxy() as proxy:
        yield proxy


@pytest.fixture
def kubectl(kubernetes, space):
    """Lists the namespace's pods with kubectl, whether it can."""

    def get():
        command = [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], "get", "pods", "-n", space.namespace]
        done = subprocess.run(command, env=os.environ, capture_output=True, check=False, timeout=60)
        return done.returncode == 0

    return get


def test_a_server_without_a_scheme_is_http(write, kubectl):
    write()
    breaking = BreakingProxy(read_access())
    try:
        for host in ("127.0.0.1", "localhost"):
            cluster = write(server=breaking.server.replace("http://127.0.0.1", host))
            assert cluster.server.startswith(f"http://{host}:")
            assert table(cluster).state.where
            assert cluster.run(cluster.request("GET", "/api/v1/namespaces/default"))["kind"] == "Namespace"
            assert kubectl()
    finally:
        breaking.close()


def test_every_kind_of_call_goes_through_the_proxy_of_the_kubeconfig(write, proxy, space, monkeypatch):
    command = ("sh", "-c", "echo hello; sleep 3600")
    create(space, PodRequest("proxied", "busybox", command=command)).result(90)
    proxy.addresses = {"kubernetes:443": space.server.removeprefix("https://")}
    cluster = write(**{"server": "https://kubernetes", "proxy-url": f"http://ann:p%40ss@{proxy.address}"})
    monkeypatch.setenv("NO_PROXY", "*")  # which does not apply here
    assert "proxied" in table(cluster).names
    live = watch_table(cluster)
    until(lambda: live.state.live)
    live.stop()
    assert [line for line in logs(cluster, LogRequest(("proxied",))) if "hello" in str(line)]
    assert execute(cluster, ExecRequest("proxied", ("echo", "inside"))).result(30).output == "inside\n"
    assert set(proxy.targets) == {"kubernetes:443"}
    assert set(proxy.logins) == {LOGIN}


def test_every_kind_of_call_goes_through_an_https_proxy(write, space, kubectl):
    create(space, PodRequest("proxied-twice", "busybox", command=("sleep", "3600"))).result(90)
    with ForwardProxy(server_tls()) as proxy:
        proxy.addresses = {"kubernetes:443": space.server.removeprefix("https://")}
        cluster = write(**{"server": "https://kubernetes", "proxy-url": f"https://ann:p%40ss@{proxy.address}"})
        assert "proxied-twice" in table(cluster).names
        assert cluster.call("GET", "/openapi/v2", seconds=30)["swagger"]  # some megabytes
        labels = {"metadata": {"annotations": {"long": "x" * 200_000}}}
        patch = "application/merge-patch+json"
        path = f"/api/v1/namespaces/{space.namespace}/pods/proxied-twice"
        changed = cluster.run(cluster.request("PATCH", path, body=labels, content_type=patch))
        assert len(changed["metadata"]["annotations"]["long"]) == 200_000
        live = watch_table(cluster)
        until(lambda: live.state.live)
        live.stop()
        assert execute(cluster, ExecRequest("proxied-twice", ("echo", "inside"))).result(30).output == "inside\n"
        assert kubectl()
    assert set(proxy.targets) == {"kubernetes:443"}
    assert set(proxy.logins) == {LOGIN}


def test_kubectl_takes_that_proxy_too(write, proxy, space, kubectl, monkeypatch):
    proxy.addresses = {"kubernetes:443": space.server.removeprefix("https://")}
    write(**{"server": "https://kubernetes", "proxy-url": f"http://ann:p%40ss@{proxy.address}"})
    monkeypatch.setenv("NO_PROXY", "*")
    assert kubectl()
    assert set(proxy.logins) == {LOGIN}


@pytest.fixture
def who_asks_the_proxy(write, proxy, kubectl, monkeypatch):
    """Gives those who ask the proxy of the environment for an API server on another address than loopback."""

    def find(no_proxy):
        cluster = write(server=write().server.replace("127.0.0.1", NODE_ADDRESS))
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        monkeypatch.setenv("NO_PROXY", no_proxy)
        calls = {"we": lambda: table(cluster).state, "kubectl": kubectl}
        for name, call in calls.items():
            proxy.targets.clear()
            assert call()
            if proxy.targets:
                yield name

    return find


@pytest.mark.parametrize("no_proxy", ["10.244.0.0/16", "example.com, 10.0.0.0/8", NODE_ADDRESS, "*"])
def test_what_no_proxy_names_needs_none(who_asks_the_proxy, no_proxy):
    assert list(who_asks_the_proxy(no_proxy)) == []


@pytest.mark.parametrize("no_proxy", ["", "10.245.0.0/16,example.com", f"{NODE_ADDRESS}:443"])
def test_the_proxy_is_used_for_everything_else(who_asks_the_proxy, no_proxy):
    assert list(who_asks_the_proxy(no_proxy)) == ["we", "kubectl"]


def test_consecutive_calls_share_a_connection_and_a_cancelled_one_closes_only_its_own(write, proxy, space):
    proxy.addresses = {"kubernetes:443": space.server.removeprefix("https://")}
    cluster = write(**{"server": "https://kubernetes", "proxy-url": f"http://{proxy.address}"})
    ask = partial(cluster.request, "GET", "/version")
    cancellations = []

    async def ask_and_cancel():
        await ask()
        cancellations[0].cancel()  # a finished call must not keep a connection that others could use
        return await ask()

    made = Cancellation.__init__

    def note(self):
        cancellations.append(self)
        made(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cancellation, "__init__", note)
        assert cluster.run(ask_and_cancel())
    assert cluster.call("GET", "/version")
    assert len(proxy.targets) == 1


def test_this_machine_needs_no_proxy(write, proxy, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", proxy.address)
    table(write())
    assert proxy.targets == []


def test_a_proxy_that_fails_is_named_without_its_password(write, monkeypatch):
    monkeypatch.setattr(settings, "connect_timeout", 5.0)
    cluster = write(**{"server": "https://kubernetes", "proxy-url": "http://ann:s3cret@127.0.0.1:1"})
    for call in (lambda: table(cluster), lambda: watch_table(cluster).result(20)):
        with pytest.raises(
            ClusterUnavailable, match=r"the proxy 127\.0\.0\.1:1, .* does not accept connections"
        ) as caught:
            call()
        assert "s3cret" not in str(caught.value)
        assert "proxy-url" in caught.value.cure


def test_a_certificate_that_is_not_checked_is_warned_of_once(write, space, kubectl, capsys, monkeypatch):
    monkeypatch.setattr(verification, "_warned", set())
    unchecked = {"insecure-skip-tls-verify": True, "certificate-authority-data": ""}
    write(**unchecked, **{"tls-server-name": "wrong.example"})
    assert kubectl()
    with pytest.warns(InsecureConnection, match="certificate of https://127.0.0.1:.* is not checked") as warned:
        nbc.cluster(namespace=space.namespace).pods.list()
    assert len(warned) == 1
    nbc.cluster(namespace=space.namespace).pods.list()  # not again: in these tests, a warning is an error
    verification._warned.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        for _ in range(2):
            run_magic(verbs_of("kpod"), f"-n {space.namespace}", None, {})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("⚠ The certificate of https://127.0.0.1:")


@pytest.mark.parametrize(("name", "right"), [("kubernetes.default", True), ("wrong.example", False)])
def test_the_certificate_must_be_for_tls_server_name(write, kubectl, name, right):
    cluster = write(**{"tls-server-name": name})
    assert kubectl() is right
    if right:
        operation = watch_table(cluster)
        until(lambda: operation.state.live)
        operation.stop()
    else:
        for call in (table, lambda one: watch_table(one).result(20)):
            with pytest.raises(ClusterUnavailable, match=r"is not trusted: Hostname mismatch.*'wrong\.example'\.\n"):
                call(cluster)
