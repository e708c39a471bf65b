"""Debugging pods and nodes from a container of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nbcontainer import clusters, model
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.errors import UsageError
from nbcontainer.identity import NOTEBOOK_LABEL, notebook_id
from nbcontainer.model.requests import bytes_from, command_words, refuse_negative, request_of
from nbcontainer.protection import changes

if TYPE_CHECKING:
    from nbcontainer.logs.operation import LogOperation
    from nbcontainer.model.pods import ExecResult


class DebugVerbs(ClusterHandle):
    """The verb that debugs."""

    @changes
    def debug(
        self,
        name: str,
        command: Sequence[str] | str = (),
        *,
        image: str = "",
        container: str = "",
        target: str = "",
        environment: Mapping[str, str] | None = None,
        profile: str = "general",
        pull_policy: str = "",
        copy_to: str = "",
        set_image: Mapping[str, str] | None = None,
        share_processes: bool = True,
        same_node: bool = False,
        replace: bool = False,
        stdin: str | bytes | None = None,
        timeout: float = 0.0,
    ) -> LogOperation[ExecResult]:
        """Run a command in a container for debugging: `nbc.cluster().debug("web", "ps", target="web").result()`.

        A pod gets an ephemeral container, which helps where its own image has no shell; with `target`, that container's
        files are in /proc/1/root. The container stays for further commands, and ends with its pod or after a day.
        A node gets a pod that sees its processes, its network and, in /host, its files; it is removed afterwards, if
        there was a command.

        Args:
            name: the pod, what has pods ("deploy/web"), or "node/NAME".
            command: the command and its arguments; a text is split as a shell does. Without one, the container is only
                started.
            image: the container's image, which needs `sleep`; "" for the setting `debug_image`.
            container: its name; with `copy_to`, it may be one of the pod's, whose command and image are replaced in the
                copy.
            target: the container of the pod whose processes it sees.
            environment: its environment variables.
            profile: what it may do: "general", "baseline", "restricted", "netadmin" or "sysadmin".
            pull_policy: "Always", "IfNotPresent", "Never" or "" for the cluster's default.
            copy_to: the name of a copy of the pod, which gets the container in place of the pod.
            set_image: other images in the copy, by their containers' names; "*" for all.
            share_processes: whether the copy's containers see each other's processes.
            same_node: whether the copy is put on the pod's node.
            replace: whether the pod is deleted once it has been copied.
            stdin: the command's standard input; a str is encoded as UTF-8.
            timeout: seconds after which it is stopped and fails; 0 for never.

        Raises (also from `result()`):
            CommandFailed: the command ended with a non-zero code.
            NotFound: there is no such pod, container or node.
            ApiError: the container does not start.
            UsageError: arguments that do not go together, or no such profile.
        """
        command = command_words(command)
        refuse_negative(timeout=timeout)
        stdin = None if stdin is None else bytes_from("stdin", stdin)
        request = request_of(model.debugging.DebugRequest, locals())
        if profile not in (known := model.debugging.PROFILES):
            raise UsageError(f"`--profile` is one of {', '.join(known)}, not {profile!r}.")
        if not copy_to and (replace or same_node or set_image):
            raise UsageError("That is for a copy of the pod.", cure="Give the copy a name: `--copy-to=NAME`.")
        if target and (copy_to or request.node):
            raise UsageError(
                "`--target` is for a pod that runs.", cure="The containers of a copy see each other's processes."
            )
        cluster = self.connect_to_cluster("debug")
        return clusters.debugging.debug(cluster, request, {NOTEBOOK_LABEL: notebook_id()})
