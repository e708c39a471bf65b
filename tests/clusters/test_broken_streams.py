"""Streams that break on the wire: watches and followed logs continue, and nothing is lost or repeated."""

import asyncio
import gc
import json
import re
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from nbcontainer.buildkit.rpc import Client
from nbcontainer.clusters import client, http
from nbcontainer.clusters.connection import find_cluster
from nbcontainer.clusters.describe import describe
from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.exec import execute
from nbcontainer.clusters.kubeconfig import read_access
from nbcontainer.clusters.logs import logs
from nbcontainer.clusters.pods import create
from nbcontainer.clusters.tables import table, watch_table
from nbcontainer.engines.dial import dial
from nbcontainer.errors import ApiError, AuthFailed, ClusterUnavailable, Forbidden
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import ExecRequest, PodRequest
from nbcontainer.model.tables import TableLive
from nbcontainer.operation import background_loop
from nbcontainer.settings import settings
from tests.clusters.breaking_proxy import BreakingProxy, write_kubeconfig
from tests.clusters.own_cluster import make_pod
from tests.clusters.test_tables import until
from tests.environment import certificates
from tests.faults.proxy import FaultProxy, Way, connector, tcp_listener
from tests.log_files import texts_in

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def proxied(tmp_path, monkeypatch):
    """Put a proxy before the API server of a kubeconfig: the proxy, and what makes a client that goes through it."""
    proxies = []

    def make(kubeconfig, namespace, *, anonymous=False, user=None):
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        proxies.append(BreakingProxy(read_access(), anonymous=anonymous))
        path = proxies[-1].kubeconfig(tmp_path / "proxied.conf", user)
        monkeypatch.setenv("KUBECONFIG", str(path))
        return proxies[-1], find_cluster("", namespace)

    yield make
    for proxy in proxies:
        proxy.close()


@pytest.mark.parametrize("how", ["reset", "closed", "clean"])
def test_a_watch_that_breaks_within_an_event_loses_no_pod_and_repeats_none(own_cluster, proxied, how):
    space = f"broken-{how}"
    own_cluster.fill(space, 3)
    direct = own_cluster.cluster(namespace=space)
    proxy, cluster = proxied(own_cluster.kubeconfig(), space)
    proxy.break_next(b"watch=true", b'"name":"pod-new"', how, then_refuse=True)
    operation = watch_table(cluster)
    seen = []
    listener = threading.Thread(target=lambda: seen.extend(operation))
    listener.start()
    until(lambda: operation.state.live)
    direct.run(make_pod(direct, "pod-new"))
    until(lambda: not operation.state.live)
    assert proxy.breaks == 1
    assert operation.state.trouble.startswith("reconnecting: ")
    assert len(operation.state.rows) == 3  # the known rows stay visible
    path = POD.path(space, "pod-00001")
    direct.run(direct.request("DELETE", path, body={"gracePeriodSeconds": 0}))
    proxy.refusing = False
    until(lambda: operation.state.live)
    assert operation.state.trouble == ""
    direct.run(make_pod(direct, "pod-last"))
    until(lambda: f"{space}/pod-last" in operation.state.rows)
    operation.stop()
    assert sorted(operation.result(2).names) == ["pod-00000", "pod-00002", "pod-last", "pod-new"]
    listener.join(5)
    lives = [event.live for event in seen if isinstance(event, TableLive)]
    assert (lives[:2], True in lives[2:]) == ([True, False], True)


def test_a_frozen_api_server_is_detected_and_followed_again_once_it_is_back(own_cluster, proxied, monkeypatch):
    monkeypatch.setattr(client, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(settings, "connect_timeout", 1.0)
    space = "frozen-watch"
    own_cluster.fill(space, 2)
    direct = own_cluster.cluster(namespace=space)
    proxy, cluster = proxied(own_cluster.kubeconfig(), space)
    operation = watch_table(cluster)
    until(lambda: operation.state.live)
    until(lambda: sum(b"/version" in line for line in proxy.requests) > 1)
    assert operation.state.live  # an idle watch is not dead
    proxy.moving.clear()
    until(lambda: not operation.state.live, 10)
    assert "does not answer within 1 s" in operation.state.trouble
    direct.run(make_pod(direct, "pod-new"))
    proxy.moving.set()
    until(lambda: operation.state.live and f"{space}/pod-new" in operation.state.rows, 40)
    operation.stop()
    assert len(operation.result(2)) == 3


def test_a_watch_that_has_stalled_is_stopped_and_its_connection_is_closed(kubernetes, tmp_path, monkeypatch):
    monkeypatch.setattr(client, "SILENT_SECONDS", 0.5)
    listener = tcp_listener()
    server = f"https://127.0.0.1:{listener.getsockname()[1]}"
    certificates.kubeconfig(kubernetes.pki, tmp_path / "kubeconfig", "admin", server)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    with FaultProxy(listener, connector(kubernetes.server.removeprefix("https://"))) as proxy:
        cluster = find_cluster("", "default")
        operation = watch_table(cluster)
        until(lambda: operation.state.live)
        until(lambda: cluster.link.http.since_reached() < 60)
        proxy.stall(Way.REPLIED)
        operation.stop()
        operation.result(2)
        asyncio.run_coroutine_threadsafe(cluster.link.close(), background_loop()).result(5)
        cluster.link.http.close()
        until(lambda: not proxy.open_connections, 5)


def test_once_a_watch_has_ended_no_connection_stays_open(kubernetes, tmp_path, monkeypatch):
    for module in (client, http):
        monkeypatch.setattr(module, "IDLE_SECONDS", 0.3)
    listener = tcp_listener()
    server = f"https://127.0.0.1:{listener.getsockname()[1]}"
    certificates.kubeconfig(kubernetes.pki, tmp_path / "kubeconfig", "admin", server)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    with FaultProxy(listener, connector(kubernetes.server.removeprefix("https://"))) as proxy:
        operation = watch_table(find_cluster("", "default"))
        until(lambda: len(proxy.open_connections) > 1)  # the list's, and the watch's
        until(lambda: operation.state.live)
        operation.stop()
        until(lambda: not proxy.open_connections, 5)


def test_no_stream_uses_a_dead_connection(kubernetes, tmp_path, monkeypatch):
    listener = tcp_listener()
    server = f"https://127.0.0.1:{listener.getsockname()[1]}"
    certificates.kubeconfig(kubernetes.pki, tmp_path / "kubeconfig", "admin", server)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    with FaultProxy(listener, connector(kubernetes.server.removeprefix("https://"))) as proxy:
        cluster = find_cluster("", "default")

        async def watch():
            async with cluster.stream(POD.path("default"), parameters={"watch": 1, "timeoutSeconds": 1}) as response:
                await response.read()
            return response.status

        async def watch_again():
            async with asyncio.timeout(20):
                return await watch()

        cluster.run(watch())
        until(lambda: not proxy.open_connections, 5)
        proxy.stall(Way.REPLIED)  # of the existing ones
        assert cluster.run(watch_again()) == 200


def test_a_heartbeat_that_nobody_waits_for_writes_nothing(own_cluster, proxied, monkeypatch, caplog):
    monkeypatch.setattr(settings, "connect_timeout", 0.5)
    proxy, cluster = proxied(own_cluster.kubeconfig(), "default")
    proxy.moving.clear()

    async def ask_and_go():
        waiting = asyncio.create_task(client.Client(cluster.link).probe(cluster))
        await asyncio.sleep(0.1)
        waiting.cancel()
        await asyncio.wait({waiting})

    cluster.run(ask_and_go())
    with pytest.raises(ClusterUnavailable, match=r"does not answer within 0\.5 s"):
        cluster.link.http.probe(cluster)  # after the other has failed
    gc.collect()
    assert not caplog.records


def test_calls_to_an_api_server_that_froze_keep_to_the_limit(own_cluster, proxied, monkeypatch):
    monkeypatch.setattr(settings, "connect_timeout", 1.0)
    proxy, cluster = proxied(own_cluster.kubeconfig(), "default")
    calls = {
        "here": lambda: cluster.call("GET", POD.path("default")),
        "on the loop": lambda: cluster.run(cluster.request("GET", POD.path("default"))),
    }
    for call in calls.values():
        call()  # a kept-alive connection
    proxy.moving.clear()
    calls["a command"] = lambda: execute(cluster, ExecRequest("web", ("true",))).result(20)
    for name, call in calls.items():
        began = time.monotonic()
        with pytest.raises(ClusterUnavailable, match="does not answer within 1 s"):
            call()
        assert time.monotonic() - began < 5, name
    proxy.moving.set()
    for name in ("here", "on the loop"):
        assert "items" in calls[name]()


def test_an_api_server_that_is_only_slow_is_waited_for(own_cluster, proxied, monkeypatch):
    monkeypatch.setattr(settings, "connect_timeout", 0.5)
    proxy, cluster = proxied(own_cluster.kubeconfig(), "default")
    proxy.break_next(b"/api/v1/namespaces/default", b"HTTP/1.1", "held")
    held = []
    body = {"metadata": {"labels": {"slow": "yes"}}}
    patch = "application/merge-patch+json"

    def call():
        held.append(cluster.run(cluster.request("PATCH", "/api/v1/namespaces/default", body=body, content_type=patch)))

    caller = threading.Thread(target=call)
    caller.start()
    until(lambda: proxy.breaks == 1 and any(b"/version" in line for line in proxy.requests))
    assert caller.is_alive()
    proxy.released.set()
    caller.join(10)
    assert held[0]["metadata"]["labels"]["slow"] == "yes"
    assert sum(b"PATCH" in line for line in proxy.requests) == 1  # a request that changes something is never sent twice
    proxy.released.clear()
    proxy.break_next(b"/api/v1/namespaces/default", b"HTTP/1.1", "held")
    assert cluster.call("GET", "/api/v1/namespaces/default")["metadata"]["name"] == "default"
    proxy.released.set()


@pytest.mark.parametrize("kind", ["token", "tokenFile", "exec"])
def test_a_token_that_is_rotated_while_a_watch_runs_is_read_again(own_cluster, proxied, tmp_path, kind):
    space = f"rotated-{kind.lower()}"
    own_cluster.fill(space, 2)
    direct = own_cluster.cluster(namespace=space)
    holder = tmp_path / "token"
    proxy, _ = proxied(own_cluster.kubeconfig(), space, anonymous=True)

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
    operation = watch_table(find_cluster("", space))
    until(lambda: operation.state.live)
    revoke()
    until(lambda: is_refused(proxy, space, first), 60)
    assert operation.state.live  # the API server checks once, when a watch starts
    proxy.break_next(b"watch=true", b'"name":"pod-new"', "reset")
    direct.run(make_pod(direct, "pod-new"))
    until(lambda: "does not accept the credentials" in operation.state.trouble)
    assert not operation.done
    second, _ = bound_token(direct, "second")
    hand_out(second)
    until(lambda: operation.state.live and f"{space}/pod-new" in operation.state.rows, 60)
    assert first not in repr(operation.state)
    operation.stop()
    assert len(operation.result(2)) == 3


PLUGIN = {"command": sys.executable, "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}
PLUGIN_TEXT = """
import json, pathlib, sys
status = {"token": pathlib.Path(sys.argv[1]).read_text()}
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}))
"""


def bound_token(cluster, name, role="cluster-admin", account="default"):
    """A service account's token that is valid as long as a secret exists, and a call that ends it."""
    secret = cluster.run(
        cluster.request("POST", f"/api/v1/namespaces/{cluster.namespace}/secrets", body={"metadata": {"name": name}})
    )
    binding = {
        "metadata": {"name": f"{cluster.namespace}-{name}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": cluster.namespace}],
    }
    cluster.run(cluster.request("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", body=binding))
    until(lambda: may_list_pods(cluster, account))
    reference = {"kind": "Secret", "apiVersion": "v1", "name": name, "uid": secret["metadata"]["uid"]}
    answer = cluster.run(
        cluster.request(
            "POST",
            f"/api/v1/namespaces/{cluster.namespace}/serviceaccounts/{account}/token",
            body={"spec": {"expirationSeconds": 3600, "boundObjectRef": reference}},
        )
    )
    path = f"/api/v1/namespaces/{cluster.namespace}/secrets/{name}"
    return answer["status"]["token"], lambda: cluster.run(cluster.request("DELETE", path))


def may_list_pods(cluster, account):
    """Whether the API server has noticed that a service account may do it: it learns of roles by a watch."""
    user = {"user": f"system:serviceaccount:{cluster.namespace}:{account}"}
    asked = user | {"resourceAttributes": {"namespace": cluster.namespace, "verb": "list", "resource": "pods"}}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return cluster.run(cluster.request("POST", path, body={"spec": asked}))["status"]["allowed"]


def test_a_command_runs_with_a_rotated_token(kubernetes, space, monkeypatch, tmp_path):
    create(space, PodRequest("rotated", "busybox", command=("sleep", "3600"))).result(90)
    document = json.loads(Path(kubernetes.env()["KUBECONFIG"]).read_text())
    document["users"][0]["user"] = {"tokenFile": "token"}
    (tmp_path / "config").write_text(json.dumps(document))
    (tmp_path / "token").write_text("of-yesterday")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    cluster = find_cluster("", space.namespace)
    cluster.link.credentials.headers()
    (tmp_path / "token").write_text(bound_token(space, "exec")[0])
    assert execute(cluster, ExecRequest("rotated", ("echo", "inside"))).result(30).output == "inside\n"


def test_a_followed_log_goes_on_with_a_rotated_token(kubernetes, space, proxied, tmp_path):
    script = "n=0; while true; do n=$((n+1)); echo line $n; sleep 0.1; done"
    create(space, PodRequest("lasting", "busybox", command=("sh", "-c", script))).result(90)
    proxy, _ = proxied(kubernetes.env()["KUBECONFIG"], space.namespace, anonymous=True)
    first, revoke = bound_token(space, "log-first")
    proxy.kubeconfig(tmp_path / "proxied.conf", {"token": first})
    operation = logs(find_cluster("", space.namespace), LogRequest(("lasting",), follow=True))
    until(lambda: operation.state.total > 5)
    revoke()
    until(lambda: is_refused(proxy, space.namespace, first), 60)
    proxy.break_next(b"follow=true", b"line ", "reset")
    until(lambda: any("does not accept the credentials" in note for note in operation.state.notes), 60)
    seen = operation.state.total
    second, _ = bound_token(space, "log-second")
    proxy.kubeconfig(tmp_path / "proxied.conf", {"token": second})
    until(lambda: operation.state.total > seen + 20, 60)
    operation.stop()
    operation.result(5)
    numbers = [int(text.split()[1]) for text in texts_in(operation.state.spool)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_followed_log_says_that_the_api_server_froze_and_that_it_is_read_again(
    kubernetes, space, proxied, monkeypatch
):
    monkeypatch.setattr(client, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(settings, "connect_timeout", 2.0)
    script = "n=0; while true; do n=$((n+1)); echo line $n; sleep 0.1; done"
    create(space, PodRequest("freezes", "busybox", command=("sh", "-c", script))).result(90)
    proxy, cluster = proxied(kubernetes.env()["KUBECONFIG"], space.namespace)
    operation = logs(cluster, LogRequest(("freezes",), follow=True))
    until(lambda: operation.state.total > 5)
    proxy.moving.clear()
    until(lambda: operation.state.sources == {"freezes": False}, 20)
    assert "does not answer within 2 s" in operation.state.notes[-1]
    proxy.moving.set()
    seen = operation.state.total
    until(lambda: operation.state.total > seen + 20, 60)
    assert operation.state.sources == {"freezes": True}
    proxy.break_next(b"follow=true", b"line ", "closed")
    until(lambda: proxy.breaks == 1)
    until(lambda: "broke in the middle of a response" in operation.state.notes[-1])
    until(lambda: operation.state.sources == {"freezes": True})
    operation.stop()
    operation.result(5)
    numbers = [int(text.split()[1]) for text in texts_in(operation.state.spool)]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("follow", [False, True])
def test_logs_that_may_not_be_read_are_an_error(kubernetes, space, proxied, follow):
    name = f"unread-{follow}".lower()
    create(space, PodRequest(name, "busybox", command=("sleep", "600"))).result(90)
    with reader_of_pods(kubernetes, space, proxied, name) as cluster, pytest.raises(Forbidden, match="pods/log"):
        logs(cluster, LogRequest((name,), follow=follow)).result(30)


def test_a_pod_is_described_to_who_may_not_read_its_events(kubernetes, space, proxied):
    create(space, PodRequest("eventless", "busybox", command=("sleep", "600"))).result(90)
    with reader_of_pods(kubernetes, space, proxied, "eventless") as cluster:
        found = describe(cluster, "eventless")
    assert dict(found.sections[0][1])["Status"] == "Running"
    title, ((_, words),) = found.sections[-1]
    assert (title, found.events) == ("Events", ())
    assert words.startswith("they may not be read: events is forbidden")


@contextmanager
def reader_of_pods(kubernetes, space, proxied, name):
    """A client that may read pods but none of their subresources."""
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
    role = f"{space.namespace}-{name}"
    path = "/apis/rbac.authorization.k8s.io/v1"
    space.run(space.request("POST", f"{path}/clusterroles", body={"metadata": {"name": role}, "rules": rules}))
    accounts = f"/api/v1/namespaces/{space.namespace}/serviceaccounts"
    space.run(space.request("POST", accounts, body={"metadata": {"name": name}}))
    token, _ = bound_token(space, name, role, name)  # other tests grant the default one all permissions
    user = {"token": token}
    try:
        yield proxied(kubernetes.env()["KUBECONFIG"], space.namespace, anonymous=True, user=user)[1]
    finally:
        for kind in ("clusterroles", "clusterrolebindings"):
            space.run(space.request("DELETE", f"{path}/{kind}/{role}"))


def is_refused(proxy, space, token):
    """Whether the API server rejects an ended token: it caches for some seconds that a token was valid."""
    url = f"{proxy.server}{POD.path(space)}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    tls = ssl.create_default_context(cadata=proxy.authority.decode())
    try:
        urllib.request.urlopen(request, timeout=10, context=tls).close()
    except urllib.error.HTTPError as error:
        with error:
            return error.code == 401
    except OSError:  # a busy API server queues some requests: try again
        return False
    return False


def test_credentials_that_are_refused_at_the_start_are_an_error_at_once(own_cluster, proxied):
    user = {"token": "never-was-one"}
    _, cluster = proxied(own_cluster.kubeconfig(), "default", anonymous=True, user=user)
    with pytest.raises(AuthFailed, match="does not accept the credentials"):
        watch_table(cluster).result(10)


@pytest.mark.parametrize("how", ["reset", "closed", "clean"])
def test_a_followed_log_that_breaks_within_a_line_loses_and_repeats_none(kubernetes, space, proxied, how):
    count = 1_200
    name = f"cut-{how}"
    script = f"for i in $(seq 1 {count}); do echo line $i; [ $((i % 50)) = 0 ] && sleep 0.25; done; printf 'no end'"
    create(space, PodRequest(name, "busybox", command=("sh", "-c", script), restart="Never", wait=False)).result(30)
    proxy, cluster = proxied(kubernetes.env()["KUBECONFIG"], space.namespace)
    proxy.break_next(b"follow=true", b"line 7", how)
    operation = logs(cluster, LogRequest((name,), follow=True))
    for number, marker in enumerate((b"line 300", b"line 555", b"line 901"), 1):
        until(lambda number=number: proxy.breaks == number, 60)
        proxy.break_next(b"follow=true", marker, how)
    result = operation.result(90)
    expected = [*(f"line {number}" for number in range(1, count + 1)), "no end"]
    assert texts_in(operation.state.spool) == expected
    assert result.state.total == count + 1
    assert proxy.breaks >= 3
    assert any(b"sinceTime=" in line for line in proxy.requests)


def test_a_rotated_log_is_followed_on_and_a_gap_is_reported(kubernetes, space, proxied):
    script = "n=0; while true; do n=$((n+1)); echo line $n; sleep 0.02; done"
    create(space, PodRequest("rotates", "busybox", command=("sh", "-c", script))).result(90)
    proxy, cluster = proxied(kubernetes.env()["KUBECONFIG"], space.namespace)
    operation = logs(cluster, LogRequest(("rotates",), follow=True))
    until(lambda: operation.state.total > 50)
    rotate(kubernetes, space, "rotates")
    seen = operation.state.total
    until(lambda: operation.state.total > seen + 50)
    assert operation.state.notes == ()
    numbers = [int(text.split()[1]) for text in texts_in(operation.state.spool)]
    assert numbers == list(range(1, len(numbers) + 1))  # while it is followed, rotation loses nothing
    # the connection is down while the node rotates: the lines before that are in a file that no call can read
    proxy.refusing = True
    proxy.break_next(b"follow=true", b"line ", "reset")
    until(lambda: proxy.breaks == 1 and proxy.refused)  # it has read all that came before
    seen = operation.state.total
    time.sleep(2.5)  # the rotated file must contain a whole second that was not read
    rotate(kubernetes, space, "rotates")
    proxy.refusing = False
    until(lambda: operation.state.total > seen + 20, 60)
    operation.stop()
    result = operation.result(5)
    gaps = [note for note in result.state.notes if "rotated its log" in note]
    assert len(gaps) == 1
    numbers = [int(text.split()[1]) for text in texts_in(operation.state.spool)]
    assert numbers == sorted(set(numbers))
    assert result.state.marks[result.state.notes.index(gaps[0])] == seen


def rotate(kubernetes, cluster, name):
    """Move a container's log away and have the runtime start a new one, as a kubelet does when it is full."""
    pod = cluster.run(cluster.request("GET", POD.path(cluster.namespace, name)))
    (status,) = pod["status"]["containerStatuses"]
    container = status["containerID"].partition("://")[2]
    folder = f"{cluster.namespace}_{name}_{pod['metadata']['uid']}"
    (log,) = (kubernetes.settings().root / "podlogs" / folder).glob("*/0.log")
    log.rename(log.with_name("0.log.20260101-000000"))
    address = str(kubernetes.settings().containerd_socket)
    with Client(lambda: dial(address)) as runtime:
        runtime.unary(
            "/runtime.v1.RuntimeService/ReopenContainerLog", b"\n" + bytes([len(container)]) + container.encode()
        )


def test_a_command_whose_api_server_freezes_ends_and_a_silent_one_goes_on(kubernetes, space, proxied, monkeypatch):
    monkeypatch.setattr(client, "HEARTBEAT_SECONDS", 1.0)
    create(space, PodRequest("freezes-command", "busybox", command=("sh", "-c", "sleep 600"))).result(90)
    proxy, cluster = proxied(kubernetes.env()["KUBECONFIG"], space.namespace)
    operation = execute(cluster, ExecRequest("freezes-command", ("sh", "-c", "echo begun; sleep 600")))
    until(lambda: operation.state.total == 1)
    assert not operation.wait(4)  # silent, but alive
    proxy.moving.clear()
    with pytest.raises(ClusterUnavailable, match="broke before it ended"):
        operation.result(20)
    proxy.moving.set()


BAD_GATEWAY = b"<html><head><title>no</title></head><body><h1>502 Bad Gateway</h1></body></html>"
ODD = [
    (b"HTTP/1.1 502 Bad Gateway", BAD_GATEWAY, r"status 502 \(Bad Gateway\), .*: 502 Bad Gateway$"),
    (b"HTTP/1.1 429 Too Many Requests", b"slow down", r"status 429 \(Too Many Requests\), .*: slow down$"),
    *((b"HTTP/1.1 200 OK", text, "not like an API server") for text in (b"null", b"[]", b"3", b'"x"')),
    *(
        (b"HTTP/1.1 200 OK", text, "it is not a list")
        for text in (b'{"rows": [7]}', b'{"rows": {"a": 1}}', b'{"rows": [{"cells": 5}]}', b'{"metadata": [1]}')
    ),
]


@pytest.mark.parametrize(("head", "body", "words"), ODD)
def test_replies_of_something_other_than_an_api_server_are_plain_errors(tmp_path, monkeypatch, head, body, words):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with suppress(OSError):
                while True:
                    near, _ = listener.accept()
                    with near:
                        near.recv(65_536)
                        near.sendall(head + b"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)

        threading.Thread(target=serve, daemon=True).start()
        path = tmp_path / "odd.conf"
        write_kubeconfig(path, f"http://127.0.0.1:{listener.getsockname()[1]}")
        monkeypatch.setenv("KUBECONFIG", str(path))
        cluster = find_cluster("", "default")
        for call in (lambda: table(cluster), lambda: watch_table(cluster).result(10)):
            with pytest.raises(ApiError) as caught:
                call()
            assert re.search(words, caught.value.message)
