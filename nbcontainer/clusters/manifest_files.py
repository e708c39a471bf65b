"""The texts that `-f` and `-k` name: files, folders, URLs, and what kustomize makes."""

from __future__ import annotations

import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from nbcontainer.errors import UsageError
from nbcontainer.kubernetes_yaml.manifests import Manifest, parse_manifests
from nbcontainer.model.source_map import SourceMap
from nbcontainer.settings import settings
from nbcontainer.user_files import decode, read_bytes

SUFFIXES = {".yaml", ".yml", ".json"}  # of the files of a folder, as for kubectl
LARGEST = 64 * 2**20  # bytes of a URL
KUSTOMIZE_SECONDS = 120.0  # it may fetch a base from far away
COMMANDS = (("kubectl", "kustomize"), ("kustomize", "build"))


@dataclass(frozen=True, slots=True)
class Source:
    """One text.

    Attributes:
        name: the file or URL that it is from; "" for a cell.
        lines: maps its lines to those of the user's own text.
    """

    name: str
    text: str
    lines: SourceMap = SourceMap()  # noqa: RUF009 - it is frozen


def parse_sources(sources: Iterable[Source]) -> list[Manifest]:
    """All objects of the texts; raises as `parse_manifests`."""
    return [
        manifest
        for source in sources
        for manifest in parse_manifests(source.text, source.lines.own, source=source.name)
    ]


def read_sources(names: Sequence[str], *, recursive: bool = False) -> list[Source]:
    """The texts of files, URLs, and the YAML and JSON files of folders.

    Raises:
        UsageError: one cannot be read, or a folder has no such files.
    """
    return [source for name in names for source in _sources(name, recursive=recursive)]


def _sources(name: str, *, recursive: bool) -> Iterator[Source]:
    if urlsplit(name).scheme in {"http", "https"}:
        yield Source(name, decode(name, _download(name)))
        return
    path = Path(name).expanduser()
    if not path.is_dir():
        yield _file(path)
        return
    found = [each for each in (path.rglob("*") if recursive else path.glob("*")) if each.suffix in SUFFIXES]
    files = sorted(each for each in found if each.is_file())
    if not files:
        below = "" if recursive else " `--recursive` looks into the folders in it, too."
        raise UsageError(f"{path} has no .yaml, .yml or .json files.", cure=f"Is it the right folder?{below}")
    yield from map(_file, files)


def _file(path: Path) -> Source:
    return Source(str(path), decode(str(path), read_bytes(path)))


def _download(url: str) -> bytes:
    shown = urlsplit(url)._replace(query="").geturl().replace(f"{urlsplit(url).netloc.rpartition('@')[0]}@", "")
    try:
        with urllib.request.urlopen(url, timeout=settings.connect_timeout) as answer:  # noqa: S310 - http and https
            content: bytes = answer.read(LARGEST + 1)
    except urllib.error.HTTPError as error:
        raise UsageError(f"{shown} cannot be read: the server answered with HTTP status {error.code}.") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise UsageError(f"{shown} cannot be read: {getattr(why, 'strerror', None) or why}.") from None
    if len(content) > LARGEST:
        raise UsageError(f"{shown} is larger than {LARGEST // 2**20} MB.")
    return content


def kustomized(folder: str) -> Source:
    """What kustomize makes of a folder, by the kubectl or the kustomize command.

    Raises:
        UsageError: there is neither command; or it refuses the folder, with its own words.
    """
    command = next((words for words in COMMANDS if shutil.which(words[0])), None)
    if command is None:
        raise UsageError(
            "`--kustomize` needs the kubectl or the kustomize command, and there is neither.",
            cure="Install one of them; or apply plain manifests, with `--filename`.",
        )
    path = folder if urlsplit(folder).scheme else str(Path(folder).expanduser())
    try:
        done = subprocess.run(
            [*command, path], stdin=subprocess.DEVNULL, capture_output=True, timeout=KUSTOMIZE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{' '.join(command)} {folder} failed: {error}.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().removeprefix("error: ").removeprefix("Error: ")
        raise UsageError(f"{' '.join(command)} {folder} failed: {said}")
    return Source(f"{folder} (kustomized)", decode(folder, done.stdout))
