"""Completion of magics, flags, Dockerfile words and names, in the page and in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from nbcontainer import magics

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

IDENTIFIER = "nbcontainer"  # of our matcher, beside IPython's own


class _Alone(list[SimpleCompletion]):
    """The only completions to offer, even if there are none: IPython ignores an empty list that suppresses others."""

    def __len__(self) -> int:
        return max(1, super().__len__())


def register(shell: InteractiveShell) -> None:
    """Add our matcher to the shell's completer."""
    unregister(shell)

    def match(context: CompletionContext) -> SimpleMatcherResult:
        return _match(shell, context)

    shell.Completer.custom_matchers.append(context_matcher(identifier=IDENTIFIER)(match))


def unregister(shell: InteractiveShell) -> None:
    """Remove it."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [matcher for matcher in matchers if getattr(matcher, "matcher_identifier", "") != IDENTIFIER]


def _match(shell: InteractiveShell, context: CompletionContext) -> SimpleMatcherResult:
    """What fits at the cursor, from the declarations of the verbs and the language of the cell's body."""
    text = context.full_text
    if "%" not in text:
        return SimpleMatcherResult(completions=[])
    try:
        names = magics.candidates.Known(shell.user_ns, shell.user_ns_hidden)
        found = magics.candidates.candidates(text, context.cursor_line, context.cursor_position, names=names)
    except Exception:  # noqa: BLE001 - IPython would print the traceback over the line that is being typed
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
