"""A standalone buildkitd from its Go module: the daemon without an engine around it."""

from __future__ import annotations

from pathlib import Path

from . import folders, golang, network
from .docker import program_environment, tools
from .part import Part, State, Status, Unavailable, need_root
from .processes import Process, StartFailed, run, socket_answers
from .registries import PasswordRegistry, Registry, TokenRegistry

_SOURCES = folders.SOURCES / "buildkit"


class Buildkitd(Part):
    """buildkitd with the runc worker, on a private unix socket; its cache stays between ``down`` and ``up``."""

    name = "buildkitd"
    needs = ("registry",)
    builds = True

    @property
    def root(self) -> Path:
        """Its folder."""
        return folders.folder(self.name)

    @property
    def socket(self) -> Path:
        """Its unix socket, which speaks BuildKit's gRPC."""
        return self.root / "buildkitd.sock"

    def install(self) -> None:
        tools()
        self.binary("buildkitd")
        self.binary("buildctl")

    def binary(self, name: str) -> Path:
        """``buildkitd`` or its client ``buildctl``."""
        return golang.build(name, _SOURCES, f"github.com/moby/buildkit/cmd/{name}")

    def configuration(self) -> str:
        """buildkitd.toml. The host's network: buildkitd has no bridge of its own, and registries are on loopback."""
        mirror = Registry().address
        text = '[worker.oci]\n  enabled = true\n  networkMode = "host"\n[worker.containerd]\n  enabled = false\n'
        text += f'[registry."docker.io"]\n  mirrors = ["{mirror}"]\n'
        for address in (mirror, PasswordRegistry().address, TokenRegistry().address):
            text += f'[registry."{address}"]\n  http = true\n'
        return text

    def up(self) -> None:
        need_root("buildkitd")
        with folders.locked(self.name):
            if len(str(self.socket).encode()) > folders.SOCKET_PATH_LIMIT:
                raise Unavailable(f"the path {self.socket} is too long for a unix socket: set NBCONTAINER_CACHE")
            self.install()
            config = folders.write(self.root / "buildkitd.toml", self.configuration())
            arguments = ["--config", str(config), "--root", str(self.root / "data"), "--addr", f"unix://{self.socket}"]
            process = Process(
                self.name,
                [str(self.binary("buildkitd")), *arguments, "--oci-worker-net", "host"],
                {**program_environment(tools()), "HOME": str(self.root), "DOCKER_CONFIG": str(self.root)},
            )
            if process.pid() is None:
                self.socket.unlink(missing_ok=True)
                network.enable_forwarding()
                process.start()
            process.wait(lambda: self.version() is not None, 60)

    def version(self) -> str | None:
        """The daemon's information about itself; None while it does not answer."""
        if not socket_answers(self.socket):
            return None
        command = [str(self.binary("buildctl")), "--addr", f"unix://{self.socket}", "debug", "info"]
        try:
            return run(command, timeout=10).split("\n")[0].removeprefix("BuildKit:").strip()
        except (StartFailed, OSError):
            return None

    def down(self) -> None:
        with folders.locked(self.name):
            Process(self.name).stop(10)
            self.socket.unlink(missing_ok=True)

    def status(self) -> Status:
        if Process(self.name).pid() is None:
            return Status(State.DOWN, "not started")
        version = self.version()
        if version is None:
            return Status(State.DOWN, f"{self.socket} does not answer")
        return Status(State.UP, f"BuildKit {version} at unix://{self.socket}")

    def env(self) -> dict[str, str]:
        return {
            "NBCONTAINER_TEST_BUILDKITD": f"unix://{self.socket}",
            "NBCONTAINER_TEST_BUILDCTL": str(self.binary("buildctl")),
        }
