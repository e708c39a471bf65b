"""The two kinds of machine that a lesson is executed on."""

import pytest


@pytest.fixture(params=["docker", "podman"])
def home(request, tmp_path, token_registry_address):
    """Variables of a kernel: those of Docker with Kubernetes, or of Podman alone; and of a registry."""
    registry = token_registry_address
    variables = {
        "DOCKER_CONFIG": tmp_path / "docker-config",
        "QUICKSTART_REGISTRY": registry.address,
        "QUICKSTART_PASSWORD": registry.password,
    }
    if request.param == "docker":
        cluster = request.getfixturevalue("kubernetes_cluster")
        host = request.getfixturevalue("docker_engine").host
        return {**variables, "DOCKER_HOST": host, "KUBECONFIG": cluster.kubeconfig}
    host = request.getfixturevalue("podman_engine").host
    return {**variables, "DOCKER_HOST": host, "KUBECONFIG": tmp_path / "no-kubeconfig"}
