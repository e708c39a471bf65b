"""Images of an engine: push, pull, list, tag, inspect, history, remove."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbcontainer.engines.connection import Engine
from nbcontainer.engines.credentials import Credential, auth_header, credentials
from nbcontainer.engines.http import Magic, plain, quoted
from nbcontainer.engines.objects import not_found, time_of
from nbcontainer.engines.references import HUB, Reference, parse_reference
from nbcontainer.errors import (
    ApiError,
    AuthFailed,
    Conflict,
    EngineUnavailable,
    Forbidden,
    NbcontainerError,
    NotFound,
    PullFailed,
    PushFailed,
    outcome_of,
)
from nbcontainer.model.commands import ENGINE_IN_USE
from nbcontainer.model.images import (
    ImageFacts,
    ImageTransferred,
    LayerProgress,
    LayerState,
    TransferEnded,
    TransferEvent,
    TransferNote,
    TransferResult,
    TransferStarted,
    TransferState,
    apply_transfer,
)
from nbcontainer.model.tables import Column, Row, Table, TableReset, TableState, apply_table
from nbcontainer.operation import Operation, Progress

__all__ = [
    "get",
    "history",
    "inspect",
    "list_images",
    "pull",
    "push",
    "remove",
    "shown_name",
    "tag",
    "transfer_error",
]

Transfer = Operation[TransferEvent, TransferState, TransferResult]

SHORT_ID = 12
RETRIES = 4
SKIPPED = ("Layer already exists", "Already exists")
FINISHED = ("Pushed", "Pull complete", "Mounted from", *SKIPPED)
DIGEST = re.compile(r"\bdigest: (sha256:[0-9a-f]{64})", re.IGNORECASE)
LAYER_ID = re.compile(r"[0-9a-f]{12,64}")


# --- push and pull


def push(engine: Engine, image: str) -> Transfer:
    """Send an image to its registry, which is the first part of its name.

    Raises:
        UsageError: it is no image name.

    The operation raises AuthFailed or Forbidden where the registry wants another login, NotFound where the engine has
    no such image, PushFailed for all else.
    """
    reference = parse_reference(image).tagged()
    path = f"/images/{quoted(reference.name)}/push"
    command = engine.commands.command("push", str(reference))
    return _transfer(engine, _Plan("push", reference, path, {"tag": reference.tag}, command))


def pull(engine: Engine, image: str, *, platform: str = "") -> Transfer:
    """Fetch an image from its registry.

    Args:
        engine: whose store it goes into.
        image: the name; "latest" where it has neither tag nor digest.
        platform: such as "linux/arm64"; "" for the engine's own.

    Raises:
        UsageError: it is no image name.

    The operation raises AuthFailed or Forbidden where the registry wants another login, NotFound where it has no such
    image, EngineUnavailable where the engine goes away, PullFailed for all else.
    """
    reference = parse_reference(image).tagged()
    query = {"fromImage": reference.name, "tag": reference.digest or reference.tag, "platform": platform or None}
    command = engine.commands.command("pull", *(["--platform", platform] if platform else []), str(reference))
    return _transfer(engine, _Plan("pull", reference, "/images/create", query, command))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to ask the engine for."""

    direction: str
    reference: Reference
    path: str
    query: Mapping[str, object]
    command: str


def _transfer(engine: Engine, plan: _Plan) -> Transfer:
    begun = time.time()
    reference, image = plan.reference, str(plan.reference)

    def work(progress: Progress[TransferEvent]) -> None:
        progress.tell(TransferStarted(plan.direction, image, reference.host, engine.name, begun))
        login = credentials(
            reference.host,
            podman=engine.is_podman,
            warn=lambda text: progress.tell(TransferNote(text)),
        )
        try:
            try:
                _run(engine, plan, login, progress)
            except ApiError as error:
                raise transfer_error(
                    error.message, reference, plan.direction, login, status=error.status, magic=engine.commands.magic
                ) from error
            except EngineUnavailable as error:
                said = f"The {plan.direction} of {image} was cut off: {error.message}"
                raise EngineUnavailable(said, tried=error.tried, cure=error.cure) from error
        except BaseException as error:
            progress.tell(TransferEnded(*outcome_of(error, stopped=progress.stopping), time.time()))
            raise

    def conclude(state: TransferState, _: None) -> TransferResult:
        seconds = (state.finished or time.time()) - begun
        return TransferResult(state.image, state.digest, state.size, seconds, state, plan.command)

    started = TransferState(plan.direction, image, reference.host, engine.name, begun)
    operation: Transfer = Operation(
        f"{plan.direction} of {image}",
        started,
        apply_transfer,
        conclude=conclude,
        last_words=lambda: TransferEnded("stopped", "", time.time()),
    )
    return operation.start_thread(work)


def _run(engine: Engine, plan: _Plan, login: Credential | None, progress: Progress[TransferEvent]) -> None:
    """Follow one transfer to its end.

    Raises:
        ApiError: the engine or the registry refused, or the stream ended without an end.
    """
    headers = {"X-Registry-Auth": auth_header(login, plan.reference.host)}
    follower = _Follower(progress)
    with engine.http().stream(
        "POST", plan.path, query=plan.query, headers=headers, timeout=None, on_open=progress.on_stop
    ) as reply:
        for message in reply.lines():
            follower.take(message)
    if plan.direction == "push" and not follower.digest:
        raise ApiError(f"{engine.name} ended the push without telling the image's digest.", reason="broken stream")
    found = inspect(engine, str(plan.reference))
    if plan.direction == "pull" and not follower.has_pulled(str(found.get("Id") or "")):
        raise ApiError(f"{engine.name} ended the pull before the image was here.", reason="broken stream")
    digest = follower.digest or _digest_of(found, plan.reference)
    progress.tell(ImageTransferred(digest, _whole(found.get("Size")), time.time()))


def _digest_of(found: Mapping[str, Any], reference: Reference) -> str:
    """The digest that an image has in this repository; "" where the engine (Podman) names several."""
    digests = set()
    for text in found.get("RepoDigests") or ():
        name, _, digest = str(text).partition("@")
        with contextlib.suppress(NbcontainerError):
            if parse_reference(name).name == reference.name:
                digests.add(digest)
    return digests.pop() if len(digests) == 1 else ""


class _Follower:
    """Turns the engine's messages into events."""

    def __init__(self, progress: Progress[TransferEvent]) -> None:
        self._progress = progress
        self._layers: dict[str, LayerState] = {}
        self.digest = ""

    def take(self, message: Mapping[str, Any]) -> None:
        """Take one JSON message.

        Raises:
            ApiError: it is the error with which the transfer ends (in a reply whose HTTP status is 200).
        """
        detail = message.get("errorDetail")
        error = (detail.get("message") if isinstance(detail, dict) else None) or message.get("error")
        if error:
            raise ApiError(plain(str(error)))
        aux = message.get("aux")
        if isinstance(aux, dict) and str(aux.get("Digest") or "").startswith("sha256:"):
            self.digest = str(aux["Digest"])
        status = plain(str(message.get("status") or message.get("stream") or ""))
        found = DIGEST.search(status)
        if found:
            self.digest = found[1].lower()
            return
        name = str(message.get("id") or "")
        if LAYER_ID.fullmatch(name) and status:
            self._layer(name, status, message.get("progressDetail"))
        elif status:
            self._progress.tell(TransferNote(status))

    def has_pulled(self, image_id: str) -> bool:
        """Whether the engine said so: Docker ends with the digest, Podman with the image's id."""
        short = image_id.removeprefix("sha256:")
        found = next((layer for name, layer in self._layers.items() if short.startswith(name)), None)
        return bool(self.digest) or (found is not None and found.status == "Download complete")

    def _layer(self, name: str, status: str, detail: Any) -> None:
        before = self._layers.get(name, LayerState(name))
        numbers = detail if isinstance(detail, dict) else {}
        # "Extracting" counts seconds with the containerd store, and bytes else
        counted = numbers if "units" not in numbers else {}
        total = _whole(counted.get("total")) or before.total
        done = status.startswith(FINISHED)
        current = total if done and total else _whole(counted.get("current")) or (0 if counted else before.current)
        layer = LayerState(name, status, current, total, done, status.startswith(SKIPPED))
        if layer != before:
            self._layers[name] = layer
            self._progress.tell(LayerProgress(layer))


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


# --- what went wrong

# The engine forwards the registry's and Go's words; only these tell the cases apart (the HTTP status is 200 or 500).
NO_LOGIN = re.compile(
    r"no basic auth credentials|authentication required|unauthorized|invalid username/password", re.IGNORECASE
)
DENIED = re.compile(r"\bdenied\b|insufficient_scope|authorization failed|\b403\b", re.IGNORECASE)
NO_SUCH = re.compile(
    r"does not exist locally|manifest unknown|manifest for .* not found|name unknown|: not found|no such image"
    r"|image not known|not found: does not exist|tag does not exist|failed to find image",
    re.IGNORECASE,
)
NO_HOST = re.compile(r"no such host|server misbehaving", re.IGNORECASE)
REFUSED = re.compile(
    r"connection refused|connection reset|i/o timeout|EOF|deadline exceeded|no route to host", re.IGNORECASE
)
NOT_TLS = re.compile(r"server gave HTTP response to HTTPS client|x509:|tls:", re.IGNORECASE)


def transfer_error(
    message: str,
    reference: Reference,
    direction: str,
    login: Credential | None,
    *,
    status: int = 0,
    magic: Magic = ENGINE_IN_USE.magic,
) -> NbcontainerError:
    """The error for what an engine said about a push or a pull that failed; a build's `FROM` has the same ones."""
    host = reference.host
    said = f"The {direction} of {reference} failed: {message}"
    hub = "" if host == HUB else f" {host}"
    if "repository does not exist or may require" in message:
        cure = f"Check the name; if the image is private, run `%docker login{hub}`."
        return NotFound(said, status=404, reason="not found", cure=cure)
    if DENIED.search(message) and not re.search(r"no basic auth", message):
        if login is None:
            return AuthFailed(said, host=host, reason="denied", cure=f"Run `%docker login{hub}`.")
        who = f"{login.username!r}" if login.username else "this login"
        return Forbidden(
            said, status=403, reason="denied", cure=f"At {host}, {who} may not {direction} {reference.name}."
        )
    if NO_LOGIN.search(message) or status == 401:  # noqa: PLR2004 - HTTP's number
        again = " again: the login that is kept is not accepted" if login is not None else ""
        return AuthFailed(said, host=host, reason="unauthorized", cure=f"Run `%docker login{hub}`{again}.")
    if NO_SUCH.search(message) or status == 404:  # noqa: PLR2004 - HTTP's number
        cure = f"See {magic('images')}." if direction == "push" else f"Check the name and the tag at {host}."
        return NotFound(said, status=404, reason="not found", cure=cure)
    cure = ""
    if NO_HOST.search(message):
        cure = f"There is no host {host}, or no network: check the name."
    elif NOT_TLS.search(message):
        cure = f"If {host} is yours, add it to the engine's insecure registries, or give it a trusted certificate."
    elif REFUSED.search(message):
        cure = f"Check that the registry {host} is running, and try again."
    kind = PullFailed if direction == "pull" else PushFailed
    return kind(said, image=str(reference), host=host, cure=cure)


# --- list


def list_images(
    engine: Engine, *, every: bool = False, filters: Mapping[str, Sequence[str]] | None = None
) -> list[ImageFacts]:
    """The engine's images, newest first.

    Args:
        engine: whose.
        every: intermediate images too.
        filters: docker's own, such as {"reference": ["web*"], "dangling": ["true"], "label": ["a=b"]}.

    Raises:
        ApiError: a filter is wrong.
    """
    query = {"all": every, "filters": {name: list(values) for name, values in filters.items()} if filters else None}
    for attempt in range(RETRIES + 1):
        try:
            found = engine.http().json("GET", "/images/json", query=query)
        except NotFound:  # Podman gives up where an image goes while it lists them
            if attempt == RETRIES:
                raise
        else:
            break
    rows = [_image(entry) for entry in found or () if isinstance(entry, dict)]
    return sorted(rows, key=lambda image: image.created, reverse=True)


def _image(entry: Mapping[str, Any]) -> ImageFacts:
    """An image of the list, or as `inspect` has it."""
    tags = [str(name) for name in entry.get("RepoTags") or () if name != "<none>:<none>"]
    digests = [str(name) for name in entry.get("RepoDigests") or () if not str(name).startswith("<none>@")]
    created = entry.get("Created") or 0
    labels = entry.get("Labels") or (entry.get("Config") or {}).get("Labels") or {}
    platform = [str(entry.get(key) or "") for key in ("Os", "Architecture", "Variant")]
    return ImageFacts(
        id=str(entry.get("Id") or ""),
        tags=tuple(map(shown_name, tags)),
        digests=tuple(digests),
        created=time_of(created) if isinstance(created, str) else float(created),
        size=int(entry.get("Size") or 0),
        labels={str(name): str(value) for name, value in labels.items()},
        platform="/".join(filter(None, platform)),
    )


def shown_name(full: str) -> str:
    """Docker's short form of a name: Podman gives "docker.io/library/busybox:latest"."""
    with contextlib.suppress(NbcontainerError):
        return str(parse_reference(full))
    return full


# --- one image


def inspect(engine: Engine, image: str) -> dict[str, Any]:
    """All that the engine knows of an image, by its name or id, as docker's own JSON.

    Raises:
        NotFound: there is no such image.
    """
    found = engine.http().json("GET", f"/images/{quoted(image)}/json")
    return found if isinstance(found, dict) else {}


def get(engine: Engine, image: str) -> ImageFacts:
    """One image, by its name or id.

    Raises:
        NotFound: there is no such image; it says which name is nearly that.
    """
    try:
        return _image(inspect(engine, image))
    except NotFound:
        known = [name for each in list_images(engine) for name in each.tags]
        raise not_found(engine, "image", image, known, "images") from None


def tag(engine: Engine, image: str, target: str) -> str:
    """Give an image another name. Returns that name in full.

    Raises:
        UsageError: `target` is no image name, or has a digest.
        NotFound: there is no such image.
    """
    reference = parse_reference(target).tagged()
    query = {"repo": reference.name, "tag": reference.tag}
    engine.http().call("POST", f"/images/{quoted(image)}/tag", query=query)
    return str(reference)


def remove(engine: Engine, image: str, *, force: bool = False, prune: bool = True) -> list[str]:
    """Remove a name of an image, and the image itself with its last name. Returns what was untagged and deleted.

    Raises:
        NotFound: there is no such image.
        Conflict: a container uses it, or it has several names and was given by its id.
    """
    query = {"force": force, "noprune": not prune}
    try:
        found = engine.http().json("DELETE", f"/images/{quoted(image)}", query=query)
    except Conflict as error:
        raise Conflict(
            error.message, status=error.status, reason=error.reason, cure="Remove its containers first, or use --force."
        ) from error
    return [f"{what}: {name}" for entry in found or () for what, name in entry.items()]


def history(engine: Engine, image: str) -> Table:
    """The layers of an image, the newest first.

    Raises:
        NotFound: there is no such image.
    """
    found = engine.http().json("GET", f"/images/{quoted(image)}/history")
    columns = (
        Column("IMAGE"),
        Column("CREATED", "age"),
        Column("CREATED BY"),
        Column("SIZE", "bytes"),
        Column("COMMENT"),
    )
    rows = []
    for index, entry in enumerate(found or ()):
        short = str(entry.get("Id") or "").removeprefix("sha256:")[:SHORT_ID]
        cells = (
            short if short != "<missing>" else "",
            float(entry.get("Created") or 0),
            str(entry.get("CreatedBy") or ""),
            int(entry.get("Size") or 0),
            str(entry.get("Comment") or ""),
        )
        rows.append(Row(str(index), cells, name=short, kind="layer"))
    state = apply_table(TableState(), TableReset(columns, tuple(rows), f"history of {image}", engine.name))
    return Table(state, engine.commands.command("history", image))
