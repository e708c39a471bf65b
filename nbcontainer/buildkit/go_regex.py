"""Go's regular expressions translated to Python's: https://pkg.go.dev/regexp/syntax."""

from __future__ import annotations

import re

_REPETITION = re.compile(r"\{[0-9]+(,[0-9]*)?\}")

# Letter escapes of Go's regexp package that mean the same in Python (with re.ASCII).
_LETTER_ESCAPES = {**{letter: "\\" + letter for letter in "abfnrtvdDsSwWBA"}, "z": r"\Z"}
_POSIX_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}


def python_regex(regex: str) -> str:
    """Translate from Go's regexp syntax, of which `patterns` writes a small part, to Python's.

    Raises:
        ValueError: It contains something that cannot be translated.
        IndexError: It is incomplete.
    """
    out, position = [], 0
    while position < len(regex):
        char = regex[position]
        if char == "[":
            position, group = _go_class(regex, position + 1)
            out.append(group)
        elif char == "\\":
            position, escaped = _go_escape(regex, position)
            out.append(escaped)
        elif char == "{" and (repetition := _REPETITION.match(regex, position)):
            out.append(repetition[0])
            position = repetition.end()
        else:
            out.append(r"\Z" if char == "$" else char if char in ".*?()^|" else re.escape(char))
            position += 1
    return "".join(out)


def _go_escape(regex: str, position: int) -> tuple[int, str]:
    char = regex[position + 1]
    if char.isascii() and char.isalnum():
        if char not in _LETTER_ESCAPES:
            raise ValueError(f"the escape \\{char} is not supported")
        return position + 2, _LETTER_ESCAPES[char]
    if not char.isascii():
        raise ValueError(f"the escape \\{char} is not supported")  # nor by Go
    return position + 2, "\\" + char


def _go_class(regex: str, position: int) -> tuple[int, str]:
    negated = regex[position] == "^"
    position += negated
    items: list[str] = []
    first = True
    while first or regex[position] != "]":
        first = False
        if regex.startswith("[:", position) and (end := regex.find(":]", position + 2)) >= 0:
            name = regex[position + 2 : end]
            if name not in _POSIX_CLASSES:
                raise ValueError(f"unknown character class [:{name}:]")
            items.append(_POSIX_CLASSES[name])
            position = end + 2
            continue
        if regex[position] == "\\" and regex[position + 1] in "dDsSwW":
            items.append(regex[position : position + 2])
            position += 2
            continue
        position, low = _go_class_char(regex, position)
        high = low
        if regex[position] == "-" and regex[position + 1] != "]":
            position, high = _go_class_char(regex, position + 1)
        items.append(low if low == high else f"{low}-{high}")
    return position + 1, f"[{'^' if negated else ''}{''.join(items)}]"


def _go_class_char(regex: str, position: int) -> tuple[int, str]:
    if regex[position] == "\\":
        position, escaped = _go_escape(regex, position)
        if escaped[1:] in "bBAZ" and escaped[1:].isalpha():
            raise ValueError(f"the escape {escaped} is not supported in [...]")
        return position, escaped
    return position + 1, _class_escape(regex[position])


def _class_escape(char: str) -> str:
    return "\\" + char if char in "\\]^-[&~|#" else char
