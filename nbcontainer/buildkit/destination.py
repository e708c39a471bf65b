"""The only way in which received files reach the disk: into a folder of the user's, and nowhere else.

The sender is not trusted. Each step is made relative to the descriptor of a folder that was opened from the root down
without following a link, so no name, no order of names and no concurrent transfer leads outside. What already has a
received name is replaced, and a link never followed, as in buildx's local exporter; everything belongs to the user.
Nothing here depends on a protocol: the paths of a tar may come in any order, and repeat.
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

_MOST_FOLDERS = 16
"""Descriptors of folders that are kept open, since files come folder by folder."""

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
    """A file's metadata.

    Attributes:
        mode: Its permissions, as in `st_mode`.
        mtime: In nanoseconds since 1970.
        extended: Extended attributes by name; those that cannot be set here are left out.
    """

    mode: int
    mtime: int
    extended: Mapping[str, bytes] = field(default_factory=dict)


class NotPermittedError(DestinationError):
    """This user may not create the file; nothing else depends on it."""


class Destination:
    """A folder that is being filled, by one thread.

    Args:
        folder: It is created if it does not exist. Links in its own path, which are the user's, are followed.

    Raises:
        DestinationError: It cannot be created, or this platform has no calls relative to a folder's descriptor.
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
        self._unfinished = f".unfinished.{secrets.token_hex(8)}."  # the sender of names must not be able to guess it
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def make_folder(self, path: str, attributes: Attributes) -> None:
        """Create a folder, or use the existing one; its attributes are set by `finish`."""
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
        """Create a symbolic link. Its target is only text: no path is ever followed through it."""
        with self._making(path, lambda folder, name: os.symlink(target, name, dir_fd=folder)) as (folder, name):
            _set_by_name(folder, name, attributes)

    def make_special(self, path: str, kind: int, device: tuple[int, int], attributes: Attributes) -> None:
        """Create a FIFO or a device.

        Args:
            path: Its path.
            kind: `stat.S_IFIFO`, `S_IFCHR` or `S_IFBLK`.
            device: Major and minor number.
            attributes: Its metadata.

        Raises:
            NotPermittedError: This user may not create one, or this platform cannot.
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
        """Give a file in this folder another name. The caller makes sure that the file was received."""
        with self._within(source) as (folder, source_name):
            source_folder = os.dup(folder)  # opening the other folder may close this one

        def make(folder: int, name: str) -> None:
            os.link(source_name, name, src_dir_fd=source_folder, dst_dir_fd=folder, follow_symlinks=False)

        try:
            with self._making(path, make):
                pass
        finally:
            os.close(source_folder)

    def open_file(self, path: str, attributes: Attributes) -> ReceivedFile:
        """Start a file, which gets its name only once it is complete."""
        if len(self._files) >= _MOST_FILES:
            raise DestinationError(path, f"was refused: {_MOST_FILES} files are already being received")
        with self._within(path) as (folder, _):
            unfinished = self._unused()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            descriptor = os.open(unfinished, flags, 0o600, dir_fd=folder)
        file = ReceivedFile(self, path, attributes, descriptor, unfinished)
        self._files.add(file)
        return file

    def finish(self) -> None:
        """Give folders their attributes; inner ones first, since filling a folder changes its time."""
        for path, attributes in reversed(self._folders.items()):
            with self._explained(path):
                _set_by_descriptor(self._open(path), attributes)

    def close(self) -> None:
        """Remove incomplete files, and close the folder."""
        for file in list(self._files):
            file.abandon()
        while self._opened:
            os.close(self._opened.popitem()[1])

    def end(self, file: ReceivedFile, *, whole: bool) -> None:
        """Give a file its name, or remove what arrived of it; `ReceivedFile` calls this."""
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
        """Create something: directly where its name is free, else beside what has the name, which it then replaces."""
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
                if made != name:  # rename does nothing if both are names of the same file
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(made, dir_fd=folder)

    def _replace(self, path: str, folder: int, made: str, name: str) -> None:
        """Give what was created its name, replacing what has it now."""
        try:
            os.rename(made, name, src_dir_fd=folder, dst_dir_fd=folder)
        except IsADirectoryError:
            self._forget(path)
            shutil.rmtree(name, dir_fd=folder)
            os.rename(made, name, src_dir_fd=folder, dst_dir_fd=folder)

    def _forget(self, path: str) -> None:
        """Forget a folder, and all that is below it."""
        for gone in [known for known in self._folders if f"{known}/".startswith(f"{path}/")]:
            del self._folders[gone]
        for gone in [known for known in self._opened if f"{known}/".startswith(f"{path}/")]:
            os.close(self._opened.pop(gone))

    @contextlib.contextmanager
    def _within(self, path: str) -> Iterator[tuple[int, str]]:
        """The descriptor of the folder that contains a path, and the name in it; errors there name the path."""
        above, _, name = path.rpartition("/")
        with self._explained(path):
            if not is_plain(path):
                raise DestinationError(path, "was refused: it is not a plain path below the output folder")
            yield self._open(above), name

    @contextlib.contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DestinationError(path, f"cannot be written: {error.strerror}") from None
        except (ValueError, OverflowError, RecursionError) as error:  # NUL in a link's target, a device's number
            raise DestinationError(path, f"cannot be written: {error}") from None

    def _open(self, path: str) -> int:
        """Open a folder one step at a time, without following links."""
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
    """A file that is being received.

    Attributes:
        path: Where it will be.
        unfinished: The name that it has until it is complete.
    """

    __slots__ = ("_attributes", "_descriptor", "_destination", "path", "unfinished")

    def __init__(
        self, destination: Destination, path: str, attributes: Attributes, descriptor: int, unfinished: str
    ) -> None:
        self.path = path
        self.unfinished = unfinished
        self._destination, self._attributes, self._descriptor = destination, attributes, descriptor

    def write(self, data: bytes) -> None:
        """Write a piece of its content."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            raise DestinationError(self.path, f"cannot be written: {error.strerror}") from None

    def finish(self) -> None:
        """It is complete: set its attributes and its name."""
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
        """It will never be complete: remove what arrived of it."""
        os.close(self._descriptor)
        with contextlib.suppress(DestinationError):
            self._destination.end(self, whole=False)


def is_plain(path: str) -> bool:
    """Whether a path is relative and has no step that is empty, `.` or `..`."""
    return "\0" not in path and {"", ".", ".."}.isdisjoint(path.split("/"))


@contextlib.contextmanager
def replacement(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file, named by the user, for new content; its old content stays until the new one is complete.

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
    """For what must not be opened: a link, or a device."""
    if attributes.extended and hasattr(os, "setxattr"):
        for attribute, value in attributes.extended.items():
            with contextlib.suppress(OSError, ValueError):
                os.setxattr(f"/proc/self/fd/{folder}/{name}", attribute, value, follow_symlinks=False)
    os.utime(name, ns=(attributes.mtime, attributes.mtime), dir_fd=folder, follow_symlinks=False)


def _set_permissions(folder: int, name: str, mode: int) -> None:
    """For a special file, which must not be opened. Linux cannot change a name's own mode: O_PATH does not open it."""
    if os.chmod in os.supports_follow_symlinks:
        os.chmod(name, mode, dir_fd=folder, follow_symlinks=False)
        return
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    try:
        Path(f"/proc/self/fd/{descriptor}").chmod(mode)
    finally:
        os.close(descriptor)
