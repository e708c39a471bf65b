"""What reads an API server's objects, given each of them with one value replaced by nonsense."""

import pytest

from nbcontainer.clusters.columns import Decoder
from nbcontainer.clusters.discovery import _from_aggregated
from nbcontainer.clusters.events import event_row
from nbcontainer.clusters.label_selectors import selector_text
from nbcontainer.clusters.log_sources import (
    chosen_containers,
    container_status,
    default_container,
    source_name,
)
from nbcontainer.clusters.pod_sections import pod_sections
from nbcontainer.clusters.pod_status import pod_status
from nbcontainer.clusters.reflector import check_page
from nbcontainer.clusters.refusals import fixed_fields, invalid_words, is_fixed
from nbcontainer.clusters.why.pod_rules import trouble
from nbcontainer.errors import ApiError
from nbcontainer.model.logs import LogRequest
from tests.nonsense import changed

CONTAINER = {
    "name": "main",
    "image": "busybox",
    "command": ["sh", "-c"],
    "args": ["true"],
    "ports": [{"containerPort": 80, "protocol": "TCP", "hostPort": 8080}],
    "env": [
        {"name": "A", "value": "1"},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ],
    "envFrom": [{"secretRef": {"name": "s"}}],
    "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": True}],
    "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}},
    "livenessProbe": {"httpGet": {"scheme": "HTTP", "host": "h", "port": 80, "path": "/"}},
    "readinessProbe": {"exec": {"command": ["true"]}},
    "startupProbe": {"tcpSocket": {"host": "h", "port": 80}},
}
ENDED = {"terminated": {"exitCode": 1, "reason": "Error", "message": "m", "startedAt": "2026-01-01T00:00:00Z"}}
POD = {
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "uid": "u",
        "labels": {"app": "web"},
        "annotations": {"kubectl.kubernetes.io/default-container": "main"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web-1"}],
    },
    "spec": {
        "containers": [CONTAINER],
        "initContainers": [{"name": "first", "image": "busybox"}],
        "volumes": [{"name": "v", "secret": {"secretName": "s"}}],
        "tolerations": [{"key": "k", "value": "v", "effect": "NoExecute", "tolerationSeconds": 300}],
        "nodeSelector": {"disk": "ssd"},
        "restartPolicy": "Always",
    },
    "status": {
        "phase": "Running",
        "podIPs": [{"ip": "10.0.0.1"}],
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "m"}],
        "containerStatuses": [
            {
                "name": "main",
                "image": "busybox",
                "ready": True,
                "restartCount": 2,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "m"}},
                "lastState": ENDED,
            }
        ],
        "initContainerStatuses": [{"name": "first", "state": ENDED, "lastState": ENDED}],
    },
}
EVENT = {
    "metadata": {"name": "web.1", "namespace": "shop", "uid": "e", "creationTimestamp": "2026-01-01T00:00:00Z"},
    "involvedObject": {"kind": "Pod", "name": "web"},
    "type": "Warning",
    "reason": "BackOff",
    "message": "m",
    "count": 2,
    "series": {"count": 3, "lastObservedTime": "2026-01-01T00:00:00Z"},
    "source": {"component": "kubelet"},
    "firstTimestamp": "2026-01-01T00:00:00Z",
    "lastTimestamp": "2026-01-01T00:00:00Z",
}
PAGE = {
    "metadata": {"resourceVersion": "1", "continue": "t"},
    "columnDefinitions": [
        {"name": "Name", "type": "string", "priority": 0},
        {"name": "Status", "type": "string", "priority": 0},
        {"name": "Age", "type": "string", "priority": 0},
    ],
    "rows": [
        {
            "cells": ["web", "Running", "5m"],
            "object": {
                "metadata": {
                    "name": "web",
                    "namespace": "shop",
                    "labels": {"app": "web"},
                    "creationTimestamp": "2026-01-01T00:00:00Z",
                }
            },
        }
    ],
}
STATUS = {
    "reason": "Invalid",
    "message": "m",
    "code": 422,
    "details": {
        "kind": "Pod",
        "name": "web",
        "causes": [{"field": "spec.containers", "reason": "Invalid", "message": 'Invalid value: "A": m'}],
    },
}
KINDS = {
    "kind": "APIGroupDiscoveryList",
    "items": [
        {
            "metadata": {"name": "apps"},
            "versions": [
                {
                    "version": "v1",
                    "resources": [
                        {
                            "resource": "deployments",
                            "responseKind": {"kind": "Deployment"},
                            "scope": "Namespaced",
                            "singularResource": "deployment",
                            "shortNames": ["deploy"],
                            "verbs": ["get"],
                        }
                    ],
                }
            ],
        }
    ],
}
SELECTOR = {
    "matchLabels": {"app": "web"},
    "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}],
}


def _read_pod(pod):
    pod_sections(pod)
    trouble(pod)
    pod_status(pod)
    default_container(pod)
    request = LogRequest(names=("web",), container="main")
    assert all(isinstance(name, str) for name in chosen_containers(pod, request))
    source_name(pod, "main", request)
    container_status(pod, "main")


def _read_page(page):
    try:
        check_page(page)
    except ApiError:
        return  # it is refused, in our own words
    decoder = Decoder("Pod", with_namespace=True)
    rows = decoder.rows(page, "shop")
    assert [row.key for row in rows] == list(decoder.keys(page, "shop"))


def _read_refusal(status):
    invalid_words(status)
    for cause in STATUS["details"]["causes"]:
        is_fixed(cause)
        fixed_fields(cause, POD, status)


@pytest.mark.parametrize(
    ("whole", "read"),
    [
        (POD, _read_pod),
        (EVENT, lambda event: event_row(event, with_namespace=True)),
        (PAGE, _read_page),
        (STATUS, _read_refusal),
        (KINDS, _from_aggregated),
        (SELECTOR, selector_text),
    ],
    ids=["pod", "event", "table", "refusal", "kinds", "selector"],
)
def test_nonsense_in_one_place_is_no_fault_of_ours(whole, read):
    read(whole)
    for document in changed(whole):
        read(document)
