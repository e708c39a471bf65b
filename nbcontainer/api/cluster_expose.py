"""A Service or an autoscaler for what exists: `expose` and `autoscale`."""

from __future__ import annotations

from collections.abc import Mapping

from nbcontainer import clusters, model
from nbcontainer.api.cluster_creator import create_object
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.model.changes import Change
from nbcontainer.model.manifests import Manifests
from nbcontainer.protection import changes_unless


class ExposeVerbs(ClusterHandle):
    """The verbs that make a Service or an autoscaler for what exists."""

    @changes_unless("dry_run")
    def expose(
        self,
        kind: str,
        name: str = "",
        *,
        port: int | None = None,
        target_port: str = "",
        protocol: str = "",
        service: str = "",
        type: str = "",  # noqa: A002 - Kubernetes' name
        cluster_ip: str = "",
        selector: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        dry_run: str = "",
        output: str = "",
    ) -> Change | Manifests:
        """Create a Service for the pods of a workload, of another Service or for one pod.

        Args:
            kind: its kind, or itself: "deploy/web".
            name: its name, unless `kind` has it.
            port: the Service's port; by default the ports that the containers declare.
            target_port: the pods' port, by number or name; by default `port`.
            protocol: "TCP", "UDP" or "SCTP".
            service: the Service's name; by default that of what it exposes.
            type: "ClusterIP", "NodePort" or "LoadBalancer".
            cluster_ip: its address; "None" for a headless Service.
            selector: the labels of the pods, in place of those that the workload selects.
            labels: the Service's own labels, in place of those of what it exposes.
            dry_run: "client" or "server": only show what would be created.
            output: "yaml" for the manifest.

        Raises:
            NotFound: there is no such object.
            UsageError: it selects no pods by labels, or declares no port and none is given.
            Conflict: the Service exists already.
        """
        found = clusters.exposing.read(self.connect_to_cluster("expose"), kind, name)
        made = clusters.exposing.service_for(
            found.manifest,
            service or found.name,
            port=port,
            target_port=target_port,
            protocol=protocol,
            type=type,
            cluster_ip=cluster_ip,
            selector=selector,
            labels=labels,
        )
        given = {
            "port": port,
            "target-port": target_port,
            "protocol": protocol,
            "name": service,
            "type": type,
            "cluster-ip": cluster_ip,
            "selector": ",".join(f"{key}={value}" for key, value in (selector or {}).items()),
            "labels": ",".join(f"{key}={value}" for key, value in (labels or {}).items()),
        }
        words = ["expose", found.kind, found.name, *(f"--{flag}={value}" for flag, value in given.items() if value)]
        return create_object(self, made, words, dry_run=dry_run, output=output)

    @changes_unless("dry_run")
    def autoscale(
        self,
        kind: str,
        name: str = "",
        *,
        most: int,
        least: int | None = None,
        cpu: str = "",
        memory: str = "",
        autoscaler: str = "",
        dry_run: str = "",
        output: str = "",
    ) -> Change | Manifests:
        """Create a HorizontalPodAutoscaler, which changes how many pods a workload has by what these use.

        Args:
            kind: the workload's kind, or itself: "deploy/web".
            name: its name, unless `kind` has it.
            most: how many pods at most.
            least: how many pods at least; 1 by default.
            cpu: what the pods are to use on average: "70%" of what they request, or "500m".
            memory: likewise: "70%" or "200Mi".
            autoscaler: the autoscaler's name; by default the workload's.
            dry_run: "client" or "server": only show what would be created.
            output: "yaml" for the manifest.

        Raises:
            NotFound: there is no such workload.
            UsageError: a number or an amount is not valid.
            Conflict: the autoscaler exists already.
        """
        found = clusters.exposing.read(self.connect_to_cluster("autoscale"), kind, name)
        made = model.created.autoscaler(
            found.manifest, autoscaler or found.name, most=most, least=least, cpu=cpu, memory=memory
        )
        given = {"max": most, "min": least, "cpu": cpu, "memory": memory, "name": autoscaler}
        words = ["autoscale", found.kind, found.name]
        words += [f"--{flag}={value}" for flag, value in given.items() if value]
        return create_object(self, made, words, dry_run=dry_run, output=output)
