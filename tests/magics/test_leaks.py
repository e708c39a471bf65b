"""What hundreds of interrupted calls leave in a kernel: no thread, and no connection."""

import json
import random
import time

import pytest

from tests.magics.kernels import Kernel
from tests.magics.test_interrupts import SENDER

CALLS = 40
MEASURE = """
import collections, gc, json, os, re, threading
def opened(name):
    try:
        return os.readlink(f"/proc/self/fd/{name}")
    except OSError:  # that of the list itself
        return os.environ["IPYTHONDIR"]
def measure():  # without IPython's history, which is written now and then after each cell, also after this one
    gc.collect()
    descriptors = sum(not opened(name).startswith(os.environ["IPYTHONDIR"]) for name in os.listdir("/proc/self/fd"))
    threads = collections.Counter(re.sub("[0-9]+", "", thread.name) for thread in threading.enumerate())
    print(json.dumps([descriptors, dict(threads)]))
"""
SETTLED_SECONDS = 8.0
KEPT = ("buildkit-client-reader", "buildkit-client-writer", "nbcontainer-io")  # of one connection, or one at all
KEPT_DESCRIPTORS = 4  # an idle connection to each of engine, BuildKit and cluster, and the watch of a session
POOLS = ("nbcontainer: call of a cluster_", "asyncio_")  # of threads that are kept, and do not exceed a number
CELLS = {
    "build": ("get_ipython().run_cell_magic('dockerfile', '', 'FROM busybox\\nRUN echo {number}; sleep 3')", 1.5),
    "pull": ("%docker pull busybox", 0.3),
    "run": ("%docker run --rm busybox sh -c 'while :; do echo x; sleep 0.01; done'", 1.0),
    "input": ("get_ipython().run_cell_magic('docker', 'run --rm -i busybox sleep 30', 'x' * 300_000)", 1.0),
    "list": ("%docker ps -a", 0.05),
    "doctor": ("%nbcontainer doctor", 0.3),
    "table": ("%kpod -A", 0.3),
    "events": ("%kpod events -A", 0.3),
    "logs": ("%kpod logs -f -l nothing=here", 0.3),
    "waiting": ("import nbcontainer as nbc; nbc.containers.run('busybox', 'sleep 30', remove=True).result()", 1.0),
}


@pytest.fixture
def kernel(docker_engine, kubernetes_cluster, tmp_path):
    variables = {
        "DOCKER_HOST": docker_engine.host,
        "DOCKER_CONFIG": str(tmp_path),
        "KUBECONFIG": str(kubernetes_cluster.kubeconfig),
        "NBCONTAINER_SPOOL_DIRECTORY": str(tmp_path / "spool"),
        "NBCONTAINER_SLEEP_AFTER": "3",  # seconds after which a table that no page looks at sleeps
    }
    started = Kernel(variables, str(tmp_path))
    try:
        yield started
    finally:
        started.close()


def test_interrupted_calls_leave_no_threads_and_no_connections(kernel):
    moments = random.Random(12)
    assert not kernel.run(SENDER + MEASURE).error

    def interrupted(name, number):
        code, longest = CELLS[name]
        delay = moments.random() * longest
        ran = kernel.run(f"interrupt_in({delay})\n{code.format(number=number)}", cell=f"cell-{number}")
        assert ran.error in {"", "Stopped", "KeyboardInterrupt", "NoneType", "CommandFailed"}, ran.traceback

    for number, name in enumerate(CELLS):  # each may leave something for the next call, such as an idle connection
        interrupted(name, number)
    before = settled(kernel)
    for number in range(CALLS):
        interrupted(moments.choice(list(CELLS)), 100 + number)
    after = settled(kernel, before)
    assert is_within(after, before), f"{before}\n{after}"


def measured(kernel):
    """How many descriptors there are, and how many threads of each name; a pool's do not count."""
    descriptors, threads = json.loads(kernel.run("measure()").printed)
    return descriptors, {name: count for name, count in threads.items() if not name.startswith(POOLS)}


def settled(kernel, limit=None):
    """What is left once it is within `limit`, or stays the same while sleeping tables and ended calls are put away."""
    deadline, found, since = time.monotonic() + 60, None, 0.0
    while time.monotonic() < deadline:
        last, found = found, measured(kernel)
        since = since if found == last else time.monotonic()
        if is_within(found, limit) if limit is not None else time.monotonic() - since > SETTLED_SECONDS:
            break
        time.sleep(0.5)
    return found


def is_within(found, limit):
    """Whether no more threads and descriptors are left, except those of connections that are kept for the next call."""
    (descriptors, threads), (most_descriptors, most_threads) = found, limit
    kept = dict.fromkeys(KEPT, 1)
    return descriptors <= most_descriptors + KEPT_DESCRIPTORS and all(
        count <= max(most_threads.get(name, 0), kept.get(name, 0)) for name, count in threads.items()
    )
