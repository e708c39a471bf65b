"""A kernel's completions at the cursor, with names from real engines and clusters."""

import uuid

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
    """The kernel's completions at the code's end, or at the cursor."""
    kernel.client.complete(code, len(code) if cursor is None else cursor)
    while True:
        reply = kernel.client.get_shell_msg(timeout=20)
        if reply["msg_type"] == "complete_reply":
            return list(reply["content"]["matches"])


@pytest.fixture
def space(docker_kernel):
    """A namespace with one pod of two containers and an init container."""
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
    assert pod in matches(docker_kernel, f"%kpod -n {space} ")  # beside the verbs
    assert matches(docker_kernel, f"%kpod logs  -n {space}", len("%kpod logs ")) == [pod]  # what follows the cursor
    docker_kernel.run(f"here = '{space}'")
    assert matches(docker_kernel, "%kpod logs -n {{here}} ") == [pod]
    assert pod not in matches(docker_kernel, "%kpod logs ")


def test_names_are_those_of_the_line_s_context(docker_kernel, space):
    (context,) = matches(docker_kernel, "%kpod --context ")
    assert matches(docker_kernel, f"%kpod logs --context {context} -n {space} ") == [f"{space}-web"]
    assert space in matches(docker_kernel, f"%kpod logs --context {context} -n ")
    assert matches(docker_kernel, f"%kpod logs --context no-such-context -n {space} ") == []
    assert matches(docker_kernel, "%kpod logs --context no-such-context -n ") == []


def test_names_are_those_that_the_impersonated_user_may_list(docker_kernel, space):
    pod, acting = f"{space}-web", "--as {{someone}} --as-group nbc:{{of}}"
    line, cursor = f"%kube describe pod/ -n {space} {acting}", len("%kube describe pod/")
    docker_kernel.run("someone, of = 'someone', 'viewers'")
    assert matches(docker_kernel, f"%kpod logs -n {space} {acting} ") == [pod]
    assert matches(docker_kernel, line, cursor) == [f"pod/{pod}"]
    docker_kernel.run("of = 'nobody'")
    assert matches(docker_kernel, f"%kpod logs -n {space} {acting} ") == []
    assert matches(docker_kernel, line, cursor) == []
    assert matches(docker_kernel, f"%kpod logs {acting} -n ") == []


def test_images_are_those_of_the_line_s_engine(docker_kernel):
    assert "busybox:latest" in matches(docker_kernel, "%docker push busy")
    assert matches(docker_kernel, "%docker push --context unix:///no/such.sock busy") == []
    assert matches(docker_kernel, "%%dockerfile --context unix:///no/such.sock\nFROM busy") == []


def test_networks_are_offered_where_they_are_inspected(docker_kernel):
    name = f"completed-{uuid.uuid4().hex[:12]}"
    ran = docker_kernel.run(f"%docker network create {name}")
    assert not ran.error, ran.traceback
    try:
        assert matches(docker_kernel, f"%docker network inspect bridge {name[:-3]}") == [name]
        assert matches(docker_kernel, f"%docker network inspect --context unix:///no/such.sock {name[:-3]}") == []
        assert set(matches(docker_kernel, "%docker network prune --f")) == {"--filter", "--force"}
        assert {"inspect", "prune"} <= set(matches(docker_kernel, "%docker network "))
    finally:
        docker_kernel.run(f"%docker network rm -y {name}")


def test_the_pod_is_offered_wherever_flags_stand(docker_kernel, space):
    pod = f"{space}-web"
    for line in (
        f"-n {space} exec ",
        f"exec -n {space} ",
        f"exec -n {space} {pod[:-2]}",
        f"exec --namespace={space} -i ",
    ):
        assert matches(docker_kernel, f"%kpod {line}") == [pod]
    assert matches(docker_kernel, f"%kpod exec -n {space} {pod} ") == []
    assert matches(docker_kernel, f"%kpod logs -n {space} pod/") == [f"pod/{pod}"]
    assert matches(docker_kernel, f"%kpod get -n {space} po/{pod[:-2]}") == [f"po/{pod}"]
    assert matches(docker_kernel, f"%kpod logs -n {space} deploy/") == []


def test_kinds_and_their_objects_are_offered(docker_kernel, space):
    pod = f"{space}-web"
    assert matches(docker_kernel, "%kube get deployme") == ["deployments"]
    assert matches(docker_kernel, "%kube get svc,deployme") == ["svc,deployments"]
    assert matches(docker_kernel, f"%kube get -n {space} po ") == [pod]
    assert matches(docker_kernel, f"%kube -n {space} get pods {pod} ") == [pod]
    assert matches(docker_kernel, f"%kube get -n {space} po/{pod[:-2]}") == [f"po/{pod}"]
    assert matches(docker_kernel, f"%kube get -n {space} nothing ") == []
    assert docker_kernel.run("%kube get sa").error == ""
    assert matches(docker_kernel, "%kube get customres") == ["customresourcedefinitions"]
    assert matches(docker_kernel, f"%kube get -n {space} sa ") == ["default"]


def test_docker_s_contexts_are_offered_for_engines(docker_kernel):
    assert "default" in matches(docker_kernel, "%docker --context ")
    assert matches(docker_kernel, "%docker ps --context=defau") == ["--context=default"]
    assert "default" in matches(docker_kernel, "%%dockerfile --context ")


def test_a_setting_s_values_are_offered(docker_kernel):
    assert matches(docker_kernel, "%nbcontainer settings surf") == ["surface"]
    assert matches(docker_kernel, "%nbcontainer settings surface ") == ["auto", "notebook", "terminal", "plain"]
    assert matches(docker_kernel, "%nbcontainer settings confirm f") == ["false"]
    assert matches(docker_kernel, "%nbcontainer settings log_window ") == []


def test_values_that_a_flag_usually_has_are_offered(docker_kernel, space):
    assert matches(docker_kernel, "%docker ps --filter status=e") == ["status=exited"]
    assert matches(docker_kernel, "%docker ps --filter=heal") == [
        f"--filter=health={state}" for state in ("healthy", "unhealthy", "starting", "none")
    ]
    assert matches(docker_kernel, "%docker run --restart on") == ["on-failure", "on-failure:"]
    assert matches(docker_kernel, "%docker build --platform linux/am") == ["linux/amd64"]
    assert matches(docker_kernel, "%kube auth can-i li") == ["list"]
    assert matches(docker_kernel, "%kube create role x --verb=get,li") == ["--verb=get,list"]
    assert matches(docker_kernel, "%kube create role x --resource=pods,deploy") == ["--resource=pods,deployments"]
    assert matches(docker_kernel, "%kube wait --for=condition=Av") == ["--for=condition=Available"]
    assert matches(docker_kernel, f"%kube events -n {space} --for pod/") == [f"pod/{space}-web"]


def test_names_of_what_a_flag_takes_are_offered(docker_kernel):
    assert "nbc-node" in matches(docker_kernel, "%kube cordon nbc-")
    assert matches(docker_kernel, "%kube create rolebinding x --clusterrole=cluster-ad") == [
        "--clusterrole=cluster-admin"
    ]


def test_where_a_required_flag_is_missing_the_rest_is_completed(docker_kernel):
    assert matches(docker_kernel, "%kube autoscale ") != []
    assert "deployments" in matches(docker_kernel, "%kube autoscale deploym")


def test_paths_of_the_build_context_are_offered(docker_kernel, tmp_path):
    (tmp_path / "src" / "deep").mkdir(parents=True)
    for name in ("src/app.py", "secret.txt", "setup.cfg", ".env"):
        (tmp_path / name).write_text("")
    (tmp_path / ".dockerignore").write_text("secret.txt\n")
    head = f"%%dockerfile {tmp_path} --add stream.py=source\nFROM busybox\n"
    assert matches(docker_kernel, head + "COPY s") == ["stream.py", "setup.cfg", "src/"]
    assert matches(docker_kernel, head + "COPY ./src/") == ["./src/app.py", "./src/deep/"]
    assert matches(docker_kernel, head + 'COPY ["src/a') == ["src/app.py"]
    assert matches(docker_kernel, head + "COPY ../") == []
    assert matches(docker_kernel, head + "RUN --mount=type=bind,source=sr") == ["src/"]
    assert matches(docker_kernel, f"%%dockerfile {tmp_path}/sr") == [f"{tmp_path}/src/"]
    assert matches(docker_kernel, f"%docker build -f {tmp_path}/se") == [
        f"{tmp_path}/secret.txt",
        f"{tmp_path}/setup.cfg",
    ]


NOTHING = ["%kpod logs -n no-such-namespace no-such-", "%kpod logs -l ", "%kpod logs nothing-", "%docker run --name ",
           "%docker nothing", "%%dockerfile -t x\nFROM busybox\nRUN x", "%%kube apply\nki", "%%docker run busybox\npri",
           "x = %kpod logs nothing-"]  # fmt: skip


@pytest.mark.parametrize("code", NOTHING)
def test_where_nothing_fits_python_is_not_asked(docker_kernel, code):
    assert matches(docker_kernel, code) == []


def test_python_s_names_are_offered_where_they_belong(docker_kernel):
    docker_kernel.run("image_of_mine = 'busybox'")
    assert matches(docker_kernel, "%docker push {{image_of_m") == ["image_of_mine"]
    assert matches(docker_kernel, "%%dockerfile\nFROM {{image_of_m") == ["image_of_mine"]
    assert "image_of_mine" in matches(docker_kernel, "image_of_m")


def test_the_containers_of_the_pod_on_the_line(docker_kernel, space):
    pod = f"{space}-web"
    every = ["server", "sidecar", "first"]
    assert matches(docker_kernel, f"%kpod logs {pod} -n {space} -c ") == every
    assert matches(docker_kernel, f"%kpod exec -n {space} {pod} -c s") == ["server", "sidecar"]
    line = f"%kpod exec -c  -n {space} {pod} -- ls"
    assert matches(docker_kernel, line, len("%kpod exec -c ")) == every
    assert matches(docker_kernel, f"%kpod logs pod/{pod} -n {space} --container=si") == ["--container=sidecar"]
    for nothing in (f"%kpod logs {pod} -c ", f"%kpod logs -n {space} -c ", f"%kpod logs deploy/x -n {space} -c "):
        assert matches(docker_kernel, nothing) == []


def test_the_containers_of_podman_s_pod(podman_kernel):
    pod = "completed-podman"
    created = podman_kernel.run(f"%kpod create {pod} --image=busybox -- sleep 600")
    assert not created.error, created.traceback
    try:
        assert matches(podman_kernel, f"%kpod exec {pod} -c ") == [pod]
    finally:
        podman_kernel.run(f"%kpod delete {pod} --force -y")


@pytest.mark.parametrize("above", ["", "\n", "\n\n"])
def test_a_stage_of_the_cell_stands_before_images(docker_kernel, above):
    cell = f"{above}%%dockerfile\nFROM busybox AS zz-tools\nFROM busybox AS build\nFROM busybox AS own\nCOPY --from="
    offered = matches(docker_kernel, cell)
    assert offered[:2] == ["zz-tools", "build"]
    assert "busybox:latest" in offered[2:]
    assert "own" not in offered
