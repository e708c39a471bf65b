"""What an engine is and can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbcontainer.errors import ApiError

if TYPE_CHECKING:
    from nbcontainer.engines.replies import Reply

KNOWN_API = (1, 51)  # the newest API version whose replies we have seen (Docker Engine 28.5)
ANONYMOUS_API = (1, 42)  # since Docker Engine 23.0, a prune spares volumes with a name
BUILDKIT_API = (1, 39)  # since Docker Engine 18.09, `POST /grpc` exists whichever builder is the default


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine is and can do, requested once for each engine.

    Attributes:
        product: "Docker Engine" or "Podman".
        version: the product's version.
        api_version: the API version that our calls use.
        buildkit: whether `POST /grpc` leads to BuildKit.
        pods: whether it has pods of its own (Podman).
        libpod_version: the version of Podman's own API, "" for Docker.
    """

    product: str
    version: str
    api_version: str
    os: str = "linux"
    architecture: str = ""
    buildkit: bool = False
    pods: bool = False
    libpod_version: str = ""

    @property
    def prunes_anonymous(self) -> bool:
        """Whether its own prune of volumes removes only those without a name, unless it is told otherwise."""
        return not self.libpod_version and _numbers(self.api_version) >= ANONYMOUS_API

    @property
    def platform(self) -> str:
        """Such as "linux/amd64"."""
        return f"{self.os}/{self.architecture}"


def capabilities_of(ping: Reply, version: object) -> Capabilities:
    """What an engine is, by its replies to `/_ping` and `/version`.

    Raises:
        ApiError: they are not those of a container engine.
    """
    if "api-version" not in ping.headers or not isinstance(version, dict):
        raise ApiError("its replies are not those of a container engine.", reason="garbage")
    libpod = ping.headers.get("libpod-api-version", "")
    theirs = _numbers(ping.headers["api-version"])
    system = str(version.get("Os") or "linux")
    return Capabilities(
        product="Podman" if libpod else "Docker Engine",
        version=str(version.get("Version") or "?").partition("+")[0],  # "28.5.2+dfsg4" on Debian
        # an engine refuses versions newer than its own
        api_version=".".join(str(number) for number in min(theirs, KNOWN_API)),
        os=system,
        architecture=str(version.get("Arch") or ""),
        buildkit=not libpod and system == "linux" and theirs >= BUILDKIT_API,
        pods=bool(libpod),
        libpod_version=libpod,
    )


def _numbers(text: str) -> tuple[int, ...]:
    words = text.split(".")[:2]
    if not all(word.isdigit() for word in words):
        raise ApiError(f"its API version is {text[:40]!r}.", reason="garbage")
    return tuple(int(word) for word in words)
