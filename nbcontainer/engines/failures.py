"""What an engine's refusals and broken connections mean, and its texts cleaned for messages."""

from __future__ import annotations

import contextlib
import html
import http.client
import json
import re
import unicodedata
from collections.abc import Callable, Mapping

from nbcontainer import existence
from nbcontainer.errors import ApiError, Conflict, EngineUnavailable, Forbidden, NotFound
from nbcontainer.model.commands import ENGINE_IN_USE

Magic = Callable[..., str]  # the words of a `%docker` line → the line, for one engine

CHECK_RUNNING = "Check whether it is still running: `%nbcontainer doctor`"
MESSAGE_CHARACTERS = 2000
SERVER_ERROR = 500  # Podman's status for much that is the caller's mistake
# Podman answers 500 where Docker answers 404 or 409 (github.com/containers/podman, libpod/define/errors.go)
PODMAN_CAUSES: dict[str, type[ApiError]] = {
    "no such container": NotFound,
    "no such pod": NotFound,
    "image not known": NotFound,
    "container already exists": Conflict,
    "pod already exists": Conflict,
    "that name is already in use": Conflict,
    "container state improper": Conflict,
    "image is in use by a container": Conflict,
    "network already exists": Conflict,
    "network is being used": Conflict,
}

# what Docker and Podman say of an object that does not exist
_NOTHING = re.compile(
    r"(?:^|: )no such (?P<docker>container|image|network|volume): (?P<name>\S+?)(?:: image not known)?$"
    r"|(?:^|: )(?:no|unable to find) (?P<podman>container|network|volume) with name or ID \"?(?P<called>[^\s\":]+)"
    r"|(?:^|: )network (?P<network>\S+) not found$"
    r"|^failed to find image (?P<image>\S+): ",
    re.IGNORECASE,
)
_LISTS = {"container": ("ps", "-a"), "image": ("images",), "network": ("network", "ls"), "volume": ("volume", "ls")}


def lost(message: str, address: str) -> EngineUnavailable:
    """The error where an engine goes away in the middle of something."""
    return EngineUnavailable(message, tried=(address,) if address else (), cure=CHECK_RUNNING)


def api_error(
    status: int, body: bytes, headers: Mapping[str, str], where: str, magic: Magic = ENGINE_IN_USE.magic
) -> ApiError:
    """The error for a reply, with the engine's own message."""
    message, cause = _message(body, headers)
    if not message:
        message = f"{where} answered {status} {http.client.responses.get(status, '')}".rstrip()
    kind = {403: Forbidden, 404: NotFound, 409: Conflict}.get(status) or PODMAN_CAUSES.get(cause, ApiError)
    if (kind is NotFound or status >= SERVER_ERROR) and (nothing := _NOTHING.search(message)):
        return _not_found(nothing, where, magic)
    return kind(message, status=status, reason=http.client.responses.get(status, ""))


def _not_found(said: re.Match[str], where: str, magic: Magic) -> NotFound:
    """The error for what `_NOTHING` found, in the words of all nouns."""
    found = said.groupdict()
    kind = (found["docker"] or found["podman"] or ("network" if found["network"] else "image")).lower()
    name = next(filter(None, (found["name"], found["called"], found["network"], found["image"])))
    cure = f"{magic(*_LISTS[kind])} lists them" + (f"; {magic('pull')} fetches one." if kind == "image" else ".")
    return existence.not_found(kind, plain(name), where, cure=cure)


def _message(body: bytes, headers: Mapping[str, str]) -> tuple[str, str]:
    """What the engine says, and Podman's `cause`, which is one of a fixed set of texts."""
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(body)
        if isinstance(value, dict):
            cause = str(value.get("cause") or "")
            return plain(str(value.get("message") or cause)), cause
    text = body.decode("utf-8", "replace")
    if "html" in headers.get("content-type", "") or text.lstrip()[:1] == "<":
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        return f"not an engine, but a web page: {plain(html.unescape(title[1])).strip()!r}" if title else "", ""
    return plain(text).strip(), ""


def plain(text: str | bytes, limit: int = MESSAGE_CHARACTERS) -> str:
    """A server's text cleaned for a message: no control or bidirectional characters but line breaks, limited length."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    text = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", text)
    kept = "".join(
        character
        for character in text[: limit * 2]
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    ).strip()
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"
