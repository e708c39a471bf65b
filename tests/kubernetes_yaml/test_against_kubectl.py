"""kubectl is the judge: how it parses a text, and which texts it refuses.

One call of `kubectl annotate --local` reads a folder of files, passes over those that it refuses and prints the others.
`NBCONTAINER_YAML_CASES` and `NBCONTAINER_YAML_SEED` make it longer, or other.
"""

import json
import os
import random
import re
import subprocess

import pytest

from nbcontainer.errors import YamlError
from nbcontainer.kubernetes_yaml.documents import read_documents
from nbcontainer.kubernetes_yaml.scalars import INT64
from nbcontainer.kubernetes_yaml.writing import write_yaml
from tests.conftest import part
from tests.kubernetes_yaml.generated_texts import LETTERS, WORDS, document, key, scalar

SEED = int(os.environ.get("NBCONTAINER_YAML_SEED", "20261130"))
CASES = int(os.environ.get("NBCONTAINER_YAML_CASES", "600"))
HEAD = "apiVersion: v1\nkind: Sample\nmetadata: {{name: n{number}}}\n"
# what go-yaml accepts and libyaml refuses is refused, which never yields a different value
STRICTER = re.compile("unexpected ':'|unknown escape character|U\\+FEFF|tag|while parsing a block mapping")


@pytest.fixture
def kubectl(kubernetes_cluster, tmp_path):
    """kubectl's result for each text: its objects, or None if it refuses it."""
    del kubernetes_cluster  # it comes with kubectl

    def ask(texts):
        folder = tmp_path / "texts"
        folder.mkdir()
        for number, text in enumerate(texts):
            (folder / f"{number}.yaml").write_bytes(text.encode())
        program = part("kubernetes").env()["NBCONTAINER_TEST_KUBECTL"]
        done = subprocess.run(
            [program, "annotate", "--local", "-f", ".", "-o", "json", "s=t"],
            cwd=folder, capture_output=True, text=True, timeout=120, check=False, env={"KUBECONFIG": os.devnull},
        )  # fmt: skip
        refused = {int(number) for number in re.findall(r"(?:parsing |decode \")(\d+)\.yaml", done.stderr)}
        found = [[] for _ in texts]
        for each in _objects(done.stdout):
            assert each["metadata"].pop("annotations") == {"s": "t"}
            found[int(each["metadata"]["name"].removeprefix("n"))].append(each)
        return [None if number in refused else objects for number, objects in enumerate(found)]

    return ask


def _objects(text):
    decoder, position = json.JSONDecoder(), 0
    while position < len(text.rstrip()):
        found, position = decoder.raw_decode(text, position)
        yield found
        position += len(text[position:]) - len(text[position:].lstrip())


def ours(text):
    try:
        return [each.root.value for each in read_documents(text)]
    except YamlError as error:
        return error


def typed(value):
    """The value with its types: in Python 1 == 1.0 == True."""
    if isinstance(value, dict):
        return {key: typed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [typed(each) for each in value]
    if isinstance(value, bool | str | None):
        return type(value).__name__, value
    return "number", value if isinstance(value, int) and value in INT64 else float(value)


def compare(texts, kubectl, *, stricter=None):
    """Compare our result with kubectl's for each text; returns how many both accepted and both refused."""
    taken = refused = 0
    for text, theirs in zip(texts, kubectl(texts), strict=True):
        found = ours(text)
        if isinstance(found, YamlError):
            passes = stricter is not None and stricter.search(found.problem)
            assert theirs is None or passes, f"{text!r}: refused ({found}), kubectl gives {theirs}"
            assert found.line <= text.count("\n") + 1
            refused += theirs is None
        else:
            assert theirs is not None, f"{text!r}: {found}, kubectl refuses it"
            assert typed(found) == typed(theirs), text
            taken += 1
    return taken, refused


def test_scalars(kubectl):
    chance = random.Random(SEED)
    texts = [f"{HEAD}a: {scalar(chance)}\n".format(number=number) for number in range(CASES)]
    taken, refused = compare(texts, kubectl)
    assert taken > CASES / 2
    assert refused > CASES / 20


def test_scalars_within_brackets(kubectl):
    chance = random.Random(SEED + 1)
    texts = [
        HEAD.format(number=number) + f"a: [{scalar(chance)}, {{b: {scalar(chance)} }}]\n" for number in range(CASES)
    ]
    taken, refused = compare(texts, kubectl, stricter=STRICTER)
    assert taken > CASES / 3
    assert refused > CASES / 20


def test_keys(kubectl):
    chance = random.Random(SEED + 2)
    written = [key(chance) for _ in range(CASES)]
    texts = [
        HEAD.format(number=number) + f"a:\n  {word}{nl}: 1\n"
        for number, word in enumerate(written)
        for nl in ["\n  " if word.startswith("? ") else ""]
    ]
    taken, refused = compare(texts, kubectl)
    assert taken > CASES / 2
    assert refused > CASES / 20


def test_documents(kubectl):
    chance = random.Random(SEED + 3)
    texts = []
    for number in range(CASES):
        body = document(chance)
        inner = "  " + body.rstrip("\n").replace("\n", "\n  ") + "\n"
        texts.append(f"{HEAD.format(number=number)}a:\n{inner}")
    taken, refused = compare(texts, kubectl, stricter=STRICTER)
    assert taken > CASES / 4
    assert refused > CASES / 20


WHOLE = [
    "a: 1\n---\n{head}a: 2\n",
    "a: 1\n--- # comment\n{head}a: 2\n---\n---\n# nothing\n---\nnull\n",
    "a: 1\n--- {{b: 1}}\n",
    "a: 1\n----\n",
    "a: 1\n---x\n",
    "a: 1\n...\n{head}a: 2\n",
    "a: 1\n...\n]]] not yaml\n",
    "a: 1\n...\n---\n{head}a: 2\n",
    "a: |\n  text\n---\n{head}b: 1\n",
    "a: |\n  text\n  ---\n  more\n",
    "a: 'text\n---\nmore'\n",
    "a: |+\n  text\n\n\n",
    "a: |\n  no newline at the end",
    "a: 1\r\n---\r\n{head}b: 2\r\n",
    "a: 1\na: 2\n",
    "a: {{null: 1}}\n",
    "a: {{null: 1}}\na: 2\n",
    "a: .inf\na: 2\n",
    "on: 1\nyes: 2\n",
    "a: {{[1]: 2}}\n",
    "a: &a [*a]\n",
    "a: *b\n",
    "<<: 1\n",
    "a: &a {{b: 1, c: 1}}\nd: {{b: 2, <<: *a, c: 3}}\n",
    "a: [x?y]\n",
    "a:\n\tb: 1\n",
    "a: \t1\n",
    "a: \x00\n",
    "a: \x07\n",
    'a: "\\ud83d"\n',
    'a: "\\0"\n',
    "a: !!python/object/apply:os.system [ls]\n",
    "a: !!python/name:os.system\n",
    "---\n%YAML 1.1\n---\n{head}b: 1\n",
]


def test_whole_texts(kubectl):
    texts = [HEAD.format(number=n) + text.format(head=HEAD.format(number=n)) for n, text in enumerate(WHOLE)]
    taken, refused = compare(texts, kubectl)
    assert (taken, refused) == (19, 15)


JSON = [
    '{head}"a": 1}}',
    '\n\n  {head}"a": [1, 1.0, 1.5, 1e3, -0.0, 18446744073709551615, 1e400]}}',
    '{head}"a": [1, 1.0, 1.5, 1e3, -0.0, 18446744073709551616, 1e21, true, null, {{}}, []]}}\n',
    '{head}"a": 1, "a": 2}}{head}"b": 2}}\n{head}"c": 3}}',
    '{head}"a": 1}}\n---\n{yaml}b: 2\n',
    '{head}"a": 1}}{head}"b": 2}}\n---\n{yaml}c: 3\n',
    '{head}"a": "\\ud83d\\ude00 \\ud83d \\u0000 \\/ \x7f"}}',
    '{head}"a": NaN}}',
    '{head}"a": 010}}',
    "{head}a: yes, b: 010}}\n",
    "{head}a: yes}}\n---\n{yaml}b: on\n",
    '{head}"a": "x\ty"}}',
    '{head}"a": 1,}}',
    '{head}"a":1',
    '\ufeff{head}"a": 1}}',
]


def test_json(kubectl):
    head = '{{"apiVersion": "v1", "kind": "Sample", "metadata": {{"name": "n{number}"}}, '
    texts = [
        text.format(head=head.format(number=number), yaml=HEAD.format(number=number))
        for number, text in enumerate(JSON)
    ]
    taken, refused = compare(texts, kubectl)
    assert (taken, refused) == (12, 3)


def test_what_is_written_is_read_as_the_same(kubectl):
    chance = random.Random(SEED + 4)
    words = [*WORDS, *("<<", "", " a", "a: b", "# a", "- a", "a\nb\n", "é", "\u2028", "'", '"', "!a", "&a", "*a", "@")]
    words += ["".join(chance.choice(LETTERS) for _ in range(chance.randint(1, 6))) for _ in range(CASES)]
    head = {"apiVersion": "v1", "kind": "Sample"}
    values = [{**head, "metadata": {"name": f"n{number}"}, word: [word]} for number, word in enumerate(words)]
    assert kubectl([write_yaml(value) for value in values]) == [[value] for value in values]
    assert [ours(write_yaml(value)) for value in values] == [[value] for value in values]
