"""A followed log of a real node, whose streams a proxy cuts at random moments of their first second.

NBCONTAINER_TEST_TRIALS is the number of seeds.
"""

import os
import random
import socket
import struct
import threading
import time

import pytest

from nbcontainer.clusters.connection import find_cluster
from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.kubeconfig import read_access
from nbcontainer.clusters.logs import logs
from nbcontainer.clusters.pods import create
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import PodRequest
from tests.clusters.breaking_proxy import BreakingProxy
from tests.clusters.test_tables import until
from tests.log_files import bytes_in

pytestmark = pytest.mark.timeout(1_800)

TRIALS = int(os.environ.get("NBCONTAINER_TEST_TRIALS", "5"))
CUTS = 4
BOUNDS = [{"tail": 10}, {"since": 2.0}, {"tail": 0}, {"tail": 1_000, "since": 5.0}, {"tail": 1}]
# thousands of lines a second; stderr's timestamps interleave with stdout's
SCRIPT = """
(while true; do for n in 1 2 3 4 5 6 7 8 9; do echo err $n; done; usleep 3000; done) >&2 &
n=0
while true; do
  for m in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do n=$((n+1)); echo out $n; done
  usleep 3000
done
"""


class CuttingProxy(BreakingProxy):
    """Cuts each of the first followed logs after a random time and within a random byte."""

    def __init__(self, access, seed):
        super().__init__(access)
        self._random = random.Random(seed)
        self._stream = threading.local()  # each connection has its own thread

    def _pass_on(self, near, request, data):
        if b"follow=true" not in request or self.breaks >= CUTS:
            near.sendall(data)
            return False
        if not hasattr(self._stream, "until"):
            self._stream.until = time.monotonic() + self._random.random()
        if time.monotonic() < self._stream.until:
            near.sendall(data)
            return False
        near.sendall(data[: self._random.randrange(len(data) + 1)])
        if self._random.random() < 0.5:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.breaks += 1
        return True


@pytest.fixture(scope="module")
def talker(space):
    """A pod that writes continuously."""
    create(space, PodRequest("talker", "busybox", command=("sh", "-c", SCRIPT))).result(90)
    return "talker"


@pytest.fixture
def proxy(kubernetes, tmp_path, monkeypatch, request):
    """A proxy to the API server, with the test's own seed."""
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])
    made = CuttingProxy(read_access(), request.param)
    monkeypatch.setenv("KUBECONFIG", str(made.kubeconfig(tmp_path / "proxied.conf")))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("proxy", "bounds"), [(seed, BOUNDS[seed % len(BOUNDS)]) for seed in range(TRIALS)], indirect=["proxy"]
)
def test_a_log_that_is_cut_at_random_is_given_once_and_in_order(space, talker, proxy, bounds):
    cluster = find_cluster("", space.namespace)
    operation = logs(cluster, LogRequest((talker,), follow=True, timestamps=True, **bounds))
    until(lambda: operation.done or proxy.breaks == CUTS, 60)
    seen = operation.state.total
    until(lambda: operation.done or operation.state.total > seen + 1_000, 60)
    operation.stop()
    operation.result(10)
    given = bytes_in(operation.state.spool).splitlines()
    path = POD.path(space.namespace, talker, "log")
    whole = space.run(read_whole(space, f"{path}?timestamps=true")).splitlines()
    begin = whole.index(given[0])
    assert given == whole[begin : begin + len(given)]
    assert operation.state.total == len(given) > 1_000
    assert not any("rotated" in note for note in operation.state.notes)


async def read_whole(cluster, path):
    async with cluster.stream(path, accept="*/*") as response:
        return await response.content.read()
