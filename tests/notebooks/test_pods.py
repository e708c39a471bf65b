"""The lesson on pods, executed with its solutions: its cells show what its text says."""

import ast
import re

import nbformat
import pytest

from tests.notebooks.lessons import FAILS, execute_lesson, read, with_solutions

NEEDS_CLUSTER = "%kube get configmaps -l {{mine}}"
CLEAN_UP = "%kpod delete -l {{mine}} -y --force"
REFUSED = "%%kube apply\napiVersion: v1\nkind: Pod\nmetadata:\n  name: field-{{tag}}\n"
LEFT = "print(nbc.pods.list(selector=mine).names)"
LIFE = """
watch, seen = nbc.pods.watch(f"life-{tag}"), []
for _ in watch:
    seen += [cell for pod in watch.state.rows.values() if (cell := pod.cells[2]) not in seen]
    if "Running" in seen:
        break
watch.stop()
print(seen)
"""
FAILING = {
    "memory": "OOMKilled",
    "settings": 'configmap "settings-',
    "room": "FailedScheduling",
    "ready": "Readiness probe failed",
}
WAITS = {
    "%kpod logs web-{{tag}} -c helper": {"web": "Ready  +True|State  +running"},
    "%kpod -l fails={{tag}} -w": FAILING,
    "%kpod logs riddle-{{tag}} -c prepare": {"riddle": "exit code 1"},
    "%kpod logs riddle-{{tag}} -c main": {"riddle": "Ready  +True"},
}
"""What `describe` must say of pods before a cell shows what its text says, though the machine be slow."""
WAIT = """
import re
import time
from nbcontainer.views.results import bundle_of

for name, fact in {facts!r}.items():
    end = time.monotonic() + 90
    while not re.search(fact, text := bundle_of(nbc.pods.describe(f"{{name}}-{{tag}}"))["text/plain"]):
        assert time.monotonic() < end, text
        time.sleep(0.1)
"""


def prepared(cells):
    """The cells, with a wait before each that depends on how quick a cluster is."""
    for cell in cells:
        facts = [each for start, each in WAITS.items() if cell.source.startswith(start)]
        yield from (nbformat.v4.new_code_cell(WAIT.format(facts=each)) for each in facts)
        yield cell
        if cell.source.startswith("%%kube apply") and "name: life-" in cell.source:
            yield nbformat.v4.new_code_cell(LIFE)


def on_podman(cells):
    """The parts that Podman's pods can do, the cell that stops there, and the clean-up."""
    index = next(index for index, cell in enumerate(cells) if cell.source == NEEDS_CLUSTER)
    cells[index].metadata["tags"] = [FAILS]
    return [*cells[: index + 1], next(cell for cell in cells if cell.source == CLEAN_UP)]


@pytest.mark.timeout(600)
def test_pods(home, tmp_path, monkeypatch):
    cells = list(prepared(with_solutions(read("pods").cells)))
    has_cluster = "podman" not in home["DOCKER_HOST"]
    cells = cells if has_cluster else on_podman(cells)
    notebook = execute_lesson([*cells, nbformat.v4.new_code_cell(LEFT)], tmp_path, monkeypatch, home)
    shown = {cell.source: _text(cell) for cell in notebook.cells if cell.cell_type == "code"}

    def text(start):
        found = shown.get(start) or [text for source, text in shown.items() if source.startswith(start)]
        return found if isinstance(found, str) else found[0]

    _check_a_pod(text)
    _check_selectors(text)
    if has_cluster:
        _check_life(text, shown[LIFE])
        _check_failures(text)
        _check_exercises(text)
    else:
        assert "Without a cluster there are only Podman's pods." in shown[NEEDS_CLUSTER]
    assert shown[LEFT].strip() == "[]"


def _text(cell):
    """What a cell shows."""
    return "\n".join(
        f"{output.ename}: {output.evalue}"
        if output.output_type == "error"
        else str(output.get("text") or output.data["text/plain"])
        for output in cell.outputs
    )


def _check_a_pod(text):
    assert re.search(r"^ *hello-\w{4} +1/1 +Running +0 ", text("%kpod -l {{mine}}"), re.MULTILINE)
    assert "number 1\n" in text("%kpod logs -f hello-{{tag}} --duration 3s")
    assert re.search(r"\d root +ps$", text("%kpod exec hello-{{tag}} -- ps"), re.MULTILINE)
    assert re.search(r"calls itself hello-\w{4}$", text("%%kpod exec hello-{{tag}} -- sh"), re.MULTILINE)
    assert "exit code 1" in text("%kpod exec hello-{{tag}} -- cat /tmp/nothing")
    assert re.search(r"Scheduled|create", text("%kpod events hello-{{tag}}"))
    assert "I am here to help" in text("%kpod logs web-{{tag}} -c helper -f --duration 3s")


def _check_selectors(text):
    def names(source):
        return re.findall(r"^ *(red-1|red-2|blue|hello|web)-\w{4} ", text(source), re.MULTILINE)

    assert names("%kpod -l team=red-{{tag}}") == ["red-1", "red-2"]
    assert names("%kpod -l {{mine}},size=large") == ["blue", "red-2"]
    assert names("%kpod -l {{mine}},size!=large") == ["hello", "red-1", "web"]
    merged = text("%kpod logs -l team=red-{{tag}} -f --duration 3s")
    assert set(re.findall(r"(red-\d)-.* \| number \d", merged)) == {"red-1", "red-2"}
    assert text("%kpod delete -l size,{{mine}} -y").count("deleted") == 3


def _check_life(text, statuses):
    seen = ast.literal_eval(statuses)
    assert set(seen) <= {"Pending", "Init:0/1", "PodInitializing", "Running"}
    assert ("Init:0/1" in seen, seen[-1]) == (True, "Running")
    assert "working" in text("%kpod logs -f life-{{tag}} -c main --duration 7s")
    assert "deleted" in text("%kpod delete life-{{tag}} -y")
    reasons = ["Scheduled", "Pulling", "Pulled", "Created", "Started"]
    found = re.findall(r" (?:Normal|Warning) +(\w+) ", text("%kpod events life-{{tag}}"))
    assert [each for each in found if each in {*reasons, "Killing"}] == [*reasons, *reasons[1:], "Killing"]


def _check_failures(text):
    """Each shows where its text says."""
    assert "the registry has no image busybos" in text("%kpod create image-{{tag}}")
    assert '"sevrer": executable file not found' in text("%kpod create command-{{tag}}")
    assert "exit code 3, each time it is started" in text("%kpod create program-{{tag}}")
    assert "no connection to the database" in text("%kpod logs program-{{tag}}")
    assert "exit code 0" in text("%kpod create ended-{{tag}}")
    table = text("%kpod -l fails={{tag}} -w --duration 8s")
    statuses = dict(re.findall(r"^ *(\w+)-\w{4} +(\d/1 +\S+)", table, re.MULTILINE))
    allowed = {
        "image": "0/1 +(ErrImagePull|ImagePullBackOff)",
        "command": "0/1 +(RunContainerError|StartError|CrashLoopBackOff)",
        "program": "0/1 +(Error|CrashLoopBackOff)",
        "ended": "0/1 +(Completed|CrashLoopBackOff)",
        "memory": "0/1 +(OOMKilled|CrashLoopBackOff)",
        "settings": "0/1 +CreateContainerConfigError",
        "room": "0/1 +Pending",
        "ready": "0/1 +Running",
    }
    assert statuses.keys() == allowed.keys()
    assert [name for name, status in statuses.items() if not re.fullmatch(allowed[name], status)] == []
    assert re.search(r"State +Terminated \(OOMKilled\): exit code 137", text("%kpod describe memory-{{tag}}"))
    assert 'configmap "settings-' in text("%kpod events settings-{{tag}}")
    assert "Insufficient cpu" in text("%kpod events room-{{tag}}")
    assert "Readiness probe failed" in text("%kpod events ready-{{tag}}")
    assert ".imag'" in text(REFUSED)


def _check_exercises(text):
    assert "COLOR=green" in text("%kpod exec settings-{{tag}} -- env")
    assert re.search(r"1/1 +Running", text("%kpod get mended-{{tag}}"))
    assert "/data/page: nonexistent directory" in text("%kpod logs riddle-{{tag}} -c prepare")
    assert "ready to serve" in text("%kpod logs riddle-{{tag}} -c main -f --duration 4s")
