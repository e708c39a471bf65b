"""A kubeconfig's `as`: every kind of call impersonates that user, as with kubectl."""

import json
import os
import subprocess
from pathlib import Path

import pytest

import nbcontainer as nbc
from nbcontainer.clusters.connection import find_cluster
from nbcontainer.clusters.deletion import delete
from nbcontainer.clusters.describe import describe
from nbcontainer.clusters.discovery import POD, find_kind
from nbcontainer.clusters.events import events, watch_events
from nbcontainer.clusters.exec import execute
from nbcontainer.clusters.logs import logs
from nbcontainer.clusters.pods import containers, create, one_object
from nbcontainer.clusters.tables import table, watch_table
from nbcontainer.errors import Forbidden, UsageError
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.model.impersonation import Impersonation
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import ExecRequest, PodRequest
from tests.clusters.applying import apply
from tests.clusters.test_resources import POD_TEXT

pytestmark = pytest.mark.timeout(300)

NOBODY = {"as": "nobody-at-all"}
REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}


@pytest.fixture
def acting(kubernetes, space, tmp_path, monkeypatch):
    """Access to the cluster as an administrator who impersonates another user."""

    def act(user):
        document = json.loads(Path(kubernetes.env()["KUBECONFIG"]).read_text())
        document["users"][0]["user"] |= user
        path = tmp_path / "impersonating"
        path.write_text(json.dumps(document))
        monkeypatch.setenv("KUBECONFIG", str(path))
        return find_cluster("", space.namespace)

    return act


@pytest.fixture(scope="module")
def pod(space):
    """A pod that writes a line and waits."""
    command = ("sh", "-c", "echo hello; sleep 3600")
    return create(space, PodRequest("impersonated", "busybox", command=command)).result(90).name


async def read_stream(cluster, path):
    async with cluster.stream(path, parameters={"watch": True, "timeoutSeconds": 1}) as response:
        await response.read()


async def read_one(cluster, name):
    async for _ in one_object(cluster, POD, name):
        return


CALLS = {
    "list": lambda cluster, _: table(cluster),
    "list of everything": lambda cluster, _: table(cluster, all_namespaces=True),
    "live table": lambda cluster, _: watch_table(cluster).result(20),
    "watch": lambda cluster, _: cluster.run(read_stream(cluster, POD.path(cluster.namespace))),
    "watch of one": lambda cluster, pod: cluster.run(read_one(cluster, pod)),
    "create": lambda cluster, _: create(cluster, PodRequest("not-made", "busybox")).result(60),
    "apply": lambda cluster, _: apply(cluster, POD_TEXT.format(name="not-made")),
    "delete": lambda cluster, pod: delete(cluster, [pod]).result(60),
    "describe": describe,
    "containers": containers,
    "events": lambda cluster, _: events(cluster),
    "live events": lambda cluster, _: watch_events(cluster).result(20),
    "logs": lambda cluster, pod: logs(cluster, LogRequest((pod,))).result(20),
    "followed logs": lambda cluster, pod: logs(cluster, LogRequest((pod,), follow=True)).result(20),
    "logs of a selector": lambda cluster, _: logs(cluster, LogRequest(selector="a=b", follow=True)).result(20),
    "exec": lambda cluster, pod: execute(cluster, ExecRequest(pod, ("true",))).result(20),
    "short call": lambda cluster, _: cluster.call("GET", POD.path(cluster.namespace)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_kind_of_call_is_the_impersonated_users(acting, space, pod, call):
    with pytest.raises(Forbidden, match='User "nobody-at-all" cannot'):
        call(acting(NOBODY), pod)
    names = [one["metadata"]["name"] for one in space.call("GET", POD.path(space.namespace))["items"]]
    assert pod in names
    assert "not-made" not in names


def test_discovery_is_the_impersonated_users(acting):
    """Any authenticated user may list the kinds, so this uses the one user who may not."""
    cluster = acting({"as": "system:anonymous"})
    with pytest.raises(Forbidden, match='User "system:anonymous" cannot get path "/api'):
        cluster.run(find_kind(cluster, "apps/v1", "Deployment"))


def test_the_impersonated_user_has_the_groups_permissions(acting, pod):
    cluster = acting(NOBODY | {"as-groups": ["nobodies", "system:masters"]})
    assert pod in table(cluster).names
    lines = [event for event in logs(cluster, LogRequest((pod,))) if "hello" in str(event)]
    assert lines
    assert execute(cluster, ExecRequest(pod, ("echo", "inside"))).result(30).output == "inside\n"
    assert apply(cluster, POD_TEXT.format(name="made-by-group"))[0].action == "created"
    assert delete(cluster, ["made-by-group"], force=True).result(60)
    viewer = acting(NOBODY | {"as-groups": ["nbc:viewers"]})
    assert pod in table(viewer).names
    with pytest.raises(Forbidden, match='User "nobody-at-all" cannot get resource "pods/exec"'):
        execute(viewer, ExecRequest(pod, ("true",))).result(20)


def test_the_api_server_knows_the_user_that_kubectl_would_be(acting, kubernetes):
    user = {
        "as": "jürgen@example.com",
        "as-uid": "7-7",
        "as-groups": ["dev", "ops"],
        "as-user-extra": {"Scopes": ["view", "edit"], "Team": ["a"], "team": ["b"], "acme.com/a b%": ["c, d"]},
    }
    cluster = acting(user)
    by_short_call = cluster.call("POST", REVIEWS, body=REVIEW)["status"]["userInfo"]
    by_session = cluster.run(cluster.request("POST", REVIEWS, body=REVIEW))["status"]["userInfo"]
    said = subprocess.run(
        [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], "auth", "whoami", "-o", "json"],
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    by_kubectl = json.loads(said)["status"]["userInfo"]
    for found in (by_short_call, by_session, by_kubectl):
        found["extra"]["team"].sort()  # kubectl's order is undefined
    assert by_short_call == by_session == by_kubectl
    assert by_short_call["username"] == "jürgen@example.com"
    assert by_short_call["groups"] == ["dev", "ops", "system:authenticated"]
    assert by_short_call["extra"] == {"scopes": ["view", "edit"], "team": ["a", "b"], "acme.com/a b%": ["c, d"]}


def test_a_user_who_may_not_impersonate_gets_an_error(kubernetes, monkeypatch, tmp_path):
    document = json.loads(Path(kubernetes.env()["NBCONTAINER_TEST_KUBECONFIG_VIEWER"]).read_text())
    document["users"][0]["user"] |= NOBODY
    (tmp_path / "viewer").write_text(json.dumps(document))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "viewer"))
    with pytest.raises(Forbidden, match='User "viewer" cannot impersonate resource "users"'):
        table(find_cluster())


@pytest.fixture
def real_cluster(kubernetes, monkeypatch):
    """The real cluster is in use, as its administrator."""
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])


def kpod(line):
    """What a %kpod line returns."""
    return run_magic(verbs_of("kpod"), line, None, {})


@pytest.mark.usefixtures("real_cluster")
def test_one_call_impersonates_a_user_of_its_own(space, pod):
    flags = f"--as=ann --as-group=nbc:viewers --as-group 'two words' -n {space.namespace}"
    for line in (f"get {pod} {flags}", f"{flags} get {pod}"):
        shown = kpod(line)
        assert shown.names == [pod]
        assert " --as=ann --as-group=nbc:viewers '--as-group=two words' get pods " in shown.command
        for verb in shown.verbs:  # what the page offers is done as the same user
            assert verb.line.count(" --as=ann --as-group=nbc:viewers '--as-group=two words'") == 1
    with pytest.raises(Forbidden, match='User "ann" cannot delete resource "pods"'):
        kpod(f"delete {pod} -y {flags}")
    with pytest.raises(Forbidden, match='User "nobody-at-all" cannot list resource "pods"') as caught:
        kpod(f"-n {space.namespace} --as nobody-at-all")
    assert f"%kube auth can-i --list -n {space.namespace} --as=nobody-at-all" in caught.value.cure
    assert kpod(f"get {pod} -n {space.namespace}").names == [pod]  # the next call is the administrator's again


@pytest.mark.usefixtures("real_cluster")
def test_a_handle_and_its_objects_impersonate(space, pod):
    handle = nbc.cluster(namespace=space.namespace, as_user="ann", as_groups=["nbc:viewers"])
    assert repr(handle) == f"nbc.cluster(namespace={space.namespace!r}, as_user='ann', as_groups=['nbc:viewers'])"
    found = handle.pods.get(pod)
    with pytest.raises(Forbidden, match='User "ann" cannot get resource "pods/exec"'):
        found.exec("true").result(20)
    with pytest.raises(UsageError, match="can be impersonated only with a user") as caught:
        nbc.cluster(as_groups=["nbc:viewers"]).pods.list()
    assert str(caught.value).endswith("Name one: `as_user`")
    assert nbc.cluster(namespace=space.namespace).pods.get(pod).exec("true").result(20)


@pytest.mark.usefixtures("real_cluster")
def test_a_call_is_the_user_that_kubectl_would_be(kubernetes, acting):
    flags = {"user": "jürgen", "groups": ("dev", "ops"), "uid": "7-7"}
    for user in ({}, {"as": "other", "as-groups": ["others"], "as-user-extra": {"team": ["a"]}}):
        acting(user)
        for given in (flags, {"user": "jürgen"}, {"groups": ("dev",)} if user else flags):
            impersonation = Impersonation(**given)
            said = subprocess.run(
                [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], *impersonation.flags, "auth", "whoami", "-o", "json"],
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            ).stdout
            found = find_cluster(impersonation=impersonation).call("POST", REVIEWS, body=REVIEW)
            assert found["status"]["userInfo"] == json.loads(said)["status"]["userInfo"]


@pytest.mark.usefixtures("real_cluster")
def test_calls_of_several_users_keep_their_connections(space):
    def links():
        return [find_cluster("", space.namespace, Impersonation(user)).link for user in ("", "ann", "ben")]

    assert all(before is after for before, after in zip(links(), links(), strict=True))
    assert len(set(map(id, links()))) == 3
