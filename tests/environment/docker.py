"""Docker Engine 28 with BuildKit and buildx, on a private socket, data folder and bridge."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from urllib.parse import quote

from . import folders, network, packages
from .http_requests import request_unix
from .part import Part, State, Status, Unavailable, need_root
from .processes import Process, StartFailed, run, socket_answers
from .registries import PasswordRegistry, Registry, TokenRegistry

NEWER_PACKAGES = ["docker.io", "docker-cli", "docker-buildx", "containerd", "tini-static"]
"""From Debian sid: these need only libc6 >= 2.34, which Debian 12 has."""

TOOL_PACKAGES = [
    *["runc", "iptables", "libip4tc2", "libip6tc2", "libxtables12"],
    *["libnftnl11", "libmnl0", "libnfnetlink0", "libnetfilter-conntrack3"],
]
"""From Debian 12: sid's runc needs a newer C library."""


OLD_CACHE = quote(json.dumps({"until": ["3h"]}))
OLD_IMAGES = quote(json.dumps({"dangling": ["true"], "until": ["3h"]}))
PRUNE_SECONDS = 3600


def tools() -> Path:
    """The tree with runc and iptables, under the names that engines call them by."""
    tree = packages.unpack("engine-tools", TOOL_PACKAGES)
    for name in ("iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore"):
        link = tree / "usr/sbin" / name
        if not link.is_symlink():
            # Debian creates these links in /etc by update-alternatives
            link.symlink_to("xtables-nft-multi")
    return tree


def program_environment(*trees: Path) -> dict[str, str]:
    """Variables under which an engine finds its helpers in private trees, :func:`tools` among them."""
    extensions = next((path for tree in trees for path in tree.glob("usr/lib/*-linux-gnu/xtables")), None)
    return {
        "PATH": packages.program_path(*trees),
        "LD_LIBRARY_PATH": packages.library_path(*trees),
        **({"XTABLES_LIBDIR": str(extensions)} if extensions else {}),
    }


def tool_environment(*trees: Path) -> dict[str, str]:
    """The same with :func:`tools` added."""
    return program_environment(*trees, tools())


class Docker(Part):
    """The tests' engine: its images and volumes stay in the cache between ``down`` and ``up``."""

    name = "docker"
    needs = ("registry",)
    process_name = "dockerd"
    bridge = "nbcdocker0"
    bridge_address = "172.30.207.1/24"
    fixed_pools = "172.30.208.0/20"

    @property
    def socket(self) -> Path:
        """The engine's unix socket."""
        return folders.folder(self.name) / "docker.sock"

    @property
    def host(self) -> str:
        """What ``DOCKER_HOST`` must be."""
        return f"unix://{self.socket}"

    def tree(self) -> Path:
        """The tree with the engine's programs."""
        return packages.unpack(self.name, NEWER_PACKAGES, packages.NEWER)

    def install(self) -> None:
        tree = self.tree()
        if not packages.works(str(tree / "usr/sbin/dockerd"), "--version"):
            raise Unavailable("dockerd of Debian sid does not start here (its C library is too old)")
        tools()

    def configuration(self, tree: Path) -> dict[str, object]:
        """The engine's ``daemon.json``."""
        mirror = Registry().address
        guarded = [PasswordRegistry().address, TokenRegistry().address]
        return {
            "registry-mirrors": [f"http://{mirror}"],
            "insecure-registries": [mirror, *guarded, mirror.replace("127.0.0.1", "localhost")],
            "features": {"buildkit": True, "containerd-snapshotter": False},
            "bridge": self.bridge,
            "default-address-pools": [{"base": self.fixed_pools, "size": 26}],
            "mtu": network.machine_mtu(),
            "ip-forward-no-drop": True,
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "cgroup-parent": "/nbcontainer-docker",
            "init-path": str(tree / "usr/bin/tini-static"),
            "shutdown-timeout": 2,
        }

    def process(self, tree: Path) -> Process:
        """The daemon's process."""
        root = folders.folder(self.name)
        return Process(
            self.process_name,
            [
                str(tree / "usr/sbin/dockerd"),
                *["--config-file", str(root / "daemon.json"), "--data-root", str(root / "data")],
                *["--exec-root", str(root / "exec"), "--pidfile", str(root / "dockerd.pid")],
                *["--host", self.host],
            ],
            tool_environment(tree),
        )

    def up(self) -> None:
        need_root("Docker Engine")
        with folders.locked(self.name):
            if len(str(self.socket).encode()) > folders.SOCKET_PATH_LIMIT:
                raise Unavailable(f"the path {self.socket} is too long for a unix socket: set NBCONTAINER_CACHE")
            tree = self.tree()
            self.install()
            process = self.process(tree)
            if process.pid() is None:
                root = folders.folder(self.name)
                network.enable_forwarding()
                network.add_bridge(self.bridge, self.bridge_address)
                folders.write(root / "daemon.json", json.dumps(self.configuration(tree), indent=1))
                # dockerd refuses to start when a stale pid file names any living process
                (root / "dockerd.pid").unlink(missing_ok=True)
                self.socket.unlink(missing_ok=True)
                process.start()
            process.wait(lambda: self.version() is not None, 60)
            self._remove_old_builds()

    def _remove_old_builds(self) -> None:
        """Removes what earlier runs' builds left, at most once an hour.

        Otherwise the engine has tens of thousands of cache records in the end, all of which it reads after each build.
        """
        stamp = folders.folder(self.name) / "pruned"
        if stamp.exists() and time.time() - stamp.stat().st_mtime < PRUNE_SECONDS:
            return
        stamp.touch()
        for target in (f"/images/prune?filters={OLD_IMAGES}", f"/build/prune?all=true&filters={OLD_CACHE}"):
            with contextlib.suppress(OSError):  # what it did not manage in time is for the next one
                request_unix(self.socket, target, "POST", seconds=20)

    def version(self) -> str | None:
        """The engine's information about itself; None while it does not answer."""
        if not socket_answers(self.socket):
            return None
        client = self.client()
        try:
            return run(
                [client, "version", "--format", "{{.Server.Version}}"], environment=self.client_environment(), timeout=5
            ).strip()
        except (StartFailed, OSError, TimeoutError):
            return None

    def client(self) -> str:
        """The ``docker`` command line that belongs to the new engine."""
        return str(packages.unpack("docker", NEWER_PACKAGES, packages.NEWER) / "usr/bin/docker")

    def client_environment(self) -> dict[str, str]:
        """Variables for the command line: never the user's own configuration."""
        configuration = folders.folder(self.name, "config")
        plugins = configuration / "cli-plugins"
        plugins.mkdir(exist_ok=True)
        link = plugins / "docker-buildx"
        if not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(self.buildx())
        return {"DOCKER_HOST": self.host, "DOCKER_CONFIG": str(configuration), "DOCKER_CONTEXT": ""}

    def buildx(self) -> Path:
        """buildx, which also runs standalone."""
        tree = packages.unpack("docker", NEWER_PACKAGES, packages.NEWER)
        return tree / "usr/libexec/docker/cli-plugins/docker-buildx"

    def down(self) -> None:
        with folders.locked(self.name):
            process = Process(self.process_name)
            if not process.known():
                return  # the bridge may belong to another cache's engine
            process.stop(20)
            self.socket.unlink(missing_ok=True)
            network.remove_bridge(self.bridge)

    def status(self) -> Status:
        if Process(self.process_name).pid() is None:
            return Status(State.DOWN, "not started")
        version = self.version()
        if version is None:
            return Status(State.DOWN, f"{self.host} does not answer")
        return Status(State.UP, f"Docker Engine {version} at {self.host}")

    def env(self) -> dict[str, str]:
        environment = self.client_environment()
        return {
            "DOCKER_HOST": self.host,
            "DOCKER_CONFIG": environment["DOCKER_CONFIG"],
            "NBCONTAINER_TEST_DOCKER": self.client(),
            "NBCONTAINER_TEST_BUILDX": str(self.buildx()),
        }
