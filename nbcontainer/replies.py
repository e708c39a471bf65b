"""HTTP replies of the standard library that are whole, or an error."""

from __future__ import annotations

import http.client
import io

__all__ = ["Response"]


class Response(http.client.HTTPResponse):
    """A reply whose head is whole.

    http.client takes the connection's end for the end of the headers too. What broke off there would be a success with
    an empty body: a list of nothing.
    """

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type] # http.client's own
        self.fp = _WholeLines(self.fp.detach())


class _WholeLines(io.BufferedReader):
    """A reader whose lines must not end with the connection, but for the first, of which http.client sees it itself."""

    _begun = False

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if self._begun and not line.endswith(b"\n") and not 0 <= (-1 if size is None else size) <= len(line):
            raise http.client.IncompleteRead(line)
        self._begun = True
        return line
