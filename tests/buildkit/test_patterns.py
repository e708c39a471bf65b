"""`patternmatcher.jsonl` has the answers of the Go library moby/patternmatcher v0.6.1, called as during a walk."""

import json
import posixpath
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from e2b_dockerfile_utils import PatternMatcher
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcontainer.buildkit import wildcards
from nbcontainer.buildkit.patterns import InvalidPatternError, Patterns, name_matches, read_ignore_file

RECORDED = [json.loads(line) for line in Path(__file__).with_name("patternmatcher.jsonl").read_text().splitlines()]


def answer(patterns, paths):
    """Our matcher's answers, in the form of the recording."""
    try:
        matcher = Patterns(patterns)
    except InvalidPatternError:
        return "new"
    try:
        return [path for path in paths if matcher.matches(path)]
    except InvalidPatternError:
        return "match"


def test_every_recorded_answer_of_the_go_library():
    different = []
    for case in RECORDED:
        expected = case["error"].split(":")[0] or case["matched"]
        got = answer(case["patterns"], case["paths"])
        if got != expected:
            different.append((case["patterns"], got, expected))
    assert different == []
    assert sum(bool(case.get("matched")) for case in RECORDED) > 70
    assert sum(bool(case["error"]) for case in RECORDED) > 70


NAMES = st.sampled_from(["a", "b", "ab", "a.py", ".x", "a-b", "é", "x y", "node_modules", "+", "$"])
PARTS = st.one_of(NAMES, st.sampled_from(["*", "**", "?", "*.py", "[ab]", "[^a]", "[a-c]*", "a*b", r"\*", "a?"]))
PATTERNS = st.lists(
    st.builds(
        lambda bang, slash, parts: bang + slash + "/".join(parts),
        st.sampled_from(["", "", "!"]),
        st.sampled_from(["", "/", "./"]),
        st.lists(PARTS, min_size=1, max_size=3),
    ),
    max_size=4,
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


@settings(max_examples=400, deadline=None)
@given(PATTERNS, st.lists(PATHS, min_size=1, max_size=8))
def test_agrees_with_another_port(lines, paths):
    """e2b-dockerfile-utils differs only inside brackets, which these patterns keep simple."""
    ours = Patterns(read_ignore_file("\n".join(lines)))
    theirs = PatternMatcher(lines)
    assert [ours.matches(path) for path in paths] == [theirs.matches(path) for path in paths]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.text(max_size=12), max_size=4), st.lists(st.text(min_size=1, max_size=12), max_size=4))
def test_any_text_is_matched_or_refused_by_our_error(patterns, paths):
    answer(patterns, [posixpath.normpath(path) for path in paths])


@settings(max_examples=200, deadline=None)
@given(PATTERNS, st.lists(PATHS, min_size=1, max_size=8))
def test_a_folder_that_is_skipped_holds_nothing_that_matches(lines, paths):
    matcher = Patterns(read_ignore_file("\n".join(lines)))
    for path in paths:
        folder = posixpath.dirname(path)
        if folder and not matcher.matches(folder) and not matcher.may_match_below(folder):
            assert not matcher.matches(path)


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("", []),
        ("# no\n\n  a  \n", ["a"]),
        (" # a pattern\n", ["# a pattern"]),
        ("\ufeff#x\n\ufeffy", ["\ufeffy"]),
        (b"\xef\xbb\xbfa\r\nb\r\n", ["a", "b"]),
        ("/a/../b//c/\n./d\n/", ["b/c", "d", "/"]),
        ("! /x \n!\n!!a", ["!x", "!", "!!a"]),
        (b"caf\xe9", ["caf\udce9"]),
    ],
)
def test_reads_ignore_files_as_docker_does(text, patterns):
    assert read_ignore_file(text) == patterns


@pytest.mark.parametrize("pattern", ["[", "[a", "a[", "[]a]", "!", "[a-]", "[-a]"])
def test_a_malformed_pattern_is_an_error_that_names_it(pattern):
    with pytest.raises(InvalidPatternError) as caught:
        Patterns(["fine", pattern])
    assert caught.value.pattern == pattern
    assert repr(pattern) in str(caught.value)


def test_a_range_upside_down_is_found_when_it_is_tried():
    matcher = Patterns(["[z-a]"])
    with pytest.raises(InvalidPatternError, match="z-a"):
        matcher.matches("b")


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*.py", "a.py", True),
        ("*.py", "a/b.py", False),
        ("[^a]", "b", True),
        ("[^a]", "a", False),
        (r"\*", "*", True),
        (r"\*", "a", False),
        ("a*b*c", "axxbyyc", True),
        ("?", "é", True),
        ("", "", True),
        ("*", "", True),
    ],
)
def test_names_match_as_in_go(pattern, name, matches):
    assert name_matches(pattern, name) is matches


def test_what_a_folder_matched_holds_for_what_is_in_it():
    matcher = Patterns(["docs", "!docs/keep"])
    matched, info = matcher.match("docs")
    assert matched
    assert matcher.match("docs/a", info)[0]
    assert not matcher.match("docs/keep", info)[0]
    assert matcher.may_match_below("docs", exceptions=True)
    assert not matcher.may_match_below("other", exceptions=True)


@pytest.mark.parametrize("pattern", ["*a" * 20 + "b", "**/" * 20 + "b", "**a" * 20 + "b", "*[a-c]?" * 12 + "b"])
def test_no_pattern_takes_very_long(pattern):
    """In a separate process: such a match cannot be interrupted, and blocks all other threads."""
    code = """
import sys
from nbcontainer.buildkit.patterns import Patterns
patterns = Patterns([sys.argv[1]])
paths = ("a" * 200, "a" * 200 + "b", "a" * 20 + "b", "a/" * 99 + "a", "a/" * 99 + "b")
print(*map(patterns.matches, paths))
"""
    done = subprocess.run([sys.executable, "-c", code, pattern], timeout=30, check=True, capture_output=True, text=True)
    assert done.stdout.split()[0] == "False"
    assert "True" in done.stdout


def test_patterns_that_might_take_very_long_are_refused():
    with pytest.raises(InvalidPatternError, match="too many wildcards"):
        Patterns(["a{0,99}a{0,99}*|b"]).matches("a")


PIECES = st.sampled_from(["*", "*", "**", "**/", "/", "a", "b", "?", "[ab]", "[^a]", "\\*", "\n", ".", "a/"])


@settings(max_examples=2000, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=7), st.lists(st.sampled_from("ab/*\n."), max_size=8))
def test_all_ways_at_once_are_what_a_regular_expression_finds(pieces, path):
    text, name = "".join(pieces), "".join(path)
    with patch.object(wildcards, "_MOST_WAYS", 0):
        at_once = bool(Patterns([text]).matches(name))
    with patch.object(wildcards, "_MOST_WAYS", 10**9):
        assert bool(Patterns([text]).matches(name)) == at_once
