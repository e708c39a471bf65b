"""The IPython shell in which a view is drawn, and the request that it is executing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from IPython.core.interactiveshell import InteractiveShell


def current_shell() -> InteractiveShell | None:
    """IPython's shell; None in a script."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def in_kernel() -> bool:
    """Whether this is a Jupyter kernel, not a terminal or a script."""
    return hasattr(current_shell(), "kernel")


def current_request() -> Mapping[str, Mapping[str, object]]:
    """The message with which a front end requested the execution of the current cell; empty if there is none."""
    try:
        found: Mapping[str, Mapping[str, object]] = current_shell().get_parent()  # type: ignore[union-attr] # only kernels have it
    except (AttributeError, LookupError):
        return {}
    return found
