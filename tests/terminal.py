"""A terminal whose own context, engine and kubeconfig differ from the tests'."""

import os
import shlex
import subprocess
from pathlib import Path

from tests.conftest import part
from tests.environment.podman import Podman


class Terminal:
    """Runs commands as they would be pasted; docker, podman and kubectl are the environment's.

    Whatever does not name its engine or cluster goes where nothing answers.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "terminal"
        (self._folder / "bin").mkdir(parents=True)
        docker = part("docker").env()
        self._program("docker", docker["NBCONTAINER_TEST_DOCKER"])
        buildx = Path(docker["NBCONTAINER_TEST_BUILDX"])
        plugins = self._folder / ".docker/cli-plugins"
        plugins.mkdir(parents=True)
        (plugins / "docker-buildx").symlink_to(buildx)

    def with_podman(self) -> "Terminal":
        """The same, with podman installed as well."""
        podman = Podman()
        self._program("podman", f"{podman.tree()}/usr/bin/podman", podman.programs(podman.tree()))
        return self

    def with_kubectl(self) -> "Terminal":
        """The same, with kubectl installed as well."""
        self._program("kubectl", part("kubernetes").env()["NBCONTAINER_TEST_KUBECTL"])
        return self

    def _program(self, name: str, path: str, variables: dict[str, str] | None = None) -> None:
        lines = [f"export {key}={shlex.quote(value)}" for key, value in (variables or {}).items()]
        program = self._folder / "bin" / name
        program.write_text("\n".join(["#!/bin/sh", *lines, f'exec {shlex.quote(path)} "$@"\n']))
        program.chmod(0o755)

    def run(self, command: str, stdin: str = "") -> str:
        """A command's output; it must succeed."""
        ended = self.try_(command, stdin)
        assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def try_(self, command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """A finished command, whether or not it succeeded."""
        ended = self.try_bytes(command, stdin.encode())
        return subprocess.CompletedProcess(command, ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def try_bytes(self, command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """As `try_`, with all bytes as the command wrote them."""
        variables = {
            "PATH": f"{self._folder}/bin:{os.environ['PATH']}",
            "HOME": str(self._folder),
            "DOCKER_HOST": f"unix://{self._folder}/nowhere.sock",
            "CONTAINER_HOST": f"unix://{self._folder}/nowhere.sock",
            "KUBECONFIG": f"{self._folder}/nowhere",
        }
        return subprocess.run(
            ["sh", "-c", command], input=stdin, env=variables, capture_output=True, timeout=60, check=False
        )
