"""Names for completion, from what answers at once: no engine is started for it."""

from __future__ import annotations

from collections.abc import Sequence

from nbcontainer import clusters, engines
from nbcontainer.api.cluster import Cluster
from nbcontainer.api.engine import Engine
from nbcontainer.api.nouns import nouns_of
from nbcontainer.errors import NbcontainerError
from nbcontainer.protection import reads

__all__ = ["known_names"]


@reads
def known_names(kind: str, *, namespace: str = "", context: str = "", pod: str = "", engine: str = "") -> Sequence[str]:
    """Names for completion: images, containers, pods, contexts, namespaces … none where nothing answers at once.

    Args:
        kind: what the argument `completes`: a noun's kind ("volume", "pod" …), "pod-container", "context", "namespace".
        namespace: the pods' namespace.
        context: the kubeconfig's context.
        pod: the pod whose containers are asked for.
        engine: the docker context, or the engine's address.
    """
    try:
        match kind:
            case "pod":
                return Cluster(context, namespace).at_hand().pods.names()
            case "pod-container" if pod:
                return Cluster(context, namespace).at_hand().connect().containers(pod)
            case "context":
                found = sorted(clusters.kubeconfig.contexts()[0])
                return found or [each.name for each in engines.config.contexts()]
            case "namespace":
                return _namespaces(context)
            case _:
                return _names_on_engine(kind, engine)
    except NbcontainerError:
        return ()


def _names_on_engine(kind: str, name: str) -> Sequence[str]:
    nouns = {noun.kind: path for path, noun in nouns_of(Engine).items()}
    if kind not in nouns:
        return ()
    there = Engine(name).at_hand()
    if there is None:
        return ()
    found: Sequence[str] = getattr(there, nouns[kind]).names()
    return found


def _namespaces(context: str) -> Sequence[str]:
    cluster = clusters.connection.find_cluster(context)
    found = cluster.run(cluster.request("GET", "/api/v1/namespaces"))
    return [item["metadata"]["name"] for item in found["items"]]
