"""Each declared verb matches its method and the real docker's or kubectl's help."""

import inspect
import re
from operator import attrgetter

import pytest

import nbcontainer as nbc
from nbcontainer.api.cluster import Cluster
from nbcontainer.api.engine import Engine
from nbcontainer.magics import catalogue
from nbcontainer.protection import is_marked
from tests.terminal import Terminal

ALL = [verb for name in catalogue.MAGICS for verb in catalogue.verbs_of(name).magic.verbs]
VERBS = [verb for verb in ALL if verb.calls]
COMMANDS = [verb for verb in ALL if verb.command]
HANDLES = {"docker": Engine(), "dockerfile": Engine(), "kpod": Cluster(), "kube": Cluster(), "nbcontainer": nbc}
# flags of docker's and kubectl's that no verb of ours has: Go templates and YAML on a terminal, swarm, no IPv4, files
LEFT_OUT = {
    "docker": {
        *("--attachable", "--availability", "--cluster", "--config-from", "--config-only", "--disable-content-trust"),
        *("--format", "--group", "--help", "--ingress", "--ipv4", "--limit-bytes", "--no-trunc", "--required-bytes"),
        *("--scope", "--secret", "--sharing", "--topology-preferred", "--topology-required", "--tree", "--type"),
    },
    "kubectl": {
        *("--allow-missing-template-keys", "--chunk-size", "--field-manager", "--filename", "--kustomize"),
        *("--no-headers", "--openapi-patch", "--output", "--prune-allowlist", "--raw", "--recursive", "--save-config"),
        *("--show-managed-fields", "--template", "--validate"),
    },
}
DEBUG = {
    *("--arguments-only", "--attach", "--custom", "--keep-annotations", "--keep-init-containers", "--keep-labels"),
    *("--keep-liveness", "--keep-readiness", "--keep-startup", "--quiet"),
}
GET = {
    *("--ignore-not-found", "--output-watch-events", "--server-print", "--show-kind", "--subresource"),
    "--watch-only",
}
# those of single verbs, not implemented yet
NOT_YET = {
    "%%dockerfile": {"--attest", "--cache-to", "--call", "--debug"},
    "%docker build": {"--attest", "--cache-to", "--call", "--debug"},
    "%docker push": {"--all-tags", "--platform"},
    "%docker pull": {"--all-tags"},
    "%docker images": {"--digests"},
    "%docker ps": {"--last", "--latest", "--size"},
    "%docker logs": {"--details"},
    "%docker stop": {"--signal"},
    "%docker rm": {"--link"},
    "%docker run": {
        *("--add-host", "--annotation", "--attach", "--blkio-weight", "--blkio-weight-device", "--cap-add"),
        *("--cap-drop", "--cgroup-parent", "--cgroupns", "--cidfile", "--cpu-count", "--cpu-percent", "--cpu-period"),
        *("--cpu-quota", "--cpu-rt-period", "--cpu-rt-runtime", "--cpu-shares", "--cpuset-cpus", "--cpuset-mems"),
        *("--detach-keys", "--device", "--device-cgroup-rule", "--device-read-bps", "--device-read-iops"),
        *("--device-write-bps", "--device-write-iops", "--dns", "--dns-option", "--dns-search", "--domainname"),
        *("--env-file", "--expose", "--gpus", "--group-add", "--health-cmd", "--health-interval", "--health-retries"),
        *("--health-start-interval", "--health-start-period", "--health-timeout", "--init", "--io-maxbandwidth"),
        *("--io-maxiops", "--ip", "--ip6", "--ipc", "--isolation", "--kernel-memory", "--label-file", "--link"),
        *("--link-local-ip", "--log-driver", "--log-opt", "--mac-address", "--memory-reservation", "--memory-swap"),
        *("--memory-swappiness", "--mount", "--network-alias", "--no-healthcheck", "--oom-kill-disable"),
        *("--oom-score-adj", "--pid", "--pids-limit", "--privileged", "--publish-all", "--quiet", "--runtime"),
        *("--security-opt", "--shm-size", "--sig-proxy", "--stop-signal", "--stop-timeout", "--storage-opt"),
        *("--sysctl", "--tmpfs", "--ulimit", "--use-api-socket", "--userns", "--uts", "--volume-driver"),
        "--volumes-from",
    },
    "%kpod get": GET,
    "%kube get": GET,
    "%kube namespace": {  # the whole table of namespaces is %kube get ns
        *GET,
        *("--all-namespaces", "--field-selector", "--label-columns", "--selector", "--show-labels", "--sort-by"),
        "--watch",
    },
    "%kpod create": {
        *("--annotations", "--attach", "--cascade", "--dry-run", "--expose", "--force", "--grace-period"),
        *("--leave-stdin-open", "--override-type", "--overrides", "--pod-running-timeout", "--privileged", "--quiet"),
        *("--rm", "--stdin", "--timeout", "--tty", "--wait"),
    },
    "%kpod delete": {
        *("--all-namespaces", "--cascade", "--dry-run", "--field-selector", "--ignore-not-found", "--interactive"),
        *("--timeout", "--wait"),
    },
    "%kpod describe": {"--all-namespaces", "--show-events"},
    "%kube wait": {"--local"},
    "%kube api-resources": {"--cached", "--sort-by"},
    "%kube auth can-i": {"--quiet"},
    "%kube tree": GET
    | {
        *("--all-namespaces", "--field-selector", "--label-columns", "--selector", "--show-labels", "--sort-by"),
        "--watch",
    },
    "%kpod why": {"--all-namespaces", "--selector", "--show-events"},
    "%kube why": {"--all-namespaces", "--selector", "--show-events"},
    "%kpod timeline": {"--all-namespaces", "--types", "--watch"},
    "%kube timeline": {"--all-namespaces", "--types", "--watch"},
    "%kube delete": {"--dry-run", "--field-selector", "--interactive", "--timeout", "--wait"},
    "%kube describe": {"--show-events"},
    "%kpod logs": {
        *("--all-pods", "--ignore-errors", "--insecure-skip-tls-verify-backend", "--limit-bytes"),
        *("--pod-running-timeout",),
    },
    "%kube logs": {
        *("--all-pods", "--ignore-errors", "--insecure-skip-tls-verify-backend", "--limit-bytes"),
        *("--pod-running-timeout",),
    },
    "%kpod exec": {"--pod-running-timeout", "--quiet"},
    "%kube cp": {"--no-preserve", "--retries"},
    "%kube exec": {"--pod-running-timeout", "--quiet"},
    "%kpod events": {"--types", "--watch"},
    "%kube apply": {
        *("--all", "--cascade", "--force", "--grace-period", "--overwrite", "--selector", "--subresource"),
        *("--timeout", "--wait"),
    },
    "%kube diff": {"--concurrency", "--selector"},
    "%kube patch": {"--local"},
    "%kube edit": {"--output-patch", "--subresource", "--windows-line-endings"},
    "%kube label": {"--all-namespaces", "--field-selector", "--local", "--resource-version"},
    "%kube annotate": {"--all-namespaces", "--field-selector", "--local", "--resource-version"},
    "%kube expose": {"--external-ip", "--load-balancer-ip", "--override-type", "--overrides", "--session-affinity"},
    "%kube run": {
        *("--attach", "--cascade", "--force", "--grace-period", "--leave-stdin-open", "--override-type"),
        *("--overrides", "--pod-running-timeout", "--privileged", "--quiet", "--timeout"),
        "--wait",
    },
    "%kube create configmap": {"--append-hash"},
    "%kube create secret generic": {"--append-hash"},
    "%kube create secret tls": {"--append-hash"},
    "%kube create secret docker-registry": {"--append-hash", "--from-file"},
    "%kube debug": DEBUG,
    "%kpod debug": DEBUG,
    "%kube scale": {"--dry-run", "--resource-version"},
    "%kube rollout status": {"--revision", "--watch"},
    "%kube rollout history": {"--selector"},
    "%kube set image": {"--all", "--local", "--selector"},
    "%kube set env": {
        *("--all", "--env", "--from", "--keys", "--local", "--overwrite", "--prefix", "--resolve"),
        "--selector",
    },
    "%kube drain": {"--dry-run", "--skip-wait-for-delete-timeout"},  # the plan is the dry run
    "%kpod top": {"--show-swap", "--use-protocol-buffers"},
    "%kube top pods": {"--show-swap", "--use-protocol-buffers"},
    "%kube top nodes": {"--show-swap", "--use-protocol-buffers"},
    "%kube set resources": {"--all", "--local", "--selector"},
}
OF_ALL = {
    "docker": {"--yes"},
    "kubectl": {"--context", "--namespace", "--as", "--as-group", "--as-uid", "--yes"},
}  # for the magic, or kubectl's own
FORMER = {"--time": "--timeout"}  # names that docker still accepts but no longer documents


def title(verb):
    return verb.title


@pytest.mark.parametrize("verb", VERBS, ids=title)
def test_the_arguments_of_a_verb_are_those_of_its_methods(verb):
    handle = HANDLES[verb.magic]
    for path in filter(None, (verb.calls, verb.asks, verb.watches)):
        method = attrgetter(path)(handle)
        signature = inspect.signature(method)
        arguments = [argument for argument in verb.arguments if not argument.control and argument.kind != "refused"]
        has_names = any(argument.many for argument in verb.positionals)
        places = [argument for argument in arguments if has_names and not argument.is_flag]
        named = {argument.key: argument.default for argument in arguments if argument not in places}
        named |= {verb.takes: None} if verb.takes else {}
        named |= {"duration": 1.0} if path == verb.watches else {}
        bound = signature.bind(*("x" for _ in places), **named)
        names = {name for name, one in signature.parameters.items() if one.kind is one.VAR_POSITIONAL}
        assert set(bound.arguments) - names == {*named, *(one.key for one in places if not one.many)}
        for argument in arguments:
            if argument.default is not None:
                assert signature.parameters[argument.key].default == argument.default
        assert is_marked(method) is not None
        assert method.__doc__
    assert bool(verb.takes) is (verb.body != "no")
    assert bool(verb.asks) <= bool(is_marked(attrgetter(verb.calls)(handle)))


def test_a_timeout_fails_and_a_duration_ends_well():
    for verb in ALL:
        for argument in verb.arguments:
            if "--duration" in argument.names:
                assert argument.own, verb.title
                assert any(name in verb.flags for name in ("--follow", "--watch")), verb.title
            if "--timeout" in argument.names and argument.own:
                assert argument.key == "timeout", verb.title
                assert "fail" in argument.help, verb.title


@pytest.mark.parametrize("verb", [verb for verb in ALL if verb.same_as], ids=title)
def test_what_a_verb_with_a_body_does_python_does_too(verb):
    assert not verb.calls
    assert is_marked(attrgetter(verb.same_as)(HANDLES[verb.magic])) is not None


def test_most_verbs_have_no_body_of_their_own():
    bodies = [verb.title for verb in ALL if not verb.calls]
    assert len(bodies) * 5 <= len(ALL), bodies


@pytest.mark.parametrize("verb", ALL, ids=title)
def test_no_two_arguments_of_a_verb_have_one_name(verb):
    keys = [argument.key for argument in verb.arguments]
    names = [name for argument in verb.arguments for name in argument.names]
    assert len(keys) == len(set(keys))
    assert len(names) == len(set(names))
    assert verb.example
    assert verb.summary.endswith(".")


@pytest.fixture(scope="module")
def helps(tmp_path_factory):
    terminal = Terminal(tmp_path_factory.mktemp("helps")).with_kubectl()
    return lambda words: terminal.run(" ".join([*words, "--help"]))


@pytest.mark.parametrize("verb", COMMANDS, ids=title)
@pytest.mark.usefixtures("docker_engine", "kubernetes_cluster")
def test_the_flags_of_a_verb_are_docker_s_or_kubectl_s(verb, helps):
    program = verb.command[0]
    told = helps(verb.command[: next((at for at, word in enumerate(verb.command) if word[0] == "-"), None)])
    theirs = {name: short for short, name in re.findall(r"^ +(?:(-\w), )?(--[\w-]+)", told, re.MULTILINE)}
    flags = {argument.long: argument for argument in verb.arguments if argument.is_flag}
    ours = {name for name, flag in flags.items() if flag.kind == "refused" or not flag.own}
    not_yet, spelled = NOT_YET.get(verb.title, set()), set(verb.command)
    assert ours | LEFT_OUT[program] | not_yet | {word.partition("=")[0] for word in spelled} >= theirs.keys() - {
        "--for"
    }
    assert not ours & not_yet
    assert not_yet <= theirs.keys()
    names = {name for argument in verb.arguments if not argument.own for name in argument.names if name[:2] == "--"}
    assert names - OF_ALL[program] - FORMER.keys() <= theirs.keys()
    for name in ours & theirs.keys():  # a short flag must be theirs, or absent
        assert {word for word in flags[name].names if len(word) == 2} - {"-y"} <= {theirs[name]}, name
    if program == "docker":
        (line,) = re.findall(r"^Aliases:\n +(.*)", told, re.MULTILINE) or [""]
        known = {"build", "builder build", "buildx b"}  # of no noun that we have
        paths = set(re.findall(r"docker ([a-z ]+)", line)) - known
        assert paths <= {verb.path, *verb.aliases} or verb.magic == "dockerfile"
