"""Debug containers: `nbc.cluster().debug("web", "ls /proc/1/root")`."""

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
    """The verb that adds debug containers."""

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
        stdin: str | bytes | None = None,
        tty: bool = False,
        timeout: float = 0.0,
        copy_to: str = "",
        set_image: Mapping[str, str] | None = None,
        share_processes: bool = True,
        same_node: bool = False,
        replace: bool = False,
        remove: bool = False,
    ) -> LogOperation[ExecResult]:
        """Run a command in a debug container: `nbc.cluster().debug("web", "ls /proc/1/root")`.

        It sees the processes of the pod's container, whose files are in /proc/1/root; so it also works where that has
        no shell. Without a command the container stays: `exec` with its name runs commands in it.

        Args:
            name: the pod; "deploy/web"; or "node/NAME": a pod in the node's namespaces, with its files in /host.
            command: the command and its arguments; a text is split as a shell does.
            image: its image, which needs a shell; "" for the setting `debug_image`.
            container: its name, "" for a new one; with `copy_to`, the container whose command is replaced.
            target: the container whose processes it sees; "" for the one that `exec` would choose.
            environment: its environment variables.
            profile: what it may do, by kubectl's names: "general", "baseline", "restricted", "netadmin", "sysadmin",
                "legacy".
            pull_policy: as for `pods.create`.
            stdin: the command's standard input; a str is encoded as UTF-8.
            tty: whether to allocate a terminal for the command.
            timeout: seconds after which the command is stopped and fails; 0 for never.
            copy_to: the name of a copy of the pod, without its labels and probes, that gets the container instead.
            set_image: images of the copy's containers, by their names; "*" is all of them.
            share_processes: whether the copy's containers see each other's processes.
            same_node: whether the copy runs on the same node.
            replace: whether the pod is deleted once there is the copy.
            remove: whether the copy, or the pod on the node, is deleted after the command.

        Raises (from `result()`):
            CommandFailed: the command exited with a non-zero code.
            NotFound: there is no such pod, node or container.
            ApiError: the container cannot be started: its image cannot be pulled, or has no shell.
        """
        if profile not in model.debugging.PROFILES:
            raise UsageError(f"There is no profile {profile!r}.", cure=f"One of {', '.join(model.debugging.PROFILES)}.")
        if not copy_to and (set_image or replace or same_node):
            raise UsageError("Only a copy of a pod can be changed.", cure="Name it: `--copy-to=NAME`.")
        command = command_words(command)
        refuse_negative(timeout=timeout)
        if remove and not command:
            raise UsageError("Without a command the container stays.", cure="Give a command, or leave out `--rm`.")
        stdin = None if stdin is None else bytes_from("stdin", stdin)
        cluster = self.connect_to_cluster("debug")
        return clusters.debugging.debug(
            cluster,
            request_of(model.debugging.DebugRequest, locals()),
            model.pods.ExecRequest(name, command, stdin=stdin, tty=tty, timeout=timeout),
            {NOTEBOOK_LABEL: notebook_id()},
        )
