"""Tables from real API servers: listed once, watched, through restarts and expired versions."""

import asyncio
import json
import signal
import subprocess
import threading
import time
import urllib.request

import pytest

from nbcontainer.clusters import reflector
from nbcontainer.clusters.connection import find_cluster
from nbcontainer.clusters.discovery import POD, Resource, find_resource
from nbcontainer.clusters.events import events, watch_events
from nbcontainer.clusters.tables import table, watch_table
from nbcontainer.errors import ClusterUnavailable, Forbidden, NotFound, UsageError
from nbcontainer.model.tables import TableChanged, TableLive, TableReset, Tone
from tests.clusters.own_cluster import make_pod, set_status

pytestmark = pytest.mark.timeout(300)


def until(condition, seconds=30):
    """Wait for a fact, and return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not so after {seconds} s")


def tasks_on(cluster):
    """The background loop's tasks but this one."""

    async def count():
        return len(asyncio.all_tasks()) - 1

    return cluster.run(count())


@pytest.fixture(scope="module")
def thousand(own_cluster):
    """A namespace with 1,000 pods."""
    own_cluster.fill("thousand", 1_000)
    return own_cluster.cluster(namespace="thousand")


def test_a_thousand_pods_as_kubectl_has_them(kubernetes, own_cluster, thousand):
    found = table(thousand, all_namespaces=True)
    command = [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], "--kubeconfig", str(own_cluster.kubeconfig())]
    out = subprocess.run([*command, "get", "pods", "-A", "--no-headers"], capture_output=True, text=True, check=True)
    theirs = [line.split()[:5] for line in out.stdout.splitlines()]
    assert [[str(cell) for cell in row.cells[:5]] for row in found] == theirs
    assert sum(row.namespace == "thousand" for row in found) == 1_000
    assert found.state.where == "nbc · all namespaces"


def test_selectors_and_names(thousand):
    assert len(table(thousand, selector="app=web,pod-template-hash")) == 1_000
    assert len(table(thousand, selector="app=none")) == 0
    assert len(table(thousand, field_selector="status.phase=Running")) == 1_000
    assert table(thousand, names=("pod-00007",)).names == ["pod-00007"]
    assert table(thousand, names=("pod-00007", "pod-00005")).names == ["pod-00005", "pod-00007"]
    with pytest.raises(NotFound, match="There is no pod nix in "):
        table(thousand, names=("pod-00007", "nix"))


def test_a_namespace_that_does_not_exist(own_cluster):
    own_cluster.fill("shopping", 0)
    nowhere = own_cluster.cluster(namespace="shoping")
    for ask in (table, lambda cluster: watch_table(cluster).result(10), events):
        with pytest.raises(NotFound, match="There is no namespace shoping in the context") as caught:
            ask(nowhere)
        assert caught.value.cure == "Did you mean shopping?"
    assert len(table(nowhere, all_namespaces=True)) > 0
    assert len(table(own_cluster.cluster(namespace="shopping"))) == 0
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}
    _bind(own_cluster, rule)
    assert len(table(own_cluster.cluster("viewer", "shoping"))) == 0  # what may not be read is not claimed


def test_objects_that_may_only_be_had_by_name(own_cluster):
    own_cluster.fill("named", 3)
    viewer = own_cluster.cluster("viewer", "named")
    kind = Resource("configmaps", "ConfigMap")
    with pytest.raises(Forbidden, match="cannot list resource"):
        table(viewer, kind)
    _bind(own_cluster, {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}, "by-name")
    admin = own_cluster.cluster(namespace="named")
    body = {"metadata": {"name": "one"}, "data": {"a": "b"}}
    admin.run(admin.request("POST", kind.path("named"), body=body))
    found = table(viewer, kind, names=("one",))
    assert [row.cells[:2] for row in found] == [("one", 1)]
    assert found.follow is None
    with pytest.raises(NotFound, match="There is no configmap two in "):
        table(viewer, kind, names=("one", "two"))
    with pytest.raises(Forbidden, match="cannot list resource"):
        table(viewer, kind)


def _bind(own_cluster, rule, name="only"):
    """Allow viewers only this: Kubernetes' own roles are filled in by a controller that is not running."""
    admin = own_cluster.cluster()
    group = "rbac.authorization.k8s.io"
    path = f"/apis/{group}/v1"
    role = {"metadata": {"name": name}, "rules": [rule]}
    admin.run(admin.request("POST", f"{path}/clusterroles", body=role))
    binding = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "Group", "apiGroup": group, "name": "nbc:viewers"}],
    }
    admin.run(admin.request("POST", f"{path}/clusterrolebindings", body=binding))


def test_any_kind(thousand):
    nodes = thousand.run(find_resource(thousand, "ns"))
    found = table(thousand, nodes)
    assert {"default", "thousand"} <= set(found.names)
    assert found.state.where == "nbc"
    with pytest.raises(UsageError, match="no kind 'deploymint'") as caught:
        thousand.run(find_resource(thousand, "deploymint"))
    assert "deployment" in caught.value.cure


@pytest.mark.parametrize("name", ["../secrets", "..", "a/b", "a%2fb"])
def test_a_name_cannot_leave_its_path(name):
    with pytest.raises(UsageError):
        POD.path("default", name)
    with pytest.raises(UsageError):
        POD.path(name, "web")


def test_a_watched_table_follows_changes_and_stops_within_a_second(own_cluster):
    own_cluster.fill("watched", 3)
    cluster = own_cluster.cluster(namespace="watched")
    before = tasks_on(cluster)
    operation = watch_table(cluster)
    until(lambda: operation.state.live)
    assert len(operation.state.rows) == 3
    cluster.run(make_pod(cluster, "pod-new", "Pending"))
    until(lambda: "watched/pod-new" in operation.state.rows)
    cluster.run(set_status(cluster, "pod-new", "Running", restarts=2))
    until(lambda: operation.state.rows["watched/pod-new"].cells[2:4] == ("Running", 2))
    assert operation.state.rows["watched/pod-new"].tone is Tone.GOOD
    assert operation.state.rows["watched/pod-new"].labels["app"] == "web"
    cluster.run(cluster.request("DELETE", POD.path("watched", "pod-00001"), body={"gracePeriodSeconds": 0}))
    until(lambda: "watched/pod-00001" not in operation.state.rows)
    began = time.monotonic()
    operation.stop()
    last = operation.result(1)
    assert time.monotonic() - began < 1
    assert last.names == ["pod-00000", "pod-00002", "pod-new"]
    assert not last.state.live
    until(lambda: tasks_on(cluster) <= before)


def test_a_flood_of_changes_comes_in_batches(thousand):
    operation = watch_table(thousand)
    until(lambda: operation.state.live)
    seen = []
    listener = threading.Thread(target=lambda: seen.extend(operation))
    listener.start()

    async def flood():
        gate = asyncio.Semaphore(20)

        async def change(number):
            async with gate:
                await set_status(thousand, f"pod-{number:05}", "Running", restarts=7)

        await asyncio.gather(*(change(number) for number in range(500)))

    began = time.monotonic()
    thousand.run(flood())
    took = time.monotonic() - began
    until(lambda: sum(row.cells[3] == 7 for row in operation.state.rows.values()) == 500)
    operation.stop()
    listener.join(5)
    batches = [event for event in seen if isinstance(event, TableChanged)]
    assert sum(len(batch.rows) for batch in batches) >= 500
    assert len(batches) < (took + 2) * 25


@pytest.mark.usefixtures("thousand")
def test_five_thousand_pods_are_listed_in_pages(own_cluster):
    own_cluster.fill("many", 4_000)
    cluster = own_cluster.cluster(namespace="many")
    found = table(cluster, all_namespaces=True, selector="app=web")
    assert sum(row.namespace == "many" for row in found) == 4_000
    assert len(found) >= 5_000
    assert len(found.state.rows) == len(found.names)
    operation = watch_table(cluster, all_namespaces=True)
    until(lambda: operation.state.live)
    assert len(operation.state.rows) >= 5_000
    operation.stop()
    operation.result(2)


def test_an_api_server_that_restarts_is_followed_again(own_cluster):
    own_cluster.fill("restarted", 5)
    cluster = own_cluster.cluster(namespace="restarted")
    operation = watch_table(cluster)
    until(lambda: operation.state.live)
    events_seen = []
    listener = threading.Thread(target=lambda: events_seen.extend(operation))
    listener.start()
    own_cluster.stop("kube-apiserver", signal.SIGKILL)
    until(lambda: not operation.state.live)
    assert operation.state.trouble.startswith("reconnecting: ")
    assert len(operation.state.rows) == 5
    own_cluster.start("kube-apiserver")
    own_cluster.wait_ready()
    cluster.run(make_pod(cluster, "pod-later"))
    until(lambda: operation.state.live and "restarted/pod-later" in operation.state.rows, 60)
    assert operation.state.trouble == ""
    operation.stop()
    operation.result(2)
    listener.join(5)
    assert any(isinstance(event, TableLive) and not event.live for event in events_seen)
    assert any(isinstance(event, TableReset) for event in events_seen)


def test_an_expired_version_is_listed_again(own_cluster):
    own_cluster.fill("forgotten", 2)
    cluster = own_cluster.cluster(namespace="forgotten")
    pages = cluster.run(reflector.list_all(cluster, POD.path("forgotten"), {}))
    old = pages[0]["metadata"]["resourceVersion"]
    for restarts in range(3):
        cluster.run(set_status(cluster, "pod-00000", "Running", restarts=restarts))
    newest = cluster.run(reflector.list_all(cluster, POD.path("forgotten"), {}))[0]["metadata"]["resourceVersion"]
    _compact(own_cluster, int(newest))
    own_cluster.stop("kube-apiserver", signal.SIGKILL)  # with it goes its cache of recent versions
    own_cluster.start("kube-apiserver")
    own_cluster.wait_ready()

    async def watch():
        async for _ in reflector._one_watch(
            cluster, POD.path("forgotten"), {}, "application/json", position=reflector._Position(old), silence=150.0
        ):
            pass

    with pytest.raises(reflector._Expired):
        cluster.run(watch())

    async def follow(monkeypatched=[]):  # noqa: B006 - one list for the whole test
        """A reflector whose first list has a very old version."""
        real = reflector.list_all

        async def stale(*arguments):
            pages = await real(*arguments)
            if not monkeypatched:
                monkeypatched.append(True)
                pages[0]["metadata"]["resourceVersion"] = old
            return pages

        reflector.list_all = stale
        seen = []
        try:
            async for news in reflector.reflect(cluster, POD.path("forgotten"), {}):
                seen.append(type(news).__name__)
                if len(seen) == 3:
                    return seen
        finally:
            reflector.list_all = real
        return seen

    assert cluster.run(follow()) == ["Listed", "Away", "Listed"]


def _compact(own_cluster, revision):
    address = f"http://127.0.0.1:{own_cluster.settings.etcd_port}/v3/kv/compaction"
    body = json.dumps({"revision": str(revision), "physical": True}).encode()
    with urllib.request.urlopen(urllib.request.Request(address, data=body), timeout=10) as reply:
        reply.read()


def test_a_reader_is_refused_in_the_api_servers_words(viewer):
    found = table(viewer)
    assert found.state.where.endswith(viewer.namespace)
    secrets = viewer.run(find_resource(viewer, "secrets"))
    with pytest.raises(Forbidden, match='User "viewer" cannot list resource "secrets"') as caught:
        table(viewer, secrets)
    assert caught.value.status == 403
    with pytest.raises(Forbidden):
        watch_table(viewer, secrets).result(10)


def test_no_api_server(own_cluster, tmp_path, monkeypatch):
    document = json.loads(own_cluster.kubeconfig().read_text())
    document["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    (tmp_path / "config").write_text(json.dumps(document))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    cluster = find_cluster()
    with pytest.raises(ClusterUnavailable, match="refuses connections"):
        table(cluster)
    with pytest.raises(ClusterUnavailable, match="refuses connections"):
        watch_table(cluster).result(10)


def test_events_newest_last(space):
    name = "event-maker"
    body = {
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "busybox", "args": ["sleep", "60"]}]},
    }
    operation = watch_events(space, name)
    until(lambda: operation.state.live)
    space.run(space.request("POST", POD.path(space.namespace), body=body))
    until(lambda: "Started" in {row.cells[2] for row in operation.state.rows.values()}, 60)
    operation.stop()
    assert operation.result(2).state.rows
    found = events(space, name)
    seen = [row.cells[0] for row in found]
    assert seen == sorted(seen)
    assert {row.cells[3] for row in found} == {f"pod/{name}"}
    assert {"Scheduled", "Started"} <= {row.cells[2] for row in found}
    assert table(space, names=(name,)).names == [name]
