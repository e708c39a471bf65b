"""docker and kubectl understand what `.command` prints."""

import os
import shlex
import subprocess

import pytest

from nbcontainer.magics.catalogue import MAGICS, verbs_of
from tests.conftest import part

WORDS = {
    "number": "3",
    "port": "80",
    "pairs": "cpu=1",
    "seconds": "90s",
    "tail": "5",
    "mapping": "KEY=two words",
    "list": "a=1",
    "text": "value",
    "boolean": "true",
}
FLAGS = {
    "--add-host": "name:10.0.0.1", "--build-context": "more=.", "--cpus": "1.5", "--labels": "app=web",
    "--memory": "64m", "--no-cache-filter": "build", "--port": "80", "--publish": "8080:80",
    "--secret": "id=x,env=HOME", "--shm-size": "64m", "--ulimit": "nofile=1024",
}  # fmt: skip
COMMAND = ["sh", "-c", "exit 3"]


def everything(verb):
    """A call of a verb with all of its arguments."""
    words = []
    for argument in verb.arguments:
        if argument.kind == "rest":
            continue
        value = FLAGS.get(argument.long) or (argument.choices[0] if argument.choices else WORDS.get(argument.kind))
        if argument.is_flag and not argument.own:
            words.append(argument.long if argument.kind == "switch" else f"{argument.long}={value}")
        elif not argument.is_flag:
            words.append("name")
    if any(argument.kind == "rest" for argument in verb.arguments):
        words += COMMAND if verb.rest_after_first and not verb.dashes else ["--", *COMMAND]
    return words


def commands(program):
    """The command for each verb of docker or kubectl."""
    for name in MAGICS:
        for verb in verbs_of(name).magic.verbs:
            if verb.command[:1] == (program,):
                yield verb, shlex.split(verb.as_command(verb.parse(everything(verb))))


def understood(program, verb, words, **variables):
    """Whether the flags are known: they are parsed before --help takes effect."""
    length = next((at for at, word in enumerate(verb.command) if word.startswith("-")), len(verb.command))
    command = [*program, *words[1:length], "--help", *words[length:]]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **variables})
    assert ended.returncode == 0, f"{shlex.join(words)}: {ended.stderr}"


def test_docker_understands_each_command(docker_engine):
    docker, buildx = (docker_engine.variables[f"NBCONTAINER_TEST_{name}"] for name in ("DOCKER", "BUILDX"))
    seen = set()
    for verb, words in commands("docker"):
        understood([buildx] if verb.command[1] == "build" else [docker], verb, words)
        seen.add(verb.command[1])
    assert seen >= {"build", "login", "push", "run", "logs", "rm"}


def test_kubectl_understands_each_command(kubernetes_cluster):
    kubectl = part("kubernetes").env()["NBCONTAINER_TEST_KUBECTL"]
    seen = set()
    for verb, words in commands("kubectl"):
        understood([kubectl], verb, words, KUBECONFIG=str(kubernetes_cluster.kubeconfig))
        seen.add(verb.command[1])
    assert seen >= {"get", "run", "delete", "logs", "exec", "events", "apply"}


@pytest.mark.parametrize(
    ("magic", "line", "command"),
    [
        ("docker", "run -i --rm -e A=1 busybox ls -l", "docker run --rm --interactive --env=A=1 busybox ls -l"),
        ("docker", "logs web -f --tail 5", "docker logs --follow --tail=5 web"),
        ("kpod", "events web -n shop", "kubectl events --for=pod/web --namespace=shop"),
        ("kpod", "exec web -- ls -l", "kubectl exec web -- ls -l"),
        ("kpod", "create web --image=busybox -- sleep 9", "kubectl run web --image=busybox -- sleep 9"),
        ("kpod", "logs -f -l app=web", "kubectl logs --selector=app=web --follow"),
        ("kpod", "-A", "kubectl get pods --all-namespaces"),
    ],
)
def test_flags_stand_where_the_program_wants_them(magic, line, command):
    verb, words = verbs_of(magic).magic.split(line)
    assert verb.as_command(verb.parse(words)) == command
