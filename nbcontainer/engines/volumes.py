"""Volumes of an engine: https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nbcontainer import existence
from nbcontainer.engines.connection import Engine
from nbcontainer.engines.containers import list_containers
from nbcontainer.engines.http import quoted
from nbcontainer.engines.objects import in_use, matches_labels
from nbcontainer.errors import Conflict, NotFound
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of, texts_of
from nbcontainer.model.timestamps import seconds_of
from nbcontainer.model.volumes import VolumeFacts


def list_volumes(engine: Engine, filters: Mapping[str, Sequence[str]] | None = None) -> list[VolumeFacts]:
    """The engine's volumes, by name.

    Raises:
        ApiError: a filter is not valid.
    """
    each = [dict(filters or {})]
    if engine.is_podman:  # Podman 4.3 returns what matches any of several filters: a prune would remove too much
        each = [
            {name: few}
            for name, values in (filters or {}).items()
            for few in ([[value] for value in values] if name.startswith("label") else [list(values)])
        ] or [{}]
    found = [{volume.name: volume for volume in _listed(engine, one)} for one in each]
    names = set(found[0]).intersection(*found[1:])
    return [found[0][name] for name in sorted(names)]


def unused(engine: Engine, filters: Mapping[str, Sequence[str]]) -> list[VolumeFacts]:
    """The volumes that no container uses; of the filters "label" and "label!", an engine's list knows only one."""
    listed = list_volumes(engine, {"dangling": ["true"]})
    return [volume for volume in listed if matches_labels(volume.labels, filters)]


def _listed(engine: Engine, filters: Mapping[str, Sequence[str]]) -> list[VolumeFacts]:
    found = engine.http().json("GET", "/volumes", query={"filters": dict(filters) or None})
    return [_facts(entry) for entry in entries_of(object_of(found).get("Volumes"))]


def inspect(engine: Engine, name: str) -> VolumeFacts:
    """All that the engine knows of a volume.

    Raises:
        NotFound: there is no such volume.
    """
    try:
        return _facts(object_of(engine.http().json("GET", _path(engine, name))))
    except NotFound:
        raise no_volume(engine, name) from None


def create(
    engine: Engine, name: str, *, driver: str, options: Mapping[str, str], labels: Mapping[str, str]
) -> VolumeFacts:
    """Create a volume; where one of that name exists, return that one, as docker does."""
    given = {"Name": name, "Driver": driver, "DriverOpts": dict(options), "Labels": dict(labels)}
    body = {key: value for key, value in given.items() if value}
    return _facts(object_of(engine.http().json("POST", "/volumes/create", body=body)))


def remove(engine: Engine, name: str) -> None:
    """Remove a volume and its content.

    Raises:
        NotFound: there is no such volume.
        Conflict: a container uses it; the error says which.
    """
    try:
        engine.http().call("DELETE", _path(engine, name))
    except NotFound:
        raise no_volume(engine, name) from None
    except Conflict as error:
        users = [one.name for one in list_containers(engine, every=True, filters={"volume": [name]})]
        if not users:
            raise
        raise in_use(engine, "volume", name, users, error) from None


def sizes(engine: Engine) -> dict[str, int]:
    """The size of each volume in bytes; the engine measures them on each call, which may take long.

    Empty where Podman, which also measures containers, lost one in the meantime.
    """
    try:
        found = engine.http().json("GET", "/system/df", query={"type": "volume"})
    except NotFound:
        return {}
    return {volume.name: volume.size for volume in map(_facts, entries_of(object_of(found).get("Volumes")))}


def _path(engine: Engine, name: str) -> str:
    """A volume's path in the API: a name with a slash would lead elsewhere, unless a volume of that name exists."""
    if "/" in name and all(volume.name != name for volume in list_volumes(engine)):
        raise no_volume(engine, name)
    return f"/volumes/{quoted(name)}"


def no_volume(engine: Engine, name: str) -> NotFound:
    """The error for a name that no volume has."""
    known = [volume.name for volume in list_volumes(engine)]
    cure = f"{engine.commands.magic('volume', 'ls')} lists them."
    return existence.not_found("volume", name, engine.name, known=known, cure=cure)


def _facts(entry: JsonObject) -> VolumeFacts:
    return VolumeFacts(
        name=text_of(entry, "Name"),
        driver=text_of(entry, "Driver"),
        mountpoint=text_of(entry, "Mountpoint"),
        created=seconds_of(text_of(entry, "CreatedAt")),
        scope=text_of(entry, "Scope"),
        labels=texts_of(entry, "Labels"),
        options=texts_of(entry, "Options"),
        size=number_of({"Size": -1, **object_of(entry.get("UsageData"))}, "Size"),
    )
