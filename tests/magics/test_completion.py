"""What a kernel offers at the cursor, with the names of real engines and clusters."""

import pytest

from tests.magics.kernels import Kernel

POD = """\
%%kube apply
apiVersion: v1
kind: Namespace
metadata: {name: SPACE}
---
apiVersion: v1
kind: Pod
metadata: {name: SPACE-web, namespace: SPACE}
spec:
  automountServiceAccountToken: false
  initContainers: [{name: first, image: busybox}]
  containers: [{name: server, image: busybox}, {name: sidecar, image: busybox}]
"""


def matches(kernel: Kernel, code: str, cursor: int | None = None) -> list[str]:
    """What the kernel offers a page at the code's end, or at the cursor."""
    kernel.client.complete(code, len(code) if cursor is None else cursor)
    while True:
        reply = kernel.client.get_shell_msg(timeout=20)
        if reply["msg_type"] == "complete_reply":
            return list(reply["content"]["matches"])


@pytest.fixture
def space(docker_kernel):
    """A namespace of a test's own, with one pod of two containers and one that runs first."""
    name = "completed-names"
    ran = docker_kernel.run(POD.replace("SPACE", name))
    assert not ran.error, ran.traceback
    yield name
    docker_kernel.run(f"%kpod delete --all -n {name} --force -y")


def test_names_are_those_of_the_line_s_namespace(docker_kernel, space):
    pod = f"{space}-web"
    assert matches(docker_kernel, f"%kpod logs -n {space} ") == [pod]
    assert matches(docker_kernel, f"%kpod logs --namespace={space} {pod[:-2]}") == [pod]
    assert matches(docker_kernel, f"%kpod describe -n{space} ") == [pod]
    assert matches(docker_kernel, f"%kpod -n {space} ") == [pod]
    assert matches(docker_kernel, f"%kpod logs  -n {space}", len("%kpod logs ")) == [pod]  # what follows the cursor
    docker_kernel.run(f"here = '{space}'")
    assert matches(docker_kernel, "%kpod logs -n {{here}} ") == [pod]
    assert pod not in matches(docker_kernel, "%kpod logs ")


def test_names_are_those_of_the_line_s_context(docker_kernel, space):
    (context,) = matches(docker_kernel, "%kpod --context ")
    assert matches(docker_kernel, f"%kpod logs --context {context} -n {space} ") == [f"{space}-web"]
    assert space in matches(docker_kernel, f"%kpod logs --context {context} -n ")
