"""Recorded events of real builds: written by `python -m tests.recordings.build_events`, read by the tests of views.

Each line of a recording is [seconds since the start, the event as JSON]. Recording needs an engine with
BuildKit that has docker.io/library/busybox.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from nbcontainer.codec import from_json, to_json
from nbcontainer.model import build as model

FOLDER = Path(__file__).parent / "builds"

# normal and hostile output: ANSI, HTML, control and bidirectional characters
GOOD = """\
FROM busybox AS build
WORKDIR /src
RUN printf '\\033[32mok\\033[0m colours \\033[1mbold\\033[0m\\n'; \\
    printf '<img src=x onerror=alert(1)>\\nuser\\342\\200\\256txt.exe\\n'; \\
    for i in $(seq 1 40); do echo "go: compiling web/internal/part$i"; sleep 0.05; done
RUN dd if=/dev/zero of=/server bs=1M count=12 2>&1
COPY <<-EOF /src/notes.txt
	a heredoc
EOF

FROM scratch AS final
LABEL maintainer="me"
COPY --from=build /server /server
COPY --from=build /src/notes.txt /notes.txt
"""
FAILING = """\
FROM busybox AS build
WORKDIR /src
RUN echo "package main" > main.go
RUN for i in $(seq 1 30); do echo "compiling part$i"; done; \\
    printf 'cmd/server/main.go:31:14: \\033[31mundefined\\033[0m: rate.NewLimiter <b>no</b>\\n' >&2; \\
    exit 1

FROM scratch
COPY --from=build /src/main.go /main.go
"""
CASES = {"good": GOOD, "failing": FAILING}


def encode(event: model.BuildEvent, start: float) -> str:
    """One line of a recording."""
    if isinstance(event, model.BuildStarted):
        event = replace(event, spool="")  # a path of the recording machine
    return json.dumps([round(time.time() - start, 3), to_json(event)], ensure_ascii=False)


def read(name: str) -> Iterator[tuple[float, model.BuildEvent]]:
    """The events of the recording `name`, each with its time since the start."""
    for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines():
        seconds, event = json.loads(line)
        yield seconds, from_json(event)  # type: ignore[misc] # recorded were build events


def state(name: str) -> model.BuildState:
    """The recorded build's final state."""
    result = model.BuildState()
    for _, event in read(name):
        result = model.apply_build(result, event)
    return result


def record() -> None:
    """Run the cases on the engine that is reachable, and write their events."""
    import nbcontainer as nbc

    for name, text in CASES.items():
        start = time.time()
        operation = nbc.images.build(text, tags=(f"demo/{name}:1.4",), no_cache_filter=("build",))
        lines = []
        try:
            lines.extend(encode(event, start) for event in operation)  # type: ignore[arg-type] # none is missed here
        except Exception as error:  # noqa: BLE001 - the failing case is one of the cases
            sys.stderr.write(f"{name}: {error}\n")
        (FOLDER / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    record()
