"""The files with full outputs, on full disks: real small file systems, and a limit on file size."""

import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from nbcontainer.errors import UsageError
from nbcontainer.settings import settings
from nbcontainer.spool import BUFFER_BYTES, Spool, spool_folder
from tests.small_disk import small_disk

LINE = b"a line of a log\n"


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """A disk of 64 kB for the outputs."""
    with small_disk(tmp_path / "disk", 64) as folder:
        monkeypatch.setattr(settings, "spool_directory", str(folder))
        yield folder


@pytest.fixture(params=["flush", "close", "many"])
def finish(request):
    """The first thing to hit the full disk."""

    def flush(spool):
        spool.flush()

    def close(spool):
        spool.close()

    def many(spool):
        while spool.whole:
            spool.write(LINE * 1000)

    return {"flush": flush, "close": close, "many": many}[request.param]


@pytest.mark.usefixtures("disk")
def test_a_full_disk_ends_the_file_and_is_noted_once(finish):
    told = []
    spool = Spool("run-web")
    spool.when_cut(told.append)
    spool.write(LINE * 10_000)
    assert 10_000 * len(LINE) < BUFFER_BYTES
    assert told == []
    finish(spool)
    spool.write(LINE)
    spool.flush()
    spool.close()
    data = Path(spool.path).read_bytes()
    assert 0 < len(data) <= 64 * 1024
    assert (LINE * 10_000).startswith(data)
    assert told == [f"{spool.path} is incomplete, it has the first {data.count(LINE):,} lines: the disk is full"]
    late = []
    spool.when_cut(late.append)
    assert late == told


@pytest.mark.usefixtures("disk")
def test_output_without_lines_is_counted_in_bytes():
    told = []
    spool = Spool("run-web")
    spool.when_cut(told.append)
    spool.write(b"x" * 100_000)
    spool.close()
    size = Path(spool.path).stat().st_size
    assert told == [f"{spool.path} is incomplete, it has the first {size:,} bytes: the disk is full"]


@pytest.mark.usefixtures("disk")
def test_a_complete_file_has_no_note():
    told = []
    spool = Spool("run-web")
    spool.when_cut(told.append)
    spool.write(LINE)
    spool.flush()
    spool.write(LINE)
    spool.close()
    spool.write(LINE)
    assert (told, spool.whole, Path(spool.path).read_bytes()) == ([], True, LINE * 2)


def test_space_freed_later_leaves_no_hole(disk):
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * 40_000)
    spool = Spool("run-web")
    spool.write(LINE * 5_000)
    spool.flush()
    kept = Path(spool.path).read_bytes()
    ballast.unlink()
    spool.write(LINE)
    spool.close()
    assert Path(spool.path).read_bytes() == kept


def test_a_file_size_limit_ends_the_file(tmp_path):
    code = """
        import sys
        from nbcontainer.settings import settings
        from nbcontainer.spool import Spool
        settings.spool_directory = sys.argv[1]
        spool = Spool("run-web")
        spool.when_cut(print)
        spool.write(b"0123456789\\n" * 1000)
        spool.close()
    """

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_500, 5_500))

    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=limit,
    )
    assert said.stdout.endswith(" is incomplete, it has the first 500 lines: the file has reached the size limit\n")


@pytest.mark.parametrize("folder", ["/proc/outputs", "/dev/null/outputs"])
def test_without_a_folder_there_is_no_file_and_a_note(monkeypatch, folder):
    monkeypatch.setattr(settings, "spool_directory", folder)
    with pytest.raises(UsageError, match=f"Outputs cannot be kept in {folder}"):
        spool_folder()
    told = []
    spool = Spool("run-web")
    spool.when_cut(told.append)
    spool.write(LINE)
    spool.close()
    assert spool.path == ""
    (note,) = told
    assert note.startswith(f"Outputs cannot be kept in {folder}: ")
    assert note.endswith(" Change the setting spool_directory.")


def test_a_folder_that_takes_no_file_is_a_note(tmp_path, monkeypatch):
    with small_disk(tmp_path / "disk", 64, files=1) as folder:  # the folder itself counts as one
        monkeypatch.setattr(settings, "spool_directory", str(folder))
        told = []
        spool = Spool("run-web")
        spool.when_cut(told.append)
    assert (spool.path, told) == ("", ["The output is not kept in a file: the disk is full."])
