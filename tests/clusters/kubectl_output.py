"""What kubectl printed, beside a table of ours."""

import re

from nbcontainer.clusters.columns import age_seconds
from nbcontainer.views.kit import Grid
from nbcontainer.views.results import picture_of


def drawn(table):
    """A table's heads and rows as they are drawn."""
    (grid,) = [block for block in picture_of(table).blocks if isinstance(block, Grid)]
    return list(grid.columns), [[span.text for span in row] for row in grid.rows]


def printed(text):
    """The heads and rows that kubectl printed: each cell begins below the first letter of its head."""
    head, *lines = text.splitlines()
    starts = [at for at in range(len(head)) if head[at] != " " and (at == 0 or head[max(0, at - 2) : at].isspace())]
    starts = [at for at in starts if at == 0 or head[at - 2 : at] == "  "]
    ends = [*starts[1:], None]
    return [[line[start:end].strip() for start, end in zip(starts, ends, strict=True)] for line in (head, *lines)]


def is_same(ours, theirs):
    """Whether a cell says the same: an age may have grown by a second, and nothing is drawn as a dash."""
    if ours == theirs or (ours == "–" and theirs in {"", "<none>"}):
        return True
    restarts = [re.fullmatch(r"(\d+) \((\w+) ago\)", text) for text in (ours, theirs)]
    if restarts[0] and restarts[1]:
        return restarts[0][1] == restarts[1][1] and is_same(restarts[0][2], restarts[1][2])
    mine, other = age_seconds(ours), age_seconds(theirs)
    return mine is not None and other is not None and abs(mine - other) <= (3 if other < 600 else 60)


def is_same_table(ours, theirs):
    """Whether heads and rows say the same, in the same order."""
    if not ours or not theirs:
        return not ours and not theirs
    heads, rows = drawn(ours)
    head, *lines = printed(theirs)
    return (
        heads == head
        and len(rows) == len(lines)
        and all(all(map(is_same, row, line)) for row, line in zip(rows, lines, strict=True))
    )
