"""The flags and positionals of a verb, and the values they have in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Argument:
    """One flag or positional.

    Attributes:
        names: ("-t", "--tag"), or ("IMAGE",) for a positional.
        kind: "switch" (takes no value), "text", "number" (whole), "decimal", "boolean" (true or false),
            "seconds", "port", "pairs" (K=V,K=V), "tail" (a number, or all), "list" (may be repeated), "mapping" (K=V,
            may be repeated), "rest" (all that follows), "refused" (a flag of docker's or kubectl's that is not
            supported: its help is the error, its default the cure).
        each: for a list: the kind of its values.
        removes: for one that inherits: whether a name that the environment lacks is None, instead of left out.
        required: whether it must be given.
        unless: for an optional positional: keys of which one must be given instead; `missing` is the error if none is.
        gives: its value if it is given, for a switch that turns something off: False for `--no-wait`.
        many: for a positional: whether there may be several.
        own: whether it is nbcontainer's own, and so not part of the docker or kubectl command.
        spelled: for a positional: the format in which the docker or kubectl command writes it.
        hidden: whether its values may be secret and are left out of the command.
        inherits: for a mapping: whether a name without a value takes its value from the environment, or is left out if
            it is not set there, as docker does; otherwise the value is empty.
        valued: for a mapping: whether a name without a value is refused, as by kubectl.
        completes: what kind of value to complete: "image", "pod", "pod-container", "container", "namespace", "stage",
            "path", "variable", "node", "role", "clusterrole", "context", "engine" (a docker context), "kind" (of a
            cluster's objects), "object" (of the kind before it), "setting", "setting-value", or one of `choices`.
        suggests: values that are offered when it is completed, while any other is accepted too.
        to: its name in `Values` and as a keyword of the call, if that differs from its own name.
        control: whether only the magic uses it, to find the engine, to ask, or to choose what is shown.
        resource: for a positional: the kind of object that it names ("pod"), which may precede the name as in
            kubectl ("pod/web"); the value is the name only.
        kind_word: whether the kind may also be a word of its own before the names, as in `kubectl get pods web`.
        before: additional names that are allowed only before the verb, where no verb has a flag of that name.
        second: for a positional with many values: the key of the flag whose value a second plain word is, as in
            `kubectl logs POD CONTAINER`.
    """

    names: tuple[str, ...]
    help: str
    kind: str = "text"
    metavar: str = ""
    default: str | float | None = None
    required: bool = False
    many: bool = False
    own: bool = False
    choices: tuple[str, ...] = ()
    completes: str = ""
    suggests: tuple[str, ...] = ()
    hidden: bool = False
    spelled: str = "{}"
    resource: str = ""
    kind_word: bool = False
    second: str = ""
    before: tuple[str, ...] = ()
    to: str = ""
    control: bool = False
    each: str = "text"
    unless: tuple[str, ...] = ()
    missing: str = ""
    gives: bool | None = None
    inherits: bool = False
    removes: bool = False
    valued: bool = False

    @property
    def is_flag(self) -> bool:
        """Whether it starts with a dash."""
        return self.names[0].startswith("-")

    @property
    def takes_value(self) -> bool:
        """Whether it takes a value."""
        return self.kind != "switch"

    @property
    def key(self) -> str:
        """Its name in `Values`: "--build-arg" is `build_arg`, "IMAGE" is `image`."""
        if self.to:
            return self.to
        name = next((name for name in self.names if name.startswith("--")), self.names[0])
        return name.lstrip("-").replace("-", "_").lower()

    @property
    def long(self) -> str:
        """Its longest name."""
        return max(self.names, key=len)

    @property
    def spelling(self) -> str:
        """Its names and a placeholder for its value: "-t, --tag TAG"."""
        if not self.is_flag or self.kind in {"switch", "refused"}:
            return ", ".join(self.names)
        values = {"number": "N", "seconds": "TIME", "mapping": "KEY=VALUE"}
        return f"{', '.join(self.names)} {self.metavar or values.get(self.kind, self.long.lstrip('-').upper())}"

    @property
    def meaning(self) -> str:
        """Its help, with its choices."""
        return self.help + (f" ({', '.join(self.choices)})" if self.choices else "")

    def accepts(self, value: str) -> bool:
        """Whether a value is one of the choices; one that ends with "=" is followed by any text."""
        return any(value == choice or (choice[-1:] == "=" and value.startswith(choice)) for choice in self.choices)

    def initial(self) -> Any:
        """Its value if it is not given."""
        if self.kind in {"switch", "refused"}:
            return self.gives is False
        if self.kind in {"list", "rest"} or self.many:
            return []
        if self.kind == "mapping":
            return {}
        return self.default


def switch(
    *names: str,
    help: str,  # noqa: A002 - argparse's name for it
    own: bool = False,
    to: str = "",
    control: bool = False,
    gives: bool = True,
) -> Argument:
    """A flag without a value."""
    return Argument(names, help, "switch", own=own, to=to, control=control, gives=gives)


def option(
    *names: str,
    help: str,  # noqa: A002 - argparse's name for it
    metavar: str = "",
    default: str | float | None = None,
    kind: str = "text",
    own: bool = False,
    choices: tuple[str, ...] = (),
    completes: str = "",
    suggests: tuple[str, ...] = (),
    hidden: bool = False,
    to: str = "",
    control: bool = False,
    each: str = "text",
    required: bool = False,
    gives: bool | None = None,
    inherits: bool = False,
    removes: bool = False,
    valued: bool = False,
    before: tuple[str, ...] = (),
) -> Argument:
    """A flag with a value."""
    return Argument(
        names,
        help,
        kind,
        metavar,
        default,
        own=own,
        choices=choices,
        completes=completes,
        suggests=suggests,
        hidden=hidden,
        to=to,
        control=control,
        each=each,
        required=required,
        gives=gives,
        inherits=inherits,
        removes=removes,
        valued=valued,
        before=before,
    )


def refused(*names: str, help: str, cure: str) -> Argument:  # noqa: A002 - argparse's name for it
    """A flag of docker or kubectl that a cell cannot support; `help` says why, `cure` what to do instead."""
    return Argument(names, f"refused: {help}", "refused", default=cure, own=True)


def positional(
    name: str,
    *,
    help: str,  # noqa: A002 - argparse's name for it
    required: bool = True,
    many: bool = False,
    kind: str = "text",
    completes: str = "",
    suggests: tuple[str, ...] = (),
    own: bool = False,
    spelled: str = "{}",
    resource: str = "",
    kind_word: bool = False,
    second: str = "",
    to: str = "",
    control: bool = False,
    unless: tuple[str, ...] = (),
    missing: str = "",
) -> Argument:
    """A word without a dash."""
    return Argument(
        (name,),
        help,
        kind,
        required=required,
        many=many,
        completes=completes,
        suggests=suggests,
        own=own,
        spelled=spelled,
        resource=resource,
        kind_word=kind_word,
        second=second,
        to=to,
        control=control,
        unless=unless,
        missing=missing,
    )


class Values:
    """The values of one call, by `Argument.key`: as attributes, or as items.

    It has no public methods, because they would clash with arguments such as `--items` or `--update`.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Hold `values`, by `Argument.key`."""
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:
        """The value of an argument."""
        if name == "_values":  # a copy under construction has none yet
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __getitem__(self, key: str) -> Any:
        """The value of an argument."""
        return self._values[key]

    def __contains__(self, key: str) -> bool:
        """Whether the verb has such an argument."""
        return key in self._values

    def __eq__(self, other: object) -> bool:
        """Whether both have the same values."""
        return self._values == other._values if isinstance(other, Values) else NotImplemented

    __hash__ = None  # type: ignore[assignment]
