"""Networks of an engine; methods have docker's names."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from nbcontainer import engines, existence
from nbcontainer.api.nouns import EngineNoun, filter_words, noun_of, sections_of
from nbcontainer.api.plans import Plan, several
from nbcontainer.errors import NotFound, UsageError
from nbcontainer.identity import NOTEBOOK_LABEL, notebook_id
from nbcontainer.model.networks import NetworkFacts
from nbcontainer.model.results import Described, Description, Objects, Remark, Report
from nbcontainer.model.tables import Column, Row, Table, Tone
from nbcontainer.protection import changes, reads
from nbcontainer.verbs.words import seconds_of

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine as Connected

COLUMNS = (Column("NETWORK ID"), Column("NAME"), Column("DRIVER"), Column("SCOPE"))
PRUNED_BY = ("label", "label!", "until")  # the filters of docker's prune
# the times of docker's until: seconds since the epoch, a duration, or a day, an hour of it, a minute, a second
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]+)?")
_DURATION = re.compile(r"[0-9.]+[hms][0-9.hms]*")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d(?::\d\d){0,2}(?:\.\d+)?))?(Z|[+-]\d\d:\d\d)?", re.ASCII)


@dataclass(frozen=True, repr=False)
class Network(Described, NetworkFacts):
    """A network, and what can be done with it.

    Attributes:
        containers: the names of the containers that use it, so that it cannot be removed.
        addresses: the address of each container that runs in it, by name: {"web": "172.18.0.2/16"}.
        command: `docker network inspect`, for a terminal.
    """

    containers: tuple[str, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    command: str = ""
    _networks: Networks | None = field(default=None, repr=False, compare=False)

    def remove(self) -> Report:
        """Remove it from the engine on which it was found; raises as `Networks.remove`."""
        return noun_of(self._networks, "network", self.name).remove(self.id)

    def description(self) -> Description:
        """Its details."""
        facts = [("ID", self.id), ("Driver", self.driver), ("Scope", self.scope)]
        facts += [("Subnets", ", ".join(self.subnets)), ("Gateways", ", ".join(self.gateways))]
        facts += [("Internal", "yes" * self.internal), ("IPv6", "yes" * self.enable_ipv6)]
        containers = {**dict.fromkeys(self.containers, "no address"), **self.addresses}
        sections = sections_of(facts, Containers=containers, Labels=self.labels, Options=self.options)
        return Description("Network", self.name, where=self.where, sections=sections, command=self.command)


class Networks(EngineNoun):
    """The networks of one engine."""

    kind = "network"

    @reads
    def names(self) -> Sequence[str]:
        """The names of all networks."""
        return [network.name for network in engines.networks.list_networks(self._engine.connect())]

    @reads
    def list(self, *, filters: Sequence[str] = (), no_trunc: bool = False) -> Table:
        """The table of networks.

        Args:
            filters: docker's filters, such as "driver=bridge" or "label=tier=db".
            no_trunc: do not shorten ids.
        """
        engine = self._engine.connect()
        rows = [
            Row(
                network.id,
                (network.id if no_trunc else network.short_id, network.name, network.driver, network.scope),
                name=network.name,
                kind="network",
                labels=network.labels,
            )
            for network in engines.networks.list_networks(engine, engines.objects.filters_of(filters))
        ]
        words = [*(["--no-trunc"] * no_trunc), *filter_words(filters)]
        command = engine.commands.command("network", "ls", *words)
        return self._table(engine, COLUMNS, rows, command, lambda row: self._at(engine).get(row.key))

    @changes
    def create(
        self,
        name: str,
        *,
        driver: str = "",
        options: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        subnets: Sequence[str] = (),
        ip_ranges: Sequence[str] = (),
        gateways: Sequence[str] = (),
        aux_addresses: Mapping[str, str] | None = None,
        ipam_driver: str = "",
        ipam_options: Mapping[str, str] | None = None,
        internal: bool = False,
        enable_ipv6: bool = False,
    ) -> Network:
        """Create a network.

        Args:
            name: its name.
            driver: "" for the engine's default, "bridge".
            options: options of the driver.
            labels: additional labels; the notebook's own is always set.
            subnets: such as "172.28.0.0/16"; empty to let the engine choose one.
            ip_ranges: the ranges of the subnets from which containers get addresses.
            gateways: the gateways of the subnets.
            aux_addresses: reserved addresses, by name.
            ipam_driver: the driver that assigns addresses; "" for the engine's default.
            ipam_options: options of that driver.
            internal: block access to external networks.
            enable_ipv6: enable IPv6.

        Raises:
            Conflict: a network with that name exists already.
        """
        pools = engines.networks.ipam(subnets, ip_ranges, gateways, aux_addresses or {})
        addresses = {"Driver": ipam_driver, "Options": dict(ipam_options or {}), "Config": pools}
        request = {
            "Driver": driver,
            "Options": dict(options or {}),
            "Labels": {NOTEBOOK_LABEL: notebook_id(), **(labels or {})},
            "IPAM": {key: value for key, value in addresses.items() if value},
            "Internal": internal,
            "EnableIPv6": enable_ipv6,
        }
        engine = self._engine.connect()
        return self._network(engine, engines.networks.create(engine, name, request))

    @reads
    def get(self, name: str) -> Network:
        """One network.

        Args:
            name: its name, its id, or a prefix of its id.

        Raises:
            NotFound: there is no such network; the error suggests a similar name.
        """
        engine = self._engine.connect()
        facts = engines.networks.find(engine, engines.networks.list_networks(engine), name)
        there = engines.networks.users(engine, facts), engines.networks.addresses(engine, facts)
        return self._network(engine, facts, *there)

    @reads
    def inspect(self, *names: str) -> Network | Objects[Network]:
        """The details of networks, with the containers in them; raises as `get`."""
        found = Objects(self.get(name) for name in names)
        return found[0] if len(found) == 1 else found

    @changes
    def remove(self, *names: str, force: bool = False) -> Report:
        """Remove networks.

        Args:
            *names: their names or ids.
            force: ignore networks that do not exist.

        Raises:
            NotFound: one of them does not exist, and nothing was removed.
            Forbidden: one is predefined, and nothing was removed.
            Conflict: a container uses one of them; those before it have been removed.
        """
        return self.plan_remove(*names, force=force).do()

    @changes
    def plan_remove(self, *names: str, force: bool = False) -> Plan[Report]:
        """What `remove` would do; raises the same errors if a network does not exist or is predefined."""
        engine = self._engine.connect()
        known = engines.networks.list_networks(engine)
        found: dict[str, NetworkFacts] = {}
        missing = []
        for name in dict.fromkeys(names):
            try:
                network = engines.networks.find(engine, known, name)
            except NotFound:
                if name in engines.networks.PREDEFINED:  # a mode of Podman's containers
                    raise engines.networks.predefined(engine, name) from None
                if not force:
                    raise
                missing.append(name)
            else:
                if network.is_predefined:
                    raise engines.networks.predefined(engine, network.name)
                found[network.id] = network
        # podman's --force would remove the containers too
        words = ["--force"] * (force and not engine.commands.is_podman)
        command = engine.commands.command("network", "rm", *words, *names)
        gone = tuple(network.name for network in found.values())
        question = f"Remove {several('network', _plain(gone))} from {engine.name}?" if gone else ""
        return Plan(question, gone, partial(self._remove, engine, _removals(engine, found.values()), missing, command))

    @changes
    def prune(self, *, filters: Sequence[str] = ()) -> Report:
        """Remove the networks that no container uses: none that runs with Docker, none at all with Podman.

        Args:
            filters: docker's filters, such as "label=tier=db", "label!=keep" or "until=24h", which is older than a day.

        Raises:
            UsageError: a filter is none of these.
        """
        return self.plan_prune(filters=filters).do()

    @changes
    def plan_prune(self, *, filters: Sequence[str] = ()) -> Plan[Report]:
        """What `prune` would do; it says which containers would not start again, and raises as `prune` does."""
        chosen = engines.objects.prune_filters("network prune", filters, PRUNED_BY)
        engine = self._engine.connect()
        until = _until(engine, chosen.pop("until", ()))
        found = tuple(engines.networks.unused(engine, chosen, until))
        command = engine.commands.command("network", "prune", *filter_words(filters))
        if not found:
            nothing = existence.no_objects("network", engine.name, which="unused")
            return Plan("", (), partial(Report, (Remark(nothing, Tone.DIM),), command))
        names = tuple(network.name for network in found)
        stopped = engines.networks.stopped_users(engine, found)
        them = "it" if len(found) == 1 else "them"
        use = f"No container uses {them}."
        if stopped:
            use = f"No container that runs uses {them}, but {several('container', stopped)} could not start again."
        question = f"Remove {several('network', _plain(names))} from {engine.name}? {use}"
        return Plan(question, names, partial(self._remove, engine, _removals(engine, found), (), command, pruned=True))

    def _network(
        self,
        engine: Connected,
        facts: NetworkFacts,
        containers: tuple[str, ...] = (),
        addresses: Mapping[str, str] | None = None,
    ) -> Network:
        found = {**vars(facts), "containers": containers, "addresses": addresses or {}}
        command = engine.commands.command("network", "inspect", facts.name)
        return Network(**found, where=engine.name, command=command, _networks=self._at(engine))


def _removals(engine: Connected, networks: Iterable[NetworkFacts]) -> Sequence[tuple[str, Callable[[], object]]]:
    return [(network.name, partial(engines.networks.remove, engine, network)) for network in networks]


def _plain(names: Iterable[str]) -> Sequence[str]:
    """Names as they are shown: Docker lets anybody give a network one of any characters."""
    return [engines.failures.plain(name, 100) for name in names]


def _until(engine: Connected, words: Sequence[str]) -> float:
    """The time of `--filter until=…`, in seconds since the epoch: a time, or how long ago by the engine's clock."""
    if not words:
        return math.inf
    if len(words) > 1:
        raise UsageError("`--filter`: until is given once.")
    (word,) = words
    if _SECONDS.fullmatch(word):
        return float(word)
    now = engines.networks.clock(engine)
    try:
        if match := _TIME.fullmatch(word):
            day, hour, zone = match.groups()
            time = datetime.fromisoformat(f"{day}T{hour or '00'}{zone or ''}")
            return (time if zone else time.replace(tzinfo=now.tzinfo)).timestamp()
        if _DURATION.fullmatch(word):
            return now.timestamp() - seconds_of("--filter until", word)
    except (ValueError, OverflowError, UsageError):
        pass
    raise UsageError(
        f"`--filter`: until takes a time or a duration, not {word!r}.",
        cure="Such as 24h, 2026-01-31 or 2026-01-31T15:04:05Z.",
    )
