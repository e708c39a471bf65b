"""The words of a Dockerfile: instructions, their flags, the keys of `RUN --mount`.

Source: https://github.com/moby/buildkit, frontend/dockerfile/instructions (parse.go, bflag.go, commands_run*.go).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

INSTRUCTIONS = (
    *("FROM", "RUN", "COPY", "ADD", "WORKDIR", "ENV", "ARG", "EXPOSE", "CMD", "ENTRYPOINT", "USER", "LABEL"),
    *("VOLUME", "HEALTHCHECK", "SHELL", "STOPSIGNAL", "ONBUILD", "MAINTAINER"),
)

DIRECTIVES = ("syntax", "escape", "check")


@dataclass(frozen=True, slots=True)
class FlagWord:
    """A flag of an instruction.

    Attributes:
        kind: "switch" (`--link`, `--link=false`), "value" (once) or "values" (may be repeated).
        values: what may follow "=", where that is a fixed set.
    """

    name: str
    kind: str = "value"
    values: tuple[str, ...] = ()


_SOURCES = (FlagWord("chown"), FlagWord("chmod"), FlagWord("link", "switch"), FlagWord("exclude", "values"))

FLAGS: dict[str, tuple[FlagWord, ...]] = {
    "FROM": (FlagWord("platform", values=("$BUILDPLATFORM", "$TARGETPLATFORM", "linux/amd64", "linux/arm64")),),
    "RUN": (
        FlagWord("mount", "values"),
        FlagWord("network", values=("default", "none", "host")),
        FlagWord("security", values=("sandbox", "insecure")),
        FlagWord("device", "values"),
    ),
    "COPY": (FlagWord("from"), *_SOURCES, FlagWord("parents", "switch")),
    "ADD": (*_SOURCES, FlagWord("keep-git-dir", "switch"), FlagWord("checksum"), FlagWord("unpack", "switch")),
    "HEALTHCHECK": tuple(map(FlagWord, ("interval", "timeout", "start-period", "start-interval", "retries"))),
}

MOUNT_TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")

MOUNT_KEYS: dict[str, tuple[str, ...]] = {
    "bind": ("target", "source", "from", "rw"),
    "cache": ("target", "id", "sharing", "from", "source", "ro", "mode", "uid", "gid"),
    "tmpfs": ("target", "size"),
    "secret": ("id", "target", "env", "required", "mode", "uid", "gid"),
    "ssh": ("id", "target", "required", "mode", "uid", "gid"),
}
"""The usual keys of each type of mount; see `ANY_MOUNT_KEY` for all that BuildKit accepts."""

ANY_MOUNT_KEY = frozenset(key for keys in MOUNT_KEYS.values() for key in keys).union(
    ("type", "src", "dst", "destination", "readonly", "readwrite")
)

SHARING_MODES = ("shared", "private", "locked")

PREDEFINED_ARGUMENTS = (
    *("TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "TARGETSTAGE"),
    *("BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT"),
)
"""Arguments that BuildKit sets before the first FROM; a stage that uses one declares it with ARG."""

PROXY_ARGUMENTS = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
"""Arguments that every RUN has without ARG, if the build is given them; also in lower case."""


def lowered(name: str) -> str:
    """A stage's name in lowercase, as Go has it: each character becomes one, where Python makes two of "İ"."""
    return name.replace("İ", "i").lower()


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known word most similar to `word`, or ""; case is ignored."""
    by_folded = {name.casefold(): name for name in known}
    found = get_close_matches(word.casefold(), by_folded, n=1, cutoff=cutoff)
    return by_folded[found[0]] if found else ""


def likely_variable(name: str, known: Iterable[str]) -> str:
    """The known variable that a misspelt one was probably meant for, or ""; of two letters, any would do."""
    shortest = 3
    return nearest(name, known, cutoff=0.65) if len(name) >= shortest else ""
