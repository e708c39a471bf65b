"""An interrupt in the first moments of a magic, while its modules load, is as calm as a later one."""

import time

import pytest

from tests.engine.peers import Speaker
from tests.magics.kernels import Kernel


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.06])
def test_an_interrupt_when_a_magic_has_just_begun(tmp_path, delay):
    with Speaker(tmp_path / "e", b"", stay=True) as silent:  # an engine that never answers
        kernel = Kernel({"DOCKER_HOST": silent.address, "DOCKER_CONFIG": str(tmp_path)}, str(tmp_path))
        try:

            def interrupt():
                time.sleep(delay)
                kernel.interrupt()

            ran = kernel.run("%docker pull busybox", when=lambda ran: bool(ran.sent("execute_input")), then=interrupt)
        finally:
            kernel.close()
    if ran.error == "KeyboardInterrupt":  # it came before the magic had begun: IPython's own affair
        assert not any("nbcontainer/" in line for line in ran.traceback)
        return
    assert ran.error == "Stopped"
    assert ran.traceback == ["■ Stopped: Interrupted."]
