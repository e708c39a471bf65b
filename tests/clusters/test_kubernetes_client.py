"""The kubernetes package's client over our connections: its calls, its user, and what breaks."""

import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kubernetes.dynamic
import kubernetes.stream
import kubernetes.watch
import pytest
import urllib3.exceptions
from kubernetes.client import ApiException, CoreV1Api, V1ConfigMap, V1ObjectMeta, VersionApi

import nbcontainer as nbc
from nbcontainer.clusters import http
from nbcontainer.clusters.connection import find_cluster
from nbcontainer.errors import ClusterUnavailable, Unsupported, UsageError
from nbcontainer.settings import settings
from tests.clusters.breaking_proxy import server_tls
from tests.clusters.test_broken_streams import PLUGIN, PLUGIN_TEXT, bound_token, is_refused, proxied  # noqa: F401 - a fixture
from tests.clusters.test_impersonation import NOBODY, acting  # noqa: F401 - a fixture
from tests.clusters.test_reaching import LOGIN, write  # noqa: F401 - a fixture
from tests.clusters.test_tables import until
from tests.forward_proxy import ForwardProxy

pytestmark = pytest.mark.timeout(120)


def settings_map(name, **data):
    return V1ConfigMap(metadata=V1ObjectMeta(name=name), data=data)


def test_objects_are_made_listed_changed_and_removed(space):
    core = CoreV1Api(space.client())
    idle = len(space.link.http._idle)
    core.create_namespaced_config_map(space.namespace, settings_map("typed", a="b"))
    assert "typed" in [one.metadata.name for one in core.list_namespaced_config_map(space.namespace).items]
    assert core.patch_namespaced_config_map("typed", space.namespace, {"data": {"a": "c"}}).data == {"a": "c"}
    with pytest.raises(ApiException) as caught:
        core.create_namespaced_config_map(space.namespace, settings_map("typed"))
    assert caught.value.status == 409
    core.delete_namespaced_config_map("typed", space.namespace)
    with pytest.raises(ApiException) as caught:
        core.read_namespaced_config_map("typed", space.namespace)
    assert caught.value.status == 404
    assert len(space.link.http._idle) <= max(idle, 2)  # consecutive calls share a connection


def test_the_packages_objects_are_applied(space, kubernetes, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])
    cluster = nbc.cluster(namespace=space.namespace)
    wanted = V1ConfigMap(api_version="v1", kind="ConfigMap", metadata=V1ObjectMeta(name="applied"), data={"a": "12:30"})
    assert [change.action for change in cluster.apply(wanted)] == ["created"]
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}}
    assert [change.action for change in cluster.apply([wanted, other])] == ["unchanged", "created"]
    assert CoreV1Api(cluster.client).read_namespaced_config_map("applied", space.namespace).data == {"a": "12:30"}
    with pytest.raises(UsageError, match="apiVersion"):
        cluster.apply(V1ConfigMap(metadata=V1ObjectMeta(name="nameless")))


def test_any_kind_by_the_dynamic_client(space):
    dynamic = kubernetes.dynamic.DynamicClient(space.client())
    kind = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    kind.create(body={"metadata": {"name": "dynamic"}}, namespace=space.namespace)
    assert kind.get(name="dynamic", namespace=space.namespace).metadata.uid
    kind.delete(name="dynamic", namespace=space.namespace)


def test_a_watch_goes_on_and_is_stopped_by_another_thread(space):
    core, watch = CoreV1Api(space.client()), kubernetes.watch.Watch()
    seen = []

    def follow():
        events = watch.stream(core.list_namespaced_config_map, space.namespace)
        seen.extend(event["object"].metadata.name for event in events)

    thread = threading.Thread(target=follow)
    thread.start()
    until(lambda: seen)  # each namespace has one by default
    core.create_namespaced_config_map(space.namespace, settings_map("watched"))
    until(lambda: "watched" in seen)
    watch.stop()
    thread.join(5)
    assert not thread.is_alive()


def test_streams_are_refused_with_what_to_use_and_the_client_goes_on(space):
    core = CoreV1Api(space.client())
    for call in (kubernetes.stream.stream, kubernetes.stream.portforward):
        with pytest.raises(Unsupported, match=r"kubernetes\.stream") as caught:
            call(core.connect_get_namespaced_pod_exec, "any", space.namespace, command="true", stdout=True)
        assert "nbc.pods.exec" in caught.value.cure
    assert core.list_namespaced_pod(space.namespace).kind


def test_it_calls_only_its_own_api_server(space):
    with pytest.raises(UsageError, match="calls only"):
        space.client().call_api("GET", "https://example.com/api")


def test_each_call_is_the_impersonated_users(acting, space):  # noqa: F811 - a fixture
    core = CoreV1Api(acting(NOBODY).client())
    with pytest.raises(ApiException, match='User \\\\"nobody-at-all\\\\" cannot list') as caught:
        core.list_namespaced_pod(space.namespace)
    assert caught.value.status == 403
    groups = {
        "as-groups": ["nobodies", "system:masters"],
        "as-uid": "7-7",
        "as-user-extra": {"Scopes": ["view", "edit"]},
    }
    client = acting(NOBODY | groups).client()
    client.set_default_header("impersonate-user", "somebody-else")  # the kubeconfig's setting is kept
    review = kubernetes.client.AuthenticationV1Api(client).create_self_subject_review({})
    user = review.status.user_info
    assert (user.username, user.uid, user.extra) == ("nobody-at-all", "7-7", {"scopes": ["view", "edit"]})
    assert {"nobodies", "system:masters"} <= set(user.groups)
    assert CoreV1Api(client).list_namespaced_pod(space.namespace).kind


@pytest.mark.parametrize("kind", ["token", "tokenFile", "exec"])
def test_a_token_that_is_rotated_is_read_again_once(own_cluster, proxied, tmp_path, kind):  # noqa: F811 - a fixture
    space = f"client-{kind.lower()}"
    own_cluster.fill(space, 1)
    direct = own_cluster.cluster(namespace=space)
    proxy, _ = proxied(own_cluster.kubeconfig(), space, anonymous=True)
    holder = tmp_path / "token"

    def hand_out(token):
        holder.write_text(token)
        users = {
            "token": {"token": token},
            "tokenFile": {"tokenFile": str(holder)},
            "exec": {"exec": PLUGIN | {"args": ["-c", PLUGIN_TEXT, str(holder)]}},
        }
        proxy.kubeconfig(tmp_path / "proxied.conf", users[kind])

    first, revoke = bound_token(direct, "first")
    hand_out(first)
    core = CoreV1Api(find_cluster("", space).client())
    assert len(core.list_namespaced_pod(space).items) == 1
    revoke()
    until(lambda: is_refused(proxy, space, first), 60)
    proxy.requests.clear()
    with pytest.raises(ApiException) as caught:
        core.list_namespaced_pod(space)
    assert caught.value.status == 401
    assert sum(b"/pods" in line for line in proxy.requests) == 2
    hand_out(bound_token(direct, "second")[0])
    assert len(core.list_namespaced_pod(space).items) == 1


def test_a_custom_authority_a_server_name_and_an_https_proxy(write, space):  # noqa: F811 - a fixture
    with ForwardProxy(server_tls()) as proxy:
        proxy.addresses = {"elsewhere:443": space.server.removeprefix("https://")}
        fields = {"server": "https://elsewhere", "proxy-url": f"https://ann:p%40ss@{proxy.address}"}
        with pytest.raises(ClusterUnavailable, match="certificate of https://elsewhere is not trusted"):
            VersionApi(write(**fields).client()).get_code()
        assert VersionApi(write(**fields, **{"tls-server-name": "kubernetes"}).client()).get_code().git_version
    assert set(proxy.logins) == {LOGIN}


def test_neither_the_proxy_of_the_environment_nor_a_key_on_the_disk(space, monkeypatch, tmp_path):
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert VersionApi(space.client()).get_code().git_version
    assert list(tmp_path.iterdir()) == []


# --- what breaks


def follow(core, space):
    """Wait for events of an endless watch."""
    return list(kubernetes.watch.Watch().stream(core.list_namespaced_pod, space))


def test_an_api_server_that_hangs_is_an_error_in_ten_seconds(own_cluster, proxied):  # noqa: F811 - a fixture
    own_cluster.fill("client-hangs", 1)
    proxy, cluster = proxied(own_cluster.kubeconfig(), "client-hangs")
    core = CoreV1Api(cluster.client())
    calls = {
        "a watch": lambda: follow(core, "client-hangs"),
        "a new call": lambda: core.list_namespaced_pod("client-hangs"),
    }
    core.list_namespaced_pod("client-hangs")  # a kept-alive connection
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(calls["a watch"])
        until(lambda: any(b"watch=true" in line for line in proxy.requests))
        time.sleep(0.2)  # its reply has started
        proxy.moving.clear()
        began = time.monotonic()
        for what, call in {"a watch": waiting, "a new call": threads.submit(calls["a new call"])}.items():
            with pytest.raises(ClusterUnavailable, match="does not answer"):
                pytest.fail(f"{what}: {call.result(30)!r}")
        assert time.monotonic() - began < 15  # ten, plus some for a busy machine
        proxy.moving.set()
    assert calls["a new call"]().items


@pytest.mark.parametrize("how", ["reset", "closed"])
def test_a_watch_that_breaks_off_is_an_error(own_cluster, proxied, how):  # noqa: F811 - a fixture
    space = f"client-{how}"
    own_cluster.fill(space, 1)
    proxy, cluster = proxied(own_cluster.kubeconfig(), space)
    proxy.break_next(b"watch=true", b'"name":"pod-', how)
    with pytest.raises(ClusterUnavailable, match="broke"):
        follow(CoreV1Api(cluster.client()), space)


def test_a_time_limit_of_the_callers_own(own_cluster, proxied):  # noqa: F811 - a fixture
    proxy, cluster = proxied(own_cluster.kubeconfig(), "default")
    core = CoreV1Api(cluster.client())
    core.list_namespaced_pod("default")
    proxy.moving.clear()
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        core.list_namespaced_pod("default", _request_timeout=0.3)
    proxy.moving.set()


def test_a_reply_whose_connection_froze_is_an_error_and_a_watch_may_be_silent(own_cluster, proxied, monkeypatch):  # noqa: F811 - a fixture
    monkeypatch.setattr(http, "READ_SECONDS", 1.0)
    own_cluster.fill("client-frozen", 1)
    proxy, cluster = proxied(own_cluster.kubeconfig(), "client-frozen")
    core = CoreV1Api(cluster.client())
    with ThreadPoolExecutor(1) as threads:
        watching = threads.submit(follow, core, "client-frozen")
        until(lambda: any(b"watch=true" in line.lower() for line in proxy.requests))
        proxy.break_next(b"/pods ", b'"name":"pod-', "held")
        try:
            with pytest.raises(ClusterUnavailable, match="does not answer within 1 s"):
                core.list_namespaced_pod("client-frozen")
            assert not watching.done()
        finally:
            proxy.released.set()
            core.api_client.close()
        assert isinstance(watching.exception(10), ClusterUnavailable)


def test_a_close_by_another_thread_ends_what_waits(space, monkeypatch):
    monkeypatch.setattr(settings, "connect_timeout", 60.0)  # nothing else may wake it
    client = space.client()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(follow, CoreV1Api(client), space.namespace)
        until(lambda: list(client.rest_client.pool_manager._running))
        time.sleep(0.2)
        client.close()
        assert isinstance(waiting.exception(5), ClusterUnavailable)
    assert CoreV1Api(client).list_namespaced_pod(space.namespace).kind  # and it reconnects


def test_what_is_not_read_to_its_end_leaves_no_connection(space):
    def sockets():
        gc.collect()
        return sum("socket:" in str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.exists())

    core = CoreV1Api(space.client())
    core.list_namespaced_pod(space.namespace)
    before = sockets()
    for _ in range(5):
        core.list_namespaced_pod(space.namespace, watch=True, _preload_content=False)
    assert sockets() <= before + 1
