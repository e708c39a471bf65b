"""Podman's own pods: the same calls and columns as a cluster's, on a real Podman."""

import asyncio
import re
import secrets
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

import nbcontainer as nbc
from nbcontainer.engines import pod_creation, pod_deletion, pods
from nbcontainer.engines.connection import Engine
from nbcontainer.engines.containers import inspect
from nbcontainer.engines.pod_deletion import delete
from nbcontainer.engines.pods_backend import PodmanPods
from nbcontainer.errors import (
    ApiError,
    CommandFailed,
    Conflict,
    NbcontainerError,
    NotFound,
    Stopped,
    Unsupported,
    UsageError,
)
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.pods import ExecRequest, PodRequest
from nbcontainer.model.source_map import SourceMap
from nbcontainer.model.tables import Tone
from tests.engines.conftest import find
from tests.engines.conftest import running as running_part

pytestmark = pytest.mark.timeout(180)


def until(condition, seconds=30):
    """Wait for a fact."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"not so after {seconds} s")


def running(words):
    """Whether a process of this machine has these words in its command line."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if words.encode() in path.read_bytes():
                return True
    return False


@pytest.fixture
def podman(monkeypatch, busybox_of):
    """The rootful Podman, with busybox in it."""
    engine = find(running_part("podman", "Podman").host, monkeypatch)
    busybox_of(engine)
    return engine


@pytest.fixture
def make(podman, unique):
    """Makes pods, and removes them after the test."""
    made = []

    def make_pod(script="sleep 600", *, name="", wait=True, **options):
        request = PodRequest(
            f"{unique}{name}", options.pop("image", "busybox"), command=("sh", "-c", script), wait=wait, **options
        )
        made.append(request.name)
        return pod_creation.create(podman, request)

    yield make_pod
    for name in made:
        with suppress(NbcontainerError):
            delete(podman, [name], force=True).result(30)


@pytest.fixture
def shell(make):
    """A running pod's name."""
    return make().result(60).name


def test_kube_get_has_pods_alone(podman, shell):
    backend = PodmanPods(podman)
    for words in (("pods", shell), ("po", shell), (f"pod/{shell}",)):
        (table,) = backend.tables(words)
        assert table.qualified_names == (f"pod/{shell}",)
    operation = table.follow(table.state)
    until(lambda: operation.state.live)
    operation.stop()
    assert operation.result(10).names == [shell]
    for words in (("deploy",), ("pods,svc",), (f"pod/{shell}", "svc/web")):
        with pytest.raises(Unsupported, match=r"Podman .* does not support objects of the kind '") as refused:
            backend.tables(words)
        assert refused.value.cure == "Without a cluster there are only Podman's pods."


def test_create_list_describe_delete(podman, make, unique):
    operation = make(labels={"app": unique}, environment={"COLOUR": "blue"})
    change = operation.result(60)
    assert (change.kind, change.name, change.action) == ("Pod", unique, "created")
    assert operation.state.steps[-1].status == "Running"
    assert operation.state.outcome is Outcome.DONE
    found = pods.table(podman, names=(unique,))
    assert [column.name for column in found.state.columns[:5]] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert found.state.note == "no cluster: these are Podman's pods"
    (row,) = found
    assert row.cells[:4] == (unique, "1/1", "Running", 0)
    assert row.tone is Tone.GOOD
    assert 0 <= time.time() - row.cells[4] < 120
    assert pods.table(podman, selector=f"app={unique}").names == [unique]
    assert pods.table(podman, selector=f"app={unique},app!=x,run").names == [unique]
    assert len(pods.table(podman, selector="app=none")) == 0
    described = pods.describe(podman, unique)
    assert dict(described.sections[0][1])["Status"] == "Running"
    assert dict(described.sections[1][1])["State"] == "running"
    assert described.events
    assert unique in {row.cells[3].partition("/")[2] for row in pods.events(podman, unique)}
    (gone,) = delete(podman, [unique], grace_period=1).result(30)
    assert (gone.name, gone.action) == (unique, "deleted")
    with pytest.raises(NotFound, match="no pod"):
        pods.table(podman, names=(unique,))


def test_pods_are_deleted_together_and_a_refusal_spares_the_others(podman, make):
    refused, *others = (make(name=f"-{number}").result(60).name for number in range(3))
    uid, remove = pods.find_pod(podman, refused)["Id"], pod_deletion._remove
    together = threading.Barrier(3, timeout=20)

    def refuse_one(engine, doomed, *more):
        together.wait()  # each comes this far before one is done
        remove(engine, "no-such-pod" if doomed == uid else doomed, *more)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pod_deletion, "_remove", refuse_one)
        with pytest.raises(ApiError, match=rf"no pod.* Deleted: {', '.join(others)}\.$"):
            delete(podman, [refused, *others], force=True).result(60)
    left = pods.table(podman).names
    assert refused in left
    assert not {*others} & {*left}


def test_a_deletion_is_reported_and_stops_within_a_second(podman, make, unique):
    make("trap '' TERM; while :; do sleep 1; done").result(60)
    operation = delete(podman, [unique], grace_period=6)  # Podman goes on for that long
    while not operation.state.left:
        assert operation.wait(10, revision=operation.revision)
    began = time.monotonic()
    operation.stop()
    with pytest.raises(Stopped):
        operation.result(2)
    assert time.monotonic() - began < 1
    assert operation.state.objects[f"pod/{unique}"].outcome is Outcome.STOPPED
    assert pods.table(podman, names=[unique]).names == [unique]


def test_what_is_not_there(podman):
    for call in (
        lambda: pods.describe(podman, "nix"),
        lambda: delete(podman, ["nix"]).result(30),
        lambda: pods.logs(podman, LogRequest(("nix",))).result(30),
        lambda: pods.execute(podman, ExecRequest("nix", ("true",))).result(30),
    ):
        with pytest.raises(NotFound, match="no pod nix"):
            call()


def test_a_name_in_use(make):
    make().result(60)
    with pytest.raises(Conflict, match="already") as caught:
        make().result(60)
    assert "%kpod delete" in caught.value.cure


def test_an_image_that_cannot_be_pulled_leaves_nothing_half_made(podman, make, registry, unique):
    with pytest.raises(NotFound, match="cannot run") as caught:
        make(image=f"{registry}/no/such:1").result(60)
    assert caught.value.reason == "ErrImagePull"
    assert unique not in pods.table(podman).names


@pytest.fixture
def patient(monkeypatch):
    """A long timeout for a busy machine; the wait lasts only as long as the container runs."""
    monkeypatch.setattr(pod_creation, "SETTLE_SECONDS", 30.0)


@pytest.mark.usefixtures("patient")
def test_a_container_that_ends_again_and_again(make):
    with pytest.raises(CommandFailed, match="oh no") as caught:
        make("echo oh no; exit 3", restart="Always").result(60)
    assert caught.value.exit_code == 3


def test_the_exit_code_of_a_container_that_runs_again_is_that_of_its_last_run(podman, make, unique):
    script = "[ -e /ran ] && sleep 600; touch /ran; exit 4"
    make(script, restart="Always", wait=False).result(60)
    (container,) = pods.own_containers(pods.find_pod(podman, unique))
    until(lambda: inspect(podman, container["Id"])["RestartCount"] == 1)
    until(lambda: inspect(podman, container["Id"])["State"]["Status"] == "running")
    assert pod_creation._exit_code(podman, container["Id"]) == 4


@pytest.mark.usefixtures("patient")
def test_a_container_that_ends_at_once(podman, make, unique):
    with pytest.raises(CommandFailed, match="oh no") as caught:
        make("echo oh no; exit 3", restart="Never").result(60)
    assert caught.value.exit_code == 3
    (row,) = pods.table(podman, names=(unique,))
    assert row.cells[2] == "Error"
    assert row.tone is Tone.BAD


def test_a_pod_that_completes(podman, make, unique):
    make("true", restart="Never").result(60)
    until(lambda: pods.table(podman, names=(unique,))[0].cells[2] == "Completed")


@pytest.mark.parametrize("displayed", [False, True])
def test_the_table_follows_podmans_events_and_stops(podman, make, unique, displayed):
    (table,) = PodmanPods(podman).tables(("pods",))
    operation = table.follow(table.state) if displayed else PodmanPods(podman).watch(("pods",))
    until(lambda: operation.state.live)
    make().result(60)
    until(lambda: any(row.name == unique and row.cells[2] == "Running" for row in operation.state.rows.values()))
    delete(podman, [unique], force=True).result(30)
    until(lambda: not any(row.name == unique for row in operation.state.rows.values()))
    began = time.monotonic()
    operation.stop()
    last = operation.result(5)
    assert time.monotonic() - began < 1
    assert not last.state.live


def test_a_podman_that_goes_away_is_followed_again(podman, make, unique):
    streams = []

    class Counted(Engine):
        """The same engine through a proxy that can cut its connections."""

        def dial(self):
            stream = super().dial()
            streams.append(stream)
            return stream

    engine = Counted(podman.address, podman.source, podman.capabilities, _where=podman._where)
    operation = pods.watch_table(engine)
    until(lambda: operation.state.live)
    for stream in streams:
        stream.close()
    until(lambda: not operation.state.live)
    assert operation.state.trouble.startswith("reconnecting: ")
    make().result(60)
    until(lambda: operation.state.live and any(row.name == unique for row in operation.state.rows.values()))
    operation.stop()
    operation.result(5)


def test_logs(podman, make, unique):
    make("seq 1 50; echo to stderr >&2; sleep 600").result(60)
    until(lambda: pods.logs(podman, LogRequest((unique,))).result(30).state.total == 51)
    assert [line.text for line in pods.logs(podman, LogRequest((unique,), tail=2)).result(30)] == ["50", "to stderr"]
    some = pods.logs(podman, LogRequest(("nix", unique))).result(30)
    assert some.state.total == 51
    assert some.state.notes == (f"There is no pod nix in {podman.name}. `%kpod` lists them.",)
    with pytest.raises(NotFound) as caught:
        pods.logs(podman, LogRequest((f"{unique}x", "nix"))).result(30)
    assert caught.value.cure == f"Did you mean {unique}?"
    operation = pods.logs(podman, LogRequest((unique,), follow=True))
    until(lambda: operation.state.total == 51)
    began = time.monotonic()
    operation.stop()
    operation.result(5)
    assert time.monotonic() - began < 1
    with pytest.raises(NotFound, match="no container side"):
        pods.logs(podman, LogRequest((unique,), container="side")).result(30)


def test_a_pod_without_containers_has_no_logs_and_runs_no_command(podman, make, unique):
    pods.podman_http(podman).json("POST", "/libpod/pods/create", body={"name": unique})
    try:
        for call in (
            lambda: pods.logs(podman, LogRequest((unique,))),
            lambda: pods.logs(podman, LogRequest((f"/{unique}/",), follow=True)),
            lambda: pods.execute(podman, ExecRequest(unique, ("true",))),
        ):
            with pytest.raises(NotFound, match=f"The pod {unique} in Podman .* has no containers yet"):
                call().result(30)
        with_log = make("echo said; sleep 600", name="-with").result(60).name
        result = pods.logs(podman, LogRequest((f"/{unique}/",))).result(30)
        assert [line.text for line in result] == ["said"]
        assert [note.split(" in ")[0] for note in result.state.notes] == [f"The pod {unique}"]
        with pytest.raises(UsageError, match="Whose logs") as caught:
            pods.logs(podman, LogRequest())
        assert "`%kpod` lists the pods" in caught.value.cure
        followed = pods.logs(podman, LogRequest((f"/{with_log}/",), follow=True))
        until(lambda: any("come later are not followed" in note for note in followed.state.notes))
        until(lambda: followed.state.total_bytes == len("said\n"))
        followed.stop()
    finally:
        delete(podman, [unique], force=True).result(30)


def test_the_first_container_is_that_of_the_manifest(podman, unique):
    names = ["c3", "c1", "c4", "c2"]
    one = "{{name: {}, image: busybox, command: [sh, -c, echo {} > /name; sleep 600]}}"
    containers = ", ".join(one.format(name, name) for name in names)
    text = f"{{apiVersion: v1, kind: Pod, metadata: {{name: {unique}}}, spec: {{containers: [{containers}]}}}}"
    pod_creation.apply(podman, text, source_map=SourceMap())
    try:
        assert pods.containers(podman, unique) == names
        ran = pods.execute(podman, ExecRequest(unique, ("sh", "-c", "until cat /name; do sleep 0.1; done"))).result(30)
        assert ran.output.endswith("c3\n")
        titles = [title for title, _ in pods.describe(podman, unique).sections]
        assert titles == ["", *(f"Container {name}" for name in names)]
    finally:
        delete(podman, [unique], force=True).result(30)


def test_commands(podman, shell):
    result = pods.execute(podman, ExecRequest(shell, ("sh", "-c", "echo out; echo err >&2"))).result(30)
    assert (result.exit_code, "out" in result.output) == (0, True)
    with pytest.raises(CommandFailed) as caught:
        pods.execute(podman, ExecRequest(shell, ("sh", "-c", "echo why >&2; exit 7"))).result(30)
    assert caught.value.exit_code == 7
    data = b"x" * 300_000
    assert pods.execute(podman, ExecRequest(shell, ("wc", "-c"), stdin=data)).result(30).output.strip() == "300000"
    with pytest.raises((NotFound, ApiError, CommandFailed)):
        pods.execute(podman, ExecRequest(shell, ("no-such",))).result(30)


def test_a_command_is_stopped_within_a_second(podman, shell):
    number = f"7{secrets.randbelow(10**6):06}"
    operation = pods.execute(podman, ExecRequest(shell, ("sh", "-c", f"trap '' TERM; sleep {number} & wait")))
    until(lambda: running(f"sleep\0{number}"))
    began = time.monotonic()
    operation.stop()
    with pytest.raises(Stopped):
        operation.result(5)
    assert time.monotonic() - began < 1.2
    until(lambda: not running(number))


def test_yaml(podman, unique):
    text = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: {unique}, labels: {{app: two}}}}
spec:
  containers:
  - {{name: main, image: busybox, args: [sh, -c, 'echo of main; sleep 600']}}
  - {{name: side, image: busybox, args: [sh, -c, 'echo of side; sleep 600']}}
"""
    try:
        (change,) = pod_creation.apply(podman, text)
        assert (change.name, change.action) == (unique, "created")
        assert pods.table(podman, names=(unique,))[0].cells[1] == "2/2"
        until(lambda: pods.logs(podman, LogRequest((unique,))).result(30).state.total == 2)
        assert pods.logs(podman, LogRequest((unique,), container="side")).result(30).text == "of side"
        with pytest.raises(Conflict):
            pod_creation.apply(podman, text)
    finally:
        delete(podman, [unique], force=True).result(30)
    with pytest.raises(UsageError, match=r"line 2: .* only pods and Deployments, not Service"):
        pod_creation.apply(podman, "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n")
    with pytest.raises(UsageError, match="line 4: "):
        pod_creation.apply(podman, "a: [\nb: }", source_map=SourceMap.shifted(2, 2))


def test_a_deployment_gives_pods(podman, unique):
    text = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {unique}}}
spec:
  selector: {{matchLabels: {{app: {unique}}}}}
  template:
    metadata: {{labels: {{app: {unique}}}}}
    spec:
      containers:
      - {{name: main, image: busybox, args: [sh, -c, 'echo of main; sleep 600'], ports: [{{containerPort: 80}}]}}
"""
    made = pod_creation.apply(podman, text)
    try:
        assert [change.kind for change in made] == ["Pod"]
        assert made[0].name.startswith(unique)
        assert pods.table(podman, names=(made[0].name,))[0].cells[1] == "1/1"
    finally:
        delete(podman, [change.name for change in made], force=True).result(30)


def test_calls_work_inside_a_running_event_loop(podman, shell):
    async def cell():
        return pods.execute(podman, ExecRequest(shell, ("echo", "hi"))).result(30).output

    assert asyncio.run(cell()).strip() == "hi"


def test_the_spool_has_hostile_bytes_whole(podman, shell):
    script = r"printf 'a\377b\033[31mred\000\342\200\256\nsecond\n'"
    operation = pods.execute(podman, ExecRequest(shell, ("sh", "-c", script)))
    result = operation.result(30)
    assert operation.state.lines[0].text == "a\ufffdb\x1b[31mred\x00\u202e"
    assert Path(result.spool).read_bytes().startswith(b"a\xffb\x1b[31mred\x00")


@pytest.fixture
def alone(podman, monkeypatch, tmp_path):
    """There is no cluster, so that pods are Podman's."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    return podman


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%kpod --as=ann", "impersonation.*Podman has no users"),
        ("%kpod -n shop", "namespaces.*name no namespace"),
        ("%kube get deploy", "objects of the kind 'deploy'.*there are only Podman's pods"),
        ("%kube describe pod web", "support describe.*`%kpod describe`; other objects need a cluster"),
        ("%kube get pods,svc", "objects of the kind 'svc'.*there are only Podman's pods"),
    ],
)
def test_what_podman_cannot_do_is_said_with_the_reason(line, words):
    magic, _, rest = line.partition(" ")
    with pytest.raises(Unsupported) as caught:
        run_magic(verbs_of(magic.lstrip("%")), rest, None, {})
    assert re.search(words, f"{caught.value.message} {caught.value.cure}")


def test_pods_in_full_are_what_podman_kube_generate_makes(make, monkeypatch, tmp_path):
    first, second = (make(name=name, labels={"app": "full"}).result(60).name for name in ("-a", "-b"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    here = nbc.cluster()
    one = here.pods.manifests(first)
    assert one.objects[0]["kind"] == "Pod"
    assert one.objects[0]["spec"]["containers"][0]["image"].endswith("busybox:latest")
    assert one.text.startswith("apiVersion: v1\nkind: Pod\n")
    assert "kube generate" in one.command
    names = "jsonpath={.items[*].metadata.name}"
    by_name = here.pods.manifests(second, first, sort_by=".metadata.name", output=names)
    assert by_name.text == f"{first} {second}"
    with pytest.raises(NotFound):
        here.pods.manifests(f"{first}-not")
    with pytest.raises(UsageError, match="is not a format of objects"):
        here.pods.manifests(first, output="toml")
    with pytest.raises(Unsupported, match="objects of the kind 'deploy'"):
        here.manifests("deploy")
