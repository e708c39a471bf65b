"""The whole output of the command of a `docker run`, and its exit code.

An attached connection that breaks between two frames looks like one whose command has ended. So its end counts only
with the container's own. While that is running, the rest comes from its log, and where the engine keeps none, from a
second connection, with a note on what is missing. The log of a container that has ended and still exists shows whether
any output is missing; the log of one that is removed as soon as it ends is followed to that end.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator

from nbcontainer.byte_stream import Frozen, Silent, Stream
from nbcontainer.engines.connection import Engine
from nbcontainer.engines.exit_code import PAUSE_SECONDS, ExitCode, has_ended
from nbcontainer.engines.failures import lost
from nbcontainer.engines.http import CALL_SECONDS
from nbcontainer.engines.log_position import KEPT_BYTES, Position, Unread
from nbcontainer.engines.output import READ_BYTES, Frames, Pace, UnreadInput
from nbcontainer.engines.replies import ReplyStream
from nbcontainer.engines.silence import Silence, patience
from nbcontainer.errors import ApiError, EngineUnavailable, Stopped
from nbcontainer.json_objects import value_of
from nbcontainer.logs.writer import LogWriter
from nbcontainer.model.logs import LogEvent, LogGap, LogSource
from nbcontainer.operation import Progress

END_SECONDS = 1.0  # between the end of a command's output and the engine's report that it has ended
SILENT_SECONDS = 5.0  # after which the connection of a container that has ended is given up
SENT_SECONDS = 0.02  # in which a short input is sent
TRIES = 3  # of a connection that delivers nothing
CHECKED_BYTES = 256 * 1024  # of output that is compared in full with its log; of a longer one, only the end is
CHECKED_LINES = 20


class RunOutput:
    """The output of one container's command.

    Args:
        engine: where it runs.
        container: its id.
        name: what its lines are marked with.
        writer: takes the lines, and notes.
        progress: knows of a stop.
    """

    def __init__(
        self, engine: Engine, container: str, name: str, writer: LogWriter, progress: Progress[LogEvent]
    ) -> None:
        self._engine, self._path, self._name = engine, f"/containers/{container}", name
        self._writer, self._progress = writer, progress
        self._channels = {stream: writer.channel(name, stream) for stream in ("stdout", "stderr")}
        self._positions = {stream: Position() for stream in self._channels}
        self._unread = UnreadInput(expected=False)
        self._noted = -1
        self._heard = time.monotonic()

    def follow(
        self,
        stream: Stream,
        exit_code: ExitCode,
        *,
        remains: bool,
        auto_removed: bool,
        sent: threading.Event | None = None,
    ) -> int:
        """Record what the command writes, to its end. Returns its exit code.

        Args:
            stream: the attached connection.
            exit_code: of this container.
            remains: whether the container still exists after its end, and is not restarted.
            auto_removed: whether it is removed as soon as it has ended.
            sent: set once all of the command's input has been sent, where it has one.

        Raises:
            EngineUnavailable: the engine has gone away, or the command got only part of its input.
            ApiError: the engine does not know the exit code.
            Stopped: it was stopped.
        """
        self._unread = UnreadInput(expected=self._engine.is_podman and sent is not None)
        log = self._log_of_unread(sent) if auto_removed else None
        try:
            whole = self._attached(stream, exit_code)
            if whole and auto_removed and (sent is None or sent.is_set()):
                whole = self._follow_to_end()
            elif (log is not None or not whole) and self._ended_unread(sent, exit_code, stream, whole=whole):
                whole = self._take_log(log) if log is not None else whole
            code = exit_code.get(END_SECONDS) if whole else None
            if not whole or (code is None and self._is_running()):
                self._check_input(sent)
                self._go_on(exit_code)
            code = exit_code.get()
            if remains:
                self._check()
        finally:
            if log is not None:
                log.close()
            for channel in self._channels.values():
                channel.finish()
        self._check_stop()
        if code is None:
            raise Stopped(f"The run of {self._name} was stopped.")
        return code

    def _attached(self, stream: Stream, exit_code: ExitCode) -> bool:
        """Take what a connection delivers; returns whether it ended where an output may end."""
        frames, pace, over, silent = Frames(), Pace(), threading.Event(), threading.Event()
        Silence(stream, self._engine.http().check_alive, self._is_behind, self._say_silent)
        watching = (stream, exit_code, over, silent)
        threading.Thread(target=self._watch, args=watching, daemon=True, name="nbcontainer: end of an output").start()
        try:
            while data := stream.recv(READ_BYTES):
                self._take(self._unread.leave_out(frames.feed(data)))
                pace.wait((data,))
        except Silent as error:
            raise lost(str(error), self._engine.address) from None
        except (OSError, ApiError):  # the connection broke, or delivers garbage
            return False
        finally:
            over.set()
            self._check_stop()
        return not frames.broken and not silent.is_set() and not self._unread.seen

    def _watch(self, stream: Stream, exit_code: ExitCode, over: threading.Event, silent: threading.Event) -> None:
        """Close a connection that does not end though the container has, and delivers nothing more."""
        exit_code.known.wait()
        self._heard = max(self._heard, time.monotonic())
        while not over.wait(max(0.0, self._heard + SILENT_SECONDS - time.monotonic())):
            if time.monotonic() >= self._heard + SILENT_SECONDS:
                silent.set()
                stream.close()
                return

    def _take(self, pieces: Iterable[tuple[str, bytes]]) -> None:
        self._heard = time.monotonic()
        for name, piece in pieces:
            self._positions[name].take(piece)
            self._channels[name].feed(piece)

    @property
    def _line_count(self) -> int:
        return sum(position.lines for position in self._positions.values())

    def _is_behind(self) -> bool | None:
        """Whether the container has ended, or its log has more than has arrived; ApiError where it has no log."""
        return has_ended(self._engine, self._path) or not self._end_came(timeout=patience())

    def _say_silent(self, words: str) -> None:
        self._writer.emit(LogSource(self._name, open=True, note=f"{words}, and {self._name} is still running"))

    # --- where the connection broke

    def _ended_unread(self, sent: threading.Event | None, exit_code: ExitCode, stream: Stream, *, whole: bool) -> bool:
        """Whether the command has ended before it had read all of its input."""
        # hardly anything but the engine resets a connection through a Unix socket
        is_end = whole or (stream.was_reset and self._engine.address.startswith("unix:"))
        if sent is None or sent.is_set() or self._unread.seen or not is_end:
            return False
        if exit_code.get(SILENT_SECONDS) is None:
            return False
        self._unread.seen = True
        if not whole:
            self._note(LogGap(UnreadInput.GAP))
        return True

    def _check_input(self, sent: threading.Event | None) -> None:
        if sent is None or self._unread.seen:
            return
        if not sent.is_set():
            message = f"{self._engine.name} broke off while {self._name} was reading its input, and it got only part."
            raise lost(message, self._engine.address)
        self._note(LogGap("the connection broke while the command ran: it may lack the end of its input"))

    def _go_on(self, exit_code: ExitCode) -> None:
        """Take the rest from the log; where there is none, from further connections."""
        if self._rest_of_log(exit_code):
            return
        self._say_what_is_missing()
        query = {"stream": True, "stdout": True, "stderr": True}
        tries = TRIES
        while tries and exit_code.get(0) is None:
            before, tries = self._line_count, tries - 1
            try:
                stream, _ = self._engine.http().hijack(
                    f"{self._path}/attach", query=query, on_open=self._progress.on_stop
                )
            except ApiError:  # it has just ended
                return
            with stream:
                whole = self._attached(stream, exit_code)
            if whole and (exit_code.get(END_SECONDS) is not None or not self._is_running()):
                return
            self._say_what_is_missing()
            tries = TRIES if self._line_count > before else tries
            exit_code.get(PAUSE_SECONDS)

    def _rest_of_log(self, exit_code: ExitCode) -> bool:
        """Emit the rest from the log, until the container has ended; False where the log cannot be read."""
        tries = TRIES
        while tries:
            before, tries = self._line_count, tries - 1
            try:
                if not self._read_log(follow=True):
                    return False
                if exit_code.get(PAUSE_SECONDS) is not None:
                    return True
            except ApiError:
                return False
            except (EngineUnavailable, Frozen):  # it broke, too
                self._check_stop()
                exit_code.get(PAUSE_SECONDS)
            tries = TRIES if self._line_count > before or self._is_running() else tries
        return False

    def _read_log(self, *, follow: bool) -> bool:
        """Emit what more the log has; False where it does not match what was emitted so far."""
        with self._open_log(follow=follow) as reply:
            return self._take_log(reply)

    def _open_log(self, *, follow: bool) -> ReplyStream:
        query = {"stdout": True, "stderr": True, "follow": follow}
        return self._engine.http().stream("GET", f"{self._path}/logs", query=query, on_open=self._progress.on_stop)

    def _take_log(self, reply: ReplyStream) -> bool:
        unread = {name: Unread(self._positions[name]) for name in ("stdout", "stderr")}
        frames, ends = Frames(), dict[str, bytes]()
        Silence(reply.stream, self._engine.http().check_alive, self._is_behind)
        while data := reply.read():
            pieces = [(name, unread[name].feed(piece)) for name, piece in frames.feed(data)]
            if any(one.other for one in unread.values()):
                return False
            pieces = list(self._without_last_end(pieces, ends))
            if pieces:
                self._say_it_broke()
                self._take(pieces)
        self._check_stop()
        return all(one.ended_well() for one in unread.values())

    def _without_last_end(
        self, pieces: Iterable[tuple[str, bytes]], ends: dict[str, bytes]
    ) -> Iterator[tuple[str, bytes]]:
        """The pieces that are not empty; the line break after an unfinished line waits in `ends` for what follows it.

        A log ends the last line even where the command did not.
        """
        for name, piece in pieces:
            rest = ends.pop(name, b"") + piece
            if rest == b"\n" and self._positions[name].partial:
                ends[name] = rest
            elif rest:
                yield name, rest

    # --- where the container has ended

    def _follow_to_end(self) -> bool:
        """Emit what more the log has, until the container has ended; False where that is still to be done.

        A log that cannot be read is not a failure: the container is about to be removed, or keeps no log.
        """
        with contextlib.suppress(ApiError, EngineUnavailable, Frozen):
            if sum(position.bytes for position in self._positions.values()) > CHECKED_BYTES:
                return self._end_came(follow=True)
            self._read_log(follow=True)
        self._check_stop()
        return True

    def _log_of_unread(self, sent: threading.Event | None) -> ReplyStream | None:
        """The log of a command with a long input, opened in advance; None where it cannot be, or all is sent.

        If the command ends before it has read everything, Docker may drop its last output, and the log is removed too.
        """
        if sent is None or self._engine.is_podman or sent.wait(SENT_SECONDS):
            return None
        with contextlib.suppress(ApiError):  # it has just ended, or keeps no log
            return self._open_log(follow=True)
        return None

    def _check(self) -> None:
        """Emit what the log has and the connection did not deliver."""
        for _ in range(TRIES):
            with contextlib.suppress(EngineUnavailable, Frozen):  # it broke, too
                with contextlib.suppress(ApiError):  # a log that cannot be read
                    self._compare()
                return

    def _compare(self) -> None:
        if sum(position.bytes for position in self._positions.values()) > CHECKED_BYTES and self._end_came():
            return
        if not self._read_log(follow=False) and not self._end_came():
            self._say_what_is_missing()

    def _end_came(self, *, follow: bool = False, timeout: float | None = CALL_SECONDS) -> bool:
        """Whether the log's last lines were received; with `follow`, until the container has ended."""
        frames, last = Frames(), dict.fromkeys(("stdout", "stderr"), b"")
        query = {"stdout": True, "stderr": True, "tail": CHECKED_LINES, "follow": follow}
        with self._engine.http().stream(
            "GET", f"{self._path}/logs", query=query, timeout=timeout, on_open=self._progress.on_stop
        ) as reply:
            if follow:
                Silence(reply.stream, self._engine.http().check_alive, lambda: has_ended(self._engine, self._path))
            known = time.monotonic()  # when the log so far was last known to have been received
            while data := reply.read():
                for name, piece in frames.feed(data):
                    part = last[name] + piece
                    if follow and self._positions[name].is_passed(part):
                        return False
                    last[name] = part[-KEPT_BYTES:]
                if not follow or self._has(last):
                    known = time.monotonic()
                elif time.monotonic() - known > SILENT_SECONDS or not reply.stream.readable(END_SECONDS):
                    return False  # otherwise this may be an earlier part of what was received
        return self._has(last)

    def _has(self, last: dict[str, bytes]) -> bool:
        return all(self._positions[name].has(end) for name, end in last.items())

    # --- notes

    def _say_it_broke(self) -> None:
        if self._noted < 0:
            note = f"the connection broke after {_count(self._line_count)}; what follows is from the container's log"
            self._note(LogSource(self._name, open=True, note=note))

    def _say_what_is_missing(self) -> None:
        if self._noted != self._line_count:
            seen = _count(self._line_count)
            broke = f"the connection broke after {seen}: the output after that is missing"
            self._note(LogGap(UnreadInput.GAP if self._unread.seen else broke))

    def _note(self, event: LogEvent) -> None:
        self._noted = self._line_count
        self._writer.emit(event)

    def _is_running(self) -> bool:
        try:
            found = self._engine.http().json("GET", f"{self._path}/json")
        except ApiError:
            return False
        return bool(value_of(found, "State", "Running"))

    def _check_stop(self) -> None:
        if self._progress.stopping:
            raise Stopped(f"The run of {self._name} was stopped.")


def _count(lines: int) -> str:
    return "1 line" if lines == 1 else f"{lines:,} lines"
