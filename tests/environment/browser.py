"""Debian's Chromium, for the tests of the page. It is the only part that is installed: it has too many dependencies."""

from __future__ import annotations

import os
import shutil

from . import folders, packages
from .part import Part, State, Status, Unavailable
from .processes import StartFailed, run

_WAIT_FOR_LOCK = "DPkg::Lock::Timeout=600"


class Chromium(Part):
    """The browser's program: nothing runs until a test starts it."""

    name = "chromium"

    def install(self) -> None:
        if shutil.which("chromium"):
            return
        packages.mirrors()
        if os.geteuid() != 0:
            raise Unavailable("chromium is not installed, and only root can install it")
        with folders.locked("chromium"):
            environment = {"DEBIAN_FRONTEND": "noninteractive"}
            install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "-o", _WAIT_FOR_LOCK]
            command = [*install, "chromium", "fonts-dejavu-core"]
            try:
                run(command, environment=environment)
            except StartFailed:
                # the machine's package lists are missing or older than its mirror
                run(["apt-get", "update", "-q", "-o", _WAIT_FOR_LOCK], environment=environment)
                run(command, environment=environment)

    def up(self) -> None:
        self.install()

    def down(self) -> None:
        """Does nothing: nothing is running, and the installed packages stay."""

    def status(self) -> Status:
        program = shutil.which("chromium")
        if program is None:
            return Status(State.DOWN, "not installed")
        try:
            version = run([program, "--version"], timeout=20).strip()
        except (StartFailed, OSError) as error:
            return Status(State.DOWN, str(error).splitlines()[-1])
        return Status(State.UP, f"{version} at {program}")

    def env(self) -> dict[str, str]:
        program = shutil.which("chromium")
        return {"NBCONTAINER_TEST_CHROMIUM": program} if program else {}
