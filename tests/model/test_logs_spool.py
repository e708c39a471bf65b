import pytest

from nbcontainer.model.logs import LogLine
from nbcontainer.model.logs_spool import decode_line, encode_lines


@pytest.mark.parametrize(
    "line",
    [
        LogLine("web-1", "GET / 200", 1_790_000_000.25),
        LogLine("web-1/sidecar", "  leading and trailing  ", 1_790_000_000.0, "stderr"),
        LogLine("", "2026-11-23T10:42:07Z looks like a time"),
        LogLine("", "-"),
        LogLine("web", ""),
        LogLine("web", "tab\tescape\x1b[31m nul\x00 \u202e ünï 😀"),
    ],
)
def test_what_is_written_is_read(line):
    raw = encode_lines([line])
    assert raw.count(b"\n") == 1
    assert raw.endswith(b"\n")
    assert decode_line(raw[:-1].decode()) == line


def test_a_line_stays_one_line_and_reads_well():
    raw = encode_lines([LogLine("web 1", "a\nb", 1_790_000_000.113)])
    assert raw.decode() == "2026-09-21T14:13:20.113000Z web1 stdout a␊b\n"


@pytest.mark.parametrize("raw", ["", "plain", "INFO main started now", "yesterday web stdout text", "- web stdin x"])
def test_other_files_are_read_as_text(raw):
    assert decode_line(raw) == LogLine("", raw)


def test_halves_of_surrogate_pairs_and_absurd_times_are_written():
    raw = encode_lines([LogLine("web", "\udc80", 1e30), LogLine("web", "x", -5.0)])
    assert raw == b"- web stdout ?\n- web stdout x\n"
