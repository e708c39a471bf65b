"""Results show their picture without the extension; nothing is loaded for it before."""

import subprocess
import sys

import pytest

from nbcontainer.model.changes import Change, Changes
from nbcontainer.model.tables import Column, Row, Table, TableState, Words

ROWS = {"web": Row("web", ("web", "Running"), name="web")}
TABLE = Table(TableState(columns=(Column("Name"), Column("Status", "status")), rows=ROWS, title="Pods"))


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (TABLE, "Running"),
        (Changes((Change("Volume", "data", "", "deleted"),)), "volume/data deleted"),
        (Words(["<b>"]), "<b>"),
    ],
)
def test_a_result_is_drawn_as_text_and_html(result, shown):
    bundle = result._repr_mimebundle_()
    assert shown in bundle["text/plain"]
    assert bundle["text/html"].startswith("<div")
    assert "<b>" not in bundle["text/html"]
    assert result._mime_() == ("text/html", bundle["text/html"])


def test_ipython_shows_it_without_the_extension():
    code = """
import sys
from IPython.core.interactiveshell import InteractiveShell
from nbcontainer.model.changes import Change
loaded = {name for name in sys.modules if name.startswith("nbcontainer.views.")}
shell = InteractiveShell.instance()
shell.run_cell("import nbcontainer")
data, _ = shell.display_formatter.format(Change("Volume", "data", "", "deleted"))
print(sorted(loaded), data["text/plain"], "<div" in data["text/html"])
print(shell.display_formatter.format([Change("Volume", "data", "", "deleted")])[0]["text/plain"][:8])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] ✓ volume/data deleted True\n[Change(\n"
