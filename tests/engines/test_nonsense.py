"""What reads an engine's objects, given each of them with one value replaced by nonsense."""

import pytest

from nbcontainer.engines.containers import _container
from nbcontainer.engines.objects import made_id
from nbcontainer.engines.pod_creation import _without_ports
from nbcontainer.engines.pod_selectors import matcher
from nbcontainer.engines.pod_tables import event_row, pod_row, pod_status
from nbcontainer.engines.pods import own_containers
from nbcontainer.errors import ApiError
from tests.nonsense import changed

CONTAINER = {
    "Id": "0123456789abcdef",
    "Names": ["/web", "/other/web"],
    "Image": "busybox",
    "Command": "sh",
    "State": "exited",
    "Status": "Exited (1) 2 minutes ago",
    "Ports": [{"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}, {"PrivatePort": 81}],
    "Created": 1_700_000_000,
    "Labels": {"app": "web"},
}
POD = {
    "Id": "p",
    "Name": "web",
    "Status": "Degraded",
    "Created": "2026-01-01T00:00:00Z",
    "InfraId": "i",
    "Labels": {"app": "web"},
    "Containers": [{"Id": "i", "Names": "infra", "Status": "running"}, {"Id": "c", "Names": "web", "Status": "exited"}],
}
EVENT = {
    "Type": "container",
    "Action": "died",
    "Actor": {"ID": "c", "Attributes": {"name": "web-main", "containerExitCode": "3", "image": "busybox"}},
    "time": 1_700_000_000,
    "timeNano": 1_700_000_000_000_000_000,
}
MANIFEST = {
    "metadata": {"name": "web"},
    "spec": {
        "containers": [{"name": "main", "ports": [{"containerPort": 80}, {"containerPort": 81, "hostPort": 8081}]}]
    },
}


def _read_pod(pod):
    own = own_containers(pod)
    pod_row(pod, own, 0, [0])
    pod_status(pod, own, [0])
    assert matcher("app=web")(pod) in {True, False}


@pytest.mark.parametrize(
    ("whole", "read"),
    [
        (CONTAINER, _container),
        (POD, _read_pod),
        (EVENT, lambda event: event_row(0, event)),
        (MANIFEST, _without_ports),
    ],
    ids=["container", "pod", "event", "manifest"],
)
def test_nonsense_in_one_place_is_no_fault_of_ours(whole, read):
    read(whole)
    for document in changed(whole):
        read(document)


def test_what_is_wrong_in_a_manifest_is_left_for_podman_to_say():
    assert _without_ports({"spec": {"containers": ["main"]}}) == {"spec": {"containers": ["main"]}}
    assert _without_ports({"spec": "none"}) == {"spec": "none"}
    ports = _without_ports(MANIFEST)["spec"]["containers"][0]["ports"]
    assert ports == [{"containerPort": 81, "hostPort": 8081}]


@pytest.mark.parametrize("answer", [None, [], {}, {"Id": ""}, "x"])
def test_an_answer_without_an_id_is_an_error(answer):
    with pytest.raises(ApiError, match="id"):
        made_id(answer)
