"""A `docker run` as the API's request, checked before anything is sent, and as the equivalent command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from nbcontainer.engines.failures import plain
from nbcontainer.errors import UsageError
from nbcontainer.model.commands import environment_words
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.references import parse_reference

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
IMAGE_ID = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}")
PORT = re.compile(
    r"(?:(?:(?P<ip>\[[0-9a-fA-F:.]+\]|[0-9.]*):)?(?P<host>[0-9-]*):)?(?P<container>[0-9-]+)(?:/(?P<protocol>\w+))?"
)
BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
SMALLEST_MEMORY = 6 << 20  # the Engine's own limit
LARGEST_PORT = 65535
PULLS = ("missing", "always", "never")


def creation(request: RunRequest, proxies: Mapping[str, str]) -> dict[str, object]:
    """The body of POST /containers/create.

    Args:
        request: what to run.
        proxies: variables that the container gets where the request does not set them.

    Raises:
        UsageError: a flag's value is not valid; the message says which, and how it should look.
    """
    _check(request)
    exposed, bindings = _ports(request.publish)
    binds, volumes = _volumes(request.volumes)
    environment: dict[str, str | None] = {**proxies, **request.environment}
    host: dict[str, object] = {
        "AutoRemove": request.remove,
        "Binds": binds,
        "PortBindings": bindings,
        "ReadonlyRootfs": request.read_only,
        "RestartPolicy": _restart(request.restart),
    }
    if request.memory:
        host["Memory"] = _memory(request.memory)
    if request.cpus:
        host["NanoCpus"] = round(request.cpus * 1e9)
    if request.network:
        host["NetworkMode"] = request.network
    reads = request.stdin is not None and not request.detach
    body: dict[str, object] = {
        "Image": request.image,
        "Env": [name if value is None else f"{name}={value}" for name, value in environment.items()],
        "Labels": dict(request.labels),
        "ExposedPorts": {port: {} for port in exposed},
        "Volumes": {target: {} for target in volumes},
        "AttachStdout": not request.detach,
        "AttachStderr": not request.detach,
        "AttachStdin": reads,
        "OpenStdin": reads,
        "StdinOnce": reads,
        "HostConfig": host,
    }
    optional = {
        "Cmd": list(request.command),
        "Entrypoint": None if request.entrypoint is None else [request.entrypoint],  # "" is none at all
        "User": request.user,
        "WorkingDir": request.workdir,
        "Hostname": request.hostname,
    }
    return body | {name: value for name, value in optional.items() if value}


def _check(request: RunRequest) -> None:
    if not is_image_id(request.image):
        parse_reference(request.image)
    if request.name:
        check_name(request.name)
    if request.pull not in PULLS:
        raise UsageError(f"`--pull` must be one of {', '.join(PULLS)}, not {plain(request.pull, 60)!r}.")
    if request.cpus < 0:
        raise UsageError(f"`--cpus` must be a positive number, not {request.cpus:g}.")
    if request.remove and request.restart not in ("", "no"):
        raise UsageError("`--rm` and `--restart` cannot be combined.")
    if request.detach and request.stdin is not None:
        raise UsageError("A detached container cannot read standard input: omit `--detach`.")
    for name in request.environment:
        if not name or "=" in name or "\0" in name:
            raise UsageError(f"{plain(name, 60)!r} is not a valid name for an environment variable.")
    if request.workdir and not request.workdir.startswith("/"):
        raise UsageError(f"`--workdir` must be an absolute path, not {plain(request.workdir, 60)!r}.")


def is_image_id(text: str) -> bool:
    """Whether it is an image's id, or a prefix of one, rather than a name."""
    return IMAGE_ID.fullmatch(text) is not None


def check_name(name: str) -> None:
    """Check a container's name.

    Raises:
        UsageError: it is not valid.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{plain(name, 80)!r} is not a valid container name.",
            cure="Letters, digits, _ . and -, at least two of them.",
        )


def _ports(published: tuple[str, ...]) -> tuple[list[str], dict[str, list[dict[str, str]]]]:
    exposed: list[str] = []
    bindings: dict[str, list[dict[str, str]]] = {}
    for text in published:
        for ip, host, container in _mappings(text):
            exposed.append(container)
            bindings.setdefault(container, []).append({"HostIp": ip, "HostPort": host})
    return exposed, bindings


def _mappings(text: str) -> Iterator[tuple[str, str, str]]:
    """(IP, host's port, "container's port/protocol") of one --publish, which may name ranges of ports."""
    found = PORT.fullmatch(text)
    protocol = ((found and found["protocol"]) or "tcp").lower()
    if not found or protocol not in ("tcp", "udp", "sctp"):
        raise UsageError(
            f"`--publish` {plain(text, 60)!r} is not a valid port.",
            cure="It looks like 8080:80, 127.0.0.1:8080:80 or 53:53/udp.",
        )
    inside = _range(text, found["container"])
    outside = _range(text, found["host"]) if found["host"] and found["host"].strip("0") else None  # 0: any free one
    if outside is not None and len(outside) != len(inside):
        raise UsageError(f"`--publish` {text}: the two ranges differ in length.")
    ip = (found["ip"] or "").strip("[]")
    for index, port in enumerate(inside):
        yield ip, str(outside[index]) if outside is not None else "", f"{port}/{protocol}"


def _range(text: str, ports: str) -> range:
    first, dash, last = ports.partition("-")
    if not first.isdigit() or (dash and not last.isdigit()):
        raise UsageError(f"`--publish` {plain(text, 60)!r}: {ports!r} is not a valid port.")
    low, high = int(first), int(last or first)
    if not 0 < low <= high <= LARGEST_PORT:
        raise UsageError(f"`--publish` {plain(text, 60)!r}: a port is a number from 1 to {LARGEST_PORT}.")
    return range(low, high + 1)


def _volumes(volumes: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Binds ("source:target:options") and anonymous volumes (targets)."""
    binds, anonymous = [], []
    for text in volumes:
        parts = text.split(":")
        target = parts[1] if len(parts) > 1 else parts[0]
        if len(parts) > 3 or not all(parts) or not target.startswith("/"):  # noqa: PLR2004 - source, target, options
            raise UsageError(
                f"`--volume` {plain(text, 80)!r} is not a valid mount.",
                cure="It looks like ./data:/data, name:/data or /host:/data:ro.",
            )
        if len(parts) == 1:
            anonymous.append(target)
        else:
            binds.append(":".join([_source(text, parts[0]), *parts[1:]]))
    return binds, anonymous


def _source(text: str, source: str) -> str:
    """A folder on this machine as an absolute path; a volume's name unchanged."""
    if source.startswith(("/", ".", "~")):
        return str(Path(source).expanduser().absolute())
    if not NAME.fullmatch(source):
        raise UsageError(
            f"`--volume` {plain(text, 80)!r}: {plain(source, 60)!r} is neither a path nor a valid volume name.",
            cure="A path in the notebook's folder begins with ./",
        )
    return source


def _memory(text: str) -> int:
    found = BYTES.fullmatch(text.strip())
    size = int(float(found[1]) * 1024 ** POWERS[found[2].lower()]) if found else 0
    if not found or size < SMALLEST_MEMORY:
        raise UsageError(
            f"`--memory` {plain(text, 40)!r} is not a valid size.", cure="At least 6m; such as 512m or 2g."
        )
    return size


def _restart(text: str) -> dict[str, object]:
    name, colon, count = text.partition(":")
    if name not in ("", "no", "always", "unless-stopped", "on-failure") or (
        colon and (name != "on-failure" or not count.isdigit())
    ):
        raise UsageError(
            f"`--restart` {plain(text, 40)!r} is not a valid restart policy.",
            cure="no, always, unless-stopped, on-failure or on-failure:3.",
        )
    return {"Name": name or "no", "MaximumRetryCount": int(count or 0)}


def run_words(request: RunRequest) -> list[str]:
    """The request as the words of a `docker run`."""
    words = ["run"]
    for flag, given in (
        ("--detach", request.detach),
        ("--rm", request.remove),
        ("--interactive", request.stdin is not None),
        ("--read-only", request.read_only),
    ):
        words += [flag] * bool(given)
    single = {
        "--name": request.name,
        "--user": request.user,
        "--workdir": request.workdir,
        "--network": request.network,
        "--hostname": request.hostname,
        "--memory": request.memory,
        "--cpus": f"{request.cpus:g}" if request.cpus else "",
        "--platform": request.platform,
        "--pull": request.pull if request.pull != "missing" else "",
        "--restart": request.restart,
    }
    words += [word for flag, value in single.items() if value for word in (flag, value)]
    words += [] if request.entrypoint is None else ["--entrypoint", request.entrypoint]
    several = {
        "--publish": request.publish,
        "--volume": request.volumes,
        "--label": [f"{name}={value}" for name, value in request.labels.items()],
    }
    words += [word for flag, values in several.items() for value in values for word in (flag, value)]
    words += environment_words("--env", request.environment)
    return [*words, request.image, *request.command]
