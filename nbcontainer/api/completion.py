"""Names for completion, from what answers immediately: no engine is started for it."""

from __future__ import annotations

from collections.abc import Sequence

from nbcontainer import clusters, engines
from nbcontainer.api.cluster import Cluster
from nbcontainer.api.engine import Engine
from nbcontainer.api.nouns import nouns_of
from nbcontainer.errors import NbcontainerError
from nbcontainer.json_objects import entries_of, text_of
from nbcontainer.protection import reads

__all__ = ["known_names"]


@reads
def known_names(kind: str, *, namespace: str = "", context: str = "", pod: str = "", engine: str = "") -> Sequence[str]:
    """Names for completion: images, containers, pods, contexts, namespaces … none if nothing answers immediately.

    Args:
        kind: the argument's `completes`: a noun's kind ("volume", "pod" …), "pod-container", "context", "engine" (a
            docker context) or "namespace".
        namespace: the pods' namespace.
        context: the kubeconfig's context.
        pod: the pod whose containers are wanted.
        engine: the docker context, or the engine's address.
    """
    handles = (Engine(engine), Cluster(context, namespace))
    try:
        match kind:
            case "pod-container" if pod:
                return handles[1].at_hand().connect().containers(pod)
            case "context":
                found = sorted(clusters.kubeconfig.contexts()[0])
                return found or [each.name for each in engines.config.contexts()]
            case "engine":
                return list(dict.fromkeys(each.name for each in engines.config.contexts()))
            case "namespace":
                return _namespaces(context)
            case _:
                return next((_names(handle, noun) for handle in handles for noun in _nouns(handle, kind)), ())
    except NbcontainerError:
        return ()


def _nouns(handle: Engine | Cluster, kind: str) -> Sequence[str]:
    return [name for name, noun in nouns_of(type(handle)).items() if noun.kind == kind]


def _names(handle: Engine | Cluster, noun: str) -> Sequence[str]:
    there = handle.at_hand()
    names: Sequence[str] = getattr(there, noun).names() if there else ()
    return names


def _namespaces(context: str) -> Sequence[str]:
    cluster = clusters.connection.find_cluster(context)
    found = cluster.run(cluster.request("GET", "/api/v1/namespaces"))
    return [text_of(item, "metadata", "name") for item in entries_of(found, "items")]
