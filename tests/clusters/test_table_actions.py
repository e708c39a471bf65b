"""A table's actions go to the cluster that the table is of, whichever is in use now."""

import re
import subprocess

import pytest

from nbcontainer.clusters.connection import find_cluster
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.magics.rows import verbs_of as row_verbs_of
from nbcontainer.model.tables import Table, TableState
from tests.conftest import part
from tests.magics.kernels import Kernel


@pytest.fixture
def kernel(two_contexts, tmp_path):
    made = Kernel({"KUBECONFIG": str(two_contexts.file)}, str(tmp_path))
    yield made
    made.close()


def kubectl(two_contexts, *words):
    program = part("kubernetes").env()["NBCONTAINER_TEST_KUBECTL"]
    subprocess.run([program, "--kubeconfig", str(two_contexts.file), *words], check=True, capture_output=True)


def offered(kernel, two_contexts, *, line="%kpod"):
    """The magics that a table offers for the pod web, by label, as the page writes them."""
    ran = kernel.run(f"table = {line} -n {two_contexts.namespace}\nprint([(v.word, v.line) for v in table.verbs])")
    assert not ran.error, ran.traceback
    return {word: for_pod(written, two_contexts.namespace) for word, written in eval(ran.printed)}


def for_pod(line, namespace, name="web"):
    """A line as the page writes it for one row."""
    line = line.replace("{rows}", f"-n {namespace} {name}")
    return re.sub(r"\{rows:([\w.-]+)\}", rf"-n {namespace} \1/{name}", line)


def test_what_each_table_offers_is_read_by_its_magic(two_contexts, kernel):
    offers = offered(kernel, two_contexts)
    assert {"logs", "describe", "exec", "yaml", "delete"} <= offers.keys()
    others = {kind: offered(kernel, two_contexts, line=f"%kube get {kind}") for kind in ("deploy", "cm", "ns")}
    assert {"describe", "yaml"} <= others["cm"].keys()
    assert "logs" in others["deploy"]
    assert "logs" not in others["cm"]
    for line in (*offers.values(), *(line for each in others.values() for line in each.values())):
        magic, _, words = line.removeprefix("%").partition(" ")
        verb, words = verbs_of(magic).magic.split(words)
        assert verb.parse(words).table_context == "dev"
    assert "name: web" in kernel.run(offers["yaml"]).text
    assert f"name: {two_contexts.namespace}" in kernel.run(
        others["ns"]["yaml"].replace(f"-n {two_contexts.namespace} namespace/web", f"ns/{two_contexts.namespace}")
    ).text  # fmt: skip


def test_an_old_table_acts_on_its_own_cluster(two_contexts, kernel):
    lines = offered(kernel, two_contexts)
    kubectl(two_contexts, "config", "use-context", "prod")
    assert "of=dev" in kernel.run(lines["describe"]).text
    assert "of=prod" in kernel.run(f"%kpod describe web -n {two_contexts.namespace}").text
    ran = kernel.run(f"{lines['delete']} -y")
    assert not ran.error, ran.traceback
    assert not two_contexts.has("web", "dev")
    assert two_contexts.has("web", "prod")
    assert kernel.run(f"{lines['delete']} -y").error == "NotFound"
    assert two_contexts.has("web", "prod")
    for word in ("logs", "exec"):  # dev has no node: its error shows that it was asked
        assert kernel.run(lines[word]).error == "NotFound"


def test_a_table_whose_context_now_leads_elsewhere_does_nothing(two_contexts, kernel):
    lines = offered(kernel, two_contexts)
    server = two_contexts.clusters["prod"].server
    kubectl(two_contexts, "config", "set-cluster", "dev", f"--server={server}", "--insecure-skip-tls-verify=true")
    kubectl(two_contexts, "config", "set-context", "dev", "--user=prod")
    for word, line in lines.items():
        ran = kernel.run(f"{line} -y" if word == "delete" else line)
        dev = two_contexts.clusters["dev"].server
        assert ran.traceback == [
            f"✕ ClusterUnavailable: The table is of dev at {dev}, but dev is now {server}: nothing was done."
        ]
    assert two_contexts.has("web", "prod")
    assert two_contexts.has("web", "dev")


@pytest.mark.parametrize("line", ["%kpod", "%kpod get --context=prod"])
def test_what_a_table_of_a_protected_context_offers_does_not_name_it(two_contexts, kernel, line):
    kubectl(two_contexts, "config", "use-context", "prod")
    kernel.run("%nbcontainer settings protected_contexts prod*")
    lines = offered(kernel, two_contexts, line=line)
    assert "of=prod" in kernel.run(lines["describe"]).text
    for word in ("delete", "exec"):
        ran = kernel.run(f"{lines[word]} -y" if word == "delete" else lines[word])
        assert ran.error == "Protected", ran.text
    assert two_contexts.has("web", "prod")
    assert kernel.run(f"%kpod delete web -y -n {two_contexts.namespace} --context=prod").error == ""
    assert not two_contexts.has("web", "prod")


def row_verbs(context, server):
    return row_verbs_of(Table(TableState(), kind="pod", context=context, server=server))


@pytest.mark.parametrize(
    "context", ["it's", "a=b c", "arn:aws:eks:eu-1:1:cluster/x", "-x", "kubernetes-admin@home", '"']
)
def test_any_other_name_is_read_back(context):
    for offered in row_verbs(context, "https://[::1]:6443/k8s?a=b&c"):
        verb, words = verbs_of("kpod").magic.split(offered.line.removeprefix("%kpod ").replace("{rows}", "-n shop web"))
        values = verb.parse(words)
        assert (values.table_context, values.table_server) == (context, "https://[::1]:6443/k8s?a=b&c")
        assert values.namespace == "shop"


@pytest.mark.parametrize("context", ["a\nprint(1)", "{{secret}}", "{rows}"])
def test_a_name_that_would_be_code_is_never_offered(context):
    assert row_verbs(context, "https://10.0.0.1:6443") == ()
    assert row_verbs("it's", "https://10.0.0.1:6443")[3].line == (
        """%kpod delete {rows} --table-context='it'"'"'s' --table-server=https://10.0.0.1:6443"""
    )


def test_credentials_are_not_sent_to_where_the_context_led_before(two_contexts, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(two_contexts.file))
    cluster = find_cluster("dev")
    before = cluster.link.access
    kubectl(two_contexts, "config", "set-credentials", "dev", "--token=hidden")
    cluster.link.refresh()
    assert cluster.link.access.user.token == "hidden"
    assert cluster.link.access.server == before.server
    server = two_contexts.clusters["prod"].server
    kubectl(two_contexts, "config", "set-cluster", "dev", f"--server={server}")
    kubectl(two_contexts, "config", "set-credentials", "dev", "--token=of-the-other")
    cluster.link.refresh()
    assert cluster.link.access.user.token == "hidden"
