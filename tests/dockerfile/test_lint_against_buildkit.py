"""Our findings are those of BuildKit's lint rules, and what our fixes leave means the same to it."""

import pytest

from nbcontainer.dockerfile import check, parse
from nbcontainer.dockerfile.lint_rules import RULES, buildkits_name
from nbcontainer.model.fixes import apply

from .test_against_buildkit import BASES
from .test_lint import BROKEN, CLEAN

# what changes the image on purpose, and what names another thing than before
CURED = ("Cmd", "Entrypoint", "ArgsEscaped")
RENAMED = ("UndefinedArgInFrom", "UndefinedVar", "WorkdirRelativePath")
TEXTS = [
    *(case[1] for case in BROKEN),
    *CLEAN,
    *BASES,
    'FROM busybox as Build\nENV a b c\nENV d e\\ f "g h"\nLABEL i j=k\nRUN a\nEXPOSE 1:2/TCP 3/UDP\nmaintainer l\n',
    "FROM busybox AS a\nFROM --platform=$TARGETPLATFORM busybox\ncopy --from=a $m ${PATHH} /\nCMD n 'o p'\n",
    "from scratch as a\nARG b\nONBUILD ENV c d\nONBUILD user $e\nfrom a\nworkdir $b/f\nRun g\nlabel h $i\n",
    "# check=skip=FromAsCasing,LegacyKeyValueFormat\nFROM busybox as b\nENV c d\nCMD e\n",
    '# escape=`\nFROM busybox\nENV a b` c\nENV d "e`" f"\nLABEL g \'h i\' $j\n',
]


def found(text):
    """Our findings."""
    problems = check(parse(text))
    return [problem for problem in problems if buildkits_name(problem.source) in RULES]


def there(text):
    """The text with a base image that the engine has."""
    return text.replace("FROM x", "FROM busybox").replace("from x", "from busybox").replace("FROM y", "FROM busybox")


@pytest.mark.parametrize("text", TEXTS)
def test_findings(docker_buildkit, text):
    text = there(text)
    theirs = docker_buildkit.findings(text)
    if theirs is None:  # a text that it does not build
        return
    ours = {(buildkits_name(problem.source), problem.line) for problem in found(text)}
    assert sorted(ours) == theirs


@pytest.mark.parametrize("text", TEXTS)
def test_all_fixes_leave_the_meaning(docker_buildkit, text):
    text = there(text)
    if docker_buildkit.error(text):
        return
    fixed = text
    while fixes := [problem.fix for problem in found(fixed) if problem.fix and problem.source not in RENAMED]:
        fixed = apply(fixed, fixes)
    assert not docker_buildkit.error(fixed)
    assert meaning(docker_buildkit.configuration(fixed)) == meaning(docker_buildkit.configuration(text))
    curable = {(problem.source, problem.line) for problem in found(text) if problem.fix} - set(RENAMED)
    left = {(problem.source, problem.line) for problem in found(fixed)}
    assert not [each for each in left & curable if each[0] not in RENAMED]


def meaning(configuration):
    """What an image is, without what a fix changes on purpose."""
    image = dict(configuration["config"])
    labels = {key: value for key, value in (image.pop("Labels", None) or {}).items() if "authors" not in key}
    steps = [
        step["created_by"].split("#")[0]
        for step in configuration.get("history", ())
        if step["created_by"].startswith(("RUN", "COPY", "ADD", "WORKDIR", "ENV", "EXPOSE"))
    ]
    return {key: value for key, value in image.items() if key not in CURED}, labels, steps
