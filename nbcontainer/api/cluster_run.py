"""Running an image in a pod: `kubectl run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from nbcontainer import clusters, model
from nbcontainer.api.cluster_creator import create_objects
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.errors import UsageError
from nbcontainer.identity import NOTEBOOK_LABEL, notebook_id
from nbcontainer.logs.operation import LogOperation
from nbcontainer.model.changes import Change, Changes
from nbcontainer.model.logs import LogResult
from nbcontainer.model.manifests import Manifests
from nbcontainer.model.pods import PodStart, PodStep
from nbcontainer.model.requests import command_words, refuse_negative
from nbcontainer.operation import Operation
from nbcontainer.protection import changes_unless


class RunVerbs(ClusterHandle):
    """Running an image in a pod."""

    @changes_unless("dry_run")
    def run(
        self,
        name: str,
        image: str,
        *,
        command: Sequence[str] | str = (),
        entrypoint: bool = False,
        environment: Mapping[str, str] | None = None,
        port: int | None = None,
        expose: bool = False,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        pull_policy: str = "",
        restart: str = "Always",
        attach: bool = False,
        remove: bool = False,
        wait: bool = True,
        timeout: float = 60.0,
        dry_run: str = "",
        output: str = "",
    ) -> LogOperation[LogResult] | Operation[PodStep, PodStart, Change] | Change | Changes | Manifests:
        """Run an image in a pod, and wait until it runs: `nbc.cluster().run("web", "web:1", port=8080, expose=True)`.

        Args:
            name: the name of the pod, of its container and of the Service.
            image: the container's image.
            command: what the container runs instead of the image's own command; a text is split as a shell does.
            entrypoint: whether `command` also replaces the image's entrypoint, which would otherwise run it.
            environment: the container's environment variables.
            port: the container's port.
            expose: whether to create a Service for the port, too.
            labels: the labels in place of run=NAME.
            annotations: the pod's annotations.
            pull_policy: "Always", "IfNotPresent", "Never" or "" for the cluster's default.
            restart: the restart policy: "Always", "OnFailure" or "Never".
            attach: follow its output until it ends, and raise its exit code; its restart policy is then "Never", unless
                it is "OnFailure".
            remove: with `attach`: delete the pod in the end.
            wait: whether to wait until it runs, or cannot run.
            timeout: seconds after which it fails if the pod does not run; 0 for never.
            dry_run: "client" or "server": only show what would be created.
            output: "yaml" for the manifests; the pod is then not waited for.

        Raises (also from `result()`):
            UsageError: a Service is wanted, but no port is given; or the pod is to be removed, but not attached to.
            Conflict: a pod or a Service with this name exists already.
            ApiError: it cannot run; `reason` says why, and the pod is not removed.
            CommandFailed: its container exited with a non-zero code.
        """
        refuse_negative(timeout=timeout)
        if expose and port is None:
            raise UsageError("A Service needs a port.", cure="Write `--port=80`.")
        if remove and not attach:
            raise UsageError("A pod that is removed at its end is run for its output.", cure="Add `-i` to `--rm`.")
        request = model.pods.PodRequest(
            name,
            image,
            command=command_words(command),
            environment=environment or {},
            ports=() if port is None else (port,),
            labels=labels or {},
            run_label=not labels,
            annotations=annotations or {},
            pull_policy=pull_policy,
            restart="Never" if attach and restart == "Always" else restart,
            wait=wait,
            timeout=timeout,
            entrypoint=entrypoint,
            expose=expose,
        )
        if not dry_run and not output:
            request = replace(request, labels={**request.labels, NOTEBOOK_LABEL: notebook_id()})
            if attach:
                cluster = self.connect_to_cluster("`run -i`")
                return clusters.attached_run.run(cluster, request, remove=remove)
            return self.connect().create(request)
        made = [model.pods.pod_manifest(request)]
        made += [model.created_services.service_for_pod(made[0])] if expose else []
        words = clusters.pods.run_words(request)
        at = words.index("--") if "--" in words else len(words)
        return create_objects(self, made, words[:at], dry_run=dry_run, output=output, command=words[at + 1 :])
