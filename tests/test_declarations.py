"""A declared verb fits its method, and the flags of the real docker."""

import inspect
import re
from operator import attrgetter

import pytest

import nbcontainer as nbc
from nbcontainer import diagnosis
from nbcontainer.magics import catalogue
from nbcontainer.protection import is_marked
from tests.terminal import Terminal

VERBS = [verb for name in catalogue.MAGICS for verb in catalogue.verbs_of(name).magic.verbs if verb.calls]
# of a declared verb's own flags, those that docker has and we do not: for docker's swarm, Go templates, no IPv4
LEFT_OUT = {"--attachable", "--availability", "--cluster", "--config-from", "--config-only", "--format", "--group",
            "--ingress", "--ipv4", "--limit-bytes", "--required-bytes", "--scope", "--secret", "--sharing",
            "--topology-preferred", "--topology-required", "--type"}  # fmt: skip


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.title)
def test_the_arguments_of_a_verb_are_those_of_its_methods(verb):
    handle = {"docker": nbc.engine(), "nbcontainer": diagnosis}.get(verb.magic, nbc.cluster())
    for path in filter(None, (verb.calls, verb.asks)):
        method = attrgetter(path)(handle)
        signature = inspect.signature(method)
        arguments = [argument for argument in verb.arguments if not argument.control and argument.kind != "refused"]
        places = [argument for argument in arguments if argument.many and not argument.is_flag]
        named = {argument.key: argument.default for argument in arguments if argument not in places}
        named |= {verb.takes: None} if verb.takes else {}
        bound = signature.bind(*("x" for _ in places), **named)
        assert set(bound.arguments) - {"names"} == set(named)
        for argument in arguments:
            if argument.default is not None:
                assert signature.parameters[argument.key].default == argument.default
        assert is_marked(method) is not None
        assert method.__doc__
    assert bool(verb.asks) <= bool(is_marked(attrgetter(verb.calls)(handle)))


OF_DOCKER = [verb for verb in VERBS if verb.magic == "docker"]


@pytest.mark.parametrize("verb", OF_DOCKER, ids=lambda verb: verb.title)
@pytest.mark.usefixtures("docker_engine")
def test_the_flags_of_a_verb_are_docker_s(verb, tmp_path):
    told = Terminal(tmp_path).run(f"docker {verb.path} --help")
    theirs = set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", told, re.MULTILINE))
    flags = [argument for argument in verb.arguments if argument.is_flag]
    ours = {flag.long for flag in flags if flag.kind == "refused" or not flag.own}
    assert ours | LEFT_OUT >= theirs
    names = {name for argument in verb.arguments if not argument.own for name in argument.names if name[:2] == "--"}
    assert names - {"--yes"} <= theirs
    assert set(re.findall(rf"docker ({verb.path.split()[0]} \w+)", told)) <= {verb.path, *verb.aliases}


OF_KUBECTL = [verb for name in ("kpod", "kube") for verb in catalogue.verbs_of(name).magic.verbs]


@pytest.mark.parametrize("verb", OF_KUBECTL, ids=lambda verb: verb.title)
@pytest.mark.usefixtures("kubernetes_cluster")
def test_the_flags_of_a_verb_are_kubectl_s(verb, tmp_path):
    terminal = Terminal(tmp_path).with_kubectl()
    told = terminal.run(f"kubectl {verb.command[1]} --help") + terminal.run("kubectl options")
    theirs = {frozenset(names.split(", ")) for names in re.findall(r"^ {4}((?:-\w, )?--[\w-]+)=", told, re.MULTILINE)}
    flags = [argument for argument in verb.arguments if argument.is_flag and not argument.own]
    assert {frozenset(flag.names) for flag in flags} <= theirs
