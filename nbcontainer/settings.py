"""All options of nbcontainer: `NBContainer` in IPython's configuration, `nbc.settings` in Python.

An option's value is the first of these that is set:

1. the latest value set in this session: `%config NBContainer.NAME = VALUE`, `%nbcontainer settings NAME VALUE`, or
   `nbc.settings.NAME = VALUE`;
2. the environment variable `NBCONTAINER_NAME`, if it is not empty;
3. `c.NBContainer.NAME = VALUE` in ipython_config.py, or `--NBContainer.NAME=VALUE` on IPython's command line;
4. the default.

What is wrong in 2 or 3 does not break the import, and `%nbcontainer settings` shows it; but no call does anything until
it is corrected, or set in the session: a misspelt `protected_contexts` would protect nothing.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable, Iterator, Mapping
from numbers import Real
from typing import Generic, TypeVar

from traitlets import HasTraits, TraitType
from traitlets.config import Application, Config, Configurable
from traitlets.config.loader import LazyConfigValue

from nbcontainer.drawn import Drawn
from nbcontainer.errors import UsageError

__all__ = ["NBContainer", "settings"]

Kind = TypeVar("Kind")

SURFACES = ("auto", "notebook", "terminal", "plain")
WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
VALUE_CHARACTERS = 80  # the most of a refused value that the error shows

CONFIGURATION = "ipython_config.py"
SESSION = "this session"


class Option(TraitType[Kind, object], Generic[Kind]):
    """An option. It also accepts text, the only form in environment variables and magic lines.

    Args:
        default: its value if it is not set.
        help: what it means, one line.
    """

    takes = ""  # a description of valid values
    choices: tuple[str, ...] = ()  # all valid values, if they are few

    def __init__(self, default: Kind, help: str) -> None:  # noqa: A002 - traitlets' own name
        super().__init__(default, help=help, config=True)

    def validate(self, obj: HasTraits | None, value: object) -> Kind:
        """The value as it is stored.

        Raises:
            UsageError: it is not valid for the option.
        """
        del obj
        try:
            return self.read(value)
        except (TypeError, ValueError, OverflowError):
            shown = f"{value!r:.{VALUE_CHARACTERS}}"
            raise UsageError(f"{self.name} takes {self.takes}, not {shown}.") from None

    def read(self, value: object) -> Kind:
        """`value` converted to this option's type; TypeError or ValueError if it is not valid."""
        raise NotImplementedError


class Text(Option[str]):
    """Text, or a path."""

    takes = "text"

    def read(self, value: object) -> str:
        path = os.fspath(value)  # type: ignore[call-overload] # anything but text or a path is a TypeError
        if not isinstance(path, str):
            raise TypeError
        return str(path)


class Surface(Text):
    """One of SURFACES."""

    takes = f"one of {', '.join(SURFACES)}"
    choices = SURFACES

    def read(self, value: object) -> str:
        return SURFACES[SURFACES.index(super().read(value))]


class Boolean(Option[bool]):
    """True or false."""

    takes = "true or false"
    choices = ("true", "false")

    def read(self, value: object) -> bool:
        if isinstance(value, str):
            value = WORDS.get(value.lower())
        if not isinstance(value, int) or value not in (0, 1):
            raise TypeError
        return bool(value)


class Count(Option[int]):
    """A whole number above 0."""

    takes = "a whole number above 0"

    def read(self, value: object) -> int:
        if isinstance(value, bool):
            raise TypeError
        count = int(value) if isinstance(value, str) else operator.index(value)  # type: ignore[arg-type] # a TypeError is meant
        if count <= 0:
            raise ValueError
        return count


class Seconds(Option[float]):
    """A time span."""

    takes = "a number of seconds above 0"

    def read(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (str, Real)):
            raise TypeError
        seconds = float(value)
        if not 0 < seconds < math.inf:  # also refuses NaN
            raise ValueError
        return seconds


class Patterns(Option[tuple[str, ...]]):
    """Name patterns. Only "" and an empty list mean none: a value left blank by mistake must not end protection."""

    takes = 'patterns such as "prod*,live" or ["prod*", "live"]'

    def read(self, value: object) -> tuple[str, ...]:
        if isinstance(value, str):
            value = [value] if value else []
        if not isinstance(value, (list, tuple, set, frozenset)) or not all(isinstance(text, str) for text in value):
            raise TypeError
        # an item is split at commas too: as one pattern, "prod*,live" in a list would match nothing
        parts = [part.strip() for text in value for part in text.split(",")]
        patterns = tuple(part for part in parts if part)
        if value and not patterns:
            raise ValueError
        return patterns


class NBContainer(Configurable, Drawn):
    """The options of nbcontainer. A changed attribute takes effect with the next call."""

    surface = Surface("auto", 'where progress is shown: "auto", "notebook", "terminal" or "plain".')
    engine = Text(
        "", 'an address (unix://, tcp://, ssh://), a docker context, "podman" for the private Podman, or "" to search.'
    )
    context = Text("", 'the kubeconfig context, or "" for the current one.')
    namespace = Text("", 'the namespace, or "" for the context\'s own.')
    protected_contexts = Patterns(
        (), "patterns of contexts or engine addresses; only calls that name them may change anything there."
    )
    confirm = Boolean(default=True, help="whether destructive verbs ask first.")
    debug_image = Text("busybox", "the image of containers for debugging, which needs sleep.")
    log_window = Count(2000, "how many lines of a log the page and the notebook keep.")
    sleep_after = Seconds(60.0, "seconds after which a live table that nobody looks at sleeps.")
    spool_directory = Text("", 'where full outputs are kept; "" for a folder in the system\'s temporary directory.')
    credential_helper_timeout = Seconds(10.0, "seconds that a docker credential helper may take.")
    credential_plugin_timeout = Seconds(
        60.0, "seconds that a kubeconfig's credential plugin may take; it may open a browser."
    )
    connect_timeout = Seconds(5.0, "seconds to wait for an engine or a cluster to answer.")

    def __init__(self) -> None:
        self._origins: dict[str, str] = {}
        self._wrong: dict[str, tuple[str, UsageError]] = {}  # by option: what sets it, and why it is refused
        super().__init__()

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse unknown options and invalid values: a misspelt `protected_contexts` would protect nothing."""
        if name.startswith("_") or name in ("config", "parent"):  # traitlets' own
            super().__setattr__(name, value)
        else:
            self._set(name, value, SESSION)

    def __repr__(self) -> str:
        """All options with their values."""
        return f"NBContainer({', '.join(f'{name}={value!r}' for name, value in self.values().items())})"

    @classmethod
    def meanings(cls) -> dict[str, str]:
        """What each option means, in declaration order."""
        return {name: option.help for name, option in vars(cls).items() if isinstance(option, Option)}

    @classmethod
    def choices(cls, name: str) -> tuple[str, ...]:
        """The values that an option can have, if they are few; () otherwise, and where there is no such option."""
        option = vars(cls).get(name)
        return option.choices if isinstance(option, Option) else ()

    def values(self) -> dict[str, object]:
        """Each option's value."""
        return {name: getattr(self, name) for name in self.meanings()}

    def value(self, name: str) -> object:
        """One option's value.

        Raises:
            UsageError: there is no such option.
        """
        self._check_name(name)
        return getattr(self, name)

    def origin(self, name: str) -> str:
        """What set an option: "this session", an environment variable, "ipython_config.py", or "" if it is not set."""
        return self._origins.get(name, "")

    def change(self, name: str, value: object) -> None:
        """Set one option from text or a value, until the session ends.

        Raises:
            UsageError: there is no such option, or the value is not valid.
        """
        self._set(name, value, SESSION)

    def update_config(self, config: Config) -> None:
        """`%config NBContainer.NAME = VALUE`.

        Raises:
            UsageError: as for `change`.
        """
        for name, value in self._configured(config):
            self._set(name, value, SESSION)

    def read_config(self, config: Config) -> None:
        """Set the options in a configuration, except those already set by the environment or the session.

        What is wrong is in `problems` then.
        """
        self._wrong = {name: wrong for name, wrong in self._wrong.items() if wrong[0] != CONFIGURATION}
        for name, value in self._configured(config):
            if self.origin(name) in ("", CONFIGURATION):
                self._set(name, value, CONFIGURATION)

    def read_environment(self, environment: Mapping[str, str]) -> None:
        """Set the options from the variables NBCONTAINER_….

        A value that is not valid, and a variable whose name looks like a misspelt option, are in `problems` then.
        """
        variables = {f"NBCONTAINER_{name.upper()}": name for name in self.meanings()}
        for variable, value in environment.items():
            if variable in variables and value:
                self._set(variables[variable], value, variable)
            elif variable.startswith("NBCONTAINER_") and variable not in variables:
                self._note_misspelt(variable, variables)

    @property
    def problems(self) -> tuple[UsageError, ...]:
        """What is wrong in the environment or the configuration."""
        return tuple(error for _, error in self._wrong.values())

    def check(self) -> None:
        """Make sure that nothing is wrong in the environment or the configuration.

        Raises:
            UsageError: something is; the first of `problems`.
        """
        for problem in self.problems:
            raise problem.replaced()

    def _set(self, name: str, value: object, origin: str) -> None:
        try:
            self._check_name(name)
            super().__setattr__(name, value)
        except UsageError as error:
            if origin == SESSION:
                raise
            self._note(name, origin, f"{error.message[:-1]} (set by {origin}).")
            return
        self._origins[name] = origin
        if origin == SESSION:
            self._wrong.pop(name, None)

    def _note(self, name: str, origin: str, message: str) -> None:
        near = _nearest(name, self.meanings())
        cure = f"Correct it, or set nbc.settings.{near} in this session." if near else "Correct it."
        self._wrong[near or name] = origin, UsageError(message, cure=cure)

    def _note_misspelt(self, variable: str, variables: Mapping[str, str]) -> None:
        near = _nearest(variable.removeprefix("NBCONTAINER_"), [name.upper() for name in variables.values()])
        if near:
            what = f"The variable {variable} is not a setting. Did you mean NBCONTAINER_{near}?"
            self._note(near.lower(), variable, what)

    def _check_name(self, name: str) -> None:
        if name not in self.meanings():
            raise UsageError(f"There is no setting {name!r}.", cure=f"Settings: {', '.join(self.meanings())}.")

    def _load_config(self, cfg: Config, section_names: object = None, traits: object = None) -> None:
        """Called by traitlets, whose own version would only warn about unknown options."""
        del section_names, traits
        self.read_config(cfg)

    def _configured(self, config: Config) -> Iterator[tuple[str, object]]:
        for name, value in dict(config.get("NBContainer") or {}).items():
            if not isinstance(value, LazyConfigValue):
                yield name, value
            elif (
                value.to_dict()
            ):  # e.g. by `c.NBContainer.protected_contexts.append("prod*")`; otherwise it was only read
                before = list(self.protected_contexts)  # traitlets cannot append to a tuple
                after = value.get_value(before) if name == "protected_contexts" else before
                yield name, value if after == before else after


def _nearest(name: str, names: Iterable[str]) -> str:
    """The name itself if it is one of them, or one that it is probably a misspelling of, or ""."""
    from difflib import get_close_matches  # noqa: PLC0415 - rarely needed, and %load_ext loads this module

    return next(iter(get_close_matches(name, list(names), n=1, cutoff=0.85)), "")


def _initial() -> NBContainer:
    """The settings at the start of the session, also in IPython without `%load_ext`."""
    found = NBContainer()
    found.read_environment(os.environ)
    if Application.initialized():  # IPython or its kernel, which has read ipython_config.py
        found.read_config(Application.instance().config)
    return found


settings = _initial()
