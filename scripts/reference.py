"""Generates what follows from the verbs' declarations: run `python scripts/reference.py` after changing one.

It writes README's table of verbs, `docs/reference/<magic>.md`, the types of `nbc.volumes` and the other nouns, and
`words.json`, which the page completes from even while the kernel is busy. With `--check` it only reports which of them
are stale.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import nbcontainer  # noqa: E402 - this clone's, even if another is installed
from nbcontainer.api.cluster import Cluster  # noqa: E402
from nbcontainer.api.engine import Engine  # noqa: E402
from nbcontainer.api.nouns import nouns_of  # noqa: E402
from nbcontainer.language.dockerfile import words as dockerfile_words  # noqa: E402
from nbcontainer.magics.catalogue import MAGICS, verbs_of  # noqa: E402
from nbcontainer.verbs.arguments import Argument  # noqa: E402
from nbcontainer.verbs.grammar import Magic, Verb  # noqa: E402

WORDS = "nbcontainer/frontend/src/lab/words.json"
TABLE = "<!-- verbs: scripts/reference.py writes this table -->\n", "<!-- end of verbs -->\n"
NOUNS = "# nouns: scripts/reference.py writes these lines\n", "# end of nouns\n"
NOTE = "<!-- scripts/reference.py writes this page from the declarations in nbcontainer/verbs -->"


def files() -> dict[str, str]:
    """The generated files: path and content."""
    return {
        "README.md": between("README.md", TABLE, table()),
        "nbcontainer/__init__.py": between("nbcontainer/__init__.py", NOUNS, nouns()),
        WORDS: words(),
        **{f"docs/reference/{name}.md": page(verbs_of(name).magic) for name in MAGICS},
    }


def between(path: str, marks: tuple[str, str], text: str) -> str:
    """A file's content with the part between two marker lines replaced by `text`."""
    before, begin, rest = (ROOT / path).read_text("utf-8").partition(marks[0])
    _, end, after = rest.partition(marks[1])
    return f"{before}{begin}{text}{end}{after}"


def nouns() -> str:
    """The nouns of the engine and the cluster in use, for type checkers."""
    all_nouns = sorted((path, noun) for handle in (Engine, Cluster) for path, noun in nouns_of(handle).items())
    modules = sorted({noun.__module__ for _, noun in all_nouns})
    names = {module: sorted(noun.__name__ for _, noun in all_nouns if noun.__module__ == module) for module in modules}
    imports = [f"    from {module} import {', '.join(names[module])}" for module in modules]
    return "\n".join(
        ["if TYPE_CHECKING:", *imports, "", *(f"    {path}: {noun.__name__}" for path, noun in all_nouns), ""]
    )


def table() -> str:
    """README's table of verbs: what each does, and its equivalent in Python."""
    lines = ["| magic | does | in Python |", "|---|---|---|"]
    for name in MAGICS:
        for verb in verbs_of(name).magic.verbs:
            anchor = verb.title.lstrip("%").replace(" ", "-")
            call = python_call(verb)
            lines.append(
                f"| [`{verb.title}`](docs/reference/{name}.md#{anchor}) | {cell(verb.summary)} | "
                f"{f'`{call[0]}`' if call else ''} |"
            )
    return "\n".join([*lines, ""])


def python_call(verb: Verb) -> tuple[str, Callable[..., object]] | None:
    """The equivalent call in Python, and its method."""
    path = verb.calls or verb.same_as
    if not path:
        return None
    if verb.magic == "nbcontainer":
        return f"nbc.{path}", attrgetter(path)(nbcontainer)
    handle, name = (Engine(), "engine") if verb.magic in {"docker", "dockerfile"} else (Cluster(), "cluster")
    is_noun = path.partition(".")[0] in nouns_of(type(handle))
    return (f"nbc.{path}" if is_noun else f"nbc.{name}().{path}"), attrgetter(path)(handle)


def page(magic: Magic) -> str:
    """A magic's reference page."""
    parts = [NOTE, f"# %{magic.name}" if not magic.only else "", magic.summary if not magic.only else ""]
    if magic.shared and not magic.only:
        parts += ["Before the verb, or after it:", arguments(magic.shared)]
        parts += [f"Before the verb also `{'`, `'.join(one.before)}`." for one in magic.shared if one.before]
    for verb in magic.verbs:
        parts += [f"{'#' if magic.only else '##'} {verb.title}", verb.summary, code("", verb.usage)]
        parts += [arguments(verb.arguments)] if verb.arguments else []
        if verb.aliases:
            parts.append(f"Also {', '.join(f'`{verb.sign}{magic.name} {alias}`' for alias in verb.aliases)}.")
        parts += ["Example:", code("", verb.example)]
        if call := python_call(verb):
            name, method = call
            parts += ["In Python:", code("python", signature(name, method)), docstring(method)]
    return "\n\n".join(filter(None, parts)) + "\n"


def arguments(found: tuple[Argument, ...]) -> str:
    """A table of arguments."""
    rows = [f"| {cell(f'`{argument.spelling}`')} | {cell(argument.meaning)} |" for argument in found]
    return "\n".join(["| argument | meaning |", "|---|---|", *rows])


def code(language: str, text: str) -> str:
    """A Markdown code block."""
    text = text.strip("\n")
    return f"```{language}\n{text}\n```"


def cell(text: str) -> str:
    """A text as a table cell."""
    return text.replace("|", "\\|")


def signature(name: str, method: Callable[..., object]) -> str:
    """The call with its types, one argument per line if it is long."""
    found = inspect.signature(method)
    words, starred = [], False
    for parameter in found.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            words.append("*")
        starred = starred or parameter.kind in {parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL}
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        words.append(f"{star}{parameter.name}: {parameter.annotation}{default}")
    line = f"{name}({', '.join(words)}) -> {found.return_annotation}"
    if len(line) <= 100:  # noqa: PLR2004 - the width of a page
        return line
    return "\n".join([f"{name}(", *(f"    {word}," for word in words), f") -> {found.return_annotation}"])


def docstring(method: Callable[..., object]) -> str:
    """The method's docstring as Markdown; its sections become lists."""
    lines = []
    for line in (inspect.getdoc(method) or "").splitlines():
        if line.endswith(":") and not line.startswith(" ") and line.split()[0] in {"Args:", "Raises:", "Raises"}:
            lines += [f"{'Arguments:' if line == 'Args:' else line}", ""]
        elif line.startswith("    ") and not line.startswith("     "):
            name, colon, text = line.strip().partition(": ")
            lines.append(f"- `{name.replace('*', '')}`{colon}{text}")
        else:
            lines.append(f"  {line.strip()}" if line.startswith("     ") else line)
    return "\n".join(lines)


def words() -> str:
    """The Dockerfile's words and the magics' verbs and flags, for the page."""
    magics = {
        name: {
            "shared": [{**flag(argument), "names": [*argument.names, *argument.before]} for argument in magic.shared],
            "verbs": [
                {
                    "path": verb.path,
                    "aliases": list(verb.aliases),
                    "flags": [flag(argument) for argument in verb.arguments if argument.is_flag],
                }
                for verb in magic.verbs
            ],
        }
        for name in MAGICS
        for magic in [verbs_of(name).magic]
    }
    return json.dumps({"dockerfile": dockerfile_words(), "magics": magics}, indent=1, ensure_ascii=False) + "\n"


def flag(argument: Argument) -> dict[str, object]:
    """A flag in the form the page reads."""
    return {"name": argument.long, "detail": argument.help, "values": [*argument.choices, *argument.suggests]}


def stale() -> list[str]:
    """The files that do not match the declarations."""
    return [path for path, text in files().items() if not _is(ROOT / path, text)]


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == text


def main() -> None:
    """Write the files, or report which are stale."""
    if "--check" in sys.argv[1:]:
        if found := stale():
            sys.exit(f"stale: {', '.join(found)}; run: python scripts/reference.py")
        return
    for path, text in files().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
