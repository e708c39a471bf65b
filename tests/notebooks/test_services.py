"""The lesson on Deployments and Services, executed with its solutions: its cells show what its text says."""

import re
from collections import Counter

import nbformat
import pytest

from tests.notebooks.lessons import FAILS, execute, execute_lesson, read, with_solutions

NEEDS_CLUSTER = "%kube get deployments -l {{mine}}"
LEFT = """# what is left
tables = [nbc.cluster().get(kind, selector=mine) for kind in ("deployments", "services", "pods")]
print([table.names for table in tables])
"""
FACTS = r"""
import re
import time


def web_has(count):
    '''Whether there are exactly so many pods, all of them ready and of the current version.'''
    deployment = nbc.cluster().get("deployments", f"web-{tag}")[f"web-{tag}"].facts
    pods = nbc.pods.list(selector=f"app=web-{tag}")
    current = (deployment["ready"], str(deployment["up-to-date"])) == (f"{count}/{count}", str(count))
    return current and len(pods.names) == count


def answering(version):
    '''The pods of this version from which the client has got the page.'''
    found = [re.match(f"version {version}, from (.*)", line.text) for line in nbc.pods.logs(f"client-{tag}")]
    return {match[1] for match in found if match}


def refused():
    '''Whether a pod waits for an image that does not exist.'''
    return any("ImagePull" in row.cells[2] for row in nbc.pods.list(selector=f"app=web-{tag}"))


def reached(name):
    '''Whether a Service has endpoints.'''
    (found,) = nbc.cluster().get("endpointslices", selector=f"app={name}-{tag}")
    return "unset" not in str(found.cells)


def until(fact):
    end = time.monotonic() + 90
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.1)
"""
WAITS = {
    "victim = ": ["web_has(2)"],
    "%kpod exec client-{{tag}} -- wget -q -O - http://web": ["web_has(2)"],
    "%kpod logs -f -l app=web-{{tag}} --duration": ["len(answering(1)) == 2"],
    "%kpod logs -f -l app=web-{{tag}} --tail": ["len(answering(1)) == 4"],
    "%kube get deployments,replicasets -l": ["web_has(4)", "refused()"],
    "Counter(line.text.partition": ["answering(2)"],
    "%kpod exec client-{{tag}} -- wget -q -O - http://shop-{{tag}}/": ["reached('shop')"],
    "%kpod exec client-{{tag}} -- wget -q -O - http://api": ["reached('api')"],
    "%kpod logs client-{{tag}} --tail 10": ["web_has(1)"],
}
"""What must be true before a cell shows what its text says, though the machine be slow; a fact for each such cell."""


def prepared(cells):
    """The cells, with a wait before each that depends on how quick a cluster is."""
    yielded = Counter()
    for cell in cells:
        for start, facts in WAITS.items():
            if cell.source.startswith(start):
                yield nbformat.v4.new_code_cell(f"until(lambda: {facts[yielded[start]]})")
                yielded[start] += 1
        yield cell
        if "tag = secrets" in cell.source:
            yield nbformat.v4.new_code_cell(FACTS)
    assert yielded == {start: len(facts) for start, facts in WAITS.items()}


def on_podman(cells):
    """The cells until the one that stops there."""
    index = next(index for index, cell in enumerate(cells) if cell.source == NEEDS_CLUSTER)
    cells[index].metadata["tags"] = [FAILS]
    return cells[: index + 1]


@pytest.mark.timeout(600)
def test_services(home, tmp_path, monkeypatch):
    cells = with_solutions(read("services").cells)
    if "podman" in home["DOCKER_HOST"]:
        executed = execute(on_podman(cells), tmp_path, monkeypatch, **home)
        (failure,) = executed.cells[-1].outputs
        assert failure.ename == "Unsupported"
        assert "Without a cluster there are only Podman's pods." in failure.evalue
        return
    notebook = execute_lesson([*prepared(cells), nbformat.v4.new_code_cell(LEFT)], tmp_path, monkeypatch, home)
    cells = [(cell.source, "\n".join(map(_text, cell.outputs))) for cell in notebook.cells if cell.cell_type == "code"]

    def texts(start):
        return [text for source, text in cells if source.startswith(start)]

    _check_service(texts)
    _check_rollouts(texts)
    assert "Connection refused" in texts("%kpod exec client-{{tag}} -- wget -q -O - http://shop")[0]
    assert "<unset>" in texts("%kube get services,endpointslices -l app=shop-{{tag}}")[0]
    reached = "".join(texts("%kpod exec client-{{tag}} -- wget -q -O - http://shop")[1:])
    reached += "".join(texts("%kpod exec client-{{tag}} -- wget -q -O - http://api"))
    assert len(re.findall(r"version 2, from web-", reached)) == 2
    (night,) = texts("%kpod logs client-{{tag}} --tail 10")
    assert "version 2, from web-" in night
    assert texts("# what is left")[0].strip() == "[[], [], []]"


def _check_service(texts):
    """A pod is replaced; the Service leads to both pods, and their merged logs show it."""
    (made,) = texts("%kube get deployments,replicasets,pods")
    assert [len(re.findall(rf"^ *web-\w{{4}}{rest} ", made, re.MULTILINE)) for rest in ("", r"-\w+", r"-\w+-\w+")] == [
        1,
        1,
        2,
    ]
    before, after = (
        set(re.findall(r"web-\w{4}-\w+-\w+", text)) for text in (made, texts("%kpod -l app=web-{{tag}}")[0])
    )
    assert len(after - before) == 1
    assert "version 1, from web-" in texts("%kpod exec client-{{tag}} -- wget -q -O - http://web-{{tag}}")[0]
    (slices,), (wide,) = (
        texts("%kube get services,endpointslices -l app=web"),
        texts("%kpod -l app=web-{{tag}} -o wide"),
    )
    addresses = re.findall(r"\d+\.\d+\.\d+\.\d+", wide)
    assert len(addresses) == 2
    assert all(address in slices for address in addresses)
    two, four = texts("%kpod logs -f -l app=web-{{tag}}")
    assert [len(set(re.findall(r"(web-\S+) +\| .* response:200", text))) for text in (two, four)] == [2, 4]
    (pages,) = texts("from collections import Counter")
    assert len(re.findall(r"'version 1, from web-\S+': \d", pages)) == 2


def _check_rollouts(texts):
    """The client has pages of both versions, and a version that does not start harms nothing."""
    created, second = texts("%%kube apply\napiVersion: apps/v1")
    assert "created" in created
    assert re.findall(r"^ *\d+ +[+−] +(\S.*)$", second, re.MULTILINE) == ["value: '1'", "value: '2'"]
    (history,) = texts("%kube rollout history")
    assert re.findall(r"^ *(\d) ", history, re.MULTILINE) == ["1", "2", "3"]
    (pages,) = texts("Counter(line.text.partition")
    assert {"version 1", "version 2"} <= set(re.findall(r"'([^']+)': \d", pages))
    rolled, stuck = texts("%kube get deployments,replicasets -l")
    assert sorted(re.findall(r"web-\w{4}-\w+ +(\d) +(\d) +(\d)", rolled)) == [("0", "0", "0"), ("4", "4", "4")]
    assert re.search(r"web-\w{4} +3/4 ", stuck)
    assert set(re.findall(r"│ (version \d)", texts("%kpod logs client-{{tag}} --tail 5")[0])) == {"version 2"}


def _text(output):
    """What an output shows."""
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return str(output.get("text") or output.data["text/plain"])
