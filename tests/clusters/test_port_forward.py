"""Ports of pods on a real node, forwarded to this machine."""

import asyncio
import hashlib
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from nbcontainer.clusters import forwarding, spdy
from nbcontainer.errors import ApiError, NotFound, UsageError
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.model.outcome import Outcome
from nbcontainer.views.results import bundle_of

pytestmark = pytest.mark.timeout(120)

SIZE = 20_000_000
SERVERS = f"""
mkdir /tmp/web
echo $HOSTNAME > /tmp/web/index.html
head -c {SIZE} /dev/urandom > /tmp/web/big
exec httpd -f -p 8080 -h /tmp/web
"""
OBJECTS = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: served}}
spec:
  selector: {{matchLabels: {{app: served}}}}
  template:
    metadata: {{labels: {{app: served}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: served
        image: busybox
        command: [sh, -c, {json.dumps(SERVERS)}]
        ports: [{{name: http, containerPort: 8080}}]
        readinessProbe: {{tcpSocket: {{port: 8080}}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {{name: served}}
spec: {{selector: {{app: served}}, ports: [{{name: web, port: 80, targetPort: http}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: nobody}}
spec: {{selector: {{app: nobody}}, ports: [{{port: 80}}]}}
"""


@pytest.fixture
def served(here):
    """The cluster, with a Deployment and a Service of one pod that serves HTTP."""
    here.apply(OBJECTS)
    return here


def read(url):
    """What a page has."""
    with urllib.request.urlopen(url, timeout=20) as reply:
        return reply.read()


def until(condition, seconds=10):
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def test_a_service_is_reached_and_its_next_pod_after_the_first(served):
    forward = served.port_forward("svc/served", "web")
    name = forward.state.pod
    assert read(forward.url).decode().strip() == name
    served.pods.delete(name).result(60)
    following = read(forward.url).decode().strip()
    assert following != name
    assert forward.state.pod == following
    until(lambda: forward.state.active == 0)
    assert (forward.state.total, forward.state.note) == (2, "")
    forward.stop()
    assert forward.state.outcome is Outcome.STOPPED
    with pytest.raises(urllib.error.URLError, match="refused"):
        read(forward.url)


def test_a_pod_that_does_not_listen_yet_is_waited_for(served, monkeypatch):
    """A pod that is not ready is used in the end; what was sent to it before it listened is not lost."""
    forward = served.port_forward("svc/served", "web")
    monkeypatch.setattr(forwarding, "READY_SECONDS", 0.01)
    for _ in range(3):
        served.pods.delete(forward.state.pod, force=True).result(60)
        assert read(forward.url).decode().strip() == forward.state.pod
    forward.stop()


def test_many_connections_at_once_and_each_is_whole(served):
    with served.port_forward("deploy/served", "http") as port:
        whole = hashlib.sha256(read(f"http://127.0.0.1:{port}/big")).digest()
        stalled = socket.create_connection(("127.0.0.1", port))
        stalled.sendall(b"GET /big HTTP/1.0\r\n\r\n")  # nobody reads the answer, and nobody else waits for that
        with ThreadPoolExecutor(20) as pool:
            pages = list(pool.map(read, [f"http://127.0.0.1:{port}/"] * 40))
            several = list(pool.map(read, [f"http://127.0.0.1:{port}/big"] * 4))
        assert len({*pages}) == 1
        assert {hashlib.sha256(one).digest() for one in several} == {whole}
        stalled.close()


def test_what_is_wrong_with_one_connection_is_said_and_the_others_go_on(served):
    forward = served.port_forward("deploy/served", 81, 8080)
    closed, open_port = (f"http://127.0.0.1:{port}" for port in forward.ports)
    with pytest.raises((ConnectionError, urllib.error.URLError)):
        read(closed)
    assert until(lambda: forward.state.note) == f"Nothing listens on port 81 in the pod {forward.state.pod}."
    assert "Nothing listens on port 81" in bundle_of(forward)["text/plain"]
    assert read(open_port)
    until(lambda: not forward.state.note)
    assert f'<a href="{open_port}">' in bundle_of(forward)["text/html"]
    forward.stop()


def test_a_stop_takes_no_time_and_leaves_nothing(served):
    forward = served.port_forward("deploy/served", 8080)
    with socket.create_connection(("127.0.0.1", forward.port)) as there:
        until(lambda: forward.state.active)
        began = time.monotonic()
        forward.stop()
        assert time.monotonic() - began < 0.4
        with pytest.raises(ConnectionResetError):
            there.recv(1)
    assert forward not in served.port_forward()
    socket.create_server(("127.0.0.1", forward.port)).close()
    assert not any(thread.name.endswith("served") for thread in threading.enumerate())


def test_the_same_call_again_replaces_it_and_all_are_listed(served):
    def magic(line):
        return run_magic(verbs_of("kube"), f"port-forward -n {served.namespace} {line}", None, {})

    first = magic("svc/served :80")
    second = magic("svc/served :80")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    other = magic(f"deploy/served {port}:8080")
    assert other.port == port
    assert not first.running
    listed = magic("")
    assert {second, other} <= {*listed}
    assert second.url in bundle_of(listed)["text/plain"]
    assert "port-forward svc/served :80" in second.command
    with pytest.raises(UsageError, match=f"The local port {other.port} is in use") as caught:
        magic(f"deploy/served {other.port}:9000")
    assert ":9000 picks a free local port" in caught.value.cure
    listed.stop()
    assert not magic("")


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (("nosuch", 80), NotFound, "There is no pod nosuch"),
        (("deploy/nosuch", 80), NotFound, "There is no deployment nosuch"),
        (("svc/served", 81), NotFound, "There is no port 81 in the service/served"),
        (("deploy/served", "https"), NotFound, "There is no port https"),
        (("configmap/kube-root-ca.crt", 80), UsageError, "A ConfigMap has no pods"),
        (("svc/nobody", 80), ApiError, "service/nobody has no pods"),
        (("deploy/served",), UsageError, "Which port of deploy/served"),
        (("deploy/served", "70000"), UsageError, "'70000' is not a valid port"),
        (("deploy/served", "a:80"), UsageError, "'a:80' is not a valid port"),
        (("deploy/served", "http:"), UsageError, "'http:' is not a valid port"),
    ],
)
def test_what_cannot_be_forwarded_says_why(served, words, error, message):
    with pytest.raises(error, match=message):
        served.port_forward(*words, timeout=0.5)
    assert not served.port_forward()


def test_an_address_that_is_not_of_this_machine(served):
    with pytest.raises(UsageError, match=r"192\.0\.2\.1 is not an address of this machine"):
        served.port_forward("deploy/served", 8080, address="127.0.0.1,192.0.2.1")
    with served.port_forward("deploy/served", 8080, address="127.0.0.1,::1") as port:
        assert read(f"http://[::1]:{port}") == read(f"http://127.0.0.1:{port}")


def test_frames_are_read_however_they_are_cut():
    ping = b"\x80\x03\x00\x06\x00\x00\x00\x04\x00\x00\x00\x01"
    sent = spdy.Opening().stream(1, {"a": "b"}) + spdy.data(3, b"hello") + ping + spdy.reset(1)
    sent += spdy.data(3, b" you") + spdy.data(3, last=True)
    for size in (1, 2, 7, 8, 9, len(sent)):
        reader, text, ended = spdy.Reader(), b"", []
        for at in range(0, len(sent), size):
            for frame in reader.feed(sent[at : at + size]):
                text += frame.payload
                ended += [frame.stream] if frame.last else []
        assert (text, ended, reader.pings) == (b"hello you", [1, 3], ping)


def test_a_loop_of_its_own_can_use_it(served):
    async def fetch(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer

    with served.port_forward("svc/served", 80) as port:
        assert b"200 OK" in asyncio.run(fetch(port))


def test_objects_of_tables_forward_their_own_ports(served):
    with served.get("svc", "served")["served"].port_forward("web") as port:
        page = read(f"http://127.0.0.1:{port}/")
    (name,) = (name for name in served.pods.names() if name.startswith("served-"))
    with served.pods.get(name).port_forward(8080) as port:
        assert read(f"http://127.0.0.1:{port}/") == page
