"""KWOK in the test cluster: nodes and pods that only exist in the API, thousands of them within seconds."""

from __future__ import annotations

import concurrent.futures
from pathlib import Path

from . import folders, golang
from .cluster import Kubernetes
from .part import Part, State, Status, say
from .processes import Process, run

NODES = 10
NAMESPACE = "simulated"
_SOURCES = folders.SOURCES / "kwok"
_MARK = {"kwok.x-k8s.io/node": "fake"}
_STAGES = (
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
)
"""What KWOK does to nodes and pods: it has no stages built in, they are in its module's folder."""
_AT_ONCE = 8


class Kwok(Part):
    """The simulator: ten nodes, to which only pods that request them are scheduled."""

    name = "kwok"
    needs = ("kubernetes",)
    builds = True

    def __init__(self) -> None:
        self.cluster = Kubernetes()

    def install(self) -> None:
        self.binary()

    def binary(self) -> Path:
        """The program, built once: 90 s."""
        return golang.build(self.name, _SOURCES, "sigs.k8s.io/kwok/cmd/kwok")

    def stages(self) -> Path:
        """The configuration, put together from the module's folder."""
        target = folders.folder(self.name) / "stages.yaml"
        if not target.exists():
            go = str(golang.toolchain(golang.needed(_SOURCES)))
            work = folders.folder("go", "src", self.name)
            where = run(
                [go, "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"], cwd=work, environment=golang.environment()
            )
            stages = [Path(where.strip(), "kustomize/stage", name).read_text(encoding="utf-8") for name in _STAGES]
            folders.write(target, "\n---\n".join(stages))
        return target

    def process(self) -> Process:
        """The controller."""
        options = {
            "config": self.stages(),
            "kubeconfig": self.cluster.kubeconfig("admin"),
            "manage-all-nodes": "false",
            "manage-nodes-with-annotation-selector": "kwok.x-k8s.io/node=fake",
            "node-lease-duration-seconds": 40,
            "server-address": f"127.0.0.1:{folders.port('KWOK', 10247)}",
            "node-ip": "10.244.0.1",
            "cidr": "10.245.0.0/16",
        }
        home = {"HOME": str(folders.folder(self.name))}
        return Process(self.name, [str(self.binary()), *(f"--{k}={v}" for k, v in options.items())], home)

    def up(self) -> None:
        self.binary()
        with folders.locked(self.name):
            process = self.process()
            api = self.cluster.api()
            process.start()
            for number in range(NODES):
                api.apply(f"/api/v1/nodes/simulated-{number}", _node(f"simulated-{number}"))
            process.wait(lambda: api.node_ready(f"simulated-{NODES - 1}"), 60)

    def down(self) -> None:
        with folders.locked(self.name):
            api = self.cluster.api() if self.cluster.pki.certificate("ca").exists() else None
            if api is not None and api.ready():
                self.remove_pods()
                for number in range(NODES):
                    api.call(f"/api/v1/nodes/simulated-{number}", "DELETE")
            Process(self.name).stop(5)

    def status(self) -> Status:
        if Process(self.name).pid() is None:
            return Status(State.DOWN, "not started")
        if not self.cluster.api().node_ready(f"simulated-{NODES - 1}"):
            return Status(State.DOWN, "the simulated nodes are not ready")
        return Status(State.UP, f"{NODES} simulated nodes, {self.count()} pods")

    def env(self) -> dict[str, str]:
        return {"NBCONTAINER_TEST_SIMULATED_NAMESPACE": NAMESPACE}

    def count(self) -> int:
        """The number of simulated pods."""
        listed = self.cluster.api().call(f"/api/v1/namespaces/{NAMESPACE}/pods?limit=1")
        if not listed:
            return 0
        return len(listed["items"]) + int(listed["metadata"].get("remainingItemCount", 0))

    def running(self) -> int:
        """The number of simulated pods that are running."""
        listed = self.cluster.api().call(f"/api/v1/namespaces/{NAMESPACE}/pods?fieldSelector=status.phase=Running")
        return len(listed["items"]) if listed else 0

    def pods(self, count: int) -> None:
        """Scales to ``count`` simulated pods, all running.

        Raises:
            StartFailed: They do not run after two minutes.
        """
        api = self.cluster.api()
        api.apply(
            f"/api/v1/namespaces/{NAMESPACE}",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        )
        path = f"/api/v1/namespaces/{NAMESPACE}/pods"
        listed = api.call(path) or {"items": []}
        there = {pod["metadata"]["name"] for pod in listed["items"]}
        wanted = {f"simulated-{number:05}" for number in range(count)}
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
            for name in there - wanted:
                pool.submit(api.call, f"{path}/{name}?gracePeriodSeconds=0", "DELETE")
            for name in wanted - there:
                pool.submit(api.call, path, "POST", _pod(name))
        Process(self.name).wait(lambda: self.running() == count, 120)
        say(f"kwok: {count} simulated pods are running in the namespace {NAMESPACE}")

    def remove_pods(self) -> None:
        """Removes the simulated pods."""
        api = self.cluster.api()
        api.call(f"/api/v1/namespaces/{NAMESPACE}/pods?gracePeriodSeconds=0", "DELETE")
        api.call(f"/api/v1/namespaces/{NAMESPACE}", "DELETE")


def _node(name: str) -> dict[str, object]:
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "type": "kwok"}
    capacity = {"cpu": "1000", "memory": "1Ti", "pods": "10000"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "annotations": _MARK, "labels": labels},
        # keeps real pods away
        "spec": {"taints": [{"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}]},
        "status": {"capacity": capacity, "allocatable": capacity},
    }


def _pod(name: str) -> dict[str, object]:
    number = int(name.rpartition("-")[2])
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": f"app-{number % 7}"}},
        "spec": {
            # bound to a node directly: the scheduler handles only 100 pods a second
            "nodeName": f"simulated-{number % NODES}",
            "automountServiceAccountToken": False,
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "main", "image": "busybox:latest"}],
        },
    }
