"""Calls of a cluster while their connections are frozen: ``python -m tests.faults.frozen_clusters [KIND ...]``.

Each kind of call is made twice: all connections freeze, as without a network, or only those that exist, as behind a
proxy or NAT that forgets them. The table has the seconds until the call reported a problem, and until it went on with
what happened after the freeze.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from nbcontainer.api.cluster import cluster as cluster_handle
from nbcontainer.clusters.connection import Cluster, find_cluster
from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.exec import execute
from nbcontainer.clusters.logs import logs
from nbcontainer.clusters.pods import create
from nbcontainer.clusters.tables import table, watch_table
from nbcontainer.errors import NbcontainerError
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import ExecRequest, PodRequest
from tests.clusters.own_cluster import OwnCluster, make_pod, set_status
from tests.environment import certificates
from tests.environment.cluster import Kubernetes, commands
from tests.faults.proxy import FaultProxy, connector, tcp_listener

FROZEN_SECONDS = 120.0
AFTER_SECONDS = 60.0  # how long it may take after the end of a freeze
IDLE_SECONDS = 5.0  # before a call on a kept connection
WRITES = ("sh", "-c", "n=0; while true; do n=$((n+1)); echo line $n; sleep 0.5; done")
MODES = ("all", "existing")


@dataclass
class Measured:
    """What a call did, in seconds after the freeze; -1 for never."""

    kind: str
    mode: str
    told: float = -1.0
    went_on: float = -1.0
    said: str = ""

    def __str__(self) -> str:
        told, went_on = (f"{found:.0f} s" if found >= 0 else "never" for found in (self.told, self.went_on))
        return f"{self.kind:34} {self.mode:9} {told:>8} {went_on:>8}  {self.said}"


class Streams(logging.Handler):
    """Counts the streams that were opened."""

    opened = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count one."""
        self.opened += " 200 " in record.getMessage()


class Trial:
    """One trial: a cluster behind a proxy, and the clock."""

    def __init__(self, kind: str, mode: str, direct: Cluster, proxy: FaultProxy, cluster: Cluster) -> None:
        self.measured = Measured(kind, mode)
        self.direct, self.proxy, self.cluster = direct, proxy, cluster
        self._frozen = 0.0
        self._streams = Streams()
        log = logging.getLogger("nbcontainer.clusters.client")
        log.setLevel(logging.DEBUG)
        log.addHandler(self._streams)

    def until_watched(self) -> None:
        """Wait until the first watch is open, and has nothing more to say."""
        _wait(lambda: self._streams.opened)
        time.sleep(1)

    def freeze(self) -> None:
        """Freeze the flows."""
        self.proxy.freeze(existing_only=self.measured.mode == "existing")
        self._frozen = time.monotonic()

    def until(self, went_on: Callable[[], object], told: Callable[[], str] = str) -> None:
        """Wait until it went on, or, if it ends with that, until it has reported an error."""
        thawed = False
        while (passed := time.monotonic() - self._frozen) < FROZEN_SECONDS + AFTER_SECONDS:
            if not thawed and passed >= FROZEN_SECONDS:
                self.thaw()
                thawed = True
            try:
                if self.measured.told < 0 and (said := told()):
                    self.measured.told, self.measured.said = passed, said
                if went_on():
                    self.measured.went_on = passed
                    return
            except NbcontainerError as error:
                self.measured.told, self.measured.said = passed, error.message
                return
            time.sleep(0.1)

    def thaw(self) -> None:
        """Let everything flow again, except the flows that were forgotten."""
        if self.measured.mode == "all":
            self.proxy.thaw(existing=True)

    def called(self, call: Callable[[], object]) -> None:
        """Make a call that ends by itself."""
        done: list[object] = []

        def run() -> None:
            try:
                done.append(call() or True)
            except NbcontainerError as error:
                done.append(error)

        threading.Thread(target=run, daemon=True).start()

        def over() -> bool:
            if done and isinstance(done[0], NbcontainerError):
                raise done[0]
            return bool(done)

        self.until(over)


def _log(trial: Trial, pods: int) -> None:
    names = [f"writes-{number}" for number in range(pods)]
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda name: create(trial.direct, PodRequest(name, "busybox", command=WRITES,
             labels={"app": "writes"}, timeout=120)).result(130), names))  # fmt: skip
    one = LogRequest((names[0],), follow=True) if pods == 1 else LogRequest(selector="app=writes", follow=True)
    operation = logs(trial.cluster, one)
    _wait(lambda: {line.source for line in operation.state.lines} == set(names))
    trial.freeze()
    after, noted = time.time() + 2, operation.state.noted
    trial.until(
        lambda: {line.source for line in operation.state.lines if line.time > after} == set(names),
        lambda: operation.state.notes[-1] if operation.state.noted > noted else "",
    )
    operation.stop()


def log_of_a_pod(trial: Trial) -> None:
    """`logs -f` of a pod that writes."""
    _log(trial, 1)


def log_of_a_selector(trial: Trial) -> None:
    """`logs -f -l` of three."""
    _log(trial, 3)


def live_table(trial: Trial) -> None:
    """A live table, while a pod is added."""
    operation = watch_table(trial.cluster)
    trial.until_watched()
    trial.freeze()
    trial.direct.run(make_pod(trial.direct, "new"))
    trial.until(lambda: operation.state.live and "new" in str(operation.state.rows), lambda: operation.state.trouble)
    operation.stop()


def _exec(trial: Trial, *command: str) -> None:
    create(trial.direct, PodRequest("runs", "busybox", command=("sleep", "100000"), timeout=120)).result(130)
    operation = execute(trial.cluster, ExecRequest("runs", command))
    _wait(lambda: operation.state.total > 0)
    trial.freeze()
    after = operation.state.total + 10
    trial.until(lambda: operation.result(0) if operation.done else operation.state.total > after)
    operation.stop()


def silent_command(trial: Trial) -> None:
    """`exec` of a command that runs and is silent."""
    _exec(trial, "sh", "-c", "echo begun; sleep 100000")


def writing_command(trial: Trial) -> None:
    """`exec` of a command that writes."""
    _exec(trial, *WRITES)


def reading_command(trial: Trial) -> None:
    """`exec` of a command that reads much input slowly."""
    create(trial.direct, PodRequest("runs", "busybox", command=("sleep", "100000"), timeout=120)).result(130)
    command = ("sh", "-c", "echo begun; while head -c 100 >/dev/null; do sleep 1; done")
    operation = execute(trial.cluster, ExecRequest("runs", command, stdin=b"x" * 50_000_000))
    _wait(lambda: operation.state.total > 0)
    trial.freeze()
    trial.until(
        lambda: operation.result(0) if operation.done else False,
        lambda: operation.state.notes[0] if operation.state.notes else "",
    )
    operation.stop()


def get_on_an_idle_connection(trial: Trial) -> None:
    """`get` on a connection that froze while it was idle."""
    table(trial.cluster)
    time.sleep(IDLE_SECONDS)
    trial.freeze()
    trial.called(lambda: table(trial.cluster))


def apply_on_an_idle_connection(trial: Trial) -> None:
    """`apply` on such a connection."""
    text = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "1"}})
    handle = cluster_handle(trial.cluster.context, trial.cluster.namespace)
    handle.apply(text)
    time.sleep(IDLE_SECONDS)
    trial.freeze()
    trial.called(lambda: handle.apply(text.replace('"1"', '"2"')))


def create_on_an_idle_connection(trial: Trial) -> None:
    """`create`, whose first call is a POST, on such a connection."""
    table(trial.cluster)
    time.sleep(IDLE_SECONDS)
    trial.freeze()
    trial.called(lambda: create(trial.cluster, PodRequest("late", "busybox", wait=False)).result(400))


def create_and_wait(trial: Trial) -> None:
    """`create`, which waits until the pod runs."""
    operation = create(trial.cluster, PodRequest("waits", "busybox", timeout=1000))
    trial.until_watched()
    trial.freeze()
    trial.direct.run(set_status(trial.direct, "waits", "Running"))
    trial.until(
        lambda: operation.result(0) if operation.done else False,
        lambda: next((step.message for step in operation.state.steps if "reconnecting" in step.message), ""),
    )
    operation.stop()


def delete_and_wait(trial: Trial) -> None:
    """`delete`, which waits until the pod is gone."""
    trial.direct.run(make_pod(trial.direct, "goes"))
    operation = cluster_handle(trial.cluster.context, trial.cluster.namespace).pods.delete("goes")
    trial.until_watched()
    trial.freeze()
    path = POD.path(trial.direct.namespace, "goes")
    trial.direct.run(trial.direct.request("DELETE", path, body={"gracePeriodSeconds": 0}))
    trial.until(
        lambda: operation.result(0) if operation.done else False, lambda: operation.state.objects["pod/goes"].message
    )
    operation.stop()


ON_A_NODE = (log_of_a_pod, log_of_a_selector, silent_command, writing_command, reading_command)
WITHOUT_NODE = (
    live_table,
    get_on_an_idle_connection,
    apply_on_an_idle_connection,
    create_on_an_idle_connection,
    create_and_wait,
    delete_and_wait,
)
KINDS = {kind.__name__: kind for kind in (*ON_A_NODE, *WITHOUT_NODE)}


def _wait(fact: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it has not begun"
        time.sleep(0.05)


@contextmanager
def _servers(folder: Path, *, node: bool) -> Iterator[tuple[Path, str]]:
    """A kubeconfig of an API server, and its address."""
    if node:
        yield Kubernetes().kubeconfig("admin"), Kubernetes().server
        return
    own = OwnCluster(folder / "own", commands(), Kubernetes().pki)
    (folder / "own").mkdir()
    try:
        own.up()
        yield own.kubeconfig(), own.server
    finally:
        own.down()


def run_one(kind: str, mode: str) -> Measured:
    """One trial, in this process."""
    with tempfile.TemporaryDirectory() as name, _servers(Path(name), node=KINDS[kind] in ON_A_NODE) as (config, server):
        space = f"frozen-{uuid.uuid4().hex[:8]}"
        os.environ |= {"KUBECONFIG": str(config), "NBCONTAINER_SPOOL_DIRECTORY": name}
        direct = find_cluster("", space)
        direct.run(direct.request("POST", "/api/v1/namespaces", body={"metadata": {"name": space}}))
        path = f"/api/v1/namespaces/{space}/serviceaccounts"
        if KINDS[kind] in WITHOUT_NODE:
            direct.run(direct.request("POST", path, body={"metadata": {"name": "default"}}))
        listener = tcp_listener()
        proxied = Path(name) / "proxied"
        certificates.kubeconfig(Kubernetes().pki, proxied, "admin", f"https://127.0.0.1:{listener.getsockname()[1]}")
        text = proxied.read_text().replace("current-context: nbc", "current-context: proxied")
        proxied.write_text(text)
        with FaultProxy(listener, connector(server.removeprefix("https://"))) as proxy:
            os.environ["KUBECONFIG"] = str(proxied)
            trial = Trial(kind, mode, direct, proxy, find_cluster("", space))
            try:
                KINDS[kind](trial)
            finally:
                with suppress(NbcontainerError):
                    direct.run(direct.request("DELETE", POD.path(space), body={"gracePeriodSeconds": 0}))
                    direct.run(direct.request("DELETE", f"/api/v1/namespaces/{space}"))
        return trial.measured


def main() -> None:
    """Run the trials that the command line asks for, several at a time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--mode", choices=MODES)
    parser.add_argument("--here", action="store_true", help="a single trial, in this process, as JSON")
    parser.add_argument("--jobs", type=int, default=4)
    asked = parser.parse_args()
    if asked.here:
        print(json.dumps(asdict(run_one(asked.kinds[0], asked.mode))), flush=True)
        os._exit(0)  # threads may still wait on what is frozen

    def apart(trial: tuple[str, str]) -> str:
        kind, mode = trial
        command = [sys.executable, "-m", "tests.faults.frozen_clusters", kind, f"--mode={mode}", "--here"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)
        with suppress(IndexError, ValueError):
            return str(Measured(**json.loads(done.stdout.splitlines()[-1])))
        return f"{kind} {mode}: {done.stderr[-2000:]}"

    print(f"{'call':34} {'frozen':9} {'told':>8} {'went on':>8}", flush=True)
    trials = [(kind, mode) for kind in asked.kinds for mode in ([asked.mode] if asked.mode else MODES)]
    with ThreadPoolExecutor(asked.jobs) as threads:
        for line in threads.map(apart, trials):
            print(line, flush=True)


if __name__ == "__main__":
    main()
