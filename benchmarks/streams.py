"""Bytes to and from a pod: files that are copied, a forwarded port and a command's output, beside kubectl."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.kernel import Kernel
from benchmarks.logs import cluster_to_use
from benchmarks.measuring import Comparison, Program, Target
from benchmarks.written_logs import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.written_logs import Cluster

_POD = "benchmark-streams"
_MEGABYTES = 100
_ROUNDS = 3
_SERVE = f"""
mkdir /tmp/web
head -c {_MEGABYTES}000000 /dev/urandom > /tmp/web/big
exec httpd -f -p 8080 -h /tmp/web
"""
_LOADED = f'import nbcontainer as nbc, urllib.request\ncluster = nbc.cluster(namespace="{NAMESPACE}")'
_FORWARDED = """
with cluster.port_forward("{pod}", ":8080") as port, urllib.request.urlopen(f"http://127.0.0.1:{{port}}/big") as reply:
    while reply.read(1 << 20):
        pass
"""
_KUBECTL_FORWARD = """
"$0" -n "$1" port-forward "$2" :8080 > "$3" &
trap 'kill $!' EXIT
until port=$(sed -n 's/^Forwarding from 127.0.0.1:\\([0-9]*\\).*/\\1/p' "$3") && [ "$port" ]; do sleep 0.02; done
curl -sf -o /dev/null "http://127.0.0.1:$port/big"
"""


def comparisons() -> Iterator[Comparison]:
    """What this file measures.

    Raises:
        MissingError: There is no cluster or no kubectl.
    """
    cluster = cluster_to_use()
    variables = cluster.variables
    with (
        _serving(cluster),
        tempfile.TemporaryDirectory(prefix="benchmark-streams-") as name,
        Kernel(variables) as kernel,
    ):
        kernel.run(_LOADED)
        folder = Path(name)
        local, forwarding = folder / "big", folder / "forwarding"
        there = f"{_POD}:/tmp/web/big"
        command = [cluster.kubectl, "-n", NAMESPACE]
        forward = ["sh", "-c", _KUBECTL_FORWARD, cluster.kubectl, NAMESPACE, f"pod/{_POD}", str(forwarding)]
        pairs = {
            "cp from a pod": (f'cluster.cp("{there}", "{local}").result()', [*command, "cp", there, str(local)]),
            "cp to a pod": (
                f'cluster.cp("{local}", "{_POD}:/tmp/copy").result()',
                [*command, "cp", str(local), f"{_POD}:/tmp/copy"],
            ),
            "port-forward": (_FORWARDED.format(pod=_POD), forward),
            "exec cat": (
                f'cluster.pods.exec("{_POD}", "cat /tmp/web/big").result()',
                [*command, "exec", _POD, "--", "cat", "/tmp/web/big"],
            ),
        }
        for title, (cell, peer) in pairs.items():
            theirs = f"kubectl {title}"
            yield Comparison(
                f"{title}, {_MEGABYTES} MB",
                [kernel.subject(title, cell), Program(theirs, peer, variables).subject()],
                [Target(title, theirs, ratio=1.5)],
                rounds=_ROUNDS,
            )


@contextlib.contextmanager
def _serving(cluster: Cluster) -> Iterator[None]:
    """A pod that has a large file and serves it by HTTP."""
    with cluster.namespace():
        container = {"name": _POD, "image": "busybox", "command": ["sh", "-c", _SERVE]}
        container["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
        spec = {"terminationGracePeriodSeconds": 0, "containers": [container]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": _POD}, "spec": spec}
        cluster.call("apply", "-f", "-", document=pod)
        cluster.call("wait", "--for=condition=Ready", f"pod/{_POD}", "--timeout=120s")
        yield
