"""A real kernel, driven as by nbclient (no page) or JupyterLab (with the cell's id)."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import start_new_kernel

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 90.0
REPOSITORY = Path(__file__).parents[2]
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Ran:
    """One cell's result: messages in order of arrival, and the outputs that a saved notebook would have."""

    messages: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    reply: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, bool]] = field(default_factory=list)
    seconds: float = 0.0
    clearing: bool = False

    @property
    def kinds(self) -> list[str]:
        """Each output's kind."""
        return [output["output_type"] for output in self.outputs]

    @property
    def bundles(self) -> list[dict[str, Any]]:
        """Displayed outputs: MIME type to data."""
        return [output["data"] for output in self.outputs if "data" in output]

    @property
    def printed(self) -> str:
        """The printed text, except what was cleared."""
        return "".join(output["text"] for output in self.outputs if output["output_type"] == "stream")

    @property
    def streamed(self) -> list[tuple[float, str]]:
        """Text printed while it ran, each with the seconds since the start."""
        return [(when, m["content"]["text"]) for when, m in self.messages if m["msg_type"] == "stream"]

    @property
    def text(self) -> str:
        """Everything that a reader without HTML sees: printed text and text/plain."""
        return self.printed + "\n".join(bundle.get("text/plain", "") for bundle in self.bundles)

    @property
    def error(self) -> str:
        """The error's class, or ""."""
        return str(self.reply.get("ename", ""))

    @property
    def traceback(self) -> list[str]:
        """The lines that an error shows, without colours."""
        return _COLOURS.sub("", "\n".join(self.reply.get("traceback", ()))).split("\n") if self.error else []

    def sent(self, kind: str) -> list[dict[str, Any]]:
        """The contents of all messages of a kind."""
        return [message["content"] for _, message in self.messages if message["msg_type"] == kind]


class Kernel:
    """A kernel with the extension loaded."""

    def __init__(self, variables: dict[str, str], folder: str, *, extension: bool = True) -> None:
        here = {"PYTHONPATH": os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))}
        self.manager, self.client = start_new_kernel(
            kernel_name="python3", env={**os.environ, **here, "IPYTHONDIR": folder, **variables}, cwd=folder
        )
        self._outputs_of: dict[str, dict[str, Any]] = {}
        if extension:
            loaded = self.run("%load_ext nbcontainer")
            assert not loaded.error, loaded.traceback

    def close(self) -> None:
        """End it."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def interrupt(self) -> None:
        """Interrupt it like the ■ button."""
        self.manager.interrupt_kernel()

    def run(
        self,
        code: str,
        *,
        cell: str = "",
        deleted: tuple[str, ...] = (),
        answers: tuple[str, ...] | None = None,
        when: Callable[[Ran], bool] | None = None,
        then: Callable[[], None] | None = None,
        seconds: float = SECONDS,
    ) -> Ran:
        """Run a cell.

        Args:
            code: the cell.
            cell: its id, as a page sends it; "" for none, as with nbclient.
            deleted: ids of cells that were deleted in the page.
            answers: what the user types at prompts; None if there is no user.
            when: a condition; once it holds, `then` is called once.
            then: what to do at that moment, such as `interrupt`.
            seconds: how long it may take.
        """
        content = {
            "code": code, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": answers is not None, "stop_on_error": True,
        }  # fmt: skip
        message = self.client.session.msg("execute_request", content)
        if cell:
            message["metadata"] = {"cellId": cell, "deletedCells": list(deleted), "recordTiming": False}
        self.client.shell_channel.send(message)
        ran, started, waiting, idle = Ran(), time.monotonic(), list(answers or ()), False
        while not (idle and ran.reply):
            assert time.monotonic() - started < seconds, f"{code!r} still runs: {ran.text}"
            self._reply(ran, message)
            if answers is not None:
                self._answer(ran, waiting)
            idle = self._read(ran, message, started) or idle
            if when is not None and then is not None and when(ran):
                when = None
                then()
        ran.seconds = time.monotonic() - started
        return ran

    def tell(self, widget: str, content: dict[str, Any]) -> None:
        """Send a message to a widget, as its page does."""
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": widget, "data": data})
        self.client.shell_channel.send(message)

    def collect(self, seconds: float, until: Callable[[Ran], bool]) -> Ran:
        """Messages that arrive while no cell is running."""
        ran, started = Ran(), time.monotonic()
        while not until(ran):
            assert time.monotonic() - started < seconds, [message["msg_type"] for _, message in ran.messages]
            try:
                message = self.client.get_iopub_msg(timeout=0.1)
            except Empty:
                continue
            ran.messages.append((time.monotonic() - started, message))
        return ran

    def _reply(self, ran: Ran, request: dict[str, Any]) -> None:
        if ran.reply:
            return
        try:
            reply = self.client.get_shell_msg(timeout=0.01)
        except Empty:
            return
        if reply["parent_header"].get("msg_id") == request["header"]["msg_id"]:
            ran.reply = reply["content"]

    def _answer(self, ran: Ran, waiting: list[str]) -> None:
        try:
            asked = self.client.get_stdin_msg(timeout=0)
        except Empty:
            return
        ran.asked.append((asked["content"]["prompt"], asked["content"]["password"]))
        self.client.input(waiting.pop(0) if waiting else "")

    def _read(self, ran: Ran, request: dict[str, Any], started: float) -> bool:
        """Handle one message; True if it says that the cell has ended."""
        try:
            message = self.client.get_iopub_msg(timeout=0.05)
        except Empty:
            return False
        if message["parent_header"].get("msg_id") != request["header"]["msg_id"]:
            return False
        ran.messages.append((time.monotonic() - started, message))
        if message["msg_type"] == "status":
            return bool(message["content"]["execution_state"] == "idle")
        self._keep(ran, message)
        return False

    def _keep(self, ran: Ran, message: dict[str, Any]) -> None:
        """Keep outputs as a notebook does."""
        kind, content = message["msg_type"], message["content"]
        if kind == "clear_output":
            ran.clearing = True
            if not content["wait"]:
                ran.outputs.clear()
                ran.clearing = False
            return
        if kind == "update_display_data":
            old = self._outputs_of.get(content["transient"]["display_id"])
            if old is not None:
                old["data"] = content["data"]
            return
        if kind not in {"stream", "display_data", "execute_result", "error"}:
            return
        if ran.clearing:
            ran.outputs.clear()
            ran.clearing = False
        last = ran.outputs[-1] if ran.outputs else {}
        if kind == "stream" and last.get("output_type") == "stream" and last["name"] == content["name"]:
            last["text"] += content["text"]
            return
        output = {"output_type": kind, **content}
        ran.outputs.append(output)
        if display := content.get("transient", {}).get("display_id"):
            self._outputs_of[display] = output
