"""What a daemon may put into a folder; this test plays an honest or hostile daemon."""

import contextlib
import os
import queue
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcontainer.buildkit.destination import DestinationError
from nbcontainer.buildkit.filereceive import receive
from nbcontainer.buildkit.filestat import CHARACTER_DEVICE, DEVICE, DIRECTORY, FIFO, SYMLINK, is_regular
from nbcontainer.buildkit.filesync import Statistics, TransferError, send
from nbcontainer.buildkit.messages import Packet, Stat
from nbcontainer.buildkit.tree import Tree
from tests.buildkit import random_trees
from tests.buildkit.canary import Canary

STAT, REQUEST, DATA, FINISHED, ERROR = range(5)
REFUSED = (TransferError, DestinationError)


@pytest.fixture
def folder(tmp_path):
    for name in ("b/x", "b/y.log", "a.txt", "c/d/e", "b.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


@pytest.fixture
def canary(tmp_path):
    return Canary(tmp_path)


def listed(*stats):
    return [Packet(type=STAT, stat=stat) for stat in stats]


END = Packet(type=STAT)


def directory(path, mode=0o755):
    return Stat(path=path, mode=DIRECTORY | mode)


def link(path, target):
    return Stat(path=path, mode=SYMLINK | 0o777, linkname=str(target))


def file(path, **more):
    return Stat(path=path, mode=0o644, **more)


def content(number, data):
    return [Packet(type=DATA, id=number, data=data), Packet(type=DATA, id=number)]


def received(packets, target, statistics=None):
    """Receive what a daemon sends unprompted; returns the ids that were requested from it."""
    answers = receive(iter([packet.encode() for packet in packets]), target, statistics)
    asked = [Packet.decode(raw) for batch in answers for raw in batch]
    return [packet.id for packet in asked if packet.type == REQUEST]


def transferred(source, destination, statistics=None):
    """Send one folder to another, with our code on both sides."""
    to_receiver, to_sender = queue.SimpleQueue(), queue.SimpleQueue()

    def run():
        for batch in send(source, iter(to_sender.get, None), {}):
            for packet in batch:
                to_receiver.put(packet)
        to_receiver.put(None)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        for batch in receive(iter(to_receiver.get, None), destination, statistics):
            for packet in batch:
                to_sender.put(packet)
    finally:
        to_sender.put(None)
        thread.join()


def test_a_folder_that_is_sent_and_received_is_the_same(tmp_path):
    for seed in range(40):
        case = random_trees.make(seed, tmp_path / f"{seed}")
        target = tmp_path / f"{seed}.received"
        transferred(Tree(case.folder), target)
        assert list(map(sameness, Tree(target).walk())) == list(map(sameness, Tree(case.folder).walk())), seed
        for stat in Tree(target).walk():
            if is_regular(stat.mode) and (case.folder / stat.path).is_file():
                assert (target / stat.path).read_bytes() == (case.folder / stat.path).read_bytes()


def sameness(stat):
    return (stat.path, stat.mode, stat.size, stat.mtime if not stat.mode & SYMLINK else 0, stat.linkname, stat.xattrs)


def test_what_is_received_replaces_what_has_its_name_and_nothing_else(folder, tmp_path_factory):
    target = tmp_path_factory.mktemp("received")
    outside = tmp_path_factory.mktemp("elsewhere") / "outside"
    outside.mkdir()
    (target / "a.txt").mkdir(parents=True)
    (target / "a.txt/old").write_text("")
    (target / "b").symlink_to(outside)
    (target / "b.txt").symlink_to(outside / "new")
    (target / "kept").write_text("kept")
    transferred(Tree(folder), target)
    assert (target / "a.txt").read_text() == "a.txt"
    assert (target / "b/x").read_text() == "b/x"
    assert (target / "kept").read_text() == "kept"
    assert list(outside.iterdir()) == []
    assert not [path for path in target.rglob("*") if "unfinished" in path.name]


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "nowhere/x", "", ".", "..", "a//b", "l/x", "a\0b"])
def test_nothing_is_received_outside_of_the_folder(path, tmp_path):
    stats = [Stat(path="l", mode=SYMLINK | 0o777, linkname=".."), Stat(path=path, mode=0o644)]
    packets = [Packet(type=STAT, stat=stat).encode() for stat in stats]
    with pytest.raises(TransferError):
        list(receive(iter(packets), tmp_path / "target"))
    assert [found.name for found in tmp_path.iterdir()] == ["target"]


@pytest.mark.parametrize("link", ["../x", "/etc/passwd", "l/passwd"])
def test_nothing_outside_of_the_folder_gets_another_name(link, tmp_path):
    (tmp_path / "x").write_text("")
    stats = [Stat(path="l", mode=SYMLINK | 0o777, linkname="/etc"), Stat(path="m", mode=0o644, linkname=link)]
    packets = [Packet(type=STAT, stat=stat).encode() for stat in stats]
    with pytest.raises(TransferError, match="'m'"):
        list(receive(iter([*packets, Packet(type=STAT).encode()]), tmp_path / "target"))


@pytest.mark.parametrize(
    "last",
    [None, Packet(type=ERROR, data=b"gone"), Packet(type=DATA, id=7, data=b"x"), Packet(type=FINISHED)],
)
def test_a_transfer_that_breaks_off_leaves_no_half_file(last, tmp_path):
    packets = [Packet(type=STAT, stat=Stat(path="f", mode=0o644, size=9)), Packet(type=DATA, id=0, data=b"half")]
    sent = [packet.encode() for packet in [*packets, *([last] if last else [])]]
    with pytest.raises(TransferError):
        list(receive(iter(sent), tmp_path / "target"))
    assert list((tmp_path / "target").iterdir()) == []


# --- a hostile daemon

FIFO_STAT = Stat(path="a/new", mode=FIFO | 0o666)
ATTACKS = {
    "a file where a folder became a link": lambda outside: [
        *listed(directory("a"), link("a", outside), file("a/new")), END, *content(2, b"evil"),
    ],
    "a file that is replaced there": lambda outside: [
        *listed(directory("a"), link("a", outside), file("a/b")), END, *content(2, b"evil"),
    ],
    "a folder that becomes a link once its file is listed": lambda outside: [
        *listed(directory("a"), file("a/b"), link("a", outside)), END, *content(1, b"evil"),
    ],
    "a folder that becomes a link while its file arrives": lambda outside: [
        *listed(directory("a"), file("a/b")), content(1, b"evil")[0],
        *listed(link("a", outside)), END, content(1, b"")[1],
    ],
    "the mode of a folder that became a link": lambda outside: [
        *listed(directory("a", 0o777), link("a", outside)), END,
    ],
    "a hard link to a file below a link": lambda outside: [
        *listed(directory("a"), link("a", outside), file("b", linkname="a/b")), END,
    ],
    "a hard link whose folder becomes a link": lambda outside: [
        *listed(directory("a"), file("a/b"), file("b", linkname="a/b"), link("a", outside)), END, *content(1, b""),
    ],
    "a folder below a link": lambda outside: [*listed(directory("a"), link("a", outside), directory("a/new")), END],
    "a link below a link": lambda outside: [*listed(directory("a"), link("a", outside), link("a/b", "/")), END],
    "a pipe below a link": lambda outside: [*listed(directory("a"), link("a", outside), FIFO_STAT), END],
    "a folder that is emptied below a link": lambda outside: [
        *listed(directory("a"), link("a", outside), link("a/x", "/")), END,
    ],
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_changes_nothing_outside(attack, canary):
    with pytest.raises(REFUSED, match="'a'"):
        received(ATTACKS[attack](canary.outside), canary.target)
    canary.check()


def test_links_of_the_user_in_the_folder_are_replaced_and_not_followed(canary):
    """As with buildx: an output folder that contains links to elsewhere."""
    for name in ("a", "d", "x"):
        (canary.target / name).symlink_to(canary.outside)
    (canary.target / "b").symlink_to(canary.outside / "b")
    os.link(canary.outside / "b", canary.target / "c")
    canary.before = canary.seen()
    stats = [
        directory("a", 0o700),
        file("a/b"),
        file("b"),
        file("c"),
        Stat(path="d", mode=FIFO | 0o666),
        link("x", "l"),
    ]
    packets = [*listed(*stats), END, *content(1, b"1"), *content(2, b"2"), *content(3, b"3"), Packet(type=FINISHED)]
    assert received(packets, canary.target) == [1, 2, 3]
    assert not (canary.target / "a").is_symlink()
    assert [(canary.target / name).read_text() for name in ("a/b", "b", "c")] == ["1", "2", "3"]
    assert (canary.target / "d").is_fifo()
    assert (canary.target / "x").readlink() == Path("l")
    assert (canary.outside / "b").stat().st_nlink == 1
    (path,) = [path for path in canary.before if path.endswith("/b")]
    canary.before[path] = (canary.before[path][0], 1, *canary.before[path][2:])  # its name in the target is gone
    canary.check()


def test_an_output_folder_may_itself_be_a_link(canary):
    (canary.target / "real").mkdir()
    (canary.target / "l").symlink_to("real")
    received([*listed(file("f")), END, *content(0, b"x"), Packet(type=FINISHED)], canary.target / "l")
    assert (canary.target / "real/f").read_bytes() == b"x"


@pytest.mark.parametrize(
    ("stats", "said"),
    [
        ([file("a"), file("a")], "'a' twice"),
        ([directory("a"), directory("a")], "'a' twice"),
        ([file("b"), file("a")], "'a' after 'b', which is out of order"),
        ([directory("a"), file("a/c"), file("a/b")], "'a/b' after 'a/c', which is out of order"),
        ([directory("a"), file("b"), file("a/c")], "'a/c', which is not in a folder"),
        ([file("a"), file("a/b")], "'a/b', which is not in a folder"),
        ([link("a", "."), file("a/b")], "'a/b', which is not in a folder"),
        ([file("b", linkname="a")], "'b' to 'a', which is not a file"),
        ([file("a", linkname="a")], "'a' to 'a', which is not a file"),
        ([directory("a"), file("b", linkname="a")], "'b' to 'a', which is not a file"),
        ([link("a", "x"), file("b", linkname="a")], "'b' to 'a', which is not a file"),
        ([file("a"), file("b", linkname="a"), file("c", linkname="b")], "'c' to 'b', which is not a file"),
        ([file("a"), file("b", linkname="../target/a")], "which is not a file"),
    ],
)
def test_what_a_daemon_may_not_list(stats, said, canary):
    with pytest.raises(TransferError) as caught:
        received([*listed(*stats), END], canary.target)
    assert said in str(caught.value)
    canary.check()


def test_a_file_that_is_the_user_s_own_gets_no_further_name(canary):
    (canary.target / "a").write_text("private")
    with pytest.raises(TransferError, match="'b' to 'a'"):
        received([*listed(file("b", linkname="a")), END], canary.target)
    assert (canary.target / "a").stat().st_nlink == 1


@pytest.mark.parametrize("kind", [1 << 19, 1 << 24])
def test_a_file_that_has_the_name_of_what_was_left_out_gets_no_further_name(kind, canary):
    (canary.target / "a").write_text("private")
    statistics = Statistics()
    stats = [Stat(path="a", mode=kind | 0o644), file("b", linkname="a")]
    received([*listed(*stats), END, Packet(type=FINISHED)], canary.target, statistics)
    assert statistics.problems == [
        "a is of an unknown kind, and was left out",
        "b is another name of one, and was left out",
    ]
    assert [path.name for path in canary.target.iterdir()] == ["a"]
    assert (canary.target / "a").stat().st_nlink == 1


@pytest.mark.parametrize(
    ("packets", "said"),
    [
        ([END, *listed(file("a"))], "after the end of its list"),
        ([END, END], "after the end of its list"),
        ([*listed(file("a")), Packet(type=FINISHED)], "before it had sent the whole result"),
        ([*listed(file("a")), END, *content(0, b"1"), *content(0, b"2")], "number 0, which was not requested"),
        ([*listed(directory("a")), END, *content(0, b"1")], "number 0, which was not requested"),
        (listed(link("a", "b\0c")), "'a' cannot be written: embedded null"),
        (listed(link("a", "")), "'a' cannot be written: No such file"),
        (listed(link("a", "x" * 5000)), "'a' cannot be written: File name too long"),
        ([*listed(file("a" * 300)), END, *content(0, b"")], "cannot be written: File name too long"),
        (listed(Stat(path="a", mode=DEVICE | 0o666, devmajor=2**40)), "'a' cannot be written"),
    ],
)
def test_a_transfer_that_breaks_the_rules_is_an_error_of_ours(packets, said, canary):
    with pytest.raises(REFUSED) as caught:
        received(packets, canary.target)
    assert said in str(caught.value)
    canary.check()


def test_a_daemon_cannot_use_up_the_descriptors_of_this_process(canary):
    many = [file(f"{number:04}") for number in range(2000)]
    started = [Packet(type=DATA, id=number, data=b"x") for number in range(2000)]
    with pytest.raises(DestinationError, match="'0016' was refused: 16 files are already being received"):
        received([*listed(*many), END, *started], canary.target)
    canary.check()
    assert list(canary.target.iterdir()) == []


def test_folders_that_lie_deeper_than_a_path_may_be_long(tmp_path):
    paths = ["/".join(["d" * 20] * depth) for depth in range(1, 301)]
    stats = [*map(directory, paths), file(f"{paths[-1]}/f")]
    received([*listed(*stats), END, *content(300, b"deep"), Packet(type=FINISHED)], tmp_path / "target")
    here = os.open(tmp_path / "target", os.O_RDONLY)
    for _ in range(300):
        here, above = os.open("d" * 20, os.O_RDONLY, dir_fd=here), here
        os.close(above)
    descriptor = os.open("f", os.O_RDONLY, dir_fd=here)
    assert os.read(descriptor, 9) == b"deep"
    os.close(descriptor)
    os.close(here)


NAMES = ["a", "b", "x"]
PATHS = ["a", "b", "a/b", "a/x", "a/x/x", "b/x"]
ODD_PATHS = ["", ".", "..", "../outside/b", "/", "a/", "a//b", "a/../../outside/b", "./a", "a\0", "outside"]
PERMISSIONS = st.sampled_from([0o777, 0o700, 0o644, 0, 1 << 23 | 0o755])


@st.composite
def stats(draw, paths):
    """An entry of any kind; links lead outside, by names relative to the target."""
    path = draw(paths)
    kind = draw(
        st.sampled_from(["directory", "directory", "file", "file", "symlink", "symlink", "hard link", "special"])
    )
    mode = draw(PERMISSIONS)
    mtime = draw(st.sampled_from([0, 10**18 + 7, -1, 2**62]))
    xattrs = draw(st.sampled_from([{}, {}, {"user.evil": b"1"}]))
    more = {"path": path, "mtime": mtime, "xattrs": xattrs}
    if kind == "directory":
        return Stat(mode=DIRECTORY | mode, **more)
    if kind == "symlink":
        up = "/".join([".."] * (path.count("/") + 1))
        targets = [f"{up}/outside", f"{up}/outside", f"{up}/outside/b", f"{up}/outside/x", "b", "/nowhere"]
        return Stat(mode=SYMLINK | 0o777, linkname=draw(st.sampled_from(targets)), **more)
    if kind == "hard link":
        return Stat(mode=mode, linkname=draw(st.sampled_from([*PATHS, "../outside/b"])), **more)
    if kind == "special":
        return Stat(
            mode=draw(st.sampled_from([FIFO, DEVICE | CHARACTER_DEVICE])) | mode, devmajor=1, devminor=3, **more
        )
    return Stat(mode=mode, **more)


def in_order(found):
    """Entries as an honest daemon would send them: each path once, in order, and only below folders."""
    by_path = {stat.path: stat for stat in found}
    for path in list(by_path):
        while path := path.rpartition("/")[0]:
            if not by_path.get(path, Stat()).mode & DIRECTORY:
                by_path[path] = directory(path)
    kept = [by_path[path] for path in sorted(by_path, key=lambda path: path.split("/"))]
    files = {stat.path for stat in kept if not stat.linkname and not stat.mode & DIRECTORY}
    first = min(files, default="")
    for stat in kept:
        if stat.linkname and not stat.mode & SYMLINK:
            stat.linkname = first if first < stat.path else ""
    return kept


@st.composite
def transfers(draw):
    """A regular transfer with some packets inserted that do not belong there, truncated anywhere."""
    good = in_order(draw(st.lists(stats(st.sampled_from(PATHS)), min_size=1, max_size=8)))
    packets = [*listed(*good), END]
    for number in range(len(good) + 2):
        packets += content(number, b"evil")
    known = st.sampled_from([stat.path for stat in good])
    strange = st.one_of(
        stats(known).map(lambda stat: Packet(type=STAT, stat=stat)),
        stats(known.map(lambda path: f"{path}/b")).map(lambda stat: Packet(type=STAT, stat=stat)),
        stats(st.sampled_from([*PATHS, *ODD_PATHS])).map(lambda stat: Packet(type=STAT, stat=stat)),
        st.builds(Packet, type=st.just(DATA), id=st.integers(0, 9), data=st.sampled_from([b"", b"evil"])),
        st.sampled_from(
            [END, Packet(type=FINISHED), Packet(type=ERROR, data=b"e"), Packet(type=REQUEST), Packet(type=9)]
        ),
    )
    for packet in draw(st.lists(strange, max_size=4)):
        packets.insert(draw(st.integers(0, len(packets))), packet)
    return packets[: draw(st.integers(0, len(packets)))] if draw(st.booleans()) else packets


LINKS_OF_THE_USER = st.dictionaries(
    st.sampled_from(NAMES), st.sampled_from(["../outside", "../outside/b", "../outside/x", "a", "."]), max_size=3
)


def open_descriptors():
    return sorted(Path("/proc/self/fd").iterdir())


@settings(max_examples=500)
@given(transfers(), LINKS_OF_THE_USER)
def test_no_order_of_packets_leads_outside(packets, links):
    with tempfile.TemporaryDirectory() as folder:
        canary = Canary(Path(folder))
        for name, target in links.items():
            (canary.target / name).symlink_to(target)
        descriptors = open_descriptors()
        with contextlib.suppress(*REFUSED):
            received(packets, canary.target)
        assert open_descriptors() == descriptors
        canary.check()


def test_most_orderly_transfers_are_received(tmp_path):
    """The test above would prove nothing if every transfer were refused."""
    outcomes = []

    @settings(max_examples=100, database=None)
    @given(st.lists(stats(st.sampled_from(PATHS)), max_size=8, unique_by=lambda stat: stat.path))
    def count(found):
        good = in_order(found)
        with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            packets = [*listed(*good), END]
            for number, stat in enumerate(good):
                if is_regular(stat.mode) and not stat.linkname:
                    packets += content(number, b"good")
            try:
                received([*packets, Packet(type=FINISHED)], folder)
            except REFUSED as error:
                outcomes.append(str(error))
            else:
                kinds = [
                    (stat.path, bool(stat.mode & DIRECTORY), bool(stat.mode & SYMLINK)) for stat in Tree(folder).walk()
                ]
                assert kinds == [(stat.path, bool(stat.mode & DIRECTORY), bool(stat.mode & SYMLINK)) for stat in good]
                outcomes.append("")

    count()
    assert outcomes.count("") > 0.9 * len(outcomes), [outcome for outcome in outcomes if outcome][:5]
