"""What counts as right, as reported and as wrong, without any engine."""

import pytest

from nbcontainer.errors import ApiError, CommandFailed, EngineUnavailable, Stopped
from tests.faults.proxy import Fault, Kind, Way
from tests.faults.verdict import Difference, Ended, Outcome, compare_lines, judge

WRITTEN = [f"line {number}" for number in range(10)]
CUT = Fault(Kind.CLOSE, 0, Way.REPLIED, 1)
INPUT_CUT = Fault(Kind.CLOSE, 0, Way.SENT, 1)
CORRUPTION = Fault(Kind.CORRUPT, 0, Way.REPLIED, 1, b"\x01\x02")
GONE = EngineUnavailable("The engine went away.", cure="See whether it runs.")


def outcome(lines, fault=CUT, *, left="", waits=False, checked=False, struck=True, has_input=False, **fields):
    ended = Ended(lines=lines, **fields)
    difference = compare_lines(WRITTEN, lines)
    if ended.failed and not difference.words:
        difference = Difference("all lines, and an error", missing=True)
    how = {"struck": struck, "checked": checked, "waits": waits, "left": left, "has_input": has_input}
    return judge(ended, difference, fault, **how).outcome


@pytest.mark.parametrize(
    ("lines", "fields", "expected"),
    [
        (WRITTEN, {}, Outcome.RIGHT),
        (WRITTEN, {"error": CommandFailed("It ended with exit code 7.", exit_code=7), "code": 7}, Outcome.RIGHT),
        (WRITTEN, {"struck": False}, Outcome.UNSTRUCK),
        (WRITTEN[:6], {}, Outcome.WRONG),
        (WRITTEN[:6], {"error": CommandFailed("It ended with exit code 7.", exit_code=7), "code": 7}, Outcome.WRONG),
        (WRITTEN[:6], {"notes": ("the end of its output may be missing",)}, Outcome.NOTED),
        (WRITTEN[:6], {"notes": ("pulled busybox",)}, Outcome.WRONG),
        (WRITTEN[:6], {"error": GONE}, Outcome.REFUSED),
        (WRITTEN[:6], {"error": GONE, "struck": False}, Outcome.WRONG),
        ([*WRITTEN[:6], "lin"], {"error": GONE}, Outcome.REFUSED),
        ([*WRITTEN[:6], "lin"], {}, Outcome.WRONG),
        ([*WRITTEN[:6], "nil"], {"error": GONE}, Outcome.WRONG),
        (WRITTEN, {"error": GONE}, Outcome.REFUSED),
        ([*WRITTEN[:6], *WRITTEN[4:]], {}, Outcome.WRONG),
        ([*WRITTEN[:6], *WRITTEN[4:]], {"notes": ("lines may be missing",)}, Outcome.WRONG),
        ([*WRITTEN[:6], *WRITTEN[4:6]], {"error": GONE}, Outcome.WRONG),
        (WRITTEN[:6], {"error": ConnectionResetError(104, "reset")}, Outcome.WRONG),
        (WRITTEN[:6], {"error": KeyError("Id")}, Outcome.WRONG),
        (WRITTEN[:6], {"error": ApiError("It broke: KeyError('Id')")}, Outcome.WRONG),
        (WRITTEN[:6], {"error": ApiError("It\nwent\nwrong.")}, Outcome.WRONG),
        (WRITTEN, {"left": "the container, running"}, Outcome.WRONG),
        (WRITTEN[:6], {"stopped": True, "error": Stopped("It was stopped.")}, Outcome.WRONG),
        (WRITTEN[:6], {"stopped": True, "waits": True, "error": Stopped("It was stopped.")}, Outcome.WAITING),
        (WRITTEN[:6], {"stopped": True, "waits": True, "stuck": True}, Outcome.WRONG),
        (WRITTEN[:6], {"has_input": True}, Outcome.WRONG),
        (WRITTEN[:6], {"has_input": True, "fault": INPUT_CUT}, Outcome.ALTERED),
        ([*WRITTEN[:6], *WRITTEN[4:]], {"has_input": True, "fault": INPUT_CUT}, Outcome.WRONG),
        (WRITTEN, {"fault": None}, Outcome.RIGHT),
        (WRITTEN[:6], {"fault": None}, Outcome.WRONG),
    ],
)
def test_outcomes(lines, fields, expected):
    assert outcome(lines, **fields) is expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["line 0", "lhoe 1", *WRITTEN[2:]], Outcome.ALTERED),
        (["line 0", "lxoo 1", *WRITTEN[2:]], Outcome.WRONG),
        (["line 0\ufffdine 1", *WRITTEN[2:]], Outcome.ALTERED),
        (WRITTEN[:-1], Outcome.WRONG),
        ([*WRITTEN, "line 9"], Outcome.WRONG),
    ],
)
def test_what_was_changed_on_the_way_arrives_changed_and_nothing_else(lines, expected):
    assert outcome(lines, CORRUPTION) is expected
    assert outcome(lines, CORRUPTION, checked=True) is Outcome.WRONG
    assert outcome(lines, CUT) is Outcome.WRONG
