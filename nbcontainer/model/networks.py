"""Networks, as an engine describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SHORT_ID = 12


@dataclass(frozen=True)
class NetworkFacts:
    """What an engine knows about a network.

    Attributes:
        driver: such as "bridge" or "overlay", or a plugin's name.
        scope: "local", or "swarm" where a cluster of engines shares it.
        created: when, in seconds since the epoch; 0 where the engine does not say.
        internal: whether nothing outside can be reached from it.
        subnets: such as "172.18.0.0/16".
        gateways: their addresses, in the order of the subnets that have one.
        options: its driver's options.
        is_predefined: whether it is the engine's own, which cannot be removed.
    """

    name: str
    id: str = ""
    driver: str = ""
    scope: str = ""
    created: float = 0.0
    internal: bool = False
    enable_ipv6: bool = False
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    is_predefined: bool = False

    @property
    def short_id(self) -> str:
        """The beginning of its id, as tables show it."""
        return self.id[:SHORT_ID]
