"""docker build's flags as attributes of BuildKit's Dockerfile frontend.

Sources: buildx build/opt.go and build/utils.go (which flag becomes which attribute), buildkit
frontend/dockerui/config.go and frontend/dockerui/context.go (the attributes that the frontend reads).
"""

import csv
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .messages import Entry

NETWORK_HOST = "network.host"

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE)
_ULIMIT = re.compile(r"[a-z]+=(-1|\d+)(:(-1|\d+))?")


@dataclass(frozen=True, kw_only=True)
class DockerfileFlags:
    """What ``docker build`` passes to the frontend, by its flags.

    Attributes:
        filename: The Dockerfile's name in the tree ``dockerfile``.
        target: ``--target``.
        build_args: ``--build-arg``; proxies too, and ``BUILDKIT_SYNTAX``-like switches.
        labels: ``--label``.
        platforms: ``--platform``, one each.
        no_cache: ``--no-cache``.
        no_cache_filter: ``--no-cache-filter``: stages.
        pull: ``--pull``.
        add_hosts: ``--add-host``: ``NAME:ADDRESS`` or ``NAME=ADDRESS[,ADDRESS]``.
        network: ``--network``: ``default``, ``none`` or ``host``; the last also needs the entitlement `NETWORK_HOST`.
        shm_size: ``--shm-size``, as ``64m`` or in bytes.
        ulimits: ``--ulimit``: ``NAME=SOFT[:HARD]``.
        cgroup_parent: ``--cgroup-parent``.
        contexts: ``--build-context``: name → URL, ``docker-image://…``, or what `local_context` returns.
        context: A build context that is not the tree ``context``: a URL of git or of a tar.
    """

    filename: str = "Dockerfile"
    target: str = ""
    build_args: Mapping[str, str] | None = None
    labels: Mapping[str, str] | None = None
    platforms: Sequence[str] = ()
    no_cache: bool = False
    no_cache_filter: Sequence[str] = ()
    pull: bool = False
    add_hosts: Sequence[str] = ()
    network: str = ""
    shm_size: str | int = 0
    ulimits: Sequence[str] = ()
    cgroup_parent: str = ""
    contexts: Mapping[str, str] | None = None
    context: str = ""

    def attributes(self) -> dict[str, str]:
        """The frontend's attributes.

        Raises:
            ValueError: A value does not have docker's form; the message says which one, and the form.
        """
        if self.network not in ("", "default", "none", "host"):
            raise ValueError(f"network {self.network!r}: a build can use default, none or host")
        given = {
            "target": self.target,
            "platform": ",".join(self.platforms),
            "image-resolve-mode": "pull" if self.pull else "",
            "add-hosts": ",".join(_hosts(self.add_hosts)),
            "force-network-mode": self.network.removeprefix("default"),
            "shm-size": str(size_in_bytes(self.shm_size)) if self.shm_size else "",
            "ulimit": ",".join(_ulimits(self.ulimits)),
            "cgroup-parent": self.cgroup_parent,
            "frontend.caps": "moby.buildkit.frontend.contexts+forward" if self.contexts else "",
            "context": self.context,
        }
        found = {"filename": self.filename}
        for kind, table in (("build-arg", self.build_args), ("label", self.labels), ("context", self.contexts)):
            found |= {f"{kind}:{name}": value for name, value in (table or {}).items()}
        found |= {name: value for name, value in given.items() if value}
        if self.no_cache or self.no_cache_filter:
            found["no-cache"] = "" if self.no_cache else ",".join(self.no_cache_filter)  # empty means all stages
        return found


def local_context(name: str) -> tuple[str, str]:
    """For a named context that is a local directory: its name in `Services.trees`, and the attribute's value."""
    tree = f"_{name}" if name in ("context", "dockerfile") else name
    return tree, f"local:{tree}"


def size_in_bytes(size: str | int) -> int:
    """Read ``64m`` or ``1.5 GiB`` as docker does: every unit is binary.

    Raises:
        ValueError: It is not a valid size.
    """
    if isinstance(size, int):
        return size
    match = _SIZE.fullmatch(size.strip())
    if match is None:
        raise ValueError(f"size {size!r}: write a number of bytes, or one followed by k, m or g")
    return int(float(match[1]) * 1024 ** " kmgtp".index(match[2].lower() or " "))


def entry(text: str, *, default_type: str = "") -> Entry:
    """Read a value of ``--cache-from``, ``--cache-to`` or ``--output``: ``NAME=VALUE,…``, quoted as in CSV.

    A value without ``=`` is a registry's image, as docker reads it for caches.

    Raises:
        ValueError: It has no type, or a part without a value.
    """
    try:
        parts = next(csv.reader([text], strict=True), [])
    except csv.Error:
        raise ValueError(f"{text!r}: the quotes do not match") from None
    if len(parts) == 1 and "=" not in parts[0] and parts[0] and default_type:
        return Entry(type=default_type, attributes={"ref": parts[0]})
    attributes = {}
    for part in parts:
        name, separator, value = part.partition("=")
        if not separator:
            raise ValueError(f"{text!r}: {part!r} is not NAME=VALUE")
        attributes[name.strip().lower()] = value
    kind = attributes.pop("type", default_type)
    if not kind:
        raise ValueError(f"{text!r} names no type")
    return Entry(type=kind, attributes=attributes)


def _hosts(given: Iterable[str]) -> Iterable[str]:
    for host in given:
        name, separator, addresses = host.partition("=")
        if not separator:
            name, separator, addresses = host.partition(":")
        if not (separator and name and addresses):
            raise ValueError(f"host {host!r}: write NAME:ADDRESS")
        if addresses == "host-gateway":
            raise ValueError(f"host {host!r}: the daemon does not say what host-gateway means")
        for address in addresses.split(","):
            bare = address.removeprefix("[").removesuffix("]")
            try:
                ipaddress.ip_address(bare)
            except ValueError:
                raise ValueError(f"host {host!r}: {address!r} is not a valid address") from None
            yield f"{name}={bare}"


def _ulimits(given: Iterable[str]) -> Iterable[str]:
    for limit in given:
        if _ULIMIT.fullmatch(limit) is None:
            raise ValueError(f"ulimit {limit!r}: write NAME=SOFT or NAME=SOFT:HARD")
        name, _, values = limit.partition("=")
        soft, _, hard = values.partition(":")
        yield f"{name}={soft}:{hard or soft}"
