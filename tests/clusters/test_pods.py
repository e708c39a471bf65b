"""Pods on a real node: created until they run or cannot, described, deleted; commands in them."""

import asyncio
import secrets
import threading
import time
from pathlib import Path

import pytest

import nbcontainer as nbc
from nbcontainer.clusters import pods
from nbcontainer.clusters.deletion import delete
from nbcontainer.clusters.describe import describe
from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.exec import execute
from nbcontainer.clusters.pod_status import pod_status
from nbcontainer.clusters.pods import create, one_object
from nbcontainer.clusters.pods_backend import ClusterPods
from nbcontainer.clusters.tables import table
from nbcontainer.clusters.why.pod_rules import trouble
from nbcontainer.errors import ApiError, CommandFailed, Conflict, Forbidden, NotFound, Stopped, UsageError
from nbcontainer.model.logs import OUTPUT_BYTES
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.pods import ExecRequest, PodRequest, pod_manifest
from nbcontainer.views.pods import PodStartView
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text
from tests.clusters.test_tables import until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def shell(space):
    """A pod in which commands can be run."""
    request = PodRequest("shell", "busybox", command=("sleep", "3600"), labels={"app": "shell"})
    return create(space, request).result(90).name


def test_a_command_that_ends_well_and_will_be_started_again_is_a_warning(space, monkeypatch):
    monkeypatch.setattr(pods, "SETTLE_SECONDS", 20.0)  # for a node that is slow to tell of an end
    operation = create(space, PodRequest("again", "busybox", command=("true",)))
    assert operation.result(90).status != "Running"
    text = as_text(PodStartView().render(operation.state))
    assert text.startswith("! pod/again Completed")
    assert "--restart=Never" in text
    once = create(space, PodRequest("once", "busybox", command=("true",), restart="Never"))
    assert once.result(90).status in {"Completed", "Succeeded"}
    assert as_text(PodStartView().render(once.state)).startswith("✓ pod/once")


def test_create_until_it_runs(space):
    request = PodRequest(
        "runs",
        "busybox",
        command=("sh", "-c", "sleep 600"),
        environment={"COLOUR": "blue"},
        ports=(8080,),
        labels={"nbcontainer.notebook": "abc"},
    )
    operation = create(space, request)
    change = operation.result(90)
    assert (change.action, change.status, change.where) == ("created", "Running", space.where)
    assert [step.status for step in operation.state.steps][-1] == "Running"
    assert operation.state.outcome is Outcome.DONE
    pod = space.run(space.request("GET", POD.path(space.namespace, "runs")))
    assert pod["metadata"]["labels"] == {"run": "runs", "nbcontainer.notebook": "abc"}
    assert pod["spec"]["containers"][0]["env"] == [{"name": "COLOUR", "value": "blue"}]
    assert "image: busybox" in change.yaml
    assert change.command.startswith(space.commands.kubectl("run", "runs", "--image=busybox", "--env", "COLOUR=blue"))
    with pytest.raises(Conflict, match="There is already a pod") as caught:
        create(space, request).result(30)
    assert "%kpod delete runs" in caught.value.cure


def test_a_pod_that_completes_counts_as_run(space):
    change = create(space, PodRequest("completes", "busybox", command=("true",), restart="Never")).result(90)
    assert change.status in {"Running", "Completed"}


@pytest.mark.parametrize(
    ("name", "options", "reason", "words"),
    [
        ("noimage", {"image": "127.0.0.1:5000/no/such:1"}, "ErrImagePull", "has no image 127.0.0.1:5000/no"),
        ("nohost", {"image": "127.0.0.1:9/no/such:1"}, "ErrImagePull", "cannot reach the registry"),
        ("badname", {"image": "Not:::a:name"}, "InvalidImageName", "is not a valid image name"),
        (
            "never",
            {"image": "127.0.0.1:5000/no/such:2", "pull_policy": "Never"},
            "ErrImageNeverPull",
            "Never",
        ),
        ("nocommand", {"command": ("no-such-command",)}, "RunContainerError", "cannot be started: exec"),
    ],
)
def test_a_pod_that_cannot_run_says_why_and_stays(space, name, options, reason, words):
    request = PodRequest(name, **({"image": "busybox"} | options))
    with pytest.raises(ApiError, match=words) as caught:
        create(space, request).result(90)
    assert caught.value.reason == reason
    assert caught.value.cure
    pod = space.run(space.request("GET", POD.path(space.namespace, name)))
    assert trouble(pod).message
    assert pod_status(pod) != "Running"


@pytest.mark.parametrize("restart", ["Always", "Never"])
def test_a_container_that_ends_at_once_shows_its_last_words(space, restart):
    request = PodRequest(
        f"ends-{restart.lower()}", "busybox", command=("sh", "-c", "echo oh no; exit 3"), restart=restart
    )
    with pytest.raises(CommandFailed, match="oh no") as caught:
        create(space, request).result(90)
    assert (caught.value.exit_code, caught.value.output) == (3, "oh no\n")
    assert "%kpod logs" in caught.value.cure


@pytest.mark.parametrize("restarts", [0, 1])
def test_the_log_before_a_restart_is_named_only_after_a_restart(restarts):
    ended = {"terminated": {"exitCode": 1}}
    status = {"name": "c", "restartCount": restarts, "state": ended, "lastState": ended}
    found = trouble({"metadata": {"name": "web"}, "status": {"containerStatuses": [status]}})
    assert ("--previous" in found.cure) is bool(restarts)


def test_no_node_takes_it(space):
    body = {
        "metadata": {"name": "too-big"},
        "spec": {"containers": [{"name": "c", "image": "busybox", "resources": {"requests": {"memory": "9000Gi"}}}]},
    }
    pod = space.run(space.request("POST", POD.path(space.namespace), body=body))

    async def unschedulable():
        async for seen in one_object(space, POD, "too-big"):
            found = trouble(seen)
            if found is not None:
                return found
        return None

    found = space.run(unschedulable())
    assert (found.reason, found.passing) == ("Unschedulable", True)
    assert "Insufficient memory" in found.message
    assert trouble(pod) is None


def test_create_times_out_with_the_status(space):
    request = PodRequest("slow", "busybox", command=("sleep", "60"), timeout=0.05)
    with pytest.raises(ApiError, match=r"is not running after 0\.05 s") as caught:
        create(space, request).result(30)
    assert caught.value.reason == "Timeout"


def test_create_can_be_stopped_and_says_so(space):
    operation = create(space, PodRequest("stopped", "127.0.0.1:9/x:1"))
    assert operation.wait(30, revision=0)
    began = time.monotonic()
    operation.stop()
    with pytest.raises(Stopped):
        operation.result(5)
    assert time.monotonic() - began < 1
    assert operation.state.outcome is Outcome.STOPPED
    assert "no longer waited for" in as_text(PodStartView().render(operation.state))


def test_the_entrypoint_is_replaced_where_that_is_asked_for():
    request = PodRequest("x", "busybox", command=("sh", "-c", "true"), entrypoint=True)
    (container,) = pod_manifest(request)["spec"]["containers"]
    assert container["command"] == ["sh", "-c", "true"]
    assert "args" not in container


def test_create_without_waiting(space):
    change = create(space, PodRequest("unwaited", "busybox", command=("sleep", "60"), wait=False)).result(20)
    assert change.action == "created"


def test_a_reader_may_not_create_or_run_commands(viewer, shell):
    with pytest.raises(Forbidden, match='User "viewer" cannot create resource "pods"'):
        create(viewer, PodRequest("x", "busybox")).result(20)
    with pytest.raises(Forbidden, match='resource "pods/exec"'):
        execute(viewer, ExecRequest(shell, ("true",))).result(20)
    with pytest.raises(Forbidden, match="cannot delete"):
        delete(viewer, [shell]).result(60)


def test_delete_waits_until_they_are_gone(space):
    for name in ("gone-1", "gone-2", "kept"):
        labels = {"batch": "x"} if name != "kept" else {}
        create(space, PodRequest(name, "busybox", command=("sleep", "600"), labels=labels)).result(90)
    with pytest.raises(NotFound, match=r"There is no pod gone-3 in .*Nothing was deleted"):
        delete(space, ["gone-1", "gone-3"]).result(60)
    pods = nbc.cluster().at(ClusterPods(space)).pods
    changes = pods.delete(selector="batch=x", grace_period=1).result(60)
    assert sorted((change.name, change.action) for change in changes) == [("gone-1", "deleted"), ("gone-2", "deleted")]
    for name in ("gone-1", "gone-2"):
        with pytest.raises(NotFound):
            space.run(space.request("GET", POD.path(space.namespace, name)))
    with pytest.raises(UsageError, match="not both"):
        pods.delete("kept", now=True, grace_period=5)
    create(space, PodRequest("in-a-second", "busybox", command=("sleep", "600"))).result(90)
    began = time.monotonic()
    assert pods.delete("in-a-second", now=True).result(60)[0].action == "deleted"
    assert time.monotonic() - began < 25  # a shell as process 1 ignores SIGTERM: its own setting is 30 s
    assert delete(space, ["kept"], force=True).result(60)[0].name == "kept"
    assert not pods.plan_delete(selector="batch=x").changes
    with pytest.raises(UsageError):
        pods.delete()


def test_delete_that_takes_too_long_is_stopped(space):
    stubborn = ("sh", "-c", "trap '' TERM; while true; do sleep 1; done")
    create(space, PodRequest("stubborn", "busybox", command=stubborn)).result(90)
    operation = delete(space, ["stubborn"])
    while not operation.state.left:
        assert operation.wait(30, revision=operation.revision)
    began = time.monotonic()
    operation.stop()
    with pytest.raises(Stopped, match="wait for the end of pod stubborn"):
        operation.result(2)
    assert time.monotonic() - began < 1
    assert operation.state.objects["pod/stubborn"].outcome is Outcome.STOPPED
    gone = delete(space, ["stubborn"], force=True)
    gone.result(60)
    assert [event.outcome for event in gone] == [Outcome.RUNNING, Outcome.DONE]


def test_describe(space, shell):
    found = describe(space, shell)
    sections = {title: dict(facts) for title, facts in found.sections}
    assert sections[""]["Status"] == "Running"
    assert "app=shell" in sections[""]["Labels"]
    assert sections["Container shell"]["Args"] == "sleep 3600"
    assert sections["Container shell"]["State"].startswith("Running: since ")
    assert sections["Conditions"]["Ready"] == "True"
    assert "Started" in {event[1] for event in found.events}
    assert found.events[0][0] in {"Normal", "Warning"}
    with pytest.raises(NotFound, match="There is no pod nix in "):
        describe(space, "nix")
    pods = nbc.cluster().at(ClusterPods(space)).pods
    assert [one.name for one in pods.describe(selector="app=shell")] == [shell]
    with pytest.raises(NotFound):
        pods.describe(selector="app=nothing")
    for wrong in (pods.describe, lambda: pods.describe(shell, selector="app=shell")):
        with pytest.raises(UsageError, match="not both"):
            wrong()


# --- commands


def test_of_several_containers_a_command_runs_in_kubectls_default(space):
    containers = [{"name": name, "image": "busybox", "args": ["sleep", "600"]} for name in ("first", "second")]
    waits = {"name": "before", "image": "busybox", "args": ["true"]}
    body = {"metadata": {"name": "several"}, "spec": {"containers": containers, "initContainers": [waits]}}
    space.run(space.request("POST", f"/api/v1/namespaces/{space.namespace}/pods", body=body))
    until(lambda: table(space, names=("several",))[0].cells[1] == "2/2", 60)
    operation = execute(space, ExecRequest("several", ("cat", "/proc/1/cmdline")))
    assert operation.result(30).output == "sleep\x00600\x00"
    assert operation.state.notes == ("in container first, the default of before, first, second; -c names another",)


def test_a_command_and_its_output(space, shell):
    operation = execute(space, ExecRequest(shell, ("sh", "-c", "echo out; echo err >&2")))
    result = operation.result(30)
    assert (result.exit_code, result.output, result.errors) == (0, "out\n", "err\n")
    assert {(line.stream, line.text) for line in operation.state.lines} == {("stdout", "out"), ("stderr", "err")}
    assert not operation.state.following
    assert result.command == space.commands.kubectl("exec", shell, "--", "sh", "-c", "echo out; echo err >&2")


def test_a_command_that_fails(space, shell):
    with pytest.raises(CommandFailed, match="ended with exit code 7") as caught:
        execute(space, ExecRequest(shell, ("sh", "-c", "echo why >&2; exit 7"))).result(30)
    assert caught.value.exit_code == 7
    assert "why" in caught.value.output


def test_input_is_sent_and_ended(space, shell):
    data = b"x" * 1_000_000 + b"\nlast line without an end"
    assert execute(space, ExecRequest(shell, ("wc", "-c"), stdin=data)).result(30).output.strip() == str(len(data))
    assert execute(space, ExecRequest(shell, ("cat",), stdin=b"")).result(30).output == ""


def test_input_may_be_text(space, shell):
    pods = nbc.cluster().at(ClusterPods(space)).pods
    assert pods.exec(shell, "cat", stdin="häl").result(30).output == "häl"


def test_no_such_command_container_or_pod(space, shell):
    with pytest.raises(NotFound, match="has no command 'no-such'"):
        execute(space, ExecRequest(shell, ("no-such",))).result(30)
    with pytest.raises(NotFound, match="has no command 'ls /'") as caught:
        execute(space, ExecRequest(shell, ("ls /",))).result(30)
    assert "one quoted word" in caught.value.cure
    for word in ("/etc", "/etc/passwd"):
        with pytest.raises(ApiError, match=f"cannot run '{word}': it is not a program") as caught:
            execute(space, ExecRequest(shell, (word,))).result(30)
        assert caught.value.cure == f"`ls -l {word}` in the container shows what it is."
    with pytest.raises(NotFound, match="There is no container nope in the pod shell") as caught:
        execute(space, ExecRequest(shell, ("true",), container="nope")).result(30)
    assert caught.value.cure == "It has: shell."
    with pytest.raises(NotFound, match="There is no pod shel in ") as caught:
        execute(space, ExecRequest("shel", ("true",))).result(30)
    assert caught.value.cure == "Did you mean shell?"


def test_a_command_where_nothing_runs(space):
    create(space, PodRequest("over", "busybox", command=("true",), restart="Never")).result(90)
    until(lambda: pod_status(space.run(space.request("GET", POD.path(space.namespace, "over")))) == "Completed")
    with pytest.raises(ApiError, match=r"No command can be run in over\. Its status is Completed") as caught:
        execute(space, ExecRequest("over", ("true",))).result(30)
    assert "%kpod logs over" in caught.value.cure
    create(space, PodRequest("imageless", "127.0.0.1:5000/no/such:1", wait=False)).result(30)
    until(lambda: trouble(space.run(space.request("GET", POD.path(space.namespace, "imageless")))))
    with pytest.raises(ApiError, match=r"No command can be run in imageless\. .* has no image"):
        execute(space, ExecRequest("imageless", ("true",))).result(30)


def test_names_and_namespaces_that_cannot_be(space):
    with pytest.raises(ApiError, match='"Web_1" cannot be a name: it takes lower-case letters') as caught:
        create(space, PodRequest("Web_1", "busybox")).result(30)
    assert (caught.value.status, caught.value.cure) == (422, "Call it web-1, for example.")
    assert len(caught.value.message) < 200
    with pytest.raises(NotFound, match="There is no namespace defalt in") as caught:
        create(space, PodRequest("web", "busybox", namespace="defalt")).result(30)
    assert caught.value.cure == "Did you mean default?"


@pytest.mark.parametrize("part", ["", "log", "exec"])
def test_no_path_of_an_object_has_an_empty_name(part):
    assert POD.path("shop") == "/api/v1/namespaces/shop/pods"
    with pytest.raises(UsageError, match="'' is not a valid name"):
        POD.path("shop", "", part)


@pytest.mark.parametrize(
    "call",
    [
        lambda pods: pods.delete(""),
        lambda pods: pods.plan_delete("web", ""),
        lambda pods: pods.describe(""),
        lambda pods: pods.exec("", "date").result(30),
        lambda pods: pods.logs("").result(30),
        lambda pods: pods.logs("pod/").result(30),
        lambda pods: pods.get(""),
        lambda pods: pods.watch("web", "").result(30),
        lambda pods: delete(pods.namespaced, [""]).result(30),
    ],
)
def test_an_empty_name_is_refused(space, call):
    pods = nbc.cluster().at(ClusterPods(space)).pods
    pods.namespaced = space
    with pytest.raises(UsageError, match="'' is not a valid name"):
        call(pods)


def test_hostile_output_is_text_and_the_spool_has_its_bytes(space, shell):
    script = r"printf 'a\377b\033[31mred\000\342\200\256\nsecond'"
    operation = execute(space, ExecRequest(shell, ("sh", "-c", script)))
    result = operation.result(30)
    assert operation.state.lines[0].text == "a\ufffdb\x1b[31mred\x00\u202e"
    assert Path(result.spool).read_bytes().startswith(b"a\xffb\x1b[31mred\x00")


def test_a_flood_of_output_is_whole_in_the_spool(space, shell):
    operation = execute(space, ExecRequest(shell, ("seq", "1", "300000")))
    result = operation.result(60)
    assert operation.state.total == 300_000
    assert operation.state.lines[-1].text == "300000"
    assert Path(result.spool).read_bytes() == b"".join(b"%d\n" % number for number in range(1, 300_001))
    assert result.output == Path(result.spool).read_text()


@pytest.mark.parametrize("script", ["exec sleep {}", "trap '' TERM; sleep {} & wait", "exec yes {}"])
def test_a_command_is_stopped_within_a_second_and_leaves_nothing(space, shell, script):
    number = f"7{secrets.randbelow(10**6):06}"
    other = execute(space, ExecRequest(shell, ("sleep", "1000")))
    until(lambda: "sleep 1000" in processes(space, shell))
    time.sleep(1)  # its age distinguishes it from the next one
    operation = execute(space, ExecRequest(shell, ("sh", "-c", script.format(number))))
    until(lambda: f" {number}" in processes(space, shell))
    began = time.monotonic()
    operation.stop()
    with pytest.raises(Stopped):
        operation.result(5)
    assert time.monotonic() - began < 1.2
    until(lambda: number not in processes(space, shell))
    assert "sleep 1000" in processes(space, shell)  # no other pod's
    other.stop()
    until(lambda: "sleep 1000" not in processes(space, shell))


def processes(space, name):
    """The commands that run in a pod."""
    return execute(space, ExecRequest(name, ("ps", "-o", "args"))).result(30).output


def test_a_command_has_a_time_limit(space, shell):
    with pytest.raises(ApiError, match=r"did not end within 0\.5 s") as caught:
        execute(space, ExecRequest(shell, ("sleep", "100"), timeout=0.5)).result(30)
    assert caught.value.reason == "Timeout"


def test_calls_work_inside_a_running_event_loop(space, shell):
    async def cell():
        return execute(space, ExecRequest(shell, ("echo", "hi"))).result(30).output, threading.current_thread()

    assert asyncio.run(cell()) == ("hi\n", threading.main_thread())


def test_a_pod_that_is_deleted_while_a_command_runs(space):
    create(space, PodRequest("dies", "busybox", command=("sleep", "600"))).result(90)
    operation = execute(space, ExecRequest("dies", ("sleep", "500")))
    operation.wait(30, revision=0)
    delete(space, ["dies"], force=True).result(60)
    with pytest.raises((CommandFailed, ApiError)):
        operation.result(30)


def test_long_output_is_cut_at_a_line_and_says_so(space, shell):
    result = execute(space, ExecRequest(shell, ("seq", "1", "700000"))).result(90)
    whole = Path(result.spool).read_text()
    assert whole == "".join(f"{number}\n" for number in range(1, 700_001))
    assert whole.endswith(f"\n{result.output}")
    assert result.cut == len(whole) - len(result.output) >= len(whole) - OUTPUT_BYTES
    assert f"without the first {result.cut:,} bytes: {result.spool} has all" in repr(result)
    assert f"… {result.cut:,} bytes before" in as_text(picture_of(result))
    short = execute(space, ExecRequest(shell, ("echo", "x"))).result(30)
    assert (short.cut, repr(short)) == (0, "ExecResult(exit code 0)")


def test_a_pod_that_is_deleted_while_it_starts(space):
    operation = create(space, PodRequest("withdrawn", "nowhere.invalid/none:1"))
    while not operation.state.steps:
        assert operation.wait(30, revision=operation.revision)
    delete(space, ["withdrawn"]).result(60)
    with pytest.raises(NotFound, match="withdrawn was deleted while it started"):
        operation.result(30)
