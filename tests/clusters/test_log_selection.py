"""Whose logs: by /regex/, in all namespaces, of Services, Jobs, CronJobs, all kinds of containers; and which lines."""

import datetime as dt

import pytest

from nbcontainer.api.cluster import Cluster
from nbcontainer.clusters.pods_backend import ClusterPods
from nbcontainer.errors import NotFound, UsageError
from tests.clusters.test_logs import run
from tests.clusters.test_tables import until
from tests.terminal import Terminal

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def logs(space):
    """`cluster.logs` in a namespace with three pods that have written their names and some lines."""
    for name in ("pick-1", "pick-2", "other"):
        script = f"echo {name}; echo GET /a 200; echo GET /b 500; echo Error of {name}; sleep 3600"
        run(space, name, script, labels={"app": space.namespace})
    cluster = Cluster(_found=ClusterPods(space))
    until(lambda: len(cluster.logs("/pick-/", "other").result(30)) == 12)
    return cluster.logs


def texts(operation):
    return sorted(line.text for line in operation.result(30))


def test_by_a_regular_expression_over_names(space, logs, tmp_path):
    result = logs("/^pick-[12]$/", tail=-1).result(30)
    assert set(result.state.sources) == {"pick-1", "pick-2"}
    assert result.state.total == 8
    everywhere = logs("/^pick-[12]$/", all_namespaces=True).result(30)
    here = {name for name in everywhere.state.sources if name.startswith(f"{space.namespace}/")}
    assert here == {f"{space.namespace}/pick-1", f"{space.namespace}/pick-2"}
    terminal = Terminal(tmp_path).with_kubectl()
    for command in (result.command, everywhere.command):
        shown = terminal.run(command)
        assert "Error of pick-1\n" in shown
        assert "Error of other" not in shown
    nobody = logs("/never-was/").result(30)
    assert nobody.state.notes == (f"There are no pods whose name matches /never-was/ in {space.where}.",)
    with pytest.raises(UsageError, match=r"/\(/ is not a valid regular expression"):
        logs("/(/").result(30)


def test_in_all_namespaces_by_selector_and_those_that_join(space, logs):
    operation = logs(selector=f"app={space.namespace}", all_namespaces=True, follow=True, include=["Error"])
    until(lambda: operation.state.total == 3)
    run(space, "pick-3", "echo Error again; sleep 3600", labels={"app": space.namespace})
    until(lambda: operation.state.total == 4)
    assert operation.state.notes == (f"{space.namespace}/pick-3 joined",)
    operation.stop()
    assert operation.result(5)[3] == (f"{space.namespace}/pick-3", "Error again", *operation.result(5)[3][2:])
    with pytest.raises(UsageError, match="deploy/web may be several"):
        logs("deploy/web", all_namespaces=True).result(30)


@pytest.mark.parametrize("follow", [False, True])
def test_which_lines(logs, follow):
    def found(**options):
        return [line.text for line in logs("pick-1", follow=follow, duration=0.5, **options).result(30)]

    assert found(include=["GET"], exclude=[r" 5\d\d$"]) == ["GET /a 200"]
    assert found(include=["(?i)error", "^pick"]) == ["pick-1", "Error of pick-1"]
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    assert found(since_time=later.isoformat()) == []
    assert len(found(since_time="2026-01-01T00:00:00Z")) == 4
    with pytest.raises(UsageError, match=r"`include` '\(' is not a valid"):
        logs("pick-1", include=["("])
    with pytest.raises(UsageError, match="'yesterday' is not a time"):
        logs("pick-1", since_time="yesterday")


def test_fewer_streams_than_pods(logs):
    operation = logs("/pick-[12]/", "other", follow=True, max_log_requests=1)
    until(lambda: operation.state.total == 12)
    operation.stop()
    operation.result(5)


def test_services_jobs_and_cron_jobs(space, logs):
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox", "args": ["echo", "from a job"]}]}
    job = {"template": {"spec": pod}}
    cron = {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": job}}
    batch = f"/apis/batch/v1/namespaces/{space.namespace}"
    head = {"name": "nightly-chosen"}
    made = space.run(space.request("POST", f"{batch}/cronjobs", body={"metadata": head, "spec": cron}))
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly-chosen", "uid": made["metadata"]["uid"]}
    for name, owners in (("by-hand", [owner]), ("alone", [])):
        body = {"metadata": {"name": name, "ownerReferences": owners}, "spec": job}
        space.run(space.request("POST", f"{batch}/jobs", body=body))
    body = {"metadata": {"name": "chosen"}, "spec": {"selector": {"app": space.namespace}, "ports": [{"port": 80}]}}
    space.run(space.request("POST", f"/api/v1/namespaces/{space.namespace}/services", body=body))
    assert "Error of pick-2" in texts(logs("svc/chosen"))
    for name, job_name in (("job/alone", "alone"), ("cronjob/nightly-chosen", "by-hand")):
        operation = logs(name, follow=True)
        until(lambda operation=operation: operation.state.total == 1, 60)
        operation.stop()
        assert next(iter(operation.result(5).state.sources)).startswith(job_name)
    with pytest.raises(NotFound, match="There is no cronjob none"):
        logs("cronjob/none").result(30)


def test_init_and_ephemeral_containers(space, logs):
    def container(name, **more):
        return {"name": name, "image": "busybox", "args": ["sh", "-c", f"echo of {name}; {more.pop('then')}"], **more}

    spec = {"initContainers": [container("first", then="true")], "containers": [container("main", then="sleep 3600")]}
    path = f"/api/v1/namespaces/{space.namespace}/pods"
    space.run(space.request("POST", path, body={"metadata": {"name": "all-kinds"}, "spec": spec}))
    operation = logs("all-kinds", all_containers=True, follow=True)
    until(lambda: operation.state.total == 2, 60)
    patch = {"spec": {"ephemeralContainers": [container("debugger", then="true")]}}
    space.run(
        space.request(
            "PATCH",
            f"{path}/all-kinds/ephemeralcontainers",
            body=patch,
            content_type="application/strategic-merge-patch+json",
        )
    )
    until(lambda: operation.state.total == 3, 60)
    operation.stop()
    assert [tuple(line[:2]) for line in operation.result(5)] == [
        ("all-kinds/first", "of first"),
        ("all-kinds/main", "of main"),
        ("all-kinds/debugger", "of debugger"),
    ]


def test_logs_that_are_read_once_are_in_the_order_of_their_times(space, logs):
    script = "for i in $(seq 1 60); do echo $i; sleep 0.02; done; sleep 3600"
    for name in ("turn-1", "turn-2"):
        run(space, name, script)
    until(lambda: len(logs("/turn-/").result(30)) == 120)
    result = logs("/turn-/", timestamps=True).result(30)
    times = [line.time for line in result]
    assert times == sorted(times)
    for name in ("turn-1", "turn-2"):
        assert [line.text for line in result if line.source == name] == [str(number) for number in range(1, 61)]
