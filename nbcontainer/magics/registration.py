"""What `%load_ext nbcontainer` does: magics, completion, and how results are drawn. Nothing heavy loads here.

Even the declarations of the verbs load with the first call, or, once the first cell has run, in the background.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython import get_ipython
from IPython.core.magic import needs_local_scope, no_var_expand

from nbcontainer.errors import NbcontainerError
from nbcontainer.interrupts import redelivered, run_calmly
from nbcontainer.magics import completion, inspection, results, secrecy
from nbcontainer.settings import settings

if TYPE_CHECKING:
    from nbcontainer.magics.calls import Verbs

__all__ = ["MAGICS", "register", "unregister", "verbs_of"]

# each magic, in a module of its name, and what it is for
MAGICS = {
    "dockerfile": "Builds the cell as a Dockerfile: the cell is an image.",
    "docker": "Images, containers and registries of the engine in use.",
    "kpod": "Pods of the cluster in use, or of Podman where there is none.",
    "kube": "Objects of the cluster in use, written as YAML.",
    "nbcontainer": "What is reachable, what is missing, and the settings.",
}


def verbs_of(name: str) -> Verbs:
    """The verbs of one of our magics."""
    from importlib import import_module  # noqa: PLC0415 - with the first call

    return import_module(f"nbcontainer.magics.{name}").VERBS  # type: ignore[no-any-return]


def register(shell: Any) -> None:
    """Give `shell` the magics.

    Raises:
        UsageError: its configuration has what is no setting, or does not fit one; there are no magics then.
    """
    _configure(shell)
    for name, summary in MAGICS.items():
        shell.register_magic_function(_magic(shell, name, summary), "line_cell", name)
    if _without_body not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(_without_body)
    results.register(shell)
    completion.register(shell)
    inspection.register(shell)
    secrecy.register(shell)
    _preload_later(shell)


def unregister(shell: Any) -> None:
    """Take them away."""
    if settings in shell.configurables:
        shell.configurables.remove(settings)
    for kind in ("line", "cell"):
        for name in MAGICS:
            shell.magics_manager.magics[kind].pop(name, None)
    if _without_body in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(_without_body)
    completion.unregister(shell)
    inspection.unregister(shell)
    secrecy.unregister(shell)


def _configure(shell: Any) -> None:
    """Read the settings from the shell's configuration, and let `%config` know them."""
    shown: Exception | None = None
    try:
        settings.read_config(shell.config)
    except NbcontainerError as error:
        from nbcontainer.magics.calls import presentable  # noqa: PLC0415 - seldom

        shown = presentable(error)
    if shown is not None:
        raise shown
    if settings not in shell.configurables:
        shell.configurables.append(settings)


def _magic(shell: Any, name: str, summary: str) -> Callable[..., Any]:
    @needs_local_scope
    @no_var_expand
    def magic(line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        return run_calmly(partial(run, line, cell, local_ns), results.interrupted)

    def run(line: str, cell: str | None, local_ns: Mapping[str, Any] | None) -> Any:
        from nbcontainer.magics.calls import run_magic  # noqa: PLC0415 - with the first call

        namespace: Mapping[str, Any] = shell.user_ns
        if local_ns is not None and local_ns is not shell.user_ns:
            namespace = ChainMap(dict(local_ns), shell.user_ns)
        try:
            return run_magic(verbs_of(name), line, cell, namespace, shell)
        except Exception as error:  # noqa: BLE001 - the one place that all magics pass
            from nbcontainer.magics.calls import presentable  # noqa: PLC0415 - seldom

            shown = presentable(error)
        raise shown  # not where it was caught: with a group of errors as its context IPython prints all of it

    magic.__name__ = name
    sign = "%%" if name == "dockerfile" else "%"
    magic.__doc__ = f"{summary}\n\n{sign}{name} --help lists all of it, with examples."
    return magic  # type: ignore[no-any-return,unused-ignore]


def _without_body(lines: list[str]) -> list[str]:
    """Let cell magics without a body reach us: `%%dockerfile --help` works alone, and IPython would refuse them."""
    text = "".join(lines).strip()
    name = text[2:].split(None, 1)[0] if text.startswith("%%") and len(text) > 2 else ""  # noqa: PLR2004 - the signs
    if name not in MAGICS or "\n" in text:
        return lines
    # a terminal asks this after each line, when a body may still come
    if not hasattr(get_ipython(), "kernel") and not {"--help", "-h"} & set(text.split()):
        return lines
    return [f"{text[1:]}\n"]


_without_body.has_side_effects = False  # type: ignore[attr-defined] # IPython's protocol for transformers


def _preload_later(shell: Any) -> None:
    """Load what the first call of a magic needs, on a thread, once the cell with `%load_ext` has run."""

    def after_the_cell(*_: Any) -> None:
        from nbcontainer.magics.preloading import Quiet, preload  # noqa: PLC0415 - only here

        with redelivered():
            shell.events.unregister("post_run_cell", after_the_cell)
            preload(Quiet(shell), _steps())

    shell.events.register("post_run_cell", after_the_cell)


def _steps() -> Iterator[Callable[[], object]]:
    for name in MAGICS:
        yield partial(verbs_of, name)
    from nbcontainer.api.preloading import preloading  # noqa: PLC0415 - that is what it is for

    yield from preloading()
