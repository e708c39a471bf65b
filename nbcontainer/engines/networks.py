"""Networks of an engine: https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Network."""

from __future__ import annotations

import contextlib
import ipaddress
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from nbcontainer import existence
from nbcontainer.engines.connection import Engine
from nbcontainer.engines.containers import list_containers
from nbcontainer.engines.failures import plain
from nbcontainer.engines.http import quoted
from nbcontainer.engines.objects import in_use, made_id, matches_labels, repeated
from nbcontainer.errors import ApiError, Conflict, Forbidden, NotFound, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, texts_of
from nbcontainer.model.networks import NetworkFacts
from nbcontainer.model.timestamps import seconds_of

Subnet = ipaddress.IPv4Network | ipaddress.IPv6Network

PREDEFINED = frozenset({"bridge", "host", "none"})
INTERFACE_GONE = "no such network interface"


def list_networks(engine: Engine, filters: Mapping[str, Sequence[str]] | None = None) -> list[NetworkFacts]:
    """The engine's networks, by name.

    Raises:
        ApiError: a filter is not valid.
    """
    query = {"filters": dict(filters or {}) or None}
    found = [_facts(entry) for entry in entries_of(engine.http().json("GET", "/networks", query=query))]
    if engine.is_podman:  # Podman lists its default network under docker's name for it
        found = [_own_name(engine, network) for network in found]
    return sorted(found, key=lambda network: (network.name, network.id))


def find(engine: Engine, networks: Iterable[NetworkFacts], name: str) -> NetworkFacts:
    """The network with this name, id or prefix of an id, in docker's order.

    Raises:
        NotFound: there is no such network.
        Conflict: there are several.
    """
    every = tuple(networks)
    if engine.is_podman and name == "bridge":  # docker's word for Podman's default
        every = tuple(network for network in every if network.is_predefined)
        name = every[0].name if every else name
    for found in (
        [network for network in every if name and network.id == name],
        [network for network in every if network.name == name],
        [network for network in every if name and network.id.startswith(name)],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise Conflict(
                f"There are {len(found)} networks {plain(name, 100)} in {engine.name}.",
                reason="ambiguous",
                cure=f"Name one by its id: {', '.join(network.short_id for network in found)}.",
            )
    known = [network.name for network in every if not network.is_predefined]  # "none" is similar to "one"
    cure = f"{engine.commands.magic('network', 'ls')} lists them."
    raise existence.not_found("network", name, engine.name, known=known, cure=cure)


def ipam(
    subnets: Sequence[str], ip_ranges: Sequence[str], gateways: Sequence[str], aux_addresses: Mapping[str, str]
) -> list[dict[str, object]]:
    """The API's IPAM configuration: each range and address goes to the subnet that contains it.

    Raises:
        UsageError: one is not a valid subnet or address, or is in none of the subnets.
    """
    pools: list[dict[str, object]] = [{"Subnet": subnet} for subnet in subnets]
    reserved: list[dict[str, object]] = [{} for _ in subnets]
    nets = [_parsed("--subnet", subnet) for subnet in subnets]
    given = [("--ip-range", "IPRange", text) for text in ip_ranges]
    given += [("--gateway", "Gateway", text) for text in gateways]
    given += [("--aux-address", name, text) for name, text in aux_addresses.items()]
    for flag, key, text in given:
        address = _parsed(flag, text)
        place = next((n for n, net in enumerate(nets) if _within(address, net)), None)
        if place is None:
            raise UsageError(
                f"`{flag}` {plain(text, 80)} is in no `--subnet`.", cure="Name the subnet too: `--subnet=…`."
            )
        pool = (reserved if flag == "--aux-address" else pools)[place]
        if key in pool:
            raise UsageError(f"The subnet {subnets[place]} already has a `{flag}`.")
        pool[key] = text
    return [pool | ({"AuxiliaryAddresses": few} if few else {}) for pool, few in zip(pools, reserved, strict=True)]


def create(engine: Engine, name: str, request: Mapping[str, object]) -> NetworkFacts:
    """Create a network; `request` has the other fields of the API's body.

    Raises:
        Conflict: there is a network of that name.
        ApiError: the engine refused.
    """
    if not name:
        raise UsageError("A network needs a name.")
    # without CheckDuplicate, Docker before 25 would create a second network of the same name
    body = {"Name": name, "CheckDuplicate": True, **{key: value for key, value in request.items() if value}}
    try:
        # Podman has created nothing if an interface vanished while it looked for a free subnet
        create = partial(engine.http().json, "POST", "/networks/create", body=body)
        made = repeated(create, error=ApiError, says=INTERFACE_GONE)
    except Conflict:
        cure = f"Choose another name, or remove it: {engine.commands.magic('network', 'rm', name)}"
        raise existence.already_exists("network", name, engine.name, cure=cure) from None
    return find(engine, list_networks(engine), made_id(made))


def remove(engine: Engine, network: NetworkFacts) -> None:
    """Remove a network.

    Raises:
        NotFound: it is gone.
        Forbidden: it is predefined.
        Conflict: a container uses it; the error says which.
    """
    try:
        # by id, Podman would remove even one in use; by name, Docker may have several
        engine.http().call("DELETE", f"/networks/{quoted(network.name if engine.is_podman else network.id)}")
    except NotFound:
        raise existence.not_found("network", network.name, engine.name) from None
    except (Conflict, Forbidden) as error:  # Docker answers 403
        names = users(engine, network)
        if network.is_predefined or not names:
            raise
        raise in_use(engine, "network", network.name, names, error) from None


def users(engine: Engine, network: NetworkFacts) -> tuple[str, ...]:
    """The containers that use a network: with Docker the running ones, with Podman all."""
    name = network.name if engine.is_podman else network.id
    found = list_containers(engine, every=engine.is_podman, filters={"network": [name]})
    return tuple(container.name for container in found)


def unused(engine: Engine, labels: Mapping[str, Sequence[str]], until: float = math.inf) -> list[NetworkFacts]:
    """The networks that the engine's own prune would remove, by name; Podman spares those of stopped containers.

    Args:
        engine: whose.
        labels: the filters "label" and "label!".
        until: the time, in seconds since the epoch, after which they were not created.
    """
    if engine.is_podman:
        # it looks at each of its containers, of which one may go meanwhile
        dangling = {**labels, "dangling": ["true"]}
        listed = repeated(lambda: list_networks(engine, dangling), error=NotFound)
    else:  # its list knows no label!, and says of networks in use that they are dangling
        listed = [network for network in list_networks(engine) if matches_labels(network.labels, labels)]
    found = [network for network in listed if network.created <= until and not network.is_predefined]
    return found if engine.is_podman else [network for network in found if _is_idle(engine, network)]


def stopped_users(engine: Engine, networks: Sequence[NetworkFacts]) -> tuple[str, ...]:
    """The containers that would not start again without these networks, in which none runs."""
    if engine.is_podman or not networks:  # it keeps a network for them
        return ()
    words = [word for network in networks for word in (network.id, network.name)]  # by name until it was started
    return tuple(container.name for container in list_containers(engine, every=True, filters={"network": words}))


def clock(engine: Engine) -> datetime:
    """The time at the engine, in its zone; here, where it does not say."""
    with contextlib.suppress(ValueError):
        told = datetime.fromisoformat(text_of(object_of(engine.http().json("GET", "/info")), "SystemTime"))
        return told if told.tzinfo else told.astimezone()
    return datetime.now().astimezone()


def addresses(engine: Engine, network: NetworkFacts) -> dict[str, str]:
    """The addresses in a network, by the names of the containers that run there.

    Raises:
        NotFound: it is gone.
    """
    found = object_of(object_of(engine.http().json("GET", f"/networks/{network.id}")).get("Containers"))
    each = [
        (text_of(entry, "Name"), [text_of(entry, "IPv4Address"), text_of(entry, "IPv6Address")])
        for entry in map(object_of, found.values())
    ]
    return {name: ", ".join(filter(None, two)) for name, two in each if any(two)}  # Podman's that are stopped have none


def predefined(engine: Engine, name: str) -> Forbidden:
    """The refusal to remove one of the engine's own networks."""
    return Forbidden(
        f"The network {name} is predefined, and cannot be removed from {engine.name}.", reason="predefined"
    )


def _is_idle(engine: Engine, network: NetworkFacts) -> bool:
    """Whether Docker's prune would take it: nothing runs in it, and it is no part of others or of a swarm."""
    try:
        entry = object_of(engine.http().json("GET", f"/networks/{network.id}", query={"verbose": True}))
    except NotFound:  # it went meanwhile
        return False
    return not any(entry.get(key) for key in ("Containers", "Services", "ConfigOnly", "Ingress"))


def _own_name(engine: Engine, network: NetworkFacts) -> NetworkFacts:
    if network.name != "bridge":
        return network
    name = text_of(engine.http().json("GET", f"/networks/{network.id}"), "Name")
    return replace(network, name=name, is_predefined=True)


def _facts(entry: JsonObject) -> NetworkFacts:
    pools = entries_of(object_of(entry.get("IPAM")).get("Config"))
    return NetworkFacts(
        name=text_of(entry, "Name"),
        id=text_of(entry, "Id"),
        driver=text_of(entry, "Driver"),
        scope=text_of(entry, "Scope"),
        created=seconds_of(text_of(entry, "Created")),
        internal=bool(entry.get("Internal")),
        enable_ipv6=bool(entry.get("EnableIPv6")),
        subnets=tuple(filter(None, (text_of(pool, "Subnet") for pool in pools))),
        gateways=tuple(filter(None, (text_of(pool, "Gateway") for pool in pools))),
        labels=texts_of(entry, "Labels"),
        options=texts_of(entry, "Options"),
        is_predefined=text_of(entry, "Name") in PREDEFINED,
    )


def _parsed(flag: str, text: str) -> Subnet:
    is_range = flag in {"--subnet", "--ip-range"}
    with contextlib.suppress(ValueError):
        if ("/" in text) == is_range:
            return ipaddress.ip_network(text, strict=False)
    kind, such = ("a subnet", "172.28.0.0/16") if is_range else ("an address", "172.28.0.1")
    raise UsageError(f"`{flag}` takes {kind}, not {plain(text, 80)!r}.", cure=f"Such as {such}.")


def _within(one: Subnet, net: Subnet) -> bool:
    if isinstance(one, ipaddress.IPv4Network):
        return isinstance(net, ipaddress.IPv4Network) and one.subnet_of(net)
    return isinstance(net, ipaddress.IPv6Network) and one.subnet_of(net)
