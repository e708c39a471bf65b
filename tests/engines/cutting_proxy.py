"""A proxy to an engine that breaks one stream at an exact place and leaves other connections alone."""

import contextlib
import socket
import threading
from dataclasses import dataclass, field

from tests.engines.peers import unix_connect, unix_listener

HEADER = 8
ENDINGS = {"garbage": b"\xff" * 20, "ended": b"0\r\n\r\n"}


@dataclass
class Cut:
    """Where one reply breaks.

    Attributes:
        words: a part of its request's first line.
        marker: it breaks after the frame, or in a reply without frames the bytes, that contain this.
        how: "between" two frames or right after the bytes, "within" the following frame; "stall": it stays open but
            sends nothing more; "garbage": what follows is not a frame; "clean": as between, but HTTP cannot notice;
            "ended": the reply ends as a good one does, with the chunk that contains the marker.
        times: the number of replies to break.
    """

    words: bytes
    marker: bytes
    how: str = "between"
    times: int = 1
    done: threading.Event = field(default_factory=threading.Event)


class CuttingProxy:
    """Passes connections on to a real engine, and breaks those that a `Cut` is for.

    Attributes:
        requests: the first line of each request.
    """

    def __init__(self, path, address):
        self.address = f"unix://{path}"
        self.requests = []
        self.cuts = []
        self._connect = unix_connect(address)
        self._listener = unix_listener(path)
        self._listener.listen()
        self._open = []
        self._closed = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, words, marker, how="between", times=1):
        """Break the next replies to requests with `words`."""
        planned = Cut(words, marker, how, times)
        self.cuts.append(planned)
        return planned

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = self._connect()
                self._open += [near, far]
                plan = []
                threading.Thread(target=self._send, args=(near, far, plan), daemon=True).start()
                threading.Thread(target=self._answer, args=(near, far, plan), daemon=True).start()

    def _send(self, near, far, plan):
        with contextlib.suppress(OSError):
            while data := near.recv(65536):
                line = data.partition(b"\r\n")[0]
                if line.endswith(b" HTTP/1.1"):
                    self.requests.append(line)
                    plan[:] = [cut for cut in self.cuts if cut.words in line and cut.times > 0][:1]
                    if plan and plan[0].how == "clean":  # a reply to HTTP/1.0 ends with its connection
                        data = data.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1)
                far.sendall(data)
            far.shutdown(socket.SHUT_WR)

    def _answer(self, near, far, plan):
        with contextlib.suppress(OSError):
            rest = b""
            while data := far.recv(65536):
                if not plan:
                    near.sendall(data)
                    continue
                rest += data
                head, end, rest = rest.partition(b"\r\n\r\n")
                if not end:
                    rest = head
                    continue
                near.sendall(head + end)
                self._until_cut(near, far, plan[0], rest)
                return
            near.shutdown(socket.SHUT_WR)

    def _until_cut(self, near, far, cut, data):
        data = self._up_to_marker(near, far, cut, data)
        if data is None:
            near.shutdown(socket.SHUT_WR)
            return
        if cut.how == "within":
            while not (piece := self._piece(data)[0]):
                data += far.recv(65536)
            near.sendall(piece[: HEADER + (len(piece) - HEADER) // 2])
        elif cut.how in ENDINGS:
            near.sendall(ENDINGS[cut.how])
        cut.times -= 1
        cut.done.set()
        if cut.how == "stall":
            self._closed.wait()
        for connection in (near, far):
            connection.shutdown(socket.SHUT_RDWR)

    def _up_to_marker(self, near, far, cut, data):
        """Pass on everything up to the break; returns what came after it, or None if the reply ended before."""
        framed = b"/attach" in cut.words or b"/start" in cut.words
        while True:
            piece, data = self._piece(data) if framed else (data, b"")
            if not piece:
                more = far.recv(65536)
                if not more:
                    return None
                data += more
                continue
            _, found, rest = piece.partition(cut.marker) if cut.marker else ("", b"", b"")
            exact = found and not framed and cut.how != "ended"
            near.sendall(piece[: len(piece) - len(rest)] if exact else piece)
            if found or not cut.marker:
                return data

    @staticmethod
    def _piece(data):
        """The first frame, if it is complete, and the rest."""
        end = HEADER + int.from_bytes(data[4:HEADER], "big") if len(data) >= HEADER else len(data) + 1
        return (data[:end], data[end:]) if len(data) >= end else (b"", data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._closed.set()
        for connection in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
