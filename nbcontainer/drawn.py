"""Results that show their picture where they are displayed: in IPython, also without `%load_ext`, and in marimo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

Bundle: TypeAlias = dict[str, str]  # by MIME type


class Printer(Protocol):
    """The object to which IPython has a representation written."""

    def text(self, text: str) -> None:
        """Write."""


class Drawn:
    """A result with a picture. The parts that draw it load when the first one is displayed."""

    __slots__ = ()

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        cls._repr_pretty_ = Drawn._repr_pretty_  # type: ignore[method-assign] # IPython prefers a class's own __repr__

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        """The picture as text and HTML: IPython's protocol."""
        del include, exclude
        return _draw(self)

    def _mime_(self) -> tuple[str, str]:
        """The picture as HTML: marimo's protocol."""
        return "text/html", _draw(self)["text/html"]

    def widget(self) -> Any:
        """A widget to be put inside others: `ipywidgets.VBox([table.widget(), …])`.

        A table that stays live does so here, too; its `selected` are the names of the rows that the user selects.

        Raises:
            NbcontainerError: the front end was not built.
        """
        return _embed(self)

    def _repr_pretty_(self, printer: Printer, cycle: bool) -> None:  # noqa: FBT001 - IPython's protocol
        """The result inside a list or another object."""
        _print(self, printer, cycle)


def _draw_nothing(result: object) -> Bundle:
    return {"text/plain": repr(result), "text/html": ""}


def _embed_nothing(result: object) -> object:
    raise NotImplementedError(f"There is no widget of a {type(result).__name__}.")


def _print_plainly(result: object, printer: Printer, cycle: bool) -> None:  # noqa: FBT001 - IPython's protocol
    del cycle
    printer.text(repr(result))


_draw: Callable[[object], Bundle] = _draw_nothing
_embed: Callable[[object], object] = _embed_nothing
_print: Callable[[object, Printer, bool], None] = _print_plainly


def draw_by(draw: Callable[[object], Bundle], embed: Callable[[object], object]) -> None:
    """Have pictures drawn, and widgets made, by a part that knows views."""
    global _draw, _embed
    _draw, _embed = draw, embed


def print_by(write: Callable[[object, Printer, bool], None]) -> None:
    """Have results inside other objects printed by a part that knows the terminal."""
    global _print  # noqa: PLW0603 - set once, by the extension
    _print = write
