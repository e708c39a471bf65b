"""Logs read at the same time become one in the order of their timestamps, however they arrive."""

import asyncio
import random

from nbcontainer.clusters.log_merge import MOST_BYTES, TimeMerge
from nbcontainer.logs.cutter import Cut, LineCutter, Piece


class Channel:
    """One log."""

    def __init__(self, name):
        self.name = name


class Written:
    """A writer that keeps what it gets."""

    def __init__(self):
        self.lines, self.pieces = [], []

    def add(self, channel, pieces):
        for cut, data in pieces:
            self.pieces.append((channel.name, cut, data))
            if cut is Cut.LINES:
                self.lines += [(channel.name, line.decode()) for line in data.split(b"\n")[:-1]]

    def add_runs(self, runs):
        for channel, data in runs:
            self.add(channel, [Piece(Cut.LINES, data)])


def stamped(number, text="x"):
    return f"2026-01-02T03:{number // 60:02}:{number % 60:02}.123456789Z {text}{number}"


def test_lines_are_in_the_order_of_their_times_however_they_arrive():
    chance = random.Random(7)
    channels = [Channel(str(index)) for index in range(5)]
    written = Written()
    merge = TimeMerge(written, channels)
    given = {channel: sorted(chance.sample(range(3000), 400)) for channel in channels}
    waiting = {channel: list(numbers) for channel, numbers in given.items()}
    most = 0
    while any(waiting.values()):
        channel = chance.choice([channel for channel in channels if waiting[channel]])
        count = chance.randint(1, 40)
        numbers, waiting[channel] = waiting[channel][:count], waiting[channel][count:]
        merge.add(channel, [Piece(Cut.LINES, "".join(f"{stamped(one)}\n" for one in numbers).encode())])
        if not waiting[channel]:
            merge.end(channel)
        most = max(most, len(written.lines))
    assert most > 0, "nothing was written before all had arrived"
    expected = sorted((one, channel.name) for channel, numbers in given.items() for one in numbers)
    assert written.lines == [(name, stamped(one)) for one, name in expected]


def test_a_log_waits_for_the_others_once_it_has_too_much():
    async def play():
        first, second = Channel("first"), Channel("second")
        merge = TimeMerge(Written(), [first, second])
        merge.add(first, [Piece(Cut.LINES, f"{stamped(1, 'x' * MOST_BYTES)}\n".encode())])
        waiting = asyncio.ensure_future(merge.has_room(first))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await merge.has_room(second)
        merge.add(second, [Piece(Cut.LINES, f"{stamped(2)}\n".encode())])
        await asyncio.wait_for(waiting, 1)

    asyncio.run(play())


def test_a_line_too_long_for_memory_passes_through_when_it_is_its_turn():
    first, second = Channel("first"), Channel("second")
    written, cutter = Written(), LineCutter()
    merge = TimeMerge(written, [first, second])
    data = f"{stamped(1)}\n{stamped(5, 'y' * 300_000)}\n{stamped(7)}\n".encode()
    pieces = [piece for at in range(0, len(data), 50_000) for piece in cutter.feed(data[at : at + 50_000])]
    merge.add(second, [Piece(Cut.LINES, f"{stamped(3)}\n{stamped(6)}\n".encode())])
    for piece in pieces[:-1]:
        merge.add(first, [piece])
    assert (first.name, Cut.PART) in [piece[:2] for piece in written.pieces], "it is not kept in memory"
    assert [line[:6] for line in written.lines[:2]] == [("first", stamped(1)), ("second", stamped(3))]
    merge.add(first, pieces[-1:])
    merge.end(first)
    merge.end(second)
    assert b"".join(data for name, _, data in written.pieces if name == "first") == data
    assert written.lines[2:] == [("second", stamped(6)), ("first", stamped(7))]


def test_stamps_of_other_zones():
    first, second = Channel("first"), Channel("second")
    written = Written()
    merge = TimeMerge(written, [first, second])
    merge.add(first, [Piece(Cut.LINES, b"2026-01-02T05:00:01.5+02:00 a\n2026-01-02T05:00:03+02:00 b\n")])
    merge.add(second, [Piece(Cut.LINES, b"2026-01-02T03:00:02.000000000Z c\n")])
    merge.close()
    assert [line[-1] for _, line in written.lines] == ["a", "c", "b"]
