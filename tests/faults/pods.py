"""Trials of a cluster: the live table, followed logs and commands, over TLS and through `kubectl proxy`."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from nbcontainer.api.cluster import cluster
from nbcontainer.api.pods import Pods
from nbcontainer.clusters import connection
from nbcontainer.clusters.connection import Cluster, find_cluster
from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.pods import create
from nbcontainer.errors import ApiError, NbcontainerError
from nbcontainer.model.pods import PodRequest
from nbcontainer.model.tables import TableState
from nbcontainer.operation import Operation, background_loop
from tests.buildkit.building import processes
from tests.clusters.breaking_proxy import write_kubeconfig
from tests.environment import certificates
from tests.environment.cluster import Kubernetes
from tests.faults.containers import IMAGE, SCRIPT, WRITTEN, difference_of_lines, patience
from tests.faults.proxy import connector, tcp_listener
from tests.faults.trial import Scenario, attempt
from tests.faults.verdict import Difference, Ended

AWAY_SECONDS = 12.0  # an endless operation is watched this long while it reports that its API server is away
# longer than for containers: a pod takes a while to show up
POD_SCRIPT = SCRIPT.replace("sleep 0.06", "sleep 0.2").replace("exit 7", "exit 0")


class InCluster(Scenario):
    """An operation of the environment's cluster."""

    checked = True
    needs = ("kubernetes",)

    @cached_property
    def direct(self) -> Cluster:
        """The cluster, bypassing the proxy."""
        before, os.environ["KUBECONFIG"] = os.environ["KUBECONFIG"], str(Kubernetes().kubeconfig("admin"))
        try:
            return find_cluster("", f"faults-{self.folder.name.lower().replace('_', '-')}-{id(self) % 10_000}")
        finally:
            os.environ["KUBECONFIG"] = before

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """A call that is not part of the trial."""
        with patience():
            return self.direct.run(self.direct.request(method, path, **options))

    def prepare(self) -> None:
        self.ask("POST", "/api/v1/namespaces", body={"metadata": {"name": self.direct.namespace}})
        account = f"/api/v1/namespaces/{self.direct.namespace}/serviceaccounts/default"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(ApiError):
                self.ask("GET", account)
                return
            time.sleep(0.1)

    def clear(self) -> None:
        with suppress(NbcontainerError):
            self.ask("DELETE", POD.path(self.direct.namespace), body={"gracePeriodSeconds": 0})
            self.ask("DELETE", f"/api/v1/namespaces/{self.direct.namespace}")
        asyncio.run_coroutine_threadsafe(self.direct.link.close(), background_loop()).result(10)

    def listener(self) -> socket.socket:
        return tcp_listener()

    def connect(self) -> socket.socket:
        return connector(Kubernetes().server.removeprefix("https://"))()

    def context(self, address: str) -> str:
        """Write the kubeconfig that leads through the proxy."""
        path = Path(os.environ["KUBECONFIG"])
        certificates.kubeconfig(Kubernetes().pki, path, "admin", f"https://{address}")
        return "nbc"

    @property
    def pods(self) -> Pods:
        """The pods of its namespace, through the proxy."""
        return cluster("nbc", self.direct.namespace).pods

    def close(self) -> None:
        links = [link for link in [*connection._links.values(), *connection._old_links] if link is not self.direct.link]
        connection._links.clear()
        connection._old_links.clear()
        for link in links:
            link.http.close()
            asyncio.run_coroutine_threadsafe(link.close(), background_loop()).result(10)

    def run_pod(self, name: str, script: tuple[str, ...]) -> None:
        """Make a pod, and wait until it runs."""
        request = PodRequest(name, IMAGE, command=script, entrypoint=True, restart="Never", timeout=120)
        with patience():
            create(self.direct, request).result(150)

    def delete_pod(self, name: str) -> None:
        """Delete a pod, if it exists."""
        with suppress(ApiError):
            self.ask("DELETE", POD.path(self.direct.namespace, name), body={"gracePeriodSeconds": 0})


class Away:
    """Whether it has been disconnected for a while, and says so."""

    def __init__(self, is_away: Callable[[Any], bool]) -> None:
        self._is_away, self._since = is_away, 0.0

    def __call__(self, state: Any) -> bool:
        if not self._is_away(state):
            self._since = 0.0
            return False
        self._since = self._since or time.monotonic()
        return time.monotonic() - self._since > AWAY_SECONDS


class Watch(InCluster):
    """The live table, while pods are created and deleted."""

    operation = "watch"
    name = "the live table"
    first: ClassVar[tuple[str, ...]] = ("a", "b", "c", "d")
    changes: ClassVar[str] = "+e -a +f +g -c -f +h +i -e +k"
    last: ClassVar[tuple[str, ...]] = ("b", "d", "g", "h", "i", "k")

    def change(self, sign: str, name: str) -> None:
        """Create or delete a pod that no node will take."""
        if sign == "-":
            return self.delete_pod(f"{self.word}-{name}")
        container = {"name": "web", "image": "none"}
        metadata = {"name": f"{self.word}-{name}", "labels": {"trial": self.word}}
        spec = {"containers": [container], "schedulerName": "nobody"}
        self.ask("POST", POD.path(self.direct.namespace), body={"metadata": metadata, "spec": spec})
        return None

    def begin(self) -> None:
        for name in self.first:
            self.change("+", name)

    def carry_out(self, address: str) -> Ended:
        self.context(address)
        waiting, began = self.changes.split(), time.monotonic()
        away = Away(lambda state: not state.live and state.trouble)
        started: list[Operation[Any, TableState, Any]] = []

        def begin() -> Operation[Any, TableState, Any]:
            started.append(self.pods.watch(selector=f"trial={self.word}"))
            return started[0]

        def until() -> bool:
            state = started[0].state
            if waiting and (state.live or time.monotonic() - began > 3):
                word = waiting.pop(0)
                self.change(word[0], word[1:])
                return False
            here = state.live and not waiting and [row.name for row in state.rows.values()] == self.names
            if here or away(state):
                ended_with.append(state)
                return True
            return False

        ended_with: list[TableState] = []
        ended = attempt(begin, until=until)
        if ended_with and ended_with[0].trouble:
            ended.notes = (ended_with[0].trouble,)
        return ended

    @property
    def names(self) -> list[str]:
        """The pods at the end."""
        return [f"{self.word}-{name}" for name in self.last]

    def difference(self, ended: Ended) -> Difference:
        if ended.failed or ended.value is None:
            return Difference("no result", missing=True)
        names = list(ended.value.names)
        if not self.checked and sorted(names) == sorted(self.names):
            return Difference()
        return Difference() if names == self.names else Difference(f"{names} for {self.names}", missing=True, bytes=1)

    def end(self) -> None:
        self.ask("DELETE", f"{POD.path(self.direct.namespace)}?labelSelector=trial%3D{self.word}",
                 body={"gracePeriodSeconds": 0})  # fmt: skip


class PodLogs(InCluster):
    """`kubectl logs -f` of a running pod."""

    operation = "logs"
    name = "logs -f of a pod"

    def begin(self) -> None:
        self.run_pod(self.word, ("sh", "-c", POD_SCRIPT))

    def carry_out(self, address: str) -> Ended:
        self.context(address)
        started: list[Any] = []

        def begin() -> Any:
            started.append(self.pods.logs(self.word, follow=True))
            return started[0]

        away = Away(lambda state: state.sources and not any(state.sources.values()) and state.notes)
        return attempt(begin, until=lambda: away(started[0].state))

    def difference(self, ended: Ended) -> Difference:
        return difference_of_lines(WRITTEN, None, ended)

    def end(self) -> None:
        self.delete_pod(self.word)


class PodExec(InCluster):
    """A command in a pod."""

    operation = "exec"
    name = "exec in a pod"

    def prepare(self) -> None:
        super().prepare()
        self.run_pod("runs", ("sleep", "86400"))

    def carry_out(self, address: str) -> Ended:
        self.context(address)
        command = ("sh", "-c", SCRIPT, self.word)
        return attempt(lambda: self.pods.exec("runs", command))

    def difference(self, ended: Ended) -> Difference:
        return difference_of_lines(WRITTEN, 7, ended)

    def left(self, ended: Ended) -> str:
        del ended
        return "the command" if processes(self.word) else ""


class Plain(InCluster):
    """The same without TLS, through `kubectl proxy`: corrupted bytes arrive corrupted."""

    checked = False

    def prepare(self) -> None:
        super().prepare()
        program = Kubernetes().env()["NBCONTAINER_TEST_KUBECTL"]
        words = ["--kubeconfig", str(Kubernetes().kubeconfig("admin")), "proxy", "--port=0", "--reject-paths=^$"]
        self._process = subprocess.Popen([program, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._process.stdout is not None
        self._address = self._process.stdout.readline().decode().split()[-1]

    def clear(self) -> None:
        super().clear()
        self._process.terminate()
        self._process.communicate()

    def connect(self) -> socket.socket:
        return connector(self._address)()

    def context(self, address: str) -> str:
        write_kubeconfig(Path(os.environ["KUBECONFIG"]), f"http://{address}")
        text = Path(os.environ["KUBECONFIG"]).read_text().replace('"proxied"', '"nbc"')
        Path(os.environ["KUBECONFIG"]).write_text(text)
        return "nbc"


class PlainWatch(Plain, Watch):
    name = "the live table, without TLS"


class PlainPodLogs(Plain, PodLogs):
    name = "logs -f of a pod, without TLS"


class PlainPodExec(Plain, PodExec):
    name = "exec in a pod, without TLS"
