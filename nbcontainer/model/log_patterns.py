"""Regular expressions that a user gives for a log's lines."""

from __future__ import annotations

import functools
import re

from nbcontainer.errors import UsageError

_FLAGS = re.compile(r"\(\?([aimsux]+)\)")


@functools.lru_cache(maxsize=64)
def pattern_of(expressions: tuple[str, ...], flag: str) -> re.Pattern[str] | None:
    """One pattern for several regular expressions; None for none.

    Args:
        expressions: a line matches if it matches one of them.
        flag: whose values these are, for the error.

    Raises:
        UsageError: one of them is not a valid regular expression.
    """
    for expression in expressions:
        try:
            re.compile(expression)
        except re.error as error:
            raise UsageError(f"`{flag}` {expression!r} is not a valid regular expression: {error}.") from None
    return re.compile("|".join(map(_grouped, expressions))) if expressions else None


def _grouped(expression: str) -> str:
    flags = _FLAGS.match(expression)  # "(?i)error" is valid only at the beginning of the whole pattern
    return f"(?{flags[1]}:{expression[flags.end() :]})" if flags else f"(?:{expression})"
