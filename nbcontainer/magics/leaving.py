"""At the end of a kernel: what it made and left, in a line."""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - it refuses to be imported at the exit
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING

from nbcontainer import api, protection
from nbcontainer.errors import NbcontainerError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

SECONDS = 3.0  # that the end of a kernel may take longer
_registered = False


def register(shell: InteractiveShell) -> None:
    """Report at the exit of this process what the notebook has left, if this process changed anything."""
    global _registered  # noqa: PLW0603 - once for each process
    del shell
    at_exit = getattr(threading, "_register_atexit", None)  # atexit itself is too late: no thread starts then
    if not _registered and at_exit is not None:
        at_exit(_report)
        _registered = True


def _report() -> None:
    if not protection.has_changed_something():
        return
    told: list[str] = []
    asking = threading.Thread(target=lambda: told.append(left()), daemon=True, name="nbcontainer: what is left")
    asking.start()
    asking.join(SECONDS)
    if told and told[0] and sys.__stderr__ is not None:
        print(told[0], file=sys.__stderr__, flush=True)


def left() -> str:
    """What this notebook made and left, in words; "" if there is nothing, or nobody to ask."""
    try:
        counts = Counter(row.kind.partition(".")[0] for row in api.made.made())
    except NbcontainerError:
        return ""
    if not counts:
        return ""
    what = ", ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in counts.items())
    return f"This notebook leaves {what}: see `%nbcontainer made`; `%nbcontainer clean` removes it."
