"""A recorded watch of a real API server: pods of simulated nodes (KWOK) that come, become ready, change and go.

`python -m tests.recordings.pod_watch`, with the environment's parts kubernetes and kwok up, writes it anew. It begins
and ends with no pods, so that it can be replayed again and again.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbcontainer.clusters.connection import Cluster, find_cluster
from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.tables import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = Path(__file__).parent / "cluster" / "pod-watch.jsonl.gz"
PODS = 150
_NAMESPACE = "recorded"
_NODES = 10
_SECONDS = 60.0
_MERGE = "application/merge-patch+json"
_OPTIONS = {"includeObject": "Metadata"}


def lines() -> list[bytes]:
    """The empty list at which the watch began, then its events, as the API server sent them."""
    return gzip.decompress(FILE.read_bytes()).splitlines()


def _pod(number: int) -> dict[str, Any]:
    application = ("web", "cart", "payments")[number % 3]
    return {
        "metadata": {
            "name": f"{application}-{(number * 7919) % 65536:04x}-{number:05}",
            "labels": {"app": application, "pod-template-hash": f"{application}5d59d6", "tier": "front"},
        },
        "spec": {
            "nodeName": f"simulated-{number % _NODES}",
            "automountServiceAccountToken": False,
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "main", "image": "registry.example/team/web:1.2.3"}],
        },
    }


class _Recorder:
    """Follows the pods of one namespace, and keeps what the API server sends."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.path = POD.path(cluster.namespace)
        self.empty = cluster.call("GET", self.path, parameters=_OPTIONS, accept=TABLE)
        self.lines: list[bytes] = []
        self.phases: dict[str, str] = {}
        threading.Thread(target=lambda: cluster.run(self._follow()), daemon=True).start()

    async def _follow(self) -> None:
        version = self.empty["metadata"]["resourceVersion"]
        parameters = {**_OPTIONS, "watch": "true", "resourceVersion": version}
        async with self._cluster.stream(self.path, parameters=parameters, accept=TABLE) as response:
            async for line in response.content:
                event = json.loads(line)
                (row,) = event["object"]["rows"]
                name, status = row["cells"][0], row["cells"][2]
                self.phases[name] = "gone" if event["type"] == "DELETED" else status
                self.lines.append(line.strip())

    def wait(self, phase: str) -> None:
        """Wait until all pods are in this phase."""
        deadline = time.monotonic() + _SECONDS
        while list(self.phases.values()).count(phase) < PODS:
            assert time.monotonic() < deadline, self.phases
            time.sleep(0.05)


def _record() -> list[bytes]:
    cluster = find_cluster("", _NAMESPACE)
    names = [_pod(number)["metadata"]["name"] for number in range(PODS)]

    def of_each(do: Callable[[int], object]) -> None:
        with ThreadPoolExecutor(8) as pool:
            for done in [pool.submit(do, number) for number in range(PODS)]:
                done.result()

    def change(number: int, restarts: int) -> None:
        path = POD.path(_NAMESPACE, names[number])
        patch = {"metadata": {"annotations": {"team.example/restarts": str(restarts)}}}
        for where, body in (("", patch), ("/status", {"status": {"containerStatuses": [_status(restarts)]}})):
            cluster.run(cluster.request("PATCH", path + where, body=body, content_type=_MERGE))

    cluster.call("POST", "/api/v1/namespaces", body={"metadata": {"name": _NAMESPACE}})
    try:
        recorder = _Recorder(cluster)
        of_each(lambda number: cluster.call("POST", recorder.path, body=_pod(number)))
        recorder.wait("Running")
        for restarts in (1, 2):
            of_each(lambda number: change(number, restarts))  # noqa: B023 - it ends before the next
        of_each(lambda number: cluster.call("DELETE", POD.path(_NAMESPACE, names[number])))
        recorder.wait("gone")
    finally:
        cluster.call("DELETE", f"/api/v1/namespaces/{_NAMESPACE}")
    return [json.dumps(recorder.empty, separators=(",", ":")).encode(), *recorder.lines]


def _status(restarts: int) -> dict[str, Any]:
    return {
        "name": "main",
        "image": "registry.example/team/web:1.2.3",
        "imageID": "",
        "ready": True,
        "restartCount": restarts,
        "state": {"running": {"startedAt": "2026-11-23T09:00:00Z"}},
    }


if __name__ == "__main__":
    recorded = _record()
    FILE.write_bytes(gzip.compress(b"\n".join(recorded), 9, mtime=0))
    print(f"{len(recorded) - 1} events of {PODS} pods, {FILE.stat().st_size / 1000:.0f} kB")  # noqa: T201 - a script
