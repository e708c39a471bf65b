"""Random blocks with hostile text, for the property tests of drawers."""

import math

from hypothesis import strategies as st

from nbcontainer.model.tables import Tone
from nbcontainer.views.blocks import Action, Actions, Chart, Code, CodeLine, Diff, Node, Progress, Section, Series, Tree
from nbcontainer.views.kit import Clock, Grid, Line, Output, Span

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b2J",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "&amp;",
    "\u202egnp.exe",
    "\u2066hidden\u2069",
    "日本語",
    "👩‍👩‍👧",
    "\ud800",
    "a\r\nb",
    "\t",
    "\x00",
    "",
    "e\u0301",
    "{{name}}",
]

texts = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(), max_size=12))
tones = st.sampled_from(Tone)
numbers = st.one_of(
    st.floats(),
    st.integers(-5, 5).map(float),
    st.sampled_from([math.nan, math.inf, -math.inf, 1.7e308, -1.7e308, 5e-324, 1764500000.0, 1e15]),
)
spans = st.builds(Span, texts, tone=tones, bold=st.booleans(), code=st.booleans(), chip=st.booleans())
some_spans = st.lists(spans, max_size=3).map(tuple)


@st.composite
def charts(draw):
    points = st.lists(st.tuples(numbers, numbers), max_size=30).map(tuple)
    return Chart(
        draw(st.sampled_from(["line", "bars", "gantt"])),
        tuple(draw(st.lists(st.builds(Series, texts, points, tone=tones), max_size=3))),
        unit=draw(st.sampled_from(["", "bytes", "seconds"])),
        x=draw(st.sampled_from(["", "time", "seconds"])),
        labels=tuple(draw(st.lists(texts, max_size=4))),
        label=draw(texts),
    )


codes = st.builds(
    Code,
    st.lists(st.builds(CodeLine, texts, number=st.integers(0, 12), facts=some_spans, tone=tones), max_size=5).map(
        tuple
    ),
    language=st.sampled_from(["dockerfile", "yaml", ""]),
    label=texts,
)
lines_of_text = st.lists(st.sampled_from(["a\n", "b\n", "\r\n", "\n", "日\n", "\x1b[2J\n", "end"]), max_size=12).map(
    "".join
)
diffs = st.builds(Diff, lines_of_text, lines_of_text, st.tuples(texts, texts), label=texts)


@st.composite
def trees(draw):
    counter = iter(range(10_000))
    nodes = st.recursive(
        st.builds(lambda spans, children: (spans, children, False), some_spans, st.sampled_from([None, ()])),
        lambda inner: st.tuples(some_spans, st.lists(inner, max_size=3).map(tuple), st.booleans()),
        max_leaves=8,
    )

    def node(drawn):
        spans, children, opened = drawn
        key = f"{draw(texts)}{next(counter)}"
        return Node(key, spans, None if children is None else tuple(map(node, children)), opened)

    return Tree(tuple(map(node, draw(st.lists(nodes, max_size=3)))), label=draw(texts))


@st.composite
def grids(draw):
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(spans, min_size=width, max_size=width).map(tuple), max_size=4))
    columns = draw(st.sampled_from([0, width]))
    flexible = draw(st.sampled_from([None, *range(width)]))
    return Grid(
        tuple(rows),
        tuple(draw(st.lists(texts, min_size=columns, max_size=columns))),
        right=frozenset(draw(st.sets(st.integers(0, width - 1)))),
        flexible=flexible,
        wraps=flexible is not None and draw(st.booleans()),
        indent=draw(st.integers(0, 4)),
        label=draw(texts),
    )


clocks = st.builds(Clock, numbers, numbers, st.sampled_from(["seconds", "age", "whole"]), texts)
lines = st.builds(
    Line,
    st.lists(st.one_of(spans, clocks.map(lambda clock: Span("", clock=clock))), max_size=4).map(tuple),
    indent=st.integers(0, 4),
    wraps=st.booleans(),
    head=st.booleans(),
)
outputs = st.builds(Output, st.lists(texts, max_size=4).map(tuple), tones, indent=st.integers(0, 4))
progress = st.builds(Progress, st.one_of(st.none(), numbers), texts, tones)
actions = st.builds(
    Action,
    texts,
    st.sampled_from(["docker", "kpod", "ls"]),
    st.sampled_from([("volume", "rm"), ("logs",), ()]),
    st.dictionaries(
        st.sampled_from(["volume", "pod", "force"]), st.one_of(texts, st.lists(texts, max_size=2)), max_size=2
    ),
)
plain_blocks = st.one_of(
    lines, grids(), outputs, charts(), codes, diffs, trees(), progress,
    st.builds(Actions, st.lists(actions, max_size=2).map(tuple)),
)  # fmt: skip
any_blocks = st.recursive(
    plain_blocks, lambda inner: st.builds(Section, lines, st.lists(inner, max_size=3).map(tuple), st.booleans())
)
