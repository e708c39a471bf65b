"""What an engine says about itself as a whole: the disk space that it uses.

Source: the Docker Engine API 1.41 to 1.52, /system/df; the sums are those of docker's own client.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nbcontainer import engines
from nbcontainer.errors import NotFound
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of, value_of, words_of
from nbcontainer.model.system import BUILD_CACHE, CONTAINERS, IMAGES, VOLUMES, DiskUsage, Stored, Usage
from nbcontainer.model.timestamps import seconds_of

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine

TRIES = 3  # Podman answers 404 if a container is removed while it is measured
DF_SECONDS = 300.0  # engines measure volumes for each call
RUNNING = frozenset({"running", "paused", "restarting"})  # docker's client counts these as active
SHORT = 12  # characters of an id
# since API 1.52, the sums come ready-made, and the objects only if they are asked for
SUMS = {"ImageUsage": IMAGES, "ContainerUsage": CONTAINERS, "VolumeUsage": VOLUMES, "BuildCacheUsage": BUILD_CACHE}
NOTE = "Podman counts layers that several images share once for each of them."


def disk_usage(engine: Engine, *, verbose: bool = False) -> DiskUsage:
    """The disk space that an engine uses.

    Args:
        engine: the engine, which measures its volumes for this call; that may take long.
        verbose: with each object.

    Raises:
        ApiError, EngineUnavailable: it refuses, or does not answer.
    """
    query = {"verbose": "1"} if verbose else {}
    for left in reversed(range(TRIES)):
        try:
            found = object_of(engine.http().json("GET", "/system/df", query=query, timeout=DF_SECONDS))
            break
        except NotFound:
            if not left:
                raise
    if verbose and engine.is_podman:  # it has only the tags' last part there
        tags = {image.id.rpartition(":")[2]: list(image.tags) for image in engines.images.list_images(engine)}
        images = [{**image, "RepoTags": tags.get(text_of(image, "Id"))} for image in entries_of(found, "Images")]
        found = {**found, "Images": images}
    command = engine.commands.command("system", "df", *(["--verbose"] * verbose))
    is_sum = engine.is_podman and not number_of(found, "LayersSize") and bool(found.get("Images"))
    note = NOTE if is_sum else ""
    return DiskUsage(engine.name, usages_of(found, verbose=verbose), command, engine.commands.called, note)


def usages_of(found: JsonObject, *, verbose: bool = False) -> tuple[Usage, ...]:
    """What an engine answered, in either form."""
    if any(key in found for key in SUMS):
        return tuple(
            Usage(
                kind,
                number_of(found, key, "TotalCount"),
                number_of(found, key, "ActiveCount"),
                number_of(found, key, "TotalSize"),
                number_of(found, key, "Reclaimable"),
                _largest(_stored(kind, entries_of(found, key, "Items"))) if verbose else (),
            )
            for key, kind in SUMS.items()
        )
    images = _stored(IMAGES, entries_of(found, "Images"))
    # layers that several images share are in LayersSize once; older Podmans leave it out
    layers = number_of(found, "LayersSize")
    used = sum(image.own if layers else image.size for image in images if image.is_active and image.size >= 0)
    layers = layers or sum(max(0, image.size) for image in images)
    containers = _stored(CONTAINERS, entries_of(found, "Containers"))
    volumes = _stored(VOLUMES, entries_of(found, "Volumes"))
    # records that others share are counted with those
    cache = _stored(BUILD_CACHE, entries_of(found, "BuildCache"))
    return (
        _usage(IMAGES, images, layers, layers - used, verbose=verbose),
        _usage(CONTAINERS, containers, *_sums(containers), verbose=verbose),
        _usage(VOLUMES, volumes, *_sums(volumes), verbose=verbose),
        _usage(BUILD_CACHE, cache, *_sums(cache), verbose=verbose),
    )


def _usage(kind: str, objects: list[Stored], size: int, reclaimable: int, *, verbose: bool) -> Usage:
    active = sum(one.is_active for one in objects)
    return Usage(kind, len(objects), active, size, reclaimable, _largest(objects) if verbose else ())


def _sums(objects: Iterable[Stored]) -> tuple[int, int]:
    """The size of these objects, and how much of it is not in use."""
    sizes = [(one.own, one.is_active) for one in objects]
    return sum(size for size, _ in sizes), sum(size for size, is_active in sizes if not is_active)


def _largest(objects: Iterable[Stored]) -> tuple[Stored, ...]:
    return tuple(sorted(objects, key=lambda one: (-one.own, -one.size, one.name)))


def _stored(kind: str, entries: list[JsonObject]) -> list[Stored]:
    match kind:
        case "Images":  # Podman lists an image once for each of its tags
            return list({text_of(entry, "Id"): _image(entry) for entry in reversed(entries)}.values())[::-1]
        case "Containers":
            return [_container(entry) for entry in entries]
        case "Local Volumes":
            return [_volume(entry) for entry in entries]
        case _:
            return [_cache_record(entry) for entry in entries]


def _image(entry: JsonObject) -> Stored:
    tags = [tag for tag in words_of(entry, "RepoTags") if ":" in tag and not tag.startswith("<none>")]
    short = text_of(entry, "Id").rpartition(":")[2][:SHORT]
    return Stored(
        tags[0] if tags else short,
        number_of(entry, "Size"),
        max(0, number_of(entry, "SharedSize")),
        number_of(entry, "Containers") > 0,
        float(number_of(entry, "Created")),
    )


def _container(entry: JsonObject) -> Stored:
    name = next(iter(words_of(entry, "Names")), "").removeprefix("/")
    return Stored(
        name or text_of(entry, "Id")[:SHORT],
        number_of(entry, "SizeRw"),
        is_active=text_of(entry, "State") in RUNNING,
        created=float(number_of(entry, "Created")),
    )


def _volume(entry: JsonObject) -> Stored:
    size = value_of(entry, "UsageData", "Size")
    return Stored(
        text_of(entry, "Name"),
        size if isinstance(size, int) else -1,
        is_active=number_of(entry, "UsageData", "RefCount") > 0,
        created=seconds_of(text_of(entry, "CreatedAt")),
    )


def _cache_record(entry: JsonObject) -> Stored:
    size = number_of(entry, "Size")
    return Stored(
        text_of(entry, "Description") or text_of(entry, "ID")[:SHORT],
        size,
        size if entry.get("Shared") else 0,
        bool(entry.get("InUse")),
        seconds_of(text_of(entry, "CreatedAt")),
    )
