"""A cluster, as calls name it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from nbcontainer import clusters
from nbcontainer.api.pods import Pods
from nbcontainer.model.build import SourceMap
from nbcontainer.model.changes import Changes
from nbcontainer.pods_backend import PodsBackend, find_pods_backend, place_of_pods
from nbcontainer.protection import changes, changes_unless, guard, refuse_moved

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

    from nbcontainer.protection import Place

__all__ = ["Cluster", "cluster"]


def cluster(context: str = "", namespace: str = "") -> Cluster:
    """A Kubernetes cluster and what is in it: `nbc.cluster("prod", namespace="shop").pods.list()`.

    Args:
        context: the kubeconfig's context; "" for the current one. Where there is no kubeconfig, pods are Podman's, and
            it is a docker context, an address or "podman".
        namespace: "" for the context's own.
    """
    return Cluster(context, namespace)


class Cluster:
    """A Kubernetes cluster in one namespace, or Podman where there is none. It is looked for with each call.

    Args:
        context: the kubeconfig's context, as for `cluster`.
        namespace: "" for the context's own.
    """

    def __init__(self, context: str = "", namespace: str = "") -> None:
        self.context = context
        self.namespace = namespace
        self._found: PodsBackend | None = None

    def __repr__(self) -> str:
        """How it is called."""
        words = [repr(str(self.context))] if self.context else []
        words += [f"namespace={str(self.namespace)!r}"] if self.namespace else []
        return f"nbc.cluster({', '.join(words)})"

    pods = cached_property(Pods)

    @property
    @changes
    def client(self) -> ApiClient:
        """The kubernetes package's own client for it: `CoreV1Api(nbc.cluster().client).list_namespaced_pod("shop")`.

        It reaches the cluster as our own calls do, as the same user. Its calls raise the package's own errors where the
        API server refuses, `ClusterUnavailable` where it breaks off or hangs. Any of them may change something, so that
        a protected cluster has to be named for it. What it makes has no label of the notebook. The namespace is for its
        calls to name.

        Raises:
            ClusterUnavailable: as `connect`.
            Unsupported: there is only Podman; and of the client, what is meant for `kubernetes.stream`.
            Protected: it is protected, and not named.
        """
        return self.connect().client

    @changes_unless("dry_run")
    def apply(
        self,
        text: object,
        *,
        dry_run: bool = False,
        force_conflicts: bool = False,
        source_map: SourceMap = SourceMap(),  # noqa: B008 - it is frozen
    ) -> Changes:
        """Apply YAML on the server: each object is created or changed.

        An object that names another namespace than this cluster was given is an error.

        Args:
            text: one or more YAML documents; or an object of the kubernetes package, or several, such as a `V1Pod` that
                says its `api_version` and `kind`.
            dry_run: only say what would be done.
            force_conflicts: take over fields that others manage.
            source_map: from the text's lines to the user's own, for errors.

        Raises:
            UsageError: the text is not YAML, or no object; with the user's own line.
            Conflict: others manage a field; it names them.
        """
        return Changes(
            self.connect().apply(
                text if isinstance(text, str) else clusters.kubernetes_client.manifests_of(text),
                namespace=self.namespace,
                dry_run=dry_run,
                force_conflicts=force_conflicts,
                source_map=source_map,
            )
        )

    def connect(self) -> PodsBackend:
        """Find it, without asking it anything; where the call that asks changes something, it must not be protected.

        Raises:
            ClusterUnavailable: the context is not whole, or leads elsewhere by now than where a table named it; or
                there is neither a cluster nor a Podman.
            Unsupported: a namespace is named, and there is only Podman; or the engine that is named has no pods.
            Protected: it is protected, and not named.
        """
        backend = self._found or find_pods_backend(self.context, self.namespace)
        refuse_moved(place_of_pods(backend), self.context)
        self.guard(place_of_pods(backend))
        return backend

    def at_hand(self) -> Cluster:
        """The same without an engine being started for it; raises as `connect` where there is none at hand."""
        return self.at(self._found or find_pods_backend(self.context, self.namespace, starts=False))

    def at(self, backend: PodsBackend) -> Cluster:
        """The same where it was found: what came from there is there, whatever the cluster in use is by now."""
        fixed = Cluster(self.context, self.namespace)
        fixed._found = backend
        return fixed

    def guard(self, place: Place) -> None:
        """Refuse a call that changes the place, if it is protected and not named.

        Raises:
            Protected: so it is.
        """
        guard(place, self.context)
