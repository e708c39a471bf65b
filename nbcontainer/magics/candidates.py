"""Completions at the cursor in one of our cells: verbs, flags, values, names, Dockerfile words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace

from nbcontainer.api.completion import context_paths, known_names
from nbcontainer.dockerfile.substitution import substitute_word
from nbcontainer.errors import UsageError
from nbcontainer.language.dockerfile import complete_dockerfile
from nbcontainer.magics.calls import impersonation_of
from nbcontainer.magics.catalogue import MAGICS, verbs_of
from nbcontainer.model.impersonation import NOBODY_ELSE, Impersonation
from nbcontainer.settings import settings
from nbcontainer.user_files import names_beginning
from nbcontainer.verbs.arguments import Argument
from nbcontainer.verbs.grammar import Magic, Verb
from nbcontainer.verbs.kinds import kind_of
from nbcontainer.verbs.words import shell_words

_MAGIC = re.compile(r"\s*(%%?)([A-Za-z_]\w*)(\s?)")
_ASSIGNED = re.compile(r"\s*[A-Za-z_][\w., ]*=\s*(?=%[A-Za-z_])")  # x = %kpod …
_STAGE = re.compile(r"^\s*FROM\s.*\sAS\s+(\S+)\s*$", re.IGNORECASE | re.MULTILINE)
_VALUE = re.compile(r"\{\{[^{}]*$")  # an unfinished {{name}}
_LAST_WORD = re.compile(r"(\S*)$")


@dataclass(frozen=True, slots=True)
class Where:
    """The place whose names a line means; "" is what is in use.

    Attributes:
        namespace: the pods' namespace.
        context: the kubeconfig's context.
        impersonation: the user who is impersonated.
        pod: the pod whose containers may be named.
        engine: the docker context, or the engine's address.
        of_kind: the kind of the objects that may be named.
        setting: the setting whose values are wanted.
        prefix: what is typed of a path.
    """

    namespace: str = ""
    context: str = ""
    impersonation: Impersonation = NOBODY_ELSE
    pod: str = ""
    of_kind: str = ""
    engine: str = ""
    setting: str = ""
    prefix: str = ""


Names = Callable[[str, Where], Iterable[str]]
NamesThere = Callable[[str], Iterable[str]]  # names in the place that the line gives


@dataclass(frozen=True, slots=True)
class Known:
    """Names from what is already reachable; completing never starts an engine.

    Attributes:
        variables: the user's variables.
        hidden: IPython's own variables among them.
    """

    variables: Mapping[str, object]
    hidden: Mapping[str, object]

    def __call__(self, kind: str, where: Where) -> Iterable[str]:
        """The names of a kind of object."""
        match kind:
            case "variable":
                return [name for name in self.variables if not name.startswith("_") and name not in self.hidden]
            case "setting":
                return list(settings.meanings())
            case "setting-value":
                return settings.choices(where.setting)
            case "path":
                return names_beginning(where.prefix)
        try:
            given = self._substituted(where)
            acting = self._substituted(where.impersonation)
            groups = tuple(substitute_word(group, self.variables) for group in where.impersonation.groups)
        except UsageError:  # a {{name}} of a variable that is not defined yet
            return []
        del given["setting"], given["prefix"]
        return known_names(kind, impersonation=Impersonation(groups=groups, **acting), **given)

    def _substituted(self, words: Where | Impersonation) -> dict[str, str]:
        """The fields that are texts, with the variables' values."""
        texts = ((field.name, getattr(words, field.name)) for field in fields(words))
        return {name: substitute_word(text, self.variables) for name, text in texts if isinstance(text, str)}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that fits, and its kind ("verb", "flag", "image" …)."""

    text: str
    kind: str


def candidates(text: str, line: int, column: int, *, names: Names) -> tuple[str, list[Candidate]] | None:
    """The words that fit, and the fragment that they complete; None if the cursor is not in anything of ours.

    Args:
        text: the whole cell.
        line: the cursor's line, from 0.
        column: the cursor's column in it.
        names: returns the names of a kind of object ("image", "pod", "variable" …) in the place that the line gives.
    """
    whole = text.lstrip("\r\n")  # IPython ignores the lines before a cell magic too
    line -= text.count("\n") - whole.count("\n")
    lines = whole.split("\n")
    if not 0 <= line < len(lines):
        return None
    before = lines[line][:column]
    if _VALUE.search(before):  # Python's names belong there
        return None
    head = _MAGIC.match(lines[0])
    if line > 0 and head is not None and head[1] == "%%":
        return _in_body(head[2], lines, line, column, names)
    assigned = _ASSIGNED.match(before)
    match = _MAGIC.match(before, assigned.end() if assigned else 0)
    if match is None or match[2] not in MAGICS or not match[3]:
        return None

    def names_or_stages(kind: str, where: Where) -> Iterable[str]:
        return _STAGE.findall(text) if kind == "stage" else names(kind, where)

    after = lines[line][column:].lstrip("\r")
    later = after.split()[0 if after[:1].isspace() else 1 :]  # complete the word that touches the cursor
    return _in_line(verbs_of(match[2]).magic, before[match.end() :], later, names_or_stages)


def _in_line(magic: Magic, before: str, later: list[str], names: Names) -> tuple[str, list[Candidate]]:
    found = _LAST_WORD.search(before)
    fragment = found[1] if found else ""
    words = before[: len(before) - len(fragment)].split()
    count = magic.shared_words(words)
    shared, path = words[:count], words[count:]
    named = magic.find(path)
    if named is not None:
        verb, length = named
        return fragment, _fitting(fragment, _of_verb(verb, [*shared, *path[length:]], fragment, later, names))
    waiting = _waiting(magic, shared)
    if not path and (waiting is not None or fragment.startswith("-")):
        shared_verb = Verb("", "", magic.shared)
        items = _of_verb(shared_verb, shared, fragment, later, names)
    elif not path or magic.is_group(path):
        items = [Candidate(word, "verb") for word in magic.next_words(path)]
    else:
        items = []
    default = magic.verb(magic.default) if magic.default else None
    if default is not None and waiting is None and (words or fragment.startswith("-")):  # a bare word may be a verb
        items += _of_verb(default, words, fragment, later, names)
    return fragment, _fitting(fragment, items)


def _waiting(magic: Magic, shared: list[str]) -> Argument | None:
    """The shared flag at the end of the words before the verb, if its value is still missing."""
    flags = magic.shared_flags
    last = flags.get(shared[-1]) if shared else None
    if last is None or not last.takes_value:
        return None
    return last if len(shared) == 1 or _waiting(magic, shared[:-1]) is None else None


def _of_verb(verb: Verb, words: list[str], fragment: str, later: list[str], names: Names) -> list[Candidate]:
    flags = verb.flags
    if "--" in words:
        return []

    def known(kind: str) -> Iterable[str]:
        waiting = bool(words) and words[-1] in flags and flags[words[-1]].takes_value  # for what is completed
        where = _where(verb, [*(words[:-1] if waiting else words), *later])
        return names(kind, replace(where, prefix=value if equals and name in flags else fragment))

    def of_kind(kind: str) -> Iterable[str]:
        return names("object", replace(_where(verb, [*words, *later]), of_kind=kind))

    name, equals, value = fragment.partition("=")
    if equals and name in flags:
        found = _of_place(flags[name], value, known, of_kind)
        return [Candidate(f"{name}={one.text}", one.kind) for one in found]
    if words and (argument := flags.get(words[-1])) is not None and argument.takes_value:
        return _of_place(argument, fragment, known, of_kind)
    if fragment.startswith("-"):
        offered = [argument.long for argument in dict.fromkeys(flags.values()) if argument.kind != "refused"]
        return [Candidate(name, "flag") for name in [*offered, "--help"]]
    places = verb.positionals
    if not places:
        return []
    count = _loose(words, flags)
    place = places[min(count, len(places) - 1)]
    if place.second and count == 1 and "/" not in fragment:
        place = next(argument for argument in verb.arguments if argument.key == place.second)
    return _of_place(place, fragment, known, of_kind)


def _of_place(place: Argument, fragment: str, known: NamesThere, of_kind: NamesThere) -> list[Candidate]:
    """What fits in an argument's place: `pod/web`, or for objects of any kind `deploy/web` and `deploy,svc`."""
    kind, slash, _ = fragment.partition("/")
    if place.completes in {"kind", "object"} and slash:
        return [Candidate(f"{kind}/{name}", "object") for name in of_kind(kind)]
    prefix = f"{kind}/" if slash and place.resource and kind_of(kind) == f"{place.resource}s" else ""
    if (place.completes == "kind" or place.kind == "list") and "," in fragment:
        prefix = f"{fragment.rpartition(',')[0]},"
    return [Candidate(f"{prefix}{item.text}", item.kind) for item in _values(place, known)]


def _loose(words: list[str], flags: Mapping[str, Argument]) -> int:
    """How many of the words are neither flags nor their values."""
    count, is_value = 0, False
    for word in words:
        flag = flags.get(word)
        count += not (is_value or word.startswith("-"))
        is_value = not is_value and flag is not None and flag.takes_value
    return count


def _where(verb: Verb, words: list[str]) -> Where:
    """The place that the words of an unfinished line give for names."""
    with suppress(UsageError):  # a quote may still be open
        words = shell_words(" ".join(words))
    values = verb.parse_so_far(words if not verb.dashes or "--" in words else [*words, "--"])

    def value(key: str) -> str:
        found = getattr(values, key, "") or ""
        return str(found[0] if isinstance(found, list) else found)

    pods = [argument.key for argument in verb.positionals if argument.completes == "pod"]
    settings_named = [argument.key for argument in verb.positionals if argument.completes == "setting"]
    context = value("context") or value("table_context")
    of_cluster = any(argument.key == "context" and argument.completes == "context" for argument in verb.arguments)
    return Where(
        namespace=value("namespace"),
        context=context if of_cluster else "",
        impersonation=impersonation_of(values),
        pod=value(pods[0]) if pods else "",
        of_kind=value("kind"),
        engine="" if of_cluster else context,
        setting=value(settings_named[0]) if settings_named else "",
    )


def _values(argument: Argument, names: NamesThere) -> list[Candidate]:
    if argument.choices or argument.suggests:
        return [Candidate(value, "value") for value in (*argument.choices, *argument.suggests)]
    if argument.completes:
        kind = argument.completes.rpartition("-")[2]  # any kind of container
        return [Candidate(name, kind) for name in names(argument.completes)]
    return []


def _fitting(fragment: str, items: Iterable[Candidate]) -> list[Candidate]:
    return [item for item in dict.fromkeys(items) if item.text.startswith(fragment) and item.text != fragment]


def _in_body(magic: str, lines: list[str], line: int, column: int, names: Names) -> tuple[str, list[Candidate]] | None:
    if magic != "dockerfile":  # YAML, or a program's input: never Python
        return ("", []) if magic in MAGICS else None
    body = "\n".join(lines[1:])
    verb, written = verbs_of(magic).magic.verbs[0], lines[0].split()[1:]

    def images() -> list[str]:
        return list(names("image", _where(verb, written)))

    def paths(prefix: str) -> Sequence[str]:
        values = verb.parse_so_far(written)
        return context_paths(values.path or ".", prefix, [*(values.files or ())])

    found = complete_dockerfile(body, line, column, images=images, paths=paths)
    fragment = lines[line][found.start : column]
    return fragment, [Candidate(item.text, item.kind) for item in found.items]
