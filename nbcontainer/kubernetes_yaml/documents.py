"""A text → its documents, split and read as kubectl does: at lines that begin with `---`, as YAML or as JSON."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

import yaml

from nbcontainer.errors import YamlError
from nbcontainer.kubernetes_yaml.composing import compose, construct
from nbcontainer.kubernetes_yaml.fields import Document
from nbcontainer.kubernetes_yaml.json_text import read_json_objects

SEPARATOR = "---"
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|(?<=[\n\r])\ufeff")
_SURROGATE = re.compile("[\ud800-\udfff]")  # a Python string may contain one, a file cannot
_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_MIGHT_BE_JSON = re.compile(rf"[{_SPACES}]*\{{")
_TO_THE_NEXT_LINE = re.compile(rf"[{_SPACES.replace(chr(10), '')}]*\n?")


def read_documents(text: str, first_line: int = 1) -> list[Document]:
    """The documents of a text that are not empty, as `kubectl apply -f` reads them.

    Args:
        text: YAML, or JSON objects one after another.
        first_line: the line of the user's own text at which `text` begins.

    Raises:
        YamlError: it is neither; with the line.
    """
    found: list[Document] = []
    _refuse(_SURROGATE, text, first_line)
    if _MIGHT_BE_JSON.match(text):
        found, rest = read_json_objects(text, first_line)
        if rest is None:
            return _not_empty(found)
        first_line += text.count("\n", 0, rest)
        text = text[rest:]
        ahead = _TO_THE_NEXT_LINE.match(text)
        if ahead is not None:
            first_line += ahead[0].count("\n")
            text = text[ahead.end() :]
    for chunk, line in _chunks(text, first_line):
        document = read_document(chunk, line)
        found += [document] if document is not None else []
    return _not_empty(found)


def read_document(text: str | bytes, first_line: int = 1) -> Document | None:
    """The first document of a YAML text or file, as a kubeconfig is read; None where there is none.

    Raises:
        YamlError: it is not YAML; with the line.
    """
    body = (text if isinstance(text, str) else _decoded(text, first_line)).removeprefix("\ufeff")
    _refuse(_UNPRINTABLE, body, first_line)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = compose(yaml.parse(body, Loader=loader), body, first_line)
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, body, first_line) from None
    except yaml.YAMLError as error:
        raise YamlError(first_line, f"this is not YAML: {str(error).partition(chr(10))[0]}") from None
    return None if root is None else construct(root)


def _decoded(text: bytes, first_line: int) -> str:
    """A file's text: UTF-8, or UTF-16 if it begins with the byte order mark."""
    encoding = "utf-16" if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    try:
        return text.decode(encoding)
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + first_line
        raise YamlError(line, f"its text is not {encoding.upper()}") from None


def _not_empty(documents: list[Document]) -> list[Document]:
    return [document for document in documents if document.root.value is not None]


def _chunks(text: str, first_line: int) -> Iterator[tuple[str, int]]:
    """The pieces between separators, with their first lines. A separator inside a block of text counts as well."""
    *lines, last = text.split("\n")
    lines = [line.removesuffix("\r") for line in lines] + ([last] if last else [])
    chunk: list[str] = []
    begin = first_line
    for number, line in enumerate(lines, first_line):
        if line.startswith(SEPARATOR):
            after = line.removeprefix(SEPARATOR).strip()
            if after and not after.startswith("#"):
                problem = f"`{SEPARATOR}` begins a document, and only a comment may follow it on its line"
                raise YamlError(number, problem, cure="Put what follows on the next line; indent text in a block.")
            if chunk:
                yield "\n".join([*chunk, ""]), begin
                chunk, begin = [], number + 1
                continue
        chunk.append(line)
    if chunk:
        yield "\n".join([*chunk, ""]), begin


def _syntax(error: yaml.MarkedYAMLError, text: str, first_line: int) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line = min(mark.line, text.rstrip("\n").count("\n")) if mark else 0
    words = ", ".join(part for part in (error.problem, error.context) if part)
    here = text.split("\n")[line]
    cure = ""
    if "\t" in here[: len(here) - len(here.lstrip())]:
        cure = "There is a tab; YAML is indented with spaces."
    elif error.problem == "found unexpected ':'":
        cure = "Put a space after the colon, or put the text in quotes."
    return YamlError(line + first_line, f"this is not YAML: {words or 'it cannot be parsed'}", cure=cure)


def _refuse(characters: re.Pattern[str], text: str, first_line: int) -> None:
    found = characters.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + first_line
        raise YamlError(line, f"the character U+{ord(found[0]):04X} is not allowed in YAML")
