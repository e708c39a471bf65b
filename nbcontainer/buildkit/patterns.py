"""Path patterns of build contexts: what `.dockerignore` and the daemon's include and exclude lists mean.

The semantics are those of moby/patternmatcher v0.6 (which `docker build`, buildx and BuildKit share), quirks
included: `*`, `**`, `?`, `[...]`, `[^...]`, backslash escapes and `!` exceptions, last match wins, and what
matches a directory matches everything below it. https://github.com/moby/patternmatcher
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Sequence

from .go_regex import python_regex
from .wildcards import matcher

# What Go's unicode.IsSpace accepts; str.strip() would also take the separators U+001C to U+001F.
_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
)
_SPECIAL = frozenset("*[]?^\\")
# patternmatcher tries to escape | { } too, but its table of eight bytes has no room for characters from "@" on
_ESCAPED_BY_MOBY = frozenset(".+()$")
_BAD = "syntax error in pattern"


class InvalidPatternError(ValueError):
    """A pattern that is not valid.

    Attributes:
        pattern: The pattern as it was given.
        reason: What is wrong with it.
    """

    def __init__(self, pattern: str, reason: str) -> None:
        super().__init__(f"invalid path pattern {pattern!r}: {reason}")
        self.pattern = pattern
        self.reason = reason


def clean(path: str) -> str:
    """Shorten a path as Go's `path.Clean` does: no `.`, no `//`, `..` resolved, no slash at the end."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned  # POSIX lets normpath keep two slashes


def read_ignore_file(text: str | bytes) -> list[str]:
    """Read the patterns of a `.dockerignore`, as moby/patternmatcher/ignorefile does.

    Comments, empty lines, a byte order mark, blanks around a pattern and its leading slash are dropped.

    Args:
        text: The content of the file; bytes are read as UTF-8, with surrogate escapes as in Python's file names.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    patterns = []
    for line in text.removeprefix("\ufeff").split("\n"):
        if line.startswith("#"):
            continue
        pattern = line.strip(_SPACE)
        if not pattern:
            continue
        exception = pattern.startswith("!")
        if exception:
            pattern = pattern[1:].strip(_SPACE)
        if pattern:
            pattern = clean(pattern)
            if len(pattern) > 1:
                pattern = pattern.removeprefix("/")
        patterns.append("!" + pattern if exception else pattern)
    return patterns


class _Pattern:
    """One pattern, compiled on first use."""

    __slots__ = ("_match", "exception", "fixed_base", "given", "text")

    def __init__(self, given: str, text: str, *, exception: bool) -> None:
        self.given = given
        self.text = text
        self.exception = exception
        base = text.removesuffix("/**").removesuffix("/*")
        # the directory that contains everything that can match, or None where wildcards hide it
        self.fixed_base = None if _SPECIAL.intersection(base) else base
        self._match: Callable[[str], object] | None = None

    def match(self, path: str) -> object:
        if self._match is None:
            self._match = _compile(self.given, self.text)
        return self._match(path)


class Patterns:
    """A list of patterns, to match each path of a walk.

    Args:
        patterns: As the daemon sends them, or as `read_ignore_file` returns them.

    Raises:
        InvalidPatternError: A pattern has a syntax error. Errors that Go finds only when it first tries a
            pattern (such as the range `[z-a]`) are raised by `match`.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        items = []
        for given in patterns:
            text = given.strip(_SPACE)
            if not text:
                continue
            text = clean(text)
            exception = text.startswith("!")
            if exception:
                text = text[1:]
                if not text:
                    raise InvalidPatternError(given, "an exception needs a pattern after the !")
            try:
                name_matches(text, ".")  # only for its errors, as in patternmatcher
            except ValueError as error:
                raise InvalidPatternError(given, str(error)) from None
            items.append(_Pattern(given, text, exception=exception))
        self._items = items
        self.has_exceptions = any(item.exception for item in items)

    def __len__(self) -> int:
        return len(self._items)

    def match(self, path: str, parent: Sequence[bool] = ()) -> tuple[bool, Sequence[bool]]:
        """Whether a path matches, given what its directory matched.

        Args:
            path: Relative to the context, with slashes.
            parent: The second half of the answer for the directory above; empty at the top.

        Returns:
            Whether the path matches, and which patterns did: pass this on for what is below.
        """
        matched = False
        matches = []
        for index, item in enumerate(self._items):
            match = bool(parent) and parent[index]
            # a pattern that could not change the result is not tried, and counts as unmatched below
            if not match and item.exception == matched:
                match = bool(item.match(path))
            matches.append(match)
            if match:
                matched = not item.exception
        return matched, matches

    def matches(self, path: str) -> bool:
        """Whether a path matches, walking down to it through its directories."""
        matched, info = False, ()  # type: tuple[bool, Sequence[bool]]
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            matched, info = self.match("/".join(parts[:depth]), info)
        return matched

    def may_match_below(self, directory: str, *, exceptions: bool = False) -> bool:
        """Whether a pattern (or, with `exceptions`, an exception) may match something in a directory."""
        inside = directory + "/"
        return any(
            item.fixed_base is None or (item.fixed_base + "/").startswith(inside)
            for item in self._items
            if item.exception == exceptions
        )


def name_matches(pattern: str, name: str) -> bool:
    """Whether a name matches as in Go's `filepath.Match`, where `*` and `?` stop at a slash.

    Raises:
        ValueError: The pattern is malformed. As in Go, what follows the first part that does not match is
            ignored, and patterns are checked by this function: so `a/*[-b]` is valid and `[-b]` is not.
    """
    while pattern:
        rest = pattern.lstrip("*")
        star = len(rest) < len(pattern)
        end = _chunk_end(rest)
        chunk, pattern = rest[:end], rest[end:]
        if star and not chunk:
            return "/" not in name
        left = _match_chunk(chunk, name)
        if left is not None and (not left or pattern):
            name = left
            continue
        if not star:
            return False
        for skipped in range(1, len(name.split("/", 1)[0]) + 1):
            left = _match_chunk(chunk, name[skipped:])
            if left is not None and (pattern or not left):
                name = left
                break
        else:
            return False
    return not name


def _chunk_end(pattern: str) -> int:
    """Find the next `*` outside of brackets."""
    inside, position = False, 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            position += 1
        elif char in "[]":
            inside = char == "["
        elif char == "*" and not inside:
            return position
        position += 1
    return len(pattern)


def _match_chunk(chunk: str, text: str) -> str | None:
    """Match a pattern without `*` at the start of a text; returns the rest of the text, or None."""
    position, failed = 0, False
    while position < len(chunk):
        failed = failed or not text
        char = chunk[position]
        position += 1
        if char == "[":
            position, found = _match_class(chunk, position, "" if failed else text[0])
            failed = failed or not found
        elif char == "?":
            failed = failed or text[0] == "/"
        else:
            if char == "\\":
                if position == len(chunk):
                    raise ValueError(_BAD)
                char = chunk[position]
                position += 1
            failed = failed or text[0] != char
        text = text[1:]
    return None if failed else text


def _match_class(chunk: str, position: int, char: str) -> tuple[int, bool]:
    negated = chunk.startswith("^", position)
    position += negated
    found, first = False, True
    while first or chunk[position] != "]":
        first = False
        position, low = _class_char(chunk, position)
        high = low
        if chunk[position] == "-":
            position, high = _class_char(chunk, position + 1)
        found = found or low <= char <= high
    return position + 1, found != negated


def _class_char(chunk: str, position: int) -> tuple[int, str]:
    if position >= len(chunk) or chunk[position] in "-]":
        raise ValueError(_BAD)
    position += chunk[position] == "\\"
    if position + 1 >= len(chunk):  # not even the closing bracket follows
        raise ValueError(_BAD)
    return position + 1, chunk[position]


def _compile(given: str, text: str) -> Callable[[str], object]:
    """Port of patternmatcher's `compile`, which uses plain string tests where they suffice."""
    regex, kind = _to_go_regex(text)
    if kind == "exact":
        return text.__eq__
    if kind == "prefix":
        prefix = text[:-2]
        return lambda path: path.startswith(prefix)
    if kind == "suffix":
        suffix = text[2:]
        whole = suffix[1:] if suffix.startswith("/") else None
        return lambda path: path.endswith(suffix) or path == whole
    try:
        return matcher(python_regex(regex))
    except (ValueError, IndexError, re.error) as error:
        raise InvalidPatternError(given, str(error) or _BAD) from None


def _to_go_regex(text: str) -> tuple[str, str]:
    """Translate a pattern for Go's regexp as patternmatcher does, which does not parse brackets either."""
    out, kind, position = ["^"], "exact", 0
    while position < len(text):
        first, char = position == 0, text[position]
        position += 1
        if text.startswith("*", position) and char == "*":
            position += 1
            position += text.startswith("/", position)
            if position == len(text):
                out.append(".*")
                kind = "prefix" if kind == "exact" else "regex"
            else:
                out.append("(.*/)?")
                kind = "regex"
            if first:
                kind = "suffix"
        elif char in "*?":
            out.append("[^/]*" if char == "*" else "[^/]")
            kind = "regex"
        elif char in _ESCAPED_BY_MOBY:
            out.append("\\" + char)
        elif char == "\\":
            # one at the very end stays, and escapes the $ that follows
            out.append("\\" + text[position : position + 1])
            kind = "regex" if position < len(text) else kind
            position += 1
        else:
            out.append(char)
            if char in "[]":
                kind = "regex"
    return "".join(out) + "$", kind
