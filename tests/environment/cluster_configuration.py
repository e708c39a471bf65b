"""The configuration of the test cluster's programs: one function per file or command line.

Each setting that looks odd is there because of a failure: on cgroup v1, beside Docker's firewall rules, or without
CAP_SYS_RESOURCE.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import folders, network
from .registries import PasswordRegistry, Registry, TokenRegistry

if TYPE_CHECKING:
    from pathlib import Path

    from .certificates import Authority

NODE = "nbc-node"
BRIDGE = "nbc0"
NODE_ADDRESS = "10.244.0.1"  # the bridge's: the kubelet and the advertised apiserver may not be on loopback
POD_SUBNET = "10.244.0.0/24"
SERVICE_SUBNET = "10.96.0.0/16"
SERVICE_ADDRESS = "10.96.0.1"
DNS_ADDRESS = "10.96.0.10"
CLUSTER_DOMAIN = "cluster.local"


@dataclass(frozen=True)
class Settings:
    """Where the cluster lives.

    Args:
        root: Its folder.
        pki: Its certificates.
        port: The apiserver's; the next ones serve the other components.
        etcd_port: etcd's; the next one is for its peers.
        cni: The folder with the network plugins.
        pause: The name of the pause image.
    """

    root: Path
    pki: Authority
    port: int
    etcd_port: int
    cni: Path
    pause: str

    @property
    def cgroup(self) -> str:
        """The cgroup of all pods, one per cluster: a kubelet kills pods in it that it does not know."""
        return f"nbc-{hashlib.sha256(str(self.root).encode()).hexdigest()[:8]}"

    @property
    def containerd_socket(self) -> Path:
        """containerd's unix socket."""
        return self.root / "containerd/containerd.sock"

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig of a user or component."""
        return self.root / "kubeconfig" / f"{user}.conf"


def write_network(settings: Settings) -> None:
    """The chain of network plugins; ``firewall`` is in it because Docker sets FORWARD to DROP."""
    ranges = [[{"subnet": POD_SUBNET}]]
    ipam = {
        "type": "host-local",
        "dataDir": str(settings.root / "cni-ipam"),
        "ranges": ranges,
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "ipMasq": True, "hairpinMode": True, "ipam": ipam}
    bridge["mtu"] = network.machine_mtu()
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    chain = {"cniVersion": "1.0.0", "name": "nbc", "plugins": [bridge, ports, {"type": "firewall"}]}
    folders.write(settings.root / "cni/10-nbc.conflist", json.dumps(chain, indent=1))


def write_containerd(settings: Settings) -> Path:
    """containerd's configuration, and the real address of each registry."""
    root = settings.root / "containerd"
    text = f"""\
version = 3
root = "{root}/root"
state = "{root}/state"
imports = []
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.btrfs"]
[grpc]
  address = "{settings.containerd_socket}"
[ttrpc]
  address = "{settings.containerd_socket}.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "{root}/opt"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{settings.pause}"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "{settings.root}/certs.d"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true  # without CAP_SYS_RESOURCE -998 cannot be set
  max_container_log_line_size = 262144
  netns_mounts_under_state_dir = true  # so that they are known to be ours
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["{settings.cni}"]
    conf_dir = "{settings.root}/cni"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = false
      Root = "{root}/runc"
"""
    mirror = Registry().address
    places = {name: name for name in (mirror, PasswordRegistry().address, TokenRegistry().address)}
    places |= {place.replace("127.0.0.1", "localhost"): place for place in places}
    for name, place in {**places, "docker.io": mirror}.items():
        hosts = f'server = "http://{place}"\n[host."http://{place}"]\n  capabilities = ["pull", "resolve"]\n'
        folders.write(settings.root / "certs.d" / name / "hosts.toml", hosts)
    return folders.write(settings.root / "containerd.toml", text)


def etcd(settings: Settings) -> list[str]:
    """etcd's arguments. Its data does not outlive the cluster, so it need not wait for the disk."""
    client = f"http://127.0.0.1:{settings.etcd_port}"
    peer = f"http://127.0.0.1:{settings.etcd_port + 1}"
    return [
        *["--name", "nbc", "--data-dir", str(settings.root / "etcd"), "--unsafe-no-fsync"],
        *["--quota-backend-bytes", str(4 << 30), "--listen-client-urls", client, "--advertise-client-urls", client],
        *["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"nbc={peer}"],
    ]


def apiserver(settings: Settings) -> list[str]:
    """kube-apiserver's arguments."""
    pki = settings.pki
    options = {
        "etcd-servers": f"http://127.0.0.1:{settings.etcd_port}",
        "secure-port": settings.port,
        "bind-address": "0.0.0.0",
        "advertise-address": NODE_ADDRESS,
        "tls-cert-file": pki.certificate("apiserver"),
        "tls-private-key-file": pki.key("apiserver"),
        "client-ca-file": pki.certificate("ca"),
        "kubelet-client-certificate": pki.certificate("apiserver-kubelet-client"),
        "kubelet-client-key": pki.key("apiserver-kubelet-client"),
        "kubelet-certificate-authority": pki.certificate("ca"),
        "kubelet-preferred-address-types": "InternalIP",
        "requestheader-client-ca-file": pki.certificate("front-proxy-ca"),
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "proxy-client-cert-file": pki.certificate("front-proxy-client"),
        "proxy-client-key-file": pki.key("front-proxy-client"),
        "enable-aggregator-routing": "true",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": pki.folder / "sa.pub",
        "service-account-signing-key-file": pki.folder / "sa.key",
        "service-cluster-ip-range": SERVICE_SUBNET,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "profiling": "false",
    }
    return [f"--{name}={value}" for name, value in options.items()]


def _control_plane(settings: Settings, user: str, port: int) -> list[str]:
    config = settings.kubeconfig(user)
    names = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    common = [f"--{name}={config}" for name in names]
    return [*common, "--bind-address=127.0.0.1", f"--secure-port={port}", "--leader-elect=false", "--profiling=false"]


def controller_manager(settings: Settings) -> list[str]:
    """kube-controller-manager's arguments."""
    pki = settings.pki
    return [
        *_control_plane(settings, "controller-manager", settings.port + 1),
        "--use-service-account-credentials",
        f"--service-account-private-key-file={pki.folder / 'sa.key'}",
        f"--root-ca-file={pki.certificate('ca')}",
        f"--cluster-signing-cert-file={pki.certificate('ca')}",
        f"--cluster-signing-key-file={pki.key('ca')}",
    ]


def scheduler(settings: Settings) -> list[str]:
    """kube-scheduler's arguments."""
    return _control_plane(settings, "scheduler", settings.port + 2)


def kubelet(settings: Settings) -> list[str]:
    """kubelet's arguments; writes its configuration."""
    configuration = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "healthzPort": settings.port + 3,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(settings.pki.certificate("ca"))},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(settings.pki.certificate("kubelet-server")),
        "tlsPrivateKeyFile": str(settings.pki.key("kubelet-server")),
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": CLUSTER_DOMAIN,
        "containerRuntimeEndpoint": f"unix://{settings.containerd_socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{settings.cgroup}",
        "failSwapOn": False,
        "failCgroupV1": False,
        "enforceNodeAllocatable": ["pods"],
        "podLogsDir": str(settings.root / "podlogs"),
        "containerLogMaxSize": "2Gi",  # tests read large logs, which rotation would cut
        "volumePluginDir": str(settings.root / "plugins"),
        "maxPods": 200,
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "serializeImagePulls": False,
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "nodefs.inodesFree": "1%"},
        "nodeStatusUpdateFrequency": "5s",
        "shutdownGracePeriod": "0s",
    }
    path = folders.write(settings.root / "kubelet.json", json.dumps(configuration, indent=1))
    data = settings.root / "kubelet"
    return [
        *[f"--config={path}", f"--kubeconfig={settings.kubeconfig('kubelet')}", f"--root-dir={data}"],
        *[f"--cert-dir={data / 'pki'}", f"--hostname-override={NODE}", f"--node-ip={NODE_ADDRESS}"],
    ]


def proxy(settings: Settings) -> list[str]:
    """kube-proxy's arguments; in nftables mode it gets along with Docker's rules."""
    configuration: dict[str, Any] = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(settings.kubeconfig("kube-proxy"))},
        "mode": "nftables",
        "clusterCIDR": POD_SUBNET,
        "hostnameOverride": NODE,
        "bindAddress": "127.0.0.1",
        "healthzBindAddress": f"127.0.0.1:{settings.port + 4}",
        "metricsBindAddress": f"127.0.0.1:{settings.port + 5}",
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
    return [f"--config={folders.write(settings.root / 'kube-proxy.json', json.dumps(configuration, indent=1))}"]


def access_rules() -> dict[str, Any]:
    """Permissions besides the administrator's: path and document of each rule."""

    def binding(name: str, role: str) -> dict[str, Any]:
        group = "rbac.authorization.k8s.io"
        return {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "Group", "apiGroup": group, "name": name}],
        }

    rules = {"nbc:kubelet-admins": "system:kubelet-api-admin", "nbc:viewers": "view"}
    prefix = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/"
    return {prefix + name: binding(name, role) for name, role in rules.items()}
