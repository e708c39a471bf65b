"""The directory protocol, with this test as the daemon; test_differential uses the real one."""

import contextlib
import gc
import io
import os
import queue
import socket
import subprocess
import tarfile
import threading
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcontainer.buildkit.contexttar import ContextTar
from nbcontainer.buildkit.filestat import CHUNK, DIRECTORY, SYMLINK, MemoryFile, go_mode
from nbcontainer.buildkit.filesync import Statistics, TransferError, _stat_packet, send
from nbcontainer.buildkit.messages import Packet, Stat
from nbcontainer.buildkit.patterns import InvalidPatternError
from nbcontainer.buildkit.tree import ContextError, Tree

STAT, REQUEST, DATA, FINISHED, ERROR = range(5)


class Daemon:
    """The receiving end of one transfer."""

    def __init__(self, tree, metadata=None, wanted=lambda stat: not stat.linkname):
        self.tree, self.metadata, self.wanted = tree, metadata or {}, wanted
        self.statistics = Statistics()
        self.stats, self.data, self.errors = [], {}, []
        self.ended = set()
        self._requests = queue.SimpleQueue()
        self.finished = False

    def ask(self, packet):
        self._requests.put(None if packet is None else packet.encode())

    def packets(self):
        for batch in send(self.tree, iter(self._requests.get, None), self.metadata, self.statistics):
            for raw in batch:
                yield Packet.decode(raw)

    def run(self):
        numbers, listed = {}, False
        for packet in self.packets():
            if packet.type == STAT and packet.stat is None:
                listed = True
            elif packet.type == STAT:
                number = len(self.stats)
                self.stats.append(packet.stat)
                if not packet.stat.mode & ~0o777 & ~(7 << 20) and self.wanted(packet.stat):
                    numbers[number] = packet.stat.path
                    self.data[packet.stat.path] = b""
                    self.ask(Packet(type=REQUEST, id=number))
            elif packet.type == DATA and packet.data:
                assert packet.id not in self.ended
                self.data[numbers[packet.id]] += packet.data
            elif packet.type == DATA:
                self.ended.add(packet.id)
            elif packet.type == ERROR:
                self.errors.append(packet.data.decode())
            elif packet.type == FINISHED:
                self.finished = True
            if listed and len(self.ended) == len(numbers) and not self.finished:
                self.ask(Packet(type=FINISHED))
                listed = False
        return self


def paths(tree, **selection):
    return [stat.path for stat in tree.walk(**selection)]


def by_path(tree):
    return {stat.path: stat for stat in tree.walk()}


@pytest.fixture
def folder(tmp_path):
    for name in ("b/x", "b/y.log", "a.txt", "c/d/e", "b.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_sends_every_file_and_ends(folder):
    daemon = Daemon(Tree(folder)).run()
    assert daemon.data == {name: name.encode() for name in ("b/x", "b/y.log", "a.txt", "c/d/e", "b.txt")}
    assert daemon.finished
    assert daemon.statistics.finished
    assert daemon.statistics.problems == []


def test_folders_come_before_what_they_hold_in_bytewise_order(folder):
    (folder / "b-").write_text("")
    (folder / "é").write_text("")
    assert paths(Tree(folder)) == ["a.txt", "b", "b/x", "b/y.log", "b-", "b.txt", "c", "c/d", "c/d/e", "é"]


def test_thousands_of_files_while_the_list_is_still_sent(tmp_path):
    for number in range(1500):
        (tmp_path / f"{number:04}").write_text(str(number))
    daemon = Daemon(Tree(tmp_path)).run()
    assert daemon.data == {f"{number:04}": str(number).encode() for number in range(1500)}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (0o100644, 0o644),
        (0o040755, 1 << 31 | 0o755),
        (0o041777, 1 << 31 | 1 << 20 | 0o777),
        (0o104755, 1 << 23 | 0o755),
        (0o102755, 1 << 22 | 0o755),
        (0o120777, 1 << 27 | 0o777),
        (0o010600, 1 << 25 | 0o600),
        (0o060660, 1 << 26 | 0o660),
        (0o020666, 1 << 26 | 1 << 21 | 0o666),
        (0o140755, 0o755),
    ],
)
def test_modes_are_those_of_go(mode, expected):
    assert go_mode(mode) == expected


def test_links_special_files_and_attributes(tmp_path):
    (tmp_path / "one").write_text("12345")
    os.link(tmp_path / "one", tmp_path / "two")
    (tmp_path / "link").symlink_to("../elsewhere")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
    (tmp_path / "plain").write_text("")
    os.setxattr(tmp_path / "plain", "user.note", b"\0\xff")
    stats = by_path(Tree(tmp_path))
    assert stats["one"].linkname == ""
    assert stats["two"].linkname == "one"
    assert stats["link"].mode & SYMLINK
    assert stats["link"].linkname == "../elsewhere"
    assert stats["plain"].xattrs == {"user.note": b"\0\xff"}
    assert {stat.uid for stat in stats.values()} == {0}
    daemon = Daemon(Tree(tmp_path)).run()
    assert daemon.data == {"one": b"12345", "plain": b"", "socket": b""}


def test_files_in_memory_override_the_folder(folder):
    files = {"a.txt": "new", "b/new.py": b"1", "c": b"a file now", "d/e/f": MemoryFile(b"run", 0o755)}
    tree = Tree(folder, files)
    assert paths(tree) == ["a.txt", "b", "b/new.py", "b/x", "b/y.log", "b.txt", "c", "d", "d/e", "d/e/f"]
    daemon = Daemon(tree).run()
    assert daemon.data["a.txt"] == b"new"
    assert daemon.data["c"] == b"a file now"
    assert by_path(tree)["d/e/f"].mode == 0o755
    assert by_path(tree)["d"].mode & DIRECTORY


def test_files_in_memory_do_not_lead_out_of_the_folder(tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "secret").write_text("x")
    (inside / "link").symlink_to(outside)
    assert paths(Tree(inside, {"link/app.py": "1"})) == ["link", "link/app.py"]


def test_the_time_of_a_file_in_memory_tells_its_content():
    times = {by_path(Tree(files={"f": data}))["f"].mtime for data in (b"1", b"2", b"3")}
    assert len(times) == 3
    assert by_path(Tree(files={"f": b"1"})) == by_path(Tree(files={"f": b"1"}))


@pytest.mark.parametrize("name", ["../x", "/x", "", "..", "a\0b"])
def test_names_in_memory_stay_within(name):
    with pytest.raises(ContextError, match="within the build context"):
        Tree(files={name: b""})


def test_a_name_cannot_be_file_and_folder():
    with pytest.raises(ContextError, match="both"):
        Tree(files={"a": b"", "a/b": b""})


def test_the_folder_must_be_one(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ContextError, match="not a folder"):
        Tree(tmp_path / "file")
    with pytest.raises(ContextError, match="does not exist"):
        Tree(tmp_path / "nowhere")


def test_patterns_come_as_metadata(folder):
    metadata = {"include-patterns": ["b", "c"], "exclude-patterns": ["**%2F*.log"], "exclude-patterns-encoded": ["1"]}
    daemon = Daemon(Tree(folder), metadata).run()
    assert [stat.path for stat in daemon.stats] == ["b", "b/x", "c", "c/d", "c/d/e"]


def test_folders_around_what_is_wanted_are_sent_too(folder):
    assert paths(Tree(folder), include=["c/d/e"]) == ["c", "c/d", "c/d/e"]
    assert paths(Tree(folder), exclude=["c", "b*", "!c/d/e"]) == ["a.txt", "c", "c/d", "c/d/e"]


def test_links_are_followed_to_what_they_name(folder):
    (folder / "l1").symlink_to("l2/d")
    (folder / "l2").symlink_to("/c")
    (folder / "loop").symlink_to("loop")
    assert paths(Tree(folder), follow=["l1/e"]) == ["c", "c/d", "c/d/e", "l1", "l2"]
    assert paths(Tree(folder), follow=["l?"])[:1] == ["c"]
    assert paths(Tree(folder), follow=["loop"]) == ["loop"]
    assert paths(Tree(folder), follow=["/../../a.txt"]) == ["a.txt"]
    assert paths(Tree(folder), follow=["."]) == paths(Tree(folder))


@pytest.fixture
def deep_folder(tmp_path):
    """A folder nested as deeply as paths allow; rm removes it, as Python's rmtree (3.12) would recurse too deeply."""
    top = tmp_path / "d"
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1300):
        os.mkdir("d", dir_fd=here)
        here, above = os.open("d", os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(here)
    yield tmp_path
    subprocess.run(["rm", "-rf", top], check=True)


def test_very_deep_folders(deep_folder):
    assert len(paths(Tree(deep_folder))) == 1300


def test_a_malformed_pattern_is_reported_to_both_ends(folder):
    daemon = Daemon(Tree(folder), {"exclude-patterns": ["[a"]})
    with pytest.raises(InvalidPatternError):
        daemon.run()
    assert daemon.errors == ["invalid path pattern '[a': syntax error in pattern"]


def test_a_name_that_is_not_utf8_is_reported_to_both_ends(folder):
    (folder / os.fsdecode(b"c/caf\xe9")).write_text("")
    daemon = Daemon(Tree(folder))
    with pytest.raises(ContextError, match=r"'c/caf\\xe9': its name is not UTF-8"):
        daemon.run()
    assert "'c/caf\\xe9'" in daemon.errors[0]
    assert paths(Tree(folder), exclude=["c"]) == ["a.txt", "b", "b/x", "b/y.log", "b.txt"]


def test_a_link_whose_target_is_not_utf8(tmp_path):
    (tmp_path / "l").symlink_to(os.fsdecode(b"\xe9"))
    with pytest.raises(ContextError, match=r"'l'.*UTF-8"):
        paths(Tree(tmp_path))


@contextlib.contextmanager
def as_somebody():
    """Temporarily drop root's permission to read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_what_cannot_be_read_is_an_error_and_not_an_empty_file(folder):
    for above in (folder, *folder.parents[:2]):  # pytest makes them accessible only to the owner
        above.chmod(0o755)
    (folder / "b").chmod(0)
    (folder / "a.txt").chmod(0)
    tree = Tree(folder)
    daemon = Daemon(tree, {"exclude-patterns": ["b"]})
    with as_somebody(), pytest.raises(ContextError) as caught:
        paths(tree)
    assert "'b': cannot be read: Permission denied" in str(caught.value)
    with as_somebody():
        assert "c" in paths(tree, exclude=["b"])
    with as_somebody(), pytest.raises(ContextError) as caught:
        daemon.run()
    assert "'a.txt': cannot be read: Permission denied" in str(caught.value)
    assert daemon.errors == [str(caught.value)]


def after_listing(tree, change):
    """Run a transfer in which the folder changes between the list and the first request."""
    daemon = Daemon(tree)
    asked = daemon.ask

    def ask(packet):
        if packet.type == REQUEST and not hasattr(daemon, "changed"):
            daemon.changed = change()
        asked(packet)

    daemon.ask = ask
    return daemon.run()


def test_a_file_that_vanishes_is_sent_as_empty_and_noted(folder):
    daemon = after_listing(Tree(folder), (folder / "a.txt").unlink)
    assert daemon.data["a.txt"] == b""
    assert daemon.finished
    assert daemon.statistics.problems == ["a.txt vanished before it was sent, and was sent as empty"]


def test_a_file_that_shrinks_grows_or_turns_into_something_else(folder):
    def change():
        (folder / "a.txt").write_text("a much longer text")
        (folder / "b.txt").write_text("")
        (folder / "b/x").unlink()
        os.mkfifo(folder / "b/x")
        (folder / "b/y.log").unlink()
        (folder / "b/y.log").symlink_to("/etc/hostname")
        (folder / "c/d/e").unlink()
        (folder / "c/d/e").mkdir()

    daemon = after_listing(Tree(folder), change)
    assert daemon.finished
    assert daemon.data == {"a.txt": b"a much longer text", "b.txt": b"", "b/x": b"", "b/y.log": b"", "c/d/e": b""}
    assert sorted(problem.split()[0] for problem in daemon.statistics.problems) == sorted(daemon.data)


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(bytes(3 * CHUNK))
    with Tree(tmp_path).open("f") as file:
        chunks = file.chunks()
        assert len(next(chunks)) == CHUNK
        os.truncate(path, CHUNK)
        assert list(chunks) == []
        assert file.problem == "shrank while it was sent"


def test_a_file_that_grows_while_it_is_read_comes_to_an_end(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(bytes(2 * CHUNK))
    with Tree(tmp_path).open("f") as file, path.open("ab") as more:
        total = 0
        for chunk in file.chunks():
            total += len(chunk)
            more.write(bytes(CHUNK))
            more.flush()
    assert total == 2 * CHUNK


def test_a_folder_that_vanishes_during_the_walk(folder):
    walk = Tree(folder).walk()
    assert next(walk).path == "a.txt"
    (folder / "b/x").unlink()
    (folder / "b/y.log").unlink()
    (folder / "b").rmdir()
    assert [stat.path for stat in walk] == ["b.txt", "c", "c/d", "c/d/e"]


@pytest.fixture
def led_out(folder, tmp_path_factory):
    """Makes a link of a folder of the context, as a daemon can whose output goes into it; to one with the same name."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "d").mkdir()
    (outside / "d/e").write_text("secret")
    (outside / "more").write_text("secret")

    def change():
        (folder / "c").rename(folder / "z")
        (folder / "c").symlink_to(outside)

    return change


def test_a_folder_that_becomes_a_link_before_a_file_in_it_is_asked_for(folder, led_out):
    daemon = after_listing(Tree(folder), led_out)
    assert daemon.data["c/d/e"] == b""
    assert daemon.statistics.problems == ["c/d/e vanished before it was sent, and was sent as empty"]


@pytest.mark.parametrize(("at", "rest"), [("c", []), ("c/d", ["c/d/e"])])
def test_a_folder_that_becomes_a_link_during_the_walk(at, rest, folder, led_out):
    walk = Tree(folder).walk()
    while next(walk).path != at:
        pass
    led_out()
    stats = list(walk)
    assert [stat.path for stat in stats] == rest
    assert all(stat.size == len("c/d/e") for stat in stats)  # what was opened before


def test_a_context_that_becomes_a_link_is_still_the_folder_that_was_given(folder, tmp_path_factory):
    tree = Tree(folder)
    folder.rename(moved := folder.with_name("moved"))
    folder.symlink_to(tmp_path_factory.mktemp("outside"))
    assert "c/d/e" in paths(tree)
    moved.rename(folder.with_name("moved again"))
    with tree.open("c/d/e") as file:
        assert b"".join(file.chunks()) == b"c/d/e"


def test_links_that_are_followed_lead_to_paths_within_the_context(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").write_text("secret")
    (folder / "l").symlink_to(outside)
    for wanted in ("l/secret", "l/*", "l/../../*/secret", "../*", "*/secret", f"..{outside}/secret"):
        assert not [path for path in paths(Tree(folder), follow=[wanted]) if "secret" in path]


def test_a_tree_keeps_few_descriptors_and_leaves_none(deep_folder):
    def descriptors():
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir()))

    before = descriptors()
    walk = Tree(deep_folder).walk()
    assert max(descriptors() for number, _ in enumerate(walk) if number % 100 == 0) < before + 100
    walk = Tree(deep_folder).walk()
    assert len([next(walk) for _ in range(200)]) == 200
    walk.close()
    del walk
    assert descriptors() == before


def test_huge_files_need_little_memory(tmp_path):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(400 << 20)
    requests = queue.SimpleQueue()
    requests.put(Packet(type=REQUEST, id=0).encode())
    total = 0
    tracemalloc.start()
    try:
        # the list is short: the request is answered after it
        for batch in send(Tree(tmp_path), _late(requests), {}):
            total += sum(map(len, batch))
            if Packet.decode(batch[-1]).type == DATA and len(batch[-1]) < 10:
                requests.put(Packet(type=FINISHED).encode())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total > 400 << 20
    assert peak < 8 * CHUNK


def _late(requests):
    """A daemon that requests the only file as soon as it can have seen it."""
    listed = threading.Event()
    threading.Timer(0.2, listed.set).start()
    listed.wait()
    for _ in range(2):
        yield requests.get()


def test_a_daemon_that_goes_away_ends_it_quietly(folder):
    daemon = Daemon(Tree(folder))
    daemon.ask(None)
    packets = list(daemon.packets())
    assert all(packet.type == STAT for packet in packets)
    assert not daemon.statistics.finished


def test_a_walk_over_nothing_wanted_stops_when_the_daemon_goes_away(tmp_path):
    for number in range(50):
        (tmp_path / f"{number}/x").mkdir(parents=True)
    asked = []

    def stopped():
        asked.append(1)
        return len(asked) > 5

    assert list(Tree(tmp_path).walk(exclude=["**/*", "!**/y"], stopped=stopped)) == []
    assert len(asked) == 6


@pytest.mark.parametrize("number", [0, 1, 999, 2**31])
def test_a_request_for_something_other_than_a_file_is_refused(folder, number):
    """0 is requested twice, 1 is a folder, the others were not listed."""
    daemon = Daemon(Tree(folder))
    packets = daemon.packets()
    for packet in packets:
        if packet.type == STAT and packet.stat is None:
            break
    if number == 0:
        daemon.ask(Packet(type=REQUEST, id=0))
    daemon.ask(Packet(type=REQUEST, id=number))
    with pytest.raises(TransferError, match=f"file number {number}"):
        list(packets)


def test_an_error_of_the_daemon_is_raised(folder):
    daemon = Daemon(Tree(folder))
    daemon.ask(Packet(type=ERROR, data=b"no space left"))
    with pytest.raises(TransferError, match="no space left"):
        list(daemon.packets())


def test_bytes_that_are_not_a_packet_are_an_error(folder):
    with pytest.raises(ValueError, match="message"):
        list(send(Tree(folder), iter([b"\xff\xff"]), {}))


def unpacked(tar):
    with tarfile.open(fileobj=io.BytesIO(b"".join(tar))) as archive:
        return {member.name: (member, archive.extractfile(member)) for member in archive}


def test_a_context_as_a_tar(folder):
    os.link(folder / "a.txt", folder / "same.txt")
    (folder / "l").symlink_to("a.txt")
    os.mkfifo(folder / "pipe")
    (folder / ("long" * 40)).write_text("x")
    (folder / os.fsdecode(b"caf\xe9")).write_text("y") if os.fsencode("é") != b"?" else None
    (folder / ".dockerignore").write_text("b\n")
    (folder / "a.txt").chmod(0o4755)
    os.utime(folder / "a.txt", ns=(0, 1_500_000_000_900_000_000))
    tree = Tree(folder, {"m.py": "1"})
    with pytest.raises(ContextError, match="UTF-8"):
        list(ContextTar(tree, "FROM scratch\n", ["b"]))
    (folder / os.fsdecode(b"caf\xe9")).unlink()
    tar = ContextTar(tree, "FROM scratch\n", ["b"])
    members = unpacked(tar)
    assert members[tar.dockerfile_name][1].read() == b"FROM scratch\n"
    assert members[".dockerignore"][1].read().decode().splitlines() == [
        ".dockerignore",
        ".containerignore",
        tar.dockerfile_name,
    ]
    assert set(members) - {tar.dockerfile_name, ".dockerignore"} == {
        *("a.txt", "b.txt", "c", "c/d", "c/d/e", "l", "long" * 40, "m.py", "pipe", "same.txt"),
    }
    assert members["a.txt"][0].mtime == 1_500_000_000
    assert members["a.txt"][0].mode == 0o4755
    assert members["same.txt"][0].linkname == "a.txt"
    assert members["same.txt"][0].islnk()
    assert members["l"][0].issym()
    assert members["pipe"][0].isfifo()
    assert {member.uid for member, _ in members.values()} == {0}
    assert list(tar) == list(tar)


def test_a_tar_stays_whole_when_a_file_shrinks(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 3 * CHUNK)
    (tmp_path / "b").write_bytes(b"after")
    statistics = Statistics()
    pieces = []
    for piece in ContextTar(Tree(tmp_path), "", statistics=statistics):
        if not pieces:
            os.truncate(tmp_path / "a", 10)
        pieces.append(piece)
    members = unpacked(pieces)
    assert members["a"][0].size == 3 * CHUNK
    assert members["b"][1].read() == b"after"
    assert statistics.problems == ["a shrank while it was sent"]


def test_the_dockerfile_in_a_tar_hides_nothing(tmp_path):
    name = ContextTar(Tree(tmp_path), "FROM x").dockerfile_name
    (tmp_path / name).write_text("mine")
    tar = ContextTar(Tree(tmp_path), "FROM x")
    assert tar.dockerfile_name != name
    assert unpacked(tar)[name][1].read() == b"mine"


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**62),
    st.integers(-(2**62), 2**62),
    st.sampled_from([{}, {"linkname": "x"}, {"xattrs": {"user.a": b"1"}}, {"devmajor": 1}, {"devminor": 3}]),
)
def test_the_short_way_to_write_an_entry_writes_the_same(path, mode, size, mtime, more):
    stat = Stat(path=path, mode=mode, size=size, mtime=mtime, **more)
    assert _stat_packet(stat) == Packet(type=STAT, stat=stat).encode()
