"""What our checks reject, BuildKit rejects too: the engine itself is the judge."""

import random
import re

import pytest

from nbcontainer.dockerfile import check, parse

from .test_checks import ACCEPTED, REJECTED

BASES = [
    "FROM busybox\nRUN echo hi\n",
    "from busybox as build\nrun echo \\\n  # comment\n  hi\ncopy . /x\n",
    "# escape=`\nFROM busybox\nRUN echo `\n hi\n",
    'FROM busybox\nRUN <<EOF cat <<E2\na\nEOF\nb\nE2\nCOPY <<EOF <<"BC" /x/\nhello\nEOF\nBC\n',
    (
        "ARG V=latest\nFROM --platform=$BUILDPLATFORM busybox:$V AS a\nARG V\nONBUILD RUN echo hi\n"
        "ONBUILD COPY <<EOF /x\nx\nEOF\nFROM a AS b\nCOPY --link --from=a --chown=1:1 --chmod=755 /x /y\n"
        "RUN --mount=type=cache,target=/c --mount=type=bind,from=a,target=/d --network=none true\n"
    ),
    (
        'FROM busybox\nENV A=1 B="two words" C=x\\ y\nENV D some thing\nLABEL a.b="c" d=e\n'
        "EXPOSE 80 443/tcp 53/udp 8000-8005 $A\nUSER 1000:1000\nWORKDIR /w\nVOLUME /a /b\nSTOPSIGNAL SIGINT\n"
        'HEALTHCHECK --interval=1m --retries=3 CMD true\nSHELL ["/bin/sh", "-c"]\nCMD ["a", "b"]\nMAINTAINER me\n'
    ),
    'FROM scratch\nADD x.tar /\nCOPY ["a b", "/c"]\nCOPY "q" /z\nHEALTHCHECK NONE\nCMD [ -f /x ]\n',
]
TOKENS = [
    *(
        "FROM",
        "RUN",
        "COPY",
        "ONBUILD",
        "ENV",
        "LABEL",
        "ARG",
        "EXPOSE",
        "HEALTHCHECK",
        "CMD",
        "SHELL",
        "VOLUME",
        "USER",
    ),
    *("--from=a", "--from=0", "--chown=1", "--link", "--mount=type=cache,target=/x", "--x", "--", "--interval=3s"),
    *("<<EOF", "EOF", "<<-EOF", "\\", "`", "#", '"', "'", "[", "]", '["a"]', "['a']", "=", "a=b", "$X", "${X}", "${"),
    *("80", "80/udp", "99999", "NONE", "AS", "scratch", "busybox", "/", "/x", ".", "\n", "\n\n", " ", "\t", "\r"),
]


@pytest.fixture
def verdict(docker_buildkit):
    """BuildKit's error for a text, or None; nothing is run."""
    return docker_buildkit.error


def errors(text):
    return [str(problem) for problem in check(parse(text)) if problem.severity == "error"]


@pytest.mark.parametrize("text", [case[0] for case in REJECTED])
def test_what_we_reject_buildkit_rejects(verdict, text):
    message = verdict(text.replace("FROM x", "FROM busybox"))
    assert message
    assert "not found" not in message


NEWER = ("--parents", "--exclude", "--security", "--device", "ONBOARD", "$PORT", "--keep-git-dir")


@pytest.mark.parametrize("text", [text for text in ACCEPTED if not any(word in text for word in NEWER)])
def test_what_we_accept_buildkit_accepts(verdict, text):
    message = verdict(text) or ""
    assert "parse error" not in message
    assert "unknown" not in message


@pytest.mark.parametrize("seed", range(150))
def test_random_texts(verdict, seed):
    chance = random.Random(seed)
    text = chance.choice(BASES)
    for _ in range(chance.randint(1, 3)):
        separator = chance.choice((" ", "\n"))
        parts = text.split(separator)
        place = chance.randrange(len(parts))
        action = chance.random()
        if action < 0.6:
            parts.insert(place, chance.choice(TOKENS))
        elif action < 0.8:
            parts[place] = chance.choice(TOKENS)
        else:
            del parts[place]
        text = separator.join(parts)
    found = errors(text)
    if found:
        assert verdict(text), (found, text)


SIGNALS = "9 0 -1 +9 64 66 007 term SIGterm sigSIGTERM RTMIN RTMIN+1 RTMIN+16 RTMAX-14 RTMAX-15 IO CLD FOO SIG 0x9 A-B"
MODES = "0 8 888 755 000755 07777 7777 17777 010000 0000000000755 u+x"
QUOTED = ("'", '"', "\\", "a", " ", "b=", "$X", "${X:-1}", "$", "`", "${X}")


@pytest.mark.parametrize("seed", range(10))
def test_quotes_signals_and_modes_are_judged_as_buildkit_does(verdict, seed):
    chance = random.Random(seed)
    lines = [f"STOPSIGNAL {chance.choice(SIGNALS.split())}" for _ in range(3)]
    lines += [f"COPY --chmod={chance.choice(MODES.split())} <<A /a\nA" for _ in range(2)]
    for _ in range(12):
        lines.append(
            chance.choice(("ENV A=", "ENV A ", "LABEL x=", "ARG A="))
            + "".join(chance.choice(QUOTED) for _ in range(chance.randint(1, 6)))
        )
    for line in lines:
        text = f"FROM busybox\n{line}\n"
        found, theirs = errors(text), verdict(text)
        if found or re.search("invalid signal|chmod|looking for matching (single|double)-quote", theirs or ""):
            assert bool(found) == bool(theirs), (line, found, theirs)
