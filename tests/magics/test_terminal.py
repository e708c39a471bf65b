"""IPython in a real terminal."""

import os
import signal
import sys
from pathlib import Path

import pexpect
import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def terminal(docker_engine, tmp_path):
    """A prompt with the extension loaded."""
    variables = {
        **os.environ, "DOCKER_HOST": docker_engine.host, "IPYTHONDIR": str(tmp_path), "PYTHONPATH": str(REPOSITORY),
        "TERM": "xterm",
    }  # fmt: skip
    program = pexpect.spawn(
        sys.executable, ["-m", "IPython", "--simple-prompt", "--no-banner", "--no-confirm-exit", "--colors=NoColor"],
        env=variables, encoding="utf-8", timeout=40, dimensions=(40, 100), echo=False,
    )  # fmt: skip
    program.expect(r"In \[1\]: ")
    program.sendline("%load_ext nbcontainer")
    program.expect(r"In \[2\]: ")
    yield program
    program.kill(signal.SIGKILL)
    program.wait()  # close(force=True) allows it a tenth of a second
    program.close()


def test_output_as_it_comes_then_one_line_then_the_picture_when_asked(terminal):
    terminal.sendline("%docker run --rm busybox echo hello")
    terminal.expect("hello\r\n")
    terminal.expect(r"Out\[2\]: RunResult\(\w+, exit code 0\)")
    terminal.expect(r"In \[3\]: ")
    terminal.sendline("_")
    terminal.expect(r"│ (\x1b\[\S*?m)*hello")
    terminal.expect(r"In \[4\]: ")


def test_ctrl_c_ends_a_run_and_says_so_in_one_line(terminal):
    terminal.sendline("%docker run --rm busybox sh -c 'echo begun; sleep 600'")
    terminal.expect("begun\r\n")
    terminal.sendintr()
    terminal.expect("■ Stopped:", timeout=5)
    terminal.expect(r"In \[3\]: ")
    assert "Traceback" not in terminal.before


def test_no_line_of_a_flood_is_lost_or_written_twice(terminal):
    terminal.sendline("%docker run --rm busybox seq 100000")
    terminal.expect(r"Out\[2\]: RunResult")
    assert terminal.before.split() == [str(number) for number in range(1, 100_001)]


COMPLETE = (
    "from IPython.terminal.ptutils import IPythonPTCompleter as C; from prompt_toolkit.document import Document; "
    "offer = lambda line: print('offered', "
    "[c.text for c in C(shell=get_ipython()).get_completions(Document(line), None)], 'end')"
)


def test_where_nothing_fits_the_prompt_offers_nothing(terminal):
    terminal.sendline(COMPLETE)
    terminal.expect(r"In \[3\]: ")
    terminal.sendline("offer('%docker pus')")
    terminal.expect(r"offered \['push'\] end")
    for line in ("%docker rm no-such-container-", "%docker run --name ", "%kpod logs -l "):
        terminal.sendline(f"offer({line!r})")
        terminal.expect(r"offered (\[.*?\]) end")
        assert terminal.match[1] == "[]"


def test_a_progress_bar_and_a_prompt_are_shown_before_they_end(terminal):
    bar = r"""for i in 10 50; do printf "\r$i %%"; sleep 1; done; printf "\rall\nreally? "; sleep 30"""
    terminal.sendline(f"%docker run --rm busybox sh -c '{bar}'")
    terminal.expect(r"\r\x1b\[K50 %")
    terminal.expect(r"\r\x1b\[Kall%\r\n")
    terminal.expect(r"really\? $")
    terminal.sendintr()
    terminal.expect("■ Stopped:", timeout=5)
    terminal.expect(r"In \[3\]: ")
