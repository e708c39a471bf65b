"""The tests' own etcd and API server: they may be stopped, restarted, filled with thousands of pods.

It has no kubelet: pods in it run only because their status says so.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from nbcontainer.clusters.connection import Cluster, find_cluster
from nbcontainer.clusters.discovery import POD
from tests.environment import certificates
from tests.environment import cluster_configuration as configuration
from tests.environment.kubernetes_api import Api
from tests.recordings import pod_watch

MOST_WRITES = 100  # per transaction; etcd allows 128


class OwnCluster:
    """One etcd and one API server, in a folder."""

    def __init__(self, folder: Path, programs: Path, pki: certificates.Authority) -> None:
        self._programs = programs
        self._folder = folder
        self.settings = configuration.Settings(
            root=folder, pki=pki, port=_free_port(), etcd_port=_free_ports(2), cni=folder, pause=""
        )
        self.server = f"https://127.0.0.1:{self.settings.port}"
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start etcd or kube-apiserver."""
        arguments = {"etcd": configuration.etcd, "kube-apiserver": configuration.apiserver}[name](self.settings)
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [str(self._programs / name), *arguments], stdout=log, stderr=log, cwd=self._folder
            )

    def up(self) -> None:
        """Start both, and wait until the API server is ready."""
        self.start("etcd")
        self.start("kube-apiserver")
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until the API server reports that it is ready, with its roles and everything it reads from etcd."""
        api = Api(self.server, self.settings.pki)
        deadline = time.monotonic() + 90
        while not api.ready():
            if time.monotonic() > deadline:
                log = (self._folder / "kube-apiserver.log").read_text(errors="replace")[-2000:]
                raise AssertionError(f"the API server is not ready: {log}")
            time.sleep(0.1)

    def stop(self, name: str, first: signal.Signals = signal.SIGTERM) -> None:
        """Stop one of them, and wait until it has exited."""
        process = self._running.pop(name, None)
        if process is not None:
            process.send_signal(first)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def down(self) -> None:
        """Stop both, and remove what they stored."""
        self.stop("kube-apiserver", signal.SIGKILL)
        self.stop("etcd", signal.SIGKILL)
        shutil.rmtree(self._folder / "etcd", ignore_errors=True)

    def kubeconfig(self, user: str = "admin") -> Path:
        """A user's kubeconfig; "viewer" may only read."""
        path = self._folder / f"{user}.conf"
        if not path.exists():
            certificates.kubeconfig(self.settings.pki, path, user, self.server)
        return path

    def cluster(self, user: str = "admin", namespace: str = "") -> Cluster:
        """A client of it."""
        before = os.environ.get("KUBECONFIG")
        os.environ["KUBECONFIG"] = str(self.kubeconfig(user))
        try:
            return find_cluster("", namespace)
        finally:
            if before is None:
                del os.environ["KUBECONFIG"]
            else:
                os.environ["KUBECONFIG"] = before

    def fill(self, namespace: str, count: int) -> None:
        """Make a namespace with many running pods."""
        cluster = self.cluster(namespace=namespace)
        cluster.run(_fill(cluster))
        self.store("pods", [_stored(namespace, f"pod-{number:05}") for number in range(count)])
        deadline = time.monotonic() + 30
        while len(cluster.run(cluster.request("GET", f"{POD.path(namespace)}?resourceVersion=0"))["items"]) < count:
            assert time.monotonic() < deadline, "the API server's cache does not have the pods"
            time.sleep(0.05)

    def store(self, plural: str, documents: Sequence[dict[str, Any]]) -> None:
        """Write objects straight into etcd: thousands of requests to the API server would take minutes.

        The API server reads JSON there, too, and adds the usual defaults.
        """
        url = f"http://127.0.0.1:{self.settings.etcd_port}/v3/kv/txn"
        for start in range(0, len(documents), MOST_WRITES):
            writes = [{"requestPut": _write(plural, one)} for one in documents[start : start + MOST_WRITES]]
            with urllib.request.urlopen(url, json.dumps({"success": writes}).encode(), timeout=60) as answer:
                assert json.load(answer)["succeeded"]


def _write(plural: str, document: dict[str, Any]) -> dict[str, str]:
    """A write to etcd."""
    created = {"uid": str(uuid.uuid4()), "creationTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    metadata = created | document["metadata"]
    key, value = f"/registry/{plural}/{metadata['namespace']}/{metadata['name']}", {**document, "metadata": metadata}
    return {
        "key": base64.b64encode(key.encode()).decode(),
        "value": base64.b64encode(json.dumps(value).encode()).decode(),
    }


async def _fill(cluster: Cluster) -> None:
    meta = {"name": cluster.namespace}
    await cluster.request("POST", "/api/v1/namespaces", body={"metadata": meta})
    account = f"/api/v1/namespaces/{cluster.namespace}/serviceaccounts"
    await cluster.request("POST", account, body={"metadata": {"name": "default"}})


def _pod(name: str) -> dict[str, Any]:
    containers = [{"name": "web", "image": "registry.example/team/web:1.2.3"}]
    labels = {"app": "web", "pod-template-hash": "5d59d67564"}
    return {"metadata": {"name": name, "labels": labels}, "spec": {"containers": containers, "nodeName": "node-1"}}


def _stored(namespace: str, name: str) -> dict[str, Any]:
    """A running pod, as it is in etcd."""
    pod = _pod(name)
    pod["metadata"] |= {"namespace": namespace, "managedFields": _managed_fields()}
    return {"apiVersion": "v1", "kind": "Pod", **pod, "status": _status("Running")}


@cache
def _managed_fields() -> list[dict[str, Any]]:
    """Those of a real pod, which are most of what an API server sends of it."""
    line = next(line for line in pod_watch.lines() if b'"1/1","Running"' in line)
    fields: list[dict[str, Any]] = json.loads(line)["object"]["rows"][0]["object"]["metadata"]["managedFields"]
    return fields


async def make_pod(cluster: Cluster, name: str, phase: str = "Running") -> None:
    """A pod whose status says that it runs on a node."""
    await cluster.request("POST", POD.path(cluster.namespace), body=_pod(name))
    await set_status(cluster, name, phase)


async def set_status(cluster: Cluster, name: str, phase: str, restarts: int = 0) -> None:
    """Write a pod's status, as a kubelet does."""
    await cluster.request(
        "PATCH",
        POD.path(cluster.namespace, name, "status"),
        body={"status": _status(phase, restarts)},
        content_type="application/merge-patch+json",
    )


def _status(phase: str, restarts: int = 0) -> dict[str, Any]:
    started = "2026-11-23T09:00:00Z"
    return {
        "phase": phase,
        "podIP": "10.1.2.3",
        "startTime": started,
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [
            {
                "name": "web",
                "image": "registry.example/team/web:1.2.3",
                "imageID": "",
                "containerID": "containerd://0",
                "ready": phase == "Running",
                "restartCount": restarts,
                "state": {"running": {"startedAt": started}},
            }
        ],
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _free_ports(count: int) -> int:
    """The first of several consecutive free ports."""
    while True:
        first = _free_port()
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
