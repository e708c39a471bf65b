"""What IPython remembers of a printed log."""

import io

from IPython.core.interactiveshell import InteractiveShell

from nbcontainer.views import streaming

CELL = """
for number in range({count}):
    write("x" * 1023 + "\\n", remember=written < streaming.REMEMBERED)
    written += 1024
"""


def test_a_long_log_is_printed_whole_but_not_kept_in_memory(monkeypatch):
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr("sys.stdout", output)
    shell = InteractiveShell(user_ns={"write": streaming._write, "streaming": streaming, "written": 0})
    shell.run_cell(CELL.format(count=5000), store_history=True).raise_error()
    streams = [one.bundle.get("stream", []) for each in shell.history_manager.outputs.values() for one in each]
    kept = sum(len(text) for stream in streams for text in stream)
    assert output.buffer.getvalue() == (b"x" * 1023 + b"\n") * 5000
    assert 0 < kept <= streaming.REMEMBERED
