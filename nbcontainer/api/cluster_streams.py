"""Connections to pods: forwarded ports."""

from __future__ import annotations

from typing import overload

from nbcontainer import clusters
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.api.forwarding import PortForward, PortForwards, stop_same
from nbcontainer.errors import UsageError
from nbcontainer.model.forwarding import ForwardRequest, PortPair
from nbcontainer.model.requests import refuse_negative
from nbcontainer.protection import changes


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
            raise UsageError(f"Which port of {target}?", cure=f'nbc.cluster().port_forward("{target}", 8080)')
        cluster = self.connect_to_cluster("port-forward")
        request = ForwardRequest(target, pairs, addresses, cluster.namespace, timeout)
        key = (cluster.context, cluster.server, request)
        stop_same(key)
        operation = clusters.forwarding.forward(cluster, request)
        words = [target, *map(str, pairs)]
        words += [f"--address={address}"] if addresses != ("127.0.0.1",) else []
        return PortForward(operation, cluster.commands.kubectl("port-forward", *words), key)


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
