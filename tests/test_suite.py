"""The suite's own rules: each test runs once, and where all parts must be there, nothing is skipped silently."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import test as runner

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest, unittest

@pytest.fixture
def missing():
    pytest.skip("the fixture's part is missing")

def test_passes(): pass
def test_skips(): pytest.skip("its part is missing")
def test_of_a_missing_part(missing): pass
@pytest.mark.skip(reason="marked")
def test_marked(): pass
@pytest.mark.skipif(True, reason="a condition")
def test_conditional(): pass
def test_needs_a_package(): pytest.importorskip("no_such_package")
class TestOld(unittest.TestCase):
    def test_old(self): self.skipTest("in the old way")
@pytest.mark.xfail(strict=True)
def test_known_fault(): assert False
"""


@pytest.fixture
def run(tmp_path):
    """Runs tests with this suite's rules; returns the exit code and the output."""
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "test_module.py").write_text("import pytest\npytest.importorskip('no_such_package')\n")

    def run_pytest(**variables):
        command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "-p", "tests.conftest"]
        command += ["--continue-on-collection-errors", str(tmp_path)]
        environment = {**os.environ, **variables}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run_pytest


def test_where_all_parts_must_be_there_every_skip_is_a_failure(run):
    code, text = run(NBCONTAINER_REQUIRE_ALL="1")
    assert code == 1, text
    assert "skipped" not in text.splitlines()[-1]
    for name in ("skips", "of_a_missing_part", "marked", "conditional", "needs_a_package"):
        assert f"test_{name} was skipped, and on this machine nothing may be: " in text
    assert "test_old was skipped" in text
    assert "test_module.py was skipped" in text


def test_elsewhere_a_skip_is_a_skip(run):
    code, text = run(NBCONTAINER_REQUIRE_ALL="")
    assert (code, text.splitlines()[-1].split(" in ")[0]) == (0, "1 passed, 7 skipped, 1 xfailed")


FAILS_AT_FIRST = """
import pathlib, pytest

@pytest.mark.parametrize("times", range({failures} + 1))
def test_late(times):
    runs = pathlib.Path(__file__).with_suffix(f".{{times}}")
    runs.write_text(runs.read_text() + "." if runs.exists() else ".")
    assert runs.read_text() > "." * times, "{message}"
"""


@pytest.mark.parametrize(
    ("failures", "message", "runs"),
    [(2, "it is wrong", 2), (3, "it did not happen in time", 3)],
)
def test_failures_are_rerun_and_what_is_only_late_twice(tmp_path, monkeypatch, failures, message, runs):
    monkeypatch.setattr(runner, "OUTPUT", tmp_path / "output")
    (tmp_path / "test_some.py").write_text(FAILS_AT_FIRST.format(failures=failures, message=message))
    job = runner.pytest("some", "-c", "/dev/null", "-p", "tests.conftest", str(tmp_path))
    job.run()
    assert (job.code, job.counts["failed"], job.counts["passed"]) == (1, failures, 1)
    job.rerun()
    assert len((tmp_path / f"test_some.{failures}").read_text()) == runs
    passed = [*range(1, min(runs, failures + 1))]
    assert job.code == (failures > len(passed))
    assert (job.counts["failed"], job.counts["passed"]) == (failures - len(passed), 1 + len(passed))
    assert [int(name.partition("[")[2][0]) for name in job.flaky] == passed


def is_taken(command, name):
    """Whether a column's pytest collects a file."""
    words = command[command.index("-m", command.index("pytest")) + 2 :]
    ignored = [word.removeprefix("--ignore=") for word in words if word.startswith("--ignore=")]
    named = [word for word in words if not word.startswith("-")]
    assert all((ROOT / path).exists() for path in [*named, *ignored])
    among = [any(name == path or name.startswith(f"{path}/") for path in paths) for paths in (named, ignored)]
    return among == [True, False]


@pytest.mark.parametrize("live", [True, False])
def test_every_file_is_in_one_column(live):
    commands = [job.command for job in runner.columns(live=live)]
    for path in (ROOT / "tests").rglob("test_*.py"):
        name = str(path.relative_to(ROOT))
        assert [is_taken(command, name) for command in commands].count(True) == 1, name
