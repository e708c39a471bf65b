"""An API server of the tests in a process of its own, so that its work is not counted as its client's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Self

_ROOT = Path(__file__).parents[2]


class ServerProcess:
    """The process: use it in a `with`. It prints its port, and answers until it is killed.

    Args:
        module: what is run.
        options: its command line.
        kubeconfig: the file that is written; its context is named after it.
        namespace: the context's namespace.
    """

    def __init__(self, module: str, options: list[str], kubeconfig: Path, namespace: str) -> None:
        self._command = [sys.executable, "-m", module, *options]
        self._namespace = namespace
        self.kubeconfig = kubeconfig

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, cwd=_ROOT, env={**os.environ, "PYTHONPATH": str(_ROOT)}, text=True
        )
        assert self._process.stdout is not None
        port, name = int(self._process.stdout.readline()), self.kubeconfig.stem
        config = {
            "clusters": [{"name": name, "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "nobody", "user": {}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": "nobody", "namespace": self._namespace}}],
            "current-context": name,
        }
        self.kubeconfig.write_text(json.dumps(config), encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
