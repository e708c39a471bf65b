"""Creating Services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from nbcontainer import model
from nbcontainer.api.cluster_creator import Creator, Preview, creates
from nbcontainer.model.changes import Change
from nbcontainer.model.manifests import Manifests


class CreateServices(Creator):
    """Creating Services, which select the pods with the label app=NAME.

    In each call, `ports` are "PORT" or "PORT:TARGET", where TARGET is the pods' port, by number or name.
    """

    @creates
    def clusterip_service(
        self,
        name: str,
        ports: Sequence[str] = (),
        *,
        cluster_ip: str = "",
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a Service that is reached from within the cluster.

        Args:
            name: its name, and the value of the label `app` of its pods.
            ports: "PORT" or "PORT:TARGET".
            cluster_ip: its address; "None" for a headless Service, whose name leads to the pods' own addresses.
            **how: `dry_run` and `output`, as in the class.

        Raises:
            UsageError: a port is not valid, or a Service that is not headless has none.
        """
        return self._service("ClusterIP", name, ports, how, cluster_ip=cluster_ip)

    @creates
    def nodeport_service(
        self,
        name: str,
        ports: Sequence[str],
        *,
        node_port: int | None = None,
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a Service that is reached by a port of each node.

        Args:
            name: its name, and the value of the label `app` of its pods.
            ports: "PORT" or "PORT:TARGET".
            node_port: the nodes' port; one of the cluster's choice by default.
            **how: `dry_run` and `output`, as in the class.

        Raises:
            UsageError: a port is not valid, or none is given.
        """
        return self._service("NodePort", name, ports, how, node_port=node_port)

    @creates
    def loadbalancer_service(
        self,
        name: str,
        ports: Sequence[str],
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a Service that is reached through the cloud's load balancer.

        Args:
            name: its name, and the value of the label `app` of its pods.
            ports: "PORT" or "PORT:TARGET".
            **how: `dry_run` and `output`, as in the class.

        Raises:
            UsageError: a port is not valid, or none is given.
        """
        return self._service("LoadBalancer", name, ports, how)

    @creates
    def externalname_service(
        self,
        name: str,
        ports: Sequence[str] = (),
        *,
        external_name: str,
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a Service that is another name for a host.

        Args:
            name: its name, and the value of the label `app` of its pods.
            ports: "PORT" or "PORT:TARGET".
            external_name: the host's name.
            **how: `dry_run` and `output`, as in the class.

        Raises:
            UsageError: a port or the host's name is not valid.
        """
        return self._service("ExternalName", name, ports, how, external_name=external_name)

    def _service(
        self,
        type: str,  # noqa: A002 - Kubernetes' name
        name: str,
        ports: Sequence[str],
        how: Preview,
        *,
        cluster_ip: str = "",
        node_port: int | None = None,
        external_name: str = "",
    ) -> Change | Manifests:
        made = model.created_services.service(
            name, type, ports, cluster_ip=cluster_ip, node_port=node_port, external_name=external_name
        )
        words = ["create", "service", type.lower(), name, *(f"--tcp={port}" for port in ports)]
        words += [f"--clusterip={cluster_ip}"] if cluster_ip else []
        words += [f"--node-port={node_port}"] if node_port else []
        words += [f"--external-name={external_name}"] if external_name else []
        return self._create(made, words, **how)
