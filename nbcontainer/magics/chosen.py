"""The context and the namespace that a notebook has chosen: the page keeps them in the notebook's metadata.

The kernel tells the page (frontend/src/lab/chosen.ts) after the cell that changed them, and reads the notebook's file
when the extension is loaded: a message from the page might come only after cells that were started together.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import comm

from nbcontainer.identity import notebook_path
from nbcontainer.interrupts import interrupts_redelivered
from nbcontainer.json_objects import text_of
from nbcontainer.settings import settings
from nbcontainer.views.ansi import plain
from nbcontainer.views.shell import current_request

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

KEY = "nbcontainer"  # in the notebook's metadata
TARGET = "nbcontainer:chosen"  # as in frontend/src/lab/chosen.ts


def register(shell: InteractiveShell) -> Callable[[], None]:
    """Restore what the notebook has chosen, and tell its page what is chosen from now on; returns what ends that."""
    _restore()
    told = _chosen()

    @interrupts_redelivered  # IPython swallows an interrupt that comes while it calls this
    def after_a_cell(*_: object) -> None:
        nonlocal told
        if told != (chosen := _chosen()) and "cellId" in current_request().get("metadata", {}):
            told = chosen
            comm.create_comm(target_name=TARGET, data=chosen)

    shell.events.register("post_run_cell", after_a_cell)
    return lambda: shell.events.unregister("post_run_cell", after_a_cell)


def _chosen() -> dict[str, str]:
    return {"context": settings.context, "namespace": settings.namespace}


def _restore() -> None:
    """Use what the notebook's file says, unless the user's configuration has chosen already."""
    saved = _saved(notebook_path())
    context, namespace = text_of(saved, "context"), text_of(saved, "namespace")
    if any(_chosen().values()) or not (context or namespace):
        return
    settings.context, settings.namespace = context, namespace
    words = [f"context {context}"] * bool(context) + [f"namespace {namespace}"] * bool(namespace)
    print(plain(f"In use, as this notebook has chosen: {', '.join(words)}."))  # noqa: T201 - whoever runs it must know


def _saved(path: str) -> object:
    """What the metadata of a notebook's file say; None if it cannot be read."""
    try:
        content = Path(path).read_bytes() if path.endswith(".ipynb") else b""
        return json.loads(content)["metadata"][KEY] if f'"{KEY}"'.encode() in content else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
