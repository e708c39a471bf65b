"""Every magic in a kernel without a page, on real engines and clusters: what the saved notebook holds."""

import json
import re
import secrets
import sqlite3
import time
from pathlib import Path

import pytest

from tests.magics.conftest import SECRET

NAME = f"magics-{secrets.token_hex(3)}"
pytestmark = pytest.mark.live
AT_ONCE = 2.5  # seconds; a second to stop, the rest for a busy machine


@pytest.fixture(params=["docker_kernel", "podman_kernel"])
def kernel(request):
    """Docker with Kubernetes, and Podman alone."""
    return request.getfixturevalue(request.param)


def still(ran):
    """The only output of a cell: text and HTML of the last state."""
    assert ran.kinds == ["display_data"], (ran.kinds, ran.text, ran.traceback)
    assert set(ran.bundles[0]) == {"text/plain", "text/html"}
    assert "<script" not in ran.bundles[0]["text/html"]
    return ran.bundles[0]["text/plain"]


def test_a_build_streams_lines_and_leaves_its_picture(kernel):
    ran = kernel.run(f"%%dockerfile --no-cache -t {NAME}:1\nFROM busybox\nRUN echo hello; sleep 1\nRUN sleep 1")
    text = still(ran)
    assert "✓ built" in text
    assert text.count("RUN sleep 1") == 1
    first, last = ran.streamed[0][0], ran.streamed[-1][0]
    assert last - first > 0.8  # the lines arrived while it ran
    kernel.run(f"%%dockerfile --into kept -t {NAME}:1\nFROM busybox\nRUN echo hello; sleep 1")
    assert kernel.run("kept.id.startswith('sha256:'), ' build -f- --tag' in kept.command").text == "(True, True)"
    assert NAME in still(kernel.run("kept"))  # in a later cell it is drawn
    assert "✓ built" in still(kernel.run("kept"))


def test_other_magics_around_ours_keep_what_else_the_cell_writes(docker_kernel):
    ran = docker_kernel.run("%%time\nprint('before')\n%docker run --rm busybox echo hello")
    assert ran.kinds == ["stream", "display_data", "stream"], ran.outputs
    assert ran.outputs[0]["text"] == "before\n"
    docker_kernel.run("%%capture kept\nprint('before')\n%docker run --rm busybox echo hello\n%docker images busybox")
    ran = docker_kernel.run("kept.stdout, [o.data['text/plain'].split()[0] for o in kept.outputs if o.data]")
    assert ran.text == "('before\\n', ['Run', 'images'])"


def test_a_failed_build_raises_and_marks_the_line(kernel):
    ran = kernel.run("%%dockerfile\nFROM busybox\nRUN echo seen; exit 3")
    assert (ran.error, ran.kinds) == ("BuildFailed", ["display_data", "error"])
    assert ran.traceback == ["✕ BuildFailed: line 3: RUN echo seen; exit 3 ended with exit code 3."]
    assert "│ seen" in ran.bundles[0]["text/plain"]


def test_values_with_spaces_and_lines(kernel):
    kernel.run(f"label = 'two words'\nlines = 'RUN echo one\\nRUN echo two; exit 5'\ntag = '{NAME}:2'")
    ran = kernel.run("%%dockerfile -t {{tag}} --label note={{label}}\nFROM busybox\n{{lines}}\nRUN true")
    assert ran.traceback == ["✕ BuildFailed: line 3: RUN echo two; exit 5 ended with exit code 5."]
    ran = kernel.run("%%dockerfile -t {{tag}} --label note={{label}} --raw\nFROM busybox\nRUN echo {{lines}}")
    assert ran.error  # the tag is not a valid name: nothing was inserted
    still(kernel.run("%%dockerfile --into b -t {{tag}} --label note={{label}}\nFROM busybox\nRUN echo '{{label}}'"))
    assert 'build -f- --tag="$tag" --label=note="$label" .' in kernel.run("print(b.command)").printed


def test_run_and_its_result(kernel):
    ran = kernel.run("r = %docker run --rm busybox echo hello")
    assert "│ hello" in still(ran)
    assert kernel.run("r.output, r.exit_code").text == r"('hello\n', 0)"
    ran = kernel.run("%docker run --rm busybox sh -c 'echo bad; exit 3'")
    assert (ran.error, ran.kinds) == ("CommandFailed", ["display_data", "error"])
    assert len(ran.traceback) == 1
    assert "exit code 3" in ran.traceback[0]
    assert "│ line" in still(kernel.run("%%docker run --rm -i busybox cat\nline of the cell"))


def test_what_is_refused_at_once_shows_only_its_error(kernel):
    for code in ("%docker logs not-there-1", "%docker rm -y not-there-1"):
        ran = kernel.run(code)
        assert (ran.error, ran.kinds) == ("NotFound", ["error"]), ran.text


def test_a_forced_removal_passes_over_what_is_not_there(kernel):
    name = f"{NAME}-forced"
    kernel.run(f"%docker run -d --name {name} busybox sleep 600")
    ran = kernel.run(f"%docker rm -f -y not-there-1 {name}")
    assert (ran.error, f"{name} removed" in still(ran)) == ("", True)
    assert "There is no container not-there-1 in " in still(ran)
    ran = kernel.run(f"%docker rm -f {name}")
    assert (ran.error, ran.asked) == ("", [])


def test_an_output_folder_that_cannot_be_made_is_an_error_before_the_build(docker_kernel):
    ran = docker_kernel.run("%%dockerfile -o /proc/nope\nFROM busybox")
    assert ran.error == "UsageError"
    assert "`--output`: '/proc/nope' cannot be written: No such file or directory." in ran.traceback[0]


def test_a_container_from_start_to_removal(kernel):
    name = f"{NAME}-tick"
    ran = kernel.run(f"%docker run -d --name {name} busybox sh -c 'while true; do echo tick; sleep 0.2; done'")
    assert name in still(ran)
    try:
        assert name in still(kernel.run("%docker ps"))
        ran = kernel.run(f"%docker logs -f --duration 60s {name}", when=lambda r: r.printed.count("tick") > 2,
                         then=kernel.interrupt)  # fmt: skip
        assert (ran.error, ran.seconds < AT_ONCE) == ("", True)  # it could end only this way
        assert "│ tick" in still(ran)
        assert "following" not in still(ran)
        assert "broke off" not in still(ran)
        assert still(kernel.run(f"%docker logs --tail 2 {name}")).count("│ tick") == 2
        assert "stopped" in still(kernel.run(f"%docker stop -t 0 {name}"))
    finally:
        ran = kernel.run(f"%docker rm {name}", answers=("y",))
    question, hidden = ran.asked[0]
    assert re.fullmatch(rf"Remove the container {name} \(busybox\S*, exited \(137\) .*\) from .*\? \[y/N\] ", question)
    assert not hidden
    assert "removed" in still(ran)
    ran = kernel.run(f"%docker rm {name}", answers=("y",))
    assert (ran.error, ran.asked) == ("NotFound", [])


def processes(words):
    """Command lines of all processes that hold `words`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line:
            found.append(line)
    return found


def gone(words, seconds=5):
    """Wait until no process has `words`."""
    end = time.monotonic() + seconds
    while processes(words) and time.monotonic() < end:
        time.sleep(0.05)
    return not processes(words)


@pytest.mark.parametrize("code", [
    "%%dockerfile --no-cache\nFROM busybox\nRUN sleep {n}",
    "%docker run --rm busybox sleep {n}",
])  # fmt: skip
def test_interrupt_stops_at_once_and_leaves_nothing(kernel, code):
    seconds = f"9{secrets.randbelow(10**6):06}"
    since = []

    def interrupt():
        since.append(time.monotonic())
        kernel.interrupt()

    ran = kernel.run(code.format(n=seconds), when=lambda _: bool(processes(f"sleep {seconds}")), then=interrupt)
    assert time.monotonic() - since[0] < AT_ONCE
    assert ran.error == "Stopped"
    assert len(ran.traceback) <= 2  # a busy engine may be slow to confirm it
    assert gone(f"sleep {seconds}"), processes(f"sleep {seconds}")


def test_pods_from_creation_to_deletion(kernel):
    pod = f"{NAME}-pod"
    ran = kernel.run(f"%kpod create {pod} --image=busybox --labels=app={NAME} -- sh -c 'echo from pod; sleep 3600'")
    try:
        assert f"pod/{pod} Running" in still(ran)
        again = kernel.run(f"%kpod create {pod} --image=busybox -- sleep 1")
        assert again.error == "Conflict"
        assert kernel.run("pods = %kpod -A").outputs == []
        assert kernel.run(f"'{pod}' in pods.names").text == "True"
        row = next(line for line in still(kernel.run("%kpod")).splitlines() if line.startswith(pod))
        assert row.split()[1:3] == ["1/1", "Running"]
        assert pod in still(kernel.run(f"%kpod -l app={NAME}"))
        wide = still(kernel.run(f"%kpod -l app={NAME} -o wide"))
        assert ("NODE" in wide) == ("nbc ·" in wide)  # Podman has one node
        assert kernel.run(f"%kpod -l app={NAME} -o name").text.strip() == f"pod/{pod}"
        assert "│ from pod" in still(kernel.run(f"%kpod logs {pod}"))
        running = kernel.run(f"running = %kpod logs -f --bg --include 'from .*' {pod}")
        assert (running.error, running.seconds < AT_ONCE) == ("", True)
        assert kernel.run("next(iter(running)).text").text == "'from pod'"
        assert kernel.run("running.stop(); running.result(5).state.total").text == "1"
        assert "│ etc" in still(kernel.run(f"%kpod exec {pod} -- ls /"))
        assert "│ a b" in still(kernel.run(f"%%kpod exec -i {pod} -- cat\na b"))
        assert kernel.run(f"%kpod exec {pod} -- sh -c 'exit 4'").traceback[0].endswith("exit code 4.")
        assert "busybox" in still(kernel.run(f"%kpod describe {pod}"))
        assert pod in still(kernel.run(f"%kpod events {pod}"))
        watched = kernel.run("%kpod -w --duration 60s", when=lambda r: pod in r.printed, then=kernel.interrupt)
        assert (watched.error, watched.seconds < AT_ONCE) == ("", True)
        assert pod in still(watched)
        refused = kernel.run(f"%kpod delete {pod}", answers=("n",))
        assert (refused.error, refused.traceback) == ("Stopped", ["■ Stopped: Nothing was changed."])
        assert kernel.run(f"%kpod delete {pod}").error == "UsageError"
    finally:
        ran = kernel.run(f"%kpod delete {pod} -y --grace-period 1")
    assert f"pod/{pod} deleted" in still(ran)
    assert pod not in kernel.run("%kpod").text
    nothing = kernel.run(f"%kpod delete -l app={NAME}-nothing -y")
    assert (nothing.error, f"There are no pods with app={NAME}-nothing in" in still(nothing)) == ("", True)


def test_a_build_in_the_background(kernel):
    ran = kernel.run("%%dockerfile --bg --into running\nFROM busybox\nRUN sleep 1")
    assert (ran.outputs, ran.error) == ([], "")
    assert "✓ built" in still(kernel.run("running.result()"))


def test_secrets_reach_no_output_no_history_no_process(docker_kernel, token_registry_address, tmp_path):
    kernel = docker_kernel
    file = tmp_path / "secret"
    file.write_text(SECRET, "utf-8")
    body = "FROM busybox\nRUN --mount=type=secret,id=x wc -c < /run/secrets/x; sleep 1; false"
    seen = []
    for words in ("id=x,env=MAGICS_SECRET", f"id=x,src={file}", "id=x"):
        answers = (SECRET,) if words == "id=x" else None
        ran = kernel.run(f"%%dockerfile --no-cache --secret {words}\n{body}", answers=answers,
                         when=lambda _: bool(processes("wc -c < /run/secrets/x")),
                         then=lambda: seen.append(processes(SECRET)))  # fmt: skip
        assert f"│ {len(SECRET)}" in ran.text, ran.traceback
        assert ran.error == "BuildFailed"
        assert SECRET not in json.dumps([message["content"] for _, message in ran.messages])
    assert seen == [[], [], []]
    registry = token_registry_address
    ran = kernel.run(f"%docker login {registry.address} -u {registry.user}", answers=(SECRET,))
    assert ran.asked == [(f"Password of alice at {registry.address}: ", True)]
    assert ran.error == "AuthFailed"
    assert SECRET not in json.dumps([message["content"] for _, message in ran.messages])
    kernel.run(f"wrong = {SECRET[::-1]!r}[::-1]")
    assert kernel.run(f"%docker login {registry.address} -u alice --password-from wrong").error == "AuthFailed"
    assert kernel.run(f"any({SECRET[:9]!r} + {SECRET[9:]!r} in str(x) for x in (In, Out))").text == "False"
    kernel.run(f"word = {SECRET[::-1]!r}[::-1]")
    ran = kernel.run("%docker run --rm -e WORD={{word}} busybox true {{word}}")
    assert "busybox true {{word}}" in still(ran)
    assert SECRET not in json.dumps([message["content"] for _, message in ran.messages])
    kernel.run("get_ipython().history_manager.writeout_cache()")
    path = kernel.run("print(get_ipython().history_manager.hist_file)").printed.strip()
    with sqlite3.connect(path) as history:
        assert SECRET not in "".join(map(str, history.execute("select source, source_raw from history")))


def test_login_push_logout(docker_kernel, token_registry_address):
    kernel, registry = docker_kernel, token_registry_address
    image = f"{registry.address}/magics/{NAME}:1"
    still(kernel.run(f"%%dockerfile -t {image}\nFROM busybox\nLABEL made={NAME}"))
    assert kernel.run(f"%docker push {image}").error in {"AuthFailed", "Forbidden"}
    login = kernel.run(f"%docker login {registry.address} -u alice", answers=(registry.password,))
    assert "Logged in" in still(login)
    ran = kernel.run(f"pushed = %docker push {image}")
    assert "✓ pushed" in still(ran)
    assert kernel.run("pushed.digest[:7]").text == "'sha256:'"
    assert "Logged out" in still(kernel.run(f"%docker logout {registry.address}"))


def test_protected_contexts_refuse_unless_named(docker_kernel):
    kernel = docker_kernel
    context = kernel.run("from nbcontainer.clusters.kubeconfig import contexts; print(contexts()[1])").printed.strip()
    kernel.run(f"%nbcontainer settings protected_contexts {context}")
    try:
        manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: magics-protected}"
        for code in (
            "%kpod create nope --image=busybox",
            "%kpod delete nope -y",
            "%kpod exec nope -- true",
            f"%%kube apply\n{manifest}",
        ):
            ran = kernel.run(code)
            assert (ran.error, ran.kinds) == ("Protected", ["error"]), code
            assert f"--context={context}" in ran.traceback[1]
        still(kernel.run("%kpod"))  # reading is always allowed
        assert kernel.run(f"%kpod delete nope -y --context={context}").error == "NotFound"
        dry = kernel.run(f"%%kube apply --dry-run=server --context={context}\n{manifest}")
        assert "magics-protected" in still(dry)
    finally:
        kernel.run("%nbcontainer settings protected_contexts ''")
