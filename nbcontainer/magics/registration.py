"""What `%load_ext nbcontainer` does: register magics, completion and the display of results. Loads nothing heavy.

Even the declarations of the verbs are loaded by the first call, or in the background once the first cell has run.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from IPython import get_ipython
from IPython.core.magic import needs_local_scope, no_var_expand

from nbcontainer import magics
from nbcontainer.interrupts import interrupts_redelivered, run_interruptible
from nbcontainer.magics import completion, inspection, leaving, results, secrecy
from nbcontainer.magics.catalogue import MAGICS, verbs_of
from nbcontainer.settings import settings

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Configurable


_ends: list[Callable[[], None]] = []  # what unregisters the rest


def register(shell: InteractiveShell) -> None:
    """Add the magics to `shell`."""
    _configure(shell)
    for name, summary in MAGICS.items():
        shell.magics_manager.register_function(_magic(shell, name, summary), "line_cell", name)
    if _without_body not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(_without_body)
    results.register(shell)
    completion.register(shell)
    inspection.register(shell)
    secrecy.register(shell)
    if hasattr(shell, "kernel"):
        _ends.append(magics.chosen.register(shell))
        _ends.append(magics.problems_channel.register(shell))
    leaving.register(shell)
    _preload_later(shell)


def unregister(shell: InteractiveShell) -> None:
    """Remove them."""
    configurables = _configurables(shell)
    if settings in configurables:
        configurables.remove(settings)
    for kind in ("line", "cell"):
        for name in MAGICS:
            shell.magics_manager.magics[kind].pop(name, None)
    if _without_body in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(_without_body)
    completion.unregister(shell)
    inspection.unregister(shell)
    secrecy.unregister(shell)
    while _ends:
        _ends.pop()()


def _configure(shell: InteractiveShell) -> None:
    """Read the settings from the shell's configuration, and make them known to `%config`."""
    settings.read_config(shell.config)
    if settings not in _configurables(shell):
        _configurables(shell).append(settings)


def _configurables(shell: InteractiveShell) -> list[Configurable]:
    return shell.configurables  # type: ignore[return-value] # IPython's type hint is narrower than the list's contents


def _magic(shell: InteractiveShell, name: str, summary: str) -> Callable[..., object]:
    @needs_local_scope
    @no_var_expand
    def magic(line: str, cell: str | None = None, local_ns: Mapping[str, object] | None = None) -> object:
        return run_interruptible(partial(run, line, cell, local_ns), results.interrupted)

    def run(line: str, cell: str | None, local_ns: Mapping[str, object] | None) -> object:
        namespace: Mapping[str, object] = shell.user_ns
        if local_ns is not None and local_ns is not shell.user_ns:
            namespace = ChainMap(dict(local_ns), shell.user_ns)
        try:
            return magics.calls.run_magic(verbs_of(name), line, cell, namespace, shell)
        except Exception as error:  # noqa: BLE001 - the one place that all magics pass
            shown = magics.presenting.presentable(error)
        raise shown  # raised outside `except`: with an exception group as its context, IPython prints all of it

    magic.__name__ = name
    sign = "%%" if name == "dockerfile" else "%"
    magic.__doc__ = f"{summary}\n\n{sign}{name} --help explains everything, with examples."
    return magic  # type: ignore[no-any-return,unused-ignore]


def _without_body(lines: list[str]) -> list[str]:
    """Allow cell magics without a body, such as `%%dockerfile --help`, which IPython would refuse."""
    text = "".join(lines).strip()
    name = text[2:].split(None, 1)[0] if text.startswith("%%") and len(text) > 2 else ""  # noqa: PLR2004 - the signs
    if name not in MAGICS or "\n" in text:
        return lines
    # a terminal calls this after each line, when a body may still follow
    if not hasattr(get_ipython(), "kernel") and "--help" not in (words := text.split()) and words[-1] != "-h":
        return lines
    return [f"{text[1:]}\n"]


_without_body.has_side_effects = False  # type: ignore[attr-defined] # IPython's protocol for transformers


def _preload_later(shell: InteractiveShell) -> None:
    """Load what the first call of a magic needs, on a thread, once the cell with `%load_ext` has run."""

    @interrupts_redelivered
    def after_the_cell(*_: object) -> None:
        shell.events.unregister("post_run_cell", after_the_cell)
        magics.preloading.preload(magics.preloading.Quiet(shell), _steps())

    shell.events.register("post_run_cell", after_the_cell)


def _steps() -> Iterator[Callable[[], object]]:
    for name in MAGICS:
        yield partial(verbs_of, name)
    from nbcontainer.api.preloading import preloading  # noqa: PLC0415 - that is what it is for

    yield from preloading()
