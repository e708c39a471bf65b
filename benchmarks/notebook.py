"""A real kernel, used as a page uses it: measures a cell from the request until all of its output has arrived."""

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
    """The page's side of a kernel.

    Args:
        environment: Variables in addition to our own.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        root = str(Path(__file__).parent.parent)
        variables = {**os.environ, "PYTHONPATH": root, **(environment or {})}
        self._manager, self._client = start_new_kernel(
            kernel_name="python3",
            env=variables,
            extra_arguments=["--log-level=ERROR"],  # kernels warn about how this client talks to them
        )
        self.pid = int(getattr(self._manager.provisioner, "pid", 0))

    def close(self) -> None:
        """Shut it down."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def run(self, cell: str) -> float:
        """Run a cell; returns the seconds until the kernel was idle again.

        Raises:
            MissingError: The cell failed, or its output lacked the text or the HTML.
        """
        session = self._client.session
        content = {"code": cell, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
        request = session.msg("execute_request", content)
        request["metadata"] = {"cellId": "benchmark"}  # as JupyterLab sends it
        started = time.perf_counter()
        self._client.shell_channel.send(request)
        drawn = self._until_idle(request["header"]["msg_id"])
        seconds = time.perf_counter() - started
        if drawn and not {"text/plain", "text/html"} <= drawn:
            raise MissingError(f"it drew only {', '.join(sorted(drawn))}")
        return seconds

    def _until_idle(self, request: str) -> set[str]:
        """Wait until the kernel is idle; returns the MIME types that were drawn."""
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
