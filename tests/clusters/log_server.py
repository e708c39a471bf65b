"""An API server of many pods that write numbered lines, at any pace: more than one real node could start.

It runs in its own process, so that its work is not counted as its client's.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.clusters.server_process import ServerProcess

NAMESPACE = "many"
TURN = 0.05  # seconds between two writes of a pod


class LogServer(ServerProcess):
    """The server's process: use it in a `with`.

    Args:
        folder: where its kubeconfig is written.
        pods: how many there are.
        rate: lines a second of all of them.
        lines: of each pod; its stream then stays open.
    """

    def __init__(self, folder: Path, *, pods: int, rate: int, lines: int) -> None:
        options = [f"--pods={pods}", f"--rate={rate}", f"--lines={lines}"]
        super().__init__("tests.clusters.log_server", options, folder / "logs.conf", NAMESPACE)


class Server:
    """Answers lists and watches of pods, and follows their logs.

    Args:
        pods: as of `LogServer`.
        rate: likewise.
        lines: likewise.
    """

    def __init__(self, pods: int, rate: int, lines: int) -> None:
        self._rate, self._lines = rate / pods, lines
        self._pods = [_pod(f"web-{number:03}") for number in range(pods)]

    async def serve(self) -> None:
        """Print the port, then answer until the process is killed."""
        application = web.Application()
        application.router.add_get(f"/api/v1/namespaces/{NAMESPACE}/pods", self._list)
        application.router.add_get(f"/api/v1/namespaces/{NAMESPACE}/pods/{{name}}/log", self._log)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(runner.addresses[0][1], flush=True)  # noqa: T201 - read by `LogServer`
        await asyncio.Event().wait()

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            head = {"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "1"}}
            return web.json_response({**head, "items": self._pods})
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await asyncio.Event().wait()
        return response

    async def _log(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        began, written = time.monotonic(), 0
        while written < self._lines:
            await asyncio.sleep(TURN)
            due = min(self._lines, int((time.monotonic() - began) * self._rate))
            now = time.time_ns()
            second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9))
            lines = [
                f'{second}.{now % 10**9:09}Z {{"level":"info","number":{at},"msg":"handled"}}\n'
                for at in range(written, due)
            ]
            await response.write("".join(lines).encode())
            written = due
        await asyncio.Event().wait()
        return response


def _pod(name: str) -> dict[str, Any]:
    started = "2026-01-02T03:04:05Z"
    status = {
        "name": "web",
        "ready": True,
        "started": True,
        "restartCount": 0,
        "containerID": f"containerd://{name}",
        "image": "web",
        "imageID": "web",
        "state": {"running": {"startedAt": started}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": name,
            "resourceVersion": "1",
            "creationTimestamp": started,
            "labels": {"app": "web"},
        },
        "spec": {"containers": [{"name": "web", "image": "web"}]},
        "status": {"phase": "Running", "containerStatuses": [status]},
    }


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    for option in ("--pods", "--rate", "--lines"):
        parser.add_argument(option, type=int, required=True)
    arguments = parser.parse_args()
    asyncio.run(Server(arguments.pods, arguments.rate, arguments.lines).serve())


if __name__ == "__main__":
    main()
