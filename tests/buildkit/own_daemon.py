"""A test's own buildkitd, which it may kill."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from nbcontainer.buildkit import Control, RpcError
from nbcontainer.engines.dial import dial
from tests.buildkit.building import ask


class Unavailable(Exception):
    """This machine cannot run buildkitd; the text says what is missing."""


class OwnBuildkitd:
    """A context manager; at its end it stops everything it started."""

    def __init__(self, folder, program, environment, configuration):
        self.folder, self.program, self.environment = folder, program, environment
        self.socket = folder / "buildkitd.sock"
        self.configuration = configuration
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill(signal.SIGTERM)
        subprocess.run(["umount", "-l", *mounts_below(self.folder)], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        """Start it and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "buildkitd.toml").write_text(self.configuration)
        command = [self.program, "--config", f"{self.folder}/buildkitd.toml", "--addr", f"unix://{self.socket}"]
        command += ["--root", f"{self.folder}/root", "--oci-worker-net", "host"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=self.environment, start_new_session=True
            )
        end = time.monotonic() + 30
        while True:
            try:
                with Control(self.connect) as control:
                    ask(control)
            except RpcError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise Unavailable((self.folder / "log").read_text()[-500:]) from None
                time.sleep(0.05)
            else:
                return

    def connect(self):
        """Open a stream to it."""
        return dial(f"unix://{self.socket}")

    def kill(self, number=signal.SIGKILL):
        """Kill it, and the containers it leaves behind; returns when it is gone."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for left in children_in(self.folder):
            os.kill(left, signal.SIGKILL)


def mounts_below(folder):
    """Mount points below a folder, innermost first."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return sorted((line.split()[4] for line in lines if line.split()[4].startswith(f"{folder}/")), reverse=True)


def children_in(folder):
    """Processes whose root lies on a mount of the folder's snapshots."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                mounted = (entry / "mountinfo").read_text()
            except OSError:
                continue
            root = mounted.split("\n", 1)[0]
            if f"{folder}/root" in root and " / " in root:
                found.append(int(entry.name))
    return found
