"""The tar of a build context, built by a real Podman: the image has exactly the files that .dockerignore leaves."""

import http.client
import io
import json
import os
import socket
import tarfile
from urllib.parse import quote

import pytest

from nbcontainer.buildkit.contexttar import ContextTar
from nbcontainer.buildkit.patterns import read_ignore_file
from nbcontainer.buildkit.tree import Tree


class UnixConnection(http.client.HTTPConnection):
    """HTTP to a unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


@pytest.fixture(scope="module")
def podman():
    part = pytest.importorskip("tests.environment.podman").Podman()
    status = part.status()
    if not status:
        pytest.skip(f"podman: {status.detail}")
    return str(part.socket)


def call(path, method, where, body=None):
    connection = UnixConnection(path)
    try:
        headers = {"Content-Type": "application/x-tar"} if body is not None else {}
        connection.request(method, where, body=body, headers=headers, encode_chunked=body is not None)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def image_files(path, name):
    """The names in the only layer of an image."""
    status, data = call(path, "GET", f"/v1.40/images/{quote(name, safe='')}/get")
    assert status == 200, data
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))
        assert len(manifest[0]["Layers"]) == 1
        with tarfile.open(fileobj=archive.extractfile(manifest[0]["Layers"][0])) as layer:
            return {member.name.rstrip("/"): member for member in layer}


def test_podman_builds_what_the_ignore_file_leaves(podman, tmp_path):
    for name in ("keep/a.py", "keep/b.log", "drop/x", "drop/y.py", "z[1]", "é x", "build/out"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("keep/a.py")
    os.link(tmp_path / "keep/a.py", tmp_path / "same.py")
    (tmp_path / "keep/a.py").chmod(0o755)
    ignored = "*.log\n**/*.log\ndrop\n!drop/y.py\nbuild\n"
    # Podman must not apply the one on disk: a Dockerfile's own ignore file takes precedence
    (tmp_path / ".dockerignore").write_text("keep\n")
    tar = ContextTar(Tree(tmp_path, {"m.py": "1"}), "FROM scratch\nCOPY . /c/\n", read_ignore_file(ignored))
    name = "localhost/nbcontainer-test-contexttar:1"
    where = f"/v1.40/build?dockerfile={quote(tar.dockerfile_name)}&t={quote(name, safe='')}&nocache=1"
    status, answer = call(podman, "POST", where, iter(tar))
    try:
        assert status == 200, answer
        assert b'"error"' not in answer, answer
        members = image_files(podman, name)
    finally:
        call(podman, "DELETE", f"/v1.40/images/{quote(name, safe='')}?force=1")
    found = {path.removeprefix("c/") for path in members if path.startswith("c/")}
    assert found == {"drop", "drop/y.py", "keep", "keep/a.py", "link", "m.py", "same.py", "z[1]", "é x"}
    assert members["c/link"].linkname == "keep/a.py"
    assert {member.uid for path, member in members.items() if path.startswith("c/")} == {0}
