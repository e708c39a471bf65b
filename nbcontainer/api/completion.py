"""Names for completion, from what answers immediately: no engine is started for it."""

from __future__ import annotations

from collections.abc import Sequence

from nbcontainer import clusters, engines
from nbcontainer.api.cluster import Cluster
from nbcontainer.api.engine import Engine
from nbcontainer.api.nouns import nouns_of
from nbcontainer.errors import NbcontainerError
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.impersonation import NOBODY_ELSE, Impersonation
from nbcontainer.protection import reads
from nbcontainer.user_files import names_beginning
from nbcontainer.verbs.kinds import SPELLINGS


@reads
def context_paths(folder: str, prefix: str, files: Sequence[str] = ()) -> Sequence[str]:
    """The files and folders of a build context that begin with a prefix; folders end in "/".

    Args:
        folder: the build context.
        prefix: the path that is being typed.
        files: the files that are added to it from memory.
    """
    if "://" in folder or ".." in prefix.split("/"):
        return ()
    added = [path for path in files if path.startswith(prefix)]
    request = BuildRequest("", context=folder, files=dict.fromkeys(files, b""))
    return list(dict.fromkeys([*added, *engines.build_ignore.sent(request, names_beginning(prefix, folder or "."))]))


@reads
def known_names(
    kind: str,
    *,
    namespace: str = "",
    context: str = "",
    impersonation: Impersonation = NOBODY_ELSE,
    pod: str = "",
    engine: str = "",
    of_kind: str = "",
) -> Sequence[str]:
    """Names for completion: images, containers, pods, contexts, namespaces … none if nothing answers immediately.

    Args:
        kind: the argument's `completes`: a noun's kind ("volume", "pod" …), "pod-container", "context", "engine" (a
            docker context), "namespace", "node", "role", "clusterrole", "kind" (of a cluster's objects) or "object".
        namespace: the pods' namespace.
        context: the kubeconfig's context.
        impersonation: who is to be offered what they see.
        pod: the pod whose containers are wanted.
        engine: the docker context, or the engine's address.
        of_kind: the kind of the wanted objects.
    """
    handles = (Engine(engine), Cluster(context, namespace, impersonation))
    found: Sequence[str] = ()
    find_cluster = clusters.connection.find_cluster
    try:
        match kind:
            case "pod-container" if pod:
                found = handles[1].at_hand().connect().containers(pod)
            case "context":
                found = sorted(clusters.kubeconfig.contexts()[0]) or [each.name for each in engines.config.contexts()]
            case "engine":
                found = list(dict.fromkeys(each.name for each in engines.config.contexts()))
            case "namespace":
                found = clusters.objects.names(find_cluster(context, "", impersonation), "namespaces")
            case "kind":
                found = clusters.objects.kinds_at_hand(find_cluster(context, "", impersonation)) or list(SPELLINGS)
            case "object":
                found = clusters.objects.names(find_cluster(context, namespace, impersonation), of_kind)
            case "node" | "role" | "clusterrole":
                found = clusters.objects.names(find_cluster(context, namespace, impersonation), f"{kind}s")
            case _:
                found = next((_names(handle, noun) for handle in handles for noun in _nouns(handle, kind)), ())
    except NbcontainerError:
        return ()
    return found


@reads
def known_variables(image: str, *, engine: str = "") -> Sequence[str] | None:
    """The names of the variables that an image sets; None if it is not there, or no engine answers immediately.

    Args:
        image: its name.
        engine: the docker context, or the engine's address.
    """
    try:
        there = engines.connection.engine_at_hand(engine)
        return engines.images.variables(there, image) if there else None
    except NbcontainerError:
        return None


def _nouns(handle: Engine | Cluster, kind: str) -> Sequence[str]:
    return [name for name, noun in nouns_of(type(handle)).items() if noun.kind == kind]


def _names(handle: Engine | Cluster, noun: str) -> Sequence[str]:
    there = handle.at_hand()
    names: Sequence[str] = getattr(there, noun).names() if there else ()
    return names
