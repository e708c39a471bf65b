"""BuildKit's lint rules, found without an engine: each with a text that breaks it and texts that do not."""

import time

import pytest

from nbcontainer.dockerfile import check, parse
from nbcontainer.dockerfile.lint_rules import RULES
from nbcontainer.dockerfile.substitution import substitute
from nbcontainer.model.fixes import apply

# rule, a text that breaks it, the line, what is said of it, and the text with its fix ("" where there is none)
BROKEN = [
    ("StageNameCasing", "FROM x AS Build", 1, "Write build.", "FROM x AS build"),
    ("FromAsCasing", "FROM x as b", 1, "Write AS.", "FROM x AS b"),
    ("FromAsCasing", "from x AS b", 1, "Write as.", "from x as b"),
    ("NoEmptyContinuation", "FROM x\nRUN a \\\n\n # c\n  \n b", 6, "Remove it", "FROM x\nRUN a \\\n # c\n b"),
    ("ConsistentInstructionCasing", "FROM x\nRUN a\nrun b", 3, "Write RUN.", "FROM x\nRUN a\nRUN b"),
    ("ConsistentInstructionCasing", "from x\nrun a\nRun b", 3, "Write run.", "from x\nrun a\nrun b"),
    ("DuplicateStageName", "FROM x AS a\nFROM y AS a", 2, "line 1", ""),
    ("ReservedStageName", "FROM x AS scratch", 1, "another name", ""),
    ("JSONArgsRecommended", "FROM x\nCMD a b", 2, 'Write CMD ["a", "b"].', 'FROM x\nCMD ["a", "b"]'),
    ("JSONArgsRecommended", "FROM x\nENTRYPOINT a 'b c'", 2, "Write", 'FROM x\nENTRYPOINT ["a", "b c"]'),
    ("JSONArgsRecommended", "FROM x\nCMD a && b", 2, "JSON array", ""),
    ("JSONArgsRecommended", "FROM x\nCMD cd /a", 2, "JSON array", ""),
    (
        "MaintainerDeprecated", 'FROM x\nMAINTAINER A "B" $c\\d', 2, "LABEL",
        'FROM x\nLABEL org.opencontainers.image.authors="A \\"B\\" \\$c\\\\d"',
    ),
    ("UndefinedArgInFrom", "ARG TAG=1\nFROM x:$TGA", 2, "Did you mean TAG?", "ARG TAG=1\nFROM x:$TAG"),
    (
        "UndefinedArgInFrom", "FROM --platform=${BULIDPLATFORM} x", 1, "BUILDPLATFORM",
        "FROM --platform=${BUILDPLATFORM} x",
    ),
    ("WorkdirRelativePath", "FROM scratch\nWORKDIR app", 2, "Write /app.", "FROM scratch\nWORKDIR /app"),
    ("WorkdirRelativePath", "FROM x\nARG D=app\nWORKDIR $D/e", 3, "absolute path", ""),
    ("UndefinedVar", "FROM scratch\nCOPY $FOO .", 2, "ARG FOO", ""),
    ("UndefinedVar", "FROM scratch\nARG DIR=/a\nUSER ${DRI}", 3, "$DIR", "FROM scratch\nARG DIR=/a\nUSER ${DIR}"),
    ("UndefinedVar", "FROM scratch\nARG A=$B", 2, "ARG B", ""),
    ("UndefinedVar", 'FROM debian:12-slim AS a\nFROM a\nENV A="${B:-c}"', 3, "ARG B", ""),
    ("UndefinedVar", "FROM scratch\nCOPY <<E /a\n'$B'\nE", 2, "ARG B", ""),
    ("UndefinedVar", "FROM scratch\nRUN --mount=target=$T x", 2, "ARG T", ""),
    ("MultipleInstructionsDisallowed", "FROM x\nHEALTHCHECK NONE\nHEALTHCHECK NONE", 2, "Remove", ""),
    ("LegacyKeyValueFormat", "FROM x\nENV a b", 2, "Write ENV a=b.", "FROM x\nENV a=b"),
    ("LegacyKeyValueFormat", "FROM x\nLABEL a b  c $d", 2, "LABEL", 'FROM x\nLABEL a="b  c $d"'),
    ("LegacyKeyValueFormat", "FROM x\nENV a b 'c d'", 2, "ENV", "FROM x\nENV a=b\\ 'c d'"),
    ("LegacyKeyValueFormat", "FROM x\nENV a =b", 2, "no spaces around =", ""),
    ("RedundantTargetPlatform", "FROM --platform=$TARGETPLATFORM x", 1, "Leave it out.", "FROM x"),
    ("SecretsUsedInArgOrEnv", "FROM x\nARG GITHUB_TOKEN", 2, "--mount=type=secret,id=GITHUB_TOKEN", ""),
    ("SecretsUsedInArgOrEnv", "FROM x\nENV password=1", 2, "secret", ""),
    ("InvalidDefaultArgInFrom", "ARG TAG\nFROM x:$TAG", 2, "default", ""),
    ("FromPlatformFlagConstDisallowed", "FROM --platform=linux/amd64 x", 1, "$BUILDPLATFORM", ""),
    ("CopyIgnoredFile", "# check=experimental=all\nFROM x\nADD a/secret /", 3, "patterns", ""),
    ("InvalidDefinitionDescription", "# check=experimental=all\nFROM x\n# the a\nARG b", 4, "# b DESCRIPTION", ""),
    ("ExposeProtoCasing", "FROM x\nEXPOSE 80/TCP", 2, "Write 80/tcp.", "FROM x\nEXPOSE 80/tcp"),
    ("ExposeInvalidFormat", "FROM x\nEXPOSE 80:81/udp", 2, "EXPOSE 81/udp", "FROM x\nEXPOSE 81/udp"),
]  # fmt: skip

CLEAN = [
    "FROM x AS b1\nFROM b1",
    "from x as b\nrun a",
    "RUN",  # not even a stage
    "FROM x\nRUN a \\\n # c\n b",
    'FROM x\nSHELL ["a"]\nCMD b',
    'FROM x AS a\nSHELL ["a"]\nFROM a\nENTRYPOINT b',
    "FROM golang\nCOPY $GOPATH /a\nWORKDIR $GOPATH/src",  # the base image may set it
    "ARG V=alpine\nFROM ${V:-busybox}",
    "FROM x:$TARGETARCH$TARGETVARIANT",
    "FROM scratch\nENV A=1\nENV B=$A$PATH C='$D' E=\\$F\nCOPY <<'E' /a\n$G\nE\nRUN $H\nCMD [\"$I\"]\nONBUILD USER $J",
    "FROM scratch AS a\nARG B\nFROM a\nUSER $B",
    "FROM scratch\nARG BUILDKIT_SBOM_SCAN_STAGE\nARG TARGETOS\nADD $TARGETOS /",
    "FROM x\nWORKDIR /a\nWORKDIR b",
    "FROM x AS a\nWORKDIR /a\nFROM a\nWORKDIR b",
    'FROM x\nWORKDIR "/a"',
    "FROM --platform=windows/amd64 x AS windows\nWORKDIR c:\\a",
    "FROM --platform=linux/amd64 x AS amd64",
    "FROM --platform=linux/amd64 x AS on-linux",
    "FROM --platform=$BUILDPLATFORM x",
    "FROM x\nENV PUBLIC_KEY=1 TOKENS=2 AUTHOR=a MONKEY=b",
    "FROM x\nEXPOSE 80/tcp 81 ${P}/TCP",
    "# check=experimental=all\nFROM x\n\n# b does\nARG b\n# c\n#\nARG d\nRUN <<E\n# e\nE\nARG f",
    "FROM x\n# the a\nARG b",  # an experimental rule
]


def found(text, **given):
    problems = check(parse(text), is_ignored=lambda path: path == "a/secret", **given)
    return [problem for problem in problems if problem.source in RULES]


@pytest.mark.parametrize(("rule", "text", "line", "suggestion", "fixed"), BROKEN)
def test_a_rule_that_is_broken(rule, text, line, suggestion, fixed):
    problems = [problem for problem in found(text) if problem.source == rule]
    assert [problem.line for problem in problems] == [line]
    (problem,) = problems
    assert problem.severity == "warning"
    assert suggestion in problem.suggestion
    assert problem.link.startswith("https://docs.docker.com/go/dockerfile/rule/")
    assert (apply(text, [problem.fix]) if problem.fix else "") == fixed
    if problem.fix:
        assert [other for other in found(fixed) if other.source == rule] == []


def test_every_rule_has_an_example():
    assert {case[0] for case in BROKEN} == set(RULES)
    assert len(RULES) == 21


@pytest.mark.parametrize("text", CLEAN)
def test_no_false_alarm(text):
    assert [str(problem) for problem in found(text)] == []


@pytest.mark.parametrize(("rule", "text"), [(case[0], case[1]) for case in BROKEN])
def test_what_the_text_leaves_out_is_left_out(rule, text):
    if RULES[rule].is_experimental:
        named = text.replace("experimental=all", f"experimental={rule}")
        skipped, ours = (
            text.replace("experimental=all", "skip=all"),
            text.replace("experimental=all", "skip=;error=false"),
        )
        assert rule in [problem.source for problem in found(named)]
        assert found(skipped) == []
        assert rule not in [problem.source for problem in found(ours)]
        return
    assert rule not in [problem.source for problem in found(f"# check=skip={rule}\n{text}")]
    assert found(f"# check=skip=all\n{text}") == []
    assert rule in [problem.source for problem in found(f"# check=error=true\n{text}")]
    assert found(f"# syntax=example.com/other\n{text}") == []  # which has other rules


def test_an_empty_line_ends_a_description():
    """As the rule's page has it; BuildKit 0.25 finds one all the same."""
    assert found("# check=experimental=all\n# the base\n\nFROM x AS a\n# the b\n\nARG b\n") == []


def test_the_variables_of_a_base_image():
    text = "FROM python\nENV A=$LANG\nCOPY $FOO /"
    assert found(text) == []
    (problem,) = found(text, variables=lambda image: ["PATH", "LANG"] if image == "python" else None)
    assert (problem.source, problem.line) == ("UndefinedVar", 3)
    assert found("FROM scratch\nCOPY $A /", build_contexts=["scratch"]) == []


def test_stages_that_are_not_built():
    text = "FROM scratch AS a\nCMD a\nFROM scratch AS b\nCMD b\n"
    assert [problem.line for problem in found(text)] == [2, 4]
    assert [problem.line for problem in found(text, target="a", every_stage=False)] == [2]
    assert [problem.line for problem in found(text, every_stage=False)] == [4]


def test_what_onbuild_adds_is_judged_where_it_is_added():
    text = "FROM scratch AS a\nONBUILD ENV a $B\nFROM a\n"
    assert sorted((problem.source, problem.line, problem.fix) for problem in found(text)) == [
        ("LegacyKeyValueFormat", 3, None),
        ("UndefinedVar", 3, None),
    ]


def test_an_error_says_what_a_warning_would():
    (problem,) = check(parse("ARG IMAGE=x\nFROM $IMGAE\n"))
    assert (problem.severity, problem.suggestion) == ("error", "Did you mean $IMAGE?")
    assert apply("ARG IMAGE=x\nFROM $IMGAE\n", [problem.fix]) == "ARG IMAGE=x\nFROM $IMAGE\n"


MISSPELT = {
    "COPPY a b": "COPY a b",
    "coppy a b": "copy a b",
    "COPY --chwon=1:1 a b": "COPY --chown=1:1 a b",
    "RUN --network=nnone a": "RUN --network=none a",
    "RUN --mount=type=cach,target=/cach b": "RUN --mount=type=cache,target=/cach b",
    "RUN --mount=type=cache,taget=/a b": "RUN --mount=type=cache,target=/a b",
    "COPY --from=biuld /biuld /a": "COPY --from=build /biuld /a",
    "RUN --mount=from=biuld,target=/a b": "RUN --mount=from=build,target=/a b",
    "ONBUILD RUNN a": "ONBUILD RUN a",
    "CMD ['a', 'b']": 'CMD ["a", "b"]',
    "RUN [“a”]": 'RUN ["a"]',
    "COPY --from build a b": "COPY --from=build a b",
    "COPY https://a.b/c /d": "ADD https://a.b/c /d",
    "RUN\xa0echo": "RUN echo",
    "RUN <<EOF\na EOF\n  EOF \nRUN b": "RUN <<EOF\na EOF\nEOF\nRUN b",
}


@pytest.mark.parametrize("wrong", MISSPELT)
def test_words_that_are_misspelt(wrong):
    head = "FROM x AS build\nFROM y\n"
    (problem,) = [each for each in check(parse(head + wrong)) if each.source != "ConsistentInstructionCasing"]
    assert apply(head + wrong, [problem.fix]) == head + MISSPELT[wrong]


UNSURE = [
    "FROM x\nCO\\\nPPY a b",  # the word is continued
    "FROM x\nENV a b \\\n c",
    "FROM x\nEXPOSE 80/TCP 80/TCP",  # which of them?
    "FROM x\nENV a it's \"b",
]


@pytest.mark.parametrize("text", UNSURE)
def test_no_fix_where_the_text_is_not_plain(text):
    assert [problem.fix for problem in check(parse(text)) if problem.fix] == []


def test_fixes_are_in_the_users_own_text():
    cell = "FROM {{base}} as b\nENV {{name}} c d\nENV e {{name}}\n{{lines}}\nMAINTAINER f\n"
    values = {"base": "python:3.12-slim", "name": "AS", "lines": "RUN a\nrun b"}
    text, lines = substitute(cell, values)
    fixes = [problem.fix for problem in check(parse(text, lines)) if problem.fix]
    assert apply(cell, fixes) == (
        'FROM {{base}} AS b\nENV {{name}} c d\nENV e {{name}}\n{{lines}}\nLABEL org.opencontainers.image.authors="f"\n'
    )


def test_a_byte_order_mark_and_carriage_returns_are_kept():
    text = "\ufefffrom x as b\r\nRUN a\r\nCMD a\r\nENV a b\r\n"
    fixed = apply(text, [problem.fix for problem in check(parse(text)) if problem.fix])
    assert fixed == '\ufeffFROM x as b\r\nRUN a\r\nCMD ["a"]\r\nENV a=b\r\n'


def test_of_fixes_that_overlap_one_is_made():
    text = "FROM x\nRUN a\nmaintainer b\n"
    fixes = [problem.fix for problem in check(parse(text)) if problem.fix]
    assert len(fixes) == 2
    assert apply(text, fixes) in (
        "FROM x\nRUN a\nMAINTAINER b\n",
        'FROM x\nRUN a\nlabel org.opencontainers.image.authors="b"\n',
    )


GROWING = {
    "stages": "FROM scratch AS s0\n" + "".join(f"FROM s{n - 1} AS s{n}\nENV A{n}=$B\n" for n in range(1, 10_000)),
    "siblings": "FROM scratch AS a\n" + "".join(f"FROM a as S{n}\nARG A{n}=$Q{n}\n" for n in range(5_000)),
    "variables": "FROM scratch\nENV " + " ".join(f"A{n}=$B{n}" for n in range(40_000)),
    "lines": "FROM scratch\n" + "RUN a \\\n\n b $C\n" * 40_000,
    "comments": "# check=experimental=all\nFROM x\n" + "# a\n" * 200_000 + "ARG b\n",
    "a heredoc": "FROM scratch\nCOPY <<E /a\n" + "$A b\n" * 150_000 + "E\n",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", GROWING.values(), ids=GROWING)
def test_long_texts_take_time_in_proportion_to_their_length(text):
    """Quadratic time would be minutes for these."""
    began = time.process_time()
    check(parse(text))
    assert time.process_time() - began < 20
