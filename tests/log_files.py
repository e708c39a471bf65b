"""What is in a log's file."""

from nbcontainer.model.log_file import LogReader


def texts_in(path):
    """The texts of all lines, as the one reader reads them."""
    return [line.text for chunk in LogReader(path).chunks() for line in chunk.lines]


def bytes_in(path):
    """All bytes that were received."""
    return b"".join(data for _, _, data in LogReader(path).raw())
