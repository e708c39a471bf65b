import base64
import json
import os
import time
from pathlib import Path

import pytest

from nbcontainer.engines.credentials import Credential, CredentialWarning, auth_header, credentials, run_helper
from nbcontainer.errors import UsageError
from nbcontainer.settings import settings


def config(folder, **values):
    (folder / "config.json").write_text(json.dumps(values))


def auth(username, password):
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


@pytest.fixture
def helper(tmp_path, monkeypatch):
    """Puts a credential helper with this script on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def write(script, name="test"):
        path = folder / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return write


def answer(username, secret):
    return f"""read server; printf '{{"ServerURL": "%s", "Username": "{username}", "Secret": "{secret}"}}' "$server" """


def test_no_configuration_means_anonymous():
    assert credentials("ghcr.io") is None


def test_file_and_its_several_keys(configuration):
    config(
        configuration,
        auths={
            "https://index.docker.io/v1/": auth("me", "pass:with:colons"),
            "https://old.example/v2/": auth("old", "key"),
            "token.example": {**auth("me", ""), "identitytoken": "refresh"},
            "plain.example": {"username": "u", "password": "p"},
            "empty.example": {},
        },
    )
    for name in ("docker.io", "index.docker.io", "registry-1.docker.io", "https://index.docker.io/v1/", ""):
        found = credentials(name)
        assert (found.username, found.secret, found.kind) == ("me", "pass:with:colons", "password")
    assert credentials("old.example").username == "old"
    assert credentials("token.example").kind == "identity token"
    assert credentials("plain.example").secret == "p"
    assert credentials("empty.example") is None
    assert credentials("other.example") is None


def test_podmans_own_file_comes_first_for_podman(configuration, tmp_path):
    config(configuration, auths={"ghcr.io": auth("docker", "1"), "quay.io": auth("docker", "2")})
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {"ghcr.io": auth("podman", "3")}}))
    assert credentials("ghcr.io").username == "docker"
    assert credentials("ghcr.io", podman=True).username == "podman"
    assert credentials("quay.io", podman=True).username == "docker"


def test_helpers_are_asked_for_one_host(configuration, helper):
    helper(answer("me", "hidden"))
    config(configuration, credHelpers={"ghcr.io": "test"}, auths={"quay.io": auth("q", "p")})
    found = credentials("ghcr.io")
    assert (found.username, found.secret, found.source) == ("me", "hidden", "docker-credential-test")
    assert credentials("quay.io").username == "q"


def test_the_store_is_asked_under_docker_hubs_old_name(configuration, helper):
    helper(
        'read server; [ "$server" = https://index.docker.io/v1/ ] || exit 1\n'
        'echo \'{"Username":"<token>","Secret":"t"}\''
    )
    config(configuration, credsStore="test")
    found = credentials("docker.io")
    assert (found.username, found.secret, found.kind) == ("", "t", "identity token")


def test_a_helper_without_a_login_is_not_an_error(configuration, helper, recwarn):
    helper("echo 'credentials not found in native keychain'; exit 1")
    config(configuration, credsStore="test")
    assert credentials("ghcr.io") is None
    assert not recwarn.list


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (None, "is not installed"),
        ("echo keychain is locked; exit 1", "failed with code 1: keychain is locked"),
        ("echo '<html>'", "invalid reply"),
        ("echo '[1, 2]'", "invalid reply"),
        ("""echo '{"Username": 1, "Secret": null}'""", "invalid reply"),
        ("printf '\\033[31mred\\033[0m'; exit 3", "failed with code 3: red"),
        ("kill -9 $$", "failed with code -9"),
    ],
)
def test_a_bad_helper_means_anonymous_and_a_warning(configuration, helper, script, words):
    if script:
        helper(script)
    config(configuration, credsStore="test")
    reported = []
    assert credentials("ghcr.io", warn=reported.append) is None
    assert len(reported) == 1
    assert words in reported[0]
    assert "ghcr.io" in reported[0]
    assert "\x1b" not in reported[0]


def test_a_hanging_helper_is_ended_with_its_children(configuration, helper, monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "credential_helper_timeout", 0.3)
    helper(f"sleep 60 & echo $! > {tmp_path}/pid; wait")
    config(configuration, credsStore="test")
    started = time.monotonic()
    with pytest.warns(CredentialWarning, match="did not answer within 0.3 s"):
        assert credentials("ghcr.io") is None
    assert time.monotonic() - started < 3
    child = int((tmp_path / "pid").read_text())
    for _ in range(100):
        try:
            state = Path(f"/proc/{child}/stat").read_text().split()[2]
        except OSError:
            break
        if state == "Z":
            break
        time.sleep(0.02)
    else:
        pytest.fail("the helper's child still runs")


def test_a_helper_that_fails_still_leaves_what_the_file_has(configuration):
    config(configuration, credsStore="missing-helper", auths={"ghcr.io": auth("u", "p")})
    with pytest.warns(CredentialWarning):
        assert credentials("ghcr.io").username == "u"


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "null", '{"auths": {"ghcr.io": {"auth": "%%%"}}}', '{"auths": {"ghcr.io": {"auth": "bm9jb2xvbg=="}}}'],
)
def test_a_damaged_file_means_anonymous_and_a_warning(configuration, text):
    (configuration / "config.json").write_text(text)
    with pytest.warns(CredentialWarning):
        assert credentials("ghcr.io") is None


@pytest.mark.parametrize(
    "values", [{"auths": []}, {"auths": {"ghcr.io": 1}}, {"credHelpers": 3}, {"credsStore": 1}, {"auths": {"": {}}}]
)
def test_odd_but_harmless_files(configuration, values):
    config(configuration, **values)
    assert credentials("ghcr.io") is None


def test_a_helper_name_cannot_leave_the_path(configuration):
    config(configuration, credsStore="../../bin/evil")
    reported = []
    assert credentials("ghcr.io", warn=reported.append) is None
    assert "is not valid" in reported[0]


def test_no_registry_is_a_usage_error():
    with pytest.raises(UsageError):
        credentials("a b\n")


def test_secrets_are_not_in_the_repr():
    assert "hidden" not in repr(Credential("ghcr.io", "me", "hidden"))


def test_what_a_store_echoes_is_not_shown(helper):
    helper("cat; exit 1")
    with pytest.raises(Exception, match="failed with code 1") as caught:
        run_helper("test", "store", '{"Secret": "hidden"}')
    assert "hidden" not in str(caught.value)


def test_the_header_is_what_engines_decode():
    found = json.loads(base64.urlsafe_b64decode(auth_header(Credential("docker.io", "me", "pä?>"), "docker.io")))
    assert found == {"username": "me", "password": "pä?>", "serveraddress": "https://index.docker.io/v1/"}
    assert json.loads(base64.urlsafe_b64decode(auth_header(None, "ghcr.io"))) == {}


def test_of_several_paths_of_a_registry_the_longest_that_fits_wins_for_podman(configuration, tmp_path):
    logins = {"r.example/other": auth("wrong", "1"), "r.example/team": auth("team", "2"), "r.example": auth("all", "3")}
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {**logins, "r.example/team/web/deep": auth("deep", "4")}}))
    config(configuration, auths={})
    for path, name in {
        "team/web": "team",
        "team/web/deep": "deep",
        "team": "team",
        "teams/web": "all",
        "": "all",
    }.items():
        assert credentials("r.example", path=path, podman=True).username == name
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {"r.example/other": auth("wrong", "1")}}))
    assert credentials("r.example", path="team/web", podman=True) is None


def test_a_login_with_line_ends_inside_is_read_as_docker_reads_it(configuration):
    lines = auth("me", "a long password of several lines")["auth"]
    config(configuration, auths={"r.example": {"auth": "\r\n".join([lines[:20], lines[20:], ""])}})
    assert credentials("r.example").secret == "a long password of several lines"
