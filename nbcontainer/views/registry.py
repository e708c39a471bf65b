"""Declares which view shows a state, and what draws a result, next to the view.

The views of a noun are found by the name of its module: those of `model/images.py` are in `views/images.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from nbcontainer import views

if TYPE_CHECKING:
    from nbcontainer.views.kit import Picture
    from nbcontainer.views.view import AnyView

PICTURES: dict[type, Callable[[Any], Picture]] = {}
VIEWS: dict[type, Callable[[], AnyView]] = {}

Draw = TypeVar("Draw", bound="Callable[[Any], Picture]")
Shown = TypeVar("Shown", bound="type[AnyView]")
Value = TypeVar("Value")


def draws(*results: type) -> Callable[[Draw], Draw]:
    """The decorated function makes the picture of results of these classes."""

    def declare(draw: Draw) -> Draw:
        PICTURES.update(dict.fromkeys(results, draw))
        return draw

    return declare


def shows(state: type) -> Callable[[Shown], Shown]:
    """The decorated view shows operations whose state is of this class."""

    def declare(view: Shown) -> Shown:
        VIEWS[state] = view
        return view

    return declare


def found(value: object, declared: dict[type, Value]) -> Value | None:
    """What is declared for the class of a value, or for the nearest of its bases."""
    for kind in type(value).__mro__:
        package, _, noun = kind.__module__.rpartition(".")
        if package.partition(".")[0] == "nbcontainer":
            getattr(views, noun, None)  # loads the noun's views
        if kind in declared:
            return declared[kind]
    return None
