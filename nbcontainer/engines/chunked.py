"""The body of a reply that is sent in chunks (RFC 9112, 7.1), which engines use for all that is streamed.

An engine writes each record of a stream, such as a line of a log, as a chunk of its own. http.client takes several
microseconds for each of them.
"""

from __future__ import annotations

import http.client

LONGEST_SIZE = 1024  # bytes of a line with a chunk's size, which may have extensions
MOST_KNOWN = 4096
LONGEST_CHUNK = 1024 * 1024  # bytes; of a longer one, parts are passed on


class ChunkedBody:
    """Decodes a body.

    Attributes:
        ended: whether its end has been seen.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._known: dict[bytes, int] = {}  # first lines of chunks, whose sizes need not be calculated again
        self._head = 0  # how long the last one is
        self._left = 0  # bytes that are still to come of a chunk that is passed on in parts
        self.ended = False

    def feed(self, data: bytes) -> list[bytes]:
        """The chunks that `data` completes, as they were written.

        Raises:
            http.client.HTTPException: these are not chunks.
        """
        data = self._rest + data if self._rest else data
        found: list[bytes] = []
        at = self._pass_on(data, found) if self._left else 0
        known, head, size, add = self._known, self._head, len(data), found.append
        while not self._left:
            length = known.get(data[at : at + head])
            if length is None:
                end = data.find(b"\r\n", at, at + LONGEST_SIZE)
                if end < 0:
                    if size - at >= LONGEST_SIZE:
                        raise http.client.LineTooLong("chunk size")
                    break
                line = data[at : end + 2]
                length, head = self._learn(line), len(line)
            if not length:
                self.ended = True
                break
            start = at + head
            end = start + length
            if end + 2 > size:
                if size - start > LONGEST_CHUNK:
                    self._left = length + 2
                    at = start + self._pass_on(data[start:], found)
                break
            add(data[start:end])
            at = end + 2
        self._head, self._rest = head, data[at:]
        return found

    def _learn(self, line: bytes) -> int:
        """The size of a chunk that begins with `line`."""
        try:
            length = int(line.partition(b";")[0], 16)
        except ValueError:
            raise http.client.HTTPException(f"The size of a chunk is {line[:20]!r}.") from None
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[line] = length
        return length

    def _pass_on(self, data: bytes, found: list[bytes]) -> int:
        """Pass on the next part of a long chunk; returns how many bytes were taken."""
        taken = min(len(data), self._left)
        part = data[: min(taken, self._left - 2)]
        self._left -= taken
        if part:
            found.append(part)
        return taken
