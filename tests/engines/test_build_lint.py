"""`--check` with BuildKit, with `docker buildx build --check` as the oracle."""

import base64
import json
import subprocess

import pytest

import nbcontainer as nbc
from nbcontainer.dockerfile import check, parse
from nbcontainer.engines.build_lint import joined, lint
from nbcontainer.engines.connection import find_engine
from nbcontainer.errors import DockerfileError, UsageError
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.source_map import SourceMap
from tests.buildkit.conftest import make_buildkitd, running_buildkitd  # noqa: F401 - fixtures

from .build_engines import connect
from .conftest import running

FAULTS = {
    "a quote that does not end": ("FROM busybox\nENV A='b\n", 2, "looking for matching single-quote"),
    "a base image on no host": ("ARG A\nFROM nowhere.invalid/x:1\nRUN true\n", 2, "no such host"),
    "a base image that is not there": ("FROM {registry}/nbcontainer-test/no-such:1\n", 1, "no-such:1: not found"),
    "an image of COPY that is not there": (
        "FROM busybox\nRUN true\nCOPY --from={registry}/nbcontainer-test/no-such:1 /a /\n", 3, "no-such:1: not found",
    ),
    "permissions that are not octal": ("FROM busybox\nCOPY --chmod=888 a /\n", 2, "invalid chmod parameter: '888'"),
    "a signal that is none": ("FROM busybox\n\nSTOPSIGNAL FOO\n", 3, "invalid signal: FOO"),
    "a checksum that is none": ("FROM busybox\nADD --checksum=foo https://host.invalid/a /\n", 2, "invalid checksum"),
    "a frontend on no host": ("# syntax=nowhere.invalid/x\nFROM busybox\n", 1, "no such host"),
    "a fault behind a warning": ("FROM busybox as a\nSTOPSIGNAL FOO\n", 2, "invalid signal: FOO"),
    "a warning that is made an error": ("# check=error=true\nFROM busybox as a\n", 2, "casing do not match"),
}  # fmt: skip


@pytest.fixture
def new_engine(monkeypatch, tmp_path):
    yield from connect("docker", monkeypatch, tmp_path)


@pytest.fixture(params=["engine", "buildkitd"])
def builder(request):
    """The Engine's own BuildKit, and a standalone one."""
    request.getfixturevalue("new_engine")
    if request.param == "engine":
        return ""
    return f"unix://{request.getfixturevalue('running_buildkitd').socket}"


def says_buildx(text):
    """The exit code of `docker buildx build --check`, and its output."""
    docker = running("docker", "Docker")
    done = subprocess.run(
        [docker.client(), "buildx", "build", "--check", "-"],
        input=text,
        text=True,
        capture_output=True,
        check=False,
        env=docker.client_environment(),
    )
    return done.returncode, done.stderr + done.stdout


@pytest.mark.parametrize("fault", FAULTS)
def test_what_would_not_build_fails_the_check_with_its_line(fault, builder, registry):
    text, line, said = FAULTS[fault]
    text = text.format(registry=registry)
    lines = SourceMap.shifted(text.count("\n") + 2, 1)
    with pytest.raises(DockerfileError) as caught:
        nbc.images.check(text, builder=builder, source_map=lines)
    assert caught.value.lines == (line + 1,)
    (error,) = [problem for problem in lint_of(text, builder, source_map=lines) if problem.severity == "error"]
    assert error.line == line + 1
    assert said in error.message
    code, output = says_buildx(text)
    assert code == 1
    assert said in output
    assert f"{line} | >>> " in output


def test_a_line_that_is_too_long_has_its_own_number(builder):
    """BuildKit, and so buildx, names the line before it."""
    text = "FROM busybox\nRUN echo é\nRUN echo " + "a" * 65536 + "\n"
    with pytest.raises(DockerfileError, match="line 3: dockerfile line greater than max allowed size"):
        nbc.images.check(text, builder=builder)
    assert says_buildx(text)[0] == 1
    with pytest.raises(DockerfileError, match="line 3: dockerfile line greater than max allowed size"):
        nbc.images.build(text, builder=builder).result(60)


def test_warnings_and_what_the_text_leaves_out_of_them(builder):
    text = "FROM busybox as a\nENV a b\n"
    found = [(problem.line, problem.end_line, problem.source, problem.severity) for problem in lint_of(text, builder)]
    assert found == [(1, 1, "FromAsCasing", "warning"), (2, 2, "LegacyKeyValueFormat", "warning")]
    left = "# check=skip=FromAsCasing\nFROM busybox as a\n"
    assert lint_of(left, builder) == []
    assert says_buildx(left)[0] == 0
    assert "No problems" in str(nbc.images.check(left, builder=builder))


def lint_of(text, builder, **fields):
    return lint(find_engine(), BuildRequest(text, builder=builder, **fields))


def test_what_a_build_may_ask_for_the_check_has_too(builder, tmp_path):
    """Named contexts, secrets, entitlements: none of them may look like an error."""
    (tmp_path / "f").write_text("")
    text = "FROM busybox\nCOPY --from=other f /f\nRUN --mount=type=secret,id=x true\n"
    assert lint_of(text, builder, build_contexts={"other": str(tmp_path)}, network="host") == []
    assert lint_of("FROM other\nCOPY f /\n", builder, build_contexts={"other": "docker-image://busybox"}) == []


def test_a_base_image_behind_a_login(builder, password_registry, tmp_path, monkeypatch):
    image = f"{password_registry}/nbcontainer-test/no-such:1"
    (refused,) = lint_of(f"FROM {image}\n", builder)
    assert "401 Unauthorized" in refused.message
    (tmp_path / "config.json").write_text(
        json.dumps({"auths": {password_registry: {"auth": base64.b64encode(b"alice:secret").decode()}}})
    )
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (missing,) = lint_of(f"FROM {image}\n", builder)
    assert "not found" in missing.message


@pytest.mark.usefixtures("new_engine")
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"builder": "nbcontainer-nowhere"}, "builder"),
        ({"shm_size": "12q"}, "size '12q'"),
        ({"context": "/nonexistent"}, "does not exist"),
        ({"build_contexts": {"other": "/nonexistent"}}, "`build_contexts` other"),
    ],
)
def test_words_that_a_build_would_refuse(fields, said):
    with pytest.raises(UsageError, match=said):
        nbc.images.check("FROM busybox\n", **fields)


def test_unfinished_checks_are_reported(new_engine, monkeypatch):
    monkeypatch.setattr("nbcontainer.engines.build_lint.SECONDS", 1e-6)
    (problem,) = lint(new_engine, BuildRequest("FROM busybox\nENV a b\n"))
    assert (problem.line, problem.severity) == (0, "warning")
    assert "BuildKit's own checks could not be finished" in problem.message
    assert "No problems" not in str(nbc.images.check("FROM busybox\nENV a b\n"))


@pytest.mark.usefixtures("new_engine")
def test_the_word_of_buildkit_counts():
    """Ours is kept where it says the same, added is what only BuildKit knows, and left out what it does not find."""
    text = "ARG PLATFORM=linux\nFROM busybox as a\nENV b c\nFROM other\nCOPY $D /\nCMD ['e']\n"
    own = check(parse(text), variables=lambda _: ())
    contexts = {"other": "docker-image://busybox"}
    said = lint_of(text.replace("$D", "$PATH"), "", build_contexts=contexts)
    together = joined(own, said)
    assert [(problem.source, problem.line) for problem in together] == [
        ("FromAsCasing", 2),
        ("LegacyKeyValueFormat", 3),
        ("json", 6),
    ]
    assert all(problem.fix for problem in together)
    assert joined(own, None) == own
    (alone,) = joined([], [said[0]])
    assert alone.link.endswith("/from-as-casing/")


@pytest.mark.usefixtures("new_engine")
def test_each_finding_is_said_once():
    text = "FROM busybox as a\nMAINTAINER b\nENV c d\nARG TOKEN\nWORKDIR e\nEXPOSE 80/TCP\nCMD f\nCMD g\n"
    report = nbc.images.check(text)
    said = [(problem.source, problem.line) for problem in lint_of(text, "")]
    assert sorted(said) == sorted((problem.source, problem.line) for problem in report.problems)
    assert (report.remarks[0].text, report.remarks[0].cure) == (
        "line 1: as and FROM differ in casing (FromAsCasing)",
        "Write AS.",
    )
    assert str(report).startswith("line 1: as and FROM differ in casing (Write AS.)\nline 2: ")
    fixed = report.fixed(text)
    left = {"SecretsUsedInArgOrEnv", "WorkdirRelativePath", "MultipleInstructionsDisallowed"}
    assert {problem.source for problem in lint_of(fixed, "")} <= left
