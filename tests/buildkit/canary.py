"""A folder that nothing received may touch, next to the one that receives files."""

import contextlib
import os
from pathlib import Path


class Canary:
    """`target` is the folder for what is received, `outside` the one that must stay as it is.

    Attributes:
        before: What was outside at first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.target, self.outside = folder / "target", folder / "outside"
        self.target.mkdir()
        (self.outside / "x").mkdir(parents=True)
        (self.outside / "x/x").write_text("inner")
        (self.outside / "b").write_text("kept")
        (self.outside / "b").chmod(0o640)
        (self.outside / "y").symlink_to("b")
        os.mkfifo(self.outside / "z", 0o600)
        for path in (self.outside / "b", self.outside / "x", self.outside):
            os.utime(path, ns=(0, 10**18))
        self.before = self.seen()

    def seen(self) -> dict[str, tuple[object, ...]]:
        """Everything outside: names, modes, hard links, times, contents."""
        found: dict[str, tuple[object, ...]] = {}
        for top, folders, files in os.walk(self.folder):
            if Path(top) == self.folder:
                folders.remove("target")
            for path in (Path(top), *(Path(top, name) for name in (*folders, *files))):
                status = path.lstat()
                content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
                found[str(path)] = (status.st_mode, status.st_nlink, status.st_size, status.st_mtime_ns, content)
                with contextlib.suppress(OSError):
                    found[str(path)] += (os.listxattr(path, follow_symlinks=False),)
        del found[str(self.folder)]  # creating the target changes its time
        return found

    def check(self) -> None:
        """Nothing outside has changed, and nothing incomplete is left inside."""
        assert self.seen() == self.before
        assert sorted(self.folder.iterdir()) == [self.outside, self.target]
        left = [name for _, folders, files in os.walk(self.target) for name in folders + files if "unfinished" in name]
        assert left == []
