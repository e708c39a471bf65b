"""One YAML scalar → its JSON value, and a mapping's key → text, by the rules of kubectl's own library.

These are the rules of go-yaml v2 (YAML 1.1 with changes) and of sigs.k8s.io/yaml, not of PyYAML: `yes` is a boolean,
`010` is 8 and `0o17` is 15, but `12:30`, dates and `=` are text.
"""

from __future__ import annotations

import base64
import calendar
import math
import re
import struct
from decimal import Decimal

Scalar = str | int | float | bool | None

TAGS = "tag:yaml.org,2002:"
RESOLVED = ("str", "bool", "int", "float", "null", "timestamp")  # any other tag leaves the text as it is
INT64 = range(-(2**63), 2**63)
UINT64 = range(2**64)

_WORDS: dict[str, tuple[str, Scalar]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), ("bool", True)),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), ("bool", False)),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), ("null", None)),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), ("float", math.nan)),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), ("float", math.inf)),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), ("float", -math.inf)),
}
_INTEGER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)")
_SIGNED_BINARY = re.compile(r"0b([+-][01]+)")  # Go parses what follows 0b, and accepts a sign there
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_POINT_FLOAT = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_CLOCK = r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?"
_TIMESTAMP = re.compile(
    rf"(\d{{4}})-(\d{{1,2}})-(\d{{1,2}})(?:[Tt]{_CLOCK}(?:Z|[+-](\d\d):(\d\d))| +{_CLOCK})?", re.ASCII
)
LONGEST_INTEGER = 70  # characters: a sign, 0b and 64 digits


def resolve(text: str, tag: str = "") -> Scalar:
    """The value of a scalar.

    Args:
        text: the scalar, without quotes.
        tag: its full tag; "" for a plain scalar without one.

    Raises:
        ValueError: the text is not of the tag's type, or not base64.
    """
    name = tag.removeprefix(TAGS) if tag.startswith(TAGS) else ""
    if name == "binary":
        return _decoded(text)
    if name == "str" or (tag and name not in RESOLVED):
        return text
    kind, value = _guess(text, timestamps=name == "timestamp")
    if name in {"", kind}:
        return value
    if name == "float" and kind == "int" and value in INT64:
        return float(value or 0)
    raise ValueError(f"{_shortened(text)} is not a !!{name}")


def _guess(text: str, *, timestamps: bool) -> tuple[str, Scalar]:
    if text in _WORDS:
        return _WORDS[text]
    found: Scalar = None
    if text.startswith("."):
        found = _float(text.replace("_", "")) if _POINT_FLOAT.fullmatch(text) else None
    elif text[0] in "+-0123456789":
        if timestamps and _is_timestamp(text):
            return "timestamp", text
        plain = text.replace("_", "")
        found = _integer(plain)
        if found is not None:
            return "int", found
        found = _float(plain) if _FLOAT.fullmatch(plain) else None
    return ("str", text) if found is None else ("float", found)


def _integer(text: str) -> int | None:
    """A 64-bit integer; as in C, a leading 0 means octal."""
    if len(text) > LONGEST_INTEGER and len(text.lstrip("+-0xXoObB")) > LONGEST_INTEGER:
        return None
    binary = _SIGNED_BINARY.fullmatch(text)
    if binary is not None:
        value = int(binary[1], 2)
        return value if value in INT64 else None
    if not _INTEGER.fullmatch(text):
        return None
    digits = text.lstrip("+-")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
    value = int(digits, 8 if octal else 0)
    value = -value if text[0] == "-" else value
    return value if value in INT64 or (text[0] != "+" and value in UINT64) else None


def _float(text: str) -> float | None:
    value = float(text)
    return None if math.isinf(value) else value  # what is out of range stays text


def _is_timestamp(text: str) -> bool:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return False
    year, month, day, *rest = (int(group or 0) for group in match.groups())
    hour, minute, second, offset_hours, offset_minutes, *spaced = rest
    hour, minute, second = hour + spaced[0], minute + spaced[1], second + spaced[2]  # one of the two is 0
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:  # noqa: PLR2004 - the calendar
        return False
    return hour < 24 and minute < 60 and second < 60 and offset_hours <= 24 and offset_minutes <= 60  # noqa: PLR2004


def _decoded(text: str) -> str:
    text = text.replace("\r", "").replace("\n", "")
    if not _BASE64.fullmatch(text):
        raise ValueError(f"{_shortened(text)} is not base64, which !!binary requires")
    # JSON has only text: each byte that is not UTF-8 becomes the replacement character
    return re.sub("[\udc80-\udcff]", "\ufffd", base64.b64decode(text).decode(errors="surrogateescape"))


def _shortened(text: str) -> str:
    longest = 40
    return f"`{text[:longest]}…`" if len(text) > longest else f"`{text}`"


# --- as JSON


def json_number(value: float) -> int | float:
    """A number after Go has written it as JSON and read it again: `1e3` is 1000; beyond 64 bits all are floats.

    A float is written with the fewest digits that identify it: 1234567890123456789.0 is 1234567890123456800.
    """
    if isinstance(value, int) and value in INT64:
        return value
    written = Decimal(repr(float(value)))
    return int(written) if written == written.to_integral_value() and int(written) in INT64 else float(value)


def unusable_value(value: Scalar) -> str:
    """Why a value cannot be written as JSON, or ""."""
    if isinstance(value, float) and not math.isfinite(value):
        return "infinity and NaN cannot be sent to Kubernetes; quote it to make it text"
    return ""


def unusable_key(value: Scalar) -> str:
    """Why a value cannot be a key, or ""."""
    if value is None:
        return "a key cannot be null; quote it to make it text"
    if isinstance(value, int) and value not in INT64:
        return f"a key cannot be a number as large as {value}; quote it to make it text"
    return ""


def key_text(value: Scalar) -> str:
    """The text that a mapping's key becomes: `on` is "true", `010` is "8", `1.50` is "1.5"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float32_text(value)
    return str(value)


def _float32_text(value: float) -> str:
    """The fewest digits that identify a single-precision float, as Go's strconv.FormatFloat(value, 'g', -1, 32)."""
    try:
        single = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        single = math.copysign(math.inf, value)
    if not math.isfinite(single):
        return ".nan" if math.isnan(single) else "-.inf" if single < 0 else ".inf"
    for precision in range(9):  # 9 digits are always enough
        shortest = f"{single:.{precision}e}"
        if struct.pack("f", float(shortest)) == struct.pack("f", single):
            break
    mantissa, _, exponent = shortest.partition("e")
    if not -4 <= int(exponent) < 6:  # noqa: PLR2004 - Go's own limits
        return f"{mantissa}e{int(exponent):+03d}"
    fraction = max(len(mantissa.lstrip("-").replace(".", "")) - 1 - int(exponent), 0)
    return f"{float(shortest):.{fraction}f}"
