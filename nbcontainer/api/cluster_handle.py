"""What the verbs of a cluster's handle have in common: which cluster it is, and whether it may be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from nbcontainer import clusters, engines
from nbcontainer.errors import Unsupported
from nbcontainer.model.impersonation import NOBODY_ELSE, Impersonation
from nbcontainer.pods_backend import PodsBackend, find_pods_backend, place_of_pods
from nbcontainer.protection import guard, refuse_moved

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster as Connected
    from nbcontainer.protection import Place


_OF_PODS = {"delete", "describe", "events"}  # verbs that Podman's pods have, too


class ClusterHandle:
    """A Kubernetes cluster and a namespace, or Podman if there is no cluster. Each call looks it up again.

    Its verbs are in classes of their own, a file for each group; `Cluster` has all of them.

    Args:
        context: the kubeconfig's context, as for `cluster`.
        namespace: "" for the context's own.
        impersonation: whom its calls impersonate.
    """

    def __init__(
        self,
        context: str = "",
        namespace: str = "",
        impersonation: Impersonation = NOBODY_ELSE,
        _found: PodsBackend | None = None,
    ) -> None:
        self.context = context
        self.namespace = namespace
        self.impersonation = impersonation
        self._found = _found

    def __repr__(self) -> str:
        """The call that returns it."""
        words = [repr(str(self.context))] if self.context else []
        words += [f"namespace={str(self.namespace)!r}"] if self.namespace else []
        user, groups, uid = self.impersonation.user, self.impersonation.groups, self.impersonation.uid
        given = {"as_user": user, "as_groups": list(groups), "as_uid": uid}
        words += [f"{name}={value!r}" for name, value in given.items() if value]
        return f"nbc.cluster({', '.join(words)})"

    def connect(self) -> PodsBackend:
        """Find it, without sending a request. If the calling method changes something, check protection.

        Raises:
            ClusterUnavailable: the context is incomplete, or no longer leads to the cluster of the table that named
                it; or there is neither a cluster nor Podman.
            Unsupported: a namespace is given but there is only Podman; or the named engine has no pods.
            Protected: the cluster is protected and not named.
        """
        backend = self._found or self._find()
        refuse_moved(place_of_pods(backend), self.context)
        self.guard(place_of_pods(backend))
        if isinstance(backend, clusters.pods_backend.ClusterPods):
            clusters.verification.warn_if_unverified(backend.cluster)
        return backend

    def connect_to_cluster(self, verb: str) -> Connected:
        """The same, for a verb that Podman does not have, such as "scale"; raises as `connect`.

        Raises:
            Unsupported: there is only Podman.
        """
        backend = self.connect()
        if not isinstance(backend, clusters.pods_backend.ClusterPods):
            cure = "It needs a Kubernetes cluster: set KUBECONFIG."
            if verb in _OF_PODS and isinstance(backend, engines.pods_backend.PodmanPods):
                cure = f"For Podman's pods there is {backend.engine.commands.pods(verb)}; other objects need a cluster."
            raise Unsupported(verb, backend.where, cure=cure)
        return backend.cluster

    def at_hand(self) -> Self:
        """The same, but never start an engine; raises as `connect` if none is running."""
        return self.at(self._found or self._find(starts=False))

    def _find(self, *, starts: bool = True) -> PodsBackend:
        return find_pods_backend(self.context, self.namespace, impersonation=self.impersonation, starts=starts)

    def at(self, backend: PodsBackend) -> Self:
        """The same, fixed to where it was found: objects stay in their cluster even if another one is in use now."""
        return type(self)(self.context, self.namespace, self.impersonation, backend)

    def guard(self, place: Place) -> None:
        """Refuse a call that changes the place, if it is protected and not named.

        Raises:
            Protected: it is.
        """
        guard(place, self.context)
