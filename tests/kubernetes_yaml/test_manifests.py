"""The objects of a text and the lines of their fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.errors import UsageError, YamlError
from nbcontainer.kubernetes_yaml.documents import read_document
from nbcontainer.kubernetes_yaml.manifests import parse_manifests

POD_TEXT = """\
apiVersion: v1
kind: Pod
metadata:
  name: {name}
spec:
  containers:
  - name: web
    image: busybox
    args: [sleep, "600"]
"""


def test_lines_of_fields():
    (manifest,) = parse_manifests(POD_TEXT.format(name="x"), lambda line: line + 9)
    assert manifest.line_of("metadata.name") == 13
    assert manifest.line_of('spec.containers[name="web"].image') == 17
    assert manifest.line_of(".spec.containers[0].args[1]") == 18
    assert manifest.line_of("spec.nodeName") == 14
    assert manifest.line_of("") == 10


def test_aliases_that_grow_without_end_are_refused():
    text = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    with pytest.raises(YamlError, match="aliases expand to too much"):
        parse_manifests(text)


def test_lists_and_empty_documents():
    items = "\n".join("- " + POD_TEXT.format(name=name).replace("\n", "\n  ").rstrip() for name in ("a", "b"))
    text = f"---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n{items}\n"
    found = parse_manifests(text)
    assert [(one.name, one.line_of("kind")) for one in found] == [("a", 8), ("b", 17)]
    assert found[1].line_of("spec.containers[0].image") == 23


@pytest.mark.parametrize(
    "text", ["", "---\n", "# only a comment\n", "- a\n- b\n", "just text", "a: &x [*x]", "&a {k: *a}"]
)
def test_invalid_manifests(text):
    with pytest.raises(UsageError):
        parse_manifests(text)


@given(st.text(max_size=200))
def test_any_text_is_manifests_or_a_usage_error(text):
    try:
        parse_manifests(text)
    except UsageError as error:
        assert error.message  # noqa: PT017 - either outcome is right


def test_keys_with_dots_have_lines():
    (manifest,) = parse_manifests(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  annotations:\n    a.b/c: 1\n    010: 2\ndata: {}\n"
    )
    assert manifest.document["metadata"]["annotations"] == {"a.b/c": 1, "8": 2}
    assert manifest.line_of("metadata.annotations.a.b/c") == 6
    assert manifest.line_of("metadata.annotations.8") == 7
    assert manifest.stated_line("metadata.namespace") == 0


HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("data:\n  a: 1\n  null: 2\n", 6, "a key cannot be null; quote it"),
        ("data:\n  a: .inf\n", 5, "infinity and NaN cannot be sent to Kubernetes; quote it"),
        ("data:\n  a: !!int x\n", 5, "`x` is not a !!int"),
        ("data:\n  a: !!binary xyz\n", 5, "`xyz` is not base64"),
        ("data:\n  a: *b\n", 5, "b has no anchor &b above it"),
        ("data:\n  a: &a\n    b: *a\n", 6, "is part of what it refers to"),
        ("data:\n  [a]: 1\n", 5, "a key must be text or a number"),
        ("data:\n  <<: 1\n", 5, "<< takes a mapping"),
        ("data:\n\ta: 1\n", 5, "this is not YAML: found character"),
        ("data:\n  a: \x07\n", 5, "the character U\\+0007 is not allowed in YAML"),
        ("data:\n  a: \ud800\n", 5, "the character U\\+D800 is not allowed in YAML"),
        ("data: {a: b?c}\n", 4, "text with a `\\?` must be in quotes"),
        ("--- {a: 1}\n", 4, "`---` begins a document, and only a comment may follow"),
        ("data: {a: 1\n---\na: 1\n", 4, "this is not YAML"),
        ("data: " + "[" * 300 + "]" * 300, 4, "the nesting is deeper than 200 levels"),
        ("data: " + "[" * 5000, 4, "nesting"),
    ],
)
def test_errors_name_their_line(text, line, words):
    with pytest.raises(YamlError, match=words) as caught:
        parse_manifests(HEAD + text)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"line {line}: ")
    with pytest.raises(YamlError) as caught:
        parse_manifests("---\n---\n# comment\n" + HEAD + text, lambda line: line + 9)
    assert caught.value.line == line + 3 + 9


def test_json_has_lines():
    text = '{\n"apiVersion": "v1", "kind": "Pod",\n"metadata": {\n"name": "x"},\n"spec": [1,\n{"a": 1e999}]}'
    with pytest.raises(YamlError, match="line 6: the number 1e999 is too large"):
        parse_manifests(text)
    first, second = parse_manifests(text.replace("e999", "") + "\n\n" + text.replace("e999", ""))
    assert first.line_of("spec[1].a") == 6
    assert second.line_of("metadata.name") == 11
    with pytest.raises(YamlError, match="the nesting is deeper"):
        parse_manifests('{"a":' * 50_000)
    with pytest.raises(YamlError, match=r"line 2: the character U\+DC00"):
        parse_manifests('{"a":\n"\udc00"}')


def test_a_file_may_be_utf_16():
    text = "a: é\nb: 12:30\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert read_document(text.encode(encoding)).root.value == {"a": "é", "b": "12:30"}
    with pytest.raises(YamlError, match="line 2: its text is not UTF-8"):
        read_document(b"a: b\nc: \xff\n")
    assert read_document(b"") is None
