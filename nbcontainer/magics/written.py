"""Values from `{{name}}` on a magic's line, out of what the call shows and returns: a value may be a secret.

In a command it becomes the shell's variable, so that the command works after `export name=…`; in an error it becomes
`{{name}}` again.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from nbcontainer.dockerfile.substitution import split_word, substitute_word
from nbcontainer.errors import NbcontainerError
from nbcontainer.model.changes import Change
from nbcontainer.model.secrecy import Json
from nbcontainer.operation import Operation

LONG = 8  # characters: such a value is replaced wherever it stands, a shorter one only as a whole word or part of one
SHORT = 3  # characters: fewer are part of too much in a message
_SHELL_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+""", re.DOTALL)
_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)"|\\(.)|([^'"\\]+)""", re.DOTALL)


class Written:
    """The words of one line that contain `{{name}}`.

    Args:
        words: each word with its values, and as the user wrote it.
        namespace: the user's variables.
    """

    def __init__(self, words: Mapping[str, str], namespace: Mapping[str, object]) -> None:
        # a {{name}} that became several words lists objects
        texts = {text for word, text in words.items() if substitute_word(text, namespace) == word}
        parts = {part: substitute_word(part, namespace) for text in texts for part in _parts(text)}
        self._values = {value: part for part, value in parts.items() if value}

    def command(self, line: str) -> str:
        """A shell's line with the variables in place of the values."""
        return _SHELL_WORD.sub(lambda found: self._shell_word(found[0]), line)

    def text(self, text: str) -> str:
        """A message with `{{name}}` in place of the values."""
        return self._in_text.sub(lambda found: self._said[found[0]], text)

    def error(self, error: NbcontainerError) -> NbcontainerError:
        """The same error, with a message and a cure without the values."""
        facts = {name: self.text(getattr(error, name)) for name in ("message", "cure")}
        if command := getattr(error, "command", ""):
            facts["command"] = self.command(command)
        if all(getattr(error, name) == text for name, text in facts.items()):
            return error
        other = error.replaced(**facts)
        other.args = tuple(self.text(each) if isinstance(each, str) else each for each in error.args)
        return other.with_traceback(error.__traceback__)

    def result(self, result: object) -> object:
        """The same result, whose commands have lost the values."""
        if isinstance(result, Operation):
            result.when_done(lambda: self._spell(None if result.error else result.result()))
        else:
            self._spell(result)
        return result

    def _spell(self, result: object) -> None:
        """Change the commands in place: a surface knows by the object what it has already drawn."""
        if isinstance(result, Sequence) and not isinstance(result, (str, bytes)):
            for each in result:
                self._spell(each)
            return
        command = getattr(result, "command", None)
        if isinstance(command, str) and command:
            object.__setattr__(result, "command", self.command(command))
            if isinstance(result, Change) and "spec" in result.manifest:  # its YAML is a cell, which reads {{name}}
                manifest = {**result.manifest, "spec": self._in_manifest(result.manifest["spec"])}
                object.__setattr__(result, "manifest", manifest)

    def _in_manifest(self, part: Json) -> Json:
        if isinstance(part, Mapping):
            return {key: self._in_manifest(value) for key, value in part.items()}
        if isinstance(part, list):
            return [self._in_manifest(value) for value in part]
        return self.text(part) if isinstance(part, str) else part

    def _shell_word(self, word: str) -> str:
        if word.startswith('"') and word.endswith('"') and "$" in word:  # the command's own variable
            return word
        plain = "".join(part for parts in _QUOTED.findall(word) for part in parts)
        pieces: list[str] = []
        end = 0
        for found in self._in_command.finditer(plain):
            pieces += [_quoted(plain[end : found.start()]), _shell(self._values[found[0]])]
            end = found.end()
        return "".join([*pieces, _quoted(plain[end:])]) if pieces else word

    @cached_property
    def _in_command(self) -> re.Pattern[str]:
        return _pattern(self._values, lambda value: rf"(?:(?<=[=/,])|\A){re.escape(value)}(?=[=/,:]|\Z)")

    @cached_property
    def _in_text(self) -> re.Pattern[str]:
        told = [value for value in self._said if len(value) >= SHORT]
        return _pattern(told, lambda value: rf"(?<!\w){re.escape(value)}(?!\w)")

    @cached_property
    def _said(self) -> dict[str, str]:
        """The values also as messages quote them."""
        quoted = {repr(value)[1:-1]: part for value, part in self._values.items()}
        return {shlex.quote(value): part for value, part in self._values.items()} | quoted | self._values


def _pattern(values: Iterable[str], short: Callable[[str], str]) -> re.Pattern[str]:
    longest = sorted(values, key=len, reverse=True)
    return re.compile("|".join(re.escape(one) if len(one) >= LONG else short(one) for one in longest) or r"(?!)")


def _parts(text: str) -> list[str]:
    """A word and the parts of it that a command may have: without the flag, without the name, each `{{name}}`."""
    tails = [text]
    if re.match(r"-[A-Za-z]", text):
        tails.append(text[2:])
    while "=" in tails[-1].partition("{{")[0]:
        tails.append(tails[-1].partition("=")[2])
    return [*tails, *(f"{{{{{name}}}}}" for _, name in split_word(text) if name)]


def _shell(text: str) -> str:
    """A part of a word for a shell: `T={{token}}` is `T="$token"`."""
    return "".join(
        _quoted(before) + (f'"${name.replace(".", "_")}"' if name else "") for before, name in split_word(text)
    )


def _quoted(text: str) -> str:
    return shlex.quote(text) if text else ""
