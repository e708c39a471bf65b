"""The files of a kubeconfig: where they are, what they contain, and how they are merged, by kubectl's rules.

They are read without `kubernetes`: this takes milliseconds, but `kubernetes.aio` takes most of a second to import.
See https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from nbcontainer import kubernetes_yaml
from nbcontainer.clusters import kubeconfig_schema as schema
from nbcontainer.clusters.schema import WrongType, read
from nbcontainer.errors import ClusterUnavailable, YamlError

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Found(Generic[Entry]):
    """An entry and its origin."""

    kind: str
    name: str
    entry: Entry
    path: Path

    @property
    def where(self) -> str:
        """File, kind and name, for errors."""
        return f'{_short(self.path)}: {self.kind} "{self.name}"'

    def wrong(self, what: str, context: str, cure: str = "") -> ClusterUnavailable:
        """The error for an entry that cannot be used."""
        return ClusterUnavailable(f"{self.where}: {what}.", context=context, cure=cure)


@dataclass(frozen=True)
class Merged:
    """All files merged: for each name, and for the current context, the first file that sets it wins."""

    paths: list[Path]
    current: str
    contexts: dict[str, Found[schema.Context]]
    clusters: dict[str, Found[schema.Cluster]]
    users: dict[str, Found[schema.User]]


def is_readable(path: Path) -> bool:
    """Whether it can be read."""
    try:
        merge([path])
    except ClusterUnavailable:
        return False
    return True


def paths() -> list[Path]:
    """The files that KUBECONFIG names, or else the default one."""
    listed = os.environ.get("KUBECONFIG", "")
    if listed:
        # absolute, so that what is still running finds the same files after the notebook changes its directory
        return [Path(os.path.expanduser(part)).absolute() for part in listed.split(os.pathsep) if part]  # noqa: PTH111 - leaves an unknown ~user as it is
    return [default_path()]


def default_path() -> Path:
    """Where kubectl keeps it."""
    return Path.home() / ".kube" / "config"


def _short(path: Path) -> str:
    """The path as a user writes it, with ~."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def merge(files: list[Path]) -> Merged:
    """Read all files; missing ones are skipped.

    Raises:
        ClusterUnavailable: one cannot be read, is not a kubeconfig, or has two entries of the same name.
    """
    merged = Merged(files, "", {}, {}, {})
    for path in dict.fromkeys(files):
        config = _read_file(path)
        merged = replace(merged, current=merged.current or config.current_context)
        _add(merged.contexts, "context", path, ((one.name, one.context) for one in config.contexts))
        _add(merged.clusters, "cluster", path, ((one.name, one.cluster) for one in config.clusters))
        _add(merged.users, "user", path, ((one.name, one.user) for one in config.users))
    return merged


def _add(merged: dict[str, Found[Entry]], kind: str, path: Path, named: Iterable[tuple[str, Entry]]) -> None:
    """Add a file's entries of one kind, except those that an earlier file has.

    Raises:
        ClusterUnavailable: two entries of this file have the same name, which is ambiguous.
    """
    own: set[str] = set()
    for name, entry in named:
        found = Found(kind, name, entry, path)
        if name in own:
            raise found.wrong("two entries have this name", "", "Remove or rename one of them.")
        own.add(name)
        if name:  # without one nothing can refer to it
            merged.setdefault(name, found)


# each file's content and its state at that time: every call reads the kubeconfig, and parsing a large one takes long
_read: dict[Path, tuple[object, schema.Config]] = {}


def _read_file(path: Path) -> schema.Config:
    now = _signature(path)
    before, config = _read.get(path, (None, schema.Config()))
    if now is None or now != before:
        config = _parse_file(path)
        _read[path] = now, config
    return config


def _signature(path: Path) -> object:
    """A value that changes when the file does; None where this is not known."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    # includes ctime, which nobody can set: a copy over the file may keep everything else
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev


def _parse_file(path: Path) -> schema.Config:
    document = _load(path)
    try:
        config = read(schema.Config, {} if document is None else document)
    except WrongType as error:
        if not error.path:
            raise ClusterUnavailable(f"The kubeconfig {_short(path)} is not a kubeconfig.") from None
        raise ClusterUnavailable(f"{_short(path)}: {_field(document, error)}.", cure=error.cure) from None
    if (config.kind or "Config") != "Config" or (config.api_version or "v1") != "v1":
        raise ClusterUnavailable(f"The kubeconfig {_short(path)} is not a kubeconfig: it must be kind Config of v1.")
    return config


def _load(path: Path) -> object:
    try:
        document = kubernetes_yaml.documents.read_document(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ClusterUnavailable(f"The kubeconfig {_short(path)} cannot be read: {error.strerror}.") from error
    except YamlError as error:  # its own message may quote the line, which may contain a token
        raise ClusterUnavailable(f"The kubeconfig {_short(path)}, line {error.line}, is not YAML.") from None
    return None if document is None else document.root.value


def _field(document: Any, error: WrongType) -> str:
    """A wrong field in words: its entry's name, then its path in the entry."""
    path = list(error.path)
    entry = ""
    if len(path) > 1 and isinstance(path[1], int):
        kind, index = str(path[0]), path[1]
        item = document[kind][index]
        name = item.get("name") if isinstance(item, dict) else None
        entry = f'{kind[:-1]} "{name}": ' if isinstance(name, str) else f"{kind}[{index}]: "
        path = path[3:] if path[2:3] == [kind[:-1]] and len(path) > 3 else path[2:]  # noqa: PLR2004 - users[0].user.FIELD
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return f"{entry}{dotted or 'the entry'} {error}"


def unread_file(key: str, other: str, name: str, error: Exception) -> tuple[str, str]:
    """Why the file that `key` names cannot be read, and what to do; `other` is where its content belongs."""
    if "\n" in name or getattr(error, "errno", 0) == errno.ENAMETOOLONG:  # a secret in the wrong place
        return f"{key} must be the name of a file", f"The content itself goes into {other}."
    return f"the file {key} cannot be read: {name}: {getattr(error, 'strerror', '') or 'it is not text'}", ""
