"""The disk space that an engine uses, beside what docker and podman print for the same engine."""

import json

import pytest

import nbcontainer as nbc
from nbcontainer.engines import containers
from nbcontainer.engines.run import run
from nbcontainer.engines.system import usages_of
from nbcontainer.magics import catalogue
from nbcontainer.magics.calls import run_magic
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.system import BUILD_CACHE, CONTAINERS, IMAGES, VOLUMES, Stored, Usage
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text
from tests.nonsense import changed
from tests.terminal import Terminal

pytestmark = pytest.mark.timeout(180)

ANSWER = {
    "LayersSize": 1000,
    "Images": [
        {"Id": "sha256:aaaa", "RepoTags": ["web:1", "web:2"], "Size": 700, "SharedSize": 300, "Containers": 2},
        {"Id": "sha256:bbbb", "RepoTags": None, "Size": 600, "SharedSize": 300, "Containers": 0, "Created": 9},
        {"Id": "sha256:cccc", "RepoTags": ["<none>:<none>"], "Size": 50, "SharedSize": -1, "Containers": -1},
    ],
    "Containers": [
        {"Id": "c1", "Names": ["/up"], "SizeRw": 40, "State": "running"},
        {"Id": "c2", "Names": ["/down"], "SizeRw": 60, "State": "exited"},
    ],
    "Volumes": [
        {"Name": "data", "UsageData": {"Size": 10, "RefCount": 1}},
        {"Name": "old", "UsageData": {"Size": 20, "RefCount": 0}, "CreatedAt": "2026-01-01T00:00:00Z"},
        {"Name": "remote", "UsageData": {"Size": -1, "RefCount": 0}},
        {"Name": "unknown"},
    ],
    "BuildCache": [
        {"ID": "x", "Description": "RUN make", "Size": 5, "InUse": True, "Shared": False},
        {"ID": "y", "Size": 6, "InUse": False, "Shared": True},
        {"ID": "z", "Size": 7, "InUse": False, "Shared": False},
    ],
}
SUMS = {
    f"{name}Usage": {"TotalCount": 3, "ActiveCount": 1, "TotalSize": 30, "Reclaimable": 20, "Items": ANSWER[items]}
    for name, items in (
        ("Image", "Images"), ("Container", "Containers"), ("Volume", "Volumes"), ("BuildCache", "BuildCache")
    )
}  # fmt: skip


def human_size(size):
    """A size as Go's units.HumanSize writes it."""
    value, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.4g}{units[0]}"


def row(usage, *, percent):
    """A usage as docker's client prints it."""
    share = f" ({usage.reclaimable * 100 // usage.size}%)" if usage.size and percent else ""
    return (str(usage.total), str(usage.active), human_size(usage.size), human_size(usage.reclaimable) + share)


@pytest.fixture
def theirs(engine, tmp_path):
    """What docker's or podman's own client prints, by kind."""
    terminal = Terminal(tmp_path).with_podman()
    columns = ("Type", "TotalCount" if not engine.is_podman else "Total", "Active", "Size", "Reclaimable")
    form = "\t".join(f"{{{{.{column}}}}}" for column in columns)

    def printed():
        ended = terminal.try_(engine.commands.command("system", "df", "--format", form))  # Podman's fails now and then
        rows = [[part.strip() for part in line.split("\t")] for line in ended.stdout.splitlines() if "TYPE" not in line]
        return {kind: tuple(rest) for kind, *rest in rows}

    return printed


def test_the_numbers_are_docker_s(engine, theirs):
    kinds = {IMAGES, CONTAINERS, VOLUMES} | (set() if engine.is_podman else {BUILD_CACHE})
    told = []
    for _ in range(10):  # others work on the engine too: each row has to be the same once
        ours = {usage.kind: row(usage, percent=usage.kind != BUILD_CACHE) for usage in nbc.system.df().usages}
        printed = theirs()
        told.append((ours, printed))
        kinds -= {kind for kind in kinds & printed.keys() if is_same(engine, kind, ours[kind], printed[kind])}
        if not kinds:
            break
    assert not kinds, told


def is_same(engine, kind, ours, theirs):
    """Whether the numbers are the same, where both count the same."""
    if not engine.is_podman:
        return ours == theirs
    if kind == IMAGES:  # podman counts an image once for each tag
        return int(ours[0]) <= int(theirs[0]) and int(ours[1]) <= int(theirs[1])
    return (ours[0], ours[2]) == (theirs[0], theirs[2])


def test_a_volume_and_the_container_that_uses_it(engine, busybox, unique):
    write = "dd if=/dev/zero of=/data/zeros bs=1000 count=3000; dd if=/dev/zero of=/zeros bs=1000 count=2000; sleep 600"
    request = RunRequest(
        busybox, command=("sh", "-c", write), volumes=(f"{unique}:/data",), name=unique, detach=True
    )  # fmt: skip
    run(engine, request).result(60)
    try:
        for _ in range(200):
            usage = nbc.system.df(verbose=True)
            (volume,) = [one for one in usage.usage(VOLUMES).objects if one.name == unique]
            (container,) = [one for one in usage.usage(CONTAINERS).objects if one.name == unique]
            if volume.size >= 3_000_000 and container.size >= 2_000_000:
                break
        assert (volume.is_active, container.is_active) == (True, True)
        assert volume.size < 3_100_000
        assert container.size < 2_100_000
        assert usage.usage(VOLUMES).size >= 3_000_000
        names = {one.name for one in usage.usage(IMAGES).objects if one.is_active}
        assert any("busybox" in name for name in names)
        assert unique in as_text(picture_of(run_magic(catalogue.verbs_of("docker"), "system df -v", None, {})))
        assert usage.command.endswith("system df --verbose")
        assert not nbc.system.df().usage(VOLUMES).objects
        containers.stop(engine, unique, seconds=0)
        usage = nbc.system.df(verbose=True)
        (container,) = [one for one in usage.usage(CONTAINERS).objects if one.name == unique]
        assert not container.is_active
    finally:
        containers.remove(engine, unique, force=True)
        nbc.volumes.remove(unique)


def test_the_sums_are_those_of_docker_s_client():
    images, boxes, volumes, cache = usages_of(ANSWER)
    assert images == Usage(IMAGES, 3, 1, 1000, 600)
    assert boxes == Usage(CONTAINERS, 2, 1, 100, 60)
    assert volumes == Usage(VOLUMES, 4, 1, 30, 20)
    assert cache == Usage(BUILD_CACHE, 3, 1, 12, 7)


def test_each_object_the_largest_first():
    images, boxes, volumes, cache = (usage.objects for usage in usages_of(ANSWER, verbose=True))
    assert [one.name for one in images] == ["web:1", "bbbb", "cccc"]
    assert images[1] == Stored("bbbb", 600, 300, created=9.0)
    assert [(one.name, one.is_active) for one in boxes] == [("down", False), ("up", True)]
    assert [(one.name, one.size) for one in volumes] == [("old", 20), ("data", 10), ("remote", -1), ("unknown", -1)]
    assert [(one.name, one.own) for one in cache] == [("z", 7), ("RUN make", 5), ("y", 0)]


def test_sums_that_come_ready_made():
    usages = usages_of(SUMS)
    assert [usage.kind for usage in usages] == [IMAGES, CONTAINERS, VOLUMES, BUILD_CACHE]
    assert usages[1] == Usage(CONTAINERS, 3, 1, 30, 20)
    assert [one.name for one in usages_of(SUMS, verbose=True)[0].objects] == ["web:1", "bbbb", "cccc"]


@pytest.mark.parametrize("answer", [ANSWER, SUMS], ids=["objects", "sums"])
def test_nonsense_in_one_place_is_no_fault_of_ours(answer):
    for document in changed(answer):
        for usage in usages_of(document, verbose=True):
            json.dumps(usage.total)


def test_an_old_podman_s_images_are_counted_once_each():
    twice = {"Images": [ANSWER["Images"][0], ANSWER["Images"][0], ANSWER["Images"][1]], "LayersSize": 0}
    assert usages_of(twice)[0] == Usage(IMAGES, 2, 1, 1300, 600)
