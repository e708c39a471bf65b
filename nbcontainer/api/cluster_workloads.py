"""The verbs of workloads: scale, rollout and set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from nbcontainer import clusters
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.model.changes import Changes
from nbcontainer.model.requests import refuse_negative
from nbcontainer.model.results import Description, Report
from nbcontainer.model.tables import Table
from nbcontainer.operation import Operation
from nbcontainer.protection import changes, changes_unless, reads

if TYPE_CHECKING:
    from nbcontainer.model.workloads import WorkloadProgress, WorkloadStep


class Rollout:
    """Rollouts of Deployments, DaemonSets and StatefulSets: `nbc.cluster().rollout.undo("deploy/web")`."""

    def __init__(self, cluster: ClusterHandle) -> None:
        self._cluster = cluster

    def __repr__(self) -> str:
        """The call that returns it."""
        return f"{self._cluster!r}.rollout"

    @reads
    def status(
        self, *names: str, selector: str = "", wait: bool = True, revision: int = 0, timeout: float = 0.0
    ) -> Operation[WorkloadStep, WorkloadProgress, Report]:
        """Follow rollouts until they are complete; the state says which pods are not ready.

        Args:
            *names: "deploy/web", or a kind and names.
            selector: objects of the kind with these labels.
            wait: whether to wait; otherwise the present status is the result.
            revision: fail if the Deployment is at another revision; 0 for any.
            timeout: seconds after which it fails; 0 for never.

        Raises (also from `result()`):
            UsageError: the kind has no rollouts.
            NotFound: an object does not exist.
            ApiError: the rollout has failed, or takes longer than `timeout`.
        """
        refuse_negative(timeout=timeout)
        cluster = self._cluster.connect_to_cluster("rollout status")
        return clusters.rollouts.status(
            cluster, names, selector=selector, wait=wait, revision=revision, timeout=timeout
        )

    @reads
    def history(self, *names: str, selector: str = "", revision: int = 0) -> Table | Description:
        """The revisions of a workload with their causes and images, oldest first.

        Args:
            *names: "deploy/web", or a kind and a name.
            selector: the object with these labels.
            revision: the details of this revision; 0 for a table of all.

        Raises:
            NotFound: the object does not exist, or has no such revision.
        """
        cluster = self._cluster.connect_to_cluster("rollout history")
        return clusters.rollouts.history(cluster, names, selector=selector, revision=revision)

    @changes_unless("dry_run")
    def undo(self, *names: str, selector: str = "", to_revision: int = 0, dry_run: str = "") -> Changes:
        """Roll workloads back to an earlier revision.

        Args:
            *names: "deploy/web", or a kind and names.
            selector: objects of the kind with these labels.
            to_revision: the revision; 0 for the previous one.
            dry_run: "client" or "server": only show what would be done.

        Raises:
            NotFound: an object does not exist, or has no such revision.
            ApiError: the Deployment is paused.
        """
        cluster = self._cluster.connect_to_cluster("rollout undo")
        return clusters.rollouts.undo(cluster, names, selector=selector, to_revision=to_revision, dry_run=dry_run)

    @changes
    def restart(self, *names: str, selector: str = "") -> Changes:
        """Replace all pods of workloads, one after another, as their update strategy says.

        Args:
            *names: "deploy/web", or a kind and names.
            selector: objects of the kind with these labels.

        Raises:
            NotFound: an object does not exist.
            ApiError: the Deployment is paused.
        """
        cluster = self._cluster.connect_to_cluster("rollout restart")
        return clusters.rollouts.restart(cluster, names, selector=selector)

    @changes
    def pause(self, *names: str, selector: str = "") -> Changes:
        """Pause Deployments: changes of their pods wait until they are resumed.

        Args:
            *names: "deploy/web", or a kind and names.
            selector: objects of the kind with these labels.

        Raises:
            NotFound: an object does not exist.
        """
        return clusters.rollouts.pause(self._cluster.connect_to_cluster("rollout pause"), names, selector=selector)

    @changes
    def resume(self, *names: str, selector: str = "") -> Changes:
        """Resume paused Deployments.

        Args:
            *names: "deploy/web", or a kind and names.
            selector: objects of the kind with these labels.

        Raises:
            NotFound: an object does not exist.
        """
        return clusters.rollouts.resume(self._cluster.connect_to_cluster("rollout resume"), names, selector=selector)


class Set:
    """Changes of workloads' containers: `nbc.cluster().set.image("deploy/web", "web=web:2")`."""

    def __init__(self, cluster: ClusterHandle) -> None:
        self._cluster = cluster

    def __repr__(self) -> str:
        """The call that returns it."""
        return f"{self._cluster!r}.set"

    @changes_unless("dry_run")
    def image(
        self,
        *names: str,
        selector: str = "",
        all: bool = False,  # noqa: A002 - kubectl's own flag
        dry_run: str = "",
    ) -> Changes:
        """Set the images of containers.

        Args:
            *names: "deploy/web", or a kind and names; then "CONTAINER=IMAGE", where "*" is every container.
            selector: objects of the kind with these labels.
            all: all objects of the kind in the namespace.
            dry_run: "client" or "server": only show what would be done.

        Raises:
            UsageError: no image is given, or an object has no such container.
            NotFound: an object does not exist.
        """
        cluster = self._cluster.connect_to_cluster("set image")
        return clusters.pod_templates.set_images(cluster, names, selector=selector, all=all, dry_run=dry_run)

    @changes_unless("dry_run")
    def env(
        self,
        *names: str,
        source: str = "",
        prefix: str = "",
        keys: Sequence[str] = (),
        containers: str = "*",
        overwrite: bool = True,
        selector: str = "",
        all: bool = False,  # noqa: A002 - kubectl's own flag
        dry_run: str = "",
    ) -> Changes:
        """Set or remove environment variables of containers.

        Args:
            *names: "deploy/web", or a kind and names; then "NAME=VALUE", or "NAME-" to remove it.
            source: "configmap/NAME" or "secret/NAME", whose keys become variables.
            prefix: what their names begin with.
            keys: only these keys.
            containers: the containers' name, in which "*" stands for any characters.
            overwrite: whether a variable may exist already.
            selector: objects of the kind with these labels.
            all: all objects of the kind in the namespace.
            dry_run: "client" or "server": only show what would be done.

        Raises:
            UsageError: no variable is given, or it exists and may not be overwritten.
            NotFound: an object does not exist.
        """
        return clusters.pod_templates.set_environment(
            self._cluster.connect_to_cluster("set env"),
            names,
            source=source,
            prefix=prefix,
            keys=keys,
            containers=containers,
            overwrite=overwrite,
            selector=selector,
            all=all,
            dry_run=dry_run,
        )

    @changes_unless("dry_run")
    def resources(
        self,
        *names: str,
        limits: Mapping[str, str] | None = None,
        requests: Mapping[str, str] | None = None,
        containers: str = "*",
        selector: str = "",
        all: bool = False,  # noqa: A002 - kubectl's own flag
        dry_run: str = "",
    ) -> Changes:
        """Set the resources that containers may use (limits) and are sure to get (requests).

        Args:
            *names: "deploy/web", or a kind and names.
            limits: such as {"cpu": "200m", "memory": "512Mi"}.
            requests: the same.
            containers: the containers' name, in which "*" stands for any characters.
            selector: objects of the kind with these labels.
            all: all objects of the kind in the namespace.
            dry_run: "client" or "server": only show what would be done.

        Raises:
            UsageError: neither is given.
            NotFound: an object does not exist.
        """
        return clusters.pod_templates.set_resources(
            self._cluster.connect_to_cluster("set resources"),
            names,
            limits=limits or {},
            requests=requests or {},
            containers=containers,
            selector=selector,
            all=all,
            dry_run=dry_run,
        )


class WorkloadVerbs(ClusterHandle):
    """The verbs of a cluster's workloads."""

    rollout = cached_property(Rollout)
    set = cached_property(Set)

    @changes_unless("dry_run")
    def scale(
        self,
        *names: str,
        replicas: int,
        current_replicas: int | None = None,
        resource_version: str = "",
        selector: str = "",
        all: bool = False,  # noqa: A002 - kubectl's own flag
        wait: bool = True,
        timeout: float = 0.0,
        dry_run: str = "",
    ) -> Operation[WorkloadStep, WorkloadProgress, Changes]:
        """Set the number of replicas, and wait until they are there: `nbc.cluster().scale("deploy/web", replicas=3)`.

        Args:
            *names: "deploy/web", or a kind and names; of any kind with a scale subresource.
            replicas: how many there should be.
            current_replicas: scale only what has that many; None for any number.
            resource_version: scale only what is at this version.
            selector: objects of the kind with these labels.
            all: all objects of the kind in the namespace.
            wait: whether to wait until the replicas are ready, or gone.
            timeout: seconds after which it fails if they are not; 0 for never.
            dry_run: "client" or "server": only show what would be done.

        Raises (also from `result()`):
            UsageError: the kind cannot be scaled.
            NotFound: an object does not exist.
            Conflict: it does not have `current_replicas`, or `resource_version`; it is then not scaled.
        """
        refuse_negative(timeout=timeout, replicas=replicas)
        return clusters.scaling.scale(
            self.connect_to_cluster("scale"),
            names,
            replicas,
            selector=selector,
            all=all,
            current_replicas=current_replicas,
            resource_version=resource_version,
            wait=wait,
            timeout=timeout,
            dry_run=dry_run,
        )
