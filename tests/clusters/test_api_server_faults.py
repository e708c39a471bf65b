"""What a user is told when an API server refuses, restarts, or has parts that are down: nothing hangs or is lost."""

import re
import signal
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest

from nbcontainer.clusters import discovery, node_readiness, reflector
from nbcontainer.clusters.deletion import delete
from nbcontainer.clusters.discovery import EVENT, NAMESPACE, NODE, POD, Resource
from nbcontainer.clusters.events import events
from nbcontainer.clusters.exec import execute
from nbcontainer.clusters.logs import logs
from nbcontainer.clusters.objects import tables
from nbcontainer.clusters.tables import table, watch_table
from nbcontainer.errors import ApiError, ClusterUnavailable, Forbidden, Stopped, UsageError
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import ExecRequest
from tests.clusters.admission import NAME, Webhook
from tests.clusters.applying import apply
from tests.clusters.own_cluster import set_status
from tests.clusters.test_tables import until

pytestmark = pytest.mark.timeout(300)

RBAC = "/apis/rbac.authorization.k8s.io/v1"
CONFIGMAPS = Resource("configmaps", "ConfigMap")
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made}\ndata: {a: b}\n"
TEMPLATES = Resource("podtemplates", "PodTemplate")
VIEWERS = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "nbc:viewers"}


def allow(admin, name, verbs, resource="podtemplates"):
    """Allow viewers these verbs, in a role of this name."""
    rule = {"apiGroups": [""], "resources": [resource], "verbs": verbs}
    admin.call("POST", f"{RBAC}/clusterroles", body={"metadata": {"name": name}, "rules": [rule]})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    binding = {"metadata": {"name": name}, "roleRef": role, "subjects": [VIEWERS]}
    admin.call("POST", f"{RBAC}/clusterrolebindings", body=binding)


def make_template(admin, name):
    """An object of the kind that the viewer may only list."""
    spec = {"containers": [{"name": "web", "image": "busybox"}]}
    body = {"metadata": {"name": name}, "template": {"spec": spec}}
    admin.call("POST", TEMPLATES.path("list-only"), body=body)


def test_what_may_be_listed_but_not_watched_is_listed_again_and_said(own_cluster, monkeypatch):
    monkeypatch.setattr(reflector, "POLL_SECONDS", 0.2)
    own_cluster.fill("list-only", 0)
    admin, viewer = own_cluster.cluster(namespace="list-only"), own_cluster.cluster("viewer", "list-only")
    allow(admin, "list-only", ["list"])
    make_template(admin, "one")
    shown = table(viewer, TEMPLATES)
    operation = shown.follow(shown.state)
    watched = watch_table(viewer, TEMPLATES)
    for one in (operation, watched):
        until(lambda one=one: one.state.trouble)
        assert not one.state.live
        assert one.state.trouble.startswith("not live, listed every 0.2 s: podtemplates is forbidden:")
        assert 'cannot watch resource "podtemplates"' in one.state.trouble
    make_template(admin, "two")
    for one in (operation, watched):
        until(lambda one=one: [row.name for row in one.state.rows.values()] == ["one", "two"])
        assert not one.state.live
        assert one.state.trouble
    admin.call("DELETE", f"{RBAC}/clusterrolebindings/list-only")
    for one in (operation, watched):  # not even listed any more: the last table stays, and the error is raised
        with pytest.raises(Forbidden, match="cannot list"):
            one.result(20)
        assert not one.state.live


def test_a_webhook_that_denies_or_does_not_answer_is_said_and_where_it_is_configured(own_cluster):
    own_cluster.fill("ruled", 0)
    cluster = own_cluster.cluster(namespace="ruled")
    with Webhook(cluster, "no \x1b[31mred\x1b[0m <b>maps</b> today") as webhook:
        webhook.wait_until_asked()
        with pytest.raises(ApiError, match=r"denied the request: no .*maps.* today") as denied:
            apply(cluster, CONFIG)
        assert "get validatingwebhookconfigurations,mutatingwebhookconfigurations" in denied.value.cure
        webhook.message = ""
        began = time.monotonic()
        with pytest.raises(ApiError, match=f'failed calling webhook "{NAME}"') as silent:
            apply(cluster, CONFIG)
        assert time.monotonic() - began < 10
        assert "does not answer" in silent.value.cure
    assert cluster.call("GET", CONFIGMAPS.path("ruled"))["items"] == []  # nothing was made


def test_an_aggregated_api_that_is_down_hides_no_other_kind(own_cluster):
    own_cluster.fill("aggregated", 0)
    cluster = own_cluster.cluster(namespace="aggregated")
    spec = {"group": "down.example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10}
    spec |= {"insecureSkipTLSVerify": True, "service": {"name": "none", "namespace": "aggregated"}}
    path = "/apis/apiregistration.k8s.io/v1/apiservices"
    cluster.call("POST", path, body={"metadata": {"name": "v1.down.example.com"}, "spec": spec})
    try:
        for accept in (discovery.AGGREGATED, "application/json"):  # as servers since 1.27 have it, and before
            cluster.link.kinds = None
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(discovery, "AGGREGATED", accept)
                until(lambda: _silent_groups(cluster) == ("down.example.com",))
                apply(cluster, CONFIG)
                assert tables(cluster, ["cm"])[0].names == ["made"]
                with pytest.raises(UsageError, match="no kind 'downs'") as caught:
                    tables(cluster, ["downs"])
                assert "The API server of down.example.com does not answer" in caught.value.cure
    finally:
        cluster.call("DELETE", f"{path}/v1.down.example.com")
        cluster.link.kinds = None


def _silent_groups(cluster):
    return cluster.run(discovery._kinds(cluster, fresh=True)).silent


@pytest.fixture(scope="module")
def kubelets(own_cluster):
    """A namespace with a pod on each of two nodes: one whose kubelet has stopped, one whose kubelet is frozen."""
    own_cluster.fill("kubelets", 0)
    cluster = own_cluster.cluster(namespace="kubelets")
    with socket.create_server(("127.0.0.1", 0)) as frozen, socket.socket() as stopped:
        stopped.bind(("127.0.0.1", 0))
        for name, held in (("frozen", frozen), ("stopped", stopped)):
            cluster.call("POST", NODE.path(), body={"metadata": {"name": name}})
            status = {
                "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": held.getsockname()[1]}},
                "conditions": [{"type": "Ready", "status": "Unknown", "message": "Kubelet stopped."}],
            }
            _patch(cluster, NODE.path("", name, "status"), {"status": status})
            _make_pod(cluster, f"on-{name}", name)
        yield cluster


def _make_pod(cluster, name, node):
    spec = {"nodeName": node, "containers": [{"name": "web", "image": "busybox"}]}
    cluster.call("POST", POD.path("kubelets"), body={"metadata": {"name": name}, "spec": spec})
    cluster.run(set_status(cluster, name, "Running"))


def _patch(cluster, path, body):
    cluster.run(cluster.request("PATCH", path, body=body, content_type="application/merge-patch+json"))


def test_a_kubelet_that_has_stopped_is_named(kubelets):
    words = r"The API server cannot reach the kubelet of the pod's node at 127\.0\.0\.1:\d+: .*refused\.$"
    for call in (
        lambda: logs(kubelets, LogRequest(("on-stopped",))),
        lambda: execute(kubelets, ExecRequest("on-stopped", ("true",))),
    ):
        with pytest.raises(ApiError, match="kubelet") as caught:
            call().result(30)
        assert re.search(words, caught.value.message)
        assert caught.value.cure.endswith("get nodes` shows whether the node is ready.")
    followed = logs(kubelets, LogRequest(("on-stopped",), follow=True))
    until(lambda: any("cannot reach the kubelet" in note for note in _notes(followed)))
    followed.stop()


def test_a_command_on_a_frozen_kubelet_says_so_and_is_stopped(kubelets, monkeypatch):
    monkeypatch.setattr(node_readiness, "FIRST_PAUSE", 0.2)
    operation = execute(kubelets, ExecRequest("on-frozen", ("true",)))
    until(lambda: any("node frozen is not ready (Kubelet stopped)" in note for note in _notes(operation)))
    operation.stop()
    with pytest.raises(Stopped):
        operation.result(5)


def test_a_pod_that_its_stopped_kubelet_cannot_end_says_so_and_goes_by_force(kubelets, monkeypatch):
    monkeypatch.setattr(node_readiness, "FIRST_PAUSE", 0.2)
    _make_pod(kubelets, "stays", "stopped")
    operation = delete(kubelets, ["stays"])
    words = "node stopped is not ready (Kubelet stopped)"
    until(lambda: any(words in one.message for one in operation.state.objects.values()))
    assert table(kubelets, names=("stays",))[0].cells[2] == "Terminating"
    operation.stop()
    assert [change.name for change in delete(kubelets, ["stays"], force=True).result(20)] == ["stays"]


def _notes(operation):
    return [note for note in operation.state.notes if note]


def test_a_namespace_that_never_goes_away(own_cluster):
    own_cluster.fill("stuck", 1)
    cluster = own_cluster.cluster(namespace="stuck")
    cluster.call("DELETE", NAMESPACE.path("", "stuck"))  # no controller is running that would finish it
    row = table(cluster, NAMESPACE, names=("stuck",))[0]
    assert row.cells[:2] == ("stuck", "Terminating")
    with pytest.raises(ApiError, match="namespace stuck because it is being terminated") as caught:
        cluster.call("POST", CONFIGMAPS.path("stuck"), body={"metadata": {"name": "made"}})
    assert "describe namespace stuck" in caught.value.cure
    assert table(cluster).names == ["pod-00000"]


def test_an_object_near_etcds_limit_is_applied_listed_and_watched_and_a_larger_one_is_refused(own_cluster):
    own_cluster.fill("large", 0)
    cluster = own_cluster.cluster(namespace="large")
    kind = Resource("controllerrevisions", "ControllerRevision", "apps")
    text = "apiVersion: apps/v1\nkind: ControllerRevision\nmetadata: {{name: {}}}\nrevision: {}\ndata: {{a: {}}}\n"
    watched = watch_table(cluster, kind)
    until(lambda: watched.state.live)
    assert apply(cluster, text.format("large", 1, "x" * 1_400_000))[0].action == "created"
    until(lambda: [row.name for row in watched.state.rows.values()] == ["large"])
    watched.stop()
    assert tables(cluster, ["controllerrevisions/large"])[0].names == ["large"]
    with pytest.raises(ApiError, match="too large") as caught:
        apply(cluster, text.format("larger", 1, "x" * 1_600_000))
    assert len(str(caught.value)) < 300


def test_ten_thousand_events_are_all_listed_newest_last_and_followed(own_cluster):
    own_cluster.fill("eventful", 0)
    cluster = own_cluster.cluster(namespace="eventful")
    own_cluster.store("events", [_event(number) for number in range(10_000)])
    began = time.monotonic()
    shown = events(cluster)
    assert time.monotonic() - began < 20
    assert len(shown) == 10_000
    assert "message 9999" in shown[-1].cells
    operation = shown.follow(shown.state)
    until(lambda: operation.state.live)
    cluster.call("POST", EVENT.path("eventful"), body=_event(10_000))
    until(lambda: len(operation.state.rows) == 10_001)
    assert "message 10000" in list(operation.state.rows.values())[-1].cells
    operation.stop()


def _event(number):
    when = (datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"event-{number:05}", "namespace": "eventful"},
        "involvedObject": {"kind": "Pod", "name": "web", "namespace": "eventful"},
        "reason": "Said",
        "type": "Normal",
        "message": f"message {number}",
        "firstTimestamp": when,
        "lastTimestamp": when,
        "count": 1,
    }


def test_an_api_server_that_restarts_within_a_list_loses_no_object(own_cluster):
    own_cluster.fill("interrupted", 1_100)
    cluster = own_cluster.cluster(namespace="interrupted")
    pages = []

    def restart(words):
        pages.append(words)
        if len(pages) == 1:
            own_cluster.stop("kube-apiserver", signal.SIGKILL)
            own_cluster.start("kube-apiserver")

    # the first page has come, the others are asked of an API server that is just starting
    with pytest.MonkeyPatch.context() as patched:
        check_page = reflector.check_page
        patched.setattr(reflector, "check_page", lambda page: (check_page(page), restart(page)))
        with pytest.raises(ClusterUnavailable, match=r"broke|without a response|refuses connections"):
            table(cluster)
    own_cluster.wait_ready()
    assert len(table(cluster)) == 1_100
