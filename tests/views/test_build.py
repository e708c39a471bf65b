"""The build view: lines, pictures and messages, from recordings of real builds."""

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
from nbcontainer.views import page
from nbcontainer.views.build import BuildView, transfer_text
from nbcontainer.views.html import as_html
from nbcontainer.views.text import as_text
from tests.recordings import build_events
from tests.views.test_page import applied_to_picture, as_sent


def lines(name):
    view = BuildView()
    shown = [view.line(event) for _, event in build_events.read(name)]
    return "\n".join(line for line in shown if line is not None).splitlines()


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
def test_changes_make_the_last_picture_of_the_first(name, every):
    view = BuildView()
    state = BuildState()
    sent = view.render(state)
    shown = as_sent(page.whole(sent))
    events = [event for _, event in build_events.read(name)]
    for number, event in enumerate(events, 1):
        state = apply_build(state, event)
        if number % every == 0 or number == len(events):
            picture = view.render(state)
            if (change := page.changes(sent, picture)) is not None:
                shown = applied_to_picture(shown, as_sent(change))
            sent = picture
    assert shown == as_sent(page.whole(BuildView().render(state)))


def grid_of(change):
    (block,) = [block for block in change["blocks"] if block["key"] == "steps"]
    return block


def test_a_change_holds_only_what_changed():
    view = BuildView()
    first = BuildState(steps={"a": BuildStep("a", "a"), "b": BuildStep("b", "b")})
    assert page.changes(view.render(first), view.render(first)) is None
    second = apply_build(first, StepOutput("b", ("one", "two")))
    third = apply_build(second, StepOutput("b", ("three",)))
    change = page.changes(view.render(second), view.render(third))
    assert change == {"blocks": [{"key": "steps", "outputs": {"b": {"lines": ["three"], "set": {"count": 3}}}}]}
    fourth = apply_build(third, StepFinished("a", StepState.CACHED))
    change = page.changes(view.render(third), view.render(fourth))
    assert list(grid_of(change)["rows"]) == ["a"]
    assert "outputs" not in grid_of(change)


def test_a_flood_of_output_is_sent_as_the_window_it_left():
    view = BuildView()
    before = BuildState(steps={"a": BuildStep("a", "a")})
    after = before
    for start in range(0, 5_000, 50):
        after = apply_build(after, StepOutput("a", tuple(f"line {n}" for n in range(start, start + 50))))
    output = grid_of(page.changes(view.render(before), view.render(after)))["outputs"]["a"]
    assert output["count"] == 5_000
    assert output["lines"] == [f"line {n}" for n in range(4_600, 5_000)]


def test_the_rows_of_steps_that_did_not_change_are_not_made_again():
    view = BuildView()
    first = BuildState(steps={name: BuildStep(name, name) for name in "abc"})
    second = apply_build(first, StepStarted(BuildStep("b", "b"), time=1.0))
    before, after = (next(block for block in view.render(state).blocks if block.key == "steps").rows
                     for state in (first, second))  # fmt: skip
    assert [old is new for old, new in zip(before, after, strict=True)] == [True, False, True]


def test_a_stopped_build_says_so():
    running = BuildStep("a", "a", instruction="RUN sleep 9", state=StepState.RUNNING, started=1.0)
    state = apply_build(BuildState(started=1.0, steps={"a": running}), BuildEnded(Outcome.STOPPED, time=4.0))
    head, *rows = as_text(BuildView().render(state)).splitlines()
    assert head == "image  ■ stopped  after 3.0 s"
    assert [row.split()[0] for row in rows] == ["■"]


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


def test_bytes_have_a_total_if_all_are_known():
    assert transfer_text([]) == ""
    assert transfer_text([Transfer("a", 500, 2_000), Transfer("b", 1_000, 2_000)]) == "1.5 kB / 4 kB"
    assert transfer_text([Transfer("a", 500, 2_000), Transfer("b", 1_000, 0)]) == "1.5 kB"
    assert transfer_text([Transfer("a", 2_000, 2_000, done=True)]) == "2 kB"


def test_an_internal_step_gets_a_row_once_it_takes_long(monkeypatch):
    view = BuildView()
    step = BuildStep("a", "[internal] load metadata", internal=True, state=StepState.RUNNING, started=100.0)
    state = BuildState(started=100.0, steps={"a": step})
    monkeypatch.setattr("time.time", lambda: 100.5)
    assert view.wire(None, state)["blocks"][-1]["kind"] == "progress"
    assert view.wire(state, state) is None
    monkeypatch.setattr("time.time", lambda: 101.5)
    (change,) = view.wire(state, state)["blocks"]
    assert (change["kind"], change["keys"]) == ("grid", ["a"])


def test_of_a_running_step_the_page_gets_the_last_lines_until_it_is_unfolded():
    view = BuildView()
    running = BuildStep("a", "a", state=StepState.RUNNING, started=1.0)
    state = apply_build(BuildState(steps={"a": running}), StepOutput("a", tuple(map(str, range(40)))))
    sent = view.wire(None, state)["blocks"][-1]["outputs"]["a"]
    assert (sent["lines"], sent["count"]) == (["36", "37", "38", "39"], 40)
    assert view.act(None, {"type": "unfold", "row": "a"}) is None
    lines = [str(number) for number in range(40)]
    assert grid_of(view.wire(state, state))["outputs"]["a"]["set"]["lines"] == lines
    done = apply_build(state, StepFinished("a", StepState.DONE, 2.0))
    assert BuildView().wire(None, done)["blocks"][-1]["outputs"]["a"]["lines"] == lines
