"""Builds on every kind of engine: the same cells, the same events, the same errors."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbcontainer.codec import to_json
from nbcontainer.engines.build import build
from nbcontainer.engines.podman_steps import StepMark
from nbcontainer.errors import BuildFailed, DockerfileError, Stopped, UsageError
from nbcontainer.model.build import BuildRequest, BuildStarted, ImageBuilt, apply_build
from nbcontainer.model.build_steps import StepState
from nbcontainer.model.events import Missed

from .build_engines import BUILDKIT, CLASSIC, connect, made, output, processes, start, unique, wait_until


@pytest.fixture(params=[*BUILDKIT, *CLASSIC])
def engine(request, monkeypatch, tmp_path):
    yield from connect(request.param, monkeypatch, tmp_path)


def inspect(engine, name):
    return engine.http().json("GET", f"/images/{name}/json")


def test_stages_context_arguments_and_labels(engine, tmp_path):
    context = tmp_path / "context"
    (context / "sub").mkdir(parents=True)
    (context / "sub/file").write_text("from the context")
    (context / "ignored").write_text("x" * 1000)
    (context / ".dockerignore").write_text("ignored\n")
    word = unique()
    result = made(
        engine,
        f"""\
ARG BASE=nothing
FROM $BASE AS first
ARG WORD=unset
WORKDIR /work
COPY . .
RUN echo "$WORD {word}" > made && \\
    ls -a
FROM busybox
COPY --from=first /work/made /work/sub/file /work/added.txt /
RUN cat /made /file /added.txt
CMD ["true"]
""",
        context=str(context),
        files={"added.txt": b"from memory"},
        build_args={"BASE": "busybox", "WORD": "given"},
        labels={"who": "tests"},
        tags=("nbcontainer-test/build:1", "nbcontainer-test/build:2"),
    )
    listed, seen = output(result.state, "ls -a"), output(result.state, "cat /made")
    assert "sub" in listed.split()
    assert "ignored" not in listed.split()
    assert seen.replace("\n", "") == f"given {word}from the contextfrom memory"
    for tag in result.tags:
        assert inspect(engine, tag)["Id"].removeprefix("sha256:") == result.id.removeprefix("sha256:")
    assert inspect(engine, result.tags[0])["Config"]["Labels"]["who"] == "tests"
    assert result.size > 1000
    lines = {step.instruction.split(" ", 1)[0] + str(step.lines[0]): step.lines for step in result.steps if step.lines}
    assert lines["RUN7"] == (7, 8)
    assert lines["COPY10"] == (10, 10)
    assert {step.state for step in result.steps} <= {StepState.DONE, StepState.CACHED}
    assert result.state.ended


def test_a_second_build_is_cached(engine):
    text = f"FROM busybox\nRUN echo {unique()} > /a\nRUN cat /a\n"
    first, second = made(engine, text), made(engine, text)
    assert second.id == first.id
    assert first.cached < second.cached
    assert made(engine, text, no_cache=True).state.count(StepState.CACHED) <= 1


def test_the_state_is_the_fold_of_the_events(engine):
    operation = start(engine, f"FROM busybox\nRUN echo {unique()} && sleep 0.2\nRUN true\n")
    events = [event for event in operation if not isinstance(event, Missed)]
    result = operation.result()
    kinds = {type(event) for event in events}
    assert ImageBuilt in kinds
    if BuildStarted in kinds:  # else it was emitted before this listener was added
        state = type(result.state)()
        for event in events:
            state = apply_build(state, event)
        assert state.steps == result.state.steps
        assert next(step.name for step in events[0].steps).endswith("FROM busybox")


def test_a_failing_run_reports_its_lines_exit_code_and_last_output(engine):
    operation = start(
        engine,
        f"FROM busybox\nRUN echo {unique()}\n\n# two lines fail\n"
        "RUN echo last words && \\\n   sh -c 'exit 42'\nRUN never\n",
    )
    with pytest.raises(BuildFailed) as caught:
        operation.result(120)
    error = caught.value
    assert error.lines == (6, 7)
    assert error.exit_code == 42
    assert error.output.splitlines()[-1] == "last words"
    assert str(error).startswith("line 6: RUN echo last words")
    assert "exit code 42" in str(error)
    assert error.command == engine.commands.command("build", "-")
    failed = operation.state.failed_step
    assert failed.lines == (6, 7)
    assert failed.error
    assert failed.exit_code == 42
    assert not operation.state.count(StepState.RUNNING)
    assert next(step for step in operation.state.instructions if "never" in step.instruction).state is StepState.WAITING


def test_the_value_of_a_build_argument_is_in_no_name_of_a_step(engine):
    text = (
        f"FROM busybox\nARG TOKEN\nARG V\nENV A={unique()}\nWORKDIR /$TOKEN\nRUN true $TOKEN \\\n  && true ${{V}}\n"
        "RUN test -z $TOKEN\n"
    )
    operation = start(engine, text, build_args={"TOKEN": "hunter-of-two", "V": "a"})
    with pytest.raises(BuildFailed) as caught:
        operation.result(120)
    names = [step.name.partition("] ")[2] for step in operation.state.instructions]
    assert "WORKDIR /$TOKEN" in names
    assert any(name.startswith("RUN true $TOKEN") for name in names)
    assert caught.value.step.endswith("RUN test -z $TOKEN")
    assert "hunter" not in json.dumps([to_json(operation.state), to_json(caught.value)])


def test_a_failure_says_where_the_rest_of_a_long_output_is(engine):
    with pytest.raises(BuildFailed) as caught:
        made(engine, f"FROM busybox\nRUN : {unique()}; seq 1 1000; exit 3\n")
    error = caught.value
    assert error.output.splitlines() == [str(number) for number in range(801, 1001)]
    assert error.output_lines == 1000
    assert error.cure == f"It wrote 1,000 lines; all of them are in {error.spool}."
    assert "\n1\n2\n3\n" in f"\n{Path(error.spool).read_text()}"


def test_a_file_that_is_not_there(engine, tmp_path):
    with pytest.raises(BuildFailed) as caught:
        made(engine, "FROM busybox\nCOPY nowhere.txt /\n", context=str(tmp_path))
    assert caught.value.lines == (3, 3)
    assert "nowhere.txt" in str(caught.value)
    assert str(tmp_path) in caught.value.cure
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "hello.txt").touch()
    (tmp_path / "left-out").touch()
    for text, cure in (("sub/helo.txt", "Did you mean sub/hello.txt?"), ("left-out", ".dockerignore leaves it out")):
        with pytest.raises(BuildFailed) as caught:
            made(engine, f"FROM busybox\nCOPY {text} /\n", context=str(tmp_path), files={".dockerignore": b"left-out"})
        assert cure in caught.value.cure


def test_what_is_added_by_name_is_in_the_context_whatever_dockerignore_says(engine, tmp_path):
    (tmp_path / ".dockerignore").write_text("*\n")
    (tmp_path / "left-out").touch()
    word = unique()
    files = {"gen.py": word.encode(), "sub/a[1]*.txt": b"too"}
    text = "FROM busybox\nCOPY . /here\nRUN cd /here; cat gen.py; find . -type f\n"
    written = output(made(engine, text, context=str(tmp_path), files=files).state, "cat")
    assert written.startswith(word)
    assert "./sub/a[1]*.txt" in written
    assert "left-out" not in written


def test_an_invalid_pattern_is_named_with_its_line(engine, tmp_path):
    (tmp_path / "a").touch()
    (tmp_path / ".dockerignore").write_text("# comment\n[bad\n")
    with pytest.raises(UsageError, match=r"\.dockerignore line 2: '\[bad'"):
        made(engine, "FROM busybox\nCOPY a /a\n", context=str(tmp_path))


def test_a_link_to_nowhere_is_not_blamed_on_its_spelling(engine, tmp_path):
    (tmp_path / "dangling").symlink_to("/nonexistent")
    with pytest.raises(BuildFailed) as caught:
        made(engine, "FROM busybox\nCOPY dangling /a\n", context=str(tmp_path))
    assert "Did you mean" not in caught.value.cure


@pytest.mark.parametrize("target", ["../../outside", "/etc/hostname", "inside"])
def test_a_link_that_leads_out_of_the_context_is_built_or_named(engine, tmp_path, target):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/inside").touch()
    (tmp_path / "folder/link").symlink_to(target)
    text = f"FROM busybox\nCOPY . /{unique()}\n"
    if engine.capabilities.pods and target.startswith(".."):
        with pytest.raises(BuildFailed, match=r"the link folder/link points outside of it, to \.\./\.\./outside"):
            made(engine, text, context=str(tmp_path))
    else:
        assert made(engine, text, context=str(tmp_path)).steps


def test_the_triggers_of_a_base_image_find_the_context(engine, tmp_path):
    base, word = f"nbcontainer-test/trigger:{unique()}", unique()
    (tmp_path / "k.txt").write_text(word)
    made(engine, "FROM busybox\nONBUILD COPY k.txt /k\nONBUILD RUN true\n", tags=(base,))
    result = made(engine, f"FROM {base}\nRUN cat /k\n", context=str(tmp_path))
    assert output(result.state, "cat /k") == word


def test_hosts_and_limits_for_steps(engine):
    text = f"FROM busybox\nRUN cat /etc/hosts; ulimit -n; : {unique()}\n"
    result = made(engine, text, add_hosts=("extra:1.2.3.4",), ulimits=("nofile=1024:2048",))
    written = output(result.state, "hosts").splitlines()
    assert "1.2.3.4\textra" in written
    assert written[-1] == "1024" or "docker20" in engine.address


def test_half_a_character_is_named_with_its_line(engine):
    with pytest.raises(DockerfileError, match=r"line 3: .*half of a character"):
        made(engine, "FROM busybox\nRUN echo \ud800\n")


def test_an_image_that_is_not_there(engine):
    with pytest.raises(BuildFailed) as caught:
        made(engine, f"FROM nbcontainer-test-nowhere:{unique()}\n")
    assert caught.value.lines == (2, 2)
    assert "nbcontainer-test-nowhere" in str(caught.value)
    assert caught.value.cure


def test_hostile_output_stays_text_in_whole_lines(engine):
    wanted = ["<script>alert(1)</script>", "\x1b[31mred\x1b[0m", "100%", "a\u202eb", "\ufffd", "no end"]
    script = r"printf '<script>alert(1)</script>\n\033[31mred\033[0m\n1%%\r50%%\r100%%\na\342\200\256b\n\377\nno end'"
    result = made(engine, f"FROM busybox\nRUN : {unique()}; {script}\n")
    written = [line for step in result.steps for line in step.output]
    if engine.capabilities.pods:
        written = [line for line in written if not line.startswith(("Resolving", "Trying", "Getting", "Copying"))]
    assert written == wanted


def test_stop_leaves_no_process(engine):
    marker = unique().replace("-", "")[-9:]
    operation = start(engine, f"FROM busybox\nRUN echo begun && sleep 1{marker}\n")
    wait_until(lambda: "begun" in output(operation.state, "sleep"))
    began = time.monotonic()
    operation.stop()
    with pytest.raises(Stopped):
        operation.result(5)
    assert time.monotonic() - began < 1.0
    wait_until(lambda: not processes(f"1{marker}"), 3)
    assert operation.state.count(StepState.RUNNING) == 0


def test_a_stop_ends_no_step_of_another_build(engine):
    """A build whose own step has just ended finds nothing to kill, whatever else the service runs."""
    marker = unique().replace("-", "")[-9:]
    other = start(engine, f"FROM busybox\nRUN echo begun && sleep 1{marker}\n")
    try:
        wait_until(lambda: "begun" in output(other.state, "sleep"))
        assert not StepMark(engine.address).end_running_step()
        assert processes(f"1{marker}")
    finally:
        other.stop()
        other.wait_until_gone(5)
    wait_until(lambda: not processes(f"1{marker}"), 3)


def test_all_errors_in_the_text_are_raised_at_once(engine):
    with pytest.raises(DockerfileError) as caught:
        start(engine, "FROM busybox\nCOPPY a b\nRUN x\nENV a\n")
    assert caught.value.lines == (3, 5)


def test_bad_values_say_which(engine, tmp_path):
    with pytest.raises(UsageError, match="Upper"):
        start(engine, "FROM busybox", tags=("Upper:1",))
    with pytest.raises(UsageError, match="tags="):
        start(engine, "FROM busybox", push=True)
    with pytest.raises(UsageError, match="nowhere"):
        made(engine, "FROM busybox\nCOPY a /a", context=str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="size"):
        made(engine, "FROM busybox", shm_size="large")


FLOOD = """
import json, sys
from nbcontainer.codec import to_json
from nbcontainer.engines.build import build
from nbcontainer.engines.connection import find_engine
from nbcontainer.model.build import BuildRequest
from nbcontainer.settings import settings

settings.engine, settings.spool_directory = sys.argv[1:3]
line = "0" * 999
text = f"FROM busybox\\nRUN : {sys.argv[3]}; yes {line} | head -c 100000000; echo end\\n"
result = build(find_engine(), BuildRequest(text)).result()
(step,) = [step for step in result.steps if "yes" in step.instruction]
with open("/proc/self/status") as status:  # getrusage would give what the parent had, if that is more
    (peak,) = [int(line.split()[1]) for line in status if line.startswith("VmHWM:")]
print(json.dumps([peak, len(step.output), step.output[-1][:40],
                  step.output_lines]))
"""


def test_a_flood_of_output_needs_no_memory(engine, tmp_path):
    host = engine.address
    arguments = [sys.executable, "-c", FLOOD, host, str(tmp_path / "spool"), unique()]
    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=170, check=False)
    assert ran.returncode == 0, ran.stderr
    kilobytes, kept, last, lines = json.loads(ran.stdout)
    assert kilobytes < 120_000
    (spool,) = (tmp_path / "spool").glob("*.log")
    if engine.capabilities.pods:
        assert (kept, last, lines) == (400, "end", 100_001)
        assert spool.stat().st_size >= 100_000_000
    else:  # BuildKit itself clips a step's output, by size and by speed, and says so
        assert lines >= kept > 100
        assert spool.stat().st_size > 100_000


def test_the_kind_of_engine_is_recognised(engine):
    operation = build(engine, BuildRequest("FROM busybox"))
    operation.result(60)
    assert operation.state.engine == engine.name
