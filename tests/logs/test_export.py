"""A log as a file of lines, and what a log says whose own file is gone or incomplete."""

from pathlib import Path

import pytest

from nbcontainer import logs
from nbcontainer.errors import LinesMissing, UsageError
from nbcontainer.logs.operation import LogOperation
from nbcontainer.logs.writer import LogWriter
from nbcontainer.model.log_reading import output_of
from nbcontainer.model.logs import LogResult, LogState

COUNT = 10_000


def log_of(*pieces):
    """An operation whose log has these bytes."""
    writer = LogWriter("web")

    def work(progress):
        writer.report_to(progress)
        channel = writer.channel("web", "stderr", stamped=False)
        for piece in pieces:
            channel.feed(piece)
            writer.flush()
        channel.finish()
        writer.close()

    state = LogState(title="web", spool=writer.path)
    operation = LogOperation("log of web", state, conclude=lambda last, _value: LogResult(last))
    operation.start_thread(work).result(30)
    return operation


def numbers():
    lines = [b"line %d\n" % number for number in range(COUNT)]
    return [b"".join(lines[first : first + 500]) for first in range(0, COUNT, 500)]


def test_a_log_is_exported(tmp_path):
    operation = log_of(b"one\r\n", b"two")
    target = logs.export(operation.state.spool, tmp_path / "web.txt")
    assert target.read_text() == "- web stderr one\n- web stderr two\n"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["web.txt"]


@pytest.mark.parametrize("case", ["gone", "no log", "itself"])
def test_an_export_that_is_refused_destroys_nothing(tmp_path, case):
    operation = log_of(b"one\n")
    precious = tmp_path / "precious.txt"
    precious.write_text("precious")
    log = {"gone": tmp_path / "none.log", "no log": precious, "itself": Path(operation.state.spool)}[case]
    target = log if case == "itself" else precious
    with pytest.raises(UsageError):
        logs.export(log, target)
    assert precious.read_text() == "precious"
    assert Path(operation.state.spool).read_bytes() == b"one\n"


def test_lines_that_are_gone_are_an_error():
    operation = log_of(*numbers())
    result = operation.result()
    assert [line.text for line in result] == [f"line {number}" for number in range(COUNT)]
    assert [line.text for line in operation] == [f"line {number}" for number in range(COUNT)]
    Path(result.state.spool).unlink()
    assert result[-1].text == f"line {COUNT - 1}"
    for look in (lambda: list(result), lambda: list(operation), lambda: result[0], lambda: result[5:10]):
        with pytest.raises(LinesMissing, match="its file was removed") as caught:
            look()
        assert caught.value.count > 0
    with pytest.raises(LinesMissing) as caught:
        list(result)
    assert (caught.value.first, caught.value.count) == (0, COUNT - sum(chunk.count for chunk in result.state.chunks))


@pytest.mark.parametrize("end", [b"\n", b""])
def test_the_output_of_one_long_line_is_its_end(end):
    operation = log_of(b"x" * 70_000 + end)
    output, hidden = output_of(operation.state, 1_000)
    assert (len(output), hidden) == (1_000, 69_000 + len(end))
    assert output_of(operation.state, 10**6) == ("x" * 70_000 + end.decode(), 0)
