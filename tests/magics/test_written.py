"""Values from `{{name}}` on a line: neither in the commands of results nor in errors."""

import json
import os
import shlex
import subprocess

import pytest

from nbcontainer.errors import BuildFailed, NotFound
from nbcontainer.magics.substitution import substituted
from nbcontainer.magics.written import Written
from nbcontainer.model.changes import Change, Changes
from nbcontainer.model.tables import Words

SECRET = "s3cret of 'mine' $x"
OTHERS = {"port": "80", "name": "web", "ids": Words(["aaaaaaaaaa", "bbbbbbbbbb"])}


def written(*words, token=SECRET):
    texts = {}
    namespace = {"token": token, **OTHERS}
    return substituted(words, namespace, texts), Written(texts, namespace)


@pytest.mark.parametrize(
    ("words", "before", "after"),
    [
        (["T={{token}}"], "docker run --env=T=hunter2 busybox", 'docker run --env=T="$token" busybox'),
        (["T={{token}}"], "docker run --env T=hunter2 busybox", 'docker run --env T="$token" busybox'),
        (["-eT={{token}}"], "docker run --env T=hunter2 busybox", 'docker run --env T="$token" busybox'),
        (["{{token}}"], "docker run busybox echo hunter2", 'docker run busybox echo "$token"'),
        (["{{name}}"], 'kubectl run web --env "T=$T"', 'kubectl run "$name" --env "T=$T"'),
        (["{{name}}-1"], "kubectl logs web-1 -f", 'kubectl logs "$name"-1 -f'),
        (["pod/{{name}}"], "kubectl logs web", 'kubectl logs "$name"'),
        (["{{port}}:1"], "docker -H tcp://h:80 run --publish=80:1", 'docker -H tcp://h:80 run --publish="$port":1'),
        (["--label=a={{token}}"], "docker build '--label=a=hunter2' .", 'docker build --label=a="$token" .'),
        (["{{ids}}"], "docker rm aaaaaaaaaa bbbbbbbbbb", "docker rm aaaaaaaaaa bbbbbbbbbb"),
    ],
)
def test_in_a_command_a_value_is_the_shells_variable(words, before, after):
    assert written(*words, token="hunter2")[1].command(before) == after


@pytest.mark.parametrize("value", [SECRET, "two\nlines", "plain-and-long", "\\'\""])
def test_the_command_works_where_the_variable_is_exported(value):
    words, hidden = written("{{token}}", "T={{token}}", token=value)
    line = hidden.command(shlex.join(["printf", "%s|", *words]))
    assert value not in line
    done = subprocess.check_output(["sh", "-c", line], env=os.environ | {"token": value}, text=True)
    assert done == f"{value}|T={value}|"


def test_an_error_has_the_name_in_place_of_the_value():
    _, hidden = written("T={{token}}", "{{port}}", "{{name}}")
    error = NotFound(f"{SECRET!r} is not on port 80: web.", status=404, cure=f"Not T={SECRET}, but website.")
    shown = hidden.error(error)
    assert shown.message == '"{{token}}" is not on port 80: {{name}}.'
    assert shown.cure == "Not T={{token}}, but website."
    assert shown.status == 404
    assert SECRET not in repr(shown)


def test_the_command_of_a_failed_build_has_none():
    _, hidden = written("{{token}}", token=SECRET)
    failed = BuildFailed("x").replaced(command=shlex.join(["docker", "build", f"--target={SECRET}", "."]))
    assert hidden.error(failed).command == 'docker build --target="$token" .'


def test_several_results_in_one():
    _, hidden = written("{{token}}", token="hunter2")
    changes = Changes([Change("Pod", "a", "", "deleted", command="kubectl delete pod hunter2")])
    assert hidden.result(changes) is changes
    assert changes[0].command == 'kubectl delete pod "$token"'


def test_neither_a_result_nor_its_json_nor_an_error_of_a_magic_has_the_value(docker_kernel):
    docker_kernel.run("from nbcontainer.codec import to_json; import json; token = 'hunter' + '-of-two'")
    ran = docker_kernel.run("found = %docker run --rm -e T={{token}} busybox true {{token}}")
    assert not ran.error, ran.traceback
    ran = docker_kernel.run("print(json.dumps([found.command, to_json(found)]))")
    command, document = json.loads(ran.printed)
    assert command.endswith('T="$token" busybox true "$token"')
    assert "hunter-of-two" not in ran.printed
    assert document["value"]["command"] == command
    ran = docker_kernel.run("%docker run --rm busybox {{token}}")
    assert ran.error
    assert "{{token}}" in "".join(ran.traceback)
    assert "hunter-of-two" not in json.dumps([message["content"] for _, message in ran.messages])


def test_the_same_for_a_pod(docker_kernel):
    docker_kernel.run("token = 'hunter' + '-of-two'; name = 'written-values'")
    line = "made = %kpod create {{name}} --image=busybox --env T={{token}} -- sh -c 'sleep 600; {{token}}'"
    ran = docker_kernel.run(line)
    assert not ran.error, ran.traceback
    try:
        ran = docker_kernel.run("done = %kpod exec {{name}} -- echo {{token}}")
        assert not ran.error, ran.traceback
        made, done = docker_kernel.run("print(made.command); print(done.command)").printed.splitlines()
        assert "run written-values --image=busybox" in made  # a name is no secret
        assert made.endswith(""" -- sh -c 'sleep 600; '"$token\"""")
        assert made.count('"$token"') == 2
        ran = docker_kernel.run("from nbcontainer.codec import to_json; print(to_json(made)); print(made.yaml)")
        assert "hunter-of-two" not in ran.printed
        assert "value: '{{token}}'" in ran.printed
        assert done.endswith('exec written-values -- echo "$token"')
    finally:
        docker_kernel.run("%kpod delete written-values --force -y")
