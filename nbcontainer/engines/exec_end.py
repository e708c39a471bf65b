"""End a command that was stopped: closing its stream does not end it, unless it writes.

Each command carries a mark in its environment, which its children inherit. A second command in the same container looks
for the mark and kills whatever has it. Where the image has no shell, the engine is asked for the process's id: on this
machine it is killed from here, if it has the mark.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path

from nbcontainer.engines.http import Http, quoted
from nbcontainer.engines.objects import made_id
from nbcontainer.engines.output import Frames
from nbcontainer.errors import NbcontainerError
from nbcontainer.json_objects import number_of, value_of

SECONDS = 0.6  # how long a stop waits for the end
SCRIPT = r"""
exec 2>/dev/null
found=
for place in /proc/[0-9]*; do
  case "$(cat "$place/environ")" in *"$1"*) found="$found ${place#/proc/}";; esac
done
[ -n "$found" ] && kill -TERM $found
echo ended
[ -n "$found" ] && { sleep 0.3 || sleep 1; kill -KILL $found; }
"""


def end_command(http: Http, container: str, execution: str, mark: str) -> str:
    """End what carries `mark`, waiting a moment for it; returns why it may still be running, or ""."""
    said: list[str] = []
    done = threading.Event()

    def end() -> None:
        try:
            said.append(_end(http, container, execution, mark))
        except (NbcontainerError, OSError):
            said.append("it may still be running in the container, which could not be reached to end it")
        done.set()

    threading.Thread(target=end, daemon=True, name="nbcontainer: end of a command").start()
    return said[0] if done.wait(SECONDS) else "it is being ended"


def _end(http: Http, container: str, execution: str, mark: str) -> str:
    state = http.json("GET", f"/exec/{execution}/json")
    if not value_of(state, "Running"):
        return ""
    body = {"AttachStdout": True, "AttachStderr": True, "Cmd": ["sh", "-c", SCRIPT, "sh", mark]}
    made = made_id(http.json("POST", f"/containers/{quoted(container)}/exec", body=body))
    with contextlib.suppress(NbcontainerError):
        stream, _ = http.hijack(f"/exec/{made}/start", body={"Detach": False, "Tty": False})
        frames, output = Frames(raw=False), b""
        with stream:
            while data := stream.recv():
                output += b"".join(piece for _, piece in frames.feed(data))
        if b"ended" in output:
            return ""
    return _end_from_here(number_of(state, "Pid"), mark)


def _end_from_here(process: int, mark: str) -> str:
    with contextlib.suppress(OSError):
        if process and mark.encode() in Path(f"/proc/{process}/environ").read_bytes():
            os.kill(process, signal.SIGKILL)
            return ""
    return "it may still be running in the container, which has no shell to end it with"
