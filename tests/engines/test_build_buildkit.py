"""Builds by BuildKit: what only it can do."""

import base64
import json
import subprocess
import threading

import pytest

from nbcontainer.buildkit.tree import Tree
from nbcontainer.engines.build_lint import lint
from nbcontainer.engines.buildkit_build import close_connections
from nbcontainer.engines.connection import find_engine, forget_engines
from nbcontainer.engines.images import remove, tag
from nbcontainer.errors import (
    BuildFailed,
    DockerfileError,
    NbcontainerError,
    UsageError,
)
from nbcontainer.model.build import BuildRequest, BuildStarted
from nbcontainer.model.build_steps import StepState
from nbcontainer.model.secrecy import Secret
from nbcontainer.model.source_map import SourceMap

from .build_engines import BUILDKIT, connect, made, output, processes, start, unique, wait_until
from .conftest import running


@pytest.fixture(params=BUILDKIT)
def engine(request, monkeypatch, tmp_path):
    yield from connect(request.param, monkeypatch, tmp_path)


@pytest.fixture
def new_engine(monkeypatch, tmp_path):
    yield from connect("docker", monkeypatch, tmp_path)


@pytest.fixture
def old_engine(monkeypatch, tmp_path):
    yield from connect("docker20", monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("FROM busybox\nRUN a \\\n  b\nCOPY <<EOF /x\nHELLO\nEOF\n", 5, "does not support heredocs"),
        ("FROM busybox AS a\nFROM busybox\nCOPY --link --from=a /bin/sh /x\n", 4, "Unknown flag: link"),
        ("FROM busybox\nHEALTHCHECK --start-interval=3s CMD true\n", 3, "Unknown flag: start-interval"),
    ],
)
def test_what_an_old_frontend_cannot_read_has_one_line_and_the_cure(old_engine, text, line, said):
    with pytest.raises(DockerfileError) as caught:
        made(old_engine, text)
    assert caught.value.message.startswith(f"line {line}: ")
    assert caught.value.message.endswith(said)
    assert caught.value.message.count("line") == 1
    assert "`# syntax=" in caught.value.cure


def test_an_old_frontend_knows_no_named_contexts(old_engine, tmp_path):
    with pytest.raises(BuildFailed, match="named build contexts") as caught:
        made(old_engine, "FROM busybox\nCOPY --from=other a /a\n", build_contexts={"other": str(tmp_path)})
    assert "`# syntax=" in caught.value.cure


def test_flags_that_an_old_engine_ignores_have_a_warning(engine):
    result = made(engine, f"FROM busybox\nRUN : {unique()}; ulimit -n\n", ulimits=("nofile=1024",), shm_size="32m")
    ignored = [warning.problem.message.split()[0] for warning in result.warnings]
    assert ignored == ([] if output(result.state, "ulimit") == "1024" else ["--ulimit", "--shm-size"])


def test_a_failed_add_of_a_url_has_its_line(engine):
    with pytest.raises(BuildFailed, match=r"^line 4: ADD https://127.0.0.1:1/x /y failed: .*refused") as caught:
        made(engine, "FROM busybox\n\nADD https://127.0.0.1:1/x /y\nRUN true\n")
    assert caught.value.lines == (4, 4)


def test_a_line_that_is_too_long_for_the_engine_is_blamed(new_engine):
    with pytest.raises(DockerfileError, match=r"line 3: .*line of 1,500,002 characters"):
        made(new_engine, f"FROM busybox\nRUN <<EOF\n: {'#' * 1_500_000}\nEOF\n")


def test_a_go_program_from_scratch(new_engine):
    source = f'package main\n\nfunc main() {{ println("hello {unique()}") }}\n'
    result = made(
        new_engine,
        """\
FROM golang:1.26 AS build
WORKDIR /src
COPY <<EOF go.mod
module example.com/hello
go 1.26
EOF
COPY main.go .
RUN CGO_ENABLED=0 go build -o /hello .
FROM scratch
COPY --from=build /hello /hello
ENTRYPOINT ["/hello"]
""",
        files={"main.go": source.encode()},
        tags=("nbcontainer-test/hello:1",),
    )
    assert 500_000 < result.size < 20_000_000
    assert [step.stage for step in result.steps][-1] == "stage-1"


def test_several_platforms_for_an_engine_that_keeps_one_have_a_cure(docker):
    with pytest.raises(UsageError, match="linux/amd64,linux/arm64 names several") as caught:
        made(docker, "FROM busybox\n", platform="linux/amd64,linux/arm64")
    assert "Name one" in caught.value.cure


def test_ten_steps_and_more_are_the_lines_of_the_cell(new_engine):
    text = "FROM busybox\n" + "".join(f"RUN echo {unique()}\n" for _ in range(10))
    steps = [step for step in made(new_engine, text).steps if step.lines]
    assert [step.lines for step in steps] == [(line, line) for line in range(2, 13)]  # after the magic line
    assert {step.state for step in steps} <= {StepState.DONE, StepState.CACHED}


def test_heredocs(new_engine):
    text = f"FROM busybox\nRUN <<A\necho one {unique()}\nA\nCOPY <<E /x\ntwo\nE\nRUN cat /x\n"
    result = made(new_engine, text)
    assert output(result.state, "RUN <<A").startswith("one")
    assert output(result.state, "cat /x") == "two"
    assert [step.lines for step in result.steps] == [(2, 2), (3, 5), (6, 8), (9, 9)]


def test_a_failure_in_a_cell_of_a_megabyte_is_that_of_its_step(new_engine):
    text = "FROM busybox\n" + "# a comment of some length\n" * 60_000 + f"RUN : {unique()}; exit 3\n"
    with pytest.raises(BuildFailed) as caught:
        made(new_engine, text)
    assert (caught.value.exit_code, caught.value.lines) == (3, (60_003, 60_003))  # after the magic line


def test_secrets_are_passed_and_not_shown(new_engine):
    value = "s3cret-" + unique()
    secret = Secret("token", value.encode, "test")
    text = f"FROM busybox\nRUN --mount=type=secret,id=token : {unique()}; wc -c < /run/secrets/token\n"
    operation = start(new_engine, text, secrets=(secret,))
    events = [str(event) for event in operation]
    assert output(operation.result().state, "wc") == str(len(value))
    assert value not in "".join(events)
    assert value not in repr(operation.state)


def test_a_missing_secret(new_engine):
    with pytest.raises(BuildFailed, match="token") as caught:
        made(new_engine, f"FROM busybox\nRUN --mount=type=secret,id=token,required : {unique()}\n")
    assert "--secret" in caught.value.cure
    assert caught.value.lines == (3, 3)


def test_named_contexts_and_target(new_engine, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").write_text("named")
    text = f"FROM base AS first\nCOPY --from=more file /f\nRUN cat /f; echo {unique()}\nFROM nothing AS last\nRUN no\n"
    result = made(
        new_engine,
        text,
        target="first",
        build_contexts={"more": str(tmp_path / "other"), "base": "docker-image://busybox"},
    )
    assert "named" in output(result.state, "cat /f")
    assert not [step for step in result.steps if step.stage == "last"]


def test_planned_steps_are_replaced_in_place(engine):
    operation = start(engine, f"FROM busybox AS a\nRUN echo {unique()}\nFROM busybox\nCOPY --from=a /etc/passwd /p\n")
    planned = [event for event in operation if isinstance(event, BuildStarted)]
    steps = operation.result().steps
    assert [step.lines for step in steps] == [(2, 2), (3, 3), (4, 4), (5, 5)]
    assert all(step.state in (StepState.DONE, StepState.CACHED) for step in steps)
    assert all(step.id.startswith("sha256:") for step in steps if step.lines in ((3, 3), (5, 5)))
    if planned:
        assert [step.lines for step in planned[0].steps] == [step.lines for step in steps]


def test_warnings_of_the_engine_have_the_users_own_lines(new_engine):
    result = made(new_engine, "FROM busybox\nWORKDIR relative\nMAINTAINER me\n")
    found = {warning.problem.source: warning.problem for warning in result.warnings}
    assert found["WorkdirRelativePath"].line == 3
    assert "line" not in found["WorkdirRelativePath"].message
    assert found["MaintainerDeprecated"].line == 4
    assert len(result.warnings) == 2  # the engine does not repeat our warning


def test_each_warning_is_said_once(new_engine):
    result = made(new_engine, "FROM busybox as a\nENV b c\nCMD ['d']\nFROM busybox\nENV e f\n")
    found = [(warning.problem.source, warning.problem.line, bool(warning.url)) for warning in result.warnings]
    assert found == [("FromAsCasing", 2, True), ("json", 4, False), ("LegacyKeyValueFormat", 6, True)]


def test_faults_that_only_the_engine_finds(new_engine):
    with pytest.raises(DockerfileError) as caught:
        made(new_engine, "FROM busybox\nCOPY ${ /b\n")
    assert caught.value.lines == (3,)


def test_an_unchanged_context_is_not_resent(new_engine, tmp_path):
    context = tmp_path / "context"
    context.mkdir()
    (context / "big").write_bytes(bytes(3_000_000))
    text = "FROM busybox\nCOPY big /b\n"

    def sent():
        state = made(new_engine, text, context=str(context), no_cache=True).state
        (step,) = [step for step in state.steps.values() if "load build context" in step.name]
        return max(transfer.current for transfer in step.transfers)

    assert sent() > 3_000_000
    assert sent() < 100_000


def test_the_context_is_not_read_where_nothing_needs_it(new_engine, tmp_path):
    (tmp_path / "no-such-name-\udcff").write_text("")  # it cannot be sent
    result = made(new_engine, "FROM busybox\nCOPY <<E /a\nb\nE\n", context=str(tmp_path))
    assert result.id


def registry(name):
    module = pytest.importorskip("tests.environment.registries")
    part = {"open": module.Registry, "password": module.PasswordRegistry}[name]()
    if not part.status():
        pytest.skip(f"{part.name}: {part.status().detail}")
    return part.address


def test_push_to_a_registry_with_a_password(new_engine, tmp_path):
    host = registry("password")
    folder = tmp_path / "docker-config"
    folder.mkdir(exist_ok=True)
    tag = f"{host}/nbcontainer-test/pushed:1"
    text = f"FROM busybox\nRUN echo {unique()} > /a\n"
    with pytest.raises(NbcontainerError, match="log"):
        made(new_engine, text, tags=(tag,), push=True)
    auth = base64.b64encode(b"alice:secret").decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    result = made(new_engine, text, tags=(tag,), push=True)
    assert result.state.pushed
    assert result.digest.startswith("sha256:")
    assert result.digest != result.id
    assert result.state.pushing
    # and as a base image, which needs the login too
    new_engine.http().call("DELETE", f"/images/{tag}")
    again = made(new_engine, f"FROM {tag}\nRUN cat /a; echo {unique()}\n", pull=True)
    assert output(again.state, "cat /a")


def test_many_builds_at_once_share_one_connection(new_engine):
    operations = [start(new_engine, f"FROM busybox\nRUN echo {unique()} && sleep 0.3\n") for _ in range(6)]
    assert len({operation.result(120).id for operation in operations}) == 6


def test_another_builds_base_image_is_not_among_the_steps(new_engine):
    """BuildKit reports it, too, if both run the same steps on the same image under different names."""
    mine, other, step = f"mine-{unique()}", f"other-{unique()}", f"RUN : {unique()}\n"
    for name in (mine, other):
        tag(new_engine, "busybox", f"{name}:1")
    try:
        running = start(new_engine, f"FROM {other}:1\n{step}RUN : {unique()}; sleep 600\n")
        wait_until(lambda: any("sleep" in each.name and each.started for each in running.state.steps.values()))
        result = made(new_engine, f"FROM {mine}:1\n{step}RUN : {unique()}\n")
        running.stop()
        assert [each.lines for each in result.steps] == [(2, 2), (3, 3), (4, 4)]
        assert result.steps[0].instruction == f"FROM {mine}:1"
    finally:
        for name in (mine, other):
            remove(new_engine, f"{name}:1")


def test_an_interrupt_stops_the_step_too(new_engine):
    marker = unique().replace("-", "")[-9:]
    operation = start(new_engine, f"FROM busybox\nRUN echo begun && sleep 1{marker}\n")
    wait_until(lambda: "begun" in output(operation.state, "sleep"))
    operation.interrupt()
    assert operation.done
    wait_until(lambda: not processes(f"1{marker}"), 10)


def test_an_engine_that_is_found_again_can_build(new_engine):
    made(new_engine, "FROM busybox")
    forget_engines()
    again = find_engine()
    assert again is not new_engine
    made(again, "FROM busybox")
    close_connections(again)
    again.http().close()


def test_an_engine_that_is_forgotten_keeps_no_connection(new_engine):
    def threads():
        return [thread for thread in threading.enumerate() if thread.name.startswith("buildkit-client")]

    before = len(threads())
    made(new_engine, "FROM busybox")
    assert len(threads()) == before + 2
    forget_engines()
    wait_until(lambda: len(threads()) == before)
    new_engine.http().call("GET", "/_ping")
    assert not new_engine.http()._idle
    operation = start(new_engine, f"FROM busybox\nRUN echo {unique()}; sleep 3\n")  # it can still build
    wait_until(lambda: any(step.output for step in operation.state.steps.values()))
    forget_engines()
    assert operation.result(60).id  # a connection in use is closed when its build has ended
    wait_until(lambda: len(threads()) == before)


def test_buildkits_own_checks_without_a_build(new_engine):
    text = "FROM busybox\nENV a b\nENV PASSWORD=abc\nCMD echo x\n"
    request = BuildRequest(text, source_map=SourceMap.shifted(5, 1))
    found = {(problem.source, problem.line) for problem in lint(new_engine, request)}
    assert found >= {("LegacyKeyValueFormat", 3), ("SecretsUsedInArgOrEnv", 4), ("JSONArgsRecommended", 5)}
    assert lint(new_engine, BuildRequest("FROM busybox\nRUN true\n")) == []


@pytest.mark.usefixtures("docker20_engine")
def test_an_old_frontend_has_no_checks(monkeypatch, tmp_path):
    for engine in connect("docker20", monkeypatch, tmp_path):
        assert lint(engine, BuildRequest("FROM busybox\nENV a b\n")) is None


EXPORTED = """FROM busybox AS a
RUN mkdir -p /o/d /o/e && echo x > /o/d/f && echo y > /o/g && ln /o/g /o/h && ln -s nowhere /o/l && mkfifo /o/p \\
  && chmod 2750 /o/e
FROM scratch
COPY --from=a /o /
"""


def test_the_current_folder_may_be_the_output(new_engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made(new_engine, "FROM scratch\nCOPY --from=busybox /etc/passwd /\n", outputs=(".",))
    assert (tmp_path / "passwd").is_file()


@pytest.mark.parametrize("place", ["-", "type=local", "type=tar,dest=-"])
def test_an_output_that_is_not_a_place_on_disk(place, new_engine):
    with pytest.raises(UsageError, match="write a folder, or type=local"):
        made(new_engine, "FROM scratch\n", outputs=(place,))


def test_an_output_folder_with_links_to_elsewhere_is_filled_as_by_buildx(new_engine, tmp_path):
    found = {}
    for who in ("buildx", "ours"):
        folder, target = tmp_path / who, tmp_path / who / "target"
        (target / "h").mkdir(parents=True)
        (folder / "outside").mkdir()
        (folder / "outside/f").write_text("kept")
        for name, leads_to in (("d", "outside"), ("g", "outside/f"), ("p", "outside")):
            (target / name).symlink_to(f"../{leads_to}")
        if who == "ours":
            made(new_engine, EXPORTED, outputs=(str(target),))
        else:
            docker = running("docker", "Docker")
            command = [docker.client(), "buildx", "build", "-q", "-o", str(target), "-"]
            subprocess.run(command, input=EXPORTED, text=True, check=True, env=docker.client_environment())
        assert [path.name for path in (folder / "outside").iterdir()] == ["f"]
        assert (folder / "outside/f").read_text() == "kept"
        found[who] = [
            (stat.path, stat.mode, stat.size, stat.mtime * (stat.mode >> 27 & 1 == 0), stat.linkname)
            for stat in Tree(target).walk()
        ]
    assert found["ours"] == found["buildx"]
    assert [path for path, *_ in found["ours"]] == ["d", "d/f", "e", "g", "h", "l", "p"]
