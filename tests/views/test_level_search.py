"""A search for levels finds the lines that have them, whichever way they are written."""

import random

import pytest

from nbcontainer.model.log_fields import LEVELS, level_of
from nbcontainer.model.log_lines import LogChunk
from nbcontainer.views.log_search import search_for

WORDS = [
    *("error", "ERROR", "err", "e", "severe", "FATAL", "ftl", "crit", "PANIC", "emerg", "warn", "WRN", "w", "W"),
    *("info", "i", "log", "debug", "d", "trace", "t", "E", "F", "10", "30", "50", "60", "x", ""),
]
FORMS = [
    *(
        '"level":"%s"',
        '"lvl": %s',
        "level=%s msg=x",
        'severity="%s"',
        "%s0102 10:20:30.1 x",
        "2026 %s text",
        "[%s] text",
    ),
    *("a %s b", "log.level=%s", '"@l":"%s"', "E\x1b[1mRR%s", "\x1b[31m%s\x1b[0m: x", "text %s", "foo(%s)", "@l=%s"),
    "GET /api/v1/items %s",
]


@pytest.mark.parametrize("seed", range(20))
def test_levels_are_found_as_line_by_line(seed):
    chosen = random.Random(seed)
    for _ in range(40):
        forms = chosen.sample(FORMS, chosen.randint(1, len(FORMS)))
        lines = [chosen.choice(forms) % chosen.choice(WORDS) for _ in range(chosen.randint(1, 8))]
        chunk = LogChunk("web", "".join(f"{line}\n" for line in lines).encode(), len(lines))
        for level in LEVELS:
            levels = LEVELS[LEVELS.index(level) :]
            wanted = [at for at, line in enumerate(lines) if level_of(line) in levels]
            assert list(search_for(f"level:{level}").matches(chunk)) == wanted, (level, lines)
