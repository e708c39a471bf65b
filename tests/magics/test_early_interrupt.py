"""An interrupt in a magic's first moments, while its modules load, is as clean as a later one."""

import pytest

from tests.engines.peers import Speaker
from tests.magics.kernels import Kernel

# from within the cell: an interrupt while ipykernel receives the request would keep the cell from starting
SENDER = """
import os, signal, threading
def interrupt_in(seconds):
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()
"""


@pytest.mark.parametrize("delay", [0.0, 0.005, 0.02, 0.06])
def test_an_interrupt_when_a_magic_has_just_started(tmp_path, delay):
    with Speaker(tmp_path / "e", b"", stay=True) as silent:  # an engine that never answers
        kernel = Kernel({"DOCKER_HOST": silent.address, "DOCKER_CONFIG": str(tmp_path)}, str(tmp_path))
        try:
            assert not kernel.run(SENDER).error
            ran = kernel.run(f"interrupt_in({delay})\n%docker pull busybox")
        finally:
            kernel.close()
    if ran.error == "KeyboardInterrupt":  # it arrived before the magic started
        assert not any("nbcontainer/" in line for line in ran.traceback)
        return
    assert ran.error == "Stopped"
    assert ran.traceback == ["■ Stopped: Interrupted."]
