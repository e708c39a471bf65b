"""Plain lines, choosing the surface, and drawing nothing twice; other surfaces are tested in real kernels."""

import threading
import time

import pytest

from nbcontainer.errors import NotFound, Stopped, UsageError
from nbcontainer.logs.operation import LogOperation
from nbcontainer.model.log_lines import LogLine, chunks_of
from nbcontainer.model.logs import LogEnded, LogLines, LogResult, LogState
from nbcontainer.settings import settings
from nbcontainer.views.logs import LogView
from nbcontainer.views.notebook import Notebook
from nbcontainer.views.surfaces import Plain, choose_surface, show, was_shown
from nbcontainer.views.terminal import Terminal


def operation(work, *, endless=False):
    made = LogOperation("log", LogState(title="log"), endless=endless, conclude=lambda s, _: LogResult(s))
    return made.start_thread(work)


def lines(*texts):
    return LogLines(tuple(chunks_of(LogLine("web", text) for text in texts)))


def test_lines_arrive_as_they_are_emitted_and_the_result_is_returned(capsys):
    def work(progress):
        progress.emit(lines("one", "two"))
        progress.emit(lines("\x1b[31mred\x1b[0m \u202e<b>"))
        progress.emit(LogEnded())

    result = show(operation(work), LogView(), Plain())
    assert len(result) == 3
    assert capsys.readouterr().out == "one\ntwo\nred ⟨U+202E⟩<b>\n"


def test_a_drawn_result_stays_silent_once(capsys):
    result = show(operation(lambda progress: progress.emit(lines("one"))), LogView(), Plain())
    capsys.readouterr()
    assert [was_shown(result), was_shown(result)] == [True, False]
    assert not was_shown(LogResult(LogState()))


def test_a_failure_is_raised_after_its_lines(capsys):
    def work(progress):
        progress.emit(lines("one"))
        raise NotFound("gone", status=404)

    with pytest.raises(NotFound, match="gone"):
        show(operation(work), LogView(), Plain())
    assert capsys.readouterr().out == "one\n"


def test_ctrl_c_while_a_line_is_printed_stops_it_within_a_second():
    class Interrupts(LogView):
        streams = False

        def line(self, event):
            del event
            raise KeyboardInterrupt

    running = operation(silent_until_stopped)
    started = time.monotonic()
    with pytest.raises(Stopped):
        show(running, Interrupts(), Plain())
    assert time.monotonic() - started < 1
    assert running.done


def silent_until_stopped(progress):
    cut = threading.Event()
    progress.on_stop(cut.set)
    progress.emit(lines("one"))
    cut.wait()
    raise ConnectionError


@pytest.mark.parametrize("endless", [True, False])
def test_ctrl_c_stops_it_and_is_an_error_only_where_there_was_an_end(endless):
    class Interrupted:
        name = "interrupted"

        def draw(self, operation, view):
            del operation, view
            raise KeyboardInterrupt

    def work(progress):
        while not progress.stopping:
            time.sleep(0.005)
        raise UsageError("cut off")

    running = operation(work, endless=endless)
    if endless:
        assert isinstance(show(running, LogView(), Interrupted()), LogResult)
    else:
        with pytest.raises(Stopped):
            show(running, LogView(), Interrupted())
    assert running.done


def test_a_surface_that_breaks_leaves_nothing_running():
    class Broken:
        name = "broken"

        def draw(self, operation, view):
            del operation, view
            raise ZeroDivisionError

    def work(progress):
        while not progress.stopping:
            time.sleep(0.005)

    running = operation(work)
    with pytest.raises(ZeroDivisionError):
        show(running, LogView(), Broken())
    assert running.wait(5)


@pytest.mark.parametrize(
    ("setting", "kind"), [("notebook", Notebook), ("terminal", Terminal), ("plain", Plain), ("auto", Plain)]
)
def test_a_setting_chooses_and_without_a_terminal_lines_are_plain(setting, kind, monkeypatch):
    monkeypatch.setattr(settings, "surface", setting)
    assert isinstance(choose_surface(), kind)
