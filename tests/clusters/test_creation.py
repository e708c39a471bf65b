"""What `create` makes is what `kubectl create` makes."""

import base64
import json
import pickle
import subprocess

import pytest

import nbcontainer as nbc
from nbcontainer.errors import ApiError, CommandFailed, Conflict, UsageError
from nbcontainer.identity import NOTEBOOK_LABEL, notebook_id
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.model import created_data
from tests.buildkit.building import wait_until


@pytest.fixture
def create(kubernetes, space, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])
    return nbc.cluster(space.context, space.namespace).create


def defaulted(document):
    """An object as the API server would store it, without what differs each time."""
    for name in ("uid", "creationTimestamp", "managedFields", "generation", "resourceVersion", "namespace"):
        document["metadata"].pop(name, None)
    labels = document["metadata"].get("labels", {})
    labels.pop(NOTEBOOK_LABEL, None)
    labels or document["metadata"].pop("labels", None)
    return json.loads(json.dumps(document).replace(json.dumps(notebook_id()), '""'))


CALLS = {
    "deployment web --image=busybox:1 --image=a/b-c:2 --replicas=2 --port=80": lambda create, **how: create.deployment(
        "web", ["busybox:1", "a/b-c:2"], replicas=2, port=80, **how
    ),
    "deployment web --image=busybox -- sleep 1": lambda create, **how: create.deployment(
        "web", "busybox", command="sleep 1", **how
    ),
    "cronjob x --image=busybox --schedule=0\t0\t*\t*\t* -- date": lambda create, **how: create.cronjob(
        "x", "busybox", "0 0 * * *", command="date", **how
    ),
    "namespace made-by-nobody": lambda create, **how: create.namespace("made-by-nobody", **how),
    "quota q --hard=pods=3,cpu=2 --scopes=NotTerminating": lambda create, **how: create.quota(
        "q", hard={"pods": "3", "cpu": "2"}, scopes=["NotTerminating"], **how
    ),
    "role r --verb=get,list --verb=watch --resource=pods,deploy/scale,pods/log --resource-name=x": (
        lambda create, **how: create.role(
            "r", ["get,list", "watch"], ["pods", "deploy/scale", "pods/log"], resource_names="x", **how
        )
    ),
    "role all --verb=* --resource=*": lambda create, **how: create.role("all", "*", "*", **how),
    "clusterrole r --verb=get --non-resource-url=/healthz": lambda create, **how: create.clusterrole(
        "r", verbs="get", non_resource_urls="/healthz", **how
    ),
    "clusterrole r --verb=get,list --resource=nodes,events.events.k8s.io": lambda create, **how: create.clusterrole(
        "r", verbs="get,list", resources="nodes,events.events.k8s.io", **how
    ),
    "clusterrole a --aggregation-rule=x=y": lambda create, **how: create.clusterrole(
        "a", aggregation_rule={"x": "y"}, **how
    ),
    "rolebinding b --clusterrole=view --user=u --group=g --serviceaccount=default:sa": (
        lambda create, **how: create.rolebinding(
            "b", clusterrole="view", users="u", groups="g", serviceaccounts="default:sa", **how
        )
    ),
    "rolebinding b --role=r": lambda create, **how: create.rolebinding("b", role="r", **how),
    "clusterrolebinding b --clusterrole=view --user=u --user=v": lambda create, **how: create.clusterrolebinding(
        "b", "view", users=["u", "v"], **how
    ),
    "ingress i --rule=a.b/c*=svc:80,tls=s --rule=a.b/=svc:http --rule=/x=y:1,tls --class=n --annotation=k=v "
    "--default-backend=d:80": lambda create, **how: create.ingress(
        "i",
        rules=["a.b/c*=svc:80,tls=s", "a.b/=svc:http", "/x=y:1,tls"],
        default_backend="d:80",
        ingress_class="n",
        annotations={"k": "v"},
        **how,
    ),
    "ingress i --default-backend=d:web": lambda create, **how: create.ingress("i", default_backend="d:web", **how),
    "poddisruptionbudget p --selector=app=x --min-available=50%": lambda create, **how: create.poddisruptionbudget(
        "p", "app=x", min_available="50%", **how
    ),
    "poddisruptionbudget p --selector=app=x,!old,t\tin\t(b,a) --max-unavailable=1": (
        lambda create, **how: create.poddisruptionbudget("p", "app=x,!old,t in (b,a)", max_unavailable="1", **how)
    ),
    "priorityclass p --value=10 --description=d --global-default --preemption-policy=Never": (
        lambda create, **how: create.priorityclass(
            "p", value=10, description="d", global_default=True, preemption_policy="Never", **how
        )
    ),
    "priorityclass p": lambda create, **how: create.priorityclass("p", **how),
    "serviceaccount robot": lambda create, **how: create.serviceaccount("robot", **how),
    "service clusterip w --tcp=80 --tcp=90:http": lambda create, **how: create.clusterip_service(
        "w", ["80", "90:http"], **how
    ),
    "service clusterip h --clusterip=None": lambda create, **how: create.clusterip_service(
        "h", cluster_ip="None", **how
    ),
    "service nodeport w --tcp=80:8080 --node-port=30080": lambda create, **how: create.nodeport_service(
        "w", ["80:8080"], node_port=30080, **how
    ),
    "service loadbalancer w --tcp=80": lambda create, **how: create.loadbalancer_service("w", "80", **how),
    "service externalname w --external-name=x.y --tcp=80:81": lambda create, **how: create.externalname_service(
        "w", ["80:81"], external_name="x.y", **how
    ),
    "configmap c --from-literal=a=b=c --from-literal=d=": lambda create, **how: create.configmap(
        "c", literals={"a": "b=c", "d": ""}, **how
    ),
}


@pytest.mark.parametrize("line", CALLS)
def test_an_object_is_the_same_as_kubectl_s(line, create, kubernetes, space):
    kubectl = [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], "-n", space.namespace]
    words = [word.replace("\t", " ") for word in line.split(" ")]
    flags = ["--dry-run=server", "-o", "json"]
    at = words.index("--") if "--" in words else len(words)
    theirs = subprocess.run(
        [*kubectl, "create", *words[:at], *flags, *words[at:]], capture_output=True, text=True, check=True
    ).stdout
    manifest = json.dumps(dict(CALLS[line](create, dry_run="client").manifest))
    ours = subprocess.run(
        [*kubectl, "create", "-f", "-", *flags], input=manifest, capture_output=True, text=True, check=True
    ).stdout
    assert defaulted(json.loads(ours)) == defaulted(json.loads(theirs))
    assert CALLS[line](create, dry_run="server").status == "server dry run"
    flags = ["--dry-run=client", "-o", "yaml"]
    theirs = subprocess.run(
        [*kubectl, "create", *words[:at], *flags, *words[at:]], capture_output=True, text=True, check=True
    ).stdout
    assert str(CALLS[line](create, dry_run="client", output="yaml")) == theirs


def make_certificate(folder):
    """web.crt and web.key in a folder."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", "/CN=web", "-keyout", folder / "web.key", "-out", folder / "web.crt"),
        ],
        check=True,
        capture_output=True,
    )


@pytest.fixture
def compare(kubernetes, space, create):  # noqa: ARG001 - sets KUBECONFIG
    """Compare an object with that of a kubectl command, both as the API server would store them."""
    kubectl = [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], "-n", space.namespace]
    flags = ["--dry-run=server", "-o", "json"]

    def stored(words, **options):
        done = subprocess.run([*kubectl, *words, *flags], capture_output=True, text=True, check=True, **options)
        found = defaulted(json.loads(done.stdout))
        chosen = ("clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort")  # by the server
        for part in (found.get("spec", {}), *found.get("spec", {}).get("ports", ())):
            for name in chosen:
                part.pop(name, None)
        return found

    def compared(words, made):
        assert stored(["create", "-f", "-"], input=json.dumps(made)) == stored(words)

    return compared


@pytest.fixture
def data(tmp_path):
    """Files of every sort."""
    (tmp_path / "folder").mkdir()
    for name, content in {
        "text.conf": b"a = b\n",
        "folder/one": b"1",
        "folder/two": b"\xff\x00",
        "settings.env": b"\xef\xbb\xbf# a comment\n\nCOLOUR=blue=green\n  SIZE=2\nNBC_NOT_SET\nNBC_SET\n",
    }.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_data_comes_from_files_folders_and_lists_as_kubectl_reads_them(compare, data, monkeypatch):
    monkeypatch.setenv("NBC_SET", "here")
    files = [str(data / "text.conf"), f"key={data / 'text.conf'}", str(data / "folder")]
    words = [f"--from-file={file}" for file in files]
    made = created_data.config_map("c", created_data.contents({}, files, ()))
    compare(["create", "configmap", "c", *words], made)
    made = created_data.secret("s", created_data.contents({"a": "b"}, files, ()), "example.com/kind")
    compare(["create", "secret", "generic", "s", "--from-literal=a=b", *words, "--type=example.com/kind"], made)
    listed = str(data / "settings.env")
    made = created_data.config_map("c", created_data.contents({}, (), [listed]))
    compare(["create", "configmap", "c", f"--from-env-file={listed}"], made)


def test_secrets_of_certificates_and_registries_are_kubectl_s(compare, create, tmp_path):
    make_certificate(tmp_path)
    cert, key = str(tmp_path / "web.crt"), str(tmp_path / "web.key")
    words = ["create", "secret", "tls", "web", f"--cert={cert}", f"--key={key}"]
    compare(words, created_data.tls_secret("web", cert, key))
    with pytest.raises(UsageError, match="are not a certificate and its key"):
        create.tls_secret("web", cert=key, key=cert)
    words = ["--docker-server=r.example.com", "--docker-username=é", "--docker-password=p<&>", "--docker-email=a@b"]
    made = created_data.registry_secret("r", "r.example.com", "é", "p<&>", "a@b")
    compare(["create", "secret", "docker-registry", "r", *words], made)


def test_a_secret_s_values_are_in_nothing_that_is_shown(create, space):
    planted = "planted-value-4711"
    encoded = base64.b64encode(planted.encode()).decode()
    made = create.secret("hush", literals={"password": planted})
    shown = create.secret("hush", literals={"password": planted}, dry_run="client", output="yaml")
    registry = create.registry_secret("other", username="a", password=planted, dry_run="server")
    for one in (made, shown, registry):
        for text in (repr(one), str(one), one.command, pickle.dumps(one).decode("latin-1")):
            assert planted not in text
            assert encoded not in text
    assert "/dev/stdin" in made.command
    there = nbc.cluster(space.context, space.namespace)
    assert encoded in there.manifests("secret", "hush", show_secrets=True).revealed
    there.delete("secret", "hush").result()


RUNS = {
    "x --image=busybox --env=A=b=c --port=80 --labels=a=b --annotations=c=d -- sleep 1": {
        "command": "sleep 1",
        "environment": {"A": "b=c"},
        "port": 80,
        "labels": {"a": "b"},
        "annotations": {"c": "d"},
    },
    "x --image=busybox --restart=Never --image-pull-policy=Never --command -- sleep 1": {
        "command": ["sleep", "1"],
        "restart": "Never",
        "pull_policy": "Never",
        "entrypoint": True,
    },
}


@pytest.mark.parametrize("line", RUNS)
def test_what_run_makes_is_the_same_as_kubectl_s(line, kubernetes, here):
    kubectl = [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], "-n", here.namespace]
    words, command = line.split(" -- ")
    flags = ["--dry-run=client", "-o", "yaml"]
    theirs = subprocess.run(
        [*kubectl, "run", *words.split(), *flags, "--", *command.split()], capture_output=True, text=True, check=True
    ).stdout
    made = here.run("x", "busybox", **RUNS[line], dry_run="client", output="yaml")
    assert str(made) == theirs
    assert made.command.endswith("-- sleep 1")


def test_run_waits_for_the_pod_and_makes_a_service(here):
    change = here.run("served", "busybox", command="sleep 60", port=80, expose=True).result(90)
    assert change.status == "Running"
    assert here.get("svc/served")["served"].manifest()["spec"]["selector"] == {"run": "served"} | {
        NOTEBOOK_LABEL: notebook_id()
    }
    with pytest.raises(UsageError, match="needs a port"):
        here.run("served", "busybox", expose=True)
    (service, pod) = here.run("other", "busybox", port=80, expose=True, dry_run="server")[::-1]
    assert (service.kind, pod.kind) == ("Service", "Pod")
    here.delete("svc/served").result(60)
    here.delete("pod/served", force=True).result(60)


def test_a_pod_that_is_run_for_its_output_ends_with_its_exit_code_and_is_removed(here):
    script = "echo first; sleep 0.1; echo last"
    result = here.run("once", "busybox", command=["sh", "-c", script], attach=True, remove=True).result(90)
    assert [line.text for line in result] == ["first", "last"]
    assert "--attach --rm -- sh -c" in result.command
    here.wait("pod/once", until="delete").result(60)
    with pytest.raises(CommandFailed, match="oh no") as caught:
        here.run("once", "busybox", command=["sh", "-c", "echo oh no; exit 3"], attach=True, remove=True).result(90)
    assert caught.value.exit_code == 3
    with pytest.raises(ApiError, match="not a valid image name"):
        here.run("wrong", "A:b:c", attach=True, remove=True).result(90)
    with pytest.raises(UsageError):
        here.run("once", "busybox", remove=True)
    stopped = here.run("stopped", "busybox", command="sleep 600", attach=True, remove=True)
    wait_until(lambda: "stopped" in [row.name for row in here.get("pods")])
    stopped.stop()
    wait_until(lambda: here.get("pods", "stopped")["stopped"].status == "Terminating")
    here.delete("pod/stopped", force=True).result(60)


def test_expose_and_autoscale_are_kubectl_s(compare, create, space):
    there = nbc.cluster(space.context, space.namespace)
    create.deployment("shown", "busybox", replicas=0, port=8080)
    compare(["expose", "deploy", "shown"], dict(there.expose("deploy", "shown", dry_run="client").manifest))
    made = there.expose(
        "deploy/shown", port=80, target_port="http", service="x", type="NodePort", protocol="UDP", dry_run="client"
    )
    words = ["--port=80", "--target-port=http", "--name=x", "--type=NodePort", "--protocol=UDP"]
    compare(["expose", "deploy/shown", *words], dict(made.manifest))
    made = there.autoscale("deploy/shown", least=2, most=5, cpu="200", memory="70%", dry_run="client")
    compare(["autoscale", "deploy/shown", "--min=2", "--max=5", "--cpu=200", "--memory=70%"], dict(made.manifest))
    assert there.expose("deploy/shown").action == "created"
    with pytest.raises(Conflict):
        there.expose("deploy/shown")
    made = there.expose("svc/shown", port=81, service="again", dry_run="server")
    assert made.manifest["spec"]["selector"] == {"app": "shown"}
    for call in (
        lambda: there.expose("deploy/shown", target_port="No Port"),
        lambda: there.autoscale("deploy/shown", most=2, least=3),
        lambda: there.autoscale("deploy/shown", most=2, cpu="much"),
        lambda: there.autoscale("deploy/shown", most=2, cpu="0%"),
    ):
        with pytest.raises(UsageError):
            pytest.fail(repr(call()))
    there.delete("deploy", "shown").result()
    there.delete("svc", "shown").result()


def test_what_is_created_exists_once_and_is_the_notebook_s(create, space):
    assert create.quota("once", hard={"pods": "999"}).action == "created"
    with pytest.raises(Conflict):
        create.quota("once", hard={"pods": "999"})
    there = nbc.cluster(space.context, space.namespace)
    assert there.get("quota", "once")["once"].labels[NOTEBOOK_LABEL] == notebook_id()
    there.delete("quota", "once").result()
    create.cronjob("never", "busybox", "0 0 30 2 *")
    made = create.job("now", source="cronjob/never", dry_run="server", output="yaml")
    assert "cronjob.kubernetes.io/instantiate: manual" in str(made)
    there.delete("cronjob", "never").result()


def test_a_service_without_a_port_is_refused_in_words(here):
    for words in ("nodeport w", "loadbalancer w", "clusterip w"):
        with pytest.raises(UsageError, match="--tcp"):
            run_magic(verbs_of("kube"), f"create service {words} -n {here.namespace}", None, {})


def test_wrong_arguments_are_refused_before_anything_is_sent(create):
    for call in (
        lambda: create.job("x"),
        lambda: create.job("x", image="busybox", source="cronjob/y"),
        lambda: create.namespace("x", dry_run="none"),
        lambda: create.namespace("x", output="json"),
        lambda: create.deployment("x", ["a", "b"], command="true"),
        lambda: create.job("x", source="deploy/web"),
        lambda: create.configmap("x", files=["no-such-file"]),
        lambda: create.configmap("x", literals={"a/b": "c"}),
        lambda: create.configmap("x", files=["="]),
        lambda: create.registry_secret("x", username="a", password=""),
        lambda: create.clusterip_service("x"),
        lambda: create.clusterip_service("x", ["80:"]),
        lambda: create.nodeport_service("x", ["70000"]),
        lambda: create.externalname_service("x", external_name=""),
    ):
        with pytest.raises(UsageError):
            pytest.fail(repr(call()))


@pytest.mark.parametrize(
    "line",
    [
        "role r --verb=get --resource=nonsenses",
        "clusterrole r --verb=get",
        "clusterrole r --verb=get --resource=pods --aggregation-rule=a=b",
        "rolebinding b",
        "rolebinding b --role=a --clusterrole=b",
        "rolebinding b --role=a --serviceaccount=robot",
        "ingress i",
        "ingress i --rule=nonsense",
        "ingress i --default-backend=web",
        "poddisruptionbudget p --selector=app=x",
        "poddisruptionbudget p --selector=app=x --min-available=1 --max-unavailable=1",
        "poddisruptionbudget p --selector=app=x --min-available=few",
        "poddisruptionbudget p --selector=,, --min-available=1",
        "priorityclass p --preemption-policy=Sometimes",
    ],
)
@pytest.mark.usefixtures("create")
def test_what_makes_no_object_is_an_error_in_a_line(line):
    with pytest.raises(UsageError) as caught:
        run_magic(verbs_of("kube"), f"create {line} --dry-run=client", None, {})
    assert len(str(caught.value).splitlines()) <= 2


def test_a_role_and_its_binding_allow_what_they_say(create, space):
    there = nbc.cluster(space.context, space.namespace)
    create.role("reader", "get,list", "configmaps")
    create.rolebinding("readers", role="reader", users="carla")
    carla = nbc.cluster(space.context, space.namespace, as_user="carla")
    assert carla.auth.can_i("list", "configmaps")
    assert not carla.auth.can_i("delete", "configmaps")
    for kind in ("rolebinding/readers", "role/reader"):
        there.delete(kind).result(30)
