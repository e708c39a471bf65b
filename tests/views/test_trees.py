"""Trees as text."""

from nbcontainer.views.blocks import Node, Tree
from nbcontainer.views.kit import Picture, Span
from nbcontainer.views.text import as_text
from nbcontainer.views.trees import tree_lines


def node(key, *children, opened=True):
    return Node(key, (Span(key),), children, opened)


def text(*nodes):
    return as_text(Picture(tuple(tree_lines(Tree(nodes))))).splitlines()


def test_guides_show_what_belongs_to_what():
    assert text(
        node("app", node("main.py"), node("static", node("a.css"), node("b.js")), node("README")),
        node("etc", node("passwd")),
    ) == ["app", "├ main.py", "├ static", "│ ├ a.css", "│ └ b.js", "└ README", "etc", "└ passwd"]


def test_a_closed_node_says_that_there_is_more():
    later = Node("later", (Span("later"),), None)
    assert text(node("app", later, node("static", node("a.css"), opened=False), node("empty", opened=False))) == [
        "app", "├ later ▸", "├ static ▸", "└ empty",
    ]  # fmt: skip


def test_a_deep_tree_is_drawn():
    deep = node("leaf")
    for index in range(3_000):
        deep = node(str(index), deep)
    assert len(text(deep)) == 3_001
