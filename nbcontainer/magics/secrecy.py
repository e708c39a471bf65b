"""A password that is typed on a line is refused, and not even kept in IPython's history, which is a file."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["register", "unregister", "without_password"]

_PASSWORD = re.compile(r"(%docker[ \t]+login\b[^\n]*?\s)(-p|--password(?=[=\s]|$))[^\n]*")


def without_password(text: str) -> str:
    """A cell's text with `-p …` where a `docker login` has a password on its line."""
    return _PASSWORD.sub(r"\1\2 …", text)


def register(shell: Any) -> None:
    """Let the history of `shell` keep no such password: neither its file, nor `In` and `_i`."""
    history = getattr(shell, "history_manager", None)
    if history is None or "store_inputs" in vars(history):
        return
    store = history.store_inputs

    def store_inputs(line_num: int, source: str, source_raw: str | None = None) -> None:
        raw = source if source_raw is None else source_raw
        kept = without_password(raw)
        store(line_num, source if kept == raw else shell.transform_cell(kept), kept)

    history.store_inputs = store_inputs


def unregister(shell: Any) -> None:
    """Keep what is typed as IPython does."""
    vars(getattr(shell, "history_manager", None) or shell).pop("store_inputs", None)
