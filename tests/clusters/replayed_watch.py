"""An API server that only replays a recorded watch of pods, at any pace, among any number of pods that do not change.

It runs in its own process, so that its work is not counted as its client's. RESTARTS is the time when it wrote the
event, in milliseconds since the epoch: whoever shows the row knows how late it is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from functools import cached_property
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.clusters.server_process import ServerProcess
from tests.recordings import pod_watch

NAMESPACE = "recorded"
TURN = 0.005  # seconds between two writes
_RESTARTS = 3  # place of the cell


class ReplayedWatch(ServerProcess):
    """The server's process: use it in a `with`.

    Args:
        folder: where its kubeconfig is written.
        pods: how many pods there are that do not change.
        rate: changes a second.
        changes: after so many, there are no more; None to begin again and again.
    """

    def __init__(self, folder: Path, *, pods: int = 0, rate: int = 1000, changes: int | None = None) -> None:
        options = [f"--pods={pods}", f"--rate={rate}", *([] if changes is None else [f"--changes={changes}"])]
        super().__init__("tests.clusters.replayed_watch", options, folder / "replayed.conf", NAMESPACE)


class Server:
    """Answers lists of pods, and watches of them.

    Args:
        pods: as of `ReplayedWatch`.
        rate: likewise.
        changes: likewise.
    """

    def __init__(self, pods: int, rate: int, changes: int | None = None) -> None:
        self._pods, self._rate, self._changes = pods, rate, changes
        self._empty, *self._events = pod_watch.lines()

    async def serve(self) -> None:
        """Print the port, then answer until the process is killed."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - read by `ReplayedWatch`
        await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                url = urlsplit(head.split(b" ", 2)[1].decode())
                query = {name: value for name, (value, *_) in parse_qs(url.query).items()}
                if not url.path.endswith("/pods"):
                    await _send(writer, "404 Not Found", b'{"kind": "Status", "code": 404, "reason": "NotFound"}')
                elif "watch" in query:
                    await self._replay(writer)
                else:
                    await _send(writer, "200 OK", self._page(query))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    # --- lists

    @cached_property
    def _still(self) -> tuple[str, str, str]:
        """The row of a pod that does not change, in front of, between and behind its two names."""
        running = (line for line in self._events if b'"1/1","Running"' in line)
        (row,) = json.loads(next(running))["object"]["rows"]
        front, middle, back = json.dumps(row, separators=(",", ":")).split(row["cells"][0])
        return front, middle, back

    def _page(self, query: dict[str, str]) -> bytes:
        start = int(query.get("continue", 0))
        end = min(self._pods, start + int(query.get("limit", self._pods)))
        names = [f"still-{number:06}" for number in range(start, end)]
        table: dict[str, Any] = json.loads(self._empty)
        if end < self._pods:
            table["metadata"]["continue"] = str(end)
        table["rows"] = []
        front, middle, back = self._still
        rows = ",".join(name.join((front, middle)) + name + back for name in names)
        return json.dumps(table).replace('"rows": []', f'"rows": [{rows}]').encode()

    # --- watches

    @cached_property
    def _halves(self) -> list[tuple[bytes, bytes]]:
        """The events, in front of and behind the cell that is replaced."""
        halves = []
        for line in self._events:
            (row,) = json.loads(line)["object"]["rows"]
            first = json.dumps(row["cells"][:_RESTARTS], separators=(",", ":")).encode()[:-1] + b","
            front, back = line.split(first)
            halves.append((front + first, back[back.index(b",") :] + b"\n"))
        return halves

    async def _replay(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        halves = islice(cycle(self._halves), self._changes)
        began, written = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - began) * self._rate)
            stamp = str(int(time.time() * 1000)).encode()
            chunk = b"".join(stamp.join(pair) for pair in islice(halves, due - written))
            written = due
            if chunk:
                writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                await writer.drain()
            await asyncio.sleep(TURN)


async def _send(writer: asyncio.StreamWriter, status: str, body: bytes) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--pods", type=int, default=0)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--changes", type=int)
    arguments = parser.parse_args()
    asyncio.run(Server(arguments.pods, arguments.rate, arguments.changes).serve())
