"""The events of libyaml → nodes → values, as go-yaml v2 decodes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from nbcontainer.errors import YamlError
from nbcontainer.kubernetes_yaml.fields import MOST_LEVELS, Document, Field
from nbcontainer.kubernetes_yaml.scalars import (
    TAGS,
    Scalar,
    json_number,
    key_text,
    resolve,
    unusable_key,
    unusable_value,
)


@dataclass(slots=True, eq=False)
class _Node:
    """A node of the text; for an alias, `target` is the node that it refers to."""

    kind: str  # "scalar", "sequence", "mapping" or "alias"
    line: int
    text: str = ""
    tag: str = ""
    plain: bool = False
    in_flow: bool = False  # written as [ ] or { }
    children: list[_Node] = field(default_factory=list)
    target: _Node | None = None


def compose(events: Iterable[Any], text: str, first_line: int) -> _Node | None:
    """The nodes of the first document; None where there is none. Later documents are ignored.

    Raises:
        YamlError: an alias has no anchor, the nesting is too deep, or go-yaml refuses what libyaml accepts.
    """
    anchors: dict[str, _Node] = {}
    root = _Node("sequence", first_line)
    open_nodes = [root]
    for event in events:
        kind = type(event).__name__
        if kind in {"SequenceEndEvent", "MappingEndEvent"}:
            open_nodes.pop()
        elif kind == "DocumentEndEvent":
            break
        elif kind in {"ScalarEvent", "AliasEvent", "SequenceStartEvent", "MappingStartEvent"}:
            node = _node(event, kind, event.start_mark.line + first_line, anchors)
            if open_nodes[-1].in_flow and kind == "ScalarEvent":
                _check_flow(event, text, node.line)
            open_nodes[-1].children.append(node)
            if kind.endswith("StartEvent"):
                open_nodes.append(node)
            if len(open_nodes) > MOST_LEVELS:
                raise YamlError(node.line, _TOO_DEEP)
    return root.children[0] if root.children else None


_TOO_DEEP = f"the nesting is deeper than {MOST_LEVELS} levels"


def _node(event: Any, kind: str, line: int, anchors: dict[str, _Node]) -> _Node:
    if kind == "AliasEvent":
        if event.anchor not in anchors:
            raise YamlError(line, f"the alias *{event.anchor} has no anchor &{event.anchor} above it")
        return _Node("alias", line, event.anchor, target=anchors[event.anchor])
    if kind == "ScalarEvent":
        node = _Node("scalar", line, event.value, event.tag or "", bool(event.implicit[0]))
    else:
        kind = "mapping" if kind == "MappingStartEvent" else "sequence"
        node = _Node(kind, line, in_flow=bool(event.flow_style))
    if event.anchor:
        anchors[event.anchor] = node
    return node


def _check_flow(event: Any, text: str, line: int) -> None:
    """Refuse what go-yaml reads differently: it ends a plain scalar at `?`, and a tag swallows a comma or bracket."""
    if event.style:  # in quotes
        return
    if "?" in event.value:
        raise YamlError(line, "text with a `?` must be in quotes within [ ] or { }")
    if event.tag and not event.value and text[event.end_mark.index :][:1] in {",", "]"}:
        raise YamlError(line, "a space must follow a tag within [ ] or { }")


def construct(root: _Node) -> Document:
    """The values of a document.

    Raises:
        YamlError: Kubernetes does not accept it; it has the line.
    """
    construction = _Construction()
    found = construction.field(root, 0)
    found.check()
    return Document(found, tuple(construction.repeated))


class _Construction:
    """One document's decoding, with go-yaml's guard against aliases of aliases."""

    def __init__(self) -> None:
        self.repeated: dict[tuple[int, str], None] = {}
        self._decoded = self._by_alias = 0
        self._open: set[int] = set()  # the aliases that are being followed

    def field(self, node: _Node, level: int) -> Field:
        self._count(node, level)
        if node.kind == "alias":
            found = self.field(self._followed(node), level + 1)
            self._open.discard(id(node))
            return found
        if node.kind == "scalar":
            value = self._scalar(node)
            fault = unusable_value(value)
            numeric = isinstance(value, int | float) and not isinstance(value, bool) and not fault
            return Field(node.line, json_number(value) if numeric else value, fault=fault)  # type: ignore[arg-type]
        if node.kind == "sequence":
            items = [self.field(child, level + 1) for child in node.children]
            return Field(node.line, [item.value for item in items], dict(enumerate(items)))
        entries: dict[str, Field] = {}
        self._fill(node, entries, level)
        return Field(node.line, {key: entry.value for key, entry in entries.items()}, entries)

    def _fill(self, node: _Node, entries: dict[str, Field], level: int) -> None:
        """Add a mapping's entries in order: a key that is repeated, or merged in later, replaces the earlier one."""
        own: set[str] = set()
        for key, value in zip(node.children[::2], node.children[1::2], strict=True):
            if _is_merge(key):
                self._merge(value, entries, level)
                continue
            word, fault = self._key(key, level)
            found = self.field(value, level + 1)
            if word in own:
                self.repeated[key.line, word] = None
            own.add(word)
            entries[word] = Field(key.line, found.value, found.below, fault or found.fault)

    def _key(self, node: _Node, level: int) -> tuple[str, str]:
        """A key's text, and why it cannot be a key."""
        self._count(node, level)
        target = node.target if node.kind == "alias" else node
        if target is None or target.kind != "scalar":
            raise YamlError(node.line, "a key must be text or a number, not a list or a mapping")
        if node.kind == "alias":
            self._open.add(id(node))
            self._count(target, level)
            self._open.discard(id(node))
        value = self._scalar(target)
        return key_text(value), unusable_key(value)

    def _merge(self, node: _Node, entries: dict[str, Field], level: int) -> None:
        """`<<`: the entries of a mapping, or of several, where earlier ones take precedence."""
        several = node.children[::-1] if node.kind == "sequence" else [node]
        for each in several:
            target = each.target if each.kind == "alias" else each
            if target is None or target.kind != "mapping":
                raise YamlError(node.line, "<< takes a mapping, or a list of mappings")
            self._count(each, level)
            if each.kind == "alias":
                self._count(self._followed(each), level)
            self._fill(target, entries, level + 1)
            self._open.discard(id(each))

    def _scalar(self, node: _Node) -> Scalar:
        if not node.tag and not node.plain:
            return node.text
        try:
            return resolve(node.text, node.tag)
        except ValueError as error:
            raise YamlError(node.line, str(error)) from None

    def _followed(self, alias: _Node) -> _Node:
        if id(alias) in self._open or alias.target is None:
            raise YamlError(alias.line, f"the alias *{alias.text} is part of what it refers to")
        self._open.add(id(alias))
        return alias.target

    def _count(self, node: _Node, level: int) -> None:
        if level > MOST_LEVELS:
            raise YamlError(node.line, _TOO_DEEP)
        self._decoded += 1
        self._by_alias += bool(self._open)
        if self._by_alias > 100 and self._decoded > 1000 and self._by_alias > self._decoded * self._allowed():  # noqa: PLR2004 - go-yaml's
            raise YamlError(node.line, "its aliases expand to too much: most of the document would be repetitions")

    def _allowed(self) -> float:
        """Which part of a document may come from aliases: 99% of a small one, 10% of a very large one."""
        low, high = 400_000, 4_000_000  # go-yaml's
        return 0.99 - 0.89 * min(max(self._decoded - low, 0) / (high - low), 1.0)


def _is_merge(node: _Node) -> bool:
    return node.kind == "scalar" and node.text == "<<" and (node.plain or node.tag == f"{TAGS}merge")
