"""What a Dockerfile has declared above the cursor: its stages, and the variables that are known there."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from nbcontainer.dockerfile.variables import expand_word
from nbcontainer.dockerfile.words import PREDEFINED_ARGUMENTS, PROXY_ARGUMENTS, lowered
from nbcontainer.language.cursor import Statement, parts, split_words

_PLATFORM = "set by BuildKit"
_ASSIGNED = re.compile(r"\s*\S+\s+(\S+)\s+(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that is known at the cursor.

    Attributes:
        value: None where only the build knows it.
        origin: "ARG", "ENV", or who sets it.
    """

    name: str
    value: str | None
    origin: str

    @property
    def detail(self) -> str:
        """What it is, in a few words."""
        return self.origin if not self.value else f"{self.origin}, {self.value}"


@dataclass(slots=True)
class StageAbove:
    """A stage that begins above the cursor.

    Attributes:
        name: after AS, as written, or "".
        base: what it is built from, as written.
        declarations: its ARG and ENV instructions above the cursor.
    """

    name: str
    base: str
    declarations: list[Statement] = field(default_factory=list)


class _Values(Mapping[str, str | None]):
    """The values of variables: a view, since each declaration needs them."""

    def __init__(self, known: Mapping[str, Variable]) -> None:
        self._known = known

    def __getitem__(self, name: str) -> str | None:
        return self._known[name].value

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


class Scope:
    """The stages and variables that the instructions above the cursor declare."""

    def __init__(self, statements: Iterable[Statement], escape: str) -> None:
        self.stages: list[StageAbove] = []
        self._escape = escape
        self._preamble: list[Statement] = []
        for statement in statements:
            word = statement.word.upper()
            if word == "FROM":
                self.stages.append(self._stage(statement))
            elif word in ("ARG", "ENV"):
                (self.stages[-1].declarations if self.stages else self._preamble).append(statement)

    def _stage(self, statement: Statement) -> StageAbove:
        words = [found[0] for found in split_words(statement.text, self._escape)][1:]
        words = [word for word in words if not word.startswith("--")]
        is_named = len(words) > 2 and words[1].upper() == "AS"  # noqa: PLR2004 - FROM x AS name
        return StageAbove(words[2] if is_named else "", words[0] if words else "")

    def variables(self, *, of_from: bool = False) -> dict[str, Variable]:
        """The variables that are known at the cursor, by name: in a stage, or in a FROM line."""
        known = {name: Variable(name, None, _PLATFORM) for name in PREDEFINED_ARGUMENTS}
        for statement in self._preamble:
            self._declare(known, statement, {})
        if of_from or not self.stages:
            return dict(sorted(known.items(), key=lambda item: item[1].origin == _PLATFORM))
        own: dict[str, Variable] = {}
        *inherited, current = self._lineage(known)
        for stage in inherited:
            for statement in stage.declarations:
                if statement.word.upper() == "ENV":
                    self._declare(own, statement, known)
        for statement in current.declarations:
            self._declare(own, statement, known)
        return own

    def _lineage(self, known: dict[str, Variable]) -> list[StageAbove]:
        """The current stage, after those that it is built from."""
        named: dict[str, list[int]] = {}
        for index, stage in enumerate(self.stages):
            named.setdefault(lowered(stage.name), []).append(index)
        values = _Values(known)
        index = len(self.stages) - 1
        found = [self.stages[index]]
        while True:
            base = expand_word(self.stages[index].base, values, self._escape).text or ""
            same = named.get(lowered(base), []) if base else []
            earlier = bisect_left(same, index)
            if not earlier:
                return found[::-1]
            index = same[earlier - 1]
            found.append(self.stages[index])

    def _declare(self, known: dict[str, Variable], statement: Statement, outer: dict[str, Variable]) -> None:
        values = _Values(known)
        if statement.word.upper() == "ENV":
            assigned = [(name, self._value(value, values)) for name, value in self._assignments(statement.text)]
            known |= {name: Variable(name, value, "ENV") for name, value in assigned}
            return
        declared: dict[str, Variable] = {}
        for found in split_words(statement.text[parts(statement.text)[1] :], self._escape):
            name, equals, value = found[0].partition("=")
            inherited = outer.get(name)
            if equals:
                declared[name] = Variable(name, self._value(value, values), "ARG")
            elif inherited is not None:
                declared[name] = Variable(name, inherited.value, "ARG" if inherited.value else inherited.origin)
            else:
                declared[name] = Variable(name, None, _PLATFORM if name in PREDEFINED_ARGUMENTS else "ARG")
        # an ENV wins over an ARG of the same name
        known |= {name: one for name, one in declared.items() if name not in known or known[name].origin != "ENV"}

    def _assignments(self, text: str) -> Iterator[tuple[str, str]]:
        words = [found[0] for found in split_words(text[parts(text)[1] :], self._escape)]
        if words and "=" not in words[0]:
            match = _ASSIGNED.match(text)  # the old form, ENV NAME VALUE
            if match:
                yield match[1], match[2].rstrip()
            return
        for word in words:
            name, _, value = word.partition("=")
            yield name, value

    def _value(self, word: str, known: Mapping[str, str | None]) -> str | None:
        return expand_word(word, known, self._escape).text


def proxies(fragment: str) -> list[Variable]:
    """The arguments that every RUN has, without being declared, if the build sets them; in the case of a fragment."""
    names = (name.lower() if fragment[:1].islower() else name for name in PROXY_ARGUMENTS)
    return [Variable(name, None, "set by --build-arg") for name in names]
