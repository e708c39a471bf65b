"""Live tables that nobody looks at, in a real kernel: what they cost, how they wake, and when they are gone."""

import secrets
import time

import psutil
import pytest

from tests.clusters.breaking_proxy import BreakingProxy
from tests.magics.kernels import Kernel

WIDGET = "application/vnd.jupyter.widget-view+json"
TABLES = 30
SECONDS = 60.0
THREADS = "print([t.name for t in threading.enumerate() if 'view' in t.name or 'page' in t.name])"


@pytest.fixture(scope="module")
def proxy(space):
    made = BreakingProxy(space.link.access)
    yield made
    made.close()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory, proxy, space):
    """A kernel whose cluster is behind the proxy."""
    folder = tmp_path_factory.mktemp("kernel")
    path = proxy.kubeconfig(folder / "kubeconfig")
    made = Kernel({"KUBECONFIG": str(path), "NBCONTAINER_NAMESPACE": space.namespace}, str(folder))
    made.run(
        "import anywidget, threading\nfrom ipywidgets.widgets.widget import _instances"
    )  # the first table would be a picture at first
    yield made
    made.close()


@pytest.fixture
def process(kernel):
    return psutil.Process(int(kernel.run("import os; print(os.getpid())").printed))


def show(kernel, cell):
    """A live table in a cell; the id of its widget."""
    return kernel.run("%kpod", cell=cell).bundles[0][WIDGET]["model_id"]


def told(ran, widget):
    """The traits and messages that a widget's page received."""
    found = [content["data"] for content in ran.sent("comm_msg") if content["comm_id"] == widget]
    return [data.get("state") or data.get("content") for data in found]


def asleep(kernel):
    """The ids of the widgets that sleep."""
    return set(kernel.run("print(*[i for i, w in _instances.items() if getattr(w, 'asleep', 0)])").printed.split())


def has_row(ran, widget, name):
    items = [item for state in told(ran, widget) for item in state.get("items", ())]
    return any(row[3] == name for item in items for row in item.get("rows", ()))


def until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def connections(process, proxy):
    port = int(proxy.server.rsplit(":", 1)[1])
    return [found for found in process.net_connections("tcp") if found.raddr and found.raddr.port == port]


def watches(lines):
    return [line for line in lines if b"watch=true" in line]


def test_many_unseen_tables_cost_nothing_and_one_that_is_looked_at_wakes(kernel, process, proxy, space):
    cells = tuple(f"cell-{number}" for number in range(TABLES))
    widgets = [show(kernel, cell) for cell in cells]
    until(lambda: len(watches(proxy.requests)) >= TABLES)
    assert len(connections(process, proxy)) >= TABLES
    kernel.run("1", cell="last", deleted=cells)
    until(lambda: asleep(kernel) >= set(widgets))
    until(lambda: len(connections(process, proxy)) <= 1)  # the one on which lists were requested
    until(lambda: kernel.run(THREADS).printed == "[]\n")
    requested, before = len(proxy.requests), process.cpu_times()
    time.sleep(2)  # a while, in which nothing may happen
    after = process.cpu_times()
    assert after.user + after.system - before.user - before.system < 0.1
    assert len(proxy.requests) == requested

    name = f"new-{secrets.token_hex(3)}"
    spec = {"containers": [{"name": "c", "image": "busybox"}], "nodeSelector": {"no": "node"}}
    body = {"metadata": {"name": name}, "spec": spec}
    space.run(space.request("POST", f"/api/v1/namespaces/{space.namespace}/pods", body=body))
    kernel.tell(widgets[7], {"type": "seen"})
    kernel.collect(SECONDS, lambda ran: has_row(ran, widgets[7], name))
    until(lambda: watches(proxy.requests[requested:]))
    assert len(proxy.requests[requested:]) == 2, "a list, and a watch"
    kernel.run("1", cell="last", deleted=cells)
    until(lambda: widgets[7] in asleep(kernel))


def test_the_lease_does_not_end_while_a_cell_runs(kernel):
    kernel.run("%nbcontainer settings sleep_after 0.5")
    try:
        widget = show(kernel, "busy")
        busy = f"import time; time.sleep(2); print(_instances[{widget!r}].asleep)"
        assert kernel.run(busy).printed == "0.0\n"
        until(lambda: widget in asleep(kernel))
    finally:
        kernel.run("%nbcontainer settings sleep_after 60")


def test_a_table_is_closed_when_its_cell_runs_again(kernel):
    widget = show(kernel, "again")
    kernel.run("1", cell="again")
    until(lambda: kernel.run(f"print({widget!r} in _instances)").printed == "False\n")
    until(lambda: "view" not in kernel.run(THREADS).printed)
