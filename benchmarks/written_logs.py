"""Real logs to read: a pod and a container with one long log each, and many pods with shorter ones."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import MissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.environment import Engine

PODS = 50
LINE_BYTES = 72
NAMESPACE = "nbcontainer-benchmark"
LONG = "benchmark-log"
SELECTOR = "app=benchmark-many"
_IMAGE = "busybox"
_FORMAT = "GET /api/v1/items/%08d 200 %7.2fms user=%05d region=eu-central-1\\n"
_SECONDS = 600.0


def _program(lines: int) -> str:
    """An awk program that writes so many lines, each of LINE_BYTES with its newline."""
    return f'BEGIN {{ for (n = 1; n <= {lines}; n++) printf "{_FORMAT}", n, n % 9000 / 7, n % 99991 }}'


@dataclass(frozen=True)
class Cluster:
    """A cluster with a node that runs pods, and the kubectl to compare with."""

    variables: Mapping[str, str]
    kubectl: str

    def call(self, *words: str, document: object = None) -> str:
        """Run kubectl in the namespace of the logs; returns its output.

        Raises:
            MissingError: It failed.
        """
        content = None if document is None else json.dumps(document)
        return _call([self.kubectl, "-n", NAMESPACE, *words], self.variables, content)

    @contextlib.contextmanager
    def long_log(self, lines: int) -> Iterator[None]:
        """A pod, LONG, whose log is complete."""
        with self.namespace():
            self.call("apply", "-f", "-", document=_pod(LONG, {}, ["awk", _program(lines)]))
            until = "--for=jsonpath={.status.phase}=Succeeded"
            self.call("wait", until, f"pod/{LONG}", f"--timeout={_SECONDS:.0f}s")
            yield

    @contextlib.contextmanager
    def many_logs(self, lines: int) -> Iterator[None]:
        """PODS pods with the label SELECTOR, which have written so many lines each, and go on running."""
        name, _, value = SELECTOR.partition("=")
        # the program is an argument: it contains quotes
        command = ["sh", "-c", 'awk "$0"; exec sleep 86400', _program(lines)]
        pods = [_pod(f"{value}-{number}", {name: value}, command) for number in range(PODS)]
        with self.namespace():
            self.call("apply", "-f", "-", document={"apiVersion": "v1", "kind": "List", "items": pods})
            deadline = time.monotonic() + _SECONDS
            while self._finished(lines) < PODS:
                if time.monotonic() > deadline:
                    raise MissingError(f"the {PODS} pods did not write their logs within {_SECONDS:.0f} s")
                time.sleep(2)
            yield

    def _finished(self, lines: int) -> int:
        """How many of the pods have written their last line."""
        try:
            last = self.call("logs", "-l", SELECTOR, "--tail=1", f"--max-log-requests={PODS}")
        except MissingError:  # some are not running yet
            return 0
        return last.count(f"/{lines:08d} ")

    @contextlib.contextmanager
    def namespace(self) -> Iterator[None]:
        """The namespace, removed at the end."""
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        self.call("apply", "-f", "-", document=namespace)
        try:
            self.call("wait", "--for=create", "serviceaccount/default", "--timeout=60s")
            yield
        finally:
            self.call("delete", "namespace", NAMESPACE, "--timeout=120s")


@contextlib.contextmanager
def container_log(engine: Engine, lines: int) -> Iterator[None]:
    """A container, LONG, whose log is complete."""
    docker = [engine.docker]
    with contextlib.suppress(MissingError):
        _call([*docker, "rm", "-f", LONG], engine.variables)
    try:
        _call([*docker, "run", "-d", "--name", LONG, _IMAGE, "awk", _program(lines)], engine.variables)
        _call([*docker, "wait", LONG], engine.variables)
        yield
    finally:
        _call([*docker, "rm", "-f", LONG], engine.variables)


def _pod(name: str, labels: Mapping[str, str], command: list[str]) -> dict[str, Any]:
    container = {"name": "main", "image": _IMAGE, "imagePullPolicy": "IfNotPresent", "command": command}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]},
    }


def _call(command: list[str], variables: Mapping[str, str], content: str | None = None) -> str:
    environment = {**os.environ, **variables}
    done = subprocess.run(command, input=content, capture_output=True, env=environment, text=True, check=False)
    if done.returncode:
        raise MissingError(f"{' '.join(command[1:5])} failed: {done.stderr.strip()[-300:]}")
    return done.stdout
