"""The folder for received files, with entries in any order, as from a tar or two transfers at once."""

import contextlib
import os
import stat as stat_bits
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcontainer.buildkit.destination import Attributes, Destination, DestinationError, is_plain, replacement
from tests.buildkit.canary import Canary

ATTRIBUTES = Attributes(0o777, 10**18 + 7, {"user.evil": b"1"})
PATHS = st.sampled_from(["a", "a", "b", "a/b", "a/x", "a/x/x", "b/x", "x", "../outside/b", "/tmp", "a//b", "."])


def names_of(folder):
    return sorted(path.name for path in folder.iterdir())


class Transfer:
    """One of several transfers into the same folder."""

    def __init__(self, folder):
        self.destination = Destination(folder)
        self.files = []

    def folder(self, path):
        self.destination.make_folder(path, ATTRIBUTES)

    def link(self, path):
        up = "/".join([".."] * (path.count("/") + 1))
        self.destination.make_symlink(path, f"{up}/outside", ATTRIBUTES)

    def pipe(self, path):
        self.destination.make_special(path, stat_bits.S_IFIFO, (0, 0), ATTRIBUTES)

    def begin(self, path):
        self.files.append(self.destination.open_file(path, ATTRIBUTES))
        self.files[-1].write(b"evil")

    def end(self, _):
        if self.files:
            self.files.pop(0).finish()

    def name_again(self, path):
        for source in ("a/b", "b", "x"):
            self.destination.make_link(path, source)

    def finish(self, _):
        self.destination.finish()


ACTIONS = [Transfer.folder, Transfer.link, Transfer.pipe, Transfer.begin, Transfer.end, Transfer.name_again]


@settings(max_examples=500)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from([*ACTIONS, Transfer.finish]), PATHS), max_size=20),
    st.booleans(),
)
def test_no_order_of_two_transfers_leads_outside_the_folder(steps, linked):
    with tempfile.TemporaryDirectory() as folder:
        canary = Canary(Path(folder))
        if linked:
            (canary.target / "a").symlink_to("../outside")
        transfers = [Transfer(canary.target), Transfer(canary.target)]
        for number, act, path in steps:
            with contextlib.suppress(DestinationError):
                act(transfers[number], path)
        for transfer in transfers:
            transfer.destination.close()
        canary.check()


def test_a_folder_that_becomes_a_link_between_two_files(tmp_path):
    """The race that two transfers of one daemon could win if folders were opened by name."""
    canary = Canary(tmp_path)
    with Destination(canary.target) as first, Destination(canary.target) as second:
        first.make_folder("a", ATTRIBUTES)
        file = first.open_file("a/b", ATTRIBUTES)
        second.make_symlink("a", "../outside", ATTRIBUTES)
        with pytest.raises(DestinationError, match="'a/b' cannot be written"):
            file.finish()
        with pytest.raises(DestinationError, match="'a' is not a folder, and no link is followed"):
            second.open_file("a/b", ATTRIBUTES)
        first.finish()
    canary.check()


def test_what_is_written_to_the_folder(tmp_path):
    with Destination(tmp_path / "new/folder") as folder:
        folder.make_folder("d", Attributes(0o2550, 10**18))
        file = folder.open_file("d/f", Attributes(0o4751, 5, {"user.note": b"1", "nonsense": b""}))
        assert names_of(tmp_path / "new/folder/d") == [file.unfinished]
        for piece in (b"one", b"", b"two"):
            file.write(piece)
        file.finish()
        folder.make_symlink("d/l", "f", Attributes(0o777, 7))
        folder.make_link("g", "d/f")
        folder.make_special("d/p", stat_bits.S_IFIFO, (0, 0), Attributes(0o666, 9))
        folder.finish()
    made = tmp_path / "new/folder"
    assert (made / "g").read_bytes() == b"onetwo"
    assert (made / "d").stat().st_mode == stat_bits.S_IFDIR | 0o2550
    assert (made / "g").stat().st_mode == stat_bits.S_IFREG | 0o4751
    assert (made / "d/p").stat().st_mode == stat_bits.S_IFIFO | 0o666
    assert [(made / name).lstat().st_mtime_ns for name in ("d", "d/f", "d/l", "d/p")] == [
        10**18, 5, 7, 9,
    ]  # fmt: skip
    assert os.listxattr(made / "g") == ["user.note"]
    assert (made / "d/f").samefile(made / "g")
    assert names_of(made / "d") == ["f", "l", "p"]


def test_a_full_folder_is_replaced_by_an_entry_of_the_same_name(tmp_path):
    for name in ("a", "b", "c", "d"):
        (tmp_path / name / "old").mkdir(parents=True)
    with Destination(tmp_path) as folder:
        folder.make_folder("b/old", ATTRIBUTES)  # its descriptor and attributes must not outlive it
        file = folder.open_file("a", ATTRIBUTES)
        file.finish()
        folder.make_symlink("b", "a", ATTRIBUTES)
        folder.make_special("c", stat_bits.S_IFIFO, (0, 0), ATTRIBUTES)
        folder.make_link("d", "a")
        folder.finish()
    assert (tmp_path / "a").read_bytes() == (tmp_path / "d").read_bytes() == b""
    assert (tmp_path / "b").is_symlink()
    assert (tmp_path / "c").is_fifo()
    assert names_of(tmp_path) == ["a", "b", "c", "d"]


def test_two_names_of_the_same_file_stay_two(tmp_path):
    with Destination(tmp_path) as folder:
        folder.open_file("a", ATTRIBUTES).finish()
        folder.make_link("b", "a")
        folder.make_link("b", "a")
    assert names_of(tmp_path) == ["a", "b"]
    assert (tmp_path / "a").stat().st_nlink == 2


def test_a_full_disk_leaves_no_half_file(tmp_path):
    with Destination(tmp_path) as folder:
        file = folder.open_file("a", ATTRIBUTES)
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, file._descriptor)
        os.close(full)
        with pytest.raises(DestinationError, match="'a' cannot be written: No space left on device"):
            file.write(b"x")
    assert names_of(tmp_path) == []


@pytest.mark.parametrize(
    "path", ["", "/", "/a", "a/", ".", "..", "a/..", "../a", "a//b", "./a", "a/./b", "a\0", "a\0/b"]
)
def test_paths_that_are_not_plain(path, tmp_path):
    assert not is_plain(path)
    with Destination(tmp_path) as folder, pytest.raises(DestinationError, match="not a plain path"):
        folder.make_folder(path, ATTRIBUTES)


@pytest.mark.parametrize("path", ["a", "a/b", "...", "a b", "\udcff", "a\nb", "é", ".a", "a\\b"])
def test_paths_that_are_plain(path, tmp_path):
    with Destination(tmp_path) as folder:
        folder.make_folder("a", ATTRIBUTES)
        folder.make_folder(path, ATTRIBUTES)
    assert (tmp_path / path).is_dir()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DestinationError, match=r"file/x' cannot be written: Not a directory"):
        Destination(tmp_path / "file/x")
    with pytest.raises(DestinationError, match=r"file' cannot be written: File exists"):
        Destination(tmp_path / "file")


def test_a_platform_without_calls_relative_to_a_folder(tmp_path):
    """Windows, as far as it can be simulated: the import must work, and the error must be plain."""
    code = """
import os, sys
os.supports_dir_fd.clear()
for name in ("O_NOFOLLOW", "O_DIRECTORY", "O_PATH", "mknod", "fchmod", "setxattr"):
    delattr(os, name)
from nbcontainer.buildkit import destination, filereceive, session
try:
    destination.Destination(sys.argv[1])
except destination.DestinationError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "files cannot be received safely on this platform: use Linux, macOS or WSL\n"


# --- a single file, named by the user


def test_a_file_stays_until_its_new_content_is_whole(tmp_path):
    path = tmp_path / "out.tar"
    path.write_text("old")
    path.chmod(0o604)
    with contextlib.suppress(ZeroDivisionError), replacement(path) as file:
        file.write(b"half")
        file.flush()
        assert path.read_text() == "old"
        _ = 1 / 0
    assert path.read_text() == "old"
    assert names_of(tmp_path) == ["out.tar"]
    with replacement(path) as file:
        file.write(b"new")
    assert path.read_text() == "new"
    assert stat_bits.S_IMODE(path.stat().st_mode) == 0o604
    assert names_of(tmp_path) == ["out.tar"]


def test_a_new_file_has_the_mode_of_any_new_file(tmp_path):
    with replacement(tmp_path / "new") as file:
        file.write(b"1")
    (tmp_path / "other").write_text("")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_the_users_link_to_a_file_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to("real")
    with replacement(tmp_path / "link") as file:
        file.write(b"1")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"1"


def test_devices_are_written_to_directly(tmp_path):
    with replacement("/dev/null") as file:
        file.write(b"1")
    (tmp_path / "null").symlink_to("/dev/null")
    with replacement(tmp_path / "null") as file:
        file.write(b"1")
    assert Path("/dev/null").is_char_device()
    assert names_of(tmp_path) == ["null"]
