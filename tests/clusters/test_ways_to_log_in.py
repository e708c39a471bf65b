"""Every way in which a kubeconfig says who the user is, on the real cluster: calls, streams, commands; as kubectl."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from nbcontainer.clusters.connection import find_cluster
from nbcontainer.clusters.exec import execute
from nbcontainer.clusters.permissions import who_am_i
from nbcontainer.clusters.pods import create
from nbcontainer.clusters.tables import watch_table
from nbcontainer.model.pods import ExecRequest, PodRequest
from tests.clusters.test_broken_streams import PLUGIN, PLUGIN_TEXT, bound_token
from tests.clusters.test_tables import until

pytestmark = pytest.mark.timeout(120)

CERTIFICATE_TEXT = """
import json, pathlib, sys
certificate, key = (pathlib.Path(name).read_text() for name in sys.argv[1:])
status = {"clientCertificateData": certificate, "clientKeyData": key}
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}))
"""


@pytest.fixture(scope="module")
def pod(space):
    """A pod to run a command in."""
    return create(space, PodRequest("entered", "busybox", command=("sleep", "600"))).result(90).name


@pytest.fixture(scope="module")
def token(space):
    """A service account's token, which is an OpenID Connect token, too."""
    yield bound_token(space, "log-in")[0]
    path = f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{space.namespace}-log-in"
    space.run(space.request("DELETE", path))


@pytest.fixture
def files(kubernetes, token, tmp_path):
    """A folder with the administrator's certificate and key, the authority and a token; the address; kubectl."""
    document = json.loads(Path(kubernetes.env()["KUBECONFIG"]).read_text())
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    for name, data in (
        ("ca.crt", cluster["certificate-authority-data"]),
        ("me.crt", user["client-certificate-data"]),
        ("me.key", user["client-key-data"]),
    ):
        (tmp_path / name).write_bytes(base64.b64decode(data))
    (tmp_path / "token").write_text(token)
    return tmp_path, cluster["server"], kubernetes.env()["NBCONTAINER_TEST_KUBECTL"]


def users(folder, token):
    """What each way writes in a user entry."""
    plugin = PLUGIN | {"args": ["-c", PLUGIN_TEXT, str(folder / "token")]}
    certificate = PLUGIN | {"args": ["-c", CERTIFICATE_TEXT, str(folder / "me.crt"), str(folder / "me.key")]}
    oidc = {"client-id": "it", "id-token": token, "idp-issuer-url": "https://issuer.example"}
    return {
        "token": {"token": token},
        "token file": {"tokenFile": "token"},
        "certificate files": {"client-certificate": "me.crt", "client-key": "me.key"},
        "exec plugin's token": {"exec": plugin},
        "exec plugin's certificate": {"exec": certificate},
        "OpenID Connect": {"auth-provider": {"name": "oidc", "config": oidc}},
    }


def is_let_in(namespace, pod, name):
    """Check that calls, streams and commands are this user's."""
    cluster = find_cluster("", namespace)
    assert dict(who_am_i(cluster).sections[0][1])["Username"] == name
    watched = watch_table(cluster)
    until(lambda: watched.state.live)
    watched.stop()
    assert pod in watched.result(5).names
    assert execute(cluster, ExecRequest(pod, ("echo", "in"))).result(30).output == "in\n"


@pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning")  # the kubernetes package, on Python 3.12
@pytest.mark.parametrize("way", users(Path(), ""))
def test_files_of_a_list_with_relative_paths_let_each_in(space, pod, files, monkeypatch, way):
    folder, server, kubectl = files
    token = (folder / "token").read_text()
    (folder / "users").mkdir()
    for name in ("me.crt", "me.key", "token"):
        shutil.move(folder / name, folder / "users" / name)
    clusters = [{"name": "here", "cluster": {"server": server, "certificate-authority": "ca.crt"}}]
    contexts = [{"name": "it", "context": {"cluster": "here", "user": "me"}}]
    (folder / "clusters.conf").write_text(json.dumps({"clusters": clusters, "contexts": contexts}))
    user = users(folder / "users", token)[way]
    own = {"users": [{"name": "me", "user": user}], "current-context": "it"}
    (folder / "users" / "users.conf").write_text(json.dumps(own))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(["clusters.conf", "missing.conf", "users/users.conf"]))
    command = [
        kubectl,
        "auth",
        "whoami",
        "-o",
        "jsonpath={.status.userInfo.username}",
    ]
    name = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout
    account = f"system:serviceaccount:{space.namespace}:default"
    assert (name == account) is ("certificate" not in way)
    is_let_in(space.namespace, pod, name)


def test_a_pod_s_own_service_account_is_let_in(space, pod, files, monkeypatch):
    folder, server, _ = files
    (folder / "namespace").write_text(space.namespace)
    host, _, port = server.removeprefix("https://").rpartition(":")
    monkeypatch.setattr("nbcontainer.clusters.kubeconfig.SERVICE_ACCOUNT", folder)
    monkeypatch.setenv("KUBECONFIG", str(folder / "none"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    is_let_in("", pod, f"system:serviceaccount:{space.namespace}:default")
