"""An Ingress that does not lead to a Service that works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.clusters.why.surroundings import ready_addresses
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of
from nbcontainer.model.why import Evidence, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbcontainer.clusters.why.surroundings import Surroundings
    from nbcontainer.model.commands import ClusterCommands


def explain(found: JsonObject, near: Surroundings, commands: ClusterCommands) -> tuple[list[Finding], str]:
    """Its class, and for each backend: the Service, its port, its endpoints."""
    name = text_of(found, "metadata", "name")
    findings = list(_class(found, name, near, commands))
    services = {text_of(one, "metadata", "name"): one for one in near.services}
    for path, backend in dict(_backends(found)).items():
        service = text_of(backend, "service", "name")
        evidence = (Evidence(path, service),)
        if not service:
            continue
        if service not in services:
            message = f"Ingress {name} leads to the Service {service}, which does not exist."
            cure = f"Create it, or correct its name: {commands.kube('get', 'services')} lists those that exist."
            findings.append(Finding("NoService", message, cure, evidence=evidence))
            continue
        port = object_of(backend, "service", "port")
        wanted = port.get("name") or port.get("number")
        ports = [
            value
            for one in entries_of(services[service], "spec", "ports")
            for value in (one.get("name"), one.get("port"))
        ]
        why = commands.kube("why", f"service/{service}")
        if wanted not in ports:
            has = ", ".join(str(value) for value in ports if value)
            message = f"Ingress {name} leads to port {wanted} of the Service {service}, which has only {has}."
            cure = f"Correct the port: {commands.kube('edit', f'ingress/{name}')}."
            findings.append(Finding("NoSuchPort", message, cure, evidence=evidence))
        elif not ready_addresses(service, near.slices) and text_of(services[service], "spec", "type") != "ExternalName":
            message = f"Ingress {name} leads to the Service {service}, which has no ready endpoints."
            findings.append(Finding("NoEndpoints", message, f"{why} says why.", evidence=evidence))
    addresses = entries_of(found, "status", "loadBalancer", "ingress")
    return findings, "has an address" if addresses else "no address yet"


def _class(found: JsonObject, name: str, near: Surroundings, commands: ClusterCommands) -> Iterator[Finding]:
    wanted = text_of(found, "spec", "ingressClassName")
    if near.classes is None:
        return
    known = [text_of(one, "metadata", "name") for one in near.classes]
    listed = commands.kube("get", "ingressclasses", namespace="")
    evidence = (
        Evidence("spec.ingressClassName", wanted or "none"),
        Evidence("IngressClasses", ", ".join(known) or "none"),
    )
    if wanted and wanted not in known:
        message = f"Ingress {name} is of the class {wanted!r}, which does not exist: nothing serves it."
        yield Finding("NoIngressClass", message, f"Correct it: {listed} lists those that exist.", evidence=evidence)
    elif not wanted and not known:
        message = f"Ingress {name} is served by nothing: the cluster has no Ingress controller."
        yield Finding("NoIngressClass", message, "Install one; it creates an IngressClass.", evidence=evidence)


def _backends(found: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    if default := object_of(found, "spec", "defaultBackend"):
        yield "spec.defaultBackend.service", default
    for rule in entries_of(found, "spec", "rules"):
        for path in entries_of(rule, "http", "paths"):
            yield f"rule {text_of(rule, 'host')}{text_of(path, 'path')}", object_of(path, "backend")
