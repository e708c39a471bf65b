"""The one way by which received files reach the disk: into a folder of the user's, and nowhere else.

Who sends them is not trusted. Each step is made relative to the descriptor of a folder that was opened from the root
down without following a link, so no name, no order of names and no other transfer at the same time leads outside.
What lies there under a received name is replaced, a link never followed, as buildx's local exporter does; everything
belongs to the user. Nothing here knows a protocol: the paths of a tar may come in any order, and repeat.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat as stat_bits
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

__all__ = [
    "Attributes",
    "Destination",
    "DestinationError",
    "NotPermittedError",
    "ReceivedFile",
    "is_plain",
    "replacement",
]

_MOST_FOLDERS = 16
"""Descriptors of folders that are kept, since files come folder by folder."""

_MOST_FILES = 16
"""Files that may arrive at the same time in one transfer; BuildKit sends four. A process has 1,024 descriptors."""

_NEEDED = (os.open, os.mkdir, os.symlink, os.link, os.rename, os.unlink, os.stat, os.utime)


class DestinationError(Exception):
    """A received file that was refused, or cannot be written.

    Attributes:
        path: The file or folder at fault, within the destination.
        reason: What is wrong with it.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path!r} {reason}" if path else reason)
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a file has besides its content.

    Attributes:
        mode: Its permissions, as in `st_mode`.
        mtime: In nanoseconds since 1970.
        extended: Extended attributes by name; what the file system or the user may not have is left out.
    """

    mode: int
    mtime: int
    extended: Mapping[str, bytes] = field(default_factory=dict)


class NotPermittedError(DestinationError):
    """What this user may not make, and what the rest does not depend on."""


class Destination:
    """A folder while it is filled, by one thread.

    Args:
        folder: It is made if it does not exist. It may itself be reached through links, which are the user's own.

    Raises:
        DestinationError: It cannot be made, or this platform has no calls relative to a folder's descriptor.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        if not _is_supported():
            raise DestinationError("", "files cannot be received safely on this platform: use Linux, macOS or WSL")
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise DestinationError(os.fspath(folder), f"cannot be written: {error.strerror}") from None
        self._opened: OrderedDict[str, int] = OrderedDict({"": root})
        self._folders: dict[str, Attributes] = {}
        self._files: set[ReceivedFile] = set()
        self._unfinished = f".unfinished.{secrets.token_hex(8)}."  # not to be guessed by who sends the names
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def make_folder(self, path: str, attributes: Attributes) -> None:
        """Make a folder, or take the one that is there; its attributes are set by `finish`."""
        with self._within(path) as (folder, name):
            mode = attributes.mode & 0o777 | stat_bits.S_IRWXU  # it must be filled first
            try:
                os.mkdir(name, mode, dir_fd=folder)
            except FileExistsError:
                if not stat_bits.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                    os.unlink(name, dir_fd=folder)
                    os.mkdir(name, mode, dir_fd=folder)
        self._folders[path] = attributes

    def make_symlink(self, path: str, target: str, attributes: Attributes) -> None:
        """Make a symbolic link. Its target is only text: no path is ever followed through it."""
        with self._making(path, lambda folder, name: os.symlink(target, name, dir_fd=folder)) as (folder, name):
            _set_by_name(folder, name, attributes)

    def make_special(self, path: str, kind: int, device: tuple[int, int], attributes: Attributes) -> None:
        """Make a FIFO or a device.

        Args:
            path: Where.
            kind: `stat.S_IFIFO`, `S_IFCHR` or `S_IFBLK`.
            device: Major and minor number.
            attributes: Its own.

        Raises:
            NotPermittedError: This user, or this platform, may not make one.
        """

        def make(folder: int, name: str) -> None:
            if os.mknod not in os.supports_dir_fd:
                raise NotPermittedError(path, "is a special file, which this platform cannot make here")
            try:
                os.mknod(name, kind | stat_bits.S_IRUSR, os.makedev(*device), dir_fd=folder)
            except OSError as error:
                if error.errno != errno.EPERM:
                    raise
                raise NotPermittedError(path, "is a device, which only root may make") from None

        with self._making(path, make) as (folder, name):
            _set_permissions(folder, name, attributes.mode)
            _set_by_name(folder, name, attributes)

    def make_link(self, path: str, source: str) -> None:
        """Give a file of this folder a further name. That it was received, the caller knows."""
        with self._within(source) as (folder, source_name):
            source_folder = os.dup(folder)  # looking for the other folder may close this one

        def make(folder: int, name: str) -> None:
            os.link(source_name, name, src_dir_fd=source_folder, dst_dir_fd=folder, follow_symlinks=False)

        try:
            with self._making(path, make):
                pass
        finally:
            os.close(source_folder)

    def open_file(self, path: str, attributes: Attributes) -> ReceivedFile:
        """Begin a file, which has its name only when it is whole."""
        if len(self._files) >= _MOST_FILES:
            raise DestinationError(path, f"was refused: {_MOST_FILES} files arrive already")
        with self._within(path) as (folder, _):
            unfinished = self._unused()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            descriptor = os.open(unfinished, flags, 0o600, dir_fd=folder)
        file = ReceivedFile(self, path, attributes, descriptor, unfinished)
        self._files.add(file)
        return file

    def finish(self) -> None:
        """Give folders their attributes; those within first, since to fill a folder changes its time."""
        for path, attributes in reversed(self._folders.items()):
            with self._told(path):
                _set_by_descriptor(self._open(path), attributes)

    def close(self) -> None:
        """Remove what is not whole, and let go of the folder."""
        for file in list(self._files):
            file.abandon()
        while self._opened:
            os.close(self._opened.popitem()[1])

    def end(self, file: ReceivedFile, *, whole: bool) -> None:
        """Give a file its name, or remove what there is of it; `ReceivedFile` calls this."""
        self._files.discard(file)
        with self._within(file.path) as (folder, name):
            try:
                if whole:
                    self._replace(file.path, folder, file.unfinished, name)
            except BaseException:
                whole = False
                raise
            finally:
                if not whole:
                    os.unlink(file.unfinished, dir_fd=folder)

    def _unused(self) -> str:
        self._number += 1
        return f"{self._unfinished}{self._number}"

    @contextlib.contextmanager
    def _making(self, path: str, make: Callable[[int, str], None]) -> Iterator[tuple[int, str]]:
        """Make something: at once where its name is free, else beside what has the name, and then in its place."""
        with self._within(path) as (folder, name):
            made = name
            try:
                make(folder, made)
            except FileExistsError:
                made = self._unused()
                make(folder, made)
            try:
                yield folder, made
                if made != name:
                    self._replace(path, folder, made, name)
            finally:
                if made != name:  # of two names of the same file rename leaves both
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(made, dir_fd=folder)

    def _replace(self, path: str, folder: int, made: str, name: str) -> None:
        """Give what was made its name, in place of what has it now."""
        try:
            os.rename(made, name, src_dir_fd=folder, dst_dir_fd=folder)
        except IsADirectoryError:
            self._forget(path)
            shutil.rmtree(name, dir_fd=folder)
            os.rename(made, name, src_dir_fd=folder, dst_dir_fd=folder)

    def _forget(self, path: str) -> None:
        """A folder goes, and all that is below it."""
        for gone in [known for known in self._folders if f"{known}/".startswith(f"{path}/")]:
            del self._folders[gone]
        for gone in [known for known in self._opened if f"{known}/".startswith(f"{path}/")]:
            os.close(self._opened.pop(gone))

    @contextlib.contextmanager
    def _within(self, path: str) -> Iterator[tuple[int, str]]:
        """The descriptor of the folder that a path is in, and the name in it; what fails there is told of the path."""
        above, _, name = path.rpartition("/")
        with self._told(path):
            if not is_plain(path):
                raise DestinationError(path, "was refused: it is not a plain path below the output folder")
            yield self._open(above), name

    @contextlib.contextmanager
    def _told(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DestinationError(path, f"cannot be written: {error.strerror}") from None
        except (ValueError, OverflowError, RecursionError) as error:  # NUL in a link's target, a device's number
            raise DestinationError(path, f"cannot be written: {error}") from None

    def _open(self, path: str) -> int:
        """Open a folder a step at a time, following no link."""
        missing = []
        while path not in self._opened:
            missing.append(path)
            path = path.rpartition("/")[0]
        descriptor = self._opened[path]
        if path:
            self._opened.move_to_end(path)
        for step in reversed(missing):
            try:
                descriptor = os.open(
                    step.rpartition("/")[2], os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor
                )
            except OSError as error:
                if error.errno in (errno.ENOTDIR, errno.ELOOP, errno.EMLINK):
                    raise DestinationError(step, "is not a folder, and no link is followed") from None
                raise
            self._opened[step] = descriptor
            if len(self._opened) > _MOST_FOLDERS:
                self._close_oldest()
        return descriptor

    def _close_oldest(self) -> None:
        oldest = next(path for path in self._opened if path)
        os.close(self._opened.pop(oldest))


class ReceivedFile:
    """A file while it arrives.

    Attributes:
        path: Where it will be.
        unfinished: The name that it has until it is whole.
    """

    __slots__ = ("_attributes", "_descriptor", "_destination", "path", "unfinished")

    def __init__(
        self, destination: Destination, path: str, attributes: Attributes, descriptor: int, unfinished: str
    ) -> None:
        self.path = path
        self.unfinished = unfinished
        self._destination, self._attributes, self._descriptor = destination, attributes, descriptor

    def write(self, data: bytes) -> None:
        """Take a piece of its content."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            raise DestinationError(self.path, f"cannot be written: {error.strerror}") from None

    def finish(self) -> None:
        """It is whole: it gets its attributes and its name."""
        try:
            try:
                _set_by_descriptor(self._descriptor, self._attributes)
            finally:
                os.close(self._descriptor)
        except OSError as error:
            self._destination.end(self, whole=False)
            raise DestinationError(self.path, f"cannot be written: {error.strerror}") from None
        self._destination.end(self, whole=True)

    def abandon(self) -> None:
        """It will never be whole: what there is of it is removed."""
        os.close(self._descriptor)
        with contextlib.suppress(DestinationError):
            self._destination.end(self, whole=False)


def is_plain(path: str) -> bool:
    """Say whether a path is relative and has no step that is empty, `.` or `..`."""
    return "\0" not in path and {"", ".", ".."}.isdisjoint(path.split("/"))


@contextlib.contextmanager
def replacement(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file, named by the user, for new content; what it holds already stays until the new one is whole.

    A pipe or a device is written to directly, and so is a file in a folder that may not be written.
    """
    target = Path(path).resolve()  # a link is the user's own: what it leads to is replaced
    unfinished = target.with_name(f".unfinished.{secrets.token_hex(8)}")
    try:
        mode = target.stat().st_mode if target.exists() else stat_bits.S_IFREG
        direct = not stat_bits.S_ISREG(mode)
        file = target.open("wb") if direct else unfinished.open("xb")
    except PermissionError:
        direct, file = True, target.open("wb")
    try:
        with file:
            yield file
        if not direct:
            if stat_bits.S_IMODE(mode):
                unfinished.chmod(stat_bits.S_IMODE(mode))
            unfinished.replace(target)
    finally:
        if not direct:
            unfinished.unlink(missing_ok=True)


def _is_supported() -> bool:
    return os.supports_dir_fd.issuperset(_NEEDED) and os.utime in os.supports_fd and hasattr(os, "O_NOFOLLOW")


def _set_by_descriptor(descriptor: int, attributes: Attributes) -> None:
    if attributes.extended and hasattr(os, "setxattr"):  # Python has it on Linux only
        for name, value in attributes.extended.items():
            with contextlib.suppress(OSError, ValueError):
                os.setxattr(descriptor, name, value)
    os.fchmod(descriptor, attributes.mode)
    os.utime(descriptor, ns=(attributes.mtime, attributes.mtime))


def _set_by_name(folder: int, name: str, attributes: Attributes) -> None:
    """Of what must not be opened: a link, or a device."""
    if attributes.extended and hasattr(os, "setxattr"):
        for attribute, value in attributes.extended.items():
            with contextlib.suppress(OSError, ValueError):
                os.setxattr(f"/proc/self/fd/{folder}/{name}", attribute, value, follow_symlinks=False)
    os.utime(name, ns=(attributes.mtime, attributes.mtime), dir_fd=folder, follow_symlinks=False)


def _set_permissions(folder: int, name: str, mode: int) -> None:
    """Of a special file, which opening would set off; Linux can only change what a name leads to, or a descriptor."""
    if os.chmod in os.supports_follow_symlinks:
        os.chmod(name, mode, dir_fd=folder, follow_symlinks=False)
        return
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    try:
        Path(f"/proc/self/fd/{descriptor}").chmod(mode)
    finally:
        os.close(descriptor)
