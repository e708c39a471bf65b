"""The HTTP proxy of a URL, by HTTP_PROXY, HTTPS_PROXY and NO_PROXY as docker and kubectl read them.

These are the rules of Go's golang.org/x/net/http/httpproxy. Python's own differ: they have no networks in NO_PROXY, do
not exempt this machine, and `.example.com` also matches example.com.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PORTS = {"http": "80", "https": "443"}


def environment_proxy(url: str) -> str:
    """The URL of the proxy for requests to `url`, http or https; "" for none."""
    parts = urlsplit(url)
    proxy = _proxy_url(parts.scheme)
    if not proxy or _is_direct(_host(parts.hostname or ""), str(parts.port or PORTS[parts.scheme])):
        return ""
    return proxy


def _proxy_url(scheme: str) -> str:
    """The proxy for requests of this scheme; an address without a scheme is an http proxy."""
    # in a CGI program, HTTP_PROXY comes from a header of its caller: https://httpoxy.org
    if scheme not in PORTS or (scheme == "http" and os.environ.get("REQUEST_METHOD")):
        return ""
    value = _variable(f"{scheme.upper()}_PROXY").strip()
    url = value if "://" in value else f"http://{value}"
    return url if _is_url(url) else ""


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.scheme and parts.hostname and parts.port != 0)
    except ValueError:  # such as a port that is not a number
        return False


def _variable(name: str) -> str:
    return os.environ.get(name) or os.environ.get(name.lower()) or ""


def _is_direct(host: str, port: str) -> bool:
    """Whether a host needs no proxy: this machine, and the hosts in NO_PROXY."""
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(exemption.matches(host, port, address) for exemption in _exemptions(_variable("NO_PROXY")))


@dataclass(frozen=True)
class _Exemption:
    """An entry in NO_PROXY: everything, a network, an address, or a domain; the latter two may have a port."""

    everything: bool = False
    network: Network | None = None
    address: Address | None = None
    domain: str = ""  # with a leading dot
    itself: bool = False  # whether it matches the domain itself as well as its subdomains
    port: str = ""

    def matches(self, host: str, port: str, address: Address | None) -> bool:
        if self.everything:
            return True
        if self.network is not None:
            return address is not None and address.version == self.network.version and address in self.network
        if self.port and self.port != port:
            return False
        if self.address is not None:
            return address == self.address
        is_named = host.endswith(self.domain) or (self.itself and f".{host}" == self.domain)
        return address is None and is_named


def _exemptions(no_proxy: str) -> list[_Exemption]:
    words = [word.strip().lower() for word in no_proxy.split(",")]
    if "*" in words:
        return [_Exemption(everything=True)]
    return [found for word in words if word and (found := _exemption(word)) is not None]


def _exemption(word: str) -> _Exemption | None:
    network = _network(word)
    if network is not None:
        return _Exemption(network=network)
    host, port = _split(word)
    address = _address(host, zone=False)
    if address is not None:
        return _Exemption(address=address, port=port)
    if not host:
        return None
    domain = host[1:] if host.startswith("*.") else host
    itself = not domain.startswith(".")
    return _Exemption(domain="." + _host(domain if itself else domain[1:]), itself=itself, port=port)


def _split(word: str) -> tuple[str, str]:
    """Host and port; a word without this form is a host."""
    host, colon, port = word.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1], port
    return (host, port) if colon and ":" not in host else (word, "")


def _network(word: str) -> Network | None:
    address, slash, length = word.partition("/")
    if not slash or not (length.isascii() and length.isdigit()) or _address(address, zone=False) is None:
        return None
    try:
        network = ip_network(word, strict=False)
    except ValueError:
        return None
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is not None and network.prefixlen >= 96:  # noqa: PLR2004 - the bits before an IPv4 address
        return IPv4Network((mapped, network.prefixlen - 96))
    return network


def _address(text: str, *, zone: bool = True) -> Address | None:
    """An IP address, an IPv4-mapped IPv6 address as IPv4; None for a name. A zone (%eth0) is ignored."""
    try:
        address = ip_address(text.partition("%")[0] if zone else text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _host(name: str) -> str:
    """A name as it is in the DNS."""
    name = name.strip().lower()
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return name
