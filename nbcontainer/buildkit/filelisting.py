"""What a sender may list, and in what order, as in fsutil's `validator.go` and `hardlinks.go`.

https://github.com/tonistiigi/fsutil

Each folder comes before its content, names within it ascend bytewise, and a folder that was left is not entered
again. So no path comes twice, and nothing that was received can be replaced later.
"""

from __future__ import annotations

from .destination import is_plain
from .filestat import DIRECTORY, SYMLINK
from .filesync import TransferError
from .messages import Stat


class Listing:
    """What a sender has listed so far."""

    def __init__(self) -> None:
        self._entered: list[list[str]] = [["", ""]]
        self._files: set[str] = set()

    def add(self, stat: Stat) -> None:
        """Check the next entry.

        Raises:
            TransferError: It is not allowed here; the message names its path.
        """
        path = stat.path
        if not is_plain(path):
            raise TransferError(f"the daemon listed {path!r}, which is not a plain path below the output folder")
        above, _, name = path.rpartition("/")
        entered = self._entered
        while entered and entered[-1][0] != above:
            entered.pop()
        if not entered:
            raise TransferError(f"the daemon listed {path!r}, which is not in a folder that it listed just before")
        last = entered[-1][1]
        if last and _bytes(last) >= _bytes(name):
            what = "twice" if last == name else f"after {f'{above}/{last}' if above else last!r}, which is out of order"
            raise TransferError(f"the daemon listed {path!r} {what}")
        entered[-1][1] = name
        if stat.mode & DIRECTORY:
            entered.append([path, ""])
        elif not stat.mode & SYMLINK:
            self._add_file(stat)

    def _add_file(self, stat: Stat) -> None:
        if not stat.linkname:
            self._files.add(stat.path)
        elif stat.linkname not in self._files:
            raise TransferError(
                f"the daemon linked {stat.path!r} to {stat.linkname!r}, which is not a file that it listed before"
            )


def _bytes(name: str) -> bytes:
    """A name as it was sent. Code points sort like their UTF-8, except for bytes that are not UTF-8."""
    return name.encode("utf-8", "surrogateescape")
