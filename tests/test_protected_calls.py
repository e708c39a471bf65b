"""Every public call and every verb: either it only reads, or a protected place refuses it before anything is sent."""

import contextlib
import inspect
import json
import re
import socket
import threading
from operator import attrgetter

import pytest
from kubernetes.client import CoreV1Api

import nbcontainer as nbc
from nbcontainer.api.cluster import Cluster
from nbcontainer.api.engine import Engine
from nbcontainer.api.nouns import nouns_of
from nbcontainer.engines.connection import forget_engines
from nbcontainer.errors import ClusterUnavailable, EngineUnavailable, Protected
from nbcontainer.magics import catalogue
from nbcontainer.magics.calls import run_magic
from nbcontainer.protection import TableContext, is_marked
from nbcontainer.settings import settings
from tests.engines.peers import Middleman, unix_connect, unix_listener
from tests.test_protection import docker_contexts, kubeconfig

# as a magic names it, and as Python does
NAMES_ENGINE = r"name it: `(--context=prodpod|nbc\.engine\('prodpod'\))`"
NAMES_CLUSTER = r"name it: `(--context=prod|nbc\.cluster\('prod'\))`"

MANIFEST = "apiVersion: v1\nkind: Pod\nmetadata: {name: w}\nspec: {containers: [{name: w, image: busybox}]}"
BUILD = "FROM busybox\nRUN true"

# each method that changes or executes something, with arguments
OF_NOUNS = {
    "containers.plan_remove": ("nbc-protected",),
    "containers.remove": ("nbc-protected",),
    "containers.run": ("busybox", "true"),
    "containers.stop": ("nbc-protected",),
    "images.build": (BUILD,),
    "images.pull": ("busybox",),
    "images.push": ("127.0.0.1:1/nbc-protected:1",),
    "images.tag": ("busybox", "nbc-protected:2"),
    "networks.create": ("nbc-protected",),
    "networks.plan_prune": (),
    "networks.plan_remove": ("nbc-protected",),
    "networks.prune": (),
    "networks.remove": ("nbc-protected",),
    "volumes.create": ("nbc-protected",),
    "volumes.plan_prune": (),
    "volumes.plan_remove": ("nbc-protected",),
    "volumes.prune": (),
    "volumes.remove": ("nbc-protected",),
}
OF_PODS = {
    "pods.create": lambda cluster: cluster.pods.create("nbc-protected", "busybox"),
    "pods.delete": lambda cluster: cluster.pods.delete("nbc-protected"),
    "pods.plan_delete": lambda cluster: cluster.pods.plan_delete("nbc-protected"),
    "pods.exec": lambda cluster: cluster.pods.exec("nbc-protected", "true"),
    "apply": lambda cluster: cluster.apply(MANIFEST),
    "cp": lambda cluster: cluster.cp("nbc-protected:/etc/hosts", "hosts"),
    "annotate": lambda cluster: cluster.annotate("pod/w", "a=b"),
    "cordon": lambda cluster: cluster.cordon("n"),
    "drain": lambda cluster: cluster.drain("n"),
    "plan_drain": lambda cluster: cluster.plan_drain("n"),
    "uncordon": lambda cluster: cluster.uncordon("n"),
    "create.cronjob": lambda cluster: cluster.create.cronjob("w", "busybox", "0 0 * * *"),
    "create.deployment": lambda cluster: cluster.create.deployment("w", ["busybox"]),
    "create.job": lambda cluster: cluster.create.job("w", image="busybox"),
    "create.namespace": lambda cluster: cluster.create.namespace("w"),
    "create.clusterip_service": lambda cluster: cluster.create.clusterip_service("w", "80"),
    "create.configmap": lambda cluster: cluster.create.configmap("w"),
    "create.externalname_service": lambda cluster: cluster.create.externalname_service("w", external_name="x.y"),
    "create.loadbalancer_service": lambda cluster: cluster.create.loadbalancer_service("w", "80"),
    "create.nodeport_service": lambda cluster: cluster.create.nodeport_service("w", "80"),
    "create.registry_secret": lambda cluster: cluster.create.registry_secret("w", username="a", password="b"),
    "create.secret": lambda cluster: cluster.create.secret("w"),
    "create.serviceaccount": lambda cluster: cluster.create.serviceaccount("w"),
    "create.tls_secret": lambda cluster: cluster.create.tls_secret("w", cert="web.crt", key="web.key"),
    "run": lambda cluster: cluster.run("w", "busybox"),
    "autoscale": lambda cluster: cluster.autoscale("deploy/w", most=2),
    "expose": lambda cluster: cluster.expose("deploy/w", port=80),
    "create.quota": lambda cluster: cluster.create.quota("w", hard={"pods": "1"}),
    "create.role": lambda cluster: cluster.create.role("w", "get", "pods"),
    "create.clusterrole": lambda cluster: cluster.create.clusterrole("w", verbs="get", resources="pods"),
    "create.rolebinding": lambda cluster: cluster.create.rolebinding("w", role="w"),
    "create.clusterrolebinding": lambda cluster: cluster.create.clusterrolebinding("w", "view"),
    "create.ingress": lambda cluster: cluster.create.ingress("w", default_backend="w:80"),
    "create.poddisruptionbudget": lambda cluster: cluster.create.poddisruptionbudget("w", "a=b", min_available="1"),
    "create.priorityclass": lambda cluster: cluster.create.priorityclass("w"),
    "debug": lambda cluster: cluster.debug("w", "ps"),
    "delete": lambda cluster: cluster.delete("pod/w"),
    "edit": lambda cluster: cluster.edit("pod/w"),
    "label": lambda cluster: cluster.label("pod/w", "a=b"),
    "patch": lambda cluster: cluster.patch("pod/w", patch={"spec": {}}),
    "plan_apply": lambda cluster: cluster.plan_apply(MANIFEST),
    "plan_delete": lambda cluster: cluster.plan_delete("pod/w"),
    "port_forward": lambda cluster: cluster.port_forward("nbc-protected", 8080),
    "rollout.pause": lambda cluster: cluster.rollout.pause("pod/w"),
    "rollout.restart": lambda cluster: cluster.rollout.restart("pod/w"),
    "rollout.resume": lambda cluster: cluster.rollout.resume("pod/w"),
    "rollout.undo": lambda cluster: cluster.rollout.undo("pod/w"),
    "scale": lambda cluster: cluster.scale("pod/w", replicas=1),
    "pod_template.env": lambda cluster: cluster.pod_template.env("pod/w", "A=1"),
    "pod_template.image": lambda cluster: cluster.pod_template.image("pod/w", "w=busybox"),
    "pod_template.resources": lambda cluster: cluster.pod_template.resources("pod/w", limits={"cpu": "1"}),
}
# what other flags of a build might bypass
BUILDS = {
    "to a folder": {"outputs": ("out",)},
    "to a folder, with the host's network": {"outputs": ("out",), "network": "host", "allow": ("network.host",)},
    "to a tar file": {"outputs": ("type=tar,dest=out.tar",)},
    "without a name": {},
    "by the engine's own builder": {"builder": "default", "outputs": ("out",)},
}

# the same for the verbs: a line, and the cell body
VERBS_OF_ENGINES = {
    ("docker", "build"): ("build {folder}", None),
    ("dockerfile", ""): ("-o {folder}/out --network host", BUILD),
}
VERBS_THAT_ASK = {
    ("kube", "create secret generic"): "w --type=Opaque",
    ("kube", "create secret docker-registry"): "w --docker-username=a --password-from=env:HOME",
}
VERBS_THAT_READ = {
    ("docker", "login"),
    ("nbcontainer", "settings"),
}


DECLARED = [verb for verb in catalogue.verbs_of("docker").magic.verbs if verb.calls]  # the method has the mark


def lines_of_pods():
    """The examples of the declared verbs that change something in a cluster: a line, and the cell under it."""
    for name in ("kpod", "kube"):
        for verb in catalogue.verbs_of(name).magic.verbs:
            if verb.calls and is_marked(attrgetter(verb.calls)(Cluster())):
                line, _, cell = verb.example.partition("\n")
                yield name, line.partition(" ")[2], cell if line.startswith("%%") else None


VERBS_OF_PODS = [
    *lines_of_pods(),
    *(("kube", f"{path} {words}", None) for (_, path), words in VERBS_THAT_ASK.items()),
]


def test_each_method_of_a_noun_has_one_mark():
    marks = {
        f"{name}.{method.__name__}": is_marked(method)
        for name, noun in {**nouns_of(Engine), **nouns_of(Cluster)}.items()
        for _, method in inspect.getmembers(noun, inspect.isfunction)
        if method.__name__[0] != "_"
    }
    assert None not in marks.values()
    assert is_marked(nbc.doctor) is False
    methods = inspect.getmembers(Cluster, inspect.isfunction)
    own = {name for name, method in methods if is_marked(method) and name[0] != "_"}
    assert {path for path, changes in marks.items() if changes} | own == {*OF_NOUNS, *OF_PODS}
    assert {line.split()[0] for _, line, _ in VERBS_OF_PODS} >= {"create", "delete", "exec", "apply", "patch", "edit"}


def changing_lines():
    """An example of each declared verb that changes an engine."""
    verbs = [verb for verb in DECLARED if is_marked(attrgetter(verb.calls)(nbc.engine()))]
    return [verb.example.splitlines()[0].removeprefix("%docker ") for verb in verbs]


def test_a_protected_engine_refuses_each_declared_verb_that_changes_it(engine):
    for line in changing_lines():
        with pytest.raises(Protected, match=NAMES_ENGINE):
            pytest.fail(f"{line}: {magic('docker', line)!r}")
    assert engine.requests() == {b"GET /_ping", b"GET /version"}


def test_each_verb_is_one_that_changes_or_one_that_reads():
    magics = {name: catalogue.verbs_of(name).magic for name in catalogue.MAGICS}
    verbs = {(name, verb.path) for name, found in magics.items() for verb in found.verbs if not verb.calls}
    assert verbs == {*VERBS_OF_ENGINES, *VERBS_THAT_ASK, *VERBS_THAT_READ}
    assert not {*VERBS_OF_ENGINES} & VERBS_THAT_READ


class Recorder(Middleman):
    """A proxy to an engine that records the requests."""

    def __init__(self, *where):
        self.heard = b""
        super().__init__(*where)

    def _pass(self, source, target, way):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if way == "sent":
                    self.heard += data
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def requests(self):
        """The methods and paths of all requests."""
        return set(re.findall(rb"^([A-Z]+ /(?:v[\d.]+/)?\S*) HTTP/1\.1\r$", self.heard, re.MULTILINE))


@pytest.fixture(params=["docker", "podman"])
def engine(request, tmp_path, monkeypatch):
    """A proxy to an engine that is the docker context `prodpod`; `innocent` is a second name for it."""
    real = request.getfixturevalue(f"{request.param}_engine").host
    address = f"unix://{tmp_path}/prod.sock"
    with Recorder(unix_listener(f"{tmp_path}/prod.sock"), unix_connect(real)) as way:
        folder = docker_contexts(tmp_path / "docker", prodpod=address, innocent=address)
        monkeypatch.setenv("DOCKER_CONFIG", str(folder))
        monkeypatch.setenv("DOCKER_CONTEXT", "prodpod")
        monkeypatch.delenv("DOCKER_HOST", raising=False)
        monkeypatch.setattr(settings, "protected_contexts", ("prod*",))
        monkeypatch.setattr(settings, "connect_timeout", 60.0)  # refusals are not about speed
        monkeypatch.chdir(tmp_path)
        (tmp_path / "Dockerfile").write_text(BUILD)
        forget_engines()
        way.address, way.has_pods = address, request.param == "podman"
        yield way
        forget_engines()


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A fake API server that counts connections; it is the contexts `prod` and `innocent`."""
    listener = socket.create_server(("127.0.0.1", 0))
    connected = []

    def count():
        with contextlib.suppress(OSError):
            while True:
                connected.append(listener.accept()[0])

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    server = f"http://127.0.0.1:{listener.getsockname()[1]}"
    file = kubeconfig(tmp_path / "kubeconfig", prod=server, innocent=server.replace("127.0.0.1", "localhost"))
    monkeypatch.setenv("KUBECONFIG", str(file))
    monkeypatch.setattr(settings, "protected_contexts", ("prod*",))
    yield connected
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
    for connection in connected:
        connection.close()


def magic(name, line, cell=None):
    return run_magic(catalogue.verbs_of(name), line, cell, {})


def test_a_protected_engine_refuses_every_call_that_changes_it(engine, monkeypatch, tmp_path):
    ways = {  # environment, setting, and what the call says
        "its context": ({}, "", {}),
        "its address in DOCKER_HOST": ({"DOCKER_HOST": engine.address}, "", {}),
        "its address in the setting": ({}, engine.address, {}),
        "a path in the setting": ({}, engine.address.removeprefix("unix://"), {}),
        "another context": ({"DOCKER_CONTEXT": "innocent"}, "", {}),
        "another context in the setting": ({}, "innocent", {}),
        "another context in the call": ({}, "", {"engine": "innocent"}),
        "its address in the call": ({}, "", {"engine": engine.address}),
        "its name by a table": ({}, "", {"engine": TableContext("prodpod")}),
    }
    for way, (environment, setting, said) in ways.items():
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr(settings, "engine", setting)
            calls = {
                f"build {name}": lambda fields=fields, engine="": nbc.engine(engine).images.build(BUILD, **fields)
                for name, fields in BUILDS.items()
            }
            for path, words in OF_NOUNS.items():
                calls[path] = lambda path=path, words=words, engine="": attrgetter(path)(nbc.engine(engine))(*words)
            calls["client"] = lambda engine="": nbc.engine(engine).client.images.pull("busybox")
            for name, call in calls.items():
                with pytest.raises(Protected, match=NAMES_ENGINE):
                    pytest.fail(f"{name} by {way}: {call(**said)!r}")
            flag = f" --context={said['engine']}" if said and not isinstance(said["engine"], TableContext) else ""
            declared = [("docker", line, None) for line in changing_lines()]
            others = [(name, line, cell) for (name, _), (line, cell) in VERBS_OF_ENGINES.items()]
            for name, line, cell in [*declared, *others]:
                words = line.format(folder=tmp_path)
                words = f"{flag} {words}" if cell is None else f"{words}{flag}"
                with pytest.raises(Protected, match=NAMES_ENGINE):
                    pytest.fail(f"%{name} {words} by {way}: {magic(name, words, cell)!r}")
    assert engine.requests() == {b"GET /_ping", b"GET /version"}
    assert not (tmp_path / "out").exists()


def test_a_builder_on_a_protected_engine_is_refused(engine, monkeypatch, tmp_path, docker_engine):
    instances = tmp_path / "docker" / "buildx" / "instances"
    instances.mkdir(parents=True)
    for name, endpoint in {"by-name": "innocent", "by-address": engine.address}.items():
        nodes = [{"Name": f"{name}0", "Endpoint": endpoint}]
        (instances / name).write_text(json.dumps({"Name": name, "Driver": "docker-container", "Nodes": nodes}))
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    for builder in ("prodpod", "innocent", "by-name", "By-Address", engine.address):
        with pytest.raises(Protected, match=NAMES_ENGINE):
            nbc.images.build(BUILD, builder=builder, outputs=("out",))
        monkeypatch.setenv("BUILDX_BUILDER", builder)
        with pytest.raises(Protected, match=NAMES_ENGINE):
            magic("dockerfile", "-o out", BUILD)
        monkeypatch.delenv("BUILDX_BUILDER")
    assert not engine.heard


@pytest.mark.usefixtures("configuration_of_buildx")
def test_a_protected_buildkitd_is_named_by_the_flag_that_reaches_it(docker_engine, monkeypatch, tmp_path):
    address = f"unix://{tmp_path}/buildkitd.sock"
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    monkeypatch.setattr(settings, "protected_contexts", (address,))
    ways = {"by name": ("-o out --builder far", ""), "by the environment": ("-o out", address)}
    for line, variable in ways.values():
        monkeypatch.setenv("BUILDX_BUILDER", variable)
        with pytest.raises(Protected, match=f"builder='?{address}"):
            magic("dockerfile", line, BUILD)
    with pytest.raises(EngineUnavailable, match=r"buildkitd\.sock cannot be reached"):
        magic("dockerfile", f"-o {tmp_path}/out --builder={address}", BUILD)


@pytest.fixture
def configuration_of_buildx(monkeypatch, tmp_path):
    """The builder `far` of buildx is a buildkitd at an address where none is."""
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path))
    nodes = [{"Name": "far0", "Endpoint": f"unix://{tmp_path}/buildkitd.sock"}]
    (tmp_path / "instances").mkdir()
    (tmp_path / "instances" / "far").write_text(json.dumps({"Name": "far", "Driver": "remote", "Nodes": nodes}))


def test_a_plan_made_before_the_protection_is_refused(engine, monkeypatch):
    monkeypatch.setattr(settings, "protected_contexts", ())
    name = f"nbc-protected-{id(engine)}"
    nbc.containers.run("busybox", "true", name=name).result()
    plans = {said: nbc.engine(said).containers.plan_remove(name) for said in ("", "innocent", "prodpod")}
    monkeypatch.setattr(settings, "protected_contexts", ("prod*",))
    for said in ("", "innocent"):
        with pytest.raises(Protected, match=NAMES_ENGINE):
            plans[said].do()
    assert f"{name} removed" in str(plans["prodpod"].do())


def test_a_plan_for_pods_made_before_the_protection_is_refused(cluster, monkeypatch):
    monkeypatch.setattr(settings, "protected_contexts", ())
    plans = [Cluster(said).pods.plan_delete("nbc-protected") for said in ("", "innocent", TableContext("prod"))]
    monkeypatch.setattr(settings, "protected_contexts", ("prod*",))
    for plan in plans:
        with pytest.raises(Protected, match=NAMES_CLUSTER):
            plan.do()
    assert cluster == []


def test_a_check_runs_no_frontend_on_a_protected_engine(engine):
    if engine.has_pods:
        return
    for text, arguments in (("# syntax=127.0.0.1:1/front:1\n", {}), ("", {"BUILDKIT_SYNTAX": "127.0.0.1:1/front:1"})):
        (remark,) = nbc.images.check(f"{text}FROM busybox", build_args=arguments).remarks
        assert "they would run 127.0.0.1:1/front:1" in remark.text
        assert "--context=prodpod" in remark.cure
    assert engine.requests() == {b"GET /_ping", b"GET /version"}


@pytest.mark.usefixtures("engine")
def test_a_protected_engine_is_read_and_does_what_names_it():
    nbc.images.list()
    nbc.containers.list(all=True)
    nbc.images.check("FROM busybox")
    assert "prodpod is protected" in str(nbc.doctor())
    nbc.engine("prodpod").images.pull("busybox").result()
    assert nbc.engine("prodpod").client.images.get("busybox").id
    assert nbc.engine("prodpod").containers.run("busybox", "echo said", remove=True).result().output == "said\n"


def test_a_client_from_before_an_engine_was_protected_only_reads_it(engine, monkeypatch):
    monkeypatch.setattr(settings, "protected_contexts", ())
    client, named = nbc.engine().client, nbc.engine("prodpod").client
    image, before = client.images.get("busybox"), engine.requests()
    monkeypatch.setattr(settings, "protected_contexts", ("prod*",))
    for change in (client.volumes.create, lambda: image.tag("nbc-protected", "3"), lambda: image.remove(force=True)):
        with pytest.raises(Protected, match=NAMES_ENGINE):
            pytest.fail(repr(change()))
    assert engine.requests() == before
    assert client.images.get("busybox").id == image.id
    named.volumes.create("nbc-protected-client").remove()


def test_podmans_pods_are_protected_as_their_engine(engine, monkeypatch):
    if not engine.has_pods:
        return
    ways = {
        "its context": ({}, {}),
        "its address": ({"DOCKER_HOST": engine.address}, {}),
        "another context": ({"DOCKER_CONTEXT": "innocent"}, {}),
        "another context in the call": ({}, {"context": "innocent"}),
        "its name by a table": ({}, {"context": TableContext("prodpod")}),
    }
    for way, (environment, said) in ways.items():
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            for name, call in OF_PODS.items():
                with pytest.raises(Protected, match=NAMES_ENGINE):
                    pytest.fail(f"{name} by {way}: {call(Cluster(**said))!r}")
            for name, line, cell in VERBS_OF_PODS:
                with pytest.raises(Protected, match=NAMES_ENGINE):
                    pytest.fail(f"%{name} {line} by {way}: {magic(name, line, cell)!r}")
    assert engine.requests() == {b"GET /_ping", b"GET /version"}
    nbc.pods.list()  # is read
    name = f"nbc-protected-{id(engine)}"
    named = nbc.cluster("prodpod").pods
    named.create(name, "busybox", command="sleep 600").result()
    try:
        assert named.get(name).exec("echo said").result().output == "said\n"
        with pytest.raises(Protected):
            magic("kpod", f"delete {name} -y --table-context=prodpod")
        innocent = nbc.cluster("innocent").pods.list()
        with pytest.raises(Protected):
            innocent[name].delete()
        assert name in nbc.pods.list().names
    finally:
        named.delete(name, force=True).result()


def test_a_protected_cluster_refuses_every_call_that_changes_it(cluster, monkeypatch):
    ways = {
        "its context": ("", {}),
        "the setting": ("prod", {}),
        "another context in the setting": ("innocent", {}),
        "another context in the call": ("", {"context": "innocent"}),
        "its name by a table": ("", {"context": TableContext("prod")}),
    }
    for way, (setting, said) in ways.items():
        monkeypatch.setattr(settings, "context", setting)
        for name, call in (OF_PODS | {"client": lambda cluster: cluster.client}).items():
            with pytest.raises(Protected, match=NAMES_CLUSTER):
                pytest.fail(f"{name} by {way}: {call(Cluster(**said))!r}")
        flag = f" --context={said['context']}" if said and not isinstance(said["context"], TableContext) else ""
        for name, line, cell in VERBS_OF_PODS:
            with pytest.raises(Protected, match=NAMES_CLUSTER):
                pytest.fail(f"%{name} {line} by {way}: {magic(name, f'{flag} {line}'.strip(), cell)!r}")
    for line in ("delete web -y", "exec web -- true"):
        with pytest.raises(Protected, match=NAMES_CLUSTER):
            magic("kpod", line.replace("web", "web --table-context=prod", 1))
    assert cluster == []


def test_a_client_from_before_a_cluster_was_protected_only_reads_it(cluster, monkeypatch):
    monkeypatch.setattr(settings, "protected_contexts", ())
    core = CoreV1Api(nbc.cluster().client)
    monkeypatch.setattr(settings, "protected_contexts", ("prod*",))
    for change in (core.create_namespaced_pod, core.patch_namespaced_config_map, core.delete_namespaced_pod):
        arguments = {"name": "w", "namespace": "default", "body": {}}
        if change == core.create_namespaced_pod:
            del arguments["name"]
        with pytest.raises(Protected, match=NAMES_CLUSTER):
            pytest.fail(repr(change(**arguments)))
    assert cluster == []
    monkeypatch.setattr(settings, "connect_timeout", 0.2)
    with pytest.raises(ClusterUnavailable):
        core.list_namespaced_pod("default")
    assert cluster
