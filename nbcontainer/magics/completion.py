"""Completion of magics, flags, Dockerfile words and names, in the page and in the terminal alike."""

from __future__ import annotations

from typing import Any

__all__ = ["register", "unregister"]


class _Alone(list[Any]):
    """What fits, and nothing else may be offered, though it be nothing: IPython lets no empty list suppress others."""

    def __len__(self) -> int:
        return max(1, super().__len__())


def register(shell: Any) -> None:
    """Add our matcher to the shell's completer."""
    from IPython.core.completer import context_matcher  # noqa: PLC0415 - loads with the extension

    if any(getattr(matcher, "__name__", "") == _match.__name__ for matcher in shell.Completer.custom_matchers):
        return
    shell.Completer.custom_matchers.append(context_matcher(identifier="nbcontainer")(_match))


def unregister(shell: Any) -> None:
    """Take it away."""
    kept = [m for m in shell.Completer.custom_matchers if getattr(m, "__name__", "") != _match.__name__]
    shell.Completer.custom_matchers[:] = kept


def _match(context: Any) -> Any:
    """What fits at the cursor, from the declarations of the verbs and the language of the cell's body."""
    from IPython.core.completer import SimpleCompletion, SimpleMatcherResult  # noqa: PLC0415 - on first use

    text: str = context.full_text
    if "%" not in text:
        return SimpleMatcherResult(completions=[])
    from nbcontainer.magics.candidates import candidates  # noqa: PLC0415 - on first use

    try:
        found = candidates(text, context.cursor_line, context.cursor_position)
    except Exception:  # noqa: BLE001 - IPython would print its traceback over the line that is being typed
        found = None
    if found is None:
        return SimpleMatcherResult(completions=[])
    fragment, items = found
    return SimpleMatcherResult(
        completions=_Alone(SimpleCompletion(item.text, type=item.kind) for item in items),
        matched_fragment=fragment,
        suppress=True,
        ordered=True,
    )
