"""Kernels with the environment's engines and clusters."""

import pytest

from tests.magics.kernels import Kernel

SECRET = "kept-out-of-sight-7Qx"


def _kernel(folder, host, kubeconfig, **variables):
    return Kernel(
        {
            "DOCKER_HOST": host,
            "DOCKER_CONFIG": str(folder / "docker"),
            "KUBECONFIG": str(kubeconfig or folder / "no-kubeconfig"),
            "XDG_DATA_HOME": str(folder / "data"),
            "MAGICS_SECRET": SECRET,
            **variables,
        },
        str(folder),
    )


@pytest.fixture(scope="module")
def docker_kernel(tmp_path_factory, docker_engine, kubernetes_cluster):
    """A kernel with Docker Engine and Kubernetes."""
    kernel = _kernel(tmp_path_factory.mktemp("docker"), docker_engine.host, kubernetes_cluster.kubeconfig)
    yield kernel
    kernel.close()


@pytest.fixture(scope="module")
def podman_kernel(tmp_path_factory, podman_engine):
    """A kernel with Podman and no cluster."""
    kernel = _kernel(tmp_path_factory.mktemp("podman"), podman_engine.host, None)
    yield kernel
    kernel.close()


@pytest.fixture(scope="module")
def lone_kernel(tmp_path_factory):
    """A kernel where neither an engine nor a cluster answers."""
    folder = tmp_path_factory.mktemp("lone")
    kernel = _kernel(folder, f"unix://{folder}/none.sock", None)
    yield kernel
    kernel.close()
