"""Pictures for the page: blocks as JSON, and what changed from one picture to the next.

The page's side is frontend/src/blocks.ts. A block's JSON has its kind, its key, and the fields that differ from their
defaults; a span that is nothing but text is a string. A change names a block by its key, with

- `kind`: a new block, whole;
- `set`, `unset`: fields that changed, and fields that have their default again;
- `rows`, `outputs`: of a grid, those that changed, by the row's key (an output that is gone is null);
- `drop`, `lines`: of an output, how many lines are gone at the front, and the new ones at the end;
- `blocks`: of a section, the blocks that changed;
- `order`: the keys of the rows or blocks, if any came, went or moved.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from enum import Enum
from typing import TYPE_CHECKING, Any, cast, get_args

from nbcontainer.views.ansi import sendable
from nbcontainer.views.blocks import Block, Section
from nbcontainer.views.kit import Grid, Output, Picture, Span
from nbcontainer.views.layout import laid_out

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Wire = dict[str, object]
_UNKNOWN = object()  # a field without a default


def whole(picture: Picture) -> Wire:
    """The picture as JSON."""
    blocks = [_whole(key, block) for key, block in _by_key(laid_out(picture).blocks).items()]
    return {"label": sendable(picture.label), "blocks": blocks}


def changes(previous: Picture, current: Picture) -> Wire | None:
    """What takes the page from one picture to the next, as JSON; None if they look the same."""
    if previous is current:
        return None
    change = _changed_blocks(laid_out(previous).blocks, laid_out(current).blocks)
    if previous.label != current.label:
        change["label"] = sendable(current.label)
    return change or None


def _by_key(blocks: Sequence[Block]) -> dict[str, Block]:
    """The blocks by their keys; one without a key, or with another's, gets one from its kind and its place."""
    found: dict[str, Block] = {}
    counts: dict[str, int] = {}
    for block in blocks:
        key = sendable(block.key)
        if not key or key in found:
            kind = type(block).__name__.lower()
            while not key or key in found:
                counts[kind] = counts.get(kind, 0) + 1
                key = f"{kind} {counts[kind]}"
        found[key] = block
    return found


def _whole(key: str, block: Block) -> Wire:
    wire: Wire = {"kind": type(block).__name__.lower(), "key": key}
    for name, default in _fields(block):
        value = getattr(block, name)
        if value is not default and value != default:
            wire[name] = as_json(value)
    if isinstance(block, Section):
        wire["blocks"] = [_whole(key, inner) for key, inner in _by_key(block.blocks).items()]
    elif isinstance(block, Grid):
        for name in ("keys", "outputs"):
            wire.pop(name, None)
        if _has_keys(block):
            wire["keys"] = [sendable(key) for key in block.keys]
        if outputs := _outputs(block):
            wire["outputs"] = {sendable(key): _whole("", output) for key, output in outputs.items()}
    return wire


def _outputs(grid: Grid) -> Mapping[str, Output]:
    return grid.outputs if _has_keys(grid) else {}


def _changed_blocks(before: Sequence[Block], after: Sequence[Block]) -> Wire:
    old, new = _by_key(before), _by_key(after)
    changed = []
    for key, block in new.items():
        known = old.get(key)
        if known is block:
            continue
        if type(known) is not type(block) or _keys_changed(known, block):
            changed.append(_whole(key, block))
        elif change := _changed(known, block):
            changed.append({"key": key, **change})
    wire: Wire = {"blocks": changed} if changed else {}
    if list(old) != list(new):
        wire["order"] = list(new)
    return wire


def _keys_changed(old: Block | None, new: Block) -> bool:
    """Whether a grid's rows have keys where they had none before, or the other way round."""
    return isinstance(old, Grid) and isinstance(new, Grid) and _has_keys(old) != _has_keys(new)


def _changed(old: Block, new: Block) -> Wire:
    """What changed in a block of the same kind."""
    change: Wire = {}
    apart: tuple[str, ...] = ()  # fields whose changes are sent in parts
    if isinstance(old, Grid) and isinstance(new, Grid):
        change, apart = _changed_rows(old, new) if _has_keys(new) else {}, ("keys", "outputs")
        apart += ("rows",) if _has_keys(new) else ()
    elif isinstance(old, Output) and isinstance(new, Output):
        change = _new_lines(old, new)
        apart = ("lines",) if change or old.lines == new.lines else ()
    elif isinstance(old, Section) and isinstance(new, Section):
        change, apart = _changed_blocks(old.blocks, new.blocks), ("blocks",)
    changed, unset = {}, []
    for name, default in _fields(new):
        value, before = getattr(new, name), getattr(old, name)
        if name in apart or value is before or value == before:
            continue
        if value == default:
            unset.append(name)
        else:
            changed[name] = as_json(value)
    if changed:
        change["set"] = changed
    if unset:
        change["unset"] = unset
    return change


def _has_keys(grid: Grid) -> bool:
    return 0 < len(grid.keys) == len(grid.rows) and len(set(grid.keys)) == len(grid.keys)


def _changed_rows(old: Grid, new: Grid) -> Wire:
    change: Wire = {}
    known = dict(zip(old.keys, old.rows, strict=True))
    rows = {
        sendable(key): [_span(span) for span in row]
        for key, row in zip(new.keys, new.rows, strict=True)
        if (before := known.get(key)) is not row and before != row
    }
    if rows:
        change["rows"] = rows
    if old.keys != new.keys:
        change["order"] = [sendable(key) for key in new.keys]
    outputs: dict[str, object] = {}
    if old.outputs is not new.outputs:
        for key, output in new.outputs.items():
            before_output = old.outputs.get(key)
            if before_output is None:
                outputs[sendable(key)] = _whole("", output)
            elif before_output is not output and (changed := _changed(before_output, output)):
                outputs[sendable(key)] = changed
        outputs |= {sendable(key): None for key in old.outputs if key not in new.outputs}
    if outputs:
        change["outputs"] = outputs
    return change


def _new_lines(old: Output, new: Output) -> Wire:
    """The lines at the end that are new; nothing if the others are not the same as before."""
    added = new.total - old.total
    kept = len(new.lines) - added
    if added < 0 or not 0 < kept <= len(old.lines):
        return {}
    dropped = len(old.lines) - kept
    if (not added and not dropped) or old.lines[dropped:] != new.lines[:kept]:
        return {}
    change: Wire = {"drop": dropped} if dropped else {}
    if added:
        change["lines"] = [sendable(line) for line in new.lines[kept:]]
    return change


# --- JSON


def _fields(value: object) -> tuple[tuple[str, object], ...]:
    return _fields_of(cast("Any", type(value)))


@functools.cache
def _fields_of(kind: Any) -> tuple[tuple[str, object], ...]:
    """The fields of a dataclass that are sent, with their defaults. A block's key and a section's blocks go apart."""
    apart = ("key", "blocks") if kind is Section else ("key",) if kind in _KEYED else ()
    return tuple((field.name, _default(field)) for field in fields(kind) if field.name not in apart)


def _default(field: Any) -> object:
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else _UNKNOWN


_KEYED = frozenset(get_args(Block))
_SPAN = tuple((field.name, _default(field)) for field in fields(Span) if field.name != "text")


def _span(span: Span) -> object:
    text = span.text if span.text.isascii() else sendable(span.text)
    wire: Wire = {}
    for name, default in _SPAN:
        value = getattr(span, name)
        if value is not default and value != default:
            wire[name] = as_json(value)
    return {"text": text, **wire} if wire else text


def as_json(value: object) -> object:  # noqa: PLR0911 - one return for each kind of value
    """A part of a picture as JSON."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return sendable(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Span):
        return _span(value)
    if isinstance(value, Mapping):
        return {sendable(str(key)): as_json(part) for key, part in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(cast("Any", value))
    if isinstance(value, (tuple, list)):
        return [as_json(part) for part in value]
    known = cast("DataclassInstance", value)
    return {
        name: as_json(part)
        for name, default in _fields(known)
        if (part := getattr(known, name)) is not default and part != default
    }
