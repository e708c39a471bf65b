"""Our own bridges: the machine's default bridges are left alone."""

from __future__ import annotations

import json
from pathlib import Path

from .processes import StartFailed, run


def machine_mtu() -> int:
    """The smallest MTU of the machine's own interfaces that carry a default route; 1500 if there is none.

    Packets larger than the uplink's MTU vanish where path discovery is filtered.
    """
    sizes = []
    for line in Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]:
        interface, destination = line.split()[:2]
        if destination == "00000000":
            sizes.append(int(Path(f"/sys/class/net/{interface}/mtu").read_text(encoding="ascii")))
    return min(sizes, default=1500)


def add_bridge(name: str, address: str) -> None:
    """Makes a bridge with an address such as ``172.30.207.1/24``, unless it exists."""
    if not Path(f"/sys/class/net/{name}").exists():
        run(["ip", "link", "add", name, "type", "bridge"])
    addresses = json.loads(run(["ip", "-json", "address", "show", "dev", name]) or "[]")
    present = {
        f"{item.get('local')}/{item.get('prefixlen')}" for link in addresses for item in link.get("addr_info", ())
    }
    if address not in present:
        run(["ip", "address", "add", address, "dev", name])
    run(["ip", "link", "set", name, "up"])


def remove_bridge(name: str) -> None:
    """Removes a bridge, if it exists, and the containers' links attached to it."""
    if Path(f"/sys/class/net/{name}").exists():
        for port in Path(f"/sys/class/net/{name}/brif").iterdir():
            run(["ip", "link", "delete", port.name])
        run(["ip", "link", "delete", name])


def masquerade(subnet: str, bridge: str, *, present: bool, environment: dict[str, str]) -> None:
    """Lets a bridge's containers reach the network by the machine's address, or revokes that."""
    rule = ["POSTROUTING", "-s", subnet, "!", "-o", bridge, "-j", "MASQUERADE"]
    try:
        run(["iptables", "-t", "nat", "-C", *rule], environment=environment)
    except StartFailed:
        if present:
            run(["iptables", "-t", "nat", "-A", *rule], environment=environment)
    else:
        if not present:
            run(["iptables", "-t", "nat", "-D", *rule], environment=environment)


def enable_forwarding() -> None:
    """Enables routing between bridges and the uplink."""
    switch = Path("/proc/sys/net/ipv4/ip_forward")
    if switch.read_text(encoding="ascii").strip() != "1":
        switch.write_text("1", encoding="ascii")
