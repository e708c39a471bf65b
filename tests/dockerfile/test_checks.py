"""Problems of a Dockerfile, before anything is sent."""

import pytest

from nbcontainer.dockerfile import check, parse
from nbcontainer.model.source_map import SourceMap

ACCEPTED = [
    "FROM busybox\nENV A='b' B=\"it's\" C=it\\'s D=${X:-'y'} E='\"' F=\"\\\"\"\nLABEL a='b\\\n c'\nARG Q=\"a b\"",
    "# escape=`\nFROM busybox\nENV A=it`'s B=c:\\",
    "FROM busybox\nCOPY --chmod=07777 <<A /a\nA\nCOPY --chmod=0 <<A /a\nA",
    "FROM busybox\nCOPY --chmod=000755 <<A /a\nA",
    *(
        f"FROM busybox\nSTOPSIGNAL {name}"
        for name in ("9", "64", "sigterm", "TERM", "SIGRTMIN", "RTMIN+15", "SIGRTMAX-14")
    ),
    "FROM busybox\nARG S\nSTOPSIGNAL ${S:-SIGINT}",
    'FROM busybox\nARG A=1 "',
    "FROM busybox",
    "from busybox\nrun echo hi",
    "# escape=`\nFROM busybox\nRUN a `\n # c\n b",
    "ARG V=1\nFROM busybox:$V AS a\nFROM a\n",
    "ARG BASE\nFROM ${BASE:-busybox}",
    "FROM --platform=$BUILDPLATFORM golang AS build\nARG TARGETOS",
    "FROM x\nCOPY --link --parents --exclude=*.md --exclude=b --chmod=u+x --chown=1:1 a /b",
    "FROM x\nADD --keep-git-dir=true --checksum=sha256:aa --unpack=false --link=false a /b",
    "FROM x\nRUN --mount=type=cache,target=/c,sharing=locked --mount=type=secret,id=a,required,env=B x",
    "FROM x\nRUN --mount=type=bind,from=y,source=/,target=/z,rw --network=none --security=insecure --device=a x",
    "FROM x\nRUN --mount=type=$T,target=/c x",
    "FROM x\nRUN",
    "FROM x\nRUN [ -f /x ]",
    "FROM x\nENV A b c\nENV A= B=\"c d\" C='e f' D=g\\ h",
    "FROM x\nEXPOSE 80 443/tcp 53/UDP 8000-8005 $PORT ${P}/tcp",
    "FROM x\nHEALTHCHECK NONE\nHEALTHCHECK --interval=1m30s --timeout=0.5s --retries=3 CMD true",
    'FROM x\nSHELL ["a"]\nCMD []\nENTRYPOINT []\nVOLUME ["/a"]\nVOLUME /b /c',
    "FROM x\nONBUILD RUN a\nONBUILD COPY <<E /x\nb\nE\nONBUILD ONBOARD x",
    "FROM x\nSTOPSIGNAL --x 9\nARG --y A",  # flags that BuildKit ignores
    "FROM x AS a\nFROM y AS a\nFROM z\nCOPY --from=A / /",
    "FROM x\nCOPY --from=y / /\n",
    "FROM x AS unused\nEXPOSE 99999\nCOPY --from=last a b\nFROM y AS last",
    'FROM x\nCOPY "a b" /c',
    "FROM x\nCOPY ['a','b'] /c",
    "FROM x AS a\nRUN --mount=from=0,target=/x true",  # a mount names no stage by its number
    "FROM x AS İ\nFROM y\nCOPY --from=I a b\nFROM i",
    "FROM x\nONBUILD # x",
    "FROM x\nONBUILD #\\\nMD",
    "FROM x\nONBUILD ENV a",
    "\ufeffFROM x\r\nRUN a \\\r\n  b\r\n",
]

REJECTED = [
    ("FROM x\nENV A='b", 2, "the quote in 'b is not closed", "Close it"),
    ('FROM x\nENV A=1 B="b c', 2, "the quote in", '\\"'),
    ("FROM x\nENV a it's", 2, "the quote in it's is not closed", "\\'"),
    ("FROM x\nLABEL a='b' c=\"", 2, "is not closed", ""),
    ("FROM x\nARG A='b", 2, "is not closed", ""),
    ("# escape=`\nFROM x\nENV a it's", 3, "is not closed", "`'"),
    ("FROM x\nCOPY --chmod=888 a /", 2, "--chmod=888 is not a mode", "--chmod=755"),
    ("FROM x\nADD --chmod=17777 a /", 2, "--chmod=17777 is not a mode", ""),
    ("FROM x\nSTOPSIGNAL FOO", 2, "FOO is not a signal", "SIGTERM"),
    ("FROM x\nSTOPSIGNAL 0", 2, "0 is not a signal", ""),
    ("FROM x\nSTOPSIGNAL RTMAX-15", 2, "RTMAX-15 is not a signal", ""),
    ("FROM x\nSTOPSIGNAL SIGRTMIN+16", 2, "SIGRTMIN+16 is not a signal", ""),
    ("", 1, "empty", "FROM"),
    ("# only a comment\n", 1, "empty", "FROM"),
    ("ARG A\n", 1, "no FROM", "FROM"),
    ("RUN a\nFROM x\n", 1, "before the first FROM", "ARG"),
    ("FROM x\nCOPPY a b", 2, "unknown instruction: COPPY", "COPY"),
    ("FROM x\nCOPY --chwon=1 a b", 2, "no flag --chwon", "--chown"),
    ("FROM x\nCOPY --from a b", 2, "--from needs a value", "--from=VALUE"),
    ("FROM x\nCOPY --link=maybe a b", 2, "either true or false", ""),
    ("FROM x\nCOPY --chown=1 --chown=2 a b", 2, "twice", ""),
    ("FROM x\nCMD --version", 2, "no flag --version", 'CMD ["--version"]'),
    ("FROM x\nCOPY a", 2, "a source and a destination", "DESTINATION"),
    ("FROM x\nCOPY a <<EOF\nEOF", 2, "a destination after the heredoc", ""),
    ("FROM x\nCOPY https://x/y /z", 2, "cannot fetch", "ADD"),
    ("FROM x\nCOPY --from=1 a b", 2, "no such stage", "0 to 0"),
    ("FROM x\nCOPY --from=0 a b", 2, "cannot copy from itself", ""),
    ("FROM x AS a\nCOPY --from=b c d\nFROM a AS b\nCOPY --from=a c d", 2, "comes later", "line 3"),
    ("FROM x\nCOPY --from=$A a b", 2, "does not take variables", "FROM"),
    ("FROM", 1, "needs an image", "busybox"),
    ("FROM a b", 1, "AS and a name", "AS"),
    ("FROM a AS 1b", 1, "is not a valid stage name", "letter"),
    ("FROM $A", 1, "names no image", "ARG"),
    ("FROM x\nENV a", 2, "two arguments", ""),
    ("FROM x\nENV", 2, "a name and a value", "NAME=VALUE"),
    ("FROM x\nENV a=b c", 2, "can't find =", ""),
    ("FROM x\nLABEL =a", 2, "name is missing", ""),
    ("FROM x\nARG", 2, "needs a name", ""),
    ("FROM x\nARG =a", 2, "name is missing", ""),
    ("FROM x\nEXPOSE 99999", 2, "not a port", "65535"),
    ("FROM x\nEXPOSE http", 2, "not a port", ""),
    ("FROM x\nEXPOSE 80/tpc", 2, "no known protocol", "udp"),
    ("FROM x\nEXPOSE", 2, "needs a port", ""),
    ("FROM x\nUSER", 2, "needs a user", ""),
    ("FROM x\nWORKDIR", 2, "needs a path", ""),
    ("FROM x\nSTOPSIGNAL", 2, "needs a signal", ""),
    ("FROM x\nMAINTAINER", 2, "needs a name", "LABEL"),
    ("FROM x\nVOLUME", 2, "needs a path", ""),
    ('FROM x\nVOLUME [""]', 2, "is empty", ""),
    ("FROM x\nSHELL bash -c", 2, "JSON", '["/bin/bash"'),
    ("FROM x\nHEALTHCHECK", 2, "CMD or NONE", ""),
    ("FROM x\nHEALTHCHECK NONE x", 2, "nothing more", ""),
    ("FROM x\nHEALTHCHECK CMD", 2, "needs a command", ""),
    ("FROM x\nHEALTHCHECK true", 2, "does not know true", ""),
    ("FROM x\nHEALTHCHECK --interval=3 CMD true", 2, "not a duration", "30s"),
    ("FROM x\nHEALTHCHECK --retries=some CMD true", 2, "whole number", ""),
    ("FROM x\nONBUILD", 2, "needs an instruction", ""),
    ("FROM x\nONBUILD FROM y", 2, "cannot trigger FROM", ""),
    ("FROM x\nONBUILD ONBUILD RUN a", 2, "another ONBUILD", ""),
    ("FROM x\nRUN --network=nnone a", 2, "not known", "none"),
    ("FROM x\nRUN --mount=type=cach,target=/a b", 2, "no type cach", "cache"),
    ("FROM x\nRUN --mount=type=cache,taget=/a b", 2, "no key taget", "target"),
    ("FROM x\nRUN --mount=type=secret a", 2, "needs an id", "id=NAME"),
    ("FROM x\nRUN <<EOF\na\n EOF", 2, "heredoc EOF is not closed", "line 4"),
    ("FROM x\nCMD [1, 2]", 2, "Only strings", ""),
    ("# escape=x\nFROM x", 1, "escape", ""),
]

WARNED = [
    ("FROM x\nONBUILD RU a", 2, "unknown instruction in ONBUILD: RU", "RUN"),
    ("FROM x\nONBUILD # x", 2, "unknown instruction in ONBUILD: #", ""),
    ("FROM x\nRUN a\nONBUILD #\\\nMD", 3, "unknown instruction in ONBUILD: #MD", ""),
    ("FROM x\nONBUILD ENV a", 2, "ONBUILD ENV must have two arguments", ""),
    ("FROM x\nMAINTAINER Ada <a@b>", 2, "deprecated", 'LABEL org.opencontainers.image.authors="Ada <a@b>"'),
    ("FROM x\nCMD ['a', 'b']", 2, "not JSON", 'Write ["a", "b"].'),
    ("FROM x\nCMD [“a”]", 2, "typographic", '["a"]'),
    ('FROM x\nCMD ["a",]', 2, "comma", '["a"]'),
    ("FROM x AS build\nFROM y\nCOPY --from=biuld /a /a", 3, "is not a stage", "build"),
    ("FROM x AS a\nFROM y AS a", 2, "defined twice", "line 1"),
    ('FROM x\nCMD ["a"]\nCMD ["b"]', 2, "only the last CMD", ""),
    ("FROM x\nEXPOSE 80:80", 2, "no effect", "EXPOSE 80"),
    ("FROM x\nRUN a \\\n\n  b", 4, "empty line", ""),
    ("FROM x\nONBUILD COPY --chwon=1 a b", 2, "no flag --chwon", "--chown"),
    ("FROM x AS unused\nEXPOSE 99999\nFROM y", 2, "not a port", ""),
    ("# syntax=docker/dockerfile:1\nFROM x\nCOPY --new a b", 3, "no flag --new", ""),
    ("# syntax=docker/dockerfile:1\nFROM x\nIMPORT a", 3, "unknown instruction", ""),
    ("# syntax=example.com/other\nHELLO a", 2, "unknown instruction", ""),
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_buildkit_accepts_is_not_an_error(text):
    assert [str(problem) for problem in check(parse(text)) if problem.severity == "error"] == []


@pytest.mark.parametrize(("text", "line", "message", "suggestion"), REJECTED)
def test_errors(text, line, message, suggestion):
    errors = [problem for problem in check(parse(text)) if problem.severity == "error"]
    assert errors, "accepted"
    assert errors[0].line == line
    assert message in errors[0].message
    assert suggestion in errors[0].suggestion


@pytest.mark.parametrize(("text", "line", "message", "suggestion"), WARNED)
def test_warnings(text, line, message, suggestion):
    problems = check(parse(text))
    assert [problem for problem in problems if problem.severity == "error"] == []
    assert problems[0].line == line
    assert message in problems[0].message
    assert suggestion in problems[0].suggestion


def test_an_unknown_target_gets_a_suggestion():
    dockerfile = parse("FROM a AS build\nFROM b AS final\n")
    (problem,) = check(dockerfile, target="biuld")
    assert (problem.line, problem.suggestion) == (1, "Did you mean build?")
    (problem,) = check(dockerfile, target="zzz")
    assert problem.suggestion == "Stages: build, final."
    assert check(dockerfile, target="FINAL") == []


def test_build_args_and_contexts_count():
    assert check(parse("ARG A=y\nFROM $A"), build_args={"A": "x"}) == []
    assert check(parse("FROM x AS build\nFROM y\nCOPY --from=biuld a b"), build_contexts=["biuld"]) == []


def test_lines_are_the_users_own():
    source_map = SourceMap((("", 2), ("", 3), ("", 3), ("", 9)))
    problems = check(parse("FROM x\nFOO\nCMD ['a']\nCOPY a\n", source_map))
    assert [(problem.line, problem.end_line) for problem in problems] == [(3, 3), (3, 3), (9, 9)]


def test_an_onbuild_of_something_unknown_is_still_an_instruction():
    for text in ("ONBUILD x", "ONBUILD # x", "ONBUILD ENV a", "ONBUILD RU"):
        (stage,) = parse(f"FROM a\n{text}\nRUN b").stages
        assert [instruction.text for instruction in stage.instructions] == [text, "RUN b"]


def test_the_text_says_which_checks_are_skipped():
    wrong = "FROM x\nMAINTAINER me\nCMD []\nCMD ['b']\n"
    rules = ["MaintainerDeprecated", "MultipleInstructionsDisallowed", "json"]

    def found(directive, **build_args):
        return [problem.source for problem in check(parse(f"# check={directive}\n{wrong}"), build_args=build_args)]

    assert found("error=false") == rules
    assert found("skip=MaintainerDeprecated") == rules[1:]
    assert found("skip=Other, MultipleInstructionsDisallowed;error=true") == [rules[0], rules[2]]
    assert found("skip=all") == ["json"]  # which is no rule of BuildKit
    assert found("skip=all", BUILDKIT_DOCKERFILE_CHECK="error=true") == rules


GROWING = {
    "arguments that are used by many stages": (
        "".join(f"ARG A{n}=$A{n - 1}\n" for n in range(2_000)) + "".join(f"FROM x:$A{n}\n" for n in range(2_000))
    ),
    "unknown words in a long text": "FROM x\n" + "".join(f"RUN{'N' * (n % 1_000 == 0)} x\n" for n in range(40_000)),
    "a directive with many blanks": f"# syntax=a{' ' * 300_000}b\nFROM x\n",
    "arguments that double": "ARG A0=xx\n"
    + "".join(f"ARG A{n}=$A{n - 1}$A{n - 1}\n" for n in range(1, 60))
    + "FROM x:$A59\n",
    "stages made from each other": "FROM x AS s0\n"
    + "".join(f"FROM s{n - 1} AS s{n}\nCOPY --from=s{n - 1} a b\n" for n in range(1, 10_000)),
    "misspelt stages": "FROM x AS a\n" + "".join(f"FROM y AS b{n}\nCOPY --from=b{n}x a b\n" for n in range(2_000)),
}


@pytest.mark.timeout(60)  # these took minutes or hours
@pytest.mark.parametrize("text", GROWING.values(), ids=GROWING)
def test_long_texts_take_time_in_proportion_to_their_length(text):
    dockerfile = parse(text)
    check(dockerfile)
    dockerfile.plan()
