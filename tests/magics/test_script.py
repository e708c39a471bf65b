"""IPython runs a script, and what it writes goes into a file."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_an_error_ends_the_script_and_has_no_colours(tmp_path):
    script = tmp_path / "script.ipy"
    script.write_text("%load_ext nbcontainer\n%docker pusch x\nprint('never')\n")
    ended = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", str(script)],
        env={**os.environ, "IPYTHONDIR": str(tmp_path), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stdout.splitlines() == ["✕ UsageError: %docker has no verb 'pusch'.", "  Did you mean %docker push?"]
