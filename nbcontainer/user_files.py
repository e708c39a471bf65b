"""Files that the user names: read whole, or an error that names the file."""

from __future__ import annotations

from pathlib import Path

from nbcontainer.errors import UsageError


def read_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None


def read_text(path: Path) -> str:
    """The text of a file, without a byte order mark, and with one newline at the end of each line.

    Raises:
        UsageError: it cannot be read, or is not text.
    """
    return decode(str(path), read_bytes(path)).replace("\r\n", "\n").replace("\r", "\n")


def decode(name: str, content: bytes) -> str:
    """The text of what was read from `name`, without a byte order mark.

    Raises:
        UsageError: it is not text.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not UTF-8 text.") from None
