"""A declared verb fits its method, and the flags of the real docker."""

import inspect
import re
from operator import attrgetter

import pytest

import nbcontainer as nbc
from nbcontainer.magics import catalogue
from nbcontainer.protection import is_marked
from tests.terminal import Terminal

VERBS = [verb for name in catalogue.MAGICS for verb in catalogue.verbs_of(name).magic.verbs if verb.calls]
# of a declared verb's own flags, those that docker has and we do not: for docker's swarm, Go templates, no IPv4
LEFT_OUT = {"--all-tags", "--attachable", "--availability", "--cluster", "--config-from", "--config-only", "--digests",
            "--disable-content-trust", "--format", "--group", "--ingress", "--ipv4", "--limit-bytes",
            "--required-bytes", "--scope", "--secret", "--sharing", "--topology-preferred", "--topology-required",
            "--tree", "--type", "push --platform"}  # fmt: skip


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.title)
def test_the_arguments_of_a_verb_are_those_of_its_methods(verb):
    handle = nbc.engine() if verb.magic == "docker" else nbc.cluster()
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


def test_no_two_arguments_of_a_verb_have_one_name():
    for name in catalogue.MAGICS:
        for verb in catalogue.verbs_of(name).magic.verbs:
            keys = [argument.key for argument in verb.arguments]
            assert sorted(keys) == sorted(set(keys)), verb.title


OF_DOCKER = [verb for verb in VERBS if verb.magic == "docker"]


@pytest.mark.parametrize("verb", OF_DOCKER, ids=lambda verb: verb.title)
@pytest.mark.usefixtures("docker_engine")
def test_the_flags_of_a_verb_are_docker_s(verb, tmp_path):
    told = Terminal(tmp_path).run(f"docker {verb.path} --help")
    theirs = set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", told, re.MULTILINE))
    flags = [argument for argument in verb.arguments if argument.is_flag]
    ours = {flag.long for flag in flags if flag.kind == "refused" or not flag.own}
    assert not {flag for flag in theirs - ours if not {flag, f"{verb.path} {flag}"} & LEFT_OUT}
    names = {name for argument in verb.arguments if not argument.own for name in argument.names if name[:2] == "--"}
    assert names - {"--yes"} <= theirs
    assert set(re.findall(rf"docker ({verb.path.split()[0]} [a-z]+)", told)) <= {verb.path, *verb.aliases}
