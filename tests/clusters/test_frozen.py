"""Connections that freeze although new ones work, as behind a proxy or NAT that forgets them."""

import json
import logging
import re
import socket
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from nbcontainer import tcp
from nbcontainer.clusters import client, exec_input, http, log_silence, log_stream, pods, reflector
from nbcontainer.clusters import deletion as deletion_module
from nbcontainer.clusters.connection import find_cluster
from nbcontainer.clusters.deletion import delete
from nbcontainer.clusters.discovery import EVENT, POD
from nbcontainer.clusters.events import watch_events
from nbcontainer.clusters.exec import execute
from nbcontainer.clusters.kubeconfig import read_access
from nbcontainer.clusters.logs import logs
from nbcontainer.clusters.pods import create
from nbcontainer.clusters.tables import watch_table
from nbcontainer.errors import ClusterUnavailable
from nbcontainer.model.log_file import LogReader
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import ExecRequest, PodRequest
from nbcontainer.model.tables import TableLive
from nbcontainer.settings import settings
from tests.clusters.breaking_proxy import BreakingProxy
from tests.clusters.own_cluster import make_pod, set_status
from tests.clusters.test_tables import until
from tests.environment import certificates
from tests.faults.proxy import FaultProxy, connector, tcp_listener

pytestmark = pytest.mark.timeout(300)

COUNTS = "n=0; while [ ! -e /stop ]; do n=$((n+1)); echo line $n; sleep 0.02; done; "
SLEEPS = "sleep 100000"


@pytest.fixture
def proxied(tmp_path, monkeypatch):
    """Put a proxy before an API server: the proxy, and a client that goes through it."""
    proxies = []

    def make(part, server, namespace):
        listener = tcp_listener()
        address = f"https://127.0.0.1:{listener.getsockname()[1]}"
        certificates.kubeconfig(part, tmp_path / "kubeconfig", "admin", address)
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
        proxies.append(FaultProxy(listener, connector(server.removeprefix("https://"))))
        return proxies[-1], find_cluster("", namespace)

    yield make
    for proxy in proxies:
        proxy.close()


@pytest.fixture
def node(kubernetes, space, proxied):
    """The environment's node, through a proxy."""
    return proxied(kubernetes.pki, kubernetes.server, space.namespace)


@pytest.fixture
def own(own_cluster, proxied, request):
    """The API server without nodes, through a proxy, in a namespace with two pods."""
    name = re.sub(r"\W+", "-", f"frozen-{request.node.name}".replace("_", "-"))[-50:].strip("-").lower()
    own_cluster.fill(name, 2)
    return *proxied(own_cluster.settings.pki, own_cluster.server, name), own_cluster.cluster(namespace=name)


@pytest.fixture
def soon(monkeypatch):
    """Silence is noticed soon."""
    monkeypatch.setattr(log_silence, "FIRST_SECONDS", 1.0)
    monkeypatch.setattr(log_silence, "LONGEST_SECONDS", 1.0)
    monkeypatch.setattr(log_silence, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(log_silence, "END_SECONDS", 1.0)
    monkeypatch.setattr(reflector, "SILENCE_SECONDS", 1.0)


def run_pod(space, name, script, **more):
    create(space, PodRequest(name, "busybox", command=("sh", "-c", script), timeout=120, **more)).result(130)


def touch(space, name, file):
    execute(space, ExecRequest(name, ("touch", file))).result(30)


def written(operation, source=""):
    """The texts of all lines so far, or of a source's."""
    lines = [line for chunk in LogReader(operation.state.spool).chunks() for line in chunk.lines]
    return [line.text for line in lines if source in ("", line.source)]


def until_more(operation, lines):
    seen = operation.state.total
    until(lambda: operation.state.total > seen + lines)


def counted(lines):
    return [int(line.split()[-1]) for line in lines]


@pytest.mark.usefixtures("soon")
def test_a_frozen_log_goes_on_and_no_line_is_lost_or_repeated(space, node):
    run_pod(space, "counts-on", COUNTS + SLEEPS)
    proxy, cluster = node
    operation = logs(cluster, LogRequest(("counts-on",), follow=True))
    for _ in range(2):
        until_more(operation, 20)
        proxy.freeze(existing_only=True)
        until_more(operation, 200)
    operation.stop()
    notes = operation.result(10).state.notes
    assert len(notes) == 2
    assert all(re.fullmatch(r"counts-on: its connection froze: nothing for \d s; a new one .*", note) for note in notes)
    numbers = counted(written(operation))
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_network_that_is_cut_is_said_by_all_and_what_happened_meanwhile_is_true(space, node, monkeypatch):
    monkeypatch.setattr(client, "SILENT_SECONDS", 1.0)
    monkeypatch.setattr(client, "HEARTBEAT_SECONDS", 2.0)
    monkeypatch.setattr(settings, "connect_timeout", 1.0)
    run_pod(space, "stays", COUNTS + SLEEPS, labels={"app": "cut"})
    run_pod(space, "leaves", SLEEPS, labels={"app": "cut"})
    proxy, cluster = node
    watched = watch_table(cluster, selector="app=cut")
    followed = logs(cluster, LogRequest(("stays",), follow=True))
    command = execute(cluster, ExecRequest("stays", ("sh", "-c", SLEEPS)))
    until(lambda: watched.state.live and len(watched.state.rows) == 2)
    until_more(followed, 20)
    proxy.freeze()
    until(lambda: not watched.state.live)
    assert watched.state.trouble.endswith("does not answer within 1 s.")
    assert sorted(row.name for row in watched.state.rows.values()) == ["leaves", "stays"]  # the last that was known
    until(lambda: followed.state.sources == {"stays": False})
    assert followed.state.notes[-1].endswith("does not answer within 1 s.")
    with pytest.raises(ClusterUnavailable):
        command.result(30)
    seen = followed.state.total
    delete(space, ["leaves"], force=True).result(60)
    run_pod(space, "comes", SLEEPS, labels={"app": "cut"})
    proxy.thaw(existing=True)
    until(lambda: watched.state.live and sorted(row.name for row in watched.state.rows.values()) == ["comes", "stays"])
    assert not watched.state.trouble
    until(lambda: followed.state.total > seen + 100)
    for operation in (watched, followed):
        operation.stop()
    numbers = counted(written(followed))
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.usefixtures("soon")
def test_all_frozen_logs_of_a_selector_go_on(space, node):
    names = [f"several-{number}" for number in range(3)]
    in_all(names, lambda name, _: run_pod(space, name, COUNTS + SLEEPS, labels={"app": "several"}))
    proxy, cluster = node
    operation = logs(cluster, LogRequest(selector="app=several", follow=True))
    until(lambda: all(len(written(operation, name)) > 20 for name in names))
    proxy.freeze(existing_only=True)
    run_pod(space, "several-late", COUNTS + SLEEPS, labels={"app": "several"})  # its watch is frozen too
    names.append("several-late")
    frozen = [len(written(operation, name)) for name in names]
    until(lambda: all(len(written(operation, name)) > n + 200 for name, n in zip(names, frozen, strict=True)), 60)
    operation.stop()
    operation.result(10)
    for name in names:
        numbers = counted(written(operation, name))
        assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("last", ["echo last 0", "true"])
def test_a_log_that_ends_while_it_is_frozen_ends(space, node, last):
    name = f"ends-{'with' if 'echo' in last else 'without'}-a-line"
    run_pod(space, name, f"echo begun 0; while [ ! -e /stop ]; do sleep 0.1; done; {last}", restart="Never")
    proxy, cluster = node
    operation = logs(cluster, LogRequest((name,), follow=True))
    until(lambda: operation.state.total == 1)
    proxy.freeze(existing_only=True)
    touch(space, name, "/stop")
    operation.result(60)
    assert written(operation) == ["begun 0", *(["last 0"] if "echo" in last else [])]


QUIET = [
    ("echo one", {}),
    ("true", {}),
    ("true", {"tail": 5}),
    ("echo before", {"tail": 0}),
    ("echo before", {"since": 100.0}),
    ("head -c 100000 /dev/zero | tr '\\0' x; echo; echo short", {}),  # the node stores the first line in parts
    ("head -c 100000 /dev/zero | tr '\\0' x; echo", {}),
    ("for n in 1 2 3 4 5 6 7 8 9; do echo out; echo err >&2; done", {"tail": 3}),
    ("yes | head -n 5000", {}),
]


@pytest.fixture
def breaking(kubernetes, space, tmp_path, monkeypatch):
    """A proxy that sees the requests to the environment's node, and a client that goes through it."""
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])
    proxy = BreakingProxy(read_access())
    monkeypatch.setenv("KUBECONFIG", str(proxy.kubeconfig(tmp_path / "proxied.conf")))
    yield proxy, find_cluster("", space.namespace)
    proxy.released.set()
    proxy.close()


@pytest.mark.usefixtures("soon")
def test_quiet_logs_are_no_false_alarm(space, breaking, monkeypatch):
    monkeypatch.setattr(log_silence, "FIRST_SECONDS", 2.5)
    names = [f"quiet-{case}" for case in range(len(QUIET))]
    script = f"while [ ! -e /stop ]; do sleep 0.1; done; echo later; {SLEEPS}"
    in_all(names, lambda name, case: run_pod(space, name, f"{QUIET[case][0]}; {script}"))
    proxy, cluster = breaking
    operations = [
        logs(cluster, LogRequest((name,), follow=True, **bounds))
        for name, (_, bounds) in zip(names, QUIET, strict=True)
    ]

    def asked(name, *, follow):
        requests = [line for line in proxy.requests if f"/{name}/log?".encode() in line]
        return sum((b"follow=true" in line) is follow for line in requests)

    until(lambda: all(asked(name, follow=False) > 3 for name in names), 60)
    seen = [operation.state.total for operation in operations]
    in_all(names, lambda name, _: touch(space, name, "/stop"))
    until(lambda: all(operation.state.total > before for operation, before in zip(operations, seen, strict=True)))
    until(lambda: all(asked(name, follow=False) > 5 for name in names), 60)
    for operation, name, before in zip(operations, names, seen, strict=True):
        operation.stop()
        assert operation.result(10).state.notes == (), name
        assert asked(name, follow=True) == 1, name
        assert (written(operation)[-1], operation.state.total) == ("later", before + 1), name


def in_all(names, act):
    with ThreadPoolExecutor() as threads:
        list(threads.map(act, names, range(len(names))))


def test_a_log_that_is_read_once_is_not_waited_for_endlessly(space, breaking, monkeypatch):
    run_pod(space, "stalls", f"yes | head -n 1000; echo marker; {SLEEPS}")
    monkeypatch.setattr(log_stream, "READ_SECONDS", 1.0)
    proxy, cluster = breaking
    proxy.break_next(b"/log", b"marker", "held")
    with pytest.raises(ClusterUnavailable, match="does not answer within 1 s"):
        logs(cluster, LogRequest(("stalls",))).result(30)


@pytest.fixture
def requests(caplog):
    """The requests of streams, and those with one reply, whose path ends like this."""
    caplog.set_level(logging.DEBUG, "nbcontainer.clusters")

    def find(module, ending):
        own = [record for record in caplog.records if record.name == f"nbcontainer.clusters.{module}"]
        return [record.getMessage() for record in own if re.search(rf"GET \S*{ending} ", record.getMessage())]

    return find


def test_a_frozen_watch_goes_on_where_it_was(own, requests, monkeypatch):
    monkeypatch.setattr(reflector, "SILENCE_SECONDS", 2.0)
    proxy, cluster, direct = own
    operation = watch_table(cluster)
    seen = []
    listener = threading.Thread(target=lambda: seen.extend(operation))
    listener.start()
    until(lambda: operation.state.live)
    direct.run(make_pod(direct, "before"))
    until(lambda: f"{direct.namespace}/before" in operation.state.rows)
    lists = len(requests("http", f"{direct.namespace}/pods"))
    proxy.freeze(existing_only=True)
    direct.run(direct.request("DELETE", POD.path(direct.namespace, "pod-00001"), body={"gracePeriodSeconds": 0}))
    direct.run(make_pod(direct, "new"))
    until(lambda: f"{direct.namespace}/new" in operation.state.rows)
    operation.stop()
    assert sorted(operation.result(2).names) == ["before", "new", "pod-00000"]
    assert len(requests("http", f"{direct.namespace}/pods")) == lists
    listener.join(5)
    assert [event.live for event in seen if isinstance(event, TableLive)] == [True, False]  # only its end


def test_a_watch_without_bookmarks_is_no_false_alarm_even_if_its_version_is_forgotten(
    own, own_cluster, requests, monkeypatch
):
    monkeypatch.setattr(reflector, "SILENCE_SECONDS", 0.5)
    _, cluster, direct = own
    operation = watch_events(cluster, kind="")
    seen = []
    listener = threading.Thread(target=lambda: seen.extend(operation))
    listener.start()
    until(lambda: len(requests("client", f"{direct.namespace}/events")) > 4)
    lists = len(requests("http", f"{direct.namespace}/events"))
    assert lists == 1
    direct.run(make_pod(direct, "later"))
    revision = int(direct.call("GET", POD.path(direct.namespace))["metadata"]["resourceVersion"])
    url = f"http://127.0.0.1:{own_cluster.settings.etcd_port}/v3/kv/compaction"
    body = json.dumps({"revision": revision, "physical": True}).encode()
    with urllib.request.urlopen(url, body, timeout=30):
        pass
    until(lambda: len(requests("http", f"{direct.namespace}/events")) > lists)
    watches = len(requests("client", f"{direct.namespace}/events"))
    until(lambda: len(requests("client", f"{direct.namespace}/events")) > watches + 2)
    assert operation.state.live
    event = {"metadata": {"name": "one"}, "involvedObject": {"namespace": direct.namespace}, "message": "hello"}
    direct.call("POST", EVENT.path(direct.namespace), body=event)
    until(lambda: "hello" in str(operation.state.rows))
    operation.stop()
    operation.result(2)
    listener.join(5)
    assert {event.live for event in seen[:-1] if isinstance(event, TableLive)} == {True}


def test_a_stream_that_never_begins_is_not_waited_for_endlessly(space, breaking, monkeypatch):
    run_pod(space, "late-head", f"echo one; {SLEEPS}")
    monkeypatch.setattr(settings, "connect_timeout", 1.0)
    monkeypatch.setattr(client, "READ_SECONDS", 1.0)
    proxy, cluster = breaking
    proxy.break_next(b"follow=true", b"HTTP/1.1 200", "held")
    operation = logs(cluster, LogRequest(("late-head",), follow=True))
    until(lambda: operation.state.total == 1, 20)
    operation.stop()
    assert [note for note in operation.state.notes if "does not answer within 1 s" in note]


def test_a_call_that_finds_a_frozen_connection_helps_the_watches(own, requests, monkeypatch):
    monkeypatch.setattr(settings, "connect_timeout", 1.0)
    proxy, cluster, direct = own
    operation = watch_table(cluster)
    until(lambda: requests("client", f"{direct.namespace}/pods"))
    cluster.call("GET", POD.path(direct.namespace))
    proxy.freeze(existing_only=True)
    direct.run(make_pod(direct, "new"))
    cluster.call("GET", POD.path(direct.namespace))
    until(lambda: f"{direct.namespace}/new" in operation.state.rows, 20)
    operation.stop()


def test_who_waits_for_a_pod_learns_that_it_runs_and_that_it_is_gone(own, requests, monkeypatch):
    for module in (pods, deletion_module):
        monkeypatch.setattr(module, "AWAITED_SECONDS", 1.0)
    proxy, cluster, direct = own
    starting = create(cluster, PodRequest("starts", "busybox", timeout=100))
    ending = delete(cluster, ["pod-00001"])
    path = POD.path(direct.namespace, "pod-00001")
    until(lambda: len(requests("client", f"{direct.namespace}/pods")) == 2)
    proxy.freeze(existing_only=True)
    direct.run(set_status(direct, "starts", "Running"))
    direct.call("DELETE", path, body={"gracePeriodSeconds": 0})
    assert starting.result(60).status == "Running"
    assert [change.name for change in ending.result(60)] == ["pod-00001"]


def test_who_waits_for_a_pod_is_told_that_the_api_server_is_away(own, requests, monkeypatch):
    monkeypatch.setattr(client, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(settings, "connect_timeout", 1.0)
    proxy, cluster, direct = own
    starting = create(cluster, PodRequest("starts", "busybox", timeout=100))
    ending = delete(cluster, ["pod-00001"])
    until(lambda: len(requests("client", f"{direct.namespace}/pods")) == 2)
    proxy.freeze()
    until(lambda: starting.state.steps[-1].message.startswith("reconnecting: "))
    until(lambda: ending.state.objects["pod/pod-00001"].message.startswith("reconnecting: "))
    proxy.thaw()
    until(lambda: not starting.state.steps[-1].message and not ending.state.objects["pod/pod-00001"].message, 60)
    for operation in (starting, ending):
        operation.stop()


COMMANDS = {"silent": f"echo begun; {SLEEPS}", "writing": "while true; do echo begun; sleep 0.1; done"}


def test_a_command_that_is_frozen_helps_the_logs(space, node, monkeypatch):
    monkeypatch.setattr(client, "HEARTBEAT_SECONDS", 6.0)
    run_pod(space, "helps", COUNTS + SLEEPS)
    proxy, cluster = node
    log = logs(cluster, LogRequest(("helps",), follow=True))
    until_more(log, 20)
    command = execute(cluster, ExecRequest("helps", ("sh", "-c", f"echo begun; {SLEEPS}")))
    until(lambda: command.state.total)
    proxy.freeze(existing_only=True)
    until(lambda: log.state.notes, log_silence.FIRST_SECONDS - 1)
    until_more(log, 100)
    with pytest.raises(ClusterUnavailable):
        command.result(1)
    log.stop()
    numbers = counted(written(log))
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(log.state.notes) == 1


@pytest.mark.parametrize("kind", list(COMMANDS))
def test_a_frozen_command_ends_with_an_error_that_says_why(space, node, monkeypatch, kind):
    monkeypatch.setattr(client, "HEARTBEAT_SECONDS", 1.0)
    name = f"commands-{kind}"
    run_pod(space, name, SLEEPS)
    proxy, cluster = node
    operation = execute(cluster, ExecRequest(name, ("sh", "-c", COMMANDS[kind])))
    until(lambda: operation.state.total)
    proxy.freeze(existing_only=True)
    with pytest.raises(ClusterUnavailable, match=r"broke before it ended: nothing arrives, not even .* ping") as caught:
        operation.result(20)
    assert "may go on in the container" in caught.value.cure


@pytest.fixture
def unknown_soon(monkeypatch):
    """A command whose long input is not read is soon said to be unknown."""
    for name in ("SILENT_SECONDS", "LONGEST_SILENT_SECONDS"):
        monkeypatch.setattr(exec_input, name, 1.0)
    monkeypatch.setattr(exec_input, "UNKNOWN_SECONDS", 2.0)


INPUT = b"x" * 3_000_000


@pytest.mark.usefixtures("unknown_soon")
def test_a_frozen_command_with_much_input_says_that_this_cannot_be_known(space, node):
    run_pod(space, "reads", SLEEPS)
    proxy, cluster = node
    script = "echo begun; while head -c 1000 >/dev/null; do sleep 1; done"
    operation = execute(cluster, ExecRequest("reads", ("sh", "-c", script), stdin=INPUT))
    until(lambda: operation.state.total)
    proxy.freeze(existing_only=True)
    until(lambda: operation.state.notes)
    assert re.fullmatch(r"nothing for \d+ s; its connection cannot be checked .*", operation.state.notes[0])
    operation.stop()


@pytest.mark.usefixtures("unknown_soon")
def test_a_silent_command_that_has_read_much_input_is_no_false_alarm(space):
    run_pod(space, "has-read", SLEEPS)
    operation = execute(space, ExecRequest("has-read", ("sh", "-c", "cat | wc -c; sleep 7"), stdin=INPUT))
    assert operation.result(60).output == f"{len(INPUT)}\n"
    assert operation.state.notes == ()


def test_a_call_that_cannot_be_repeated_uses_no_connection_that_was_long_idle(own, monkeypatch):
    monkeypatch.setattr(http, "TRUSTED_SECONDS", 0.0)
    proxy, cluster, _ = own
    cluster.call("GET", POD.path(cluster.namespace))
    proxy.freeze(existing_only=True)
    body = {"metadata": {"name": "one"}}
    began = time.monotonic()
    cluster.call("POST", f"/api/v1/namespaces/{cluster.namespace}/configmaps", body=body)
    assert time.monotonic() - began < settings.connect_timeout


def test_streams_and_websockets_have_keepalive(space):
    run_pod(space, "keeps", SLEEPS)

    def options(connection):
        names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
        set_to = [connection.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names]
        return [connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), *set_to]

    async def both():
        path = POD.path(space.namespace, "keeps", "log")
        async with space.stream(path, parameters={"follow": True}) as response:
            found = options(response.connection.transport.get_extra_info("socket"))
        path = POD.path(space.namespace, "keeps", "exec")
        parameters = [("command", "sleep"), ("command", "9"), ("stdout", True)]
        async with space.websocket(path, parameters=parameters, protocols=("v5.channel.k8s.io",)) as websocket:
            return found, options(websocket.get_extra_info("socket"))

    expected = [1, tcp.IDLE_SECONDS, tcp.INTERVAL_SECONDS, tcp.PROBES]
    assert space.run(both()) == (expected, expected)
