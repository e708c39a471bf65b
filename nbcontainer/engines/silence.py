"""A stream that is silent for a while: whether it is quiet or dead.

An engine that answers on a new connection may never be heard again on an old one, which a NAT or a proxy in between
has forgotten. So each kind of stream brings a check of its own: whether the engine has more than arrived here. What
cannot be known is said.
"""

from __future__ import annotations

from collections.abc import Callable

from nbcontainer.byte_stream import Frozen, Silent, Stream
from nbcontainer.errors import ApiError, EngineUnavailable
from nbcontainer.settings import settings

CHECK_SECONDS = 30.0  # of silence after which a stream itself is checked; before, only its engine is
GRACE_SECONDS = 3.0  # for what a check has found to arrive
HEAD_SECONDS = 600.0  # for the beginning of a reply that waits for a registry, such as that to a push
SAID_SECONDS = 300.0  # of silence after which it is said


class Silence:
    """What is done while a stream is silent: for `Stream.when_silent`, which calls it less and less often.

    Args:
        stream: the stream.
        check_engine: raises `Silent` where the engine does not answer at all.
        is_behind: whether the engine has more than has arrived, or has ended what the stream belongs to; None, or an
            ApiError, where that cannot be known.
        say: takes "nothing for 5 min" where that cannot be known.
        after: seconds of silence after which `is_behind` is called; None for `CHECK_SECONDS`.
    """

    def __init__(
        self,
        stream: Stream,
        check_engine: Callable[[], None],
        is_behind: Callable[[], bool | None],
        say: Callable[[str], object] | None = None,
        *,
        after: float | None = None,
    ) -> None:
        self._stream, self._check_engine, self._is_behind, self._say = stream, check_engine, is_behind, say
        self._after = after
        self._silent, self._is_said = 0.0, False
        stream.when_silent(self)

    def __call__(self) -> None:
        """Check the stream.

        Raises:
            Frozen: it is dead.
            Silent: the engine does not answer.
        """
        silent = self._stream.silent_seconds
        if silent < (CHECK_SECONDS if self._after is None else self._after):
            self._check_engine()
            return
        try:
            is_behind = self._is_behind()
        except ApiError:
            is_behind = None
        except EngineUnavailable as error:
            raise Silent(error.message) from error
        if is_behind and not self._stream.readable(GRACE_SECONDS):
            raise Frozen("it froze, and the engine went on without it.")
        if silent < self._silent:
            self._is_said = False  # of an earlier silence
        self._silent = silent
        if silent >= SAID_SECONDS and is_behind is None and self._say is not None and not self._is_said:
            self._is_said = True
            self._say(f"nothing for {silent // 60:.0f} min")


def patience() -> float:
    """Seconds for one request of a check: what arrives on the stream meanwhile has to wait."""
    return 2 * settings.connect_timeout
