"""The same random build contexts through our client and through buildx, on one engine: the results must be equal.

Compared are names, types, modes, owners, sizes, contents, links, extended attributes, and the times of files. A case
that differs is printed with its seed; `NBCONTAINER_DIFFERENTIAL_SEED` and `NBCONTAINER_DIFFERENTIAL_CASES` try others.
"""

import hashlib
import io
import os
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbcontainer.buildkit import Build, Control, Entry, Services, SolveError, SolveOptions, Tree
from nbcontainer.engines.dial import dial
from nbcontainer.engines.upgrade import upgrade
from tests.buildkit import random_trees

FIRST_SEED = int(os.environ.get("NBCONTAINER_DIFFERENTIAL_SEED", "20261123"))
CASES = int(os.environ.get("NBCONTAINER_DIFFERENTIAL_CASES", "150"))


class Kept(io.BytesIO):
    """Keeps its content after it is closed."""

    def close(self):
        self.content = self.getvalue()
        super().close()


@pytest.fixture(scope="module")
def engine():
    """The variables with which buildx finds the tests' engine."""
    docker = pytest.importorskip("tests.environment.docker").Docker()
    status = docker.status()
    if not status:
        pytest.skip(f"docker: {status.detail}")
    return docker.env()


@pytest.fixture(scope="module")
def control(engine):
    def open_stream():
        stream = dial(engine["DOCKER_HOST"])
        upgrade(stream, "/grpc")
        return stream

    with Control(open_stream) as control:
        yield control


def listing(data):
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            content = hashlib.sha256(archive.extractfile(member).read()).hexdigest()[:12] if member.isreg() else ""
            attributes = sorted((name, value) for name, value in member.pax_headers.items() if "xattr" in name)
            found[member.name.rstrip("/")] = (
                *(member.type, oct(member.mode), member.uid, member.gid, member.size, content, member.linkname),
                *(member.mtime if member.isreg() else None, attributes),
            )
    return found


def by_us(control, case):
    """Our result for a case; None if the daemon refuses it."""
    output = Kept()
    services = Services(
        trees={"context": Tree(case.folder), "dockerfile": Tree(files={"Dockerfile": case.dockerfile})},
        outputs={"0": lambda: output},
    )
    options = SolveOptions(frontend_attributes={"no-cache": ""}, exporters=[Entry(type="tar")])
    try:
        Build(control, options, services, shared_key=str(case.folder), timeout=60).run()
    except SolveError as error:
        return None, str(error)
    return listing(output.content), ""


def by_buildx(engine, case):
    """buildx's result."""
    tar = case.folder.with_suffix(".tar")
    # a Dockerfile on disk would be synced from a folder shared by concurrent builds, which daemons mix up
    command = [engine["NBCONTAINER_TEST_BUILDX"], "build", "-q", "--no-cache", "-f", "-"]
    command += ["-o", f"type=tar,dest={tar}", case.folder]
    environment = {**os.environ, **engine}
    done = subprocess.run(
        command, input=case.dockerfile, capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    if done.returncode:
        return None, done.stderr
    data = tar.read_bytes()
    tar.unlink()
    return listing(data), ""


def report(seed, case, ours, theirs):
    only_ours = {name: facts for name, facts in (ours[0] or {}).items() if (theirs[0] or {}).get(name) != facts}
    only_theirs = {name: facts for name, facts in (theirs[0] or {}).items() if (ours[0] or {}).get(name) != facts}
    return f"seed {seed}: {case}\n  ours:   {only_ours} {ours[1]}\n  buildx: {only_theirs} {theirs[1]}"


@pytest.mark.timeout(400)
def test_no_difference_from_buildx(engine, control, tmp_path: Path):
    seeds = range(FIRST_SEED, FIRST_SEED + CASES)
    cases = [random_trees.make(seed, tmp_path / str(seed)) for seed in seeds]
    different, with_files, refused, attributes = [], 0, 0, 0
    with ThreadPoolExecutor(2) as pool:
        expected = [pool.submit(by_buildx, engine, case) for case in cases]
        for seed, case, future in zip(seeds, cases, expected, strict=True):
            ours, theirs = by_us(control, case), future.result()
            if ours[0] != theirs[0]:
                different.append(report(seed, case, ours, theirs))
            with_files += len(ours[0] or ()) > 2
            refused += ours[0] is None
            attributes += sum(len(facts[-1]) for facts in (ours[0] or {}).values())
    assert not different, "\n".join([f"{len(different)} of {CASES} cases differ:", *different])
    # there must have been something to compare
    assert with_files > CASES * 0.4
    assert refused < CASES * 0.4
    assert attributes > CASES
