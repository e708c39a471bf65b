"""How every magic runs: parse the words, call, show; one line for an error; ask before destroying."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from IPython.display import display

from nbcontainer import magics, views
from nbcontainer.errors import NbcontainerError, Stopped, UsageError
from nbcontainer.interrupts import run_interruptible
from nbcontainer.magics.presenting import interrupted, quiet, safe, warnings_in_a_line
from nbcontainer.magics.prompts import confirm
from nbcontainer.model.impersonation import Impersonation
from nbcontainer.model.results import NextCell, Remark, Report
from nbcontainer.model.several_tables import SeveralTables
from nbcontainer.model.tables import Table, Tables, TableState, Tone, Words
from nbcontainer.operation import Operation, running
from nbcontainer.protection import TableContext
from nbcontainer.settings import settings
from nbcontainer.verbs.arguments import Argument, Values
from nbcontainer.verbs.grammar import Magic, Verb

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbcontainer.views.view import View

Running = TypeVar("Running", bound=Operation[Any, Any, Any])

Handler = Callable[["Call"], object]

_WITHOUT_OUTPUT = re.compile(r"(?<=[\w}]);\s*$")  # by which IPython does not display a result

CUSTOM = "custom-columns="  # the form of --output that names a table's columns


@dataclass(frozen=True)
class Call:
    """One call of a verb: its values, the cell's body, and the user's variables.

    Attributes:
        command: the equivalent docker or kubectl command.
        namespace: the user's variables, by name.
        written: words with a `{{name}}` as the user wrote them, keyed by the words after substitution.
        cell: the body, or None for a line magic.
    """

    verb: Verb
    values: Values = field(repr=False)  # build arguments may be secret
    cell: str | None = field(repr=False)
    namespace: Mapping[str, object] = field(repr=False)
    shell: InteractiveShell | None = field(default=None, repr=False)
    written: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def context(self) -> str:
        """The context that the call names, or that of the table that offers the call, or ""."""
        named: str = getattr(self.values, "context", "") or ""
        context, server = (getattr(self.values, name, "") or "" for name in ("table_context", "table_server"))
        return named or TableContext(context, server)

    @property
    def impersonation(self) -> Impersonation:
        """Whom the call impersonates."""
        return impersonation_of(self.values)

    def as_written(self, words: Iterable[str]) -> str:
        """Words as a line, with `{{name}}` as the user wrote it: a value may be a secret, and titles are saved."""
        return " ".join(self.written.get(word) or shlex.quote(word) for word in words)

    @property
    def command(self) -> list[str]:
        """The equivalent docker or kubectl words from the verb on, without the engine or context."""
        return self.verb.words(self.values)[1:]

    @property
    def body(self) -> dict[str, object]:
        """The arguments of the call that come from the cell's body."""
        if self.cell is None or not self.verb.takes:
            return {}
        if self.verb.takes == "stdin":
            return {"stdin": self.cell.encode()}
        text, lines = magics.substitution.body(self.cell, None if self.values.raw else self.namespace)
        return {self.verb.takes: text, "source_map": lines}

    def variable(self, name: str) -> object:
        """One of the user's variables.

        Raises:
            UsageError: it does not exist.
        """
        if name not in self.namespace:
            raise UsageError(f"There is no variable {name!r}.")
        return self.namespace[name]

    def assign(self, name: str, value: object) -> None:
        """Set one of the user's variables."""
        if self.shell is not None:
            self.shell.user_ns[name] = self.without_values(value)

    def without_values(self, result: object) -> object:
        """A result whose commands have no value that the line wrote as `{{name}}`, except names of objects."""
        written = self.values_written
        return magics.written.Written(written, self.namespace).result(result) if written else result

    @property
    def values_written(self) -> Mapping[str, str]:
        """The words of `written` that may be secret: a pod's or an image's name is not, and is shown."""
        named = [self.values[argument.key] for argument in self.verb.positionals if argument.kind != "rest"]
        names = {word for value in named for word in (value if isinstance(value, list) else [value])}
        return {word: text for word, text in self.written.items() if word not in names}

    def confirm(self, what: str, preview: object = None) -> None:
        """Say what will be done and ask for confirmation, unless `-y` was given or `settings.confirm` is off.

        Args:
            what: the question.
            preview: is displayed before it; None for nothing.

        Raises:
            UsageError: there is nobody to ask (nbclient, a script).
            Stopped: the answer was no.
        """
        if ("yes" in self.values and self.values.yes) or not settings.confirm:
            return
        if preview is not None:
            display(preview)
        confirm(safe(what))


class Verbs:
    """The verbs of one magic and their functions: `@verbs.add(Verb(…))` decorates a function that takes a `Call`."""

    def __init__(
        self,
        name: str,
        summary: str,
        *,
        default: str = "",
        shared: tuple[Argument, ...] = (),
    ) -> None:
        self._empty = Magic(name, summary, (), default, shared)
        self._handlers: dict[str, tuple[Verb, Handler]] = {}

    def add(self, verb: Verb) -> Callable[[Handler], Handler]:
        """Register `verb` with the function that does it."""

        def register(handler: Handler) -> Handler:
            self._handlers[verb.path] = (replace(verb, magic=self._empty.name), handler)
            return handler

        return register

    def declare(self, verbs: Iterable[Verb], handle: Callable[[Call], object]) -> None:
        """Register verbs that each call a method of what `handle` returns: an engine or a cluster."""
        for verb in verbs:
            self.add(verb)(partial(_do, handle))

    @property
    def magic(self) -> Magic:
        """The declaration of the magic."""
        return replace(self._empty, verbs=tuple(verb for verb, _ in self._handlers.values()))

    def handler(self, verb: Verb) -> Handler:
        """What `verb` does."""
        return self._handlers[verb.path][1]


def impersonation_of(values: Values) -> Impersonation:
    """Whom a call with these values impersonates."""
    user, groups, uid = (getattr(values, name, None) for name in ("as_user", "as_groups", "as_uid"))
    return Impersonation(user or "", tuple(groups or ()), uid or "")


def _do(handle: Callable[[Call], object], call: Call) -> object:
    """Do what a verb declares: either plan, ask and do, or call; show an Operation while it runs."""
    verb, values = call.verb, call.values
    refuse_endless(call)
    refuse_terminal("tty" in values and values.tty, f"%%{verb.magic} {verb.path}")
    places, named = verb.bind(values)
    named |= call.body
    if verb.prints and (values.output or "").startswith(CUSTOM):
        named["columns"] = values.output.removeprefix(CUSTOM)
    target = handle(call)
    if verb.asks:
        plan = attrgetter(verb.asks)(target)(*places, **named)
        if plan.nothing and not plan.changes:
            return Report((Remark(plan.nothing, Tone.DIM),))
        if plan.changes:
            frees = f" That frees {views.quantities.format_size(plan.frees)}." if plan.frees else ""
            call.confirm(plan.question + frees, plan.preview)
        result = plan.do()
    elif verb.prints and _is_in_full(values.output):
        if values.watch:
            raise UsageError(f"`-w` follows a table, which `-o {values.output}` is not.", cure="Leave out one of them.")
        of_tables = {"label_columns", "show_labels"}
        named = {name: value for name, value in named.items() if name not in of_tables}
        print_ = attrgetter(verb.prints)(target)
        return print_(*places, **named, output=values.output, show_secrets=values.show_secrets)
    elif verb.watches and values.watch:
        watch = attrgetter(verb.watches)(target)(*places, **named, duration=values.duration or 0.0)
        return views.surfaces.show(watch, _view_of_watch(call, watch))
    else:
        result = attrgetter(verb.calls)(target)(*places, **named)
    if isinstance(result, Operation):
        return _run_operation(call, result)
    return _shown(call, result) if isinstance(result, Table | Tables) else _written(call, result)


def _written(call: Call, result: object) -> object:
    """A result; if it is a cell, it is written below this one."""
    if isinstance(result, NextCell) and call.shell is not None:
        call.shell.set_next_input(result.source)
    return result


def _is_in_full(output: str | None) -> bool:
    """Whether `--output` asks for whole objects."""
    return (output or "").partition("=")[0] in {"yaml", "json", "jsonpath"}


def _shown(call: Call, result: Table | Tables) -> Table | Tables | Words:
    """A result's tables as `--output` and `--quiet` want them, with what a page offers to do with their rows."""
    verb, values = call.verb, call.values
    output = values.output if verb.watches else ""
    tables = (result,) if isinstance(result, Table) else result
    if output == "name":
        return Words(name for table in tables for name in table.qualified_names)
    if isinstance(result, Table) and verb.quiet and values.quiet:
        return result.column(verb.quiet)
    shown = [
        replace(table, wide=output == "wide", verbs=magics.rows.verbs_of(table, call.impersonation)) for table in tables
    ]
    return shown[0] if isinstance(result, Table) else Tables(shown)


def _run_operation(call: Call, operation: Operation[object, object, object]) -> object:
    """What a started operation gives: itself with `--bg`, otherwise its result."""
    known = [name for name in ("detach", "quiet", "bg") if name in call.values]
    given = [name for name in known if call.values[name]]
    if "bg" in given:
        return show_behind(operation, _view_of(call, operation))
    return operation.result() if given else show_operation(call, operation)  # the result shows what was done


def show_operation(call: Call, operation: Operation[object, object, object]) -> object:
    """Show an operation until it is done, and return its result."""
    return views.surfaces.show(operation, _view_of(call, operation))


def show_behind(operation: Running, view: View[Any, Any]) -> Running:
    """Return an operation that goes on in the background; in a notebook, it is shown below the cell."""
    surface = views.surfaces.choose_surface()
    if isinstance(surface, views.notebook.Notebook):
        surface.follow_behind(operation, view)
    return operation


def _view_of_watch(call: Call, watch: Operation[object, object, object]) -> View[Any, Any]:
    wide = "output" in call.values and call.values.output == "wide"
    if isinstance(watch.state, TableState):
        return views.tables.TableView(wide=wide)
    if isinstance(watch.state, SeveralTables):
        return views.several_tables.SeveralTablesView(wide=wide)
    return _view_of(call, watch)


def _view_of(call: Call, operation: Operation[object, object, object]) -> View[Any, Any]:
    verb = call.verb
    title = ""
    if verb.heading:
        named = [call.values[argument.key] for argument in verb.positionals]
        words = [word for value in named for word in (value if isinstance(value, list) else [value])]
        title = f"{words[0]}{':' if verb.dashes else ''} {call.as_written(words[1:])}".rstrip()
    return views.results.view_of(operation.state, verb.heading, title)


def run_magic(
    verbs: Verbs, line: str, cell: str | None, namespace: Mapping[str, object], shell: InteractiveShell | None = None
) -> object:  # fmt: skip
    """Run one magic: parse, call, return the result.

    Errors are shown as one or two lines, without a Python traceback. Ctrl-C becomes `Stopped`, and leaves nothing
    running that the magic started.
    """
    before = running()

    def answer() -> Stopped:
        left = running() - before  # interrupted before anything waited for it
        for operation in left:
            operation.stop()
        for operation in left:
            operation.interrupt()
        return interrupted()

    try:
        with warnings_in_a_line():
            return run_interruptible(lambda: _run(verbs, line, cell, namespace, shell), answer)
    except NbcontainerError as error:
        raise quiet(error) from None


def _run(
    verbs: Verbs, line: str, cell: str | None, namespace: Mapping[str, object], shell: InteractiveShell | None
) -> object:
    magic = verbs.magic
    if cell is None:
        line = _WITHOUT_OUTPUT.sub("", line)
    if _asks_for_help(magic, line.split()):
        return None
    verb, words = magic.split(line)
    written: dict[str, str] = {}
    if "{{" in line and "--raw" not in words:
        words = magics.substitution.substituted(words, namespace, written)
    if verb.asks_for_help(words):
        print(verb.help)  # noqa: T201 - help is printed
        return None
    if verb.body == "yes" and (cell is None or not cell.strip()):
        raise UsageError(f"{verb.title} needs a cell body.", cure="--help shows an example.")
    if verb.body == "no" and cell is not None:
        raise UsageError(f"%{verb.title} does not take a cell body: write {verb.title}.")
    secret: Mapping[str, str] = written
    try:
        call = Call(verb, verb.parse(words), cell, namespace, shell, written)
        secret = call.values_written
        return call.without_values(verbs.handler(verb)(call))
    except NbcontainerError as error:
        if not secret:
            raise
        raise magics.written.Written(secret, namespace).error(error) from None


def _asks_for_help(magic: Magic, words: list[str]) -> bool:
    """Print the help of the magic, or of a group of its verbs, if the line asks for it."""
    if words[-1:] not in (["--help"], ["-h"]) or magic.only:
        return False
    group = words[magic.shared_words(words) : -1]
    if magic.find(group) or (group and not magic.is_group(group)):
        return False
    print(magic.help(group))  # noqa: T201 - help is printed
    return True


def refuse_endless(call: Call) -> None:
    """Refuse to follow or watch if nobody could stop it.

    Raises:
        UsageError: it would not end.
    """
    values = call.values
    endless = any(name in values and values[name] for name in ("follow", "watch"))
    ends = any(name in values and values[name] for name in ("duration", "bg"))
    if endless and not ends and is_headless():
        raise UsageError(
            f"{call.verb.title} would never end here: there is neither a page nor a terminal to stop it.",
            cure="Add --duration 30s, or leave out -f or -w.",
        )


def refuse_terminal(wanted: bool, magic: str) -> None:  # noqa: FBT001 - the flag's value
    """Say what to do instead of `-t`, which many type from habit.

    Raises:
        UsageError: `wanted`.
    """
    if wanted:
        raise UsageError(
            "A command run by a magic has no terminal, so nothing can be typed into it.",
            cure=f"Leave out -t. {magic} with -i passes the cell's body to it as standard input.",
        )


def is_headless() -> bool:
    """Whether nobody is watching: there is neither a page nor a terminal."""
    return views.surfaces.choose_surface().name == "plain" and not sys.stdout.isatty()
