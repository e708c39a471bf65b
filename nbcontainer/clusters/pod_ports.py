"""The number of a port that is named in a pod or a Service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer import existence
from nbcontainer.json_objects import JsonObject, entries_of, text_of, value_of

if TYPE_CHECKING:
    from nbcontainer.clusters.ready_pods import PodTarget


def wanted_port(target: PodTarget, word: str) -> str:
    """The pods' port that a word means: a Service's leads to another one, by its number or its name.

    Raises:
        NotFound: the Service has no such port.
    """
    if target.resource.kind != "Service":
        return word
    ports = entries_of(target.found, "spec", "ports")
    for port in ports:
        if word in {str(value_of(port, "port")), text_of(port, "name")}:
            return str(value_of(port, "targetPort") or value_of(port, "port"))
    known = ", ".join(_words(port, "port") for port in ports)
    raise existence.not_found("port", word, f"the {target.title}", cure=f"It has: {known}." if known else "")


def number_in(pod: JsonObject, word: str, target: PodTarget) -> int:
    """A port of a pod as a number.

    Raises:
        NotFound: no container has a port of this name.
    """
    if word.isdecimal():
        return int(word)
    kinds = ("containers", "initContainers")
    ports = [port for kind in kinds for one in entries_of(pod, "spec", kind) for port in entries_of(one, "ports")]
    for port in ports:
        number = value_of(port, "containerPort")
        if text_of(port, "name") == word and isinstance(number, int):
            return number
    known = ", ".join(_words(port, "containerPort") for port in ports)
    cure = f"Its containers have: {known}." if known else "Its containers name no ports: give the number."
    raise existence.not_found("port", word, target.title, cure=cure)


def _words(port: JsonObject, key: str) -> str:
    name = text_of(port, "name")
    return f"{value_of(port, key)}" + (f" ({name})" if name else "")
