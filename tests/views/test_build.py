"""The build view: lines, pictures and messages, from recordings of real builds."""

import json
from dataclasses import replace

import pytest

from nbcontainer.errors import Problem
from nbcontainer.model.build import (
    BuildEnded,
    BuildStarted,
    BuildState,
    BuildWarning,
    ImageBuilt,
    PushProgress,
    StepFinished,
    StepOutput,
    StepStarted,
    apply_build,
)
from nbcontainer.model.build_steps import BuildStep, StepState, Transfer
from nbcontainer.model.outcome import Outcome
from nbcontainer.views.build import BuildView, transfer_text
from nbcontainer.views.html import as_html
from nbcontainer.views.text import as_text
from tests.recordings import build_events


def lines(name):
    view = BuildView()
    shown = [view.line(event) for _, event in build_events.read(name)]
    return "\n".join(line for line in shown if line is not None).splitlines()


def merge(whole, message):
    """What frontend/src/build_wire.ts does with a message."""
    steps = {step["id"]: step for step in whole["steps"]}
    for changed in message.get("steps", ()):
        known = steps.get(changed["id"], {}).get("output", [])
        steps[changed["id"]] = {**changed, "output": [*known, *changed["output"]][-400:]}
    order = message.get("order", list(steps))
    return {**whole, **message.get("build", {}), "steps": [steps[name] for name in order]}


def test_lines_of_a_good_build():
    shown = lines("good")
    assert shown[0].startswith("building demo/good:1.4 on Docker Engine")
    assert any(line.endswith("[build 2/5] WORKDIR /src cached") for line in shown)
    assert shown[-1].startswith("built demo/good:1.4 sha256:")
    assert not any("internal/part21" in line for line in shown)  # output belongs to the spool file


def test_a_step_has_its_line_once():
    shown = lines("good")
    finished = [line for line in shown if " done " in line or line.endswith("cached")]
    numbers = [line.split()[0] for line in finished]
    assert len(numbers) == len(set(numbers))


def test_lines_of_a_failed_build_end_with_the_output():
    shown = lines("failing")
    at = next(index for index, line in enumerate(shown) if " failed after " in line)
    assert shown[at].endswith("exit code 1")
    assert "    cmd/server/main.go:31:14: undefined: rate.NewLimiter <b>no</b>" in shown[at:]
    # the last lines of standard output, and standard error's, although BuildKit sent those first
    assert sum(line.startswith("    ") for line in shown[at:]) == 22  # with the count of those before


def test_lines_of_a_long_output_say_how_many_are_hidden_and_where_they_are():
    view, step = BuildView(), BuildStep("1", "[2/2] RUN seq 1 100; false", instruction="RUN seq 1 100; false")
    view.line(BuildStarted("image", "engine", spool="/spool/build.log"))
    view.line(StepStarted(step, 1.0))
    view.line(StepOutput("1", tuple(map(str, range(1, 101)))))
    _, head, *rest = (view.line(StepFinished("1", StepState.FAILED, 2.0, "exit code 1")) or "").splitlines()
    assert head.strip() == "… 80 lines before; all of them are in /spool/build.log"
    assert [line.strip() for line in rest] == [str(number) for number in range(81, 101)]


def test_picture_of_a_good_build():
    text = as_text(BuildView().render(build_events.state("good")))
    head, where, *rows = text.splitlines()
    assert head.startswith("demo/good:1.4  ✓ built  sha256:")
    assert "12.6 MB" in head
    assert "3 of 7 cached" in head
    assert where.startswith("Docker Engine")
    assert [row.split()[0] for row in rows] == ["✓", "●", "✓", "✓", "✓", "●", "●"]
    assert rows[0].split()[1] == "build"
    assert rows[5].split()[1] == "final"


def test_picture_of_a_failed_build_has_its_line_and_all_its_output():
    text = as_text(BuildView().render(build_events.state("failing")))
    assert text.splitlines()[0].startswith("demo/failing:1.4  ✕ failed at line 4, exit code 1")
    assert "✕ lines 4–6 RUN for i in" in text
    assert all(f"compiling part{number}\n" in text for number in range(1, 31))
    assert "│ cmd/server/main.go:31:14: undefined: rate.NewLimiter <b>no</b>" in text
    assert "\x1b" not in text


def test_hostile_text_stays_text_in_html():
    evil = "<script>alert(1)</script>\u202e\x07"
    step = BuildStep(evil, evil, stage=evil, instruction=evil, state=StepState.FAILED, error=evil, output=(evil,))
    state = BuildState(
        title=evil,
        tags=(evil, "b"),
        engine=evil,
        platform=evil,
        steps={evil: step},
        warnings=(BuildWarning(Problem(1, evil, source=evil)),),
    )
    picture = BuildView().render(state)
    for drawn in (as_html(picture), as_text(picture)):
        assert "\u202e" not in drawn
        assert "\x07" not in drawn
    assert "<script" not in as_html(picture)
    view = BuildView()
    for event in (
        BuildStarted(evil, evil, evil),
        StepStarted(step, time=1.0),
        StepFinished(evil, StepState.FAILED, 2.0, evil),
        BuildWarning(Problem(1, evil)),
        PushProgress(Transfer(evil, 1, 1, done=True)),
        ImageBuilt("sha256:1", time=3.0),
    ):
        line = view.line(event) or ""
        assert "\u202e" not in line
        assert "\x07" not in line


@pytest.mark.parametrize("name", ["good", "failing"])
@pytest.mark.parametrize("every", [1, 7, 1000])
def test_messages_fold_into_the_snapshot(name, every):
    view = BuildView()
    state = sent = BuildState()
    page = json.loads(json.dumps(view.wire(None, state)))
    for number, (_, event) in enumerate(build_events.read(name)):
        state = apply_build(state, event)
        if number % every == 0:
            message = view.wire(sent, state)
            sent = state
            if message is not None:
                page = merge(page, json.loads(json.dumps(message)))
    message = view.wire(sent, state)
    page = merge(page, json.loads(json.dumps(message or {})))
    assert page == json.loads(json.dumps(view.wire(None, state)))


def test_a_message_holds_only_what_changed():
    view = BuildView()
    first = BuildState(steps={"a": BuildStep("a", "a"), "b": BuildStep("b", "b")})
    assert view.wire(first, first) is None
    second = apply_build(first, StepOutput("b", ("one", "two")))
    third = apply_build(second, StepOutput("b", ("three",)))
    message = view.wire(second, third)
    assert message is not None
    assert set(message) == {"steps"}
    assert [step["id"] for step in message["steps"]] == ["b"]
    assert message["steps"][0]["output"] == ["three"]
    assert view.wire(third, replace(third, size=5)) == {"build": {"size": 5}}


def test_a_flood_of_output_is_sent_as_the_window_it_left():
    view = BuildView()
    before = BuildState(steps={"a": BuildStep("a", "a")})
    after = before
    for start in range(0, 5_000, 50):
        after = apply_build(after, StepOutput("a", tuple(f"line {n}" for n in range(start, start + 50))))
    message = view.wire(before, after)
    assert message is not None
    assert message["steps"][0]["output_lines"] == 5_000
    assert message["steps"][0]["output"] == [f"line {n}" for n in range(4_600, 5_000)]


def test_a_stopped_build_says_so():
    running = BuildStep("a", "a", instruction="RUN sleep 9", state=StepState.RUNNING, started=1.0)
    state = apply_build(BuildState(started=1.0, steps={"a": running}), BuildEnded(Outcome.STOPPED, time=4.0))
    head, *rows = as_text(BuildView().render(state)).splitlines()
    assert head == "image  ■ stopped  after 3.0 s"
    assert [row.split()[0] for row in rows] == ["■"]
    assert BuildView().wire(None, state)["outcome"] == "stopped"


@pytest.mark.parametrize(
    "event", [BuildEnded(Outcome.FAILED, "no room\non the disk", 4.0), BuildEnded(Outcome.STOPPED, time=4.0)]
)
def test_nothing_runs_in_the_last_picture(event):
    state = BuildState(started=1.0, steps={"a": BuildStep("a", "a", state=StepState.RUNNING)})
    text = as_text(BuildView().render(apply_build(state, event)))
    assert "building" not in text
    assert "◐" not in text
    assert ("✕ failed" in text and "  no room\n  on the disk" in text) == (event.outcome is Outcome.FAILED)


def test_a_build_is_not_done_before_it_is_pushed():
    built = apply_build(BuildState(started=1.0), ImageBuilt("sha256:1", size=5, time=2.0))
    assert "pushing" in as_text(BuildView().render(built))
    failed = apply_build(built, BuildEnded(Outcome.FAILED, "The push of web:1 failed: denied", 3.0))
    assert as_text(BuildView().render(failed)).splitlines() == [
        "image  ✕ built, not pushed  after 2.0 s", "  The push of web:1 failed: denied"
    ]  # fmt: skip
    stopped = apply_build(built, BuildEnded(Outcome.STOPPED, time=3.0))
    assert "■ stopped: built, not pushed" in as_text(BuildView().render(stopped))
    done = apply_build(built, BuildEnded(Outcome.DONE, time=3.0))
    assert "✓ built" in as_text(BuildView().render(done))
    assert BuildView().wire(None, done)["finished"] == 3.0


def test_bytes_have_a_total_if_all_are_known():
    assert transfer_text([]) == ""
    assert transfer_text([Transfer("a", 500, 2_000), Transfer("b", 1_000, 2_000)]) == "1.5 kB / 4 kB"
    assert transfer_text([Transfer("a", 500, 2_000), Transfer("b", 1_000, 0)]) == "1.5 kB"
    assert transfer_text([Transfer("a", 2_000, 2_000, done=True)]) == "2 kB"
