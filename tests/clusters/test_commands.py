"""Each result's command, pasted into a terminal with another context, reaches the cluster of the call."""

import os
import shlex

import pytest

import nbcontainer as nbc
from nbcontainer.clusters.connection import find_cluster
from tests.clusters.applying import apply
from tests.terminal import Terminal


@pytest.fixture
def terminal(tmp_path):
    return Terminal(tmp_path).with_kubectl()


@pytest.fixture
def shop(two_contexts, monkeypatch):
    """Both contexts, with "dev" as the current one; the calls and the terminal name the other."""
    monkeypatch.setenv("KUBECONFIG", str(two_contexts.file))
    return two_contexts


def there(shop):
    return nbc.cluster("prod", shop.namespace)


def test_what_only_reads_reads_there(shop, terminal):
    for table in (
        there(shop).pods.list(),
        there(shop).pods.list("web"),
        there(shop).pods.list(selector="of in (prod, test)", field_selector="metadata.name=web"),
        nbc.cluster("prod").pods.list(all_namespaces=True, field_selector=f"metadata.namespace={shop.namespace}"),
        there(shop).pods.get("web"),
    ):
        assert "web" in terminal.run(f"{table.command} --show-labels")
        assert "of=prod" in terminal.run(f"{table.command} --show-labels")
    described = there(shop).pods.describe("web")
    assert "of=prod" in terminal.run(described.command)
    # only a controller on the real node makes events
    assert "Scheduled" in terminal.run(there(shop).pods.events("web").command)
    assert "Scheduled" in terminal.run(there(shop).pods.events().command)
    assert shop.namespace in terminal.run(nbc.cluster("prod").pods.events(all_namespaces=True).command)


def test_logs_are_read_there(shop, terminal):
    shop.make("two", "prod")
    for name in ("web", "two"):
        until_it_runs(shop, name)
    pods = there(shop).pods
    for operation in (
        pods.logs("web"),
        pods.logs(selector="of=prod", timestamps=True),
        pods.logs("web", "two", tail=1),
    ):
        log = operation.result(30)
        assert terminal.run(log.command).splitlines()[-1].endswith("prod")
        assert len(terminal.run(log.command).splitlines()) == len(log)


def test_a_command_runs_there(shop, terminal):
    until_it_runs(shop, "web")
    words = ["sh", "-c", "hostname; echo 'two  words'"]
    ran = there(shop).pods.exec("web", words).result(30)
    assert terminal.run(ran.command) == ran.output == "web\ntwo  words\n"
    ran = there(shop).pods.exec("web", "cat", stdin=b"typed").result(30)
    assert terminal.run(ran.command, stdin="typed") == "typed"


def test_a_pod_is_created_there(shop, terminal):
    given = {"COLOUR": "sky blue", "DB_PASSWORD": "hidden-1"}
    command = ["sh", "-c", "env; sleep 600"]
    made = there(shop).pods.create("made", "busybox", command=command, environment=given).result(60)
    assert "hidden" not in made.command
    assert '"DB_PASSWORD=$DB_PASSWORD"' in made.command
    there(shop).pods.delete("made", force=True).result(60)
    terminal.run(f"DB_PASSWORD=typed; {made.command}")
    assert shop.has("made", "prod")
    assert not shop.has("made", "dev")
    until_it_runs(shop, "made")
    assert {"COLOUR=sky blue", "DB_PASSWORD=typed"} <= set(
        there(shop).pods.exec("made", "env").result(30).output.splitlines()
    )


@pytest.mark.parametrize("options", [{}, {"force": True}, {"grace_period": 1}])
def test_pods_are_deleted_there_and_nowhere_else(shop, terminal, options):
    gone = there(shop).pods.delete("web", **options).result(60)
    shop.make("web", "prod")
    terminal.run(gone[0].command + " --dry-run=server")
    assert shop.has("web", "prod")
    terminal.run(gone[0].command)
    assert not shop.has("web", "prod")
    assert shop.has("web", "dev")


def test_yaml_is_applied_there(shop, terminal):
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: said}\ndata: {in: prod}\n"
    other = f"{text}---\n{text.replace('name: said', 'name: said, namespace: default')}"
    tried = there(shop).apply(text, dry_run=True)
    assert "server dry run" in terminal.run(tried[0].command, stdin=text)
    done = there(shop).apply(text, force_conflicts=True)
    assert "configmap/said serverside-applied" in terminal.run(done[0].command, stdin=text)
    found = shop.clusters["prod"].run(
        shop.clusters["prod"].request("GET", f"/api/v1/namespaces/{shop.namespace}/configmaps/said")
    )
    assert {one["manager"] for one in found["metadata"]["managedFields"]} >= {"kubectl", "nbcontainer"}
    mixed = apply(shop.clusters["prod"], other, dry_run=True)  # kubectl refuses a namespace other than -n's
    assert "-n" not in shlex.split(mixed[0].command)


def test_several_files_are_named_as_only_the_variable_can(shop, terminal, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "none"), str(shop.file)]))
    table = there(shop).pods.list()
    assert table.command.startswith("KUBECONFIG=")
    assert "of=prod" in terminal.run(f"{table.command} --show-labels")


def test_the_usual_file_is_named_where_the_terminals_own_has_a_context_of_that_name(
    shop, terminal, monkeypatch, tmp_path
):
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube/config").write_text(shop.file.read_text())
    table = there(shop).pods.list()
    swapped = tmp_path / "swapped"
    swapped.write_text(
        shop.file.read_text().replace("cluster: prod", "cluster: dev").replace("user: prod", "user: dev")
    )
    own = f"export KUBECONFIG={shlex.quote(str(swapped))}"
    assert "of=dev" in terminal.run(f"{own}; kubectl --context prod get pods -n {shop.namespace} --show-labels")
    assert "of=prod" in terminal.run(f"{own}; {table.command} --show-labels")


def test_a_pods_own_account_is_used_whatever_the_terminals_kubeconfig(shop, terminal, monkeypatch, tmp_path):
    for name, text in {"token": "t", "namespace": shop.namespace}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr("nbcontainer.clusters.kubeconfig.SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    view = find_cluster().commands.kubectl("config", "view")
    assert "contexts: null" in terminal.run(f"export KUBECONFIG={shlex.quote(str(shop.file))}; {view}")


def test_a_cure_names_the_cluster_that_it_is_about(shop):
    with pytest.raises(nbc.errors.Conflict) as caught:
        there(shop).pods.create("web", "busybox").result(30)
    assert f"`%kpod delete web -n {shop.namespace} --context=prod`" in caught.value.cure
    with pytest.raises(nbc.errors.Conflict) as caught:
        nbc.cluster(namespace=shop.namespace).pods.create("web", "busybox").result(30)
    assert f"`%kpod delete web -n {shop.namespace}`" in caught.value.cure


def until_it_runs(shop, name):
    """Wait until the real node runs the pod."""
    for _ in there(shop).pods.watch(name, duration=60):
        if there(shop).pods.list(name)[0].cells[2] == "Running":
            return
    raise AssertionError(name)
