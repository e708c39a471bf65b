"""The test cluster's metrics API: metrics-server as a process of this machine, reached through a Service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import cluster_configuration as configuration
from . import folders, golang

if TYPE_CHECKING:
    from .cluster_configuration import Settings

NAME = "metrics-server"
GROUP = "metrics.k8s.io"
_SOURCES = folders.SOURCES / "metrics_server"


def binary() -> Path:
    """The program, built once: 150 s."""
    return golang.build(NAME, _SOURCES, "sigs.k8s.io/metrics-server/cmd/metrics-server")


def port() -> int:
    """Where it listens on the bridge."""
    return folders.port("METRICS", 14443)


def arguments(settings: Settings) -> list[str]:
    """metrics-server's arguments. Simulated nodes have the address of the real one, so they are left out."""
    admin = settings.kubeconfig("admin")
    options = {
        "kubeconfig": admin,
        "authentication-kubeconfig": admin,
        "authorization-kubeconfig": admin,
        "bind-address": configuration.NODE_ADDRESS,
        "secure-port": port(),
        "cert-dir": settings.root / "metrics-server",
        "kubelet-certificate-authority": settings.pki.certificate("ca"),
        "kubelet-preferred-address-types": "InternalIP",
        "kubelet-request-timeout": "5s",
        "metric-resolution": "10s",
        "node-selector": "type!=kwok",
    }
    return [f"--{name}={value}" for name, value in options.items()]


def objects() -> dict[str, Any]:
    """The Service, where it is, and the registration of its API: path and document of each object."""
    metadata = {"name": NAME, "namespace": "kube-system"}
    service: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": port()}]},
    }
    endpoints: dict[str, Any] = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**metadata, "labels": {"kubernetes.io/service-name": NAME}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [configuration.NODE_ADDRESS], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "protocol": "TCP", "port": port()}],
    }
    registration: dict[str, Any] = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1beta1.{GROUP}"},
        "spec": {
            "service": metadata,
            "group": GROUP,
            "version": "v1beta1",
            "insecureSkipTLSVerify": True,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
    }
    return {
        f"/api/v1/namespaces/kube-system/services/{NAME}": service,
        f"/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/{NAME}": endpoints,
        f"/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.{GROUP}": registration,
    }
