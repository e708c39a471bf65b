"""Makes a notebook's kernel ask us first for the help at the cursor (Shift-Tab)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer import magics

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def register(shell: InteractiveShell) -> None:
    """Make the shell's kernel, if it has one, ask us first."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None or hasattr(kernel.do_inspect, "before_nbcontainer"):
        return
    before = kernel.do_inspect

    def do_inspect(code: str, cursor_pos: int, *options: object, **named: object) -> object:
        text = magics.hover.help_at(code, cursor_pos)
        if text is None:
            return before(code, cursor_pos, *options, **named)
        return {"status": "ok", "found": True, "data": {"text/plain": text}, "metadata": {}}

    do_inspect.before_nbcontainer = before  # type: ignore[attr-defined] # keeps the replaced method, for `unregister`
    kernel.do_inspect = do_inspect


def unregister(shell: InteractiveShell) -> None:
    """Restore the kernel."""
    kernel = getattr(shell, "kernel", None)
    before = getattr(getattr(kernel, "do_inspect", None), "before_nbcontainer", None)
    if kernel is not None and before is not None:
        kernel.do_inspect = before
