"""A real kernel, asked as a page asks it: what a cell takes from the request until all that it draws has arrived."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import start_new_kernel

from benchmarks.kernel import RunsCells
from benchmarks.measuring import MissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = 60.0


class NotebookKernel(RunsCells):
    """The page's end.

    Args:
        environment: Variables beside our own.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        root = str(Path(__file__).parent.parent)
        variables = {**os.environ, "PYTHONPATH": root, **(environment or {})}
        self._manager, self._client = start_new_kernel(
            kernel_name="python3",
            env=variables,
            extra_arguments=["--log-level=ERROR"],  # kernels warn of how they are spoken with
        )
        self.peak = 0
        self._pid = int(getattr(self._manager.provisioner, "pid", 0))

    def close(self) -> None:
        """End it."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def run(self, cell: str) -> float:
        """Run a cell; returns the seconds until the kernel was idle again.

        Raises:
            MissingError: It failed, or drew no picture where it drew anything.
        """
        session = self._client.session
        content = {"code": cell, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
        request = session.msg("execute_request", content)
        request["metadata"] = {"cellId": "benchmark"}  # as JupyterLab sends it
        begun = time.perf_counter()
        self._client.shell_channel.send(request)
        drawn = self._until_idle(request["header"]["msg_id"])
        seconds = time.perf_counter() - begun
        if drawn and not {"text/plain", "text/html"} <= drawn:
            raise MissingError(f"it drew {', '.join(sorted(drawn))} alone")
        self.peak = max(self.peak, _peak(self._pid))
        return seconds

    def _until_idle(self, request: str) -> set[str]:
        """The kinds of what was drawn."""
        drawn: set[str] = set()
        while True:
            message: dict[str, Any] = self._client.get_iopub_msg(timeout=SECONDS)
            if message["parent_header"].get("msg_id") != request:
                continue
            match message["msg_type"], message["content"]:
                case "error", content:
                    raise MissingError(f"{content['ename']}: {content['evalue']}"[:300])
                case "display_data" | "execute_result", content:
                    drawn |= set(content["data"])
                case "status", {"execution_state": "idle"}:
                    return drawn


def _peak(pid: int) -> int:
    """The most memory that a process had, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
