"""Commands for a terminal: their target, their quoting, and that they have no secrets."""

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.model.commands import ClusterCommands, EngineCommands, environment_words, joined


@pytest.mark.parametrize(
    ("commands", "written"),
    [
        (EngineCommands("far", "tcp://10.0.0.1:2375"), "docker --context far ps -a"),
        (EngineCommands(address="unix:///run/a b.sock"), "docker -H 'unix:///run/a b.sock' ps -a"),
        (EngineCommands(address="unix:///run/p.sock", is_podman=True), "podman --url unix:///run/p.sock ps -a"),
        (EngineCommands("far", configuration="/etc/docker"), "docker --context far --config /etc/docker ps -a"),
        (
            EngineCommands(address="tcp://h:2376", tls=("--tlsverify", "--tlscacert=/ca.pem")),
            "docker --tlsverify --tlscacert=/ca.pem -H tcp://h:2376 ps -a",
        ),
        (EngineCommands(), "docker ps -a"),
    ],
)
def test_an_engine_is_named_as_its_client_takes_it(commands, written):
    assert commands.command("ps", "-a") == written


@pytest.mark.parametrize(
    ("commands", "written"),
    [
        (ClusterCommands("prod", "shop"), "kubectl --context prod -n shop get pods"),
        (ClusterCommands("a b", "shop", "/k"), "kubectl --context 'a b' -n shop --kubeconfig /k get pods"),
        (ClusterCommands("c", "n", "/a b:/k"), "KUBECONFIG='/a b:/k' kubectl --context c -n n get pods"),
        (ClusterCommands("", "n", "/dev/null"), "kubectl -n n --kubeconfig /dev/null get pods"),
    ],
)
def test_a_cluster_is_named_as_kubectl_takes_it(commands, written):
    assert commands.kubectl("get", "pods") == written


def test_docker_keeps_the_logins_whatever_the_engine_is():
    commands = EngineCommands(address="unix:///run/p.sock", is_podman=True, configuration="/c")
    assert commands.docker("login") == "docker -H unix:///run/p.sock --config /c login"


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_a_shell_reads_the_words_back(words):
    assert shlex.split(joined(words)) == words


def test_a_value_that_may_be_secret_is_left_to_the_terminals_environment(monkeypatch):
    monkeypatch.setenv("INHERITED", "hidden-1")
    given = {
        "INHERITED": "hidden-1",
        "DB_PASSWORD": "hidden-2",
        "api-token": "hidden-3",
        "DB": "pg://me:hidden-4@db/x",
        "COLOUR": "sky blue",
    }
    docker = joined(environment_words("--env", given))
    assert docker == "--env INHERITED --env DB_PASSWORD --env api-token --env DB --env 'COLOUR=sky blue'"
    kubectl = joined(environment_words("--env", given, inherits=False))
    assert "hidden" not in kubectl
    read = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {kubectl}"],
        env={"INHERITED": "a b", "DB_PASSWORD": "$(c)", "DB": "d"},
        capture_output=True,
        text=True,
        check=True,
    )
    words = ["INHERITED=a b", "DB_PASSWORD=$(c)", "api-token=…", "DB=d", "COLOUR=sky blue"]
    assert read.stdout.splitlines() == [one for word in words for one in ("--env", word)]
