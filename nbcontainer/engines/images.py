"""Images of an engine: push, pull, list, tag, inspect, history, remove."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from nbcontainer import engines, existence
from nbcontainer.engines.connection import Engine
from nbcontainer.engines.credentials import Credential, auth_header, credentials
from nbcontainer.engines.failures import plain
from nbcontainer.engines.http import quoted
from nbcontainer.engines.objects import repeated
from nbcontainer.engines.silence import HEAD_SECONDS
from nbcontainer.engines.transfer_failures import is_missing_here, transfer_error
from nbcontainer.engines.transfer_stream import TransferStream
from nbcontainer.errors import ApiError, AuthFailed, Conflict, EngineUnavailable, NbcontainerError, NotFound, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of, texts_of
from nbcontainer.model import images as model
from nbcontainer.model.outcome import Outcome, outcome_of
from nbcontainer.model.references import Reference, is_loopback, parse_reference
from nbcontainer.model.timestamps import seconds_of
from nbcontainer.operation import Operation, Progress

Transfer = Operation[model.TransferEvent, model.TransferState, model.TransferResult]

SHORT_ID = 12
SKIPPED = ("Layer already exists", "Already exists")
FINISHED = ("Pushed", "Pull complete", "Mounted from", *SKIPPED)
DIGEST = re.compile(r"\bdigest: (sha256:[0-9a-f]{64})", re.IGNORECASE)
INSECURE = ["--tls-verify=false"]
PODMAN_PULL = "/libpod/images/pull"
"""Podman's own API: its version of Docker's cannot be told to accept plain HTTP (as of 4.3)."""
LAYER_ID = re.compile(r"[0-9a-f]{12,64}")


# --- push and pull


def push(engine: Engine, image: str) -> Transfer:
    """Send an image to its registry, which is the first part of its name.

    Raises:
        UsageError: it is not a valid image name.

    The operation raises AuthFailed or Forbidden where the registry needs another login, NotFound where the engine has
    no such image, PushFailed otherwise.
    """
    reference = parse_reference(image).tagged()
    path = f"/images/{quoted(reference.name)}/push"
    insecure = _must_allow_http(engine, reference)
    query = {"tag": reference.tag, "tlsVerify": False if insecure else None}
    command = engine.commands.command("push", *INSECURE * insecure, str(reference))
    return _transfer(engine, _Plan("push", reference, path, query, command))


def pull(engine: Engine, image: str, *, platform: str = "") -> Transfer:
    """Fetch an image from its registry.

    Args:
        engine: the engine that stores it.
        image: the name; "latest" where it has neither tag nor digest.
        platform: such as "linux/arm64"; "" for the engine's own.

    Raises:
        UsageError: it is not a valid image name.

    The operation raises AuthFailed or Forbidden where the registry needs another login, NotFound where it has no such
    image, EngineUnavailable where the engine goes away, PullFailed otherwise.
    """
    reference = parse_reference(image).tagged()
    insecure = _must_allow_http(engine, reference)
    words = [*INSECURE * insecure, *(["--platform", platform] if platform else []), str(reference)]
    command = engine.commands.command("pull", *words)
    if insecure:
        query = {"reference": str(reference), "tlsVerify": False}
        query |= zip(("OS", "Arch", "Variant"), platform.split("/") if platform else (), strict=False)
        return _transfer(engine, _Plan("pull", reference, PODMAN_PULL, query, command))
    query = {"fromImage": reference.name, "tag": reference.digest or reference.tag, "platform": platform or None}
    return _transfer(engine, _Plan("pull", reference, "/images/create", query, command))


def _must_allow_http(engine: Engine, reference: Reference) -> bool:
    """Whether Podman must be told to accept plain HTTP, as Docker does for any registry on its own machine."""
    return engine.is_podman and is_loopback(reference.host)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to request from the engine."""

    direction: str
    reference: Reference
    path: str
    query: Mapping[str, object]
    command: str


def _transfer(engine: Engine, plan: _Plan) -> Transfer:
    started = time.time()
    reference, image = plan.reference, str(plan.reference)

    def work(progress: Progress[model.TransferEvent]) -> None:
        progress.emit(model.TransferStarted(plan.direction, image, reference.host, engine.name, started))
        notes: list[str] = []

        def warn(text: str) -> None:
            notes.append(text)
            progress.emit(model.TransferNote(text, is_warning=True))

        login = credentials(reference.host, path=reference.repository, podman=engine.is_podman, warn=warn)
        try:
            try:
                _run(engine, plan, login, progress)
            except ApiError as error:
                if plan.direction == "push" and (isinstance(error, NotFound) or is_missing_here(error.message)):
                    raise _no_image(engine, image, suggest=False) from None
                refused = transfer_error(error.message, reference, plan.direction, login, status=error.status)
                if notes and isinstance(refused, AuthFailed):  # what could not be used is why
                    refused = refused.replaced(message=" ".join([refused.message, *notes]))
                raise refused from error
            except EngineUnavailable as error:
                said = f"The {plan.direction} of {image} was cut off: {error.message}"
                raise EngineUnavailable(said, tried=error.tried, cure=error.cure) from error
        except BaseException as error:
            progress.emit(model.TransferEnded(*outcome_of(error, stopped=progress.stopping), time.time()))
            raise

    def conclude(state: model.TransferState, _: None) -> model.TransferResult:
        seconds = (state.ended or time.time()) - started
        return model.TransferResult(state.image, state.digest, state.size, seconds, state, plan.command)

    initial = model.TransferState(plan.direction, image, reference.host, engine.name, started)
    operation: Transfer = Operation(
        f"{plan.direction} of {image}",
        initial,
        model.apply_transfer,
        conclude=conclude,
        final_event=lambda: model.TransferEnded(Outcome.STOPPED, "", time.time()),
    )
    return operation.start_thread(work)


def _run(engine: Engine, plan: _Plan, login: Credential | None, progress: Progress[model.TransferEvent]) -> None:
    """Follow one transfer to its end.

    Raises:
        ApiError: the engine or the registry refused, or the stream broke off.
    """
    headers = {"X-Registry-Auth": auth_header(login, plan.reference.host)}
    follower = _Follower(progress)
    http = engines.pods.podman_http(engine) if plan.path == PODMAN_PULL else engine.http()
    request = partial(
        http.stream,
        "POST",
        plan.path,
        query=plan.query,
        headers=headers,
        timeout=HEAD_SECONDS,
        on_open=progress.on_stop,
    )
    stream = TransferStream(
        engine, plan.direction, str(plan.reference), request, lambda text: progress.emit(model.TransferNote(text))
    )
    with contextlib.closing(stream.messages()) as messages:
        for message in messages:
            follower.take(message)
    if plan.direction == "push" and not follower.digest:
        raise ApiError(f"{engine.name} ended the push without reporting the image's digest.", reason="broken stream")
    found = inspect(engine, str(plan.reference))
    if plan.direction == "pull" and not follower.has_pulled(text_of(found, "Id")):
        raise ApiError(f"{engine.name} ended the pull before the image was complete.", reason="broken stream")
    digest = follower.digest or plan.reference.digest or _digest_of(found, plan.reference)
    progress.emit(model.ImageTransferred(digest, _whole(found.get("Size")), time.time()))


def _digest_of(found: JsonObject, reference: Reference) -> str:
    """The digest that an image has in this repository; "" where the engine (Podman) names several."""
    digests = set()
    for text in _names(found, "RepoDigests"):
        name, _, digest = text.partition("@")
        with contextlib.suppress(NbcontainerError):
            if parse_reference(name).name == reference.name:
                digests.add(digest)
    return digests.pop() if len(digests) == 1 else ""


class _Follower:
    """Turns the engine's messages into events."""

    def __init__(self, progress: Progress[model.TransferEvent]) -> None:
        self._progress = progress
        self._layers: dict[str, model.LayerState] = {}
        self._image_id = ""
        self.digest = ""

    def take(self, message: JsonObject) -> None:
        """Take one JSON message.

        Raises:
            ApiError: it is the error with which the transfer ends (in a reply whose HTTP status is 200).
        """
        if error := text_of(object_of(message.get("errorDetail")), "message") or text_of(message, "error"):
            raise ApiError(plain(error))
        digest = text_of(object_of(message.get("aux")), "Digest")
        if digest.startswith("sha256:"):
            self.digest = digest
        status = plain(text_of(message, "status") or text_of(message, "stream"))
        found = DIGEST.search(status)
        if found:
            self.digest = found[1].lower()
            return
        name = text_of(message, "id")
        if LAYER_ID.fullmatch(name) and status:
            self._layer(name, status, message.get("progressDetail"))
        elif status:
            self._progress.emit(model.TransferNote(status))
        else:
            self._image_id = name

    def has_pulled(self, image_id: str) -> bool:
        """Whether the engine reported the image: Docker ends with the digest, Podman with the image's id."""
        short = image_id.removeprefix("sha256:")
        found = next((layer for name, layer in self._layers.items() if short.startswith(name)), None)
        return (
            bool(self.digest) or self._image_id == short or (found is not None and found.status == "Download complete")
        )

    def _layer(self, name: str, status: str, detail: object) -> None:
        before = self._layers.get(name, model.LayerState(name))
        numbers = object_of(detail)
        # "Extracting" counts seconds with the containerd store, and bytes otherwise
        counted: JsonObject = numbers if "units" not in numbers else {}
        total = _whole(counted.get("total")) or before.total
        done = status.startswith(FINISHED)
        current = total if done and total else _whole(counted.get("current")) or (0 if counted else before.current)
        layer = model.LayerState(name, status, current, total, done, status.startswith(SKIPPED))
        if layer != before:
            self._layers[name] = layer
            self._progress.emit(model.LayerProgress(layer))


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


# --- list


def list_images(
    engine: Engine, *, every: bool = False, filters: Mapping[str, Sequence[str]] | None = None
) -> list[model.ImageFacts]:
    """The engine's images, newest first.

    Args:
        engine: the engine.
        every: whether to include intermediate images.
        filters: docker's own, such as {"reference": ["web*"], "dangling": ["true"], "label": ["a=b"]}.

    Raises:
        ApiError: a filter is not valid.
    """
    chosen = dict(filters or {})
    # Podman lists what matches all references, Docker what matches one of them
    references = chosen.pop("reference", ()) if engine.is_podman else ()
    found: dict[str, JsonObject] = {}
    for each in [{**chosen, "reference": [one]} for one in references] or [chosen]:
        found |= {text_of(entry, "Id"): entry for entry in _listed(engine, {"all": every, "filters": each or None})}
    return sorted(map(_image, found.values()), key=lambda image: image.created, reverse=True)


def _listed(engine: Engine, query: Mapping[str, object]) -> list[JsonObject]:
    # Podman fails where an image is removed while it lists them
    return entries_of(repeated(lambda: engine.http().json("GET", "/images/json", query=query), error=NotFound))


def _image(entry: JsonObject) -> model.ImageFacts:
    """An image from the list, or from `inspect`."""
    return model.ImageFacts(
        id=text_of(entry, "Id"),
        tags=tuple(shown_name(name) for name in _names(entry, "RepoTags") if name != "<none>:<none>"),
        digests=tuple(name for name in _names(entry, "RepoDigests") if not name.startswith("<none>@")),
        created=float(number_of(entry, "Created")) or seconds_of(text_of(entry, "Created")),
        size=number_of(entry, "Size"),
        labels=texts_of(entry, "Labels") or texts_of(object_of(entry.get("Config")), "Labels"),
        platform="/".join(filter(None, (text_of(entry, key) for key in ("Os", "Architecture", "Variant")))),
    )


def _names(entry: JsonObject, key: str) -> list[str]:
    names = entry.get(key)
    return [str(name) for name in names] if isinstance(names, list) else []


def shown_name(full: str) -> str:
    """Docker's short form of a name: Podman returns "docker.io/library/busybox:latest"."""
    with contextlib.suppress(NbcontainerError):
        return str(parse_reference(full))
    return full


# --- one image


def inspect(engine: Engine, image: str) -> JsonObject:
    """All that the engine knows of an image, by its name or id, as docker's own JSON.

    Raises:
        NotFound: there is no such image.
    """
    return object_of(engine.http().json("GET", f"/images/{quoted(image)}/json"))


def get(engine: Engine, image: str) -> model.ImageFacts:
    """One image, by its name or id.

    Raises:
        NotFound: there is no such image; the error suggests a similar name.
    """
    try:
        return _image(inspect(engine, image))
    except NotFound:
        raise _no_image(engine, image) from None


def variables(engine: Engine, image: str) -> tuple[str, ...] | None:
    """The names of the variables that an image sets for what is built from it; None where the engine does not say.

    Triggers (ONBUILD) may set others, so that an image that has some sets what is not known.
    """
    try:
        found = object_of(inspect(engine, image).get("Config"))
    except NbcontainerError:
        return None
    if found.get("OnBuild"):
        return None
    given = found.get("Env")
    return tuple(str(entry).partition("=")[0] for entry in given) if isinstance(given, list) else ()


def _no_image(engine: Engine, image: str, *, suggest: bool = True) -> NotFound:
    """The error for a name that no image has. Names with the same registry are all similar: a push suggests none."""
    known = [name for each in list_images(engine) for name in each.tags] if suggest else []
    cure = f"{engine.commands.magic('images')} lists them; {engine.commands.magic('pull')} fetches one."
    return existence.not_found("image", image, engine.name, known=known, cure=cure)


def tag(engine: Engine, image: str, target: str) -> str:
    """Give an image another name. Returns that name in full.

    Raises:
        UsageError: `target` is not a valid image name, or has a digest.
        NotFound: there is no such image.
    """
    reference = parse_reference(target).tagged()
    if reference.digest:  # an engine would accept it and change nothing
        raise UsageError(
            f"{plain(target, 200)} has a digest: an image cannot be given one.", cure="Give a name and a tag."
        )
    query = {"repo": reference.name, "tag": reference.tag}
    try:
        engine.http().call("POST", f"/images/{quoted(image)}/tag", query=query)
    except NotFound:
        raise _no_image(engine, image) from None
    return str(reference)


def remove(engine: Engine, image: str, *, force: bool = False, prune: bool = True) -> list[str]:
    """Remove a name of an image, and with its last name the image itself. Returns what was untagged and deleted.

    Raises:
        NotFound: there is no such image.
        Conflict: a container uses it, or it has several names and was given by its id.
    """
    query = {"force": force, "noprune": not prune}
    try:
        found = engine.http().json("DELETE", f"/images/{quoted(image)}", query=query)
    except Conflict as error:
        raise error.replaced(cure="Remove its containers first, or use `--force`.") from error
    return [f"{what}: {name}" for entry in entries_of(found) for what, name in entry.items()]
