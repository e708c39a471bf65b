"""Images made without an engine: deterministic layers, pushed through the registry's HTTP API.

Formats: Docker image manifest v2 schema 2 (every engine and containerd reads it, and Podman 4.3 pulls it unchanged).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from .http_requests import request
from .processes import StartFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CREATED = "2026-01-01T00:00:00Z"
"""One date for all files: the same content must have the same digest."""
CREATED_SECONDS = 1_767_225_600

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"


class _Hashing:
    """A file that hashes what is written to it."""

    def __init__(self, target: BinaryIO) -> None:
        self.target = target
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self.size += len(data)
        return self.target.write(data)

    def flush(self) -> None:
        self.target.flush()

    @property
    def digest(self) -> str:
        return f"sha256:{self.hash.hexdigest()}"


@dataclass(frozen=True)
class Layer:
    """A compressed layer in a file.

    Args:
        path: The gzip file.
        digest: Of the compressed bytes: what a registry names it by.
        diff_id: Of the plain tar: what an image's configuration names it by.
        size: Of the compressed bytes.
    """

    path: Path
    digest: str
    diff_id: str
    size: int


class Tree:
    """Collects the files of one layer, owned by root and dated alike."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self.archive = archive
        self.names: set[str] = set()

    def _add(self, name: str, kind: bytes, mode: int, link: str = "", data: bytes | Path = b"") -> None:
        name = name.strip("/")
        if name in self.names:
            return
        for parent in reversed(Path(name).parents):
            if str(parent) != "." and str(parent) not in self.names:
                self.folder(str(parent))
        self.names.add(name)
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode, entry.linkname, entry.mtime = kind, mode, link, CREATED_SECONDS
        if isinstance(data, Path):
            entry.size = data.stat().st_size
            with data.open("rb") as source:
                self.archive.addfile(entry, source)
        else:
            entry.size = len(data)
            self.archive.addfile(entry, io.BytesIO(data))

    def folder(self, name: str, mode: int = 0o755) -> None:
        """A folder, with the folders above it."""
        self._add(name, tarfile.DIRTYPE, mode)

    def file(self, name: str, data: bytes | Path, mode: int = 0o644) -> None:
        """A file with this content, or that of a file of the machine."""
        self._add(name, tarfile.REGTYPE, mode, data=data)

    def link(self, name: str, target: str) -> None:
        """A symbolic link."""
        self._add(name, tarfile.SYMTYPE, 0o777, link=target)

    def copy(self, source: Path, name: str, keep: Callable[[Path], bool] = lambda _: True) -> None:
        """A file, link or whole folder of the machine; ``keep`` gets paths relative to ``source``."""
        if source.is_symlink():
            self.link(name, str(source.readlink()))
        elif source.is_dir():
            self.folder(name)
            for path in sorted(source.rglob("*")):
                relative = path.relative_to(source)
                if not keep(relative):
                    continue
                where = f"{name}/{relative}"
                if path.is_symlink():
                    self.link(where, str(path.readlink()))
                elif path.is_dir():
                    self.folder(where, path.stat().st_mode & 0o7777)
                elif path.is_file():
                    self.file(where, path, path.stat().st_mode & 0o7777)
        else:
            self.file(name, source, source.stat().st_mode & 0o7777)


def make_layer(path: Path, fill: Callable[[Tree], None]) -> Layer:
    """Writes a layer whose files ``fill`` adds."""

    def write(target: BinaryIO) -> None:
        with tarfile.open(fileobj=target, mode="w|", format=tarfile.GNU_FORMAT) as archive:
            fill(Tree(archive))

    return _compress(path, write)


def layer_of_archive(path: Path, archive: Path) -> Layer:
    """Compresses an existing tar."""

    def write(target: BinaryIO) -> None:
        with archive.open("rb") as source:
            while block := source.read(1 << 20):
                target.write(block)

    return _compress(path, write)


def _compress(path: Path, write: Callable[[BinaryIO], None]) -> Layer:
    with path.open("wb") as file:
        outer = _Hashing(file)
        # level 1 takes a third of the time for a tenth more bytes, which only travel over loopback
        with gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=cast(BinaryIO, outer), mtime=0) as packed:
            inner = _Hashing(cast(BinaryIO, packed))
            write(cast(BinaryIO, inner))
    return Layer(path, outer.digest, inner.digest, outer.size)


@dataclass
class Image:
    """An image to be pushed.

    Args:
        layers: From the lowest up.
        config: ``Env``, ``Cmd``, ``WorkingDir``, ``Labels`` and the like, as ``docker inspect`` names them.
        architecture: As Docker names it.
    """

    layers: list[Layer]
    config: dict[str, Any] = field(default_factory=dict)
    architecture: str = "amd64"

    def configuration(self) -> bytes:
        """The image's configuration file."""
        content = {
            "architecture": self.architecture,
            "os": "linux",
            "created": CREATED,
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in self.layers]},
            "history": [{"created": CREATED, "created_by": "tests.environment.images"} for _ in self.layers],
        }
        return json.dumps(content, sort_keys=True).encode()


def _descriptor(kind: str, size: int, digest: str) -> dict[str, Any]:
    return {"mediaType": kind, "size": size, "digest": digest}


def _push_blob(registry: str, repository: str, digest: str, content: bytes | Path) -> None:
    base = f"http://{registry}/v2/{repository}/blobs"
    if request(f"{base}/{digest}", "HEAD").status == 200:
        return
    started = request(f"{base}/uploads/", "POST")
    if started.status != 202:
        raise StartFailed(f"{registry} rejected an upload to {repository}: {started.status} {started.body[:200]!r}")
    location = started.headers["location"]
    url = f"{location}{'&' if '?' in location else '?'}digest={digest}"
    kind = {"Content-Type": "application/octet-stream"}
    if isinstance(content, Path):
        with content.open("rb") as file:
            length = {**kind, "Content-Length": str(content.stat().st_size)}
            finished = request(url, "PUT", length, file)
    else:
        finished = request(url, "PUT", kind, content)
    if finished.status != 201:
        raise StartFailed(f"{registry} rejected {digest}: {finished.status} {finished.body[:200]!r}")


def push(registry: str, image: Image, names: Iterable[str]) -> str:
    """Pushes an image to an open registry under each of some names (``library/busybox:latest``).

    Returns:
        The manifest's digest.
    """
    config = image.configuration()
    config_digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(_CONFIG_TYPE, len(config), config_digest),
            "layers": [_descriptor(_LAYER_TYPE, layer.size, layer.digest) for layer in image.layers],
        }
    ).encode()
    for name in names:
        repository, _, tag = name.rpartition(":")
        for layer in image.layers:
            _push_blob(registry, repository, layer.digest, layer.path)
        _push_blob(registry, repository, config_digest, config)
        url = f"http://{registry}/v2/{repository}/manifests/{tag}"
        answer = request(url, "PUT", {"Content-Type": MANIFEST_TYPE}, manifest)
        if answer.status != 201:
            raise StartFailed(f"{registry} rejected {name}: {answer.status} {answer.body[:200]!r}")
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def served(registry: str, name: str) -> str | None:
    """The digest of a name in the registry, or None."""
    repository, _, tag = name.rpartition(":")
    url = f"http://{registry}/v2/{repository}/manifests/{tag}"
    try:
        answer = request(url, "HEAD", {"Accept": MANIFEST_TYPE})
    except OSError:
        return None
    return answer.headers.get("docker-content-digest") if answer.status == 200 else None
