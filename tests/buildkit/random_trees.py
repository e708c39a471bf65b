"""Random build contexts for the differential test: a seed always makes the same folder."""

import os
import random
import socket
from dataclasses import dataclass
from pathlib import Path

NAMES = [
    *("a", "b", "c.py", "d.log", "e x", "é", "a-b", "a.b", ".hid", "data", "node_modules", "z[1]", "Q?", "A", "日本"),
    *("a b.py", "x\ny", "'q'", "b\\c", "!n", "#c", "-f", "a" * 60),
]
GLOBS = ["*", "**", "*.py", "?", "d*", "[a-c]", "[^a]", ".*", "*a*", "**/a", "a/**", "[!a]", "a\\-b", "a?b"]
MODES = [0o644, 0o755, 0o600, 0o4755, 0o2755, 0o444, 0o777]
SOURCES = [".", ".", ".", "a", "data", "*", "*.py", "a*", "./data/..", "b/*", "a/b", "data/", "[a-c]*", "d*/a"]
LINKS = ["a", "../a", "/data", "nosuch", "data/b", ".", "..", "b/../a", "/", "../../..", "a/b/c"]
ATTRIBUTES = [("user.note", b"text"), ("user.empty", b""), ("user.binary", bytes(range(64))), ("user.é", b"x")]


@dataclass
class Case:
    """A folder, its ignore file, and a Dockerfile that copies from it."""

    folder: Path
    ignored: list[str]
    dockerfile: str

    def __str__(self) -> str:
        listing = sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))
        return f"ignored={self.ignored!r} dockerfile={self.dockerfile!r} files={listing!r}"


def make(seed: int, folder: Path) -> Case:
    """Make a case; a seed always makes the same one."""
    rnd = random.Random(seed)
    folder.mkdir(parents=True)
    directories, files = [""], []
    for _ in range(rnd.randint(5, 30)):
        above = rnd.choice(directories)
        relative = f"{above}/{rnd.choice(NAMES)}".removeprefix("/")
        path = folder / relative
        if os.path.lexists(path):
            continue
        if not files or rnd.random() < 0.62:
            _put(rnd, path, relative, directories, files)
        else:
            _link(rnd, path, folder / rnd.choice(files))
        if rnd.random() < 0.2 and not path.is_symlink() and (path.is_file() or path.is_dir()):
            for name, value in rnd.sample(ATTRIBUTES, rnd.randint(1, 3)):
                os.setxattr(path, name, value)
        os.utime(path, ns=(0, rnd.randint(0, 2 * 10**18)), follow_symlinks=False)
    paths = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    ignored = [_line(rnd, paths) for _ in range(rnd.choice([0, 0, 2, 3, 4, 5]))]
    if ignored:
        (folder / ".dockerignore").write_text("\n".join(ignored) + "\n")
    plain = sorted(path.name for path in folder.iterdir() if not set(path.name) & set("[\\\n?"))
    inner = [_globbed(rnd, path) for path in paths if "/" in path and not set(path) & set("[\\\n?")]
    kinds = [SOURCES, ["."], plain or ["."], inner or ["."]]
    sources = [rnd.choice(rnd.choice(kinds)) for _ in range(rnd.choice([1, 1, 1, 2]))]
    copies = [f'COPY ["{source}", "/{number}/"]' for number, source in enumerate(sources)]
    return Case(folder, ignored, "\n".join(["FROM scratch", *copies, ""]))


def _put(rnd: random.Random, path: Path, relative: str, directories: list[str], files: list[str]) -> None:
    if rnd.random() < 0.5:
        path.mkdir()
        path.chmod(rnd.choice([0o755, 0o755, 0o700, 0o1777, 0o555]))
        directories.append(relative)
    else:
        path.write_bytes(rnd.randbytes(rnd.choice([0, 1, 10, 50, 5000])))
        path.chmod(rnd.choice(MODES))
        files.append(relative)


def _link(rnd: random.Random, path: Path, file: Path) -> None:
    kind = rnd.random()
    if kind < 0.45:
        path.symlink_to(rnd.choice(LINKS))
    elif kind < 0.85:
        os.link(file, path)
    elif kind < 0.93 or len(os.fsencode(path)) > 100:
        os.mkfifo(path, 0o640)
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))


def _line(rnd: random.Random, paths: list[str]) -> str:
    """Write a line of an ignore file, mostly about an existing path."""
    if rnd.random() < 0.1:
        return rnd.choice(["# a comment", "", "  ", "#c"])
    usable = [path for path in paths if path.isascii() and not set(path) & set("[\\\n")]
    if usable and rnd.random() < 0.75:
        pattern = _globbed(rnd, rnd.choice(usable))
    else:
        # names with brackets would not be valid patterns
        names = [name for name in NAMES if name.isascii() and not set(name) & set("[\\\n")]
        pattern = "/".join(rnd.choice([*names, *GLOBS]) for _ in range(rnd.randint(1, 3)))
    before = rnd.choice(["", "", "", "!", "!", "/", "!/", "! ", " ", "./", "b/../", "**/"])
    return before + pattern + rnd.choice(["", "", "", "/", "/**", " "])


def _globbed(rnd: random.Random, path: str) -> str:
    """The path or one of its parents, with wildcards for some of its names."""
    names = path.split("/")
    names = names[: rnd.randint(1, len(names))]
    globs = ["*", "**", "{0}*", "?{1}", "[{0}z]{1}", "[^{0}]*"]
    chosen = [name if rnd.random() < 0.6 else rnd.choice(globs).format(name[0], name[1:]) for name in names]
    return "/".join(chosen)
