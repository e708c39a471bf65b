"""Lint and completion of YAML, as manifests of Kubernetes are written."""

from __future__ import annotations

import re

from nbcontainer.errors import Problem, YamlError
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
    """What Kubernetes does not take in a text, and keys that stand twice. The lines are the person's own."""
    from nbcontainer.kubernetes_yaml.documents import read_documents  # noqa: PLC0415 - loads when YAML is edited

    own = (source_map or SourceMap()).own
    try:
        documents = read_documents(text)
    except YamlError as error:
        line = own(error.line)
        return [Problem(line, error.problem, end_line=line, suggestion=error.cure)]
    repeated = sorted(pair for document in documents for pair in document.repeated)
    return [Problem(own(line), f"the key {key} stands twice", end_line=own(line)) for line, key in repeated]


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
