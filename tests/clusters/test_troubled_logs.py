"""Logs that no terminal would survive, and logs of pods that are evicted: all of it arrives, and the end is said."""

import re
import subprocess

import pytest

from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.logs import logs
from nbcontainer.clusters.pods import create
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import PodRequest
from tests.clusters.test_logs import run
from tests.clusters.test_tables import until
from tests.log_files import bytes_in

pytestmark = pytest.mark.timeout(300)

BINARY = 1_000_000
LINE = 10_000_000
STAMPS = re.compile(rb"^20\d\d-[\d-]+T[\d:.]+Z ", re.MULTILINE)  # of the lines of a followed log


def test_binary_output_and_a_line_of_ten_megabytes_without_an_end(space, kubernetes):
    script = f"head -c {BINARY} /dev/urandom; echo; head -c {LINE} /dev/zero"
    create(space, PodRequest("binary", "busybox", command=("sh", "-c", script), restart="Never")).result(90)
    followed = logs(space, LogRequest(("binary",), follow=True)).result(60)
    once = logs(space, LogRequest(("binary",))).result(60)
    command = [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], "-n", space.namespace, "logs", "binary"]
    command += ["--kubeconfig", kubernetes.env()["KUBECONFIG"]]
    expected = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    assert len(expected) > LINE + 0.99 * BINARY  # the node itself drops a carriage return before a line end
    assert bytes_in(once.state.spool) == expected
    assert STAMPS.sub(b"", bytes_in(followed.state.spool)) == expected
    assert followed.state.gaps == once.state.gaps == ()


def test_an_eviction_by_the_api_ends_a_followed_log(space):
    run(space, "asked", "trap exit TERM; while true; do echo x; sleep 0.1; done")
    operation = logs(space, LogRequest(("asked",), follow=True))
    until(lambda: operation.state.total > 3)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "asked"}}
    space.call("POST", POD.path(space.namespace, "asked", "eviction"), body=eviction)
    assert operation.result(60).state.notes == ("asked was deleted",)


def test_an_eviction_by_the_node_ends_a_followed_log_and_says_why(space):
    container = {"name": "web", "image": "busybox", "resources": {"limits": {"ephemeral-storage": "1Mi"}}}
    container["command"] = ["sh", "-c", "head -c 5000000 /dev/zero >/f; while true; do echo x; sleep 0.1; done"]
    body = {"metadata": {"name": "greedy"}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}
    space.call("POST", POD.path(space.namespace), body=body)
    operation = logs(space, LogRequest(("greedy",), follow=True))
    until(lambda: operation.state.total > 3, 60)
    note = operation.result(120).state.notes[-1]
    assert note.startswith("greedy ended: Evicted: Pod ephemeral local storage usage exceeds the total limit")
