"""Help on every word of a Dockerfile: what it does, and an example."""

from __future__ import annotations

from dataclasses import dataclass

from nbcontainer.dockerfile.words import INSTRUCTIONS, nearest

__all__ = ["Help", "help_dockerfile", "help_words"]


@dataclass(frozen=True, slots=True)
class Help:
    """Help on one word.

    Attributes:
        title: the word's form, such as "COPY [--from=STAGE] SOURCE… DESTINATION".
        text: what it does, in a few sentences.
        example: Dockerfile text.
    """

    title: str
    text: str
    example: str = ""


def help_dockerfile(word: str) -> Help | None:
    """Help on an instruction ("COPY"), a flag ("COPY --from", "--mount"), a mount type ("--mount=type=cache") or a
    parser directive ("# syntax"); None where the word is unknown.
    """  # noqa: D205 - the kinds of words are one list
    wanted = " ".join(word.split())
    instruction, _, flag = wanted.partition(" ")
    if wanted.startswith("#"):
        return _DIRECTIVES.get(wanted.lstrip("# ").partition("=")[0].strip().lower())
    if not flag and not wanted.startswith("-"):
        found = _INSTRUCTIONS.get(wanted.upper())
        return found or _INSTRUCTIONS.get(nearest(wanted, INSTRUCTIONS, cutoff=0.8))
    if wanted.startswith("-"):
        instruction, flag = "", wanted
    name, _, value = flag.lstrip("-").partition("=")
    if name == "mount" and value.startswith("type="):
        kind = value.removeprefix("type=").partition(",")[0]
        return _MOUNTS.get(kind) or _FLAGS.get(("RUN", "mount"))
    if instruction:
        return _FLAGS.get((instruction.upper(), name))
    return next((text for (_, known), text in _FLAGS.items() if known == name), None)


def help_words() -> dict[str, Help]:
    """All help texts, by the word that `help_dockerfile` takes."""
    texts = dict(_INSTRUCTIONS)
    texts |= {f"{instruction} --{flag}": text for (instruction, flag), text in _FLAGS.items()}
    texts |= {f"--mount=type={kind}": text for kind, text in _MOUNTS.items()}
    texts |= {f"# {name}": text for name, text in _DIRECTIVES.items()}
    return texts


_INSTRUCTIONS = {
    "FROM": Help(
        "FROM [--platform=PLATFORM] IMAGE [AS NAME]",
        "Begins a stage: the image that the following instructions build upon. `scratch` is the empty image. A later "
        "stage can build FROM this one by its NAME, or copy out of it; only what the last stage holds is in the "
        "result.",
        "FROM golang:1.26 AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /app .\n\nFROM scratch\n"
        'COPY --from=build /app /app\nENTRYPOINT ["/app"]',
    ),
    "RUN": Help(
        "RUN [--mount=…] [--network=…] COMMAND",
        "Runs a command in the image and keeps what it changed, as a new layer. The plain form goes through a shell; a "
        "JSON array does not. Lines go on after a backslash; a heredoc holds a whole script. An unchanged RUN on an "
        "unchanged image comes from the cache.",
        "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl\n"
        "RUN <<EOF\nset -e\nmkdir /data\ndate > /data/built\nEOF",
    ),
    "COPY": Help(
        "COPY [--from=STAGE] [--chown=USER] [--chmod=MODE] SOURCE… DESTINATION",
        "Copies files and folders of the build context into the image, or with --from of another stage or image. Of a "
        "folder its content is copied. SOURCE may have wildcards; a DESTINATION for several sources ends in /. "
        "`.dockerignore` names what the context leaves out.",
        "FROM python:3.12-slim\nCOPY --chmod=755 app.py /app/\nCOPY <<EOF /app/settings.ini\n[app]\nport = 8080\nEOF",
    ),
    "ADD": Help(
        "ADD [--checksum=DIGEST] SOURCE… DESTINATION",
        "Copies like COPY, and more: it fetches a URL or a git repository, and unpacks a local tar archive. Prefer "
        "COPY "
        "where that is not wanted.",
        "FROM busybox\nADD rootfs.tar.gz /\nADD https://example.com/data.json /data/",
    ),
    "WORKDIR": Help(
        "WORKDIR PATH",
        "Sets the folder in which the following instructions and the container work; it is made where it is missing. A "
        "relative path goes on from the last WORKDIR.",
        "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .",
    ),
    "ENV": Help(
        "ENV NAME=VALUE …",
        "Sets environment variables, for the following instructions and for the container. Do not put secrets here: "
        "anyone who has the image can read them.",
        'FROM python:3.12-slim\nENV PYTHONUNBUFFERED=1 GREETING="hello world"',
    ),
    "ARG": Help(
        "ARG NAME[=DEFAULT] …",
        "Declares a variable of the build, given by --build-arg. Before the first FROM it may be used in FROM lines "
        "only; "
        "a stage that wants it declares it again. It is not there when the container runs.",
        "ARG VERSION=1.26\nFROM golang:$VERSION\nARG VERSION\nRUN echo built with $VERSION",
    ),
    "EXPOSE": Help(
        "EXPOSE PORT[/PROTOCOL] …",
        "Says on which ports the container listens. It opens nothing: `docker run -p 8080:80` joins a port of the host "
        "to one of the container.",
        "FROM busybox\nEXPOSE 8080 53/udp",
    ),
    "CMD": Help(
        'CMD ["PROGRAM", "ARGUMENT", …]',
        "What the container runs if nothing else is said; with an ENTRYPOINT, its arguments. Only the last one counts. "
        "The "
        "JSON form runs the program itself, so that it gets the signals; the plain form goes through a shell.",
        'FROM python:3.12-slim\nCOPY app.py /\nCMD ["python", "/app.py"]',
    ),
    "ENTRYPOINT": Help(
        'ENTRYPOINT ["PROGRAM", "ARGUMENT", …]',
        "The program that the container always runs; what stands behind the image in `docker run`, or else CMD, "
        "becomes "
        "its arguments.",
        'FROM busybox\nENTRYPOINT ["echo", "hello"]\nCMD ["world"]',
    ),
    "USER": Help(
        "USER NAME[:GROUP]",
        "The user, by name or number, of the following RUN instructions and of the container. Without it they are "
        "root.",
        "FROM debian:bookworm-slim\nRUN useradd --create-home app\nUSER app",
    ),
    "LABEL": Help(
        "LABEL NAME=VALUE …",
        "Attaches notes to the image, such as its author or its source; `docker inspect` shows them.",
        'FROM busybox\nLABEL org.opencontainers.image.authors="Ada <ada@example.com>"',
    ),
    "VOLUME": Help(
        "VOLUME PATH …",
        "Keeps what is written under PATH outside of the container's own layer, in a volume. Later instructions cannot "
        "change what is there.",
        'FROM busybox\nVOLUME ["/data"]',
    ),
    "HEALTHCHECK": Help(
        "HEALTHCHECK [--interval=…] CMD COMMAND",
        "A command by which the engine finds out whether the container works: exit code 0 is healthy, 1 is not. "
        "`HEALTHCHECK NONE` switches off the base image's.",
        "FROM busybox\nHEALTHCHECK --interval=30s --timeout=3s CMD wget -q -O- http://127.0.0.1:8080/ || exit 1",
    ),
    "SHELL": Help(
        'SHELL ["SHELL", "ARGUMENT", …]',
        'The shell of the plain forms of RUN, CMD and ENTRYPOINT that follow; it is ["/bin/sh", "-c"] otherwise.',
        'FROM debian:bookworm-slim\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN true | cat',
    ),
    "STOPSIGNAL": Help(
        "STOPSIGNAL SIGNAL",
        "The signal that asks the container to end, by name or number; SIGTERM otherwise.",
        "FROM busybox\nSTOPSIGNAL SIGINT",
    ),
    "ONBUILD": Help(
        "ONBUILD INSTRUCTION",
        "Keeps an instruction for later: it is carried out when another image is built FROM this one.",
        "FROM python:3.12-slim\nONBUILD COPY requirements.txt /\nONBUILD RUN pip install -r /requirements.txt",
    ),
    "MAINTAINER": Help(
        "MAINTAINER NAME",
        "The image's author. It is deprecated: a LABEL says the same, and more.",
        'FROM busybox\nLABEL org.opencontainers.image.authors="Ada <ada@example.com>"',
    ),
}

_CHOWN = Help(
    "--chown=USER[:GROUP]",
    "Who owns the copied files, by name or number. They belong to root otherwise.",
    "COPY --chown=app:app . /app/",
)
_CHMOD = Help(
    "--chmod=MODE", "The permissions of the copied files, in octal.", "COPY --chmod=755 run.sh /usr/local/bin/"
)
_LINK = Help(
    "--link",
    "Makes a layer that does not depend on those before it, so that it stays cached when the base image changes. "
    "Symbolic links on the way to the destination are not followed.",
    "COPY --link dist /site/",
)
_EXCLUDE = Help(
    "--exclude=PATTERN",
    "Leaves out what matches; may be repeated. Needs a Dockerfile frontend of 2025 or newer.",
    "COPY --exclude=*.md --exclude=tests . /app/",
)

_FLAGS = {
    ("FROM", "platform"): Help(
        "FROM --platform=PLATFORM",
        "The platform of the base image. $BUILDPLATFORM is that of the machine that builds, $TARGETPLATFORM the one "
        "that "
        "is built for: a compiler on the first can make programs for the second.",
        "FROM --platform=$BUILDPLATFORM golang:1.26 AS build\nARG TARGETOS TARGETARCH\n"
        "RUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build -o /app .",
    ),
    ("RUN", "mount"): Help(
        "RUN --mount=type=TYPE,…",
        "Mounts something while the command runs, without its becoming part of the image: files (bind), a cache that "
        "outlives the build (cache), memory (tmpfs), a secret (secret), an ssh agent (ssh).",
        "RUN --mount=type=cache,target=/root/.cache/pip pip install flask",
    ),
    ("RUN", "network"): Help(
        "RUN --network=default|none|host",
        "The network of this command: the usual one, none at all, or the host's (which the build must allow).",
        "RUN --network=none make test",
    ),
    ("RUN", "security"): Help(
        "RUN --security=sandbox|insecure",
        "`insecure` runs the command with all privileges; the builder must allow it.",
        "RUN --security=insecure mount",
    ),
    ("RUN", "device"): Help(
        "RUN --device=NAME[,required]",
        "Gives the command a device of the builder by its CDI name, such as a GPU.",
        "RUN --device=nvidia.com/gpu=all nvidia-smi",
    ),
    ("COPY", "from"): Help(
        "COPY --from=STAGE|IMAGE|CONTEXT",
        "Copies out of an earlier stage (by name or number), an image, or a named build context in place of the build "
        "context.",
        "COPY --from=build /app /app\nCOPY --from=busybox /bin/busybox /bin/",
    ),
    ("COPY", "chown"): _CHOWN,
    ("COPY", "chmod"): _CHMOD,
    ("COPY", "link"): _LINK,
    ("COPY", "exclude"): _EXCLUDE,
    ("COPY", "parents"): Help(
        "COPY --parents",
        "Keeps the folders that SOURCE names: `a/b/c.txt` becomes DESTINATION/a/b/c.txt. Needs a newer frontend.",
        "COPY --parents src/*/go.mod /work/",
    ),
    ("ADD", "chown"): _CHOWN,
    ("ADD", "chmod"): _CHMOD,
    ("ADD", "link"): _LINK,
    ("ADD", "exclude"): _EXCLUDE,
    ("ADD", "keep-git-dir"): Help(
        "ADD --keep-git-dir",
        "Keeps the .git folder of a git repository.",
        "ADD --keep-git-dir https://example.com/project.git#v1.0 /src/",
    ),
    ("ADD", "checksum"): Help(
        "ADD --checksum=sha256:…",
        "Fails where the file at the URL has another checksum.",
        "ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/a "
        "/a",
    ),
    ("ADD", "unpack"): Help(
        "ADD --unpack=true|false",
        "Whether an archive is unpacked: by default a local one is, a fetched one is not.",
        "ADD --unpack=true https://example.com/a.tar.gz /opt/",
    ),
    ("HEALTHCHECK", "interval"): Help(
        "HEALTHCHECK --interval=DURATION",
        "The time between two checks; 30s otherwise.",
        "HEALTHCHECK --interval=1m CMD true",
    ),
    ("HEALTHCHECK", "timeout"): Help(
        "HEALTHCHECK --timeout=DURATION",
        "How long a check may take; 30s otherwise.",
        "HEALTHCHECK --timeout=3s CMD true",
    ),
    ("HEALTHCHECK", "start-period"): Help(
        "HEALTHCHECK --start-period=DURATION",
        "How long the container may take to start: failures do not count in this time.",
        "HEALTHCHECK --start-period=20s CMD true",
    ),
    ("HEALTHCHECK", "start-interval"): Help(
        "HEALTHCHECK --start-interval=DURATION",
        "The time between two checks while the container starts; 5s otherwise.",
        "HEALTHCHECK --start-period=20s --start-interval=1s CMD true",
    ),
    ("HEALTHCHECK", "retries"): Help(
        "HEALTHCHECK --retries=N",
        "How many failures in a row make it unhealthy; 3 otherwise.",
        "HEALTHCHECK --retries=5 CMD true",
    ),
}

_MOUNTS = {
    "bind": Help(
        "RUN --mount=type=bind,target=PATH[,source=PATH][,from=STAGE]",
        "Shows files of the build context, or of a stage or image, at PATH; what the command writes there is lost.",
        "RUN --mount=type=bind,source=.,target=/src make -C /src check",
    ),
    "cache": Help(
        "RUN --mount=type=cache,target=PATH[,id=NAME][,sharing=shared|private|locked]",
        "A folder that keeps its content from build to build, for package managers and compilers.",
        "RUN --mount=type=cache,target=/root/.cache/go-build go build -o /app .",
    ),
    "tmpfs": Help(
        "RUN --mount=type=tmpfs,target=PATH[,size=BYTES]",
        "A folder in memory that is gone when the command ends.",
        "RUN --mount=type=tmpfs,target=/tmp make",
    ),
    "secret": Help(
        "RUN --mount=type=secret,id=NAME[,target=PATH][,env=VARIABLE][,required]",
        "Shows a secret that the build was given (--secret id=NAME,…) as a file, /run/secrets/NAME unless said "
        "otherwise, "
        "or as a variable. It is not kept in the image.",
        'RUN --mount=type=secret,id=token curl -H "Authorization: $(cat /run/secrets/token)" https://example.com/',
    ),
    "ssh": Help(
        "RUN --mount=type=ssh[,id=NAME]",
        "Lets the command use the ssh agent that the build was given, as for private git repositories.",
        "RUN --mount=type=ssh git clone git@example.com:team/project.git",
    ),
}

_DIRECTIVES = {
    "syntax": Help(
        "# syntax=IMAGE",
        "Reads the rest with another Dockerfile frontend, an image. Stands before everything else. Engines from 2023 "
        "on "
        "have a good one built in.",
        "# syntax=docker/dockerfile:1\nFROM busybox",
    ),
    "escape": Help(
        "# escape=CHARACTER",
        "The character by which a line goes on and others lose their meaning: \\ or `.",
        "# escape=`\nFROM busybox\nRUN echo one `\n  two",
    ),
    "check": Help(
        "# check=skip=RULE,…;error=true",
        "Which of BuildKit's checks are left out, and whether what they find fails the build.",
        "# check=skip=JSONArgsRecommended\nFROM busybox\nCMD echo hello",
    ),
}
