"""YAML text to manifests that know on which line each of their fields stands. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from nbcontainer.errors import UsageError

__all__ = ["Manifest", "parse_manifests"]

MOST_FIELDS = 200_000  # of one document; aliases of aliases grow without end

_PART = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")
_UNKNOWN_FIELD = re.compile(r'(unknown|duplicate) field "([^"]+)"')
_TYPED_FIELD = re.compile(r"(?:^|\s)\.([A-Za-z][\w.\[\]\"=-]*): ")


@dataclass(frozen=True)
class Manifest:
    """One object of the text.

    Attributes:
        lines: field path ("spec.containers[0].image") → line in the person's own text.
    """

    document: dict[str, Any]
    api_version: str
    kind: str
    name: str
    lines: dict[str, int]

    def line_of(self, field: str) -> int:
        """The line of a field, or of the nearest field above it that stands in the text."""
        path = self._normal(field)
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines[path]

    def with_lines(self, message: str) -> str:
        """The API server's words, each line of them with the line of the field that they name."""
        unknown = _UNKNOWN_FIELD.findall(message)
        if unknown:
            return "\n".join(
                f'line {self.line_of(field)}: {word} field "{field}"' for word, field in dict.fromkeys(unknown)
            )
        typed = _TYPED_FIELD.search(message)
        return f"line {self.line_of(typed.group(1) if typed else '')}: {message}"

    def _normal(self, field: str) -> str:
        """A path as the API words it, with list items named by key ([name="web"]) turned into indexes."""
        path = ""
        here: Any = self.document
        for match in _PART.finditer(field.lstrip(".")):
            word, inner = match.group(1), match.group(2)
            if word is not None:
                path = f"{path}.{word}" if path else word
                here = here.get(word) if isinstance(here, dict) else None
                continue
            index = _index(inner, here)
            if index is None:
                return path
            path = f"{path}[{index}]"
            here = here[index] if isinstance(here, list) and index < len(here) else None
        return path


def _index(inner: str, items: Any) -> int | None:
    if inner.isdigit():
        return int(inner)
    pairs = dict(part.split("=", 1) for part in inner.split(",") if "=" in part)
    if not isinstance(items, list) or not pairs:
        return None
    for index, item in enumerate(items):
        if isinstance(item, dict) and all(str(item.get(key)) == value.strip('"') for key, value in pairs.items()):
            return index
    # a key with the schema's default ([containerPort=80,protocol="TCP"]) need not stand in the text
    for index, item in enumerate(items):
        if isinstance(item, dict) and any(str(item.get(key)) == value.strip('"') for key, value in pairs.items()):
            return index
    return None


def parse_manifests(text: str, first_line: int = 1) -> list[Manifest]:
    """All objects of a YAML text, those of a List included.

    Raises:
        UsageError: it is not YAML, or an object lacks apiVersion, kind or name; with the line.
    """
    import yaml  # noqa: PLC0415 - loaded on first use, never by %load_ext

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    manifests: list[Manifest] = []
    try:
        for node in yaml.compose_all(text, Loader=loader):
            if node is None or (isinstance(node, yaml.ScalarNode) and not node.value):
                continue
            lines: dict[str, int] = {}
            _walk(node, "", lines, first_line, frozenset())
            document = loader("").construct_document(node)
            manifests += _objects(document, lines, node.start_mark.line + first_line)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = (mark.line if mark else 0) + first_line
        raise UsageError(f"line {line}: this is not YAML: {error.problem or error.context}.") from None
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(f"This is not YAML: {error}.") from None
    if not manifests:
        raise UsageError("The text holds no manifest.")
    return manifests


def _walk(node: Any, path: str, lines: dict[str, int], first_line: int, above: frozenset[int]) -> None:
    """Note the line of every field below a node."""
    if len(lines) > MOST_FIELDS:
        raise UsageError(
            f"line {node.start_mark.line + first_line}: the document has too many fields, aliases included."
        )
    lines.setdefault(path, node.start_mark.line + first_line)
    if id(node) in above:
        raise UsageError(f"line {lines[path]}: an alias refers to what it is part of.")
    above |= {id(node)}
    if node.id == "mapping":
        for key, value in node.value:
            below = f"{path}.{key.value}" if path else str(key.value)
            lines[below] = key.start_mark.line + first_line
            _walk(value, below, lines, first_line, above)
    elif node.id == "sequence":
        for index, item in enumerate(node.value):
            _walk(item, f"{path}[{index}]", lines, first_line, above)


def _objects(document: Any, lines: dict[str, int], line: int) -> list[Manifest]:
    if not isinstance(document, dict):
        raise UsageError(f"line {line}: a manifest is a mapping with apiVersion, kind and metadata.")
    if document.get("kind") == "List" and isinstance(document.get("items"), list):
        found = []
        for index, item in enumerate(document["items"]):
            start = f"items[{index}]"
            inner = {
                path[len(start) :].lstrip("."): number
                for path, number in lines.items()
                if path.startswith((f"{start}.", start))
            }
            found += _objects(item, inner, lines[start])
        return found
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    for field, value in (
        ("apiVersion", document.get("apiVersion")),
        ("kind", document.get("kind")),
        ("metadata.name", name),
    ):
        if not value or not isinstance(value, str):
            raise UsageError(f"line {lines.get(field, line)}: {field} is missing or is not text.")
    return [Manifest(document, document["apiVersion"], document["kind"], str(name), lines)]
