"""The declarations of `%docker network`."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, refused, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import ENGINE, YES

FILTERS = ("driver=", "name=", "label=", "type=custom", "type=builtin", "scope=", "dangling=true", "id=")
NETWORKS = positional("NETWORK", help="networks' names or ids", many=True, completes="network")

DRIVERS = ("bridge", "macvlan", "ipvlan", "overlay")

VERBS = (
    Verb(
        "network ls",
        "Lists networks.",
        (
            option(
                "-f",
                "--filter",
                help="filter, such as driver=bridge",
                kind="list",
                metavar="FILTER",
                to="filters",
                suggests=FILTERS,
            ),
            switch("--no-trunc", help="do not shorten ids"),
            switch("-q", "--quiet", help="only the ids", control=True),
            ENGINE,
        ),
        example="%docker network ls",
        command=("docker", "network", "ls"),
        aliases=("network list",),
        calls="networks.list",
        quiet="NETWORK ID",
    ),
    Verb(
        "network create",
        "Creates a network.",
        (
            positional("NETWORK", help="its name", to="name"),
            option("-d", "--driver", help="the network's driver (default: bridge)", metavar="DRIVER", suggests=DRIVERS),
            option("-o", "--opt", help="an option of the driver", kind="mapping", to="options"),
            option("--label", help="a label", kind="mapping", to="labels"),
            option("--subnet", help="a subnet, such as 172.28.0.0/16", kind="list", metavar="CIDR", to="subnets"),
            option(
                "--ip-range",
                help="the range of a subnet from which containers get addresses",
                kind="list",
                metavar="CIDR",
                to="ip_ranges",
            ),
            option("--gateway", help="the gateway of a subnet", kind="list", metavar="ADDRESS", to="gateways"),
            option("--aux-address", help="an address reserved on the network", kind="mapping", to="aux_addresses"),
            option("--ipam-driver", help="the driver that assigns addresses", metavar="DRIVER"),
            option("--ipam-opt", help="an option of that driver", kind="mapping", to="ipam_options"),
            switch("--internal", help="block access to external networks"),
            switch("--ipv6", help="enable IPv6", to="enable_ipv6"),
            ENGINE,
        ),
        example="%docker network create web",
        command=("docker", "network", "create"),
        calls="networks.create",
    ),
    Verb(
        "network inspect",
        "Shows the details of networks, with the containers in them.",
        (
            NETWORKS,
            refused(
                "-v",
                "--verbose",
                help="it shows the services of a swarm",
                cure="docker network inspect --verbose shows them in a terminal.",
            ),
            ENGINE,
        ),
        example="%docker network inspect web",
        command=("docker", "network", "inspect"),
        calls="networks.inspect",
    ),
    Verb(
        "network rm",
        "Removes networks.",
        (
            NETWORKS,
            switch("-f", "--force", help="ignore networks that do not exist"),
            YES,
            ENGINE,
        ),
        example="%docker network rm web",
        command=("docker", "network", "rm"),
        aliases=("network remove",),
        calls="networks.remove",
        asks="networks.plan_remove",
    ),
    Verb(
        "network prune",
        "Removes the networks that no container uses.",
        (
            option(
                "--filter",
                help="only these, such as label=tier=db or until=24h",
                kind="list",
                metavar="FILTER",
                to="filters",
            ),
            switch("-f", "--force", "-y", "--yes", help="do not ask", control=True, to="yes"),
            ENGINE,
        ),
        example="%docker network prune",
        command=("docker", "network", "prune"),
        calls="networks.prune",
        asks="networks.plan_prune",
    ),
)
