"""A build's flags: `docker build`'s, the same for `%%dockerfile` and `%docker build`."""

import dataclasses
import inspect
import json
import os
import re
import shutil
import subprocess
import tarfile
import time

import pytest

import nbcontainer as nbc
from nbcontainer.errors import UsageError
from nbcontainer.magics.building import build_options
from nbcontainer.magics.calls import Call
from nbcontainer.model.build import BuildRequest
from nbcontainer.verbs.docker_images import BUILD, BUILD_FLAGS
from nbcontainer.verbs.dockerfile import DOCKERFILE
from tests.environment.docker import Docker

WAITING = {"--attest", "--cache-to", "--call", "--debug"}  # not implemented yet


def fields(*words):
    return build_options(Call(DOCKERFILE, DOCKERFILE.parse(words), "FROM busybox", {}))


def test_both_magics_have_the_same_flags():
    assert set(BUILD_FLAGS) <= set(DOCKERFILE.arguments)
    assert set(BUILD_FLAGS) <= set(BUILD.arguments)


@pytest.mark.parametrize("verb", [DOCKERFILE, BUILD], ids=["%%dockerfile", "%docker build"])
def test_each_flag_is_an_argument_of_the_call_or_the_magics_own(verb):
    build, check = (inspect.signature(call).parameters for call in (nbc.images.build, nbc.images.check))
    assert [*build.values()] == [*check.values()]
    arguments = {item.key: item for item in verb.arguments if not item.control and item.kind != "refused"}
    assert set(arguments) <= set(check)
    kinds = {"list": "Sequence[", "mapping": "Mapping[", "switch": "bool", "text": "str"}
    for name, item in arguments.items():
        taken = "Mapping[" if name == "ssh" else kinds[item.kind]
        assert check[name].annotation.startswith(taken), name


def test_the_call_accepts_every_build_option():
    known = {item.name: item for item in dataclasses.fields(BuildRequest)}
    given = inspect.signature(nbc.images.check).parameters
    assert set(given) == {*known, "command"}


def test_the_flags_are_dockers(docker_engine):
    variables = {**Docker().env(), "DOCKER_HOST": docker_engine.host}
    told = subprocess.run(
        [variables["NBCONTAINER_TEST_DOCKER"], "buildx", "build", "--help"],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    theirs = {match[1]: match[2] for match in re.finditer(r"^ +(?:-\w, )?(--[\w-]+) (\S*)", told, re.MULTILINE)}
    assert set(theirs) - set(BUILD.flags) == WAITING
    ours = BUILD.flags
    for name in theirs.keys() & ours.keys():
        assert (theirs[name] == "") == (ours[name].kind == "switch"), name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tgaet=a"], "Did you mean --target?"),
        (["--tag"], "needs a value"),
        (["--network=bridge"], "default, none, host"),
        (["--secret", "env=A"], "--secret id=NAME"),
        (["--secret", "id=a,src=/no/such/file"], "no file /no/such/file"),
        (["--ssh", "default=/no/such/agent"], "/no/such/agent"),
        (["--ssh", "default=/etc/hosts"], "ssh-add"),
        (["--provenance=true"], "one of false"),
        (["--allow=all"], "network.host"),
        (["--build-arg", "=x"], "the name before the = is missing"),
        (["--label", "=x"], "has no name"),
    ],
)
def test_wrong_words(words, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        fields(*words)


def test_values_that_may_be_secret_are_in_no_command(monkeypatch):
    monkeypatch.setenv("TOKEN", "hidden-1")
    words = ["--build-arg", "TOKEN", "--build-arg", "KEY=hidden-2", "--secret", "id=s,env=TOKEN", "--label", "a=b"]
    values = BUILD.parse([".", *words])
    assert BUILD.as_command(values) == (
        "docker build --build-arg=TOKEN --build-arg=KEY --secret=id=s,env=TOKEN --label=a=b ."
    )
    found = fields(*words)
    assert found["build_args"] == {"TOKEN": "hidden-1", "KEY": "hidden-2"}
    assert found["secrets"][0].read() == b"hidden-1"
    assert "hidden-" not in repr(found["secrets"])
    assert "hidden-" not in repr(Call(BUILD, values, None, {}))
    assert "hidden-" not in repr(BuildRequest("FROM busybox", **found))


def test_buildxs_variable_names_the_builder(monkeypatch):
    monkeypatch.setenv("BUILDX_BUILDER", "far")
    assert fields()["builder"] == "far"
    assert fields("--builder", "near")["builder"] == "near"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--save {0}/nowhere/Dockerfile", "--save {0}/nowhere/Dockerfile cannot be written: No such file"),
        ("--into 1x", "'1x' is not a valid name for a Python variable"),
        ("-o type=foo,dest={0}/x", "write a folder, or type=local, tar, oci or docker"),
        ("--build-context other=/nonexistent", "`--build-context` other: "),
        ("-o type=local,dest=/dev/null", "`--output`: '/dev/null' cannot be written: File exists."),
    ],
)
def test_invalid_values_are_one_line(docker_kernel, tmp_path, words, said):
    ran = docker_kernel.run(f"%%dockerfile {words.format(tmp_path)}\nFROM busybox")
    assert ran.error == "UsageError"
    assert said.format(tmp_path) in " ".join(ran.traceback)
    assert len(ran.traceback) <= 2


def test_a_check_reports_the_engines_verdict_with_the_cells_line(docker_kernel):
    ran = docker_kernel.run("%%dockerfile --check\nFROM busybox\nADD --checksum=x https://host.invalid/a /")
    assert ran.error == "DockerfileError"
    assert "line 3: invalid checksum digest format" in " ".join(ran.traceback)
    assert "No problems" not in ran.text


def test_an_output_on_a_full_disk(docker_kernel):
    ran = docker_kernel.run("%%dockerfile -o type=tar,dest=/dev/full\nFROM busybox")
    assert ran.error == "BuildFailed"
    assert "did not arrive: it cannot be written: No space left on device." in " ".join(ran.traceback)
    assert len(ran.traceback) <= 2


def test_an_output_that_fails_leaves_the_file_that_was_there(docker_kernel, tmp_path):
    (tmp_path / "out.tar").write_text("old")
    ran = docker_kernel.run(f"%%dockerfile -o type=tar,dest={tmp_path}/out.tar\nFROM busybox\nRUN false")
    assert ran.error == "BuildFailed"
    assert (tmp_path / "out.tar").read_text() == "old"
    ran = docker_kernel.run(f"%%dockerfile -o type=tar,dest={tmp_path}/out.tar\nFROM busybox")
    assert not ran.error, ran.text
    assert tarfile.is_tarfile(tmp_path / "out.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["out.tar"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("%docker build -", "The Dockerfile cannot be read from standard input."),
        (
            "%docker build https://host.invalid/x.git",
            "takes the context from a URL: %%dockerfile https://host.invalid/x",
        ),
        ("%%dockerfile -f X\nFROM busybox", "the cell is the Dockerfile"),
    ],
)
def test_a_dockerfile_from_elsewhere_is_refused_with_the_way(docker_kernel, call, said):
    ran = docker_kernel.run(call)
    assert ran.error == "UsageError"
    assert said in " ".join(ran.traceback)


def test_a_secret_is_asked_for_once_when_the_text_has_no_faults(docker_kernel):
    ran = docker_kernel.run("%%dockerfile --secret id=asked\nFORM busybox", answers=["hunter2"])
    assert (ran.error, ran.asked) == ("DockerfileError", [])
    ran = docker_kernel.run("%%dockerfile --check --secret id=asked\nFROM busybox", answers=["hunter2"])
    assert (ran.error, ran.asked) == ("", [])
    text = "%%dockerfile --secret id=asked\nFROM busybox\nRUN --mount=type=secret,id=asked wc -c < /run/secrets/asked"
    ran = docker_kernel.run(f"{text}; echo {time.time_ns()}", answers=["hunter2"])
    assert not ran.error, ran.traceback
    assert ran.asked == [("Secret asked: ", True)]
    assert "hunter2" not in ran.text


def test_what_is_written_and_returned(docker_kernel, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nCOPY . /here\nRUN ls /here > /list\n")
    (tmp_path / "Dockerfile.dockerignore").write_text("left-out\n")
    for name in ("sent", "left-out"):
        (tmp_path / name).write_text(name)
    files = f"--iidfile {tmp_path}/id --metadata-file {tmp_path}/facts"
    ran = docker_kernel.run(f"built = %docker build -q -t nbc-flags:1 {files} {tmp_path}")
    assert not ran.error, ran.text
    assert ran.text == ""
    ran = docker_kernel.run("print(built.id)")
    assert ran.printed.strip() == (tmp_path / "id").read_text()
    assert json.loads((tmp_path / "facts").read_text())["image.name"] == "nbc-flags:1"
    ran = docker_kernel.run(f"%docker build --progress=plain -o {tmp_path}/out {tmp_path}")
    assert "✓ built" not in ran.text
    assert ran.printed.splitlines()[-1].startswith("built image")
    names = (tmp_path / "out" / "list").read_text().split()
    assert "sent" in names
    assert "left-out" not in names


@pytest.mark.parametrize("name", ["file", "folder/new", "pipe"])
def test_files_about_a_build_are_not_written_through_what_its_output_has_put_there(name, docker_kernel, tmp_path):
    (outside := tmp_path / "outside").mkdir()
    (outside / "kept").write_text("kept")
    (put := tmp_path / "context/put").mkdir(parents=True)
    (put / "file").symlink_to(outside / "kept")
    (put / "folder").symlink_to(outside)
    os.mkfifo(put / "pipe")
    (tmp_path / "context/Dockerfile").write_text("FROM scratch\nCOPY put /\n")
    out = tmp_path / "out"
    for flag in ("--iidfile", "--metadata-file"):
        ran = docker_kernel.run(f"%docker build -q -o {out} {flag} {out}/{name} {tmp_path}/context")
        assert f"{flag} {out}/{name} was not written: the build's output has put a link" in " ".join(ran.traceback)
        shutil.rmtree(out)
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert (outside / "kept").read_text() == "kept"


def test_plain_progress_is_all_that_steps_write_and_stays(docker_kernel):
    ran = docker_kernel.run("%%dockerfile --no-cache --progress plain\nFROM busybox\nRUN echo first; echo second >&2\n")
    step, *rest = [line for line in ran.printed.splitlines() if line.startswith("#2 ")]
    assert step.endswith("RUN echo first; echo second >&2")
    assert sorted(rest[:2]) == ["#2 first", "#2 second"]
    assert re.fullmatch(r"#2 done \d+\.\d s", rest[2])
    ran = docker_kernel.run("%%dockerfile --no-cache --progress plain\nFROM scratch\nRUN x\n")
    assert ran.error == "BuildFailed"
    assert "done" not in ran.printed  # BuildKit's output for a step found in the cache
    assert "no such file or directory" in ran.printed
