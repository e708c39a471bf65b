"""Names of images and registries, parsed as docker parses them.

Grammar and the names' short form: github.com/distribution/reference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from nbcontainer.errors import UsageError

HUB = "docker.io"
HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io", "registry.docker.io")

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]{{1,5}})?")
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?")
_ID = re.compile(r"[0-9a-f]{64}")
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Reference:
    """The parts of an image's name.

    Attributes:
        host: the registry, with its port; "docker.io" where the name has none.
        repository: such as "library/busybox".
        tag: "" where there is none.
        digest: such as "sha256:…", or "".
    """

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Host and repository, as docker shows them: "busybox", "team/app", "localhost:5000/app"."""
        if self.host != HUB:
            return f"{self.host}/{self.repository}"
        return self.repository.removeprefix("library/") if self.repository.count("/") == 1 else self.repository

    def __str__(self) -> str:
        """The whole name, as docker shows it."""
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def tagged(self) -> Reference:
        """With the tag "latest" where there is neither tag nor digest."""
        return self if self.tag or self.digest else replace(self, tag="latest")


def parse_reference(text: str) -> Reference:
    """Parse an image's name.

    Raises:
        UsageError: it is not a valid image name; the message says which part is wrong, and why.
    """
    if not text or text != text.strip():
        raise _wrong(text, "it is empty" if not text.strip() else "there are spaces around it")
    if "://" in text:
        raise _wrong(text, "an image's name has no scheme", f"Leave {text.partition('://')[0]}:// out.")
    if _ID.fullmatch(text):
        raise _wrong(text, "64 hexadecimal digits are an image's id, not a name")
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise _wrong(text, f"{_shown(digest, 80)} is not a valid digest: sha256: and 64 hexadecimal digits")
    head, slash, last = rest.rpartition("/")
    last, colon, tag = last.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise _wrong(text, f"{_shown(tag, 80)} is not a valid tag: letters, digits, _ . and -, at most 128 of them")
    host, path = _split_host(head + slash + last)
    if not _HOST.fullmatch(host):
        raise _wrong(text, f"{_shown(host, 80)} is not a valid registry name")
    for part in path.split("/"):
        _check_part(text, part)
    if len(f"{host}/{path}") > _LONGEST:
        raise _wrong(text, f"it is longer than {_LONGEST} characters")
    if host == HUB and "/" not in path:
        path = f"library/{path}"
    return Reference(host, path, tag, digest)


def is_reference(text: str) -> bool:
    """Whether a text is a valid image name."""
    try:
        parse_reference(text)
    except UsageError:
        return False
    return True


def familiar(image: str) -> str:
    """An image's name as docker shows it, where Podman has "docker.io/library/busybox:latest"; an id unchanged."""
    try:
        return str(parse_reference(image))
    except UsageError:
        return image


def is_loopback(host: str) -> bool:
    """Whether a registry is on the engine's own machine: Docker uses plain HTTP there if the registry has no TLS."""
    return _LOOPBACK.fullmatch(host) is not None


def _split_host(name: str) -> tuple[str, str]:
    """The registry, if the first part looks like one, and the path."""
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        return (HUB, rest) if first in HUB_NAMES[:2] else (first, rest)
    return HUB, name


def _check_part(text: str, part: str) -> None:
    if _PART.fullmatch(part):
        return
    if not part:
        raise _wrong(text, "a part of it is empty")
    if part != part.lower() and _PART.fullmatch(part.lower()):
        raise _wrong(text, "a repository's name must be lowercase", f"Write {_shown(text.lower(), 200)[1:-1]}.")
    raise _wrong(text, f"{_shown(part, 80)} may have only lowercase letters and digits, with . _ or - between them")


def _wrong(text: str, why: str, cure: str = "") -> UsageError:
    return UsageError(f"{_shown(text, 200)} is not a valid image name: {why}.", cure=cure)


def _shown(text: str, limit: int) -> str:
    """A text in quotes for a message: nothing but printable characters, limited length."""
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


def registry_host(text: str) -> str:
    """A registry's name, as written by a user or in a configuration; all of Docker Hub's names become "docker.io".

    "", "https://index.docker.io/v1/" and "index.docker.io" are Docker Hub; "https://example.com/v2/" is "example.com".

    Raises:
        UsageError: it is not a valid registry name.
    """
    host = re.sub(r"^https?://", "", text.strip(), flags=re.IGNORECASE).partition("/")[0].lower()
    if not host and text.strip() in ("", "/"):
        return HUB
    if not _HOST.fullmatch(host):
        raise UsageError(
            f"{_shown(text, 200)} is not a valid registry name.",
            cure="It looks like docker.io, ghcr.io or localhost:5000.",
        )
    return HUB if host in HUB_NAMES else host
