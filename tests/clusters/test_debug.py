"""A container for debugging: in a pod without a shell, in a copy, on a node."""

import time
from contextlib import suppress

import pytest

from nbcontainer.errors import ApiError, CommandFailed, Conflict, NotFound, Unsupported, UsageError
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.settings import settings
from tests.clusters.test_tables import until
from tests.environment.registries import Registry

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def bare(cluster):
    """A cluster with a pod "bare" of an image built FROM scratch: a Go program, and nothing else."""
    with suppress(Conflict):
        cluster.pods.create("bare", f"{Registry().address}/nbcontainer/pause:1").result(60)
    return cluster


def test_a_pod_without_a_shell_is_seen_from_within(bare):
    with pytest.raises(NotFound, match="has no command 'ls'"):
        bare.pods.exec("bare", "ls").result(30)
    told = bare.debug("bare", "ls /proc/1/root", target="bare").result(60)
    assert "pause" in told.output.split()
    assert "debug bare --image=busybox --profile=general --target=bare -i -- ls /proc/1/root" in told.command
    with pytest.raises(CommandFailed) as failed:
        bare.debug("bare", "sh -c 'echo no >&2; exit 3'", target="bare").result(60)
    assert (failed.value.exit_code, failed.value.output) == (3, "no\n")
    assert bare.debug("bare", "wc -c", target="bare", stdin=b"\0\xff\r\n").result(60).output.strip() == "4"
    assert len(bare.manifests("pod", "bare").objects[0]["spec"]["ephemeralContainers"]) == 1  # used again each time


def test_a_pod_that_was_got_is_debugged(bare):
    assert bare.pods.get("bare").debug("hostname", target="bare").result(60).output == "bare\n"


def test_stopping_ends_the_command(bare):
    running = bare.debug("bare", "sh -c 'echo up; sleep 4711'", target="bare")
    until(lambda: running.state.total >= 1, 60)
    began = time.monotonic()
    running.interrupt()
    assert time.monotonic() - began < 1
    until(lambda: "4711" not in bare.debug("bare", "ps", target="bare").result(60).output, 30)


def test_magics_take_kubectl_s_words(bare):
    def magic(line, cell=None):
        return run_magic(verbs_of("kube"), f"debug -n {bare.namespace} {line}", cell, {})

    assert magic("pod/bare --target bare -i -- cat", "from the cell").output == "from the cell"
    named = magic("bare -c mine --env COLOUR=blue --profile=netadmin -- sh -c 'echo $COLOUR'")
    assert named.output == "blue\n"
    (made,) = [
        one for one in bare.manifests("pod", "bare").objects[0]["spec"]["ephemeralContainers"] if one["name"] == "mine"
    ]
    assert made["securityContext"] == {"capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}}
    assert magic("bare -c mine --env COLOUR=blue --profile=netadmin").exit_code == 0
    assert bare.pods.exec("bare", "true", container="mine").result(30).exit_code == 0


def test_a_secret_value_of_the_environment_is_not_in_the_command(bare):
    told = bare.debug("bare", "sh -c 'echo $TOKEN'", environment={"TOKEN": "s3cret-4711"}).result(60)
    assert told.output == "s3cret-4711\n"
    assert "s3cret" not in told.command


def test_a_pod_of_a_deployment(bare):
    bare.create.deployment("of-many", "busybox", command="sleep 4712")
    bare.rollout.status("deploy/of-many", timeout=60).result()
    assert "sleep 4712" in bare.debug("deploy/of-many", "ps", target="busybox").result(60).output
    bare.delete("deploy/of-many")


def test_a_copy_leaves_the_pod_alone(bare):
    told = bare.debug("bare", "ps", copy_to="bare-copy", set_image={"bare": "busybox"}, image="busybox").result(60)
    assert "sleep 86400" in told.output
    copy = bare.manifests("pod", "bare-copy").objects[0]
    assert [one["image"] for one in copy["spec"]["containers"]] == ["busybox", "busybox"]
    assert "run" not in copy["metadata"]["labels"]
    assert bare.pods.get("bare").status == "Running"
    bare.pods.delete("bare-copy", force=True).result(30)


def test_the_command_of_a_copy_s_own_container_is_replaced(bare):
    told = bare.debug("bare", "sleep 4713", copy_to="changed", container="bare", image="busybox").result(60)
    assert "debug bare --image=busybox --profile=general --container=bare --copy-to=changed" in told.command
    (container,) = bare.manifests("pod", "changed").objects[0]["spec"]["containers"]
    assert (container["image"], container["command"]) == ("busybox", ["sleep", "4713"])
    bare.pods.delete("changed", force=True).result(30)


def test_a_setting_is_the_default_image(bare, monkeypatch):
    monkeypatch.setattr(settings, "debug_image", f"{Registry().address}/nbcontainer/pause:1")
    with pytest.raises(ApiError, match=r"exec: .sleep.: executable file not found") as caught:
        bare.debug("bare", "true").result(60)
    assert "the setting debug_image chooses another image" in caught.value.cure


def test_a_node_s_files_are_seen_and_the_pod_goes_afterwards(bare):
    node = bare.manifests("pod", "bare").objects[0]["spec"]["nodeName"]
    assert "etc" in bare.debug(f"node/{node}", "ls /host").result(60).output.split()
    until(lambda: not [name for name in bare.pods.names() if name.startswith("node-debugger-")], 30)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"name": "bare", "target": "nix"}, NotFound, "There is no container nix in the pod bare"),
        ({"name": "nix"}, NotFound, "There is no pod nix"),
        ({"name": "deploy/nix"}, NotFound, "There is no deployment nix"),
        ({"name": "node/nix"}, NotFound, "There is no node nix"),
        ({"name": "bare", "container": "bare"}, UsageError, "has a container bare already"),
        ({"name": "bare", "copy_to": "c", "set_image": {"nix": "a"}}, NotFound, "There is no container nix"),
        ({"name": "bare", "profile": "root"}, UsageError, "is one of general"),
        ({"name": "bare", "replace": True}, UsageError, "for a copy"),
        ({"name": "bare", "copy_to": "c", "target": "bare"}, UsageError, "for a pod that runs"),
    ],
)
def test_what_cannot_be_debugged_is_said(bare, arguments, error, words):
    with pytest.raises(error, match=words):
        bare.debug(command="true", **arguments).result(60)


def test_an_image_without_sleep_is_said(bare):
    with pytest.raises(ApiError, match=r"cannot be started: exec: .sleep.: executable file not found"):
        bare.debug("bare", "true", image=f"{Registry().address}/nbcontainer/pause:1").result(60)


def test_files_are_copied_to_and_from_an_image_without_tar(bare, tmp_path):
    with pytest.raises(Unsupported, match="no tar") as caught:
        bare.cp("bare:/pause", str(tmp_path / "pause")).result(30)
    assert "--image=busybox" in caught.value.cure or "image='busybox'" in caught.value.cure
    copied = bare.cp("bare:/pause", str(tmp_path / "pause"), image="busybox").result(60)
    assert (tmp_path / "pause").read_bytes().startswith(b"\x7fELF")
    assert copied.size == (tmp_path / "pause").stat().st_size
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "one").write_bytes(b"1" * 100_000)
    (tmp_path / "folder" / "link").symlink_to("one")
    assert bare.cp(str(tmp_path / "folder"), "bare:/tmp-folder", image="busybox").result(60).size == 100_000
    assert bare.cp("bare:tmp-folder", str(tmp_path / "back"), image="busybox").result(60).files == 1
    assert (tmp_path / "back" / "link").read_bytes() == b"1" * 100_000
    with pytest.raises(NotFound, match="There is no"):
        bare.cp("bare:/nix", str(tmp_path / "nix"), image="busybox").result(60)
