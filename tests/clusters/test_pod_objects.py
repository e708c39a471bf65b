"""A pod object acts on the cluster it was found in, whichever is in use now."""

import subprocess
import time

import pytest

import nbcontainer as nbc
from nbcontainer.errors import Conflict, NotFound, Protected, UsageError
from nbcontainer.settings import settings
from tests.clusters.test_commands import shop as shop  # noqa: PLC0414 - a fixture
from tests.conftest import part


def use(shop, context):
    """Make a context the current one."""
    program = part("kubernetes").env()["NBCONTAINER_TEST_KUBECTL"]
    words = ["config", "use-context", context]
    subprocess.run([program, "--kubeconfig", str(shop.file), *words], check=True, capture_output=True)


def test_a_pod_of_a_table_and_one_that_was_got_are_the_same(shop):
    pods = nbc.cluster("dev", shop.namespace).pods  # no node takes it, so it stays as it is
    pod = pods.get("web")
    assert pod == pods.list()["web"]
    assert (pod.name, pod.namespace, pod.labels) == ("web", shop.namespace, {"of": "dev"})
    assert pod.status == pod.facts["status"]
    assert time.time() - pod.facts["age"] < 600
    assert dict(pod.description().sections[0][1])["Created"].startswith("20")
    assert repr(pod) == "Pod('web')"
    with pytest.raises(NotFound, match="Did you mean web"):
        pods.get("webb")


def test_what_was_found_is_acted_on_there(shop):
    use(shop, "prod")
    pods = nbc.cluster(namespace=shop.namespace).pods
    shop.make("two", "prod")
    table = pods.list()
    for name in ("web", "two"):
        for _ in pods.watch(name, duration=60):
            if pods.get(name).status == "Running":
                break
    use(shop, "dev")
    assert pods.get("web").labels == {"of": "dev"}
    web = table["web"]
    assert web.logs(tail=1).result(30).text == "prod"
    assert web.exec("cat", stdin=b"typed").result(30).output == "typed"
    assert ("Labels", "of=prod") in web.describe().sections[0][1]
    assert "Scheduled" in [row.cells[2] for row in web.events()]
    (gone,) = web.delete(force=True).result(60)
    watch = pods.watch(duration=60)
    for _ in watch:
        if watch.state.live:
            watch.stop()
    assert watch.result(30)["web"] == pods.get("web")
    assert (gone.name, gone.action) == ("web", "deleted")
    assert not shop.has("web", "prod")
    assert shop.has("web", "dev")
    plan = pods.plan_delete(all=True)
    use(shop, "prod")
    assert plan.changes == ("web",)
    plan.do().result(60)
    assert not shop.has("web", "dev")
    assert shop.has("two", "prod")


def test_a_name_in_several_namespaces_needs_its_own(shop):
    table = nbc.cluster("prod").pods.list(all_namespaces=True)
    assert table[f"{shop.namespace}/web"].labels == {"of": "prod"}
    assert table[f"{shop.namespace}/web"].where == f"prod · {shop.namespace}"
    with pytest.raises(NotFound, match="no 'never-was' in the table of pods"):
        table["never-was"]


def test_pods_to_delete_are_named_in_one_way(shop):
    pods = nbc.cluster("prod", shop.namespace).pods
    for words in ({}, {"selector": "of=prod", "all": True}):
        with pytest.raises(UsageError):
            pods.plan_delete(**words)
    with pytest.raises(UsageError, match="only one of the three"):
        pods.delete("web", all=True)
    nothing = pods.plan_delete(selector="of=nobody")
    assert (nothing.changes, nothing.nothing) == ((), f"There are no pods with of=nobody in prod · {shop.namespace}.")
    with pytest.raises(NotFound, match="There are no pods with of=nobody"):
        nothing.do()


def test_a_protected_cluster_keeps_the_pods_of_a_table(shop, monkeypatch):
    use(shop, "prod")
    unnamed, named = (nbc.cluster(context, shop.namespace).pods.list()["web"] for context in ("", "prod"))
    monkeypatch.setattr(settings, "protected_contexts", ("prod",))
    for act in (unnamed.delete, lambda: unnamed.exec("true")):
        with pytest.raises(Protected, match=r"nbc\.cluster\('prod'"):
            act()
    assert shop.has("web", "prod")
    named.delete(force=True).result(60)
    assert not shop.has("web", "prod")


def test_a_pod_that_is_there_is_not_created_again(shop):
    with pytest.raises(Conflict):
        nbc.cluster("prod", shop.namespace).pods.create("web", "busybox").result(30)
