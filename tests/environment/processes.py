"""Long-running child processes that outlive the command which started them, known by pid and start time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import folders

if TYPE_CHECKING:
    import pwd
    from collections.abc import Callable, Mapping, Sequence


class StartFailed(RuntimeError):
    """A process exited, or did not become ready in time; includes the end of its log."""


def start_time(pid: int) -> str | None:
    """When the process started, as boot id and clock ticks; None where there is no such process.

    A pid alone may have been given to another process since, above all after a reboot.
    Source: field 22 of ``/proc/PID/stat`` in proc(5); zombies (state Z) count as ended.
    """
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return None if after_name[0] in "ZX" else f"{boot}:{after_name[19]}"


_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}
"""The daemons that this process started, by pid: they outlive it, but any that exit earlier must be reaped."""


@dataclass
class Process:
    """One daemon: how it is started, where its log and pid file are.

    Args:
        name: Names the pid file and the log.
        arguments: The command line.
        environment: Variables on top of the caller's.
        folder: Its working directory; by default the root of the environment.
        user: Whom it runs as; by default the caller.
    """

    name: str
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    user: pwd.struct_passwd | None = None

    @property
    def pid_file(self) -> Path:
        return folders.folder("run") / f"{self.name}.json"

    @property
    def log(self) -> Path:
        return folders.log_file(self.name)

    def pid(self) -> int | None:
        """The pid while our process runs, else None. A stale pid file is never trusted."""
        try:
            record = json.loads(self.pid_file.read_text(encoding="utf-8"))
            pid = int(record["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        _reap(pid)
        return pid if start_time(pid) == record.get("start_time") else None

    def known(self) -> bool:
        """Whether it was started here and not stopped since, even if it has exited by itself."""
        return self.pid_file.exists()

    def start(self) -> bool:
        """Starts the process unless it runs.

        Returns:
            Whether it was started now.
        """
        if self.pid() is not None:
            return False
        identity: dict[str, Any] = {}
        if self.user is not None:
            identity = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        with self.log.open("ab") as log:
            log.write(f"--- {time.strftime('%F %T')} {' '.join(self.arguments)}\n".encode())
            log.flush()
            child = subprocess.Popen(
                list(self.arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self.folder or folders.home(),
                env={**os.environ, **self.environment},
                **identity,
            )
        _CHILDREN[child.pid] = child
        record = {"pid": child.pid, "start_time": start_time(child.pid)}
        folders.write(self.pid_file, json.dumps(record))
        return True

    def wait(self, ready: Callable[[], bool], seconds: float = 30) -> None:
        """Waits until ``ready()`` holds.

        Raises:
            StartFailed: The process ended, or the time is over.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            ended = self.pid() is None
            if ended or time.monotonic() > deadline:
                reason = "ended" if ended else f"is not ready after {seconds:.0f} s"
                raise StartFailed(f"{self.name} {reason}; the end of {self.log}:\n{self.log_end()}")
            time.sleep(0.05)

    def log_end(self, lines: int = 8) -> str:
        """The last lines of the log."""
        try:
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def stop(self, seconds: float = 10, first: signal.Signals = signal.SIGTERM) -> None:
        """Terminates the process, kills it after ``seconds``, and removes its pid file."""
        pid = self.pid()
        if pid is not None:
            started = start_time(pid)
            _signal(pid, first)
            deadline = time.monotonic() + seconds
            while start_time(pid) == started:
                _reap(pid)
                if time.monotonic() > deadline:
                    _signal(pid, signal.SIGKILL)
                    deadline += 60
                time.sleep(0.02)
        self.pid_file.unlink(missing_ok=True)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _reap(pid: int) -> None:
    """Reaps a child of this process; one started by an earlier command is reaped by init."""
    child = _CHILDREN.get(pid)
    if child is not None and child.poll() is not None:
        del _CHILDREN[pid]


def port_answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts TCP connections there."""
    with socket.socket() as connection:
        connection.settimeout(1)
        return connection.connect_ex((host, port)) == 0


def socket_answers(path: Path) -> bool:
    """Whether something accepts connections on a unix socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
        except OSError:
            return False
        return True


def run(arguments: Sequence[str], *, environment: Mapping[str, str] | None = None, **options: object) -> str:
    """Runs a command and returns its output.

    Raises:
        StartFailed: It failed; carries the command and the end of its output.
    """
    try:
        done = subprocess.run(  # noqa: PLW1510 - our own argument list; the exit code is checked below
            list(arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, **(environment or {})},
            **options,  # type: ignore[call-overload] # cwd, timeout
        )
    except subprocess.TimeoutExpired as error:
        raise StartFailed(f"{' '.join(arguments)[:300]} did not end within {error.timeout:g} s") from None
    if done.returncode != 0:
        output = (done.stderr + done.stdout).strip().splitlines()[-8:]
        raise StartFailed(f"{' '.join(arguments)[:300]} failed with {done.returncode}:\n" + "\n".join(output))
    return str(done.stdout)
