"""Pictures as JSON for the page, and the changes from one to the next."""

import json
import subprocess
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.model.tables import Tone
from nbcontainer.views.blocks import Action, Actions, Progress, Section
from nbcontainer.views.kit import Clock, Grid, Line, Output, Picture, Span
from nbcontainer.views.page import changes, whole
from tests.frontend.test_typescript import bundled, node

tones = st.sampled_from(Tone)
words = st.text(max_size=6)
times = st.floats(allow_nan=False, allow_infinity=False, width=32)
clocks = st.builds(Clock, times, st.none() | times, st.sampled_from(["seconds", "age"]), words)
spans = st.builds(
    Span,
    words,
    tones,
    st.booleans(),
    st.booleans(),
    bar=st.none() | st.tuples(times, st.none() | times),
    clock=st.none() | clocks,
)
rows = st.lists(spans, max_size=3).map(tuple)
keys = st.sampled_from(["", "a", "b", "__proto__", "7", "ü"])
row_keys = st.sampled_from(["one", "two", "3", "__proto__", "constructor", "🙂"])


@st.composite
def outputs(draw):
    """The end of one long output: two of them continue each other, as those of a program do."""
    total = draw(st.integers(0, 30))
    shown = draw(st.integers(0, total))
    lines = tuple(f"line {number}" for number in range(total - shown, total))
    if draw(st.integers(0, 9)) == 0:
        lines = tuple(draw(st.lists(words, max_size=4)))
    return Output(lines, draw(tones), key=draw(keys), count=draw(st.sampled_from([0, total])), open=draw(st.booleans()))


@st.composite
def grids(draw):
    chosen = tuple(draw(st.lists(row_keys, max_size=6, unique=draw(st.booleans()))))
    found = tuple(draw(st.lists(rows, min_size=len(chosen), max_size=len(chosen))))
    below = {key: draw(outputs()) for key in chosen if draw(st.booleans())}
    given_keys = chosen if draw(st.booleans()) else chosen[1:]
    return Grid(
        found, key=draw(keys), keys=given_keys, outputs=below, right=frozenset(draw(st.sets(st.integers(0, 3))))
    )


simple = st.one_of(
    st.builds(Line, rows, st.integers(0, 2), key=keys),
    outputs(),
    grids(),
    st.builds(Progress, st.none() | st.floats(0, 1), words, tones, keys),
    st.builds(
        Actions, st.just((Action("Remove", "docker", ("volume", "rm"), {"names": ["data"]}, changes=True),)), keys
    ),
)
blocks = st.recursive(
    simple,
    lambda inner: st.builds(
        Section, st.builds(Line, rows), st.lists(inner, max_size=3).map(tuple), st.booleans(), keys
    ),
    max_leaves=6,
)
pictures = st.builds(Picture, st.lists(blocks, max_size=5).map(tuple), words)


def applied(block, change):
    """What the page makes of a change; frontend/src/blocks.ts does the same."""
    if "kind" in change:
        return change
    result = {name: value for name, value in block.items() if name not in change.get("unset", ())} | change.get(
        "set", {}
    )
    if "lines" in change or "drop" in change:
        result["lines"] = [*block["lines"][change.get("drop", 0) :], *change.get("lines", ())]
    if "blocks" in change or ("order" in change and block.get("kind") != "grid"):
        known = {each["key"]: each for each in block["blocks"]}
        known |= {each["key"]: applied(known.get(each["key"]), each) for each in change.get("blocks", ())}
        result["blocks"] = [known[key] for key in change.get("order", known)]
    elif "rows" in change or "order" in change:
        known = dict(zip(block["keys"], block["rows"], strict=True)) | change.get("rows", {})
        result["keys"] = change.get("order", block["keys"])
        result["rows"] = [known[key] for key in result["keys"]]
    if "outputs" in change:
        below = dict(block.get("outputs", {}))
        for key, each in change["outputs"].items():
            below[key] = None if each is None else applied(below.get(key), each)
        result["outputs"] = {key: each for key, each in below.items() if each is not None}
        if not result["outputs"]:
            del result["outputs"]
    return result


def applied_to_picture(page, change):
    result = applied({**page, "kind": "picture"}, change)
    result.pop("kind")
    return {**result, "label": change.get("label", page["label"])}


def as_sent(message):
    return json.loads(json.dumps(message, allow_nan=False))


@given(st.lists(pictures, min_size=2, max_size=5))
def test_the_changes_make_the_next_picture_of_the_one_before(sequence):
    page = as_sent(whole(sequence[0]))
    for before, after in pairwise(sequence):
        change = changes(before, after)
        page = applied_to_picture(page, as_sent(change)) if change is not None else page
        assert page == as_sent(whole(after))
        assert changes(after, replace(after)) is None


@pytest.fixture(scope="module")
def reducer(tmp_path_factory):
    """The page's own reducer, under Node.js."""
    return bundled("tests/apply.ts", tmp_path_factory.mktemp("page")) if node() else None


def test_the_page_comes_to_the_same(reducer, tmp_path):
    if reducer is None:
        pytest.skip("Node.js or the front end's node_modules are missing; run `npm ci` in nbcontainer/frontend")
    recorded = []

    @given(st.lists(pictures, min_size=2, max_size=4))
    def record(sequence):
        sent = [as_sent(changes(*pair)) for pair in pairwise(sequence)]
        recorded.append([as_sent(whole(sequence[0])), sent, as_sent(whole(sequence[-1]))])

    record()
    file = tmp_path / "changes.json"
    file.write_text(json.dumps(recorded), "utf-8")
    done = subprocess.run([node(), reducer, file], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == f"{len(recorded)} sequences"


LINES = tuple(f"line {number}" for number in range(2000))


def steps(count, running, lines):
    """A build's picture: `running` of its steps run and have written `lines` lines."""
    keys = tuple(f"step {number}" for number in range(count))
    rows = tuple(
        (
            Span("◐", Tone.RUNNING),
            Span("build", Tone.DIM),
            Span(f"{number}", Tone.DIM, code=True),
            Span(f"RUN make target-{number}", code=True),
            Span("", Tone.DIM),
            Span("", Tone.RUNNING, bar=(number, None if number < running else number + 5.0)),
            Span("", Tone.DIM, clock=Clock(number, None if number < running else number + 5.0)),
        )
        for number in range(count)
    )
    outputs = {
        keys[number]: Output(LINES[max(0, lines - 400) : lines], count=lines, open=False, preview=4)
        for number in range(running)
    }
    return Picture((Line.of("build", head=True), Grid(rows, keys=keys, outputs=outputs, axis=(0.0, None))), "build")


def test_only_new_lines_of_running_steps_are_sent():
    change = changes(steps(200, 50, 1000), steps(200, 50, 1002))
    (block,) = change["blocks"]
    assert block.keys() == {"key", "outputs"}
    assert len(block["outputs"]) == 50
    assert block["outputs"]["step 7"] == {"drop": 2, "lines": ["line 1000", "line 1001"], "set": {"count": 1002}}


def test_a_row_that_comes_is_sent_alone():
    before, after = steps(3, 0, 0), steps(4, 0, 0)
    (block,) = changes(before, after)["blocks"]
    assert list(block["rows"]) == ["step 3"]
    assert block["order"] == ["step 0", "step 1", "step 2", "step 3"]


def test_lone_surrogates_and_unknown_numbers_can_be_sent():
    picture = Picture((Line.of("a\ud800b"), Progress(float("nan"))), "\udfff")
    assert as_sent(whole(picture))["blocks"][0]["spans"] == ["a⟨U+D800⟩b"]
    assert as_sent(whole(picture))["blocks"][1]["share"] is None
