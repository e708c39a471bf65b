"""Arguments that many verbs share."""

from __future__ import annotations

from nbcontainer.verbs.arguments import Argument, option, refused, switch

__all__ = ["ENGINE", "YES", "no_terminal"]

ENGINE = option("--context", help="the engine's docker context, or its address", own=True, metavar="NAME", control=True)
YES = switch("-y", "--yes", help="do not ask", own=True, control=True)


def no_terminal(magic: str) -> Argument:
    """The flag `-t`, which many type from habit.

    Args:
        magic: what gives a command its standard input: "%%docker run".
    """
    return refused(
        "-t",
        "--tty",
        help="a magic gives what runs no terminal, so nothing can be typed into it",
        cure=f"Leave -t out. {magic} with -i gives the cell's body to it as standard input.",
    )
