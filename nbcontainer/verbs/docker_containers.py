"""The declarations of `%docker run`, `ps`, `logs`, `stop` and `rm`."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import ENGINE, PLATFORMS, TTY, YES

CONTAINER = positional("CONTAINER", help="a container's name or id", completes="container", to="name")
CONTAINERS = positional("CONTAINER", help="containers' names or ids", many=True, completes="container")

FILTERS = (
    *(f"status={state}" for state in ("created", "running", "paused", "restarting", "exited", "dead")),
    *("name=", "label=", "ancestor=", "network=", "volume=", "before=", "since=", "exited=", "publish=", "id="),
    *(f"health={state}" for state in ("healthy", "unhealthy", "starting", "none")),
)

VERBS = (
    Verb(
        "run",
        "Runs a command in a new container. With %%docker run, the cell is its standard input.",
        (
            positional("IMAGE", help="the image's name", completes="image"),
            positional("COMMAND", help="the command and its arguments", kind="rest", required=False),
            option("--name", help="the container's name"),
            switch("-d", "--detach", help="leave it running and return immediately"),
            switch("--rm", help="remove it when it ends", to="remove"),
            switch("-i", "--interactive", help="keep standard input open (the cell body)", control=True),
            TTY,
            option(
                "-e",
                "--env",
                help="an environment variable",
                kind="mapping",
                inherits=True,
                removes=True,
                to="environment",
            ),
            option("-p", "--publish", help="publish a port", kind="list", metavar="[IP:][HOST:]PORT"),
            option(
                "-v",
                "--volume",
                help="mount a volume or a folder",
                kind="list",
                metavar="SOURCE:TARGET",
                completes="volume",
                to="volumes",
            ),
            option("--entrypoint", help="override the image's entrypoint"),
            option("-u", "--user", help="the user it runs as"),
            option("-w", "--workdir", help="the working directory"),
            option("--network", help="the network it joins", completes="network"),
            option("-h", "--hostname", help="its host name"),
            option("-m", "--memory", help="memory limit", metavar="SIZE"),
            option("--cpus", help="number of CPUs", kind="decimal"),
            option("-l", "--label", help="a label", kind="mapping", to="labels"),
            option("--platform", help="the image's platform", metavar="OS/ARCH", suggests=PLATFORMS),
            option("--pull", help="when to pull the image", choices=("always", "missing", "never")),
            option(
                "--restart",
                help="restart policy",
                suggests=("no", "always", "unless-stopped", "on-failure", "on-failure:"),
            ),
            switch("--read-only", help="mount its root filesystem read-only"),
            ENGINE,
        ),
        example="%docker run --rm busybox echo hello",
        command=("docker", "run"),
        aliases=("container run",),
        body="optional",
        takes="stdin",
        rest_after_first=True,
        calls="containers.run",
        heading="Run",
    ),
    Verb(
        "ps",
        "Lists containers.",
        (
            switch("-a", "--all", help="include stopped containers"),
            option(
                "-f",
                "--filter",
                help="filter, such as status=exited",
                kind="list",
                metavar="FILTER",
                to="filters",
                suggests=FILTERS,
            ),
            switch("--no-trunc", help="do not shorten ids and commands"),
            switch("-q", "--quiet", help="only the ids", control=True),
            ENGINE,
        ),
        example="%docker ps -a",
        command=("docker", "ps"),
        aliases=("container ls", "container list", "container ps"),
        calls="containers.list",
        quiet="CONTAINER ID",
    ),
    Verb(
        "logs",
        "Shows a container's output.",
        (
            CONTAINER,
            switch("-f", "--follow", help="keep showing new output"),
            option("-n", "--tail", help="only the last lines; all for all of them", kind="tail", default=-1),
            option("--since", help="only lines since then: 10m ago, or 2026-01-02T03:04:05Z", default=""),
            option("--until", help="only lines until then, likewise", default=""),
            switch("-t", "--timestamps", help="show the time of each line"),
            option("--duration", help="stop following after this time", kind="seconds", own=True, default=0.0),
            ENGINE,
        ),
        example="%docker logs -f web",
        command=("docker", "logs"),
        aliases=("container logs",),
        calls="containers.logs",
    ),
    Verb(
        "stop",
        "Stops containers.",
        (
            CONTAINERS,
            option(
                "-t",
                "--time",
                "--timeout",
                help="seconds to wait before killing; -1 waits for as long as it takes",
                kind="number",
                to="seconds",
            ),
            ENGINE,
        ),
        example="%docker stop web",
        command=("docker", "stop"),
        aliases=("container stop",),
        calls="containers.stop",
    ),
    Verb(
        "rm",
        "Removes containers.",
        (
            CONTAINERS,
            switch("-f", "--force", help="remove running containers too; ignore missing ones"),
            switch("-v", "--volumes", help="also remove their anonymous volumes"),
            YES,
            ENGINE,
        ),
        example="%docker rm -f web",
        command=("docker", "rm"),
        aliases=("container rm", "container remove"),
        calls="containers.remove",
        asks="containers.plan_remove",
    ),
)
