"""The public calls from plain Python: a script, a running event loop, a thread."""

import asyncio
import copy
import os
import pickle
import re
import shlex
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import nbcontainer as nbc
from nbcontainer.engines.connection import forget_engines
from nbcontainer.errors import BuildFailed, CommandFailed, DockerfileError, EngineUnavailable, Protected, UsageError
from nbcontainer.model.results import Objects
from tests.engines.build_engines import wait_until

HEAVY = {"docker", "kubernetes", "aiohttp", "anywidget", "ipywidgets", "rich", "yaml", "h2", "requests"}


@pytest.fixture
def docker(docker_engine, monkeypatch):
    """Docker Engine as the engine in use."""
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    forget_engines()
    yield
    forget_engines()


@pytest.mark.usefixtures("docker")
def test_build_and_run():
    built = nbc.images.build("FROM busybox\nRUN echo hello", tags=("api-test:1",)).result()
    assert built.id.startswith("sha256:")
    result = nbc.containers.run("api-test:1", ("echo", "hello"), remove=True).result()
    assert (result.exit_code, result.output) == (0, "hello\n")
    with pytest.raises(CommandFailed) as failed:
        nbc.containers.run("busybox", ("false",), remove=True).result()
    assert failed.value.exit_code == 1


@pytest.mark.usefixtures("docker")
def test_a_failed_build_has_its_facts():
    with pytest.raises(BuildFailed) as failed:
        nbc.images.build("FROM busybox\nRUN echo seen; exit 3").result()
    assert (failed.value.lines, failed.value.exit_code) == ((2, 2), 3)
    assert "seen" in failed.value.output


@pytest.mark.usefixtures("docker")
def test_inside_a_running_event_loop():
    async def work():
        beats = 0

        async def beat():
            nonlocal beats
            while True:
                beats += 1
                await asyncio.sleep(0.02)

        other = asyncio.create_task(beat())
        operation = nbc.containers.run("busybox", ("sh", "-c", "echo one; sleep 0.5; echo two"), remove=True)
        lines = [line async for line in operation]
        result = await operation
        other.cancel()
        return lines, result, beats

    lines, result, beats = asyncio.run(work())
    assert result.output == "one\ntwo\n"
    assert [(line.text, line.stream) for line in lines] == [("one", "stdout"), ("two", "stdout")]
    assert beats > 5  # the loop was not blocked


@pytest.mark.usefixtures("docker")
def test_from_threads():
    outputs = {}

    def work(word):
        outputs[word] = nbc.containers.run("busybox", ("echo", word), remove=True).result().output

    threads = [threading.Thread(target=work, args=(word,)) for word in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outputs == {"a": "a\n", "b": "b\n", "c": "c\n"}


def test_errors_in_the_text_come_before_a_missing_engine(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    forget_engines()
    try:
        with pytest.raises(DockerfileError) as fault:
            nbc.images.build("FORM busybox\nRUNN x")
        assert fault.value.lines == (1, 2)
        with pytest.raises(EngineUnavailable):
            nbc.images.build("FROM busybox")
    finally:
        forget_engines()


@pytest.mark.usefixtures("docker")
def test_what_changes_a_protected_engine_is_refused_unless_the_call_names_it(monkeypatch, tmp_path):
    changes = {
        "build": lambda engine="": nbc.engine(engine).images.build("FROM busybox", tags=("nbc-protected:1",)).result(),
        "tag": lambda engine="": nbc.engine(engine).images.tag("nbc-protected:1", "nbc-protected:2"),
        "push": lambda engine="": nbc.engine(engine).images.push("127.0.0.1:1/nbc-protected:1").result(),
        "pull": lambda engine="": nbc.engine(engine).images.pull("busybox").result(),
        "run": lambda engine="": nbc.engine(engine).containers.run("busybox", "true", name="nbc-protected").result(),
        "stop": lambda engine="": nbc.engine(engine).containers.stop("nbc-protected"),
        "rm": lambda engine="": nbc.engine(engine).containers.remove("nbc-protected"),
    }
    host = os.environ["DOCKER_HOST"]
    monkeypatch.setattr(nbc.settings, "protected_contexts", (f"{host[:20]}*",))
    for name, change in changes.items():
        with pytest.raises(Protected, match=re.escape(f"nbc.engine({host!r})")):
            change()
        if name != "push":
            change(engine=host)
    nbc.images.list()
    nbc.containers.list()
    nbc.images.check("FROM busybox")
    with pytest.raises(Protected):  # the build's steps run there, wherever the result goes
        nbc.images.build("FROM busybox", outputs=(f"{tmp_path}/out",))
    assert not (tmp_path / "out").exists()


def copies(found):
    return pickle.loads(pickle.dumps(found)), copy.deepcopy(found), copy.copy(found)


@pytest.mark.usefixtures("docker")
def test_objects_of_an_engine_are_pickled_and_copied_as_records():
    network, image = nbc.networks.get("bridge"), nbc.images.get("busybox")
    volume = nbc.volumes.create()
    container = nbc.containers.run("busybox", "true", detach=True).result()
    container = nbc.containers.get(container.id)
    for found, change in (
        (network, lambda record: record.remove()),
        (image, lambda record: record.tag("copied:1")),
        (volume, lambda record: record.remove()),
        (container, lambda record: record.remove()),
    ):
        for record in copies(found):
            assert record == found
            with pytest.raises(UsageError, match="This is a record of the"):
                change(record)
    for several in (Objects([network, volume]), nbc.networks.list(), nbc.images.list()):
        for record in copies(several):
            assert type(record) is type(several)
            assert record == several
    assert nbc.networks.list()["bridge"].id == network.id  # the table itself still has its objects
    volume.remove()
    container.remove(force=True)


def test_pods_are_pickled_and_copied_as_records(kubernetes_cluster, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(kubernetes_cluster.kubeconfig))
    nbc.pods.create("copied", "busybox", command=("sleep", "600"), wait=False).result()
    try:
        table = nbc.pods.list(all_namespaces=True)
        for record in copies(table):
            assert record == table
        pod = table["default/copied"]
        for record in copies(pod):
            assert record == pod
            with pytest.raises(UsageError, match="This is a record of the pod"):
                record.delete()
    finally:
        nbc.pods.delete("copied", force=True).result()


def test_pods_and_protection(kubernetes_cluster, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(kubernetes_cluster.kubeconfig))
    table = nbc.pods.list(all_namespaces=True)
    assert table.state.columns[0].name == "NAMESPACE"
    context = table.state.where.split(" · ")[0]
    file = shlex.quote(str(kubernetes_cluster.kubeconfig))
    assert table.command == f"kubectl --context {context} --kubeconfig {file} get pods -A"
    monkeypatch.setattr(nbc.settings, "protected_contexts", (context,))
    with pytest.raises(Protected):
        nbc.pods.delete("not-there")
    watch = nbc.pods.watch(all_namespaces=True, duration=60)
    revision = -1
    while not watch.state.columns:
        assert watch.wait(20, revision=revision)
        revision = watch.revision
    watch.stop()
    assert watch.result(20).state.columns == table.state.columns


def test_a_script_needs_no_ipython_and_imports_nothing_heavy():
    code = (
        "import sys, nbcontainer as nbc; print(len(nbc.__all__), "
        f"sorted(({HEAVY!r} | {{'IPython'}}) & set(sys.modules)))"
    )
    repository = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split(" ", 1)[1] == "[]\n"


def test_every_public_name_is_there():
    assert all(getattr(nbc, name) is not None for name in nbc.__all__)
    with pytest.raises(AttributeError):
        nbc.not_there  # noqa: B018 - the look-up is the test


@pytest.mark.usefixtures("docker")
def test_a_detached_run_that_is_stopped_while_it_starts_leaves_nothing_running():
    for turn, delay in enumerate((0.0, 0.03, 0.06, 0.1)):
        name = f"api-stopped-{os.getpid()}-{turn}"
        operation = nbc.containers.run("busybox", "sleep 98", detach=True, name=name)
        operation.wait(delay)
        operation.stop()
        assert operation.wait(20)
        wait_until(lambda operation=operation: operation.gone)  # a busy engine may still be at it
        running = name in nbc.containers.list().names
        if name in nbc.containers.list(all=True).names:
            nbc.containers.remove(name, force=True)
        assert running == (operation.error is None)  # it may have finished before the stop
