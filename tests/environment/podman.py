"""Podman from Debian 12, rootful and rootless, each as a private service."""

from __future__ import annotations

import json
import os
import pwd
import shutil
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from . import folders, mounts, network, packages
from .docker import program_environment, tools
from .http_requests import request_unix
from .part import Part, State, Status, Unavailable, need_root
from .processes import Process, run, socket_answers
from .registries import PasswordRegistry, Registry, TokenRegistry

PACKAGES = [
    *["podman", "conmon", "runc", "catatonit", "containernetworking-plugins", "uidmap", "slirp4netns"],
    *["fuse-overlayfs", "golang-github-containers-common", "golang-github-containers-image"],
    *["libfuse3-3", "libsubid4", "libslirp0", "libgpgme11", "libassuan0", "libglib2.0-0", "libdevmapper1.02.1"],
]
OLD_IMAGES = quote(json.dumps({"dangling": ["true"], "until": ["1h"]}))
"""Untagged images of earlier runs: with hundreds of images, Podman takes seconds to list them."""
MOST_OLD_IMAGES = 40
USER = "nbcontainer-rootless"
USER_HOME = Path("/var/lib/nbcontainer-rootless")


def registries_configuration() -> str:
    """The local registry as a mirror of Docker Hub's names, and all three without TLS."""
    mirror = Registry().address
    text = 'unqualified-search-registries = ["docker.io"]\n\n[[registry]]\nlocation = "docker.io"\n'
    text += f'[[registry.mirror]]\nlocation = "{mirror}"\ninsecure = true\n'
    for address in (mirror, PasswordRegistry().address, TokenRegistry().address):
        text += f'\n[[registry]]\nlocation = "{address}"\ninsecure = true\n'
    return text


def engine_configuration(tree: Path, root: Path, run_root: Path) -> str:
    """containers.conf. runc, because crun refuses the hybrid of cgroup v1 and v2; limits that a child may set."""
    # conmon calls podman when a container has ended, with these variables alone: without them its exit code is never
    # written down, and what waits for it waits 20 s
    variables = [f"PATH={packages.program_path(tree)}", f"LD_LIBRARY_PATH={packages.library_path(tree)}"]
    return f"""\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
seccomp_profile = "{tree}/usr/share/containers/seccomp.json"
init_path = "{tree}/usr/bin/catatonit"

[engine]
conmon_env_vars = {json.dumps(variables)}
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
conmon_path = ["{root}/conmon"]
helper_binaries_dir = ["{tree}/usr/lib/podman", "{tree}/usr/libexec/podman", "{tree}/usr/bin"]
tmp_dir = "{run_root}/libpod"

[engine.runtimes]
runc = ["{tree}/usr/sbin/runc"]

[network]
network_backend = "cni"
cni_plugin_dirs = ["{tree}/usr/lib/cni"]
network_config_dir = "{root}/networks"
"""


def network_configuration(bridge: str, subnet: str) -> str:
    """The containers' default network, on our own bridge."""
    ipam = {"type": "host-local", "routes": [{"dst": "0.0.0.0/0"}], "ranges": [[{"subnet": subnet}]]}
    device = {
        "type": "bridge",
        "bridge": bridge,
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "mtu": network.machine_mtu(),
        "ipam": ipam,
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    plugins = [device, ports, {"type": "firewall"}, {"type": "tuning"}]
    return json.dumps({"cniVersion": "0.4.0", "name": "podman", "plugins": plugins}, indent=1)


class Podman(Part):
    """Rootful Podman: its images and containers stay in the cache between ``down`` and ``up``."""

    name = "podman"
    needs = ("registry",)
    bridge: ClassVar[str] = "nbcpodman0"
    subnet: ClassVar[str] = "172.30.224.0/24"

    @property
    def root(self) -> Path:
        """The folder with everything that this Podman writes."""
        return folders.folder(self.name)

    @property
    def run_root(self) -> Path:
        """The folder for state that does not survive a reboot; Podman refuses a path of more than 50 characters."""
        return folders.short_folder(self.name)

    @property
    def socket(self) -> Path:
        """The unix socket of both its APIs, Docker's and its own."""
        return self.root / "podman.sock"

    @property
    def host(self) -> str:
        """What ``DOCKER_HOST`` or ``CONTAINER_HOST`` must be."""
        return f"unix://{self.socket}"

    def tree(self) -> Path:
        """The tree with its programs."""
        return packages.unpack("podman", PACKAGES)

    def install(self) -> None:
        self.tree()
        self.program_environment()

    def program_environment(self) -> dict[str, str]:
        """The variables under which ``podman`` works on the same storage as the service."""
        root, tree, run_root = self.root, self.tree(), self.run_root
        storage = f'[storage]\ndriver = "overlay"\ngraphroot = "{root}/storage"\nrunroot = "{run_root}/storage"\n'
        folders.write(root / "containers.conf", engine_configuration(tree, root, run_root))
        folders.write(root / "registries.conf", registries_configuration())
        folders.write(root / "storage.conf", storage)
        folders.write(root / "networks/87-podman.conflist", network_configuration(self.bridge, self.subnet))
        policy = json.dumps({"default": [{"type": "insecureAcceptAnything"}]})
        folders.write(root / "home/.config/containers/policy.json", policy)
        for path in (root / "run", root / "storage", root / "no-packages", run_root / "runtime"):
            path.mkdir(exist_ok=True)
        (run_root / "runtime").chmod(0o700)
        environment = self.programs(tree)
        # Podman hands conmon only a few variables (PATH, HOME, CONTAINERS_CONF), and conmon calls podman again
        # to clean up after a container: without these `run --rm` would wait forever
        lines = [f"export {name}='{value}'" for name, value in environment.items()]
        lines += [f"export CONTAINERS_{name.upper()}_CONF='{root}/{name}.conf'" for name in ("storage", "registries")]
        folders.write(root / "conmon", "\n".join(["#!/bin/sh", *lines, f'exec {tree}/usr/bin/conmon "$@"\n']), 0o755)
        return {
            **environment,
            "HOME": str(root / "home"),
            "XDG_RUNTIME_DIR": str(run_root / "runtime"),
            "XDG_CONFIG_HOME": str(root / "home/.config"),
            "CONTAINERS_CONF": str(root / "containers.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(root / "registries.conf"),
            "CONTAINERS_STORAGE_CONF": str(root / "storage.conf"),
            "TMPDIR": str(root / "run"),
            # for its version it asks dpkg which packages its helpers belong to, which searches all packages
            "DPKG_ADMINDIR": str(root / "no-packages"),
            # the user session's, not ours
            "DBUS_SESSION_BUS_ADDRESS": "",
        }

    def programs(self, tree: Path) -> dict[str, str]:
        """Variables under which its helpers and libraries are found."""
        return program_environment(tree, tools())

    def command(self) -> list[str]:
        """The ``podman`` program with its storage.

        conmon calls podman with these paths to clean up. Without them here, rootless Podman keeps its database below
        HOME, the clean-up finds no such container, and ``run --rm`` waits for ever.
        """
        places = ["--root", str(self.root / "storage"), "--runroot", str(self.run_root / "storage")]
        return [str(self.tree() / "usr/bin/podman"), *places, "--storage-driver", "overlay"]

    def process(self) -> Process:
        """The service's process."""
        arguments = [*self.command(), "system", "service", "--time", "0", self.host]
        return Process(self.name, arguments, self.program_environment(), self.root)

    def check(self) -> None:
        """Raises Unavailable if this machine cannot run it."""
        need_root("rootful Podman")

    def up(self) -> None:
        self.check()
        with folders.locked(self.name):
            if len(str(self.socket).encode()) > folders.SOCKET_PATH_LIMIT:
                raise Unavailable(f"the path {self.socket} is too long for a unix socket: set NBCONTAINER_CACHE")
            self.install()
            process = self.process()
            if process.pid() is None:
                self.socket.unlink(missing_ok=True)
                if os.geteuid() == 0:
                    network.enable_forwarding()
                process.start()
            process.wait(lambda: self.version() is not None, 60)
            self._remove_old_images()

    def version(self) -> str | None:
        """The service's information about itself; None while it does not answer."""
        if not socket_answers(self.socket):
            return None
        try:
            return str(json.loads(request_unix(self.socket, "/version"))["Version"])
        except (OSError, ValueError, KeyError):
            return None

    def down(self) -> None:
        with folders.locked(self.name):
            process = Process(self.name)
            if not process.known():
                return  # the bridge and the unprivileged user's folder may belong to another cache's service
            if self.version() is not None:
                self._remove_containers()
            process.stop(5)
            self.socket.unlink(missing_ok=True)
            self._remove_network()
            if os.geteuid() == 0:
                mounts.remove_below(self.root)

    def _remove_old_images(self) -> None:
        """Waits for the prune, and only prunes if it is worth it: listing images at the same time fails."""
        path, old = "/v4.0.0/libpod/images", f"filters={OLD_IMAGES}"
        if len(json.loads(request_unix(self.socket, f"{path}/json?{old}", seconds=120)) or ()) > MOST_OLD_IMAGES:
            request_unix(self.socket, f"{path}/prune?{old}", "POST", seconds=300)

    def _remove_containers(self) -> None:
        """Containers and pods are not children of the service: they would keep running."""
        pods = json.loads(request_unix(self.socket, "/v4.0.0/libpod/pods/json") or b"[]") or []
        for pod in pods:
            request_unix(self.socket, f"/v4.0.0/libpod/pods/{pod['Id']}?force=true", "DELETE")
        containers = json.loads(request_unix(self.socket, "/v4.0.0/libpod/containers/json?all=true") or b"[]") or []
        for container in containers:
            path = f"/v4.0.0/libpod/containers/{container['Id']}?force=true&timeout=0"
            request_unix(self.socket, path, "DELETE")

    def _remove_network(self) -> None:
        network.remove_bridge(self.bridge)

    def status(self) -> Status:
        if Process(self.name).pid() is None:
            return Status(State.DOWN, "not started")
        version = self.version()
        if version is None:
            return Status(State.DOWN, f"{self.host} does not answer")
        return Status(State.UP, f"Podman {version} at {self.host}")

    def env(self) -> dict[str, str]:
        return {f"NBCONTAINER_TEST_{self.name.upper().replace('-', '_')}": self.host}


class RootlessPodman(Podman):
    """Podman of an unprivileged user, which this makes where it is run by root.

    That user cannot look into root's folders, so its programs and storage lie in its own home.
    """

    name = "podman-rootless"

    @property
    def root(self) -> Path:
        if os.geteuid() != 0:
            return folders.folder(self.name)
        return USER_HOME / "podman"

    @property
    def account(self) -> pwd.struct_passwd | None:
        """The unprivileged user, if it exists."""
        try:
            return pwd.getpwnam(USER) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        except KeyError:
            return None

    def tree(self) -> Path:
        return self._readable(packages.unpack("podman", PACKAGES))

    def _readable(self, tree: Path) -> Path:
        """A tree that the unprivileged user can read: a copy in its own home, where this is run by root."""
        if os.geteuid() != 0:
            return tree
        copy = USER_HOME / "packages" / tree.name
        if not copy.is_dir():
            copy.parent.mkdir(parents=True, exist_ok=True)
            temporary = copy.with_name(f".{copy.name}.{os.getpid()}")
            run(["cp", "--archive", str(tree), str(temporary)])
            temporary.replace(copy)
        return copy

    def check(self) -> None:
        if os.geteuid() != 0:
            if not shutil.which("newuidmap"):
                raise Unavailable("rootless Podman needs newuidmap (the package uidmap), which only root can install")
            return
        need_root("making the unprivileged user")
        if self.account is None:
            for path in (Path("/etc/subuid"), Path("/etc/subgid")):
                path.touch()  # useradd gives subordinate ids only where these exist
            run(["useradd", "--home-dir", str(USER_HOME), "--create-home", "--shell", "/usr/sbin/nologin", USER])
        device = Path("/dev/net/tun")
        if not device.exists():
            raise Unavailable("rootless Podman needs /dev/net/tun for its network")
        if device.stat().st_mode & 0o006 != 0o006:
            device.chmod(0o666)  # as Debian's udev makes it: a machine without udev has it closed

    def program_environment(self) -> dict[str, str]:
        environment = super().program_environment()
        account = self.account
        if os.geteuid() == 0 and account is not None:
            environment |= {"USER": account.pw_name, "LOGNAME": account.pw_name}
            names = ("run", "storage", "networks", "home", "home/.config", "home/.config/containers", ".")
            owned = [*(self.root / name for name in names), self.run_root, self.run_root / "runtime"]
            for path in owned:
                os.chown(path, account.pw_uid, account.pw_gid)
        return environment

    def programs(self, tree: Path) -> dict[str, str]:
        return program_environment(tree, self._readable(tools()))

    def process(self) -> Process:
        process = super().process()
        if os.geteuid() == 0:
            process.user = self.account
        return process

    def _remove_network(self) -> None:
        """slirp4netns exits with its containers."""
