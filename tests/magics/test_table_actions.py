"""The actions of a table of Podman's pods go to that Podman, whichever engine is in use now."""

import uuid

import pytest

from tests.magics.kernels import Kernel


@pytest.fixture
def kernel(tmp_path, podman_engine):
    made = Kernel({"DOCKER_HOST": podman_engine.host, "KUBECONFIG": str(tmp_path / "none")}, str(tmp_path))
    yield made
    made.close()


def test_an_old_table_acts_on_its_own_podman(kernel, docker_engine, kubernetes_cluster):
    pod = f"t{uuid.uuid4().hex[:8]}"
    kernel.run(f"%kpod create {pod} --image=busybox -- sleep 600")
    ran = kernel.run("table = %kpod\nprint(*[verb.line for verb in table.verbs], sep='\\n')")
    logs, describe, execute, delete = (line.replace("{rows}", pod) for line in ran.printed.splitlines())
    kernel.run(f"%env DOCKER_HOST={docker_engine.host}")
    for line in (logs, describe, execute):
        ran = kernel.run(line)
        assert not ran.error, ran.traceback
    kernel.run(f"%env KUBECONFIG={kubernetes_cluster.kubeconfig}")
    refused = kernel.run(f"{delete} -y")
    assert (refused.error, len(refused.traceback)) == ("ClusterUnavailable", 2), refused.traceback
    kernel.run("import os; del os.environ['KUBECONFIG']; os.environ['HOME'] = os.getcwd()")
    ran = kernel.run(f"{delete} --force -y")
    assert not ran.error, ran.traceback
    assert kernel.run(describe).error == "NotFound"
