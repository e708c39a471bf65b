"""The news that a connection to an API server was found frozen, although new ones work.

What froze it, a proxy or NAT that has forgotten its connections, has probably frozen others, too.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from nbcontainer import operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class FrozenConnections:
    """Who is to check other connections to the same API server. What it calls runs on the background loop."""

    def __init__(self) -> None:
        self._checks: set[Callable[[], None]] = set()

    @contextmanager
    def checked_by(self, check: Callable[[], None]) -> Iterator[None]:
        """Call `check` each time one is found, within the block."""
        self._checks.add(check)
        try:
            yield
        finally:
            self._checks.discard(check)

    def found(self, *, by: Callable[[], None] | None = None) -> None:
        """One was found, on the background loop; `by` need not be called."""
        for check in self._checks - {by}:
            check()

    def found_elsewhere(self) -> None:
        """One was found, on any other thread."""
        if self._checks:
            operation.background_loop().call_soon_threadsafe(self.found)
