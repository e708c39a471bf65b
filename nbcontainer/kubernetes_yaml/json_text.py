"""JSON objects that follow one another, with the line of each of their fields."""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

from nbcontainer.errors import YamlError
from nbcontainer.kubernetes_yaml.fields import MOST_LEVELS, Document, Field
from nbcontainer.kubernetes_yaml.scalars import INT64, LONGEST_INTEGER, json_number

_SPACE = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(r'[ \t\r\n]*("(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^{}\[\]:,\s"]+)')
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json_objects(text: str, first_line: int) -> tuple[list[Document], int | None]:
    """The JSON values that the text begins with.

    Returns:
        The documents, and the position from which on the text is YAML, or None where all of it is JSON.

    Raises:
        YamlError: two JSON values are followed by something else; or a number or the nesting exceeds what can be sent.
    """
    found: list[Document] = []
    position = 0
    while True:
        start = _after_space(text, position)
        if start == len(text):
            return found, None
        try:
            _, end = _DECODER.raw_decode(text, start)
        except RecursionError:
            raise YamlError(first_line, f"the nesting is deeper than {MOST_LEVELS} levels") from None
        except ValueError as error:
            if len(found) > 1:
                line = text.count("\n", 0, getattr(error, "pos", start)) + first_line
                raise YamlError(line, "this is not JSON, but the text before it is") from None
            return found, position
        walk = _Walk(text, start, text.count("\n", 0, start) + first_line)
        root = walk.field(0)
        root.check()
        found.append(Document(root, tuple(walk.repeated)))
        position = end


def _refused(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity are Python's own


_DECODER = json.JSONDecoder(parse_constant=_refused, parse_int=str, parse_float=str)


def _after_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


class _Walk:
    """One value's tokens, in order. The text is known to be JSON."""

    def __init__(self, text: str, start: int, line: int) -> None:
        self._text, self._at, self._line = text, start, line
        self.repeated: list[tuple[int, str]] = []

    def field(self, level: int) -> Field:
        word, line = self._next()
        if level > MOST_LEVELS:
            raise YamlError(line, f"the nesting is deeper than {MOST_LEVELS} levels")
        if word == "{":
            entries = self._entries(level)
            return Field(line, {key: entry.value for key, entry in entries.items()}, entries)
        if word == "[":
            items = self._items(level)
            return Field(line, [item.value for item in items], dict(enumerate(items)))
        return _scalar(word, line)

    def _entries(self, level: int) -> dict[str, Field]:
        entries: dict[str, Field] = {}
        word, line = self._next()
        while word != "}":
            if word == ",":
                word, line = self._next()
            key = _text(word)
            self._next()  # the colon
            found = self.field(level + 1)
            if key in entries:
                self.repeated.append((line, key))
            entries[key] = Field(line, found.value, found.below, found.fault)
            word, line = self._next()
        return entries

    def _items(self, level: int) -> list[Field]:
        items: list[Field] = []
        while self._peek() != "]":
            if self._peek() == ",":
                self._next()
            items.append(self.field(level + 1))
        self._next()
        return items

    def _peek(self) -> str:
        return self._text[_after_space(self._text, self._at)]

    def _next(self) -> tuple[str, int]:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise AssertionError  # json has already parsed this text
        self._line += self._text.count("\n", self._at, match.end())
        self._at = match.end()
        return match[1], self._line


def _text(word: str) -> str:
    return _SURROGATE.sub("\ufffd", json.loads(word))


def _scalar(word: str, line: int) -> Field:
    if word.startswith('"'):
        return Field(line, _text(word))
    if word in {"true", "false", "null"}:
        return Field(line, json.loads(word))
    if len(word) < LONGEST_INTEGER and word.lstrip("-").isdigit() and int(word) in INT64:
        return Field(line, int(word))
    number = float(word)
    if math.isinf(number):
        return Field(line, None, fault=f"the number {word[:40]} is too large to be sent")
    return Field(line, json_number(number))
