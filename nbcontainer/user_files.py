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


def names_beginning(prefix: str, folder: Path | str = "") -> list[str]:
    """The files and folders whose path begins with a prefix, as a shell completes them; folders end in "/".

    Args:
        prefix: a path that is being typed; `~` is the user's home.
        folder: what it is relative to; an absolute prefix stays in it. "" is the current folder.
    """
    above, slash, last = prefix.rpartition("/")
    start = Path(folder, above.strip("/")) if folder else Path(f"{above}{slash}").expanduser()
    try:
        found = sorted(
            f"{above}{slash}{entry.name}{'/' if entry.is_dir() else ''}"
            for entry in start.iterdir()
            if entry.name.startswith(last) and (last or not entry.name.startswith("."))
        )
    except (OSError, RuntimeError, ValueError):
        return []
    return found
