"""What needs no engine: help, invalid arguments, Dockerfile errors, variables."""

import re

import pytest

from nbcontainer.magics import catalogue
from nbcontainer.settings import settings

HELP = ["%docker --help", "%docker image --help", "%docker image ls --help", "%docker -c x container --help",
        "%docker push --help", "%docker push -h", "%%dockerfile -h", "%kpod logs -h",
        "%%dockerfile --help", "%%dockerfile --help\n", "%kpod --help",
        "%kpod create --help", "%%kube apply --help", "%kube --help", "%nbcontainer --help"]  # fmt: skip


@pytest.mark.parametrize("code", HELP)
def test_help_is_printed_and_nothing_else(lone_kernel, code):
    ran = lone_kernel.run(code)
    assert ran.kinds == ["stream"], ran.text
    assert ran.printed.startswith("%")
    assert "--help" in ran.printed or "Example" in ran.printed


def test_every_verb_has_help_with_an_example(lone_kernel):
    for name in catalogue.MAGICS:
        for verb in catalogue.verbs_of(name).magic.verbs:
            ran = lone_kernel.run(f"%{name} {verb.path} --help")
            assert not ran.error
            assert "Example:" in ran.printed, verb.title


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        ("%docker", "UsageError", ["needs a verb", "Verbs: login"]),
        ("%docker image", "UsageError", ["%docker image needs a verb", "Verbs: "]),
        ("%docker pusch x", "UsageError", ["no verb 'pusch'", "Did you mean %docker push?"]),
        ("%docker push 'x", "UsageError", ["Close the quote"]),
        ("%docker push", "UsageError", ["IMAGE is missing"]),
        ("%%docker push x\nbody", "UsageError", ["does not take a cell body"]),
        ("%%dockerfile -t x", "UsageError", ["needs a cell body"]),
        ("%%dockerfile -t x\n", "UsageError", ["needs a cell body"]),
        ("%%dockerfile -t x:{{undefined}}\nFROM busybox", "UsageError", ["{{undefined}} is not defined", "--raw"]),
        ("%%dockerfile\nFROM {{one}}\nRUN {{two}}", "UsageError", ["line 2: {{one}}", "line 3: {{two}}", "--raw"]),
        ("%%dockerfile\nFORM busybox\nRUNN x", "DockerfileError", ["line 2: ", "FROM", "line 3: ", "RUN"]),
        ("%%dockerfile --target nope\nFROM busybox AS build", "DockerfileError", ["nope"]),
        ("%%dockerfile --add a=b\nFROM busybox", "UsageError", ["no variable 'b'"]),
        ("%%dockerfile --secret id=x,env=NOT_THERE\nFROM busybox", "UsageError", ["NOT_THERE is not set"]),
        ("%%dockerfile --secret id=x,src=not-there\nFROM busybox", "UsageError", ["no file not-there"]),
        ("%%dockerfile --secret id=x\nFORM busybox", "DockerfileError", ["line 2: "]),  # there was no prompt
        ("%docker images", "EngineUnavailable", ["DOCKER_HOST"]),
        ("%kpod", "ClusterUnavailable", ["Podman"]),
        ("%kpod create web", "UsageError", ["--image is missing", "%kpod create web --image=IMAGE"]),
        ("%kpod logs", "UsageError", ["Logs of which pod?"]),
        ("%kpod delete", "UsageError", ["Which pods?"]),
        ("%kpod get deployments", "UsageError", ["is for pods", "pod/deployments"]),
        ("%docker ps -c prod", "UsageError", ["no flag -c", "%docker -c NAME ps"]),
        ("%kpod -w", "UsageError", ["--duration"]),
        ("%docker logs -f web", "UsageError", ["--duration"]),
        ("%docker login example.com", "UsageError", ["Nobody can be asked here: Username", "-u USER"]),
        (
            "%docker login example.com -u a",
            "UsageError",
            ["asked here: Password of a at example.com", "env:NAME"],
        ),
        ("%docker login example.com -u a --password-from env:NOT_THERE", "UsageError", ["NOT_THERE"]),
        ("%docker run -it busybox sh", "UsageError", ["no terminal", "Leave out -t", "%%docker run"]),
        ("%kpod exec -it web -- sh", "UsageError", ["no terminal", "Leave out -t", "%%kpod exec"]),
        ("%docker login example.com -u a -p s3cret", "UsageError", ["hidden field", "--password-from"]),
        ("%docker login -ps3cret", "UsageError", ["hidden field", "--password-from"]),
        ("%docker login --password=s3cret", "UsageError", ["hidden field", "--password-from"]),
        ("%docker login -u a --password my s3cret", "UsageError", ["hidden field", "--password-from"]),
        ("%docker login -u a --password-stdin", "UsageError", ["no standard input", "--password-from"]),
        ("%docker rm web", "EngineUnavailable", ["DOCKER_HOST"]),
        ("%nbcontainer settings nope", "UsageError", ["no setting 'nope'"]),
    ],
)
def test_an_error_is_a_few_lines_without_a_traceback(lone_kernel, code, error, said):
    ran = lone_kernel.run(code)
    assert (ran.error, ran.kinds) == (error, ["error"]), ran.text
    assert all(word in "\n".join(ran.traceback) for word in said), ran.traceback
    assert len(ran.traceback) <= 4
    assert ran.traceback[0].startswith(f"✕ {error}: ")
    assert all(line.startswith("  ") for line in ran.traceback[1:])
    assert "File" not in "\n".join(ran.traceback)
    assert "s3cret" not in ran.text + "".join(ran.traceback)


@pytest.mark.parametrize(
    "code",
    [
        "%docker login example.com -u a -p hunter2",
        "x = 1\n%docker login --password='hunter2 hunter2' -u a",
        "y = %docker login -u a -phunter2",
        "docker login -u a -p hunter2 example.com",  # IPython's automagic
        "%docker login -u a \\\n  -p hunter2 example.com",
        '%docker login --username a "-phunter2" example.com',
        "%docker login --pasword hunter2 example.com",
        "%docker login -P hunter2 example.com",
        "%docker login example.com a hunter2",
        "%docker login https://a:hunter2@example.com",
        "%docker --context prod login -u a -p hunter2 example.com",
        "%docker --log-level debug login -u a -p hunter2 example.com",
        "%kube create secret generic db --from-literal=password=hunter2",
        "%kube create secret generic db --from-literal password=hunter2 --from-literal=login=a",
        "%kube -n shop create secret generic db '--from-literal=password=hunter2 x'",
        "%kube create secret docker-registry db --docker-username=a --docker-password=hunter2",
    ],
)
def test_a_typed_password_is_not_kept_in_the_history(lone_kernel, code):
    ran = lone_kernel.run(code)
    assert ran.error == "UsageError"
    assert "hunter2" not in ran.text + "".join(ran.traceback)
    shown = lone_kernel.run("history = get_ipython().history_manager\nhistory.writeout_cache()\nprint(_i, In[-2])")
    word = "secret" if "secret" in code else "login"
    assert word in shown.printed
    assert "…" in shown.printed
    kept = lone_kernel.run(
        "word = b'hun' b'ter2'\n"
        "import contextlib, pathlib\n"
        "file = b''\n"
        "for path in pathlib.Path(history.hist_file).parent.glob('history.sqlite*'):\n"
        "    with contextlib.suppress(FileNotFoundError):  # SQLite's journal comes and goes\n"
        "        file += path.read_bytes()\n"
        f"print({word.encode()} in file, word in file, word.decode() in repr((In, _i, _ii, _iii)))"
    )
    assert kept.printed == "True False False\n"


def test_check_and_save_need_no_engine(lone_kernel, tmp_path):
    lone_kernel.run("base = 'busybox'")
    ran = lone_kernel.run(f"%%dockerfile --check --save {tmp_path}/Dockerfile\nFROM {{{{base}}}}\nMAINTAINER me")
    assert ran.kinds == ["display_data"]
    assert "line 3: MAINTAINER is deprecated" in ran.text
    assert (tmp_path / "Dockerfile").read_text("utf-8") == "FROM busybox\nMAINTAINER me\n"


def test_doctor_says_what_is_missing_and_the_cure(lone_kernel):
    ran = lone_kernel.run("%nbcontainer doctor")
    assert not ran.error
    assert "✕" in ran.text
    assert "DOCKER_HOST" in ran.text


def test_settings_are_shown_and_changed(lone_kernel):
    shown = lone_kernel.run("%nbcontainer settings").text
    assert re.search(r"^confirm +True +whether destructive verbs ask", shown, re.MULTILINE)
    assert all(re.search(rf"^{name} ", shown, re.MULTILINE) for name in settings.values())
    assert lone_kernel.run("%nbcontainer settings log_window 3000").outputs == []
    assert "3000" in lone_kernel.run("%nbcontainer settings log_window").text
    lone_kernel.run("%nbcontainer settings log_window 2000")


def test_completion_knows_verbs_flags_and_instructions(lone_kernel):
    def matches(code):
        lone_kernel.client.complete(code, len(code))
        while True:
            reply = lone_kernel.client.get_shell_msg(timeout=20)
            if reply["msg_type"] == "complete_reply":
                return reply["content"]["matches"]

    assert matches("%docker pu") == ["push", "pull"]
    assert matches("%kpod --all-n") == ["--all-namespaces"]
    assert "HEALTHCHECK" in matches("%%dockerfile\nFROM busybox\nHEALT")


def test_unload_takes_the_magics_away_and_load_brings_them_back(lone_kernel):
    lone_kernel.run("%unload_ext nbcontainer")
    try:
        assert "not found" in lone_kernel.run("%kpod --help").text
    finally:
        lone_kernel.run("%load_ext nbcontainer")
    assert "VERB" in lone_kernel.run("%kpod --help").text
