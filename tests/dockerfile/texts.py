"""Dockerfiles to compare: BuildKit's fixtures and examples, mutants of them, and generated ones; each by a number."""

# ruff: noqa: E501 - each text is one line, as JSON has it
from __future__ import annotations

import functools
import random
import re
from pathlib import Path

from tests.environment import folders, golang

from .test_checks import ACCEPTED, REJECTED

GIVEN = {"IMG": "img", "X": "x"}

_LINES = """
FROM busybox|FROM busybox AS a|from busybox as b|FROM a|FROM a AS c|FROM scratch|FROM $IMG|FROM $NO|FROM x:|FROM ""|FROM X
FROM --platform=$BUILDPLATFORM x|FROM --platform=$BULIDPLATFORM x|FROM --platform=linux/arm64 x AS arm|FROM x:${V:-1} AS v
FROM --platform=${V:-linux/amd64} x|FROM --platform=a/b/c/d x|FROM x@sha256:12|FROM x:a:b|FROM x/Y|FROM -x|FROM x AS 0
FROM ${V:x}|FROM "x|FROM x AS İ|ARG V=1|ARG V|ARG A=it's|ARG A=${B:c}|ARG A B|ARG IMG=x|ARG A=${X:?no}|ARG API_KEY
ENV A=it's|ENV A=${B:c}|ENV A=${B|ENV A b|ENV A=1 B="$A" C='$A'|ENV A=\\$B|ENV A=${B:-x}|ENV A=${PATH#/}|ENV A=${X/a/b}
ENV A=${X//a}|ENV A=${:-x}|ENV A=$|ENV A=${}|ENV A=$1|ENV A="${B:?needed}"|ENV $A=1|ENV "A=1"|ENV A=${X:+y}|ENV A=${X%%a*}
LABEL a=it's|LABEL a=${B:c}|LABEL a b|LABEL "a b"=c|WORKDIR it's|WORKDIR ${A:b}|WORKDIR /a|WORKDIR a|WORKDIR $W|USER "x|USER $U
USER ${U:x}|VOLUME "a|VOLUME it's|VOLUME /a|VOLUME ["a", "${B:c}"]|STOPSIGNAL ${S:x}|STOPSIGNAL $S|STOPSIGNAL "9"|EXPOSE a:80
EXPOSE 80|EXPOSE 80/TCP|EXPOSE 127.0.0.1:80:80|EXPOSE $P|EXPOSE ${P:x}|EXPOSE it's|EXPOSE 1-2:3-4|EXPOSE :80|EXPOSE 80/x|EXPOSE 99999
RUN --mount=from=$X true|RUN --mount=type=cache true|RUN --mount=type=bind true|RUN --mount=type=tmpfs,size=x,target=/x true
RUN --mount=type=cache,target=/x,mode=9 true|RUN --mount=type=cache,target=/x,uid=x true|RUN --mount=type=bind,mode=7,target=/x true
RUN --mount=type=secret true|RUN --mount=type=secret,id=x,from=a true|RUN --mount=type=secret,id=x,source=y true|RUN --mount=type=ssh true
RUN --mount=type=bind,target=/x,required true|RUN --mount=type=cache,target=/x,required=true true|RUN --mount=target=/x,ro=x true
RUN --mount=type=tmpfs true|RUN --mount=type=tmpfs,target=/,size=1g true|RUN --mount=from=a,target=/ true|RUN --mount=from=0,target=/x true
RUN --mount=type=secret,id=a,sharing=shared,target=/x true|RUN --mount=target=/x,sharing=locked true|RUN --mount=size=1,target=/x true
RUN --mount=target=${X:y} true|RUN --mount=type=ssh,env=A true|RUN --mount=type=secret,id=x,env=A true|RUN --mount= true|RUN --mount true
RUN --network=none true|RUN --network=$X true|RUN --security=insecure true|RUN --security=x true|RUN --device=a=b true|RUN <<E\\na\\nE
RUN true|RUN it's|RUN ["a"]|RUN ['a']|RUN|RUN a \\\\\\n# c\\nb|RUN a \\\\\\n\\nb|COPY --from=-1 a b|COPY --from=7 a b|COPY --from=0 a b|COPY --from=$X a b
COPY --from=a a b|COPY --from=İ a b|COPY a|COPY a b|COPY it's b|COPY ${A:b} c|COPY a ${A:b}|COPY --chown=${A:b} a b|COPY --chmod=9 a b
COPY --chmod=u+x a b|COPY --chmod=$M a b|COPY --link=maybe a b|COPY --link a b|COPY --parents a b|COPY --exclude=x a b|COPY https://x/y z
COPY <<E /a\\n${B:c}\\nE|COPY <<"E" /a\\n${B:c}\\nE|COPY <<E /a\\nit's $V\\nE|COPY a <<E|COPY ["a b", "c"]|COPY --chown=1 a b|COPY --from= a b
COPY --from=Xx a b|COPY --from=x: a b|COPY --from=a:b:c a b|COPY a b c|COPY a b c/|ADD --checksum=sha256:1 a b|ADD --checksum=x https://x/y /z
ADD https://x/y z|ADD --keep-git-dir a b|ADD --unpack a b|ADD a b|ADD git@github.com:x/y.git z|ADD --checksum= a b|ADD ${A:b} c|ADD --from=a b c
HEALTHCHECK --interval=-1s CMD a|HEALTHCHECK --interval=1us CMD a|HEALTHCHECK --retries=-1 CMD a|HEALTHCHECK NONE|HEALTHCHECK CMD a
HEALTHCHECK --interval=0 CMD a|HEALTHCHECK --timeout=1 CMD a|HEALTHCHECK --interval=1s NONE|HEALTHCHECK CMD it's|HEALTHCHECK --start-period=0.5ms CMD a
CMD a|CMD ["a"]|CMD it's|CMD --x|ENTRYPOINT a|ENTRYPOINT [a]|SHELL ["a"]|SHELL a|ONBUILD RUN a|ONBUILD FROM a|ONBUILD x|ONBUILD COPY --from=a b c
ONBUILD ENV A=${B:c}|ONBUILD|ONBUILD ONBUILD RUN a|ONBUILD HEALTHCHECK --x CMD a|MAINTAINER me|# comment|#||  |# escape=`|# syntax=x|# check=skip=all
RUM a|&& a|"|\\x85|FROM a AS b c|EXPOSE|USER|WORKDIR|VOLUME|ENV|LABEL|ARG|STOPSIGNAL|MAINTAINER
"""
_TOKENS = [
    "FROM",
    "RUN",
    "ONBUILD",
    "--from=a",
    "--x",
    "--",
    "<<EOF",
    "EOF",
    "<<-E",
    "\\",
    "`",
    "#",
    '"',
    "'",
    "[",
    "]",
]
_TOKENS += ['["a"]', "=", "a=b", "$X", "${X}", "${", "${A:b}", "}", "80", "AS", "a", "/", "\n", "\n\n", " ", "\t", "\r"]


@functools.cache
def lines() -> tuple[str, ...]:
    """The lines that generated texts are made of."""
    found = (line for row in _LINES.strip("\n").split("\n") for line in row.split("|"))
    return tuple(line.replace("\\n", "\n").replace("\\\\", "\\") for line in found)


@functools.cache
def corpus() -> tuple[str, ...]:
    """BuildKit's parser fixtures, the examples of its rules' pages, and the texts of our tests."""
    module = re.search(
        r"github.com/moby/buildkit (v\S+)", (folders.SOURCES / "dockerfile_oracle/go.mod").read_text(encoding="utf-8")
    )
    root = Path(golang.environment()["GOMODCACHE"], f"github.com/moby/buildkit@{module[1] if module else ''}")
    frontend = root / "frontend/dockerfile"
    files = [*sorted(frontend.glob("parser/testfiles*/*/Dockerfile"))]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in files]
    for path in sorted(frontend.glob("docs/rules/*.md")):
        texts += re.findall(r"```dockerfile\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    return (*texts, *(case[0] for case in REJECTED), *ACCEPTED)


def text_of_case(seed: int, number: int) -> str:
    """The text with a number: first the corpus as it is, then mutants and generated texts in turn."""
    known = corpus()
    if number < len(known):
        return known[number]
    chance = random.Random(f"{seed} {number}")
    if number % 2:
        return generated(chance)
    return mutant(chance, chance.choice(known))


def generated(chance: random.Random) -> str:
    """A text of a few lines, most of which are right."""
    head = chance.choice(
        ("FROM busybox", "FROM busybox AS a", "ARG V=1\nFROM x:$V AS a", "FROM busybox AS a\nFROM scratch")
    )
    return "\n".join([head, *chance.choices(lines(), k=chance.randint(1, 3))]) + "\n"


def mutant(chance: random.Random, text: str) -> str:
    """A text with one to three changes of words or lines."""
    for _ in range(chance.randint(1, 3)):
        separator = chance.choice((" ", "\n"))
        parts = text.split(separator)
        place = chance.randrange(len(parts))
        match chance.randrange(5):
            case 0:
                parts.insert(place, chance.choice(_TOKENS))
            case 1:
                parts[place] = chance.choice(_TOKENS)
            case 2:
                del parts[place]
            case 3:
                parts.insert(
                    place, "\n" + chance.choice(lines()) + "\n" if separator == " " else chance.choice(lines())
                )
            case _:
                parts[place] = parts[place].swapcase()
        text = separator.join(parts)
    return text
