"""A Podman of our own: the engine on a machine where none is running.

`podman system service` as a child, with storage and socket apart from the user's own Podman. The storage is kept
between kernels; the child ends with the kernel, however that ends.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from nbcontainer.errors import EngineUnavailable

START_SECONDS = 20.0  # a rootless Podman sets up its storage on its first start
ENDS_SECONDS = 2.0

# Runs as the child before podman does: the kernel's end, even by SIGKILL, ends the child (prctl(2), PR_SET_PDEATHSIG).
# Python's own preexec_fn could deadlock in a process with threads.
DIE_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""


class PrivatePodman:
    """The child, started on first use and again whenever it is gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = ""

    @staticmethod
    def installed() -> bool:
        """Whether it is available: podman is on PATH, and this is Linux."""
        return sys.platform == "linux" and shutil.which("podman") is not None

    def start(self) -> str:
        """Start it unless it is running. Returns its address.

        Raises:
            EngineUnavailable: it does not start; the message has the end of Podman's own output.
        """
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return f"unix://{self._socket}"
            if not self.installed():
                raise EngineUnavailable(
                    "podman is not installed, so there is no private Podman.", cure="Install podman, or start Docker."
                )
            self._stop()
            try:
                state = state_folder()
                _sweep(state)
                self._folder = tempfile.mkdtemp(prefix="kernel-", dir=state)
                log = Path(self._folder, "log")
                self._process = _start(_command(self._socket), _environment(), log)
            except OSError as error:  # a full disk, or a read-only home
                self._stop()
                raise EngineUnavailable(
                    f"The private Podman does not start: {error.filename or 'podman'}: {error.strerror}.",
                    tried=("private Podman",),
                    cure="Set NBCONTAINER_CACHE to a folder of yours with space, or DOCKER_HOST to another engine.",
                ) from None
            self._wait(log)
            return f"unix://{self._socket}"

    @property
    def address(self) -> str:
        """Its address, "" where it is not running."""
        return f"unix://{self._socket}" if self._folder else ""

    @property
    def _socket(self) -> str:
        return str(Path(self._folder, "podman.sock"))

    def _wait(self, log: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not _listens(self._socket):
            process = self._process
            if process is None or process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text("utf-8", "replace").strip().splitlines()[-3:]
                self._stop()
                raise EngineUnavailable(
                    f"The private Podman does not start: {' '.join(said) or 'it gives no reason'}",
                    tried=("private Podman",),
                    cure="Try `podman info` in a terminal, or set DOCKER_HOST to another engine.",
                )
            time.sleep(0.005)  # podman does not report that it is listening

    def stop(self) -> None:
        """Stop the child; its storage and its containers stay."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(ENDS_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""


def storage_folder() -> Path:
    """Where images and containers of the private Podman are stored."""
    cache = os.environ.get("NBCONTAINER_CACHE")
    if cache:
        return Path(cache) / "podman"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nbcontainer" / "podman"


def state_folder() -> Path:
    """Where Podman keeps what must not survive a restart of the machine, and where our sockets are.

    The same for every kernel, since Podman's database remembers it; short, since a socket's path must be.

    Raises:
        EngineUnavailable: another user owns a folder of that name.
    """
    user = os.getuid()
    parent = Path("/run") if user == 0 and os.access("/run", os.W_OK) else Path("/tmp")  # noqa: S108 - checked below
    key = hashlib.sha256(os.fsencode(storage_folder())).hexdigest()[:8]
    folder = parent / f"nbcontainer-podman-{user}-{key}"
    folder.mkdir(exist_ok=True, mode=0o700)
    if folder.is_symlink() or folder.stat().st_uid != user:
        raise EngineUnavailable(f"{folder} is not yours, and the private Podman needs it.", cure="Remove it.")
    return folder


def _sweep(state: Path) -> None:
    """Remove the socket folders of kernels that were killed."""
    for folder in state.glob("kernel-*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > START_SECONDS and not _listens(str(folder / "podman.sock")):
                shutil.rmtree(folder, ignore_errors=True)


def _command(address: str) -> list[str]:
    folder, state = storage_folder(), state_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return [
        *[sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid())],
        *["podman", "--root", str(folder / "storage"), "--runroot", str(state / "run")],
        *["--tmpdir", str(state / "libpod"), "system", "service", "--time", "0", f"unix://{address}"],
    ]


def _environment() -> dict[str, str]:
    """The kernel's environment, with a private containers.conf unless it names one."""
    environment = dict(os.environ)
    if not environment.get("CONTAINERS_CONF"):
        file = storage_folder() / "containers.conf"
        text = containers_conf()
        if not file.is_file() or file.read_text("utf-8") != text:
            temporary = file.with_name(f".{file.name}.{os.getpid()}")
            temporary.write_text(text, "utf-8")
            temporary.replace(file)
        environment["CONTAINERS_CONF"] = str(file)
    # these would make the service a client, or have it take over the kernel's own systemd sockets
    for name in ("CONTAINER_HOST", "CONTAINER_CONNECTION", "LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET"):
        environment.pop(name, None)
    return environment


def containers_conf() -> str:
    """The containers.conf that this machine needs; containers.conf(5).

    No systemd session is needed. Under cgroup v1, crun refuses the hybrid layout, so runc is used where it is
    installed. Limits are those of this process: Podman's own default fails where the hard limit is lower.
    """
    import resource  # noqa: PLC0415 - not on Windows

    files = min(value for value in (65536, *resource.getrlimit(resource.RLIMIT_NOFILE)) if value >= 0)
    processes = min(value for value in (65536, *resource.getrlimit(resource.RLIMIT_NPROC)) if value >= 0)
    lines = [
        "[containers]",
        f'default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]',
        'log_driver = "k8s-file"',
        "[engine]",
        'cgroup_manager = "cgroupfs"',
        'events_logger = "file"',
    ]
    if not Path("/sys/fs/cgroup/cgroup.controllers").exists() and shutil.which("runc"):
        lines.append('runtime = "runc"')
    return "\n".join([*lines, ""])


def _start(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start it on a thread that lives as long as the process: PDEATHSIG is sent when the parent *thread* ends."""
    answer: queue.SimpleQueue[subprocess.Popen[bytes] | OSError] = queue.SimpleQueue()

    def run() -> None:
        try:
            with log.open("wb") as output:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=environment,
                    start_new_session=True,
                )
        except OSError as error:
            answer.put(error)
            return
        answer.put(process)
        process.wait()

    threading.Thread(target=run, daemon=True, name="nbcontainer: private Podman").start()
    process = answer.get()
    if isinstance(process, OSError):
        raise process
    return process


def _listens(path: str) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(path)
        return True
    return False


private_podman = PrivatePodman()
atexit.register(private_podman.stop)
