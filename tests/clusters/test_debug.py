"""Debug containers on a real node, of a pod whose image is FROM scratch: one Go program, no shell, no tar."""

import pytest

from nbcontainer.clusters.debugging import running_container
from nbcontainer.errors import ApiError, CommandFailed, NotFound, Stopped, UsageError
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.settings import settings
from tests.buildkit.building import wait_until
from tests.conftest import part

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def bare(space):
    """Such a pod's name."""
    image = f"{part('registry').address}/nbcontainer/pause:1"
    manifest = {"metadata": {"name": "bare"}, "spec": {"containers": [{"name": "app", "image": image}]}}
    cluster, path = space, f"/api/v1/namespaces/{space.namespace}/pods"
    cluster.call("POST", path, body={"apiVersion": "v1", "kind": "Pod", **manifest})
    cluster.run(running_container(cluster, "bare", "app"))
    return "bare"


def state_of(here, pod, container, kind="ephemeralContainerStatuses"):
    """A debug container's state."""
    statuses = here.pods.get(pod).manifest()["status"].get(kind, [])
    return next(iter(next(one["state"] for one in statuses if one["name"] == container)))


def test_a_pod_without_a_shell_is_seen_from_inside(here, bare):
    with pytest.raises(NotFound, match="has no command 'ls'"):
        here.pods.exec(bare, "ls /").result(30)
    result = here.pods.get(bare).debug("ls /proc/1/root/pause").result(60)
    assert (result.output, result.errors, result.pod) == ("/proc/1/root/pause\n", "", bare)
    wait_until(lambda: state_of(here, bare, result.container) == "terminated", what=lambda: "it has not ended")
    assert " debug bare -i --image=busybox" in result.command


@pytest.mark.usefixtures("bare")
def test_input_environment_and_exit_code(here):
    words = (
        f'debug -n {here.namespace} bare --env A=b --target app -c mine -- sh -c "cat; echo $A; echo no >&2; exit 7"'
    )
    with pytest.raises(CommandFailed) as caught:
        run_magic(verbs_of("kpod"), words, "typed\n", {})
    assert (caught.value.exit_code, caught.value.output) == (7, "typed\nb\nno\n")


def test_without_a_command_it_stays_for_exec(here, bare):
    operation = here.debug(bare)
    result = operation.result(60)
    assert "%kpod exec bare -c debugger-" in str(operation.state)
    found = here.pods.exec(bare, "cat /proc/1/comm", container=result.container).result(30)
    assert found.output == "pause\n"
    assert state_of(here, bare, result.container) == "running"


def test_a_stop_ends_the_command_and_its_container(here, bare):
    operation = here.debug(bare, "sh -c 'echo up; sleep 600'", container="stopped")
    wait_until(lambda: operation.state.lines, what=lambda: "it has not begun")
    operation.stop()
    with pytest.raises(Stopped):
        operation.result(5)
    wait_until(lambda: state_of(here, bare, "stopped") == "terminated", what=lambda: "it has not ended")


def test_a_copy_of_a_pod(here, bare):
    seen = here.debug(bare, "ps", copy_to="copied", remove=True).result(90)
    assert "/pause" in seen.output
    wait_until(lambda: "copied" not in here.pods.names(), what=lambda: "the copy is still there")
    here.debug(bare, copy_to="changed", set_image={"*": "busybox"}).result(60)
    (container,) = here.pods.get("changed").manifest()["spec"]["containers"]
    assert container["image"] == "busybox"
    here.debug(bare, "sleep 600", copy_to="again", container="app", image="busybox").result(60)
    (container,) = here.pods.get("again").manifest()["spec"]["containers"]
    assert (container["image"], container["command"]) == ("busybox", ["sleep", "600"])
    assert bare in here.pods.names()


def test_a_node(here):
    node = next(name for name in here.get("nodes").names if not name.startswith("simulated"))
    result = here.debug(f"node/{node}", "ls /host/proc/1/comm", remove=True).result(90)
    assert result.output == "/host/proc/1/comm\n"
    wait_until(lambda: result.pod not in here.pods.names(), what=lambda: "its pod is still there")


def test_what_cannot_be_debugged_says_why(here, bare, monkeypatch):
    with pytest.raises(NotFound, match="There is no pod nosuch"):
        here.debug("nosuch", "ls").result(30)
    with pytest.raises(NotFound, match="There is no container other in the pod bare"):
        here.debug(bare, "ls", target="other").result(30)
    with pytest.raises(UsageError, match="There is no profile 'admin'"):
        here.debug(bare, "ls", profile="admin")
    with pytest.raises(UsageError, match="Only a copy of a pod can be changed"):
        here.debug(bare, "ls", set_image={"*": "busybox"})
    monkeypatch.setattr(settings, "debug_image", f"{part('registry').address}/no/such:1")
    with pytest.raises(ApiError, match="no/such:1") as caught:
        here.debug(bare, "ls").result(90)
    assert "the setting debug_image" in caught.value.cure
