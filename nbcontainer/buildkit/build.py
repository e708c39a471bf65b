"""A build from start to finish: session, Solve and Status together, cancelled together."""

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Self

from .connection import Call
from .control import Control, SolveOptions
from .errors import SolveError
from .gateway import Gateway, source_map
from .messages import SourceMap, StatusResponse
from .rpc import Client
from .rpc_status import Code, RpcError
from .session import Services, Session

_REFUSED = 0.25  # seconds of silence after which a failed Solve counts as refused before Status could report it
_LAST_WORDS = 2.0  # seconds without news after a failed Solve
_CANCELLED = "context canceled"  # the error of steps that ended because another one failed
_SILENT = 5.0  # seconds without an answer after a cancel
_ASKED, _PATIENCE = 10.0, 5.0  # seconds of silence after which the daemon is asked, and to wait for its reply
_STUCK = 30.0  # seconds without news after a successful Solve: a busy daemon sends its last news late
_UNKNOWN = "no such job"  # the reply of Status until the Solve has become a job


class Build:
    """One build.

    Attributes:
        ref: Its id in the daemon, for Status, gateway and history.

    Args:
        control: The daemon.
        options: What to build.
        services: What the daemon may ask for.
        shared_key: See `Session`.
        on_status: Gets each `StatusResponse`, in order, on a thread of its own.
        on_source_map: Gets the map from steps to lines before the steps run; not called where the daemon sends none.
            Makes the build go through the gateway, which costs a few milliseconds.
        timeout: Seconds for the whole build.
    """

    def __init__(
        self,
        control: Control,
        options: SolveOptions,
        services: Services,
        *,
        shared_key: str = "",
        on_status: Callable[[StatusResponse], None] | None = None,
        on_source_map: Callable[[SourceMap], None] | None = None,
        timeout: float | None = None,
    ) -> None:
        self.ref = uuid.uuid4().hex
        self._control, self._options, self._services, self._shared_key = control, options, services, shared_key
        self._on_status, self._on_source_map, self._timeout = on_status, on_source_map, timeout
        self._gateway = Gateway(control, self.ref)
        self._lock = threading.Lock()
        self._solve: Call | None = None
        self._watch: _Watch | None = None
        self._broken: SolveError | None = None
        self._failed_step = ""
        self._source_map: SourceMap | None = None

    def run(self) -> dict[str, str]:
        """Build; returns what the exporter reports, such as ``containerimage.digest``. An interrupt cancels it.

        Raises:
            SolveError: It failed; `Code.CANCELLED` after `cancel`, `Code.UNAVAILABLE` if the daemon was lost.
            OutputError: An exporter's result did not arrive whole, even if the daemon reports success.
        """
        with self._begin() as session:
            if self._on_source_map is None:
                request = self._options.request(self.ref, session.id)
                response = self._control.solve(request, timeout=self._timeout, on_call=self._on_call)
            else:
                response = self._run_through_gateway(session, self._on_source_map)
            if (failure := session.output_error(built=True)) is not None:
                raise failure
            return response

    @contextlib.contextmanager
    def opened(self) -> Iterator[Gateway]:
        """Start it, and let the caller use its gateway; the daemon keeps it out of its history."""
        with self._begin() as session:
            outer = _Outer(self._solve_around(session, internal=True), self._gateway.cancel)
            outer.start()
            try:
                self._gateway.ping()
                yield self._gateway
                self._gateway.return_result()
            except RpcError:
                if outer.error is not None:
                    raise outer.error from None
                raise
            outer.result()

    @contextlib.contextmanager
    def _begin(self) -> Iterator[Session]:
        """Start what the Solve needs, the session and the Status call; end all of it in any case."""
        session: Session | None = None
        try:
            with contextlib.ExitStack() as stack:
                start, key = self._control.start_session, self._shared_key
                session = start(self._services, shared_key=key, on_lost=self._session_lost)
                stack.callback(session.close)
                if self._on_status is not None:
                    self._watch = stack.enter_context(_Watch(self._control, self.ref, self._on_response))
                stack.callback(self._stop_calls)
                stack.enter_context(_watchdog(self._control.client))
                if self._broken is not None:
                    raise self._broken
                yield session
        except RpcError as error:
            refused = session.output_error(built=False) if session is not None else None
            failure = self._broken or refused or SolveError.of(error)
            failure.complete(self._failed_step, self._source_map)
            raise failure from None

    def _on_response(self, response: StatusResponse) -> None:
        for vertex in response.vertexes:
            if vertex.error and not vertex.error.endswith(_CANCELLED):
                self._failed_step = vertex.digest
        if self._on_status is not None:
            self._on_status(response)

    def cancel(self) -> None:
        """End it from any thread: `run` raises at once, and the daemon stops the running step.

        If the daemon then does not answer for some seconds, the connection is dropped, which also tells it to stop.
        """
        self._break(SolveError(Code.CANCELLED, "the build was cancelled"))
        check = threading.Thread(target=self._control.client.drop_if_silent, args=(_SILENT,), daemon=True)
        check.name = "buildkit-check"
        check.start()

    def _break(self, error: SolveError) -> None:
        with self._lock:
            self._broken = self._broken or error
        self._stop_calls()
        if self._watch is not None:
            self._watch.hurry()

    def _stop_calls(self) -> None:
        # A RUN of a gateway's build goes on unless both the inner and the outer Solve are cancelled.
        self._gateway.cancel()
        with self._lock:
            solve = self._solve
        if solve is not None:
            solve.cancel()

    def _session_lost(self, error: RpcError) -> None:
        code = Code.UNAVAILABLE if error.code is Code.CANCELLED else error.code
        self._break(SolveError(code, f"the daemon ended the session: {error.message}"))

    def _on_call(self, call: Call) -> None:
        with self._lock:
            self._solve = call
            broken = self._broken
        if broken is not None:
            call.cancel()

    def _run_through_gateway(self, session: Session, on_source_map: Callable[[SourceMap], None]) -> dict[str, str]:
        outer = _Outer(self._solve_around(session), self._gateway.cancel)
        outer.start()
        try:
            self._gateway.ping()
            result, raw = self._gateway.solve(self._options)
            self._source_map = source_map(result)
            if self._source_map is not None:
                on_source_map(self._source_map)
            self._gateway.return_result(raw)
        except RpcError as error:
            if outer.error is not None:  # it ended first, and took the gateway's calls with it
                raise outer.error from None
            with contextlib.suppress(RpcError):
                self._gateway.return_result(error=error)
            raise
        return outer.result()

    def _solve_around(self, session: Session, *, internal: bool = False) -> Callable[[], dict[str, str]]:
        request = self._options.request(self.ref, session.id, through_gateway=True)
        request.internal = internal
        return lambda: self._control.solve(request, timeout=self._timeout, on_call=self._on_call)


@contextlib.contextmanager
def _watchdog(client: Client) -> Iterator[None]:
    """Drop the connection to a daemon that no longer answers: a frozen one looks like one without news."""
    ended = threading.Event()

    def check() -> None:
        while not ended.wait(_ASKED / 2):  # a daemon makes a call of its own every 5 s, so few checks are needed
            client.drop_if_silent(_PATIENCE, after=_ASKED)

    threading.Thread(target=check, daemon=True, name="buildkit-check").start()
    try:
        yield
    finally:
        ended.set()


class _Outer(threading.Thread):
    """The Solve around a gateway's calls."""

    def __init__(self, solve: Callable[[], dict[str, str]], on_failure: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="buildkit-solve")
        self._solve, self._on_failure = solve, on_failure
        self._response: dict[str, str] = {}
        self.error: RpcError | None = None

    def run(self) -> None:
        """Wait for the daemon."""
        try:
            self._response = self._solve()
        except RpcError as error:
            self.error = error
            self._on_failure()

    def result(self) -> dict[str, str]:
        """Wait for the result; return or raise it."""
        self.join()
        if self.error is not None:
            raise self.error
        return self._response


class _Watch(contextlib.AbstractContextManager["_Watch"]):
    """Passes on the replies of Status, until the daemon has sent all."""

    def __init__(self, control: Control, ref: str, on_status: Callable[[StatusResponse], None]) -> None:
        self._control, self._ref, self._on_status = control, ref, on_status
        self._call: Call | None = None
        self._received = self._handling = self._hurried = self._ended = False
        self._last = time.monotonic()
        self._problem: Exception | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True, name="buildkit-status")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._last, self._ended = time.monotonic(), True
        if kind is None:
            patience = _REFUSED if self._hurried else _STUCK
        elif self._received and isinstance(error, RpcError) and error.code is not Code.CANCELLED:
            patience = _LAST_WORDS
        else:
            patience = _REFUSED
        while not self._done.wait(self._last + patience - time.monotonic()):
            if self._handling and kind is None:  # the listener is slow, and must get everything
                self._last = time.monotonic()
            elif self._hurried or time.monotonic() >= self._last + patience:
                break
        if self._call is not None:
            self._call.cancel()
        if self._problem is not None and kind is None:
            raise self._problem

    def hurry(self) -> None:
        """Wait no longer for the rest: the build was cancelled."""
        self._hurried = True
        if self._call is not None:
            self._call.cancel()

    def _follow(self) -> None:
        try:
            while not self._receive():
                pass
        except Exception as error:  # noqa: BLE001 - the listener's own
            self._problem = error
        finally:
            self._handling = False
            self._done.set()

    def _receive(self) -> bool:
        """Pass on all replies; False where the daemon, after some seconds, does not know the build yet."""
        try:
            for response in self._control.status(self._ref, on_call=self._on_call):
                self._received = self._handling = True
                self._on_status(response)
                self._handling, self._last = False, time.monotonic()
        except RpcError as error:  # the Solve reports why
            return self._received or self._hurried or self._ended or _UNKNOWN not in error.message
        return True

    def _on_call(self, call: Call) -> None:
        self._call = call
        if self._hurried:
            call.cancel()
