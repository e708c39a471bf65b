"""A full disk under the files of outputs: logs and commands in pods end normally, with a note."""

import pytest

from nbcontainer.clusters.exec import execute
from nbcontainer.clusters.logs import logs
from nbcontainer.errors import CommandFailed
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import ExecRequest
from nbcontainer.settings import settings
from tests.clusters.test_logs import run
from tests.clusters.test_tables import until
from tests.small_disk import small_disk

pytestmark = pytest.mark.timeout(300)

LINES = 20_000


def test_a_log_and_commands(space, tmp_path, monkeypatch):
    run(space, "full-disk", f"seq {LINES}; sleep 3600")
    until(lambda: logs(space, LogRequest(("full-disk",))).result(30).state.total == LINES)
    with small_disk(tmp_path / "disk", 64) as folder:
        monkeypatch.setattr(settings, "spool_directory", str(folder))
        result = logs(space, LogRequest(("full-disk",))).result(30)
        assert (result.state.total, result[-1].text) == (LINES, str(LINES))
        (note,) = result.state.notes
        assert note.startswith(f"{result.state.spool} is incomplete, it has the first ")
        assert note.endswith(": the disk is full")
        done = execute(space, ExecRequest("full-disk", ("seq", str(LINES)))).result(30)
        assert (done.exit_code, done.output.split("\n")[-2]) == (0, str(LINES))
        assert len(done.notes) == 1
        assert done.notes[0] in repr(done)
        with pytest.raises(CommandFailed, match="exit code 4"):
            execute(space, ExecRequest("full-disk", ("sh", "-c", f"seq {LINES}; exit 4"))).result(30)
    monkeypatch.setattr(settings, "spool_directory", "/dev/null/outputs")
    done = execute(space, ExecRequest("full-disk", ("echo", "hello"))).result(30)
    assert (done.output, done.spool) == ("hello\n", "")
    assert done.notes[0].startswith("Outputs cannot be kept in /dev/null/outputs")
