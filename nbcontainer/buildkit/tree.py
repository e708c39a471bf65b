"""The content of a build context: a folder, files in memory, or files in memory over a folder.

`Tree.walk` lists it in the order, and with the metadata, that BuildKit's directory protocol needs; it behaves as
https://github.com/tonistiigi/fsutil (`fs.go`, `stat.go`, `filter.go`, `followlinks.go`) does for buildx.
Except that no link is followed below the folder, even if one replaces a folder during the walk: otherwise a daemon
whose own output goes into the context could read any file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import posixpath
import re
import stat as stat_bits
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path

from . import filestat
from .filestat import GONE, ContextError, FileReader, FirstNames, MemoryFile, unreadable
from .messages import Stat
from .patterns import Patterns, clean, name_matches

_FLAGS = os.O_RDONLY
for _name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):  # a FIFO that replaced a file must not block
    _FLAGS |= getattr(os, _name, 0)
_FOLDER_FLAGS = _FLAGS | getattr(os, "O_DIRECTORY", 0)

_RELATIVE = {os.open, os.stat, os.readlink} <= os.supports_dir_fd and os.scandir in os.supports_fd
"""Whether files can be opened relative to a folder's descriptor. Windows cannot, and cannot receive output either."""

_HAS_WILDCARD = re.compile(r"(?:[^\\*?\[]|\\.)*[*?\[]", re.DOTALL)

_MOST_FOLDERS = 64
"""Descriptors of folders that are kept open on the way down; a process has 1,024."""


class _Folder:
    """A folder on the way down; `settled` where all of its content is wanted, unless excluded."""

    __slots__ = ("descriptor", "entries", "entry", "excluded", "included", "on_disk", "path", "sent", "settled")

    def __init__(self, path: str, entry: os.DirEntry[str] | None, *, on_disk: bool, sent: bool) -> None:
        self.path = path
        self.entry = entry
        self.descriptor: int | None = None
        self.on_disk = on_disk
        self.sent = sent
        self.settled = False
        self.included: Sequence[bool] = ()
        self.excluded: Sequence[bool] = ()
        self.entries: Iterator[tuple[str, os.DirEntry[str] | None]] = iter(())

    def close(self) -> None:
        """Close the descriptor."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


class _Selection:
    """Which paths of a walk are wanted."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._include = Patterns(include) if include else None
        self._exclude = Patterns(exclude) if exclude else None
        self.excludes_nothing = self._exclude is None

    def visit(self, path: str, above: _Folder, below: _Folder | None) -> tuple[bool, bool]:
        """Decide on a path; `below` is given for folders, and takes what is known for their content.

        Returns:
            Whether the path itself is wanted, and whether anything in the folder may be.
        """
        wanted = enter = True
        if self._include is not None and not above.settled:
            matched, included = self._include.match(path, above.included)
            if not matched:
                wanted = False
                enter = below is not None and self._include.may_match_below(path)
            if below is not None:
                below.included, below.settled = included, matched and not self._include.has_exceptions
        elif below is not None:
            below.settled = above.settled
        if enter and self._exclude is not None:
            matched, excluded = self._exclude.match(path, above.excluded)
            if matched:
                wanted = False
                enter = below is not None and self._exclude.may_match_below(path, exceptions=True)
            if below is not None:
                below.excluded = excluded
        return wanted, enter


class Tree:
    """A folder, files in memory, or both; where both have a name, memory wins.

    Args:
        root: The folder; symbolic links in its own path are resolved.
        files: Path within the tree → content. A string is stored as UTF-8.

    Raises:
        ContextError: `root` is not a folder, or a path in `files` is not valid.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        files: Mapping[str, bytes | str | MemoryFile] | None = None,
    ) -> None:
        self.root = None if root is None else os.path.realpath(root)
        if root is not None and not Path(root).is_dir():
            raise ContextError(os.fspath(root), "is not a folder" if os.path.lexists(root) else "does not exist")
        self._root = self._open_root()
        self._files: dict[str, MemoryFile] = {}
        self._folders: dict[str, set[str]] = {"": set()}
        for given, content in (files or {}).items():
            path = clean(given)
            if path in (".", "..") or path.startswith(("/", "../")) or "\0" in path:
                raise ContextError(given, "files in memory are named by relative paths within the build context")
            data = content.encode() if isinstance(content, str) else content
            self._files[path] = data if isinstance(data, MemoryFile) else MemoryFile(data)
            while path:
                folder, name = posixpath.split(path)
                self._folders.setdefault(folder, set()).add(name)
                path = folder
        for path in self._files:
            if path in self._folders:
                raise ContextError(path, "is given both as a file and as a folder")

    def walk(
        self,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        follow: Sequence[str] = (),
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[Stat]:
        """List what is wanted, folders before their content, names in bytewise order.

        Args:
            include: Patterns of what is wanted; empty: everything.
            exclude: Patterns of what is not, as in `.dockerignore`.
            follow: Paths that are wanted together with the targets of their symbolic links.
            stopped: Called now and then; once it returns true the walk ends.

        Raises:
            ContextError: A folder or file that is wanted cannot be read.
            InvalidPatternError: A pattern is not valid.
        """
        if follow:
            targets = self._followed(follow)
            if targets is not None:
                include = _without_nested([*include, *targets])
        selection = _Selection(include, exclude) if include or exclude else None
        first_names: FirstNames = {}
        top = _Folder("", None, on_disk=self.root is not None, sent=True)
        stack = [top]
        try:
            top.entries = iter(self._list(top))
            while stack and not stopped():
                yield from self._walk_on(stack, selection, first_names)
        finally:
            for folder in stack:
                folder.close()

    def _walk_on(self, stack: list[_Folder], selection: _Selection | None, first_names: FirstNames) -> Iterator[Stat]:
        """List the innermost folder to its end, or to a folder in it, which becomes the innermost."""
        folder = stack[-1]
        inside = folder.path + "/" if folder.path else ""
        whole = folder.sent and (selection is None or (folder.settled and selection.excludes_nothing))
        for name, entry in folder.entries:
            path = inside + name
            is_folder = path in self._folders if entry is None else entry.is_dir(follow_symlinks=False)
            if whole and not is_folder:  # the common case
                stat = self._stat(path, entry, folder, first_names)
                if stat is not None:
                    yield stat
                continue
            below = _Folder(path, entry, on_disk=entry is not None, sent=False) if is_folder else None
            wanted, enter = selection.visit(path, folder, below) if selection else (True, True)
            if wanted:
                if not folder.sent:
                    yield from self._send_above(stack, first_names)
                stat = self._stat(path, entry, folder, first_names) if folder.sent else None
                if stat is None:  # it has vanished
                    continue
                yield stat
                if below is not None:
                    below.sent = enter = enter and stat.mode & filestat.DIRECTORY != 0
            if below is not None and enter:
                stack.append(below)
                below.entries = iter(self._list(below, folder))
                if len(stack) > _MOST_FOLDERS:
                    stack[-_MOST_FOLDERS].close()
                return
        stack.pop().close()

    def open(self, path: str, size: int | None = None, mtime: int | None = None) -> FileReader:
        """Open a file that `walk` has listed.

        A file that has vanished since is read as empty, as in buildx, and the reader's `problem` says so.

        Args:
            path: Its path within the tree.
            size: Its size when it was listed.
            mtime: Its modification time then, in nanoseconds.

        Raises:
            ContextError: It cannot be read. (docker would send it as empty.)
        """
        if path in self._files:
            return FileReader(path, self._files[path].data)
        try:
            descriptor = self._open(path)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a socket
                return FileReader(path)
            if error.errno in GONE:
                return FileReader(path, problem="vanished before it was sent, and was sent as empty")
            raise unreadable(path, error) from error
        status = os.fstat(descriptor)
        if not stat_bits.S_ISREG(status.st_mode):
            os.close(descriptor)
            return FileReader(path, problem="was replaced before it was sent, and was sent as empty")
        changed = size not in (None, status.st_size) or mtime not in (None, status.st_mtime_ns)
        problem = "changed while the build context was sent" if changed else ""
        return FileReader(path, descriptor=descriptor, size=status.st_size, problem=problem)

    def exists(self, path: str) -> bool:
        """Whether anything has that name."""
        if path in self._files or path in self._folders:
            return True
        return self.root is not None and os.path.lexists(self._on_disk(path))

    def _on_disk(self, path: str) -> str:
        return os.path.join(self.root or "", path)  # noqa: PTH118 - Path would normalize it, and is slow

    def _open_root(self) -> int | None:
        """The folder's descriptor, for as long as this object lives."""
        if self.root is None or not _RELATIVE:
            return None
        try:
            descriptor = os.open(self.root, _FOLDER_FLAGS)
        except OSError as error:
            raise unreadable(self.root, error) from error
        weakref.finalize(self, os.close, descriptor)
        return descriptor

    def _open(self, path: str) -> int:
        if self._root is None:
            return os.open(self._on_disk(path), _FLAGS)
        above, _, name = path.rpartition("/")
        with self._folder(above) as folder:
            return os.open(name, _FLAGS, dir_fd=folder)

    @contextlib.contextmanager
    def _folder(self, path: str) -> Iterator[int | None]:
        folder = _Folder(path, None, on_disk=True, sent=True)
        try:
            yield self._held(folder)
        finally:
            folder.close()

    def _held(self, folder: _Folder) -> int | None:
        """The folder's descriptor, opened one step at a time without following links; None where there are none."""
        if folder.descriptor is not None or self._root is None:
            return folder.descriptor
        descriptor = os.dup(self._root)
        for step in folder.path.split("/") if folder.path else ():
            try:
                below = os.open(step, _FOLDER_FLAGS, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = below
        folder.descriptor = descriptor
        return descriptor

    def _scan(self, folder: _Folder, above: _Folder | None) -> list[os.DirEntry[str]]:
        place: str | int | None = None
        if above is not None and (outer := self._held(above)) is not None:
            name = folder.path.rpartition("/")[2]
            place = folder.descriptor = os.open(name, _FOLDER_FLAGS, dir_fd=outer)
        else:
            place = self._held(folder)
        with os.scandir(self._on_disk(folder.path) if place is None else place) as found:
            entries: list[os.DirEntry[str]] = list(found)
        for entry in entries:  # where the file system did not say, this needs the open descriptor
            entry.is_dir(follow_symlinks=False)
        return entries

    def _list(self, folder: _Folder, above: _Folder | None = None) -> list[tuple[str, os.DirEntry[str] | None]]:
        """List one folder, through the one `above` it where that is open; None stands for what is in memory only."""
        entries: dict[str, os.DirEntry[str] | None] = {}
        in_memory = self._folders.get(folder.path)
        if folder.on_disk:
            try:
                found = self._scan(folder, above)
                if not in_memory:
                    return sorted([(entry.name, entry) for entry in found], key=itemgetter(0))
                entries = {entry.name: entry for entry in found}
            except OSError as error:
                if error.errno not in GONE and (folder.sent or not isinstance(error, PermissionError)):
                    raise unreadable(folder.path or ".", error) from error
        for name in in_memory or ():
            entry = entries.get(name)
            path = f"{folder.path}/{name}" if folder.path else name
            both = entry is not None and path in self._folders and entry.is_dir(follow_symlinks=False)
            entries[name] = entry if both else None
        return sorted(entries.items())  # the order of code points is the bytewise order of their UTF-8

    def _send_above(self, stack: Sequence[_Folder], first_names: FirstNames) -> Iterator[Stat]:
        """Describe the folders above a path, which are not wanted themselves but contain what is."""
        above = stack[0]
        for folder in stack:
            if not folder.sent:
                stat = self._stat(folder.path, folder.entry, above, first_names)
                if stat is None or not stat.mode & filestat.DIRECTORY:
                    return
                folder.sent = True
                yield stat
            above = folder

    def _stat(self, path: str, entry: os.DirEntry[str] | None, above: _Folder, first_names: FirstNames) -> Stat | None:
        if entry is not None:
            try:
                descriptor = above.descriptor if above.descriptor is not None else self._held(above)
            except OSError as error:
                if error.errno in GONE:
                    return None
                raise unreadable(path, error) from error
            return filestat.describe(path, entry, descriptor, first_names)
        memory = self._files.get(path)
        return filestat.describe_folder(path) if memory is None else filestat.describe_memory(path, memory)

    def _followed(self, paths: Sequence[str]) -> list[str] | None:
        """Find the paths to send, which include the targets of symbolic links among the wanted ones; None: all."""
        resolved: set[str] = set()
        todo = [clean("/" + path)[1:] or "." for path in reversed(paths)]
        while todo:
            current, rest = "", todo.pop()
            while rest is not None:
                part, _, rest = rest.partition("/")
                current = f"{current}/{part}" if current else part
                targets = self._link_targets(current)
                if (not rest or targets) and current in resolved:
                    break
                if targets:
                    resolved.add(current)
                    todo += [clean(f"{target}/{rest}")[1:] or "." for target in reversed(targets)]
                    break
                if not rest:
                    resolved.add(current)
                    break
        return None if "." in resolved else _without_nested(sorted(resolved))

    def _link_targets(self, path: str) -> list[str]:
        """Read the symbolic links that a path names, whose last part may have wildcards; as absolute paths."""
        folder, name = posixpath.split(path)
        if not _HAS_WILDCARD.match(name):
            return self._link_target(path)
        targets = []
        listed = _Folder(folder, None, on_disk=self.root is not None, sent=True)
        try:
            names = [found for found, _ in self._list(listed) if name_matches(name, found)]
        except ValueError:
            return []
        finally:
            listed.close()
        for found in names:
            targets += self._link_target(posixpath.join(folder, found))
        return targets

    def _link_target(self, path: str) -> list[str]:
        if self.root is None or path in self._files or path in self._folders:
            return []
        folder, name = posixpath.split(path)
        try:
            with self._folder(folder) as above:
                target = os.readlink(self._on_disk(path) if above is None else name, dir_fd=above)
        except OSError:  # not a link, or nothing there
            return []
        return [clean(posixpath.join("/", posixpath.dirname(path), target))]


def _without_nested(paths: Iterable[str]) -> list[str]:
    """Port of fsutil's `dedupePaths`: the root means everything, which is expressed by no pattern at all."""
    out: list[str] = []
    last = ""
    for path in paths:
        if path == ".":
            return []
        if not path.startswith(last + "/"):
            out.append(path)
            last = path
    return out
