"""What pods and nodes use, by the kubelets where there is no metrics API."""

import re
import time

import pytest

from nbcontainer import clusters
from nbcontainer.errors import Forbidden, NotFound, UsageError
from nbcontainer.model.tables import Tone
from nbcontainer.model.usage import MOST_POINTS, Measured, ResourceUsage, UsageState, apply_measured
from nbcontainer.views.text import as_text
from nbcontainer.views.usage import UsageView, format_cores, format_mebibytes
from tests.clusters.applying import apply
from tests.terminal import Terminal

pytestmark = pytest.mark.timeout(180)

POD_TEXT = """
apiVersion: v1
kind: Pod
metadata: {name: used, labels: {app: used}}
spec:
  terminationGracePeriodSeconds: 0
  initContainers: [{name: once, image: busybox, args: ["true"]}]
  containers:
  - name: main
    image: busybox
    args: [sh, -c, "dd if=/dev/zero of=/dev/shm/x bs=1M count=20; sleep 3600"]
    resources: {requests: {cpu: 10m, memory: 8Mi}, limits: {cpu: 100m, memory: 64Mi}}
  - {name: side, image: busybox, args: [sleep, "3600"], resources: {requests: {cpu: 5m}}}
"""


@pytest.fixture
def without_metrics(monkeypatch):
    """The cluster as if it had no metrics API."""
    monkeypatch.setattr(clusters.usage, "METRICS", "/apis/none.metrics.k8s.io/v1beta1")


@pytest.fixture
def used(space, here):
    """A pod that uses 20 MiB."""
    apply(space, POD_TEXT)
    here.wait("pod/used", until="condition=Ready", timeout=90).result()
    return here


def measured(top, memory=20 * 2**20):
    """Its usage, once the kubelet or metrics-server has measured it."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        found = top()
        if sum(one.memory or 0 for one in found) >= memory and all(one.memory is not None for one in found):
            return found
        time.sleep(0.5)
    raise AssertionError(f"not measured: {list(found)}")


@pytest.mark.usefixtures("without_metrics")
def test_pods_and_their_containers_are_measured_by_the_kubelet(used):
    found = measured(lambda: used.top.pods("used"))
    pod = found["used"]
    assert (pod.cpu_request, pod.cpu_limit) == (pytest.approx(0.015), None)  # one container has no limit
    assert (pod.memory_request, pod.memory_limit) == (8 * 2**20, None)
    assert "no metrics API" in found.state.note
    main, side = measured(lambda: used.top.pods(selector="app=used", containers=True, sort_by="memory", sum=True))
    assert (main.container, side.container) == ("main", "side")
    assert (main.cpu_limit, main.memory_limit) == (0.1, 64 * 2**20)
    assert main.key == f"{used.namespace}/used/main"
    assert re.search(r"kubectl .*-n \S+ .*top pods used$", found.command)


@pytest.mark.usefixtures("without_metrics")
def test_nodes_are_measured_and_what_is_simulated_is_not_taken_for_another(used, kubernetes):
    del kubernetes
    found = used.top.nodes()
    known = [one for one in found if one.memory is not None]
    assert [one.name for one in known] == ["nbc-node"]
    assert known[0].memory < known[0].memory_limit <= used.top.nodes("nbc-node", show_capacity=True)[0].memory_limit


@pytest.mark.usefixtures("without_metrics")
def test_a_watch_measures_until_it_is_stopped(used):
    watch = used.top.watch_pods("used")
    watch.wait(60, revision=0)
    assert watch.state.usages[0].name == "used"
    began = time.monotonic()
    watch.stop()
    assert watch.result().command.endswith("top pods used")
    assert time.monotonic() - began < 0.5


def test_the_metrics_api_is_asked_where_there_is_one_as_kubectl_does(used, space, tmp_path):
    deadline = time.monotonic() + 90
    while (found := measured(lambda: used.top.pods("used"))).state.note:
        assert time.monotonic() < deadline, found.state.note
        time.sleep(0.5)
    terminal = Terminal(tmp_path).with_kubectl()
    told = terminal.run(f"kubectl --kubeconfig {space.kubeconfig} -n {space.namespace} top pods used --no-headers")
    name, _, memory = told.split()
    assert (name, memory) == ("used", format_mebibytes(found["used"].memory))
    assert used.top.nodes("nbc-node")[0].cpu


def test_what_does_not_exist_and_what_contradicts_is_refused(here):
    with pytest.raises(NotFound, match="no pod nix"):
        here.top.pods("nix")
    with pytest.raises(NotFound, match="no node nix"):
        here.top.nodes("nix")
    with pytest.raises(UsageError, match="not both"):
        here.top.pods("a", selector="app=b")
    with pytest.raises(UsageError, match="cpu or memory"):
        here.top.pods(sort_by="name")


@pytest.mark.usefixtures("without_metrics", "used")
def test_a_user_who_may_not_ask_the_kubelets_is_told_so(viewer):
    with pytest.raises(Forbidden, match="no metrics API for this user, and the kubelets may not be asked"):
        clusters.usage.usage(viewer, clusters.usage.Wanted(clusters.discovery.POD, ("used",)))


def usage(cpu, memory, when, name="web"):
    return ResourceUsage(name, "shop", cpu=cpu, memory=memory, memory_limit=100.0, time=when)


def test_a_history_has_each_measurement_once_and_ends_somewhere():
    state = UsageState("pod", "prod · shop")
    for when in range(1, MOST_POINTS + 12):
        state = apply_measured(state, Measured((usage(0.1, 50.0, float(when)),)))
        state = apply_measured(state, Measured((usage(0.1, 50.0, float(when)),)))
    (points,) = state.history.values()
    assert len(points) == MOST_POINTS
    assert points[-1] == (MOST_POINTS + 11.0, 0.1, 50.0)
    state = apply_measured(state, Measured((ResourceUsage("other", "shop"),)))
    assert not state.history


def test_a_picture_says_what_is_near_its_limit_and_draws_the_history():
    state = apply_measured(UsageState("pod", "prod · shop", total=True), Measured((usage(0.25, 95.0, 1.0),), "a note"))
    text = as_text(UsageView().render(state))
    assert "250m" in text
    assert "! 95%" in text
    assert "a note" in text
    assert "total" in text
    assert "in cores" not in text
    state = apply_measured(state, Measured((usage(0.5, 96.0, 2.0),)))
    assert "CPU, in cores" in as_text(UsageView().render(state))
    rows = UsageView().render(state).blocks[1].rows
    assert {span.tone for span in rows[0]} >= {Tone.WARNING}


@pytest.mark.parametrize(("cores", "text"), [(0.0, "0m"), (0.0001, "1m"), (0.012, "12m"), (1.5, "1500m")])
def test_cores_are_rounded_as_by_kubectl(cores, text):
    assert format_cores(cores) == text
    assert format_mebibytes(cores * 2**30) == f"{int(cores * 1024)}Mi"
