"""What is in a log's file, and whether all that shows a log shows the same."""

import re
from collections.abc import Sequence

from nbcontainer.logs.operation import LogOperation
from nbcontainer.model.events import Missed
from nbcontainer.model.log_file import LogReader
from nbcontainer.model.log_lines import LONGEST_LINE, LogLine
from nbcontainer.model.logs import WINDOW_LINES, LogLines, LogResult


def texts_in(path):
    """The texts of all lines, as the one reader reads them."""
    return [line.text for chunk in LogReader(path).chunks() for line in chunk.lines]


def bytes_in(path):
    """All bytes that were received."""
    return b"".join(data for _, _, data in LogReader(path).raw())


def lines_everywhere(operation: LogOperation[object]) -> list[LogLine]:
    """The lines of a log, at its end: the same in its events, state, file, iterator and result."""
    events = list(operation.events())
    assert not any(isinstance(event, Missed) for event in events), "the log is too long for its listeners"
    lines = [line for event in events if isinstance(event, LogLines) for line in event.lines]
    state = operation.state
    assert lines[-WINDOW_LINES:] == list(state.lines)
    assert LogReader(state.spool).lines(0, len(lines) + 1) == lines
    assert (LogReader(state.spool).total, state.total) == (len(lines), len(lines))
    assert list(operation) == lines
    result = LogResult(state)
    assert list(result) == lines
    assert [result[number] for number in range(len(result))] == lines
    return lines


def expected_texts(data: bytes) -> list[str]:
    """The texts of the lines that a stream with these bytes has; of a long one, only the beginning."""
    texts = visible(data.decode("utf-8", "replace")).split("\n")
    return [text.removesuffix("\r")[:LONGEST_LINE] for text in (texts if texts[-1] else texts[:-1])]


def visible(text: str) -> str:
    """The text with one sign for what is not UTF-8: some engines keep another one for each byte."""
    return re.sub("\ufffd+", "\ufffd", text)


def check_texts(lines: Sequence[LogLine], expected: Sequence[str]) -> None:
    """Check the texts of lines; a long one also says how much of it is left out."""
    assert [visible(line.text[:LONGEST_LINE]) for line in lines] == list(expected)
    for line in lines:
        assert len(line.text) <= LONGEST_LINE or line.text[LONGEST_LINE:].startswith(" … [")
