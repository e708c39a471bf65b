"""Files and folders, copied to and from a container on a real node."""

import hashlib
import os
import subprocess
import threading
import time
from contextlib import suppress

import pytest

from nbcontainer.errors import CommandFailed, NotFound, Stopped, UsageError
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.model.outcome import Outcome
from tests.conftest import part

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def pod(here):
    """A pod with a shell, and the cluster."""
    with suppress(NotFound):
        here.pods.get("copied")
        return here
    here.pods.create("copied", "busybox", command=["sleep", "3600"]).result(90)
    return here


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """An empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(pod, script):
    """The output of a script in the pod."""
    return pod.pods.exec("copied", ["sh", "-c", script]).result(60).output


def test_a_folder_goes_there_and_comes_back_whole(pod, tmp_path):
    folder = tmp_path / "a folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner/ü '\" $x.bin").write_bytes(data := os.urandom(3_000_000))
    (folder / "empty").write_bytes(b"")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("inner")
    sent = pod.cp(str(folder), "copied:/tmp").result(60)
    assert (sent.path, sent.files, sent.size) == ("copied:/tmp/a folder", 3, 3_000_010)
    assert run(pod, "cd '/tmp/a folder'; ls; readlink link").split() == ["empty", "inner", "link", "run.sh", "inner"]
    back = pod.cp("copied:/tmp/a folder", str(tmp_path / "back")).result(60)
    assert (back.files, back.notes) == (3, ())
    assert (tmp_path / "back/inner/ü '\" $x.bin").read_bytes() == data
    assert os.access(tmp_path / "back/run.sh", os.X_OK)
    assert str((tmp_path / "back/link").readlink()) == "inner"
    again = pod.cp("copied:/tmp/a folder", str(tmp_path / "back")).result(60)  # it exists now
    assert again.path == str(tmp_path / "back/a folder")


def test_a_file_gets_the_name_that_is_asked_for_and_kubectl_agrees(pod, tmp_path):
    (tmp_path / "one").write_bytes(b"content\0")
    pod.cp(str(tmp_path / "one"), f"{pod.namespace}/copied:/tmp/two").result(60)
    got = run_magic(verbs_of("kube"), f"cp -n {pod.namespace} copied:/tmp/two {tmp_path}/three -c copied", None, {})
    assert (tmp_path / "three").read_bytes() == b"content\0"
    assert got.command.endswith(f"cp copied:/tmp/two {tmp_path}/three -c copied")
    assert repr(got) == f"CopyResult({tmp_path}/three, 1 file, 8 bytes)"
    kubectl = part("kubernetes").env()["NBCONTAINER_TEST_KUBECTL"]
    words = [kubectl, "-n", pod.namespace, "cp", "copied:/tmp/two", f"{tmp_path}/theirs"]
    subprocess.run(words, check=True, capture_output=True)
    assert (tmp_path / "theirs").read_bytes() == (tmp_path / "three").read_bytes()
    pod.cp("copied:/etc/passwd", str(tmp_path)).result(60)
    assert "root" in (tmp_path / "passwd").read_text()


def test_nothing_is_written_outside_the_target(pod, tmp_path):
    run(
        pod,
        "mkdir -p /tmp/evil/sub; cd /tmp/evil; ln -sf /etc/passwd abs; ln -sf ../../out up; ln -sf sub in; echo x > ok",
    )
    got = pod.cp("copied:/tmp/evil", str(tmp_path / "evil")).result(60)
    assert sorted(path.name for path in (tmp_path / "evil").iterdir()) == ["in", "ok", "sub"]
    assert sorted(note.split(",")[0] for note in got.notes) == ["left out: abs", "left out: up"]


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (("copied:/no/such", "x"), NotFound, "There is no /no/such in the pod copied"),
        (("nosuch:/etc/passwd", "x"), NotFound, "There is no pod nosuch"),
        (("nosuchfile", "copied:/tmp"), UsageError, "There is no file 'nosuchfile'"),
        (("/etc/passwd", "copied:/proc/x/y"), CommandFailed | NotFound, "/proc/x"),
        (("a", "b"), UsageError, "between a pod and this machine"),
        (("copied:/etc/passwd", "/dev/null"), UsageError, "/dev/null is not a file or a folder"),
        (("copied:a", "copied:b"), UsageError, "between a pod and this machine"),
    ],
)
def test_what_cannot_be_copied_says_why(pod, words, error, message, nowhere):
    errors = error.__args__ if hasattr(error, "__args__") else error
    with pytest.raises(errors, match=message):
        pod.cp(*words).result(60)
    assert not list(nowhere.iterdir())


@pytest.mark.parametrize("upload", [False, True])
def test_a_stop_ends_it_there_too(pod, tmp_path, upload):
    if upload:
        with (tmp_path / "big").open("wb") as file:
            file.truncate(8 << 30)
        operation = pod.cp(str(tmp_path / "big"), "copied:/dev/shm/big")
    else:
        run(pod, "truncate -s 8G /tmp/big")
        operation = pod.cp("copied:/tmp/big", str(tmp_path / "got"))
    deadline = time.monotonic() + 60
    while "tar" not in run(pod, "ps | grep 'tar [cx]' | grep -v grep || true"):
        assert time.monotonic() < deadline
    began = time.monotonic()
    operation.stop()
    with pytest.raises(Stopped):
        operation.result(5)
    assert time.monotonic() - began < 1
    assert operation.state.outcome is Outcome.STOPPED
    assert operation.wait_until_gone(5)
    assert {path.name for path in tmp_path.iterdir()} <= {"spool", "big"}  # nothing incomplete is left
    while "tar" in run(pod, "ps | grep 'tar [cx]' | grep -v grep || true"):
        assert time.monotonic() < deadline
    run(pod, "rm -f /dev/shm/big /tmp/big")
    assert operation.wait_until_gone(5)
    assert not [one for one in threading.enumerate() if "copy" in one.name]


def test_a_large_file_is_whole(pod, tmp_path):
    run(pod, "head -c 20000000 /dev/urandom > /tmp/large")
    pod.cp("copied:/tmp/large", str(tmp_path / "large")).result(60)
    whole = hashlib.sha256((tmp_path / "large").read_bytes()).hexdigest()
    assert run(pod, "sha256sum < /tmp/large").split()[0] == whole
    pod.cp(str(tmp_path / "large"), "copied:/tmp/again").result(60)
    assert run(pod, "sha256sum < /tmp/again; rm /tmp/large /tmp/again").split()[0] == whole
