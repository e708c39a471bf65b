"""Arguments that many verbs share."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, switch

__all__ = ["ENGINE", "YES"]

ENGINE = option("--context", help="the engine's docker context, or its address", own=True, metavar="NAME", control=True)
YES = switch("-y", "--yes", help="do not ask", own=True, control=True)
