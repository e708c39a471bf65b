"""Lint and completion of YAML, as manifests of Kubernetes are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nbcontainer.errors import Problem
from nbcontainer.language.dockerfile import Completions, Item
from nbcontainer.model.build import SourceMap

__all__ = ["complete_yaml", "lint_yaml"]

_CONTAINER = (
    *("name", "image", "command", "args", "ports", "env", "envFrom", "volumeMounts", "resources", "workingDir"),
    *("imagePullPolicy", "livenessProbe", "readinessProbe", "startupProbe", "securityContext", "lifecycle"),
)
_POD_SPEC = (
    *("containers", "initContainers", "restartPolicy", "volumes", "nodeSelector", "serviceAccountName"),
    *("imagePullSecrets", "hostNetwork", "securityContext", "terminationGracePeriodSeconds", "tolerations"),
)
_FIELDS = {
    (): ("apiVersion", "kind", "metadata", "spec"),
    ("metadata",): ("name", "namespace", "labels", "annotations"),
    ("spec",): _POD_SPEC,
    ("spec", "containers"): _CONTAINER,
    ("spec", "initContainers"): _CONTAINER,
    ("spec", "containers", "ports"): ("containerPort", "hostPort", "name", "protocol"),
    ("spec", "containers", "env"): ("name", "value", "valueFrom"),
    ("spec", "containers", "volumeMounts"): ("name", "mountPath", "readOnly", "subPath"),
    ("spec", "containers", "resources"): ("limits", "requests"),
    ("spec", "volumes"): ("name", "emptyDir", "configMap", "secret", "hostPath", "persistentVolumeClaim"),
}
_VALUES = {
    "apiVersion": ("v1", "apps/v1", "batch/v1", "networking.k8s.io/v1"),
    "kind": ("Pod", "Deployment", "Service", "ConfigMap", "Secret", "Job", "CronJob", "Ingress", "Namespace"),
    "restartPolicy": ("Always", "OnFailure", "Never"),
    "imagePullPolicy": ("Always", "IfNotPresent", "Never"),
    "protocol": ("TCP", "UDP", "SCTP"),
}
_KEY = re.compile(r"^(\s*(?:- +)*)([\w.\-/]+):(?:\s|$)")


def lint_yaml(text: str, source_map: SourceMap | None = None) -> list[Problem]:
    """Faults of a YAML text's form: syntax, keys that stand twice. The lines are the person's own."""
    import yaml  # noqa: PLC0415 - loads when YAML is edited

    own = (source_map or SourceMap()).own
    try:
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line + 1, text.count("\n") + 1) if mark else 1
        message = ", ".join(part for part in (error.problem, error.context) if part) or "this is not YAML"
        tab = "A tab stands there; YAML is indented with spaces." if "\\t" in message else ""
        return [Problem(own(line), message, end_line=own(line), suggestion=tab)]
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        position = getattr(error, "position", 0)
        line = text.count("\n", 0, position if isinstance(position, int) else 0) + 1
        return [Problem(own(line), "this is not YAML: " + str(error).partition("\n")[0], end_line=own(line))]
    problems = []
    for node in nodes:
        for line, key in _repeated(node):
            problems.append(Problem(own(line), f"the key {key} stands twice", end_line=own(line)))
    return sorted(problems, key=lambda problem: problem.line)


def _repeated(root: Any) -> Iterator[tuple[int, str]]:
    """The keys that a mapping has already, with their lines, from 1; aliases are looked at once."""
    waiting, seen_nodes = [root], set()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen_nodes:
            continue
        seen_nodes.add(id(node))
        if node.id == "sequence":
            waiting += node.value
        elif node.id == "mapping":
            seen: set[str] = set()
            for key, value in node.value:
                waiting.append(value)
                if key.id != "scalar":
                    continue
                if key.value in seen and key.value != "<<":
                    yield key.start_mark.line + 1, key.value
                seen.add(key.value)


def complete_yaml(text: str, line: int, column: int) -> Completions:
    """Fields of a Pod, kinds and API versions, by where the cursor's line stands in the tree.

    Args:
        text: the whole text.
        line: the cursor's line, from 1.
        column: the cursor's column, from 0.
    """
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        return Completions(column)
    here = lines[line - 1][:column]
    value = re.match(r"^\s*(?:- +)*([\w.\-/]+): +(\S*)$", here)
    if value is not None:
        items = [Item(each, "value") for each in _VALUES.get(value[1], ()) if each.startswith(value[2])]
        return Completions(value.start(2), tuple(items))
    key = re.match(r"^(\s*(?:- +)*)([\w\-]*)$", here)
    if key is None:
        return Completions(column)
    path = _path(lines[: line - 1], len(key[1]))
    items = [Item(f"{each}:", "key") for each in _FIELDS.get(path, ()) if each.startswith(key[2])]
    return Completions(key.start(2), tuple(items))


def _path(above: list[str], indent: int) -> tuple[str, ...]:
    """The keys under which a line with this indent stands."""
    path: list[str] = []
    for line in reversed(above):
        if line.startswith("---"):
            break
        match = _KEY.match(line)
        if match is None or len(match[1]) >= indent or not line.rstrip().endswith(":"):
            continue
        path.insert(0, match[2])
        indent = len(match[1])
    return tuple(path)
