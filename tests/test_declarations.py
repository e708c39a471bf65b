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
LEFT_OUT = {"--attachable", "--availability", "--cluster", "--config-from", "--config-only", "--format", "--group",
            "--ingress", "--ipv4", "--limit-bytes", "--required-bytes", "--scope", "--secret", "--sharing",
            "--topology-preferred", "--topology-required", "--type"}  # fmt: skip
# those of one verb, still to come
NOT_YET = {
    "logs": {"--details", "--until"},
    "ps": {"--last", "--latest", "--size"},
    "rm": {"--link"},
    "run": {
        *("--add-host", "--annotation", "--attach", "--blkio-weight", "--blkio-weight-device", "--cap-add"),
        *("--cpu-count", "--cpu-percent", "--io-maxbandwidth", "--io-maxiops"),  # of Windows
        *("--cap-drop", "--cgroup-parent", "--cgroupns", "--cidfile", "--cpu-period", "--cpu-quota", "--cpu-rt-period"),
        *("--cpu-rt-runtime", "--cpu-shares", "--cpuset-cpus", "--cpuset-mems", "--detach-keys", "--device"),
        *("--device-cgroup-rule", "--device-read-bps", "--device-read-iops", "--device-write-bps"),
        *("--device-write-iops", "--disable-content-trust", "--dns", "--dns-option", "--dns-search", "--domainname"),
        *("--env-file", "--expose", "--gpus", "--group-add", "--health-cmd", "--health-interval", "--health-retries"),
        *("--health-start-interval", "--health-start-period", "--health-timeout", "--init", "--ip", "--ip6", "--ipc"),
        *("--isolation", "--kernel-memory", "--label-file", "--link", "--link-local-ip", "--log-driver", "--log-opt"),
        *("--mac-address", "--memory-reservation", "--memory-swap", "--memory-swappiness", "--mount"),
        *("--network-alias", "--no-healthcheck", "--oom-kill-disable", "--oom-score-adj", "--pid", "--pids-limit"),
        *("--privileged", "--publish-all", "--quiet", "--runtime", "--security-opt", "--shm-size", "--sig-proxy"),
        *("--stop-signal", "--stop-timeout", "--storage-opt", "--sysctl", "--tmpfs", "--ulimit", "--use-api-socket"),
        *("--userns", "--uts", "--volume-driver", "--volumes-from"),
    },
    "stop": {"--signal"},
}
FORMER = {"--time"}  # that docker takes still, and tells no more


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.title)
def test_the_arguments_of_a_verb_are_those_of_its_methods(verb):
    handle = {"docker": nbc.engine(), "nbcontainer": nbc}.get(verb.magic, nbc.cluster())
    for path in filter(None, (verb.calls, verb.asks)):
        method = attrgetter(path)(handle)
        signature = inspect.signature(method)
        arguments = [argument for argument in verb.arguments if not argument.control and argument.kind != "refused"]
        places = [argument for argument in arguments if argument.many and not argument.is_flag]
        named = {argument.key: argument.default for argument in arguments if argument not in places}
        named |= {verb.takes: None} if verb.takes else {}
        assert bool(verb.takes) is (verb.body != "no")
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
    not_yet = NOT_YET.get(verb.path, set())
    assert ours | LEFT_OUT | not_yet >= theirs - {"--help"}
    assert not ours & not_yet
    names = {name for argument in verb.arguments if not argument.own for name in argument.names if name[:2] == "--"}
    assert names - {"--yes"} - FORMER <= theirs
    assert set(re.findall(rf"docker ({verb.path.split()[0]} \w+)", told)) <= {verb.path, *verb.aliases}
