"""Untrusted text: keeps colours, and makes all other escape sequences and control characters harmless."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

# CSI, OSC (ended by BEL or ST), other string sequences, two-character escapes, and a lone or cut-off escape (ECMA-48);
# none goes beyond its line
_ESCAPE = re.compile(
    r"\x1b\[(?P<csi>[0-9:;<=>?]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\|$)"
    r"|\x1b[PX^_][^\x1b\n]*(?:\x1b\\|$)"
    r"|\x1b(?:[ -/]*[0-~])?",
    re.MULTILINE,
)
# characters that reorder text or hide in it (Unicode UAX #9, zero-width ones, tags), and lone surrogates, which cannot
# be encoded; as in frontend/src/ansi.ts
_HIDDEN_CHARACTERS = (
    "\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e0fff\ud800-\udfff"
)
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # but for the tab and the newline
_HIDDEN = re.compile(f"[{_HIDDEN_CHARACTERS}]")
_CONTROL = re.compile(f"[{_CONTROLS}]")
_HARMFUL = re.compile(f"[{_CONTROLS}{_HIDDEN_CHARACTERS}]")
_MARKED = bytes(ord("?") if _CONTROL.match(chr(code)) else code for code in range(256))
# the SGR sequences that `recoloured` keeps
_KEPT_CODE = "(?:0?[0-2]|22|39|3[0-7]|9[0-7])"
_KEPT = re.compile(rf"\x1b\[(?:{_KEPT_CODE}(?:;{_KEPT_CODE})*)?m")
_RESET = "\x1b[0m"
_PICTURES = 0x2400  # U+2400 is the picture of NUL, and so on
_DELETE = 0x7F
_SPACE = 0x20


@dataclass(frozen=True, slots=True)
class StyledText:
    """A run of text in one style. `colour` is 0…7, or 8…15 for the bright ones, None for the default."""

    text: str
    colour: int | None = None
    bold: bool = False
    dim: bool = False


def _show_control(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < _SPACE:
        return chr(_PICTURES + code)
    return "\u2421" if code == _DELETE else f"\\x{code:02x}"


def is_harmless(text: str) -> bool:
    """Whether `text` can be shown as it is, but for its tabs: a quick test, since most text of any length can."""
    if text.isascii():
        data = text.encode("ascii")
        return data.translate(_MARKED) == data
    return _HARMFUL.search(text) is None


def _visible(text: str) -> str:
    if not is_harmless(text):
        text = _CONTROL.sub(_show_control, text)
        text = _HIDDEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)
    return text.replace("\t", "    ")


def plain(text: str) -> str:
    r"""`text` without escape sequences; control and bidirectional characters shown as marks; newlines kept."""
    if text.isascii() and text.isprintable():
        return text
    if "\x1b" in text or "\r" in text:
        text = _ESCAPE.sub("", text).replace("\r\n", "\n")
    return _visible(text)


def one_line(text: str, most: int | None = None) -> str:
    """`text`, made harmless, on one line of at most `most` characters."""
    line = " ".join(plain(text).split())
    return line if most is None or len(line) <= most else f"{line[: most - 1]}…"


def styled(text: str) -> list[StyledText]:
    """One line of a program's output as styled runs. Only colour, bold and dim are supported."""
    runs: list[StyledText] = []
    style = StyledText("")
    position = 0
    for match in _ESCAPE.finditer(text):
        if match.start() > position:
            runs.append(replace(style, text=_visible(text[position : match.start()])))
        position = match.end()
        if match["final"] == "m":
            style = _restyle(style, match["csi"] or "0")
    if position < len(text):
        runs.append(replace(style, text=_visible(text[position:])))
    return runs


def recoloured(text: str) -> str:
    """A program's output for a terminal: colours, bold and dim are kept, all else is made harmless; newlines kept."""
    if "\x1b" not in text:
        return _visible(text)
    if is_harmless(_KEPT.sub("", text)):  # nothing has to be changed, but each line must end its own colours
        text = f"{text}\n".replace("\n", f"{_RESET}\n")[:-1]
        return text.replace(_RESET * 2, _RESET).replace("\t", "    ")
    return "\n".join([_recoloured_line(line) for line in text.split("\n")])


def _recoloured_line(line: str) -> str:
    return "".join(f"\x1b[{codes}m{run.text}{_RESET}" if (codes := _codes(run)) else run.text for run in styled(line))


def _codes(run: StyledText) -> str:
    """The SGR codes of a run's style."""
    codes = ["1"] * run.bold + ["2"] * run.dim
    if run.colour is not None:
        codes.append(str(30 + run.colour if run.colour < 8 else 82 + run.colour))  # noqa: PLR2004 - the bright ones
    return ";".join(codes)


def _restyle(style: StyledText, codes: str) -> StyledText:  # noqa: C901 - one branch for each kind of code
    """Apply SGR codes (ECMA-48, 8.3.117)."""
    numbers = [int(code) if code.isdigit() else 0 for code in codes.replace(":", ";").split(";")]
    index = 0
    while index < len(numbers):
        number = numbers[index]
        index += 1
        if number == 0:
            style = StyledText("")
        elif number == 1:
            style = replace(style, bold=True)
        elif number == 2:  # noqa: PLR2004 - faint
            style = replace(style, dim=True)
        elif number == 22:  # noqa: PLR2004 - neither bold nor faint
            style = replace(style, bold=False, dim=False)
        elif 30 <= number <= 37:  # noqa: PLR2004 - the eight colours
            style = replace(style, colour=number - 30)
        elif 90 <= number <= 97:  # noqa: PLR2004 - the eight bright colours
            style = replace(style, colour=number - 90 + 8)
        elif number == 39:  # noqa: PLR2004 - the default colour
            style = replace(style, colour=None)
        elif number in {38, 48} and index < len(numbers):
            # 5;N takes one more number, 2;R;G;B three
            taken = 2 if numbers[index] == 5 else 4  # noqa: PLR2004 - see the comment above
            if number == 38 and taken == 2 and index + 1 < len(numbers) and numbers[index + 1] < 16:  # noqa: PLR2004
                style = replace(style, colour=numbers[index + 1])
            index += taken
    return style


_SURROGATE = re.compile("[\ud800-\udfff]")


def sendable(text: str) -> str:
    """`text` without lone surrogates, which cannot be encoded in a message."""
    return text if text.isascii() else _SURROGATE.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)
