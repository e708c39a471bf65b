"""Generated files match the declarations."""

import json
import re

from nbcontainer.magics.catalogue import MAGICS, verbs_of
from scripts import reference

VERBS = [verb for name in MAGICS for verb in verbs_of(name).magic.verbs]


def test_nothing_that_is_generated_is_stale():
    assert reference.stale() == [], "run: python scripts/reference.py"


def test_every_verb_is_in_the_table_and_in_its_page():
    table, pages = reference.table(), {name: reference.page(verbs_of(name).magic) for name in MAGICS}
    for verb in VERBS:
        assert f"[`{verb.title}`](docs/reference/{verb.magic}.md#" in table
        page = pages[verb.magic]
        assert re.search(rf"^##? {re.escape(verb.title)}$", page, re.MULTILINE)
        for words in (verb.usage, verb.summary, verb.example.strip("\n"), *(each.meaning for each in verb.arguments)):
            assert reference.cell(words) in page or words in page
        if verb.calls:
            assert reference.python_call(verb)[0] in page


def test_the_page_knows_every_flag():
    magics = json.loads(reference.words())["magics"]
    for verb in VERBS:
        (known,) = [found for found in magics[verb.magic]["verbs"] if found["path"] == verb.path]
        assert {flag["name"] for flag in known["flags"]} == {flag.long for flag in verb.flags.values()}


def test_a_call_in_python_is_shown_with_its_types():
    def call(*names: "str", all: "bool" = False) -> "int":  # noqa: A002 - as docker's flags are
        """Does it.

        Args:
            *names: whose; it says
                more.

        Raises:
            KeyError: it is not there.
        """

    assert reference.signature("nbc.x.call", call) == "nbc.x.call(*names: str, all: bool = False) -> int"
    assert reference.docstring(call).splitlines()[2:6] == ["Arguments:", "", "- `names`: whose; it says", "  more."]
