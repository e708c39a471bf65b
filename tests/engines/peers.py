"""The tests' own servers: one with canned replies, and a proxy that cuts connections."""

import contextlib
import socket
import threading


class Speaker:
    """A server on a unix socket that sends given bytes on each connection, then closes or stays silent."""

    def __init__(self, path, *answers, stay=False):
        self.address = f"unix://{path}"
        self.received = []
        self._answers, self._stay = list(answers), stay
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._open = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                self.received.append(connection.recv(65536))
                with contextlib.suppress(OSError):
                    connection.sendall(answer)
                if not self._stay:
                    connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # shutdown wakes accept; close alone does not
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()


class Middleman:
    """Passes connections on to a real server, and cuts all of them once enough bytes went one way.

    Between `freeze` and `thaw` it reads but passes nothing on, like a daemon that hangs.

    Args:
        listener: a bound socket, or one wrapped by TLS.
        connect: makes a connection to the real server.
        sent: cut after this many bytes from clients.
        replied: cut after this many bytes to clients.
    """

    def __init__(self, listener, connect, *, sent=None, replied=None):
        self._listener, self._connect = listener, connect
        self._limits = {"sent": sent, "replied": replied}
        self._counts = {"sent": 0, "replied": 0}
        self._open = []
        self._threads = []
        self._flowing = threading.Event()
        self._flowing.set()
        self.cut = threading.Event()
        listener.listen()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while not self.cut.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                if self.cut.is_set() or self._listener.fileno() < 0:
                    return
                continue  # a TLS handshake that failed
            far = self._connect()
            self._open += [near, far]
            for source, target, way in ((near, far, "sent"), (far, near, "replied")):
                thread = threading.Thread(target=self._pass, args=(source, target, way), daemon=True)
                thread.start()  # before close() may find it, and join it
                self._threads.append(thread)

    def _pass(self, source, target, way):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait()
                self._counts[way] += len(data)
                limit = self._limits[way]
                if limit is not None and self._counts[way] > limit:
                    self._break()
                    return
                target.sendall(data)
        self._flowing.wait()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(target, socket.SHUT_WR)

    def limit(self, way, count):
        """Cut after that many more bytes in one direction."""
        self._limits[way] = self._counts[way] + count

    def freeze(self):
        self._flowing.clear()

    def thaw(self):
        self._flowing.set()

    def _break(self):
        self.cut.set()
        self._flowing.set()
        for connection in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def close(self):
        self._break()
        for thread in self._threads:
            thread.join(5)  # before closing: OpenSSL would write to whatever gets the closed file's number
        for connection in [self._listener, *self._open]:
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def unix_connect(address):
    """Makes connections to a unix:// address."""

    def connect():
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(address.removeprefix("unix://"))
        return connection

    return connect


def unix_listener(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    return listener


def tcp_listener():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.47\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"


def reply(status, body, *headers):
    """An HTTP reply with a body and its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode() + body


def chunked(*lines, end=True, status="200 OK"):
    """An HTTP reply of JSON lines, complete or truncated."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    body = b"".join(f"{len(line):x}\r\n".encode() + line + b"\r\n" for line in lines)
    return head + body + (b"0\r\n\r\n" if end else b"")
