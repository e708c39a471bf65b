"""When a silent log stream is checked, and what follows: on a loop whose clock jumps from one timer to the next."""

import asyncio

import pytest

from nbcontainer.clusters.frozen import FrozenConnections
from nbcontainer.clusters.log_silence import (
    END_SECONDS,
    FIRST_SECONDS,
    GRACE_SECONDS,
    LONGEST_SECONDS,
    MOST_PROBES,
    Silence,
)
from nbcontainer.errors import ApiError, ClusterUnavailable, Forbidden

HOUR = 3600.0


class JumpingLoop(asyncio.SelectorEventLoop):
    """Waits for nothing: where it would sleep, its clock jumps."""

    now = 0.0

    def time(self):
        return self.now

    def _run_once(self):
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0].when())
        super()._run_once()


def run(coroutine):
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(coroutine)


class Log:
    """A followed log, of which a test says what a probe finds."""

    def __init__(self, shared=None, finds=lambda _moment: False):
        self.silence = Silence(self, *(shared or share()))
        self.finds, self.probed, self.told, self.over = finds, [], [], False
        self.ended = asyncio.Event()

    async def has_missed(self):
        self.probed.append(now())
        found = self.finds(now())
        if isinstance(found, Exception):
            raise found
        return found

    def is_over(self):
        return self.over

    def tell(self, words):
        self.told.append(words)

    async def stream(self):
        await self.ended.wait()

    async def watch(self, seconds=HOUR):
        """Whether its stream was found frozen; None if it was watched to the end of the time."""
        try:
            async with asyncio.timeout(seconds):
                return await self.silence.watch(self.stream())
        except TimeoutError:
            return None


def share():
    return FrozenConnections(), asyncio.Semaphore(MOST_PROBES)


def now():
    return asyncio.get_running_loop().time()


def test_an_hour_of_silence_costs_a_handful_of_requests():
    async def check():
        log = Log()
        assert await log.watch() is None
        return log

    log = run(check())
    assert log.probed[0] == FIRST_SECONDS
    assert max(later - sooner for sooner, later in zip(log.probed, log.probed[1:], strict=False)) == LONGEST_SECONDS
    assert len(log.probed) < 16
    assert log.told == []


def test_a_stream_that_delivers_is_never_probed():
    async def check():
        log = Log()
        watching = asyncio.create_task(log.watch())
        while not watching.done():
            await asyncio.sleep(FIRST_SECONDS / 3)
            log.silence.arrived()
        return log

    assert run(check()).probed == []


def test_what_a_stream_delivers_soon_after_a_probe_is_no_sign_of_a_frozen_one():
    async def check():
        def finds(_moment):
            asyncio.get_running_loop().call_later(GRACE_SECONDS / 2, log.silence.arrived)
            return True

        log = Log(finds=finds)
        assert await log.watch() is None
        return log

    log = run(check())
    assert log.probed[1] - log.probed[0] == GRACE_SECONDS / 2 + FIRST_SECONDS  # silence begins again
    assert log.told == []


def test_a_stream_that_has_missed_something_is_frozen():
    async def check():
        log = Log(finds=lambda moment: moment > FIRST_SECONDS)
        assert await log.watch() is True
        return log

    log = run(check())
    assert len(log.probed) == 2
    assert log.told == ["its connection froze: nothing for 93 s; a new one continues where it was"]


def test_once_one_stream_is_frozen_the_others_are_checked_at_once():
    async def check():
        shared = share()
        logs = [Log(shared, finds=lambda moment: moment > 100) for _ in range(50)]
        watching = []
        for log in logs:
            watching.append(asyncio.create_task(log.watch()))
            await asyncio.sleep(0.5)
        await asyncio.sleep(102 - now())
        fresh = Log(shared)
        last = asyncio.create_task(fresh.watch())
        moments = []
        for one in watching:
            assert await one is True
            moments.append(now())
        assert len(fresh.probed) < 3
        last.cancel()
        return logs, moments

    logs, moments = run(check())
    assert max(moments) - min(moments) <= 2 * GRACE_SECONDS
    assert max(len(log.probed) for log in logs) <= 3


def test_many_streams_are_probed_a_few_at_a_time():
    running, most = 0, 0

    class Slow(Log):
        async def has_missed(self):
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(1)
            running -= 1
            return await super().has_missed()

    async def check():
        shared = share()
        logs = [Slow(shared) for _ in range(50)]
        assert await asyncio.gather(*(log.watch() for log in logs)) == [None] * 50
        return logs

    assert min(len(log.probed) for log in run(check())) > 10
    assert most == MOST_PROBES


def test_a_stream_whose_container_has_ended_is_given_a_moment_to_end():
    async def check():
        log = Log()
        watching = asyncio.create_task(log.watch())
        await asyncio.sleep(10)
        log.over = True
        log.silence.news()
        assert await watching is True
        return now(), log

    moment, log = run(check())
    assert (moment, log.probed, log.told) == (10 + END_SECONDS, [], [])


def test_the_end_of_a_stream_is_not_a_frozen_one():
    async def check():
        log = Log()
        asyncio.get_running_loop().call_later(10, log.ended.set)
        return await log.watch(), log.told

    assert run(check()) == (False, [])


@pytest.mark.parametrize("error", [ApiError("The node is away.", status=500), Forbidden("no", status=403)])
def test_a_probe_that_is_refused_is_told_once_and_changes_nothing(error):
    async def check():
        log = Log(finds=lambda _moment: error)
        assert await log.watch() is None
        return log

    log = run(check())
    assert len(log.probed) > 10
    assert log.told == [f"nothing for 30 s; whether it wrote cannot be checked: {error.message}"]


def test_an_api_server_that_cannot_be_reached_ends_the_stream():
    async def check():
        await Log(finds=lambda _moment: ClusterUnavailable("away", context="one")).watch()

    with pytest.raises(ClusterUnavailable):
        run(check())
