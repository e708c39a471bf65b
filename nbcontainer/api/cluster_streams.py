"""Connections to pods: forwarded ports, and files that are copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from nbcontainer import clusters
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.api.forwarding import PortForward, PortForwards, stop_same
from nbcontainer.errors import UsageError
from nbcontainer.model.copying import CopyRequest
from nbcontainer.model.forwarding import ForwardRequest, PortPair
from nbcontainer.model.requests import refuse_negative
from nbcontainer.protection import changes

if TYPE_CHECKING:
    from nbcontainer.model.copying import Copying, CopyResult, CopyStep
    from nbcontainer.operation import Operation


class StreamVerbs(ClusterHandle):
    """The verbs that connect to pods."""

    @overload
    def port_forward(self) -> PortForwards: ...

    @overload
    def port_forward(
        self, target: str, *ports: int | str, address: str = "127.0.0.1", timeout: float = 60.0
    ) -> PortForward: ...

    @changes
    def port_forward(
        self, target: str = "", *ports: int | str, address: str = "127.0.0.1", timeout: float = 60.0
    ) -> PortForward | PortForwards:
        """Forward ports of a pod to this machine: `nbc.cluster().port_forward("svc/web", 80).url`.

        It goes on in the background until its `stop()`, or until the kernel ends. If the pod is replaced, new
        connections go to the next one. The same call again replaces it. Without a target: those that are open.

        Args:
            target: a pod, or what has pods: "web", "deploy/web", "svc/web".
            *ports: each is a number, the pod's port (a Service's own), which any free local port is forwarded to; or
                in kubectl's words: "8080" is the same port on both sides, "5000:80", ":80" picks a free local one;
                a pod's port may be a name.
            address: where to listen, or several with commas; "0.0.0.0" lets other machines in.
            timeout: seconds to wait for a pod that runs.

        Raises:
            NotFound: there is no such object, or it has no such port.
            UsageError: the local port is in use; or the object has no pods.
            ApiError: none of its pods runs.
        """
        if not target:
            return PortForwards.all()
        refuse_negative(timeout=timeout)
        addresses = tuple("127.0.0.1" if one == "localhost" else one for one in address.split(","))
        pairs = tuple(map(_pair, ports))
        if not pairs:
            raise UsageError(f"Which port of {target}?", cure=f"Such as `%kube port-forward {target} 8080`.")
        cluster = self.connect_to_cluster("port-forward")
        request = ForwardRequest(target, pairs, addresses, cluster.namespace, timeout)
        key = (cluster.context, cluster.server, request)
        stop_same(key)
        operation = clusters.forwarding.forward(cluster, request)
        words = [target, *map(str, pairs)]
        words += [f"--address={address}"] if addresses != ("127.0.0.1",) else []
        return PortForward(operation, cluster.commands.kubectl("port-forward", *words), key)

    @changes
    def cp(
        self, source: str, target: str, *, container: str = "", image: str = ""
    ) -> Operation[CopyStep, Copying, CopyResult]:
        """Copy a file or a folder to or from a pod: `nbc.cluster().cp("web:/etc/hosts", "hosts")`.

        A folder that exists already gets it under its own name. The container needs tar, as for `kubectl cp`. Nothing
        is written outside the target: what would be is left out, and said in the result's `notes`.

        Args:
            source: a path on this machine, or POD:PATH or NAMESPACE/POD:PATH for one in a container.
            target: the same; one of the two is in a container.
            container: which container of the pod.
            image: of a container for debugging, such as "busybox", which is added to the pod and whose tar is used: for
                a container that has no tar.

        Raises (also from `result()`):
            UsageError: not exactly one of them is in a container; or there is no such file on this machine.
            NotFound: there is no such pod, container or file.
            Unsupported: the container has no tar; the error says the way out.
        """
        (pod, inside), upload = _in_pod(target), True
        if not pod:
            (pod, inside), upload = _in_pod(source), False
        if not pod or (upload and _in_pod(source)[0]):
            raise UsageError(
                "cp copies between a pod and this machine.",
                cure="Write one of the two as POD:/PATH, the other as a path.",
            )
        namespace, _, name = pod.rpartition("/")
        cluster = self.connect_to_cluster("cp").in_namespace(namespace)
        local = source if upload else target
        return clusters.copying.copy(
            cluster, CopyRequest(name, inside, local, upload, container=container, image=image)
        )


def _in_pod(word: str) -> tuple[str, str]:
    """The pod and the path that a word means; a pod of "" is this machine."""
    pod, colon, path = word.partition(":")
    is_local = not colon or not pod or pod[0] in "./~" or pod.count("/") > 1
    return ("", word) if is_local else (pod, path or ".")


def _pair(word: int | str) -> PortPair:
    """The ports that a word means.

    Raises:
        UsageError: it is not valid.
    """
    if isinstance(word, int):
        local, remote = "0", str(word)
    elif ":" in word:
        local, _, remote = word.partition(":")
    else:
        local = remote = word
        if not word.isdecimal():  # a name: kubectl looks its number up, and a free port is as good
            local = "0"
    number = int(local or 0) if (local or "0").isdecimal() else -1
    if not remote or number not in range(65536) or (remote.isdecimal() and int(remote) not in range(1, 65536)):
        raise UsageError(f"{word!r} is not a valid port.", cure="8080, 5000:80, or :80 for any free local port.")
    return PortPair(number, remote)
