"""A full disk, or no folder, under the files of outputs: the command's outcome is reported, with a note."""

import shlex
from pathlib import Path

import pytest

from nbcontainer.engines import containers, images
from nbcontainer.engines.build import build
from nbcontainer.engines.exec import execute
from nbcontainer.engines.logs import logs
from nbcontainer.engines.run import run
from nbcontainer.errors import BuildFailed, CommandFailed
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import ExecRequest
from nbcontainer.settings import settings
from nbcontainer.views.build import BuildView
from nbcontainer.views.logs import LogView
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text
from tests.small_disk import small_disk

LINES = 30_000  # more than twice what the disk holds
WRITES = ("awk", f'BEGIN {{ for (n = 1; n <= {LINES}; n++) print "line " n " of the output" }}')
LAST = f"line {LINES} of the output"


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """A small disk for the outputs; returns the reason that notes give when it is full."""
    with small_disk(tmp_path / "disk", 64) as folder:
        monkeypatch.setattr(settings, "spool_directory", str(folder))
        yield "the disk is full"


def noted(notes, disk):
    """The only note about the file."""
    (note,) = [note for note in notes if disk in note]
    return note


def test_run(engine, busybox, disk):
    operation = run(engine, RunRequest(busybox, WRITES, remove=True))
    result = operation.result(60)
    assert (result.exit_code, operation.state.total, result.output_lines) == (0, LINES, LINES)
    assert result.output.splitlines()[-1] == LAST
    note = noted(result.notes, disk)
    kept = Path(result.spool).read_text()
    assert f"{result.spool} is incomplete, it has the first {kept.count(chr(10)):,} lines" in note
    assert kept.startswith("line 1 of the output\nline 2 of the output\n")
    for text in (repr(result), as_text(picture_of(result)), as_text(LogView("Run").render(operation.state))):
        assert note in text
        assert "are in " not in text, "the file does not have what is left out"
    assert LAST in as_text(picture_of(result))


@pytest.mark.usefixtures("disk")
def test_run_that_fails(engine, busybox):
    script = f"{shlex.join(WRITES)}; exit 3"
    with pytest.raises(CommandFailed, match="exit code 3") as caught:
        run(engine, RunRequest(busybox, ("sh", "-c", script), remove=True)).result(60)
    assert caught.value.exit_code == 3
    assert caught.value.output.splitlines()[-1] == LAST
    assert "whole output is in" not in caught.value.cure


def test_logs_and_exec(engine, busybox, disk, unique):
    script = f"{shlex.join(WRITES)}; sleep 600"
    run(engine, RunRequest(busybox, ("sh", "-c", script), name=unique, detach=True)).result(60)
    try:
        log = logs(engine, LogRequest((unique,), follow=True))
        while log.state.total < LINES:
            assert log.wait(30, revision=log.revision), log.state.total
        containers.remove(engine, unique, force=True)
        result = log.result(30)
        assert result[-1].text == LAST
        noted(result.state.notes, disk)
        assert result.state.total == LINES
        run(engine, RunRequest(busybox, ("sleep", "600"), name=unique, detach=True)).result(60)
        command = ExecRequest(unique, WRITES)
        execution = execute(engine, unique, command)
        done = execution.result(60)
        assert (done.exit_code, execution.state.total, done.output.splitlines()[-1]) == (0, LINES, LAST)
        noted(done.notes, disk)
        with pytest.raises(CommandFailed, match="exit code 4"):
            execute(engine, unique, ExecRequest(unique, ("sh", "-c", f"{shlex.join(WRITES)}; exit 4"))).result(60)
    finally:
        containers.remove(engine, unique, force=True)


def test_the_whole_log_of_two_containers_has_one_note(engine, busybox, disk, unique):
    names = (f"{unique}-a", f"{unique}-b")
    try:
        for name in names:
            run(engine, RunRequest(busybox, WRITES, name=name, detach=True)).result(60)
            engine.http().call("POST", f"/containers/{name}/wait")
        result = logs(engine, LogRequest(names)).result(60)
        assert result.state.total == 2 * LINES
        noted(result.state.notes, disk)
    finally:
        for name in names:
            containers.remove(engine, name, force=True)


def test_build(engine, disk, unique):
    words = shlex.join(WRITES)
    text = f"FROM busybox\nRUN echo {unique}; {words}"
    operation = build(engine, BuildRequest(text, tags=(f"{unique}:1",)))
    result = operation.result(120)
    assert images.inspect(engine, f"{unique}:1")["Id"].endswith(result.id.removeprefix("sha256:"))
    noted([warning.problem.message for warning in operation.state.warnings], disk)
    images.remove(engine, f"{unique}:1", force=True)


def test_build_that_fails(engine, disk, unique):
    words = shlex.join(WRITES)
    operation = build(engine, BuildRequest(f"FROM busybox\nRUN echo {unique}; {words}; exit 7"))
    said = []
    with pytest.raises(BuildFailed) as caught:
        said.extend(map(BuildView().line, operation))
    error = caught.value
    assert (error.exit_code, error.lines, error.output.split("\n")[-1]) == (7, (2, 2), LAST)
    note = noted([warning.problem.message for warning in operation.state.warnings], disk)
    assert note in error.cure
    assert "all of them are in" not in "\n".join(filter(None, said))
    picture = as_text(BuildView().render(operation.state))
    assert note in picture
    assert "all of it is in" not in picture


@pytest.mark.parametrize("output", ["{}/out", "type=tar,dest={}/x.tar"])
def test_an_output_that_has_no_room_is_the_builds_failure(docker, tmp_path, output):
    with small_disk(tmp_path / "disk", 64) as folder:
        request = BuildRequest("FROM busybox", outputs=(output.format(folder),))
        with pytest.raises(BuildFailed, match="cannot be written: No space left on device"):
            build(docker, request).result(120)


@pytest.mark.usefixtures("disk")
def test_push_and_pull(engine, registry, make_image, unique):
    name = make_image(engine, f"{registry}/tests/{unique}:1", size=300_000)
    assert images.push(engine, name).result(60).digest
    assert images.pull(engine, name).result(60).image == name


def test_no_folder_for_the_files(docker, busybox_of, monkeypatch, unique):
    monkeypatch.setattr(settings, "spool_directory", "/dev/null/outputs")
    note = "Outputs cannot be kept in /dev/null/outputs: Not a directory. Change the setting spool_directory."
    operation = run(docker, RunRequest(busybox_of(docker), WRITES, remove=True))
    result = operation.result(60)
    assert (result.exit_code, result.spool, result.notes) == (0, "", (note,))
    assert result.output.splitlines()[-1] == LAST
    assert note in as_text(LogView("Run").render(operation.state))
    failing = f"FROM busybox\nRUN echo {unique}; {shlex.join(WRITES)}; exit 7"
    with pytest.raises(BuildFailed) as caught:
        build(docker, BuildRequest(failing)).result(120)
    assert (caught.value.exit_code, caught.value.spool) == (7, "")
    assert note in caught.value.cure
