import contextlib
import pickle
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

import nbcontainer as nbc
from nbcontainer.codec import from_json, to_json
from nbcontainer.engines import containers, images
from nbcontainer.engines.connection import forget_engines
from nbcontainer.engines.logs import logs
from nbcontainer.engines.run import run
from nbcontainer.errors import CommandFailed, Conflict, NotFound, Stopped, UsageError
from nbcontainer.magics import registration
from nbcontainer.magics.calls import run_magic
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.tables import Tone
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text
from tests.engines.build_engines import wait_until

FOREVER = ("sh", "-c", "echo up; trap '' TERM; while true; do sleep 1; done")


@pytest.fixture
def container(engine, unique):
    """A name; the container with it is removed after the test."""
    yield unique
    with contextlib.suppress(NotFound):
        containers.remove(engine, unique, force=True)


def names(engine):
    return [container.name for container in containers.list_containers(engine, every=True)]


def wait_for(operation, ready):
    deadline = time.monotonic() + 30
    while not ready(operation.state):
        assert not operation.done, operation.error
        assert time.monotonic() < deadline
        operation.wait(1, revision=operation.revision)


def test_run_tells_both_streams_and_removes(engine, busybox, container):
    operation = run(
        engine, RunRequest(busybox, ("sh", "-c", "echo out; echo err >&2; printf end"), name=container, remove=True)
    )
    result = operation.result(60)
    assert (result.exit_code, result.name) == (0, container)
    assert sorted(line.text for line in operation.state.lines) == ["end", "err", "out"]
    assert {line.stream for line in operation.state.lines} == {"stdout", "stderr"}
    whole = Path(result.spool).read_text()  # in order of arrival: Podman may pass stderr on last
    assert sorted(whole.replace("end", "end\n").split()) == ["end", "err", "out"]
    assert Path(result.spool).stat().st_mode & 0o777 == 0o600
    assert result.command.startswith(engine.commands.command("run", "--rm", "--name", container, "busybox", "sh", "-c"))
    deadline = time.monotonic() + 10
    while container in names(engine):  # Podman removes it after reporting the exit code
        assert time.monotonic() < deadline


@pytest.mark.parametrize("remove", [True, False])
def test_an_exit_code_is_an_error(engine, busybox, container, remove):
    request = RunRequest(busybox, ("sh", "-c", "echo why; exit 3"), name=container, remove=remove)
    with pytest.raises(CommandFailed, match="exit code 3") as caught:
        run(engine, request).result(60)
    assert (caught.value.exit_code, caught.value.output) == (3, "why\n")
    assert str(caught.value).startswith(f"{container} ended")


def test_an_output_that_is_cut_says_so_and_where_all_of_it_is(engine, busybox):
    result = run(engine, RunRequest(busybox, ("seq", "10000"), remove=True)).result(60)
    assert result.output == "".join(f"{number}\n" for number in range(1, 10_001))
    assert (result.output_lines, result.hidden_lines) == (10_000, 0)
    assert as_text(picture_of(result)).startswith(f"… 8,000 lines before; all of them are in {result.spool}")
    result = run(engine, RunRequest(busybox, ("seq", "1000000"), remove=True)).result(60)
    assert result.output.endswith("\n1000000\n")
    assert result.output_lines == 1_000_000
    assert result.hidden_lines == 1_000_000 - len(result.output.splitlines()) > 0
    assert f"{result.hidden_lines:,} lines before those of output are in {result.spool}" in repr(result)
    assert result.spool in as_text(picture_of(result))
    assert "before" not in repr(run(engine, RunRequest(busybox, ("seq", "3"), remove=True)).result(60))


def test_a_container_whose_network_is_joined_must_exist_and_run(engine, busybox, container):
    request = RunRequest(busybox, ("true",), network=f"container:{container}", remove=True)
    with pytest.raises(NotFound, match=f"no container {container}"):  # the image is not pulled for it
        run(engine, request).result(60)
    run(engine, RunRequest(busybox, ("true",), name=container)).result(60)
    with pytest.raises(Conflict, match=f"{container} is not running") as caught:
        run(engine, request).result(60)
    assert engine.commands.magic("logs", container) in caught.value.cure


def test_a_user_that_the_image_does_not_have_is_named(engine, busybox):
    with pytest.raises(NotFound, match=f"There is no user nosuchuser in {busybox}"):
        run(engine, RunRequest(busybox, ("true",), user="nosuchuser", remove=True)).result(60)


def test_the_command_reads_stdin_while_it_writes(engine, busybox, container):
    data = b"".join(b"%d\n" % number for number in range(200_000))
    operation = run(engine, RunRequest(busybox, ("cat",), name=container, remove=True, stdin=data))
    assert Path(operation.result(100).spool).read_bytes() == data
    assert operation.state.total == 200_000
    assert len(operation.state.lines) <= 2_000


def test_a_missing_image_is_pulled(engine, registry, busybox, container):
    name = images.tag(engine, busybox, f"{registry}/tests/{container}:1")
    images.push(engine, name).result(60)
    images.remove(engine, name)
    operation = run(engine, RunRequest(name, ("true",), name=container, remove=True))
    assert operation.result(60).exit_code == 0
    assert operation.state.notes[0] == f"pulling {name}"
    images.remove(engine, name, force=True)
    with pytest.raises(NotFound):
        run(engine, RunRequest(name, ("true",), pull="never")).result(60)


def test_a_command_that_is_not_there_leaves_no_container(engine, busybox, container):
    with pytest.raises(CommandFailed, match="no command 'nosuchcommand'") as caught:
        run(engine, RunRequest(busybox, ("nosuchcommand",), name=container)).result(60)
    assert caught.value.exit_code == 127
    with pytest.raises(CommandFailed, match="no command '/no/such'"):
        run(engine, RunRequest(busybox, ("/no/such",), name=container)).result(60)
    with pytest.raises(CommandFailed, match="not executable") as caught:
        run(engine, RunRequest(busybox, ("/etc/passwd",), name=container)).result(60)
    assert caught.value.exit_code == 126
    with pytest.raises(CommandFailed, match="no command '-d'") as caught:
        run(engine, RunRequest(busybox, ("-d",), name=container)).result(60)
    assert "before the image" in caught.value.cure
    assert container not in names(engine)


def test_a_port_in_use_names_who_has_it_and_another(engine, busybox, container):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        request = RunRequest(busybox, FOREVER, name=container, detach=True, publish=(f"{port}:80",))
        with pytest.raises(Conflict, match=f"Port {port} is already in use, so") as caught:
            run(engine, request).result(60)
        assert f"`--publish={port + 1}:80`" in caught.value.cure
    assert container not in names(engine)
    run(engine, request).result(60)
    with pytest.raises(Conflict, match=f"Port {port} is already in use by the container {container}"):
        run(engine, replace(request, name="")).result(60)
    with pytest.raises(Conflict, match=f"There is already a container {container} in") as caught:
        run(engine, request).result(60)
    assert f"%docker rm -f {container}" in caught.value.cure


def test_a_stopped_container_is_not_a_failure_but_a_failed_one_is(engine, busybox, container):
    there = nbc.engine(engine.address).containers

    def tone():
        return next(row for row in there.list(all=True) if row.name == container).tone

    request = RunRequest(busybox, ("sleep", "600"), name=container, detach=True)
    run(engine, request).result(60)
    containers.stop(engine, container, seconds=0)  # SIGKILL: exit code 137
    assert containers.inspect(engine, container)["State"]["ExitCode"] == 137
    wait_until(lambda: tone() is Tone.DIM)
    containers.remove(engine, container)
    run(engine, replace(request, command=("sh", "-c", "trap 'exit 143' TERM; sleep 600 & wait"))).result(60)
    containers.stop(engine, container)
    wait_until(lambda: tone() is Tone.DIM)
    containers.remove(engine, container)
    with pytest.raises(CommandFailed):
        run(engine, replace(request, command=("sh", "-c", "exit 3"), detach=False)).result(60)
    wait_until(lambda: tone() is Tone.BAD)  # Docker's list may lag behind the exit code


def test_an_out_of_memory_kill_is_a_failure(docker, busybox_of, unique):
    hungry = ("sh", "-c", "x=12345678; while :; do x=$x$x; done")
    request = RunRequest(busybox_of(docker), hungry, name=unique, memory="16m")
    try:
        with pytest.raises(CommandFailed) as caught:
            run(docker, request).result(60)
        if not containers.inspect(docker, unique)["State"]["OOMKilled"]:
            pytest.skip("on this kernel engines cannot see that memory ran out")
        assert caught.value.exit_code == 137
        assert next(row for row in nbc.containers.list(all=True) if row.name == unique).tone is Tone.BAD
    finally:
        containers.remove(docker, unique, force=True)


def test_containers_are_found_by_name_and_by_the_beginning_of_an_id(engine, busybox, container):
    made = run(engine, RunRequest(busybox, FOREVER, name=container, detach=True)).result(60)
    assert [one.name for one in containers.find(engine, [container, made.id, made.id[:12]])] == [container]
    with pytest.raises(NotFound, match="no container") as caught:
        containers.find(engine, [container, container[:-1] + "0" + container[-1]])
    assert caught.value.cure == f"Did you mean {container}?"
    with pytest.raises(Conflict, match=f"{container} is running") as caught:
        nbc.containers.plan_remove(container)
    assert f"%docker stop {container}" in caught.value.cure
    plan = nbc.containers.plan_remove(container, force=True)
    assert f"{container} (busybox" in plan.question
    assert ", up" in plan.question
    assert plan.do().command == engine.commands.command("rm", "--force", container)
    assert container not in names(engine)


@pytest.mark.parametrize("remove", [True, False])
def test_stop_leaves_nothing_running(engine, busybox, container, remove):
    operation = run(engine, RunRequest(busybox, FOREVER, name=container, remove=remove))
    wait_for(operation, lambda state: state.total)
    started = time.monotonic()
    operation.stop()
    with pytest.raises(Stopped):
        operation.result(10)
    assert operation.wait_until_gone(10)  # the command had a moment to exit by itself
    assert time.monotonic() - started < 3  # on a loaded machine; control returns sooner
    assert container not in [entry.name for entry in containers.list_containers(engine)]
    assert (container in names(engine)) is not remove


def test_a_detached_container_its_row_and_its_actions(engine, busybox, container):
    request = RunRequest(busybox, FOREVER, name=container, detach=True, labels={"nbcontainer.notebook": container})
    result = run(engine, request).result(60)
    assert result.exit_code is None
    table = nbc.containers.list(filters=[f"label=nbcontainer.notebook={container}"])
    assert table.names == [container]
    assert table[0].tone is Tone.GOOD
    assert table[0].labels["nbcontainer.notebook"] == container
    with pytest.raises(Conflict):
        containers.remove(engine, container)
    with pytest.raises(Conflict):
        run(engine, request).result(60)
    assert container in names(engine), "the failed run must not remove the other's container"
    containers.stop(engine, container, seconds=0)
    assert containers.inspect(engine, container)["State"]["Running"] is False
    engine.http().call("POST", f"/containers/{container}/start")
    containers.remove(engine, container, force=True)
    with pytest.raises(NotFound):
        containers.inspect(engine, container)


def test_logs_whole_and_the_last_of_them(engine, busybox, container):
    request = RunRequest(busybox, ("sh", "-c", "for i in 1 2 3; do echo line $i; done; echo bad >&2"), name=container)
    run(engine, request).result(60)
    result = logs(engine, LogRequest((container,), timestamps=True)).result(30)
    assert sorted(line.text for line in result) == ["bad", "line 1", "line 2", "line 3"]
    assert all(abs(line.time - time.time()) < 3600 for line in result)
    assert result.command == engine.commands.command("logs", "--timestamps", container)
    assert len(logs(engine, LogRequest((container,), tail=2)).result(30)) == 2
    with pytest.raises(NotFound):
        logs(engine, LogRequest((f"{container}-no",))).result(30)
    with pytest.raises(UsageError):
        logs(engine, LogRequest())


def test_followed_logs_end_by_stop_by_time_and_with_the_container(engine, busybox, container):
    run(engine, RunRequest(busybox, FOREVER, name=container, detach=True)).result(60)
    operation = logs(engine, LogRequest((container,), follow=True))
    wait_for(operation, lambda state: state.total)
    started = time.monotonic()
    operation.stop()
    assert operation.result(5).text == "up"
    assert time.monotonic() - started < 1
    assert logs(engine, LogRequest((container,), follow=True, duration=0.3)).result(5).text == "up"
    operation = logs(engine, LogRequest((container,), follow=True))
    wait_for(operation, lambda state: state.total)
    containers.stop(engine, container, seconds=0)
    assert operation.result(30).text == "up"
    assert operation.state.sources == {container: False}


def test_hostile_output_stays_as_it_is_in_lines(engine, busybox, container):
    text = "<script>alert(1)</script> \\033[31mred \\r over \\007 \\342\\200\\256"
    operation = run(engine, RunRequest(busybox, ("printf", text + "\n"), name=container, remove=True))
    assert operation.result(60).output == "<script>alert(1)</script> \x1b[31mred \r over \x07 \u202e\n"


def magic(line, cell=None, **variables):
    return run_magic(registration.verbs_of("docker"), line, cell, variables)


def test_a_container_is_an_object_of_the_engine_that_it_was_found_in(engine, busybox, container, monkeypatch):
    nbc.containers.run(busybox, FOREVER, name=container, detach=True, labels={"tier": "web"}).result(60)
    found = nbc.containers.get(container)
    listed = nbc.containers.list()[container]
    assert repr(listed) == repr(found) == f"Container({container!r})"
    assert (found.id, found.state, found.labels["tier"]) == (listed.id, "running", "web")
    assert found.labels["nbcontainer.notebook"] == nbc.notebook_id()
    assert abs(found.created - time.time()) < 3600
    picture = as_text(picture_of(found))
    assert picture.startswith(f"Container/{container}")
    assert all(word in picture for word in (found.id, "tier", engine.name))
    with pytest.raises(NotFound) as caught:
        nbc.containers.get(f"{container}x")
    assert caught.value.cure == f"Did you mean {container}?"
    with pytest.raises(NotFound, match="in the table of containers"):
        nbc.containers.list()[f"{container}x"]
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    forget_engines()
    followed = found.logs(follow=True)
    wait_for(followed, lambda state: state.total)
    assert listed.logs(tail=1).result(30).text == "up"
    assert str(found.stop(seconds=0)) == f"{container} stopped"
    followed.result(30)  # it ends with the container
    assert str(listed.remove()) == f"{container} removed"
    with pytest.raises(NotFound):
        found.remove()
    assert "There is no container" in str(found.remove(force=True))


@pytest.mark.usefixtures("engine")
def test_a_cell_or_a_text_is_the_standard_input(busybox):
    assert magic(f"run --rm -i {busybox} cat", "é\n").output == "é\n"
    for stdin in ("é\n", "é\n".encode()):
        assert nbc.containers.run(busybox, "cat", stdin=stdin, remove=True).result(60).output == "é\n"
    with pytest.raises(UsageError, match="stdin must be a str or bytes"):
        nbc.containers.run(busybox, "cat", stdin=3)


def test_the_magics_of_containers(engine, busybox, container, capsys, monkeypatch):
    monkeypatch.setenv("INHERITED", "from here")
    result = magic(
        f"run -d --name {container} -e INHERITED -l tier={container} {busybox} sh -c 'echo $INHERITED; sleep 600'"
    )
    assert (result.name, result.exit_code) == (container, None)
    assert capsys.readouterr().out == ""  # a detached container shows no output
    assert magic(f"ps -q -f label=tier={container}") == (result.id[:12],)
    assert magic(f"ps -q --no-trunc -f label=tier={container}") == (result.id,)
    (shortened,), (whole,) = (magic(f"ps {flag} -f label=tier={container}") for flag in ("", "--no-trunc"))
    assert (shortened.cells[2], len(shortened.cells[2])) == (f"{whole.cells[2][:19]}…", 20)
    wait_until(lambda: magic(f"logs {container}").text == "from here")
    assert len(magic(f"logs -n 0 {container}")) == 0
    assert magic(f"logs -f --duration 3 {container}").text == "from here"
    with pytest.raises(UsageError, match="would never end here"):
        magic(f"logs -f {container}")
    with pytest.raises(UsageError, match="cannot be negative"):
        magic(f"logs --tail -2 {container}")
    with pytest.raises(Conflict):
        magic(f"rm -y {container}")
    assert str(magic(f"stop -t 0 {result.id[:12]}")) == f"{container} stopped"
    asked = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
    with pytest.raises(Stopped):
        magic(f"rm {container}")
    assert asked[0].startswith(f"Remove the container {container} (busybox")
    monkeypatch.setattr("builtins.input", lambda _: "y")
    assert str(magic(f"rm {container}")) == f"{container} removed"
    assert str(magic(f"rm -f {container}")) == f"There is no container {container} in {engine.name}."
    assert container not in nbc.containers.list(all=True).names


def test_a_stop_waits_for_as_long_as_it_takes(engine, busybox, container):
    waits = "trap 'sleep 12; exit 7' TERM; echo ready; while :; do sleep 0.1; done"  # longer than docker's default
    nbc.containers.run(busybox, ["sh", "-c", waits], name=container, detach=True).result(60)
    wait_until(lambda: nbc.containers.logs(container).result(30).text == "ready")
    assert str(magic(f"stop -t -1 {container}")) == f"{container} stopped"
    assert containers.inspect(engine, container)["State"]["ExitCode"] == 7


@pytest.mark.usefixtures("engine")
def test_the_result_of_a_run_has_the_verbs_of_its_container(busybox, container, monkeypatch):
    started = magic(f"run -d --name {container} {busybox} sh -c 'echo here; sleep 600'")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")  # it stays bound to the engine on which it runs
    wait_until(lambda: started.logs().result(30).text == "here")
    assert str(started.stop(seconds=0)) == f"{container} stopped"
    assert str(started.remove()) == f"{container} removed"
    with pytest.raises(NotFound, match=f"There is no container {started.id} in"):
        started.remove()
    with pytest.raises(UsageError, match=f"a record of the container {container}"):
        pickle.loads(pickle.dumps(started)).stop()
    assert from_json(to_json(started)) == started
