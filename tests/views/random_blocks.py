"""Random blocks with hostile text, for the property tests of drawers."""

import math

from hypothesis import strategies as st

from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import Chart, Code, CodeLine, Diff, Node, Series, Span, Tree

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


new_blocks = st.one_of(charts(), codes, diffs, trees())
