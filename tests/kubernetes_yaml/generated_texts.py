"""Texts to parse as kubectl does: scalars of all forms, and small documents that were tampered with."""

import random
import string

WORDS = (
    *("y", "yes", "Yes", "yES", "on", "On", "true", "TRUE", "tRUE", "n", "no", "off", "Off", "False", "null", "Null"),
    *(
        "nULL",
        "~",
        ".inf",
        "+.Inf",
        "-.INF",
        ".nan",
        ".NaN",
        "-.nan",
        "inf",
        "nan",
        "010",
        "0o17",
        "0O17",
        "08",
        "0x1F",
    ),
    *("0X1f", "0x", "0xG", "0b11", "0B11", "-0b11", "0b-1", "0b", "0o", "+5", "-5", "--5", "1_000", "1__0", "_1", "1_"),
    *("12:30", "1:2:3", "2030-01-01", "2030-13-45", "2030-03-25T13:37:11Z", "2030-1-2 3:4:5", "=", "<<", "09", "1e3"),
    *("1E+3", "1.", "1.5", "1.50", ".5", ".5_0", "._5", ".", "-", "+", "-.5", "+.5", "0", "-0", "-0.0", "00", "0_0"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"),
    *("18446744073709551615", "18446744073709551616", "+18446744073709551615", "0x8000000000000000"),
    *("0xFFFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFFF", "0777777777777777777777777", "0b" + "1" * 64, "0b" + "1" * 65),
    *("1234567890123456789.0", "-9223372036854775809", "1e18"),
    *("1e20", "1e21", "1e308", "1e309", "1e-7", "1e39", "123456789.123", "0.1", "1" * 400, "1.2.3", "1e", "e5"),
    *("+1_0.5", "0x1p4", "aGVsbG8=", "aGk", "//79", "4oI="),
)
LETTERS = "0123456789_+-.eExXoObB:TZnyYtf~<=aF"
TAGS = (
    *("", "", "", "", "", "", "!!str ", "!!int ", "!!float ", "!!bool ", "!!null ", "!!timestamp ", "!!binary "),
    *("!foo ", "! ", "!!merge ", "!!set ", "!<tag:yaml.org,2002:int> "),
)
CLOCKS = ("", "T1:2:3Z", "t01:02:03.5+01:00", " 1:2:3", "  1:2:3,4", " 25:1:1", "T1:2:3", "T1:60:3Z", "T1:2:3+25:00")


def scalar(chance: random.Random) -> str:
    """A scalar's text: with or without a tag or quotes."""
    word = chance.choice(WORDS)
    kind = chance.random()
    if kind < 0.4:
        word = "".join(chance.choice(LETTERS) for _ in range(chance.randint(1, 8)))
    elif kind < 0.6:
        position = chance.randint(0, len(word))
        word = word[:position] + chance.choice(LETTERS) + word[position:]
    elif kind < 0.7:
        day = f"{chance.randint(1990, 2040)}-{chance.randint(0, 13)}-{chance.randint(0, 32)}"
        word = day + chance.choice(CLOCKS)
    quote = chance.choice(("", "", "", "", "'", '"'))
    return chance.choice(TAGS) + quote + word + quote


DOCUMENTS = (
    "a: 1\nb:\n  c: [1, 2]\n  d: {e: f, g: h}\n",
    "x: &x {a: 1}\ny: *x\nz:\n  <<: *x\n  a: 2\n",
    "a: |\n  text\n  more\nb: >-\n  folded\n\n  x\n",
    "a: 'q''uote'\nb: \"dq\\n\\x41\\u00e9\\U0001F600\"\n",
    "- 1\n- - 2\n  - 3\n- a: b\n",
    "? k\n: v\n? [1]\n: 2\n",
    '"a": {"b": [true, null, 1.50, 1e3], "c": "d"}\n',
    "a: !!str 1\nb: !x {c: d}\n",
    "a: 1\r\nb: 2\r\nc: |\r\n  x\r\n",
    "a: &a [*a]\n",
    "a: &a 1\nb: *a\n? *a\n: 3\n",
    "z: [&s {k: v}, &t {k: w, m: 1}]\nw:\n  k: 0\n  <<: [*s, *t]\n",
    "a:\n- b\n-  c:\n     d\n",
    "# comment\n\na: b # c\n",
    'a: "x\n  y\\\n  z"\n',
    "on: 1\nyes: 2\ntrue: 3\n2: a\n1.5: b\n",
    "a:\n  - &n null\n  - *n\n? *n\n: 1\n",
    "a: |2+\n    x\n\n\nb: |-\n  y\n\n",
)
PIECES = (
    *("\n", "  ", " ", ":", ": ", "-", "- ", "#", " #", "'", '"', "{", "}", "[", "]", ",", "&a ", "*a", "*x", "!"),
    *("!!str ", "!!int ", "|", ">", "|\n", ">+\n", "\t", "<<", "<<: ", "~", "null", "?", "? ", "%", "\\", "\x85"),
    *(
        "\u2028",
        "\x00",
        "\x07",
        "é",
        "😀",
        "@",
        "`",
        "1",
        "0",
        "\r\n",
        "yes",
        "\n\n",
        "a: ",
        "b",
        "- - ",
        "\xa0",
        ":\n",
    ),
    *("}{", "{}", "---\n", "--- ", "...\n", "\n---\n", "\ufeff"),
)


def document(chance: random.Random) -> str:
    """A small document with something inserted, removed or duplicated."""
    text = chance.choice(DOCUMENTS)
    for _ in range(chance.randint(0, 3)):
        position = chance.randint(0, len(text))
        kind = chance.random()
        if kind < 0.7:
            text = text[:position] + chance.choice(PIECES) + text[position:]
        elif kind < 0.9:
            text = text[:position] + text[position + chance.randint(1, 4) :]
        else:
            begin, end = sorted((position, chance.randint(0, len(text))))
            text = text[:end] + text[begin:end] + text[end:]
    return text


def key(chance: random.Random) -> str:
    """The text of a mapping's key."""
    return chance.choice(("", "? ")) + scalar(chance) if chance.random() < 0.9 else chance.choice(string.ascii_letters)
