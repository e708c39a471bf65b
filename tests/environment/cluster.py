"""A real one-node Kubernetes: etcd, the control plane, containerd, kubelet and kube-proxy, in one folder."""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from . import certificates, cluster_dns, cluster_metrics, docker, folders, golang, layers, mounts, network, packages
from . import cluster_configuration as configuration
from .certificates import Authority
from .kubernetes_api import Api
from .part import Part, State, Status, Unavailable, need_root
from .processes import Process, StartFailed, run, socket_answers
from .registries import Registry

COMMANDS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubectl")
TOOL_PACKAGES = [
    *["containernetworking-plugins", "nftables", "libnftables1", "libjansson4", "libgmp10"],
    *["libedit2", "libbsd0", "libmd0"],
]
_SOURCES = folders.SOURCES / "kubernetes"
_PAUSE = "nbcontainer/pause:1"


def _version() -> str:
    found = re.search(r"k8s\.io/kubernetes (v\S+)", (_SOURCES / "go.mod").read_text(encoding="utf-8"))
    if not found:
        raise Unavailable(f"{_SOURCES / 'go.mod'} has no k8s.io/kubernetes")
    return found[1]


def binary() -> Path:
    """The one binary with every command: built once, in 5 to 7 minutes on two cores."""
    version = _version()
    package = "k8s.io/component-base/version"
    values = {
        "gitVersion": version,
        "gitMajor": "1",
        "gitMinor": version.split(".")[1],
        "gitTreeState": "clean",
        "buildDate": layers.CREATED,
    }
    flags = " ".join(f"-X {package}.{name}={value}" for name, value in values.items())
    return golang.build("kubernetes", _SOURCES, flags=flags)


def commands() -> Path:
    """The folder with a link per command: its name selects what the binary does."""
    built = binary()
    folder = folders.folder("kubernetes", "bin")
    for name in COMMANDS:
        link = folder / name
        if not link.is_symlink() or link.readlink() != built:
            link.unlink(missing_ok=True)
            link.symlink_to(built)
    return folder


class Kubernetes(Part):
    """The cluster. Its contents are lost with ``down``."""

    name = "kubernetes"
    needs = ("registry",)
    builds = True

    @cached_property
    def root(self) -> Path:
        """The folder of the running cluster."""
        return folders.folder(self.name, "cluster")

    @property
    def port(self) -> int:
        """The apiserver's."""
        return folders.port("KUBERNETES", 16443)

    @property
    def server(self) -> str:
        """The apiserver's address."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def pki(self) -> Authority:
        """The certificates, which outlive the cluster."""
        return Authority(folders.folder(self.name) / "pki")

    def api(self) -> Api:
        """The administrator's kubeconfig."""
        return Api(self.server, self.pki)

    def tools(self) -> Path:
        """The tree with the network plugins and nft."""
        return packages.unpack("cluster-tools", TOOL_PACKAGES)

    def settings(self) -> configuration.Settings:
        """The paths of this cluster."""
        return configuration.Settings(
            root=self.root,
            pki=self.pki,
            port=self.port,
            etcd_port=folders.port("ETCD", 12379),
            cni=self.tools() / "usr/lib/cni",
            pause=f"{Registry().address}/{_PAUSE}",
        )

    def install(self) -> None:
        commands()  # first, because it takes longest
        cluster_dns.binary()
        cluster_metrics.binary()
        golang.build("pause", folders.SOURCES / "pause")
        self.tools()
        docker.tools()
        docker.Docker().tree()  # containerd is in it

    def process(self, name: str) -> Process:
        """One component."""
        settings = self.settings()
        arguments = {
            "etcd": configuration.etcd,
            "kube-apiserver": configuration.apiserver,
            "kube-controller-manager": configuration.controller_manager,
            "kube-scheduler": configuration.scheduler,
            "kubelet": configuration.kubelet,
            "kube-proxy": configuration.proxy,
        }[name](settings)
        program = commands() / name
        return Process(f"kubernetes-{name}", [str(program), *arguments], self._environment(), self.root)

    def containerd(self) -> Process:
        """The container runtime."""
        path = configuration.write_containerd(self.settings())
        program = docker.Docker().tree() / "usr/bin/containerd"
        return Process("kubernetes-containerd", [str(program), "-c", str(path)], self._environment(), self.root)

    def dns(self) -> Process:
        """The cluster's DNS server."""
        return Process("kubernetes-coredns", [str(cluster_dns.binary()), *cluster_dns.arguments(self.settings())])

    def metrics(self) -> Process:
        """The server of the metrics API."""
        arguments = [str(cluster_metrics.binary()), *cluster_metrics.arguments(self.settings())]
        return Process("kubernetes-metrics-server", arguments)

    def _environment(self) -> dict[str, str]:
        return docker.program_environment(docker.Docker().tree(), docker.tools(), self.tools())

    def up(self) -> None:
        need_root("Kubernetes")
        self.install()
        with folders.locked(self.name):
            if not self._running():
                self._clear()
            self._prepare()
            self._start()
            api = self.api()
            self._publish_pause()
            self.metrics().start()  # nobody waits for its first measurement
            documents = {**configuration.access_rules(), **cluster_dns.objects(), **cluster_metrics.objects()}
            for path, document in documents.items():
                api.apply(path, document)
            dns = self.dns()
            dns.start()
            dns.wait(cluster_dns.answers, 60)
            kubelet = self.process("kubelet")
            kubelet.wait(lambda: api.node_ready(configuration.NODE), 60)
            kubelet.wait(lambda: api.call("/api/v1/namespaces/default/serviceaccounts/default") is not None, 60)

    def _running(self) -> bool:
        """Whether part of a cluster is there and can be completed rather than started anew."""
        names = ("etcd", "kube-apiserver", "containerd")
        return all(Process(f"kubernetes-{name}").pid() is not None for name in names)

    def _prepare(self) -> None:
        settings = self.settings()
        addresses = ["127.0.0.1", configuration.NODE_ADDRESS, configuration.SERVICE_ADDRESS]
        certificates.make(self.pki.folder, configuration.NODE, addresses)
        for user in ("admin", "viewer", "controller-manager", "scheduler", "kube-proxy", "kubelet"):
            certificates.kubeconfig(self.pki, settings.kubeconfig(user), user, self.server)
        network.add_bridge(configuration.BRIDGE, f"{configuration.NODE_ADDRESS}/24")
        network.enable_forwarding()
        configuration.write_network(settings)
        _make_cgroups(settings.cgroup)
        for name in ("plugins", "podlogs", "kubelet"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def _start(self) -> None:
        api = self.api()
        containerd, etcd, apiserver = self.containerd(), self.process("etcd"), self.process("kube-apiserver")
        for process in (etcd, containerd, apiserver):
            process.start()
        containerd.wait(lambda: socket_answers(self.settings().containerd_socket), 30)
        # the kubelet starts together with the apiserver, and registers once that is up
        self.process("kubelet").start()
        apiserver.wait(api.ready, 60)
        for name in ("kube-controller-manager", "kube-scheduler", "kube-proxy"):
            self.process(name).start()

    def _publish_pause(self) -> None:
        """Pushes the pause image, the first process of each pod, to the open registry."""
        registry = Registry().address
        if layers.served(registry, _PAUSE):
            return
        program = golang.build("pause", folders.SOURCES / "pause")
        with TemporaryDirectory(dir=self.root) as work:
            layer = layers.make_layer(Path(work, "pause.tar.gz"), lambda tree: tree.file("pause", program, 0o755))
            architecture = layers.ARCHITECTURES.get(platform.machine(), platform.machine())
            image = layers.Image([layer], {"Entrypoint": ["/pause"], "User": "65535:65535"}, architecture)
            layers.push(registry, image, [_PAUSE])

    def down(self) -> None:
        with folders.locked(self.name):
            self._clear()

    def _clear(self) -> None:
        """Stops what is running, then removes mounts, rules, bridge, cgroups and the cluster's data."""
        names = ("metrics-server", "coredns", "kube-proxy", "kubelet", "kube-scheduler", "kube-controller-manager")
        for name in (*names, "kube-apiserver"):
            Process(f"kubernetes-{name}").stop(2, signal.SIGKILL if name == "kubelet" else signal.SIGTERM)
        _end_shims(self.root)
        Process("kubernetes-containerd").stop(3)
        Process("kubernetes-etcd").stop(2)
        _end_shims(self.root)
        mounts.remove_below(self.root)
        if self.root.joinpath("cni").is_dir():
            self._remove_rules()
            network.remove_bridge(configuration.BRIDGE)
            _remove_cgroups(self.settings().cgroup)
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True, exist_ok=True)

    def _remove_rules(self) -> None:
        environment = self._environment()
        for family in ("ip", "ip6"):
            try:
                run(["nft", "delete", "table", family, "kube-proxy"], environment=environment)
            except (StartFailed, OSError):
                continue  # kube-proxy had not made any

    def status(self) -> Status:
        names = (*COMMANDS[:-1], "containerd", "coredns", "metrics-server")
        gone = [name for name in names if Process(f"kubernetes-{name}").pid() is None]
        if len(gone) == len(names):
            return Status(State.DOWN, "not started")
        if gone:
            return Status(State.DOWN, f"ended: {', '.join(gone)}")
        if not self.api().node_ready(configuration.NODE):
            return Status(State.DOWN, f"{self.server} does not report a ready node")
        return Status(State.UP, f"Kubernetes {_version()} at {self.server}")

    def env(self) -> dict[str, str]:
        return {
            "KUBECONFIG": str(self.kubeconfig("admin")),
            "NBCONTAINER_TEST_KUBECONFIG_VIEWER": str(self.kubeconfig("viewer")),
            "NBCONTAINER_TEST_KUBECTL": str(folders.home() / "kubernetes/bin/kubectl"),
        }

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig of ``admin`` or ``viewer``."""
        return self.root / "kubeconfig" / f"{user}.conf"


_CGROUPS = Path("/sys/fs/cgroup")


def _hierarchies() -> list[Path]:
    """The single cgroup v2 hierarchy, or those of cgroup v1."""
    if (_CGROUPS / "cgroup.controllers").exists():
        return [_CGROUPS]
    return [path for path in sorted(_CGROUPS.iterdir()) if not path.is_symlink() and (path / "cgroup.procs").exists()]


def _make_cgroups(name: str) -> None:
    """The kubelet's root group, which it expects in each hierarchy."""
    for hierarchy in _hierarchies():
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):
            # a new group of v1's cpuset has no processors, and no process can enter it
            if (group / setting).exists() and (hierarchy / setting).exists():
                inherited = (hierarchy / setting).read_text(encoding="ascii")
                (group / setting).write_text(inherited, encoding="ascii")


def _remove_cgroups(name: str) -> None:
    for hierarchy in _hierarchies():
        for folder, _, _ in os.walk(hierarchy / name, topdown=False):
            try:
                Path(folder).rmdir()
            except OSError:
                continue  # a process in it is still exiting; an empty group does no harm


def _end_shims(root: Path) -> None:
    """Kills the pods: their shims have containerd's socket in the command line, and containers are their children."""
    address = str(root / "containerd").encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"containerd-shim" in command and address in command:
            for pid in [*_children(int(folder.name)), int(folder.name)]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue


def _children(pid: int) -> list[int]:
    """The processes below a process: each pod's containers."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in path.read_text(encoding="ascii").split()]
        except OSError:
            continue
    return found
