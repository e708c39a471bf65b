"""One JSON form for everything that a call emits, returns or raises: events, states, results and errors.

    to_json(event)      {"version": 1, "type": "StepOutput", "value": {"id": "line 3", "lines": ["ok"], …}}
    from_json(that)     the event

The type hints of the classes are the schema (`model/json_forms.py`), so a new class needs nothing here.

What is not written:

- Callables, such as `Table.follow`, and private fields, such as the handle that removes a volume: after reading they
  have their defaults. Locks, threads and connections have no form at all; a test checks all classes for them.
- Requests, and `Secret`: build arguments, environment variables, standard input and files may be secret, but what is
  written is meant to be shared. A result's `command` says what was requested, without values of environment variables
  and build arguments that may be secret, and with `"$name"` for a value that a magic's line took from `{{name}}`. What
  else a call in Python passes, such as a word of the command to run, is written as it is.
- Plans, which are questions.
- An error's cause (`__cause__`) and traceback.
- What the function in a field's metadata, `{"to_json": function}`, leaves out, such as the values of a Secret.

The path of a spool file is written unchanged, but the file is not: to move a recording to another machine, copy the
file as well, or clear the path.

A field with a default may be missing when it is read, so fields can be added and older recordings stay readable. Any
other change to the form needs a new `VERSION`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TypeVar

from nbcontainer import api, errors, model
from nbcontainer.errors import SerializationError
from nbcontainer.model.json_forms import converted, form_of, quoted
from nbcontainer.model.results import Described

VERSION = 1
NOT_DATA = {"Block", "LogReader", "Record", "Stamps"}  # how the model reads logs; no event, state or result has them

Value = TypeVar("Value")


def to_json(value: object) -> dict[str, object]:
    """An event, a state, a result or an error in a form for `json.dumps`.

    Raises:
        SerializationError: it is none of these, or a field does not match its type hint.
    """
    name = type(value).__name__
    if known_types().get(name) is not type(value):
        raise SerializationError(f"{name} has no JSON form: only events, states, results and errors have one.")
    form = form_of(type(value))  # type: ignore[arg-type] # a class is hashable
    return {"version": VERSION, "type": name, "value": converted(name, form.encode, value)}


def from_json(document: object, kind: type[Value] = object) -> Value:  # type: ignore[assignment] # any class will do
    """The value that `to_json` wrote.

    Args:
        document: from `json.loads`. It need not be trusted: only our own classes are created.
        kind: the expected class.

    Raises:
        SerializationError: it is not such a document, or has another version or class; `path` is the place in it.
            The message contains none of its values.
    """
    if not isinstance(document, dict) or document.keys() != {"version", "type", "value"}:
        raise SerializationError("This was not written by nbcontainer: it must have a version, a type and a value.")
    version, name = document["version"], document["type"]
    if version != VERSION:
        newer = isinstance(version, int | float) and version > VERSION
        raise SerializationError(
            f"This is version {quoted(version)} of the JSON form; this nbcontainer reads version {VERSION}.",
            cure="Update nbcontainer." if newer else "",
        )
    known = known_types().get(name) if isinstance(name, str) else None
    if known is None:
        raise SerializationError(
            f"{quoted(name)} is not an event, a state, a result or an error that this nbcontainer knows."
        )
    value = converted(known.__name__, form_of(known).decode, document["value"])
    if not isinstance(value, kind):
        raise SerializationError(f"This is a {known.__name__}, not a {kind.__name__}.")
    return value


@functools.cache
def known_types() -> Mapping[str, type]:
    """The classes that can be written, by name: the model's public ones except requests, the API's objects, errors."""
    found_errors = [getattr(errors, name) for name in errors.__all__]
    kinds = [kind for kind in found_errors if isinstance(kind, type) and issubclass(kind, errors.NbcontainerError)]
    known: dict[str, type] = {kind.__name__: kind for kind in kinds}

    def extends_known(item: type) -> bool:
        return any(known.get(base.__name__) is base for base in item.__mro__[1:])

    for package in (model, api):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for name, item in vars(importlib.import_module(found.name)).items():
                is_class = isinstance(item, type) and item.__module__ == found.name and not name.startswith("_")
                if (
                    not is_class
                    or name in NOT_DATA
                    or issubclass(item, Enum)
                    or inspect.isabstract(item)
                    or name.endswith("Request")
                ):
                    continue
                if name in NOT_DATA:
                    continue
                if package is api and not (issubclass(item, Described) or extends_known(item)):
                    continue
                if name in known:
                    raise TypeError(f"Two classes are called {name}, so the name is ambiguous.")
                known[name] = item
    return MappingProxyType(known)
