"""A kubeconfig with two contexts of two clusters: "dev" is the tests' own API server, "prod" the real node."""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path

import yaml

from nbcontainer.clusters.connection import Cluster
from nbcontainer.clusters.discovery import POD
from nbcontainer.errors import ApiError, NotFound


class TwoContexts:
    """The file, and a namespace of the same name in both clusters with a pod "web" in each; "dev" is current."""

    def __init__(self, folder: Path, files: dict[str, Path], clusters: dict[str, Cluster]) -> None:
        self.namespace = f"test-{uuid.uuid4().hex[:8]}"
        self.clusters = {name: cluster.in_namespace(self.namespace) for name, cluster in clusters.items()}
        self.file = folder / "two contexts"
        merged: dict[str, object] = {"apiVersion": "v1", "kind": "Config", "current-context": "dev"}
        for kind in ("contexts", "clusters", "users"):
            merged[kind] = [_entry(name, kind, yaml.safe_load(path.read_text())) for name, path in files.items()]
        self.file.write_text(yaml.safe_dump(merged))
        for name, cluster in self.clusters.items():
            cluster.run(cluster.request("POST", "/api/v1/namespaces", body={"metadata": {"name": self.namespace}}))
            account = {"metadata": {"name": "default"}}  # no controller makes it there
            with suppress(ApiError):
                path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts"
                cluster.run(cluster.request("POST", path, body=account))
            self.make("web", name)

    def make(self, pod: str, context: str) -> None:
        """Make a pod in one of the clusters."""
        cluster = self.clusters[context]
        container = {"name": "main", "image": "busybox", "args": ["sh", "-c", f"echo {context}; sleep 600"]}
        spec = {"containers": [container], "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0}
        body = {"metadata": {"name": pod, "labels": {"of": context}}, "spec": spec}
        cluster.run(cluster.request("POST", POD.path(self.namespace), body=body))

    def has(self, pod: str, context: str) -> bool:
        """Whether the pod is in that cluster and is not terminating."""
        cluster = self.clusters[context]
        try:
            found = cluster.run(cluster.request("GET", POD.path(self.namespace, pod)))
        except NotFound:
            return False
        return "deletionTimestamp" not in found["metadata"]

    def remove(self) -> None:
        """Remove the namespace from both."""
        for cluster in self.clusters.values():
            with suppress(ApiError):
                cluster.run(cluster.request("DELETE", f"/api/v1/namespaces/{self.namespace}"))


def _entry(name: str, kind: str, document: dict) -> dict:
    """The first entry of a kind, under a name of ours."""
    entry = document[kind][0][kind[:-1]]
    return {"name": name, kind[:-1]: {"cluster": name, "user": name} if kind == "contexts" else entry}
