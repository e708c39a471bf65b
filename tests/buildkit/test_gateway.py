"""Subrequests, and inspecting build states, on a real Engine."""

import time

import pytest

from nbcontainer.buildkit import Code, SolveError, open_gateway
from nbcontainer.buildkit.gateway_messages import Mount
from tests.buildkit.building import options, processes, services, unique, wait_until

DOCKERFILE = """\
FROM busybox AS base
RUN echo {word} > /made
from base as web
ARG PORT=80
RUN --mount=type=cache,target=/c mkdir /partial; echo half > /partial/f; exit 3
"""


def opened(engine, dockerfile=DOCKERFILE):
    return open_gateway(engine, services(dockerfile.format(word="x")))


def test_lint_outline_and_targets(engine):
    with opened(engine) as gateway:
        (warning,) = gateway.subrequest("frontend.lint", options())["warnings"]
        assert warning["ruleName"] == "ConsistentInstructionCasing"
        assert warning["location"]["ranges"][0]["start"]["line"] == 3
        outline = gateway.subrequest("frontend.outline", options())
        assert outline["name"] == "web"
        assert [argument["name"] for argument in outline["args"]] == ["PORT"]
        targets = gateway.subrequest("frontend.targets", options())["targets"]
        assert [target["name"] for target in targets] == ["base", "web"]


def test_a_subrequest_that_is_not_known(engine):
    with opened(engine) as gateway:
        with pytest.raises(SolveError) as caught:
            gateway.subrequest("frontend.nosuch", options())
        assert caught.value.subrequest == "frontend.nosuch"


def test_a_dockerfile_that_is_wrong(engine):
    with opened(engine, "FROM busybox\nNOSUCH") as gateway:
        with pytest.raises(SolveError) as caught:
            gateway.subrequest("frontend.outline", options())
        assert caught.value.lines == (2,)


def test_files_of_any_stage(engine):
    word = unique()
    with opened(engine, DOCKERFILE.format(word=word)) as gateway:
        result, _ = gateway.solve(options(target="base"), evaluate=True)
        assert gateway.read_file(result.ref.id, "/made") == f"{word}\n".encode()
        assert gateway.read_file(result.ref.id, "/made", 2, 3) == word[2:5].encode()
        assert gateway.stat_file(result.ref.id, "/made").size == len(word) + 1
        assert [entry.path for entry in gateway.read_directory(result.ref.id, "/", "ma*")] == ["made"]
        with pytest.raises(SolveError, match="nosuch"):
            gateway.read_file(result.ref.id, "/nosuch")


def test_processes_in_what_a_failed_step_left(engine):
    with opened(engine) as gateway:
        with pytest.raises(SolveError) as caught:
            gateway.solve(options(), evaluate=True)
        error = caught.value
        assert (error.lines, error.exit_code) == ((5,), 3)
        assert error.failed.meta["cwd"] == "/"
        show = ["/bin/sh", "-c", "cat /partial/f; cat; echo $WORD >&2; exit 5"]
        with gateway.container(error.failed.mounts(after=True)) as container:
            assert container.run(show, stdin=b"in", environment=["WORD=hi"]) == (5, b"half\nin", b"hi\n")
        with gateway.container(error.failed.mounts()) as container:
            code, output, problem = container.run(["/bin/cat", "/partial/f"])
            assert (code, output) == (1, b"")
            assert b"No such file" in problem


def test_output_as_it_comes(engine):
    heard = []
    with opened(engine) as gateway:
        result, _ = gateway.solve(options(target="base"), evaluate=True)
        with gateway.container([mount_of(result)]) as container:
            script = ["/bin/sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done"]
            code, _, _ = container.run(script, on_output=lambda fd, data: heard.append((fd, data)))
    assert code == 0
    assert b"".join(data for fd, data in heard if fd == 1) == b"1\n2\n3\n"


def mount_of(result):
    return Mount(destination="/", result=result.ref.id)


def test_leaving_ends_what_runs(engine):
    marker = f"6{time.time_ns() % 10**12}"

    class Left(Exception):
        pass

    def leave(_fd, _data):
        raise Left

    with pytest.raises(Left), opened(engine) as gateway:  # noqa: PT012 - the error must leave all these blocks
        result, _ = gateway.solve(options(target="base"), evaluate=True)
        with gateway.container([mount_of(result)]) as container:
            container.run(["/bin/sh", "-c", f"echo begun; sleep {marker}"], on_output=leave)
    wait_until(lambda: not processes(marker), 3)


def test_a_gateway_after_its_end(engine):
    with opened(engine) as gateway:
        pass
    with pytest.raises(SolveError) as caught:
        gateway.ping()
    assert caught.value.code in (Code.CANCELLED, Code.UNKNOWN, Code.NOT_FOUND)
