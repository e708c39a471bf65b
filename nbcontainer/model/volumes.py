"""Volumes, as an engine describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ANONYMOUS_LABEL = "com.docker.volume.anonymous"  # Docker Engine sets it since 23.0
ID_LENGTH = 64


@dataclass(frozen=True)
class VolumeFacts:
    """What an engine knows about a volume.

    Attributes:
        driver: "local", or a plugin's name.
        mountpoint: its folder on the engine's machine.
        created: when, in seconds since the epoch; 0 where the engine does not say.
        scope: "local", or "global" where a cluster of engines shares it.
        options: its driver's options.
        size: the bytes in it, -1 where this is not known.
    """

    name: str
    driver: str = ""
    mountpoint: str = ""
    created: float = 0.0
    scope: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    size: int = -1

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody named it: an image's VOLUME or a `-v /path` created it."""
        made_up = len(self.name) == ID_LENGTH and set(self.name) <= set("0123456789abcdef")
        return ANONYMOUS_LABEL in self.labels or made_up  # Podman and older Docker set no label
