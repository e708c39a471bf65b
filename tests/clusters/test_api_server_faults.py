"""What a user is told when an API server refuses, restarts, or has parts that are down: nothing hangs or is lost."""

import pytest

from nbcontainer.clusters import reflector
from nbcontainer.clusters.discovery import Resource
from nbcontainer.clusters.tables import table, watch_table
from nbcontainer.errors import Forbidden
from tests.clusters.test_tables import until

pytestmark = pytest.mark.timeout(300)

RBAC = "/apis/rbac.authorization.k8s.io/v1"
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
