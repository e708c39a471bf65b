"""A value as YAML and as JSON, byte for byte as `kubectl get -o yaml` and `-o json` print it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, cmp_to_key

import yaml

from nbcontainer.kubernetes_yaml.scalars import TAGS, resolve

_PLAIN = 0xFFFF  # go-yaml escapes characters beyond
_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}  # as Go escapes them


def as_yaml(value: object) -> str:
    """A JSON value as YAML; keys are sorted as go-yaml sorts them, numbers in them by value."""
    return _dump()(_sorted(value))


def as_json(value: object, *, indent: int | None = 4) -> str:
    """A JSON value as JSON; keys are sorted.

    Args:
        value: the value.
        indent: spaces per level; None for one line without spaces.
    """
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(value, indent=indent, ensure_ascii=False, sort_keys=True, separators=separators)
    for character, escaped in _HTML.items():  # none of them is JSON's own
        text = text.replace(character, escaped)
    return text


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value, key=_key_order)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _compare(one: str, other: str) -> int:
    """go-yaml's keyList.Less: letters after other characters, and runs of digits by their value."""
    at = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), -1)
    if at < 0:
        return len(one) - len(other)
    a, b = one[at], other[at]
    if a.isalpha() or b.isalpha():
        return ord(a) - ord(b) if a.isalpha() and b.isalpha() else 1 if a.isalpha() else -1
    first, second = _digits(one, at), _digits(other, at)
    if "0" in {a, b}:
        back = one[:at]
        within = back[len(back.rstrip("0123456789")) :].lstrip("0")
        first, second = ("1" + first, "1" + second) if within else (first, second)
    difference = int(first or 0) - int(second or 0) or len(first) - len(second)
    return difference or ord(a) - ord(b)


_key_order = cmp_to_key(_compare)


def _digits(text: str, at: int) -> str:
    end = at
    while end < len(text) and text[end].isdigit():
        end += 1
    return text[at:end]


@cache
def _dump() -> Callable[[object], str]:
    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc] # the C one is five times faster
        """Chooses the style of text as go-yaml does; the rest of libyaml is the same in both."""

        def ignore_aliases(self, _: object) -> bool:
            """Write a value that is used twice in full both times: no anchors in a text for people."""
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar(f"{TAGS}str", value, style=_style(value))

    Dumper.add_representer(str, text)
    resolvers = yaml.SafeDumper.yaml_implicit_resolvers
    # go-yaml has no special value for =, and writes << as it is
    Dumper.yaml_implicit_resolvers = {first: found for first, found in resolvers.items() if first not in "=<"}
    return lambda value: str(yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True))


def _style(value: str) -> str | None:
    if value.isascii() and value.isalpha() and len(value) > 5:  # noqa: PLR2004 - longer than any word with a meaning
        return None
    if "\n" in value:
        return "|"
    if any(ord(character) > _PLAIN for character in value):
        return '"'
    return None if _is_text(value) else '"'


def _is_text(value: str) -> bool:
    """Whether it stays text without quotes: not a number, a word such as `yes`, a date or a time such as 12:30."""
    if resolve(value) != value or _is_sexagesimal(value):
        return False
    try:
        return resolve(value, f"{TAGS}timestamp") is None
    except ValueError:
        return True


def _is_sexagesimal(value: str) -> bool:
    head, *rest = value.replace("_", "").lstrip("+-").split(":")
    return bool(rest) and head.isdigit() and all(part.rstrip("0123456789.") == "" and part for part in rest)
