"""Shared by the live tests: a build in one call, and finding the processes of its steps on this machine."""

import itertools
import os
import time
from pathlib import Path

from nbcontainer.buildkit import Build, DockerfileFlags, Entry, Services, SolveOptions, Tree
from nbcontainer.buildkit.messages import Empty

_COUNT = itertools.count()


def services(dockerfile, files=None, **offered):
    trees = {"dockerfile": Tree(files={"Dockerfile": dockerfile}), "context": Tree(files=files or {})}
    return Services(trees={**trees, **offered.pop("trees", {})}, **offered)


def options(exporters=(), caches=(), **flags):
    return SolveOptions(
        frontend_attributes=DockerfileFlags(**flags).attributes(), exporters=list(exporters), cache_imports=list(caches)
    )


def build(control, dockerfile, files=None, *, exporters=(), offered=None, news=None, **flags):
    """Build to the end; `news` gets the status responses; further arguments are docker build's flags."""
    following = {} if news is None else {"on_status": news.append}
    made = Build(control, options(exporters, **flags), services(dockerfile, files, **(offered or {})), **following)
    return made.run()


def ask(control):
    """Make the smallest call, to which only a daemon has an answer."""
    return control.call("ListWorkers", Empty(), Empty)


def unique():
    """A word that is in no cache."""
    return f"{os.getpid()}-{time.time_ns()}-{next(_COUNT)}"


def output_of(news):
    return b"".join(log.message for response in news for log in response.logs)


def steps(news):
    """Digest → last state of each step."""
    return {vertex.digest: vertex for response in news for vertex in response.vertexes}


def processes(marker):
    """Processes of this machine, in containers too, that have `marker` among their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                arguments = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if marker.encode() in arguments:
                found.append(int(entry.name))
    return found


def wait_until(condition, seconds=30.0, what=lambda: "it did not happen in time"):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what()
        time.sleep(0.01)


def image(name):
    """An exporter that stores the image in an engine."""
    return Entry(type="moby", attributes={"name": name})
