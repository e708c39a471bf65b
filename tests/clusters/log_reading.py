"""A container's log, read from given bytes: what becomes of it as lines, and in the log's file."""

from typing import ClassVar

from nbcontainer.clusters.log_lines import LineReader
from nbcontainer.logs.writer import LogWriter
from nbcontainer.model.log_file import LogReader


class Reading:
    """A `LineReader` with a writer of its own; `close_all` closes those of a test."""

    _opened: ClassVar[list] = []

    def __init__(self, source="p", stream="stdout", *, stamped):
        self._writer, self.chunks, self._seen = LogWriter("test"), [], 0
        self._writer.start(self.chunks.extend, lambda _note: None)
        self._opened.append(self)
        self.reader = LineReader(self._writer, self._writer.channel(source, stream, stamped=stamped))

    def feed(self, data):
        """Feed the reader; returns the lines that this completes."""
        self.reader.feed(data)
        return self._fresh()

    def finish(self):
        """Finish the reader; returns its last lines."""
        self.reader.finish()
        return self._fresh()

    def _fresh(self):
        self._writer.flush()
        lines = self.lines
        seen, self._seen = self._seen, len(lines)
        return lines[seen:]

    @property
    def lines(self):
        """All lines so far; the file has the same ones."""
        lines = [line for chunk in self.chunks for line in chunk.lines]
        assert LogReader(self._writer.path).lines(0, len(lines) + 1) == lines
        return lines

    @property
    def raw(self):
        """What the file has of the log."""
        return b"".join(data for _, _, data in LogReader(self._writer.path).raw())

    def close(self):
        """Close the files."""
        self._writer.close()

    @classmethod
    def close_all(cls):
        """Close the files of all that are open."""
        while cls._opened:
            cls._opened.pop().close()
