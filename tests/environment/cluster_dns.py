"""The test cluster's DNS: CoreDNS as a process of this machine, which the pods reach through a Service."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import cluster_configuration as configuration
from . import folders, golang

if TYPE_CHECKING:
    from .cluster_configuration import Settings

NAME = "coredns"
_RESOLVER = Path("/etc/resolv.conf")


def binary() -> Path:
    """The program, built once: 80 s."""
    return golang.build(NAME, folders.SOURCES / NAME)


def port() -> int:
    """Where it listens on the bridge: port 53 may be the machine's own resolver's."""
    return folders.port("COREDNS", 15353)


def arguments(settings: Settings) -> list[str]:
    """CoreDNS's arguments; writes its configuration. Other names go to the machine's own resolver, if it has one."""
    domain = configuration.CLUSTER_DOMAIN
    has_resolver = _RESOLVER.is_file() and re.search(r"^nameserver\s", _RESOLVER.read_text("utf-8"), re.MULTILINE)
    text = f"""\
.:{port()} {{
  bind {configuration.NODE_ADDRESS}
  errors
  kubernetes {domain} in-addr.arpa ip6.arpa {{
    kubeconfig {settings.kubeconfig("viewer")}
    fallthrough in-addr.arpa ip6.arpa
    ttl 1
  }}
  {f"forward . {_RESOLVER}" if has_resolver else ""}
}}
"""
    return ["-conf", str(folders.write(settings.root / "Corefile", text))]


def objects() -> dict[str, Any]:
    """The Service at the address that the kubelet writes into each pod: path and document of each object."""
    ports = [("dns", "UDP"), ("dns-tcp", "TCP")]
    service: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
        "spec": {
            "clusterIP": configuration.DNS_ADDRESS,
            "ports": [
                {"name": name, "protocol": protocol, "port": 53, "targetPort": port()} for name, protocol in ports
            ],
        },
    }
    endpoints: dict[str, Any] = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kube-dns",
            "namespace": "kube-system",
            "labels": {"kubernetes.io/service-name": "kube-dns"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [configuration.NODE_ADDRESS]}],
        "ports": [{"name": name, "protocol": protocol, "port": port()} for name, protocol in ports],
    }
    return {
        "/api/v1/namespaces/kube-system/services/kube-dns": service,
        "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/kube-dns": endpoints,
    }


def answers() -> bool:
    """Whether it knows the API server's own Service."""
    name = b"".join(
        bytes([len(word)]) + word.encode()
        for word in f"kubernetes.default.svc.{configuration.CLUSTER_DOMAIN}".split(".")
    )
    query = b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + b"\x00\x00\x01\x00\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1)
        try:
            asking.sendto(query, (configuration.NODE_ADDRESS, port()))
            reply = asking.recv(512)
        except OSError:
            return False
    return reply.endswith(socket.inet_aton(configuration.SERVICE_ADDRESS))
