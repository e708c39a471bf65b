"""Volumes of an engine: https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbcontainer.engines import objects
from nbcontainer.engines.connection import Engine
from nbcontainer.engines.containers import list_containers
from nbcontainer.engines.http import quoted
from nbcontainer.errors import Conflict, NotFound
from nbcontainer.model.volumes import VolumeFacts

__all__ = ["create", "inspect", "list_volumes", "remove", "sizes"]


def list_volumes(engine: Engine, filters: Mapping[str, Sequence[str]] | None = None) -> list[VolumeFacts]:
    """The engine's volumes, by name.

    Raises:
        ApiError: a filter is wrong.
    """
    each = [dict(filters or {})]
    if engine.is_podman:  # Podman 4.3 gives what fits any of several filters: a prune would take too much
        each = [
            {name: few}
            for name, values in (filters or {}).items()
            for few in ([[value] for value in values] if name.startswith("label") else [list(values)])
        ] or [{}]
    found = [{volume.name: volume for volume in _listed(engine, one)} for one in each]
    names = set(found[0]).intersection(*found[1:])
    return [found[0][name] for name in sorted(names)]


def _listed(engine: Engine, filters: Mapping[str, Sequence[str]]) -> list[VolumeFacts]:
    query = {"filters": {name: list(values) for name, values in filters.items()}} if filters else None
    found = engine.http().json("GET", "/volumes", query=query) or {}
    return [_facts(entry) for entry in found.get("Volumes") or ()]


def inspect(engine: Engine, name: str) -> VolumeFacts:
    """All that the engine knows of a volume.

    Raises:
        NotFound: there is no such volume.
    """
    try:
        return _facts(engine.http().json("GET", _path(engine, name)))
    except NotFound:
        raise not_found(engine, name) from None


def create(
    engine: Engine, name: str, *, driver: str, options: Mapping[str, str], labels: Mapping[str, str]
) -> VolumeFacts:
    """Create a volume; of a name that one has already, it is that one, as with docker."""
    asked: dict[str, Any] = {"Name": name, "Driver": driver, "DriverOpts": dict(options), "Labels": dict(labels)}
    body = {key: value for key, value in asked.items() if value}
    return _facts(engine.http().json("POST", "/volumes/create", body=body))


def remove(engine: Engine, name: str) -> None:
    """Remove a volume with what is in it.

    Raises:
        NotFound: there is no such volume.
        Conflict: a container uses it; it says which.
    """
    try:
        engine.http().call("DELETE", _path(engine, name))
    except NotFound:
        raise not_found(engine, name) from None
    except Conflict as error:
        users = [one.name for one in list_containers(engine, every=True, filters={"volume": [name]})]
        if not users:
            raise
        raise objects.in_use(engine, f"volume {name}", users, error) from None


def sizes(engine: Engine) -> dict[str, int]:
    """The bytes in each volume, which the engine counts anew: that may take long."""
    found = engine.http().json("GET", "/system/df", query={"type": "volume"}) or {}
    return {volume.name: volume.size for volume in map(_facts, found.get("Volumes") or ())}


def _path(engine: Engine, name: str) -> str:
    """Where the API has a volume: a name with a slash would lead elsewhere, unless there is one of that name."""
    if "/" in name and all(volume.name != name for volume in list_volumes(engine)):
        raise not_found(engine, name)
    return f"/volumes/{quoted(name)}"


def not_found(engine: Engine, name: str) -> NotFound:
    """The error for a name that no volume has."""
    return objects.not_found(engine, "volume", name, [volume.name for volume in list_volumes(engine)], "volume", "ls")


def _facts(entry: Mapping[str, Any]) -> VolumeFacts:
    return VolumeFacts(
        name=str(entry.get("Name") or ""),
        driver=str(entry.get("Driver") or ""),
        mountpoint=str(entry.get("Mountpoint") or ""),
        created=objects.time_of(entry.get("CreatedAt")),
        scope=str(entry.get("Scope") or ""),
        labels={str(key): str(value) for key, value in (entry.get("Labels") or {}).items()},
        options={str(key): str(value) for key, value in (entry.get("Options") or {}).items()},
        size=int((entry.get("UsageData") or {}).get("Size", -1)),
    )
