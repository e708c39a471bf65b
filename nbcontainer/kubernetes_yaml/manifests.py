"""The objects of a text, each with the lines of its fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nbcontainer.errors import UsageError, YamlError
from nbcontainer.kubernetes_yaml.documents import read_documents
from nbcontainer.kubernetes_yaml.fields import Field

_PART = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")
_UNKNOWN_FIELD = re.compile(r'(unknown|duplicate) field "([^"]+)"')
_UNDECLARED = re.compile(r"(?:^|\s)\.([A-Za-z][\w.\[\]\"=/-]*): field not declared in schema")
_TYPED_FIELD = re.compile(r"(?:^|\s)\.([A-Za-z][\w.\[\]\"=-]*): ")

_TEXT_WANTED = re.compile(r"(?:^|\s)\.([A-Za-z][\w.\[\]\"=/-]*): expected string, got ")


@dataclass(frozen=True)
class Manifest:
    """One object of the text.

    Attributes:
        root: its fields, with the text's lines.
        own: from the text's lines to the user's own.
        source: the file that it is from; "" for a cell, or a text.
    """

    root: Field
    api_version: str
    kind: str
    name: str
    own: Callable[[int], int]
    source: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """The object as JSON."""
        return self.root.value  # type: ignore[no-any-return]

    def line_of(self, field: str) -> int:
        """The line of a field, or of its nearest parent that is in the text."""
        return self.own(self._nearest(field)[0].line)

    def place_of(self, field: str) -> str:
        """Where a field is, in words: "line 3", or "web.yaml, line 3"."""
        return _place(self.source, self.line_of(field))

    def value_of(self, field: str) -> Any:
        """The value of a field; None where it is not in the text."""
        found, whole = self._nearest(field)
        return found.value if whole else None

    def stated_line(self, field: str) -> int:
        """The line of a field, or 0 where it is not in the text."""
        found, whole = self._nearest(field)
        return self.own(found.line) if whole else 0

    def with_lines(self, message: str) -> str:
        """The API server's words, each line of them with the line of the field that they name."""
        unknown = _UNKNOWN_FIELD.findall(message) + [("unknown", field) for field in _UNDECLARED.findall(message)]
        if unknown:
            return "\n".join(
                f"{self.place_of(field)}: {word} field {field!r}" for word, field in dict.fromkeys(unknown)
            )
        typed = _TYPED_FIELD.search(message)
        return f"{self.place_of(typed.group(1) if typed else '')}: {message}"

    def unquoted(self, message: str) -> tuple[str, str]:
        """The field that must be text according to the API server, and what YAML makes of it without quotes."""
        wanted = _TEXT_WANTED.search(message)
        found, whole = self._nearest(wanted[1] if wanted else "")
        if wanted is None or not whole or not isinstance(found.value, bool | int | float):
            return "", ""
        return wanted[1], "a boolean" if isinstance(found.value, bool) else "a number"

    def _nearest(self, path: str) -> tuple[Field, bool]:
        """A field by the API's path to it (containers[0], or [name="web"]), and whether it exists at all."""
        here = self.root
        parts = [(match[1], match[2]) for match in _PART.finditer(path.lstrip("."))]
        while parts:
            step, taken = _step(here, parts)
            if step is None:
                return here, False
            here, parts = step, parts[taken:]
        return here, True


def _step(here: Field, parts: list[tuple[str | None, str | None]]) -> tuple[Field | None, int]:
    """The field one step below, and how many parts of the path name it: a key may have dots."""
    word, inner = parts[0]
    if word is None:
        index = _index(inner or "", here.value)
        return (None if index is None else here.below.get(index)), 1
    key = ""
    longest: tuple[Field | None, int] = None, 1
    for count, (part, _) in enumerate(parts, 1):
        if part is None:
            break
        key = f"{key}.{part}" if key else part
        if key in here.below:
            longest = (here.below[key], count)
    return longest


def _index(inner: str, items: object) -> int | None:
    if inner.isdigit():
        return int(inner)
    pairs = dict(part.split("=", 1) for part in inner.split(",") if "=" in part)
    if not isinstance(items, list) or not pairs:
        return None
    for index, item in enumerate(items):
        if isinstance(item, dict) and all(str(item.get(key)) == value.strip('"') for key, value in pairs.items()):
            return index
    # a key with the schema's default ([containerPort=80,protocol="TCP"]) may be missing from the text
    for index, item in enumerate(items):
        if isinstance(item, dict) and any(str(item.get(key)) == value.strip('"') for key, value in pairs.items()):
            return index
    return None


def _place(source: str, line: int) -> str:
    return f"{source}, line {line}" if source else f"line {line}"


def value_at(document: Any, path: str) -> Any:
    """The value in an object at the API's path to it; None where it has none."""
    return Manifest(_fields(document), "", "", "", lambda line: line).value_of(path)


def _fields(value: Any) -> Field:
    """A value that is from no text."""
    match value:
        case dict():
            return Field(0, value, {key: _fields(each) for key, each in value.items()})
        case list():
            return Field(0, value, {index: _fields(each) for index, each in enumerate(value)})
    return Field(0, value)


def parse_manifests(text: str, own: Callable[[int], int] = lambda line: line, *, source: str = "") -> list[Manifest]:
    """All objects of a text, including those of a List.

    Args:
        text: YAML or JSON.
        own: from the text's lines to the user's own, which errors name.
        source: the file that it is from, which errors name too.

    Raises:
        YamlError: it is not YAML as Kubernetes reads it, or not JSON; with the line.
        UsageError: an object lacks apiVersion, kind or name; with the line.
    """
    try:
        documents = read_documents(text)
    except YamlError as error:
        found = YamlError(own(error.line), error.problem, cure=error.cure)
        raise (found.replaced(message=f"{source}, {found.message}") if source else found) from None
    manifests = [each for document in documents for each in _objects(document.root, own, source)]
    if not manifests:
        raise UsageError(f"{source or 'The text'} contains no manifest.")
    return manifests


def _objects(root: Field, own: Callable[[int], int], source: str) -> list[Manifest]:
    document = root.value
    if not isinstance(document, dict):
        where = _place(source, own(root.line))
        raise UsageError(f"{where}: a manifest is a mapping with apiVersion, kind and metadata.")
    if str(document.get("kind")).endswith("List") and isinstance(document.get("items"), list):
        items = (_item(item, document) for item in root.below["items"].below.values())
        return [each for item in items for each in _objects(item, own, source)]
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    manifest = Manifest(root, str(document.get("apiVersion")), str(document.get("kind")), str(name), own, source)
    for field, value in (
        ("apiVersion", document.get("apiVersion")),
        ("kind", document.get("kind")),
        ("metadata.name", name),
    ):
        if not value or not isinstance(value, str):
            line = manifest.stated_line(field) or own(root.line)
            raise UsageError(f"{_place(source, line)}: {field} is missing or is not text.")
    return [manifest]


def _item(item: Field, document: dict[str, Any]) -> Field:
    """An item of a list: in one such as a ConfigMapList, it may leave out its apiVersion and kind."""
    kind = document["kind"].removesuffix("List")
    if not kind or not isinstance(item.value, dict) or "kind" in item.value:
        return item
    known = {"apiVersion": document.get("apiVersion"), "kind": kind}
    below = {**{key: Field(item.line, value) for key, value in known.items()}, **item.below}
    return Field(item.line, {**known, **item.value}, below)
