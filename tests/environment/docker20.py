"""Debian 12's Docker Engine 20.10: the old engine that many users still have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import network, packages
from .docker import Docker, program_environment, tools
from .part import Unavailable
from .processes import Process

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = ["docker.io", "containerd", "tini", "libdevmapper1.02.1"]


class Docker20(Docker):
    """The old engine, beside the new one.

    It leaves the firewall alone (``iptables: false``): two engines in one network namespace would each delete the
    other's rules. Published ports go through its proxy, and its containers reach the network by one rule of ours.
    """

    name = "docker20"
    process_name = "docker20-dockerd"
    bridge = "nbcdocker1"
    bridge_address = "172.30.206.1/24"
    fixed_pools = "172.30.192.0/21"
    subnet = "172.30.206.0/24"

    def tree(self) -> Path:
        return packages.unpack(self.name, PACKAGES)

    def install(self) -> None:
        program = self.tree() / "usr/sbin/dockerd"
        if not packages.works(str(program), "--version", environment=program_environment(self.tree(), tools())):
            raise Unavailable(f"{program} does not start here")

    def configuration(self, tree: Path) -> dict[str, object]:
        settings = super().configuration(tree)
        del settings["ip-forward-no-drop"]  # newer than 20.10
        features = {"buildkit": True}
        return {**settings, "features": features, "iptables": False, "ip6tables": False, "ip-masq": False}

    def up(self) -> None:
        super().up()
        network.masquerade(self.subnet, self.bridge, present=True, environment=program_environment(tools()))

    def down(self) -> None:
        known = Process(self.process_name).known()
        super().down()
        if known:
            network.masquerade(self.subnet, self.bridge, present=False, environment=program_environment(tools()))

    def env(self) -> dict[str, str]:
        return {"NBCONTAINER_TEST_DOCKER20": self.host}
