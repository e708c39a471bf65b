"""A command that was stopped is ended in its container; others there are not touched."""

import time

from nbcontainer.clusters.exec import execute
from nbcontainer.clusters.exec_end import end_command
from nbcontainer.clusters.pods import create
from nbcontainer.model.pods import ExecRequest, PodRequest
from tests.clusters.test_tables import until


def test_a_command_that_began_after_one_that_has_ended_goes_on(space):
    create(space, PodRequest("shared", "busybox", command=("sleep", "3600"))).result(90)
    other = execute(space, ExecRequest("shared", ("sh", "-c", "echo begun; sleep 3600")))
    until(lambda: other.state.total)
    ended = ExecRequest("shared", ("tar", "x"))  # its input broke off
    assert space.run(end_command(space, ended, time.monotonic() - 0.5, may_have_ended=True)) == ""
    assert not other.wait(1)
    other.stop()
    assert other.wait_until_gone(30)
