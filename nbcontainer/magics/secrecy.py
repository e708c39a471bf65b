"""Keeps passwords typed on a line, which is refused, out of IPython's history, which is a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbcontainer.interrupts import interrupts_redelivered
from nbcontainer.magics.catalogue import MAGICS, verbs_of

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbcontainer.verbs.grammar import Verb

SECRET_WORDS = ("login", "secret")  # in all verbs declared secret; only if one is typed are declarations loaded
_WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\]|["'])+""", re.DOTALL)
HELP = frozenset({"-h", "--help"})
_FLAG = re.compile(r"""["']?(--[\w-]*|-\w?)""")


def without_password(text: str) -> str:
    """A cell's text with everything after a verb such as `docker login` that could be a password replaced by `…`.

    Known flags with their values and the registry are kept. Anything else may be a password: what follows a refused or
    misspelt flag, an unexpected argument, or a part of the registry's URL.
    """
    if not any(word in text for word in SECRET_WORDS):
        return text
    # a magic anywhere, or IPython's automagic at the start of a line; a line may be continued
    magic = rf"((?:%|^[ \t]*)({'|'.join(MAGICS)})\b)((?:\\\r?\n|[^\n])*)"
    return re.sub(magic, lambda found: found[1] + _kept(found[2], found[3]), text, flags=re.MULTILINE)


def _kept(name: str, line: str) -> str:
    """The part of a magic's line that is kept."""
    if not any(word in line for word in SECRET_WORDS):
        return line
    magic = verbs_of(name).magic
    found = list(_WORD.finditer(line))
    words = [word[0] for word in found]
    for begin in range(
        magic.shared_words(words), len(words)
    ):  # skip flags that docker allows before a verb and we do not
        named = magic.find(words[begin:])
        if named is None:
            continue
        verb, length = named
        end = found[begin + length - 1].end()
        return line[:end] + _harmless(verb, line[end:]) if verb.secret else line
    return line


def _harmless(verb: Verb, words: str) -> str:
    known = {name: flag for name, flag in verb.flags.items() if flag.kind != "refused"}
    value_follows = registry = hidden = False
    for word in _WORD.finditer(words):
        flag = None if value_follows else _FLAG.match(word[0])
        if flag is not None:
            name = flag[1]
            if name not in known and name not in HELP:
                return f"{words[: word.start()]}{name} …"
            hidden = name in known and known[name].hidden
            value_follows = name in known and word[0] == name
            if hidden and _is_typed(word[0].removeprefix(name)):
                return f"{words[: word.start()]}{name} …"
        elif value_follows:
            value_follows = False
            if hidden and _is_typed(word[0]):
                return f"{words[: word.start()]}…"
        elif registry or "@" in word[0]:
            return f"{words[: word.start()]}…"
        else:
            registry = True
    return words


def _is_typed(pair: str) -> bool:
    """Whether KEY=VALUE has a value that is not a variable's: KEY={{name}}."""
    _, equals, value = pair.strip("\"'").removeprefix("=").partition("=")
    return bool(equals) and re.fullmatch(r"\{\{[^{}]*\}\}", value) is None


def register(shell: InteractiveShell) -> None:
    """Keep such passwords out of the history of `shell`: its file, `In` and `_i`."""
    history = getattr(shell, "history_manager", None)
    if history is None or "store_inputs" in vars(history):
        return
    store = history.store_inputs

    @interrupts_redelivered  # to the cell, which has not started
    def store_inputs(line_num: int, source: str, source_raw: str | None = None) -> None:
        raw = source if source_raw is None else source_raw
        kept = without_password(raw)
        store(line_num, source if kept == raw else shell.transform_cell(kept), kept)

    history.store_inputs = store_inputs


def unregister(shell: InteractiveShell) -> None:
    """Restore IPython's own history."""
    vars(getattr(shell, "history_manager", None) or shell).pop("store_inputs", None)
