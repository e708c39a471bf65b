"""The quickstart, executed as nbclient executes it: with Docker and Kubernetes, and with Podman alone."""

import hashlib
import json
import re
import urllib.error
import urllib.request

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests.notebooks.lessons import REPOSITORY, execute, read, said
from tests.notebooks.names import check_names, state_cell

MANIFESTS = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


@pytest.mark.timeout(400)
def test_quickstart(home, tmp_path, monkeypatch):
    cells = read("quickstart").cells
    pushed = next(index for index, cell in enumerate(cells) if cell.source.startswith("%docker push"))
    cells.insert(pushed + 1, nbformat.v4.new_code_cell("print(_.digest)"))
    notebook = execute([*cells, state_cell()], tmp_path, monkeypatch, **home)
    check_names(notebook.cells)
    for cell in notebook.cells:
        assert not [output for output in cell.get("outputs", ()) if output.get("name") == "stderr"], cell.source
    names = next(cell for cell in notebook.cells if "token_hex" in cell.source).outputs[0]["data"]["text/plain"]
    image, pod, _ = re.findall(r"'([^']+)'", names)
    assert "✓ built" in said(notebook, "%%dockerfile")
    assert "hello from Go, as user 65532" in said(notebook, "%docker run")
    assert "✓ pushed" in said(notebook, "%docker push")

    # the registry serves the pushed image under the displayed digest
    shown = re.search(r"sha256:([0-9a-f]{12})", said(notebook, "%docker push"))[1]
    host, _, rest = image.partition("/")
    name, _, _ = rest.partition(":")
    digest = notebook.cells[pushed + 1].outputs[0]["text"].strip()
    assert digest.startswith(f"sha256:{shown}")
    assert _digest(host, name, digest) == digest

    assert f"pod/{pod} Running" in said(notebook, "%kpod create")
    row = next(line for line in said(notebook, "%kpod -l").splitlines() if line.startswith(pod))
    assert row.split()[1:3] == ["1/1", "Running"]
    assert "listening on :8080" in said(notebook, "%kpod logs")
    assert f"Hello! You asked for /greeting, and {pod} answers." in said(notebook, "%kpod exec")
    assert "GET /greeting" in said(notebook, "%kpod logs")
    assert image in said(notebook, "%kpod describe")
    assert f"pod/{pod} deleted" in said(notebook, "%kpod delete")
    after = execute(
        [nbformat.v4.new_code_cell("%load_ext nbcontainer\npods = %kpod\nprint(pods.names)")], tmp_path, monkeypatch
    )
    assert pod not in after.cells[0].outputs[0]["text"]


def test_clean_up_leaves_the_pods_of_others(home, tmp_path, monkeypatch):
    cells = read("quickstart").cells
    names, create, delete = (
        next(cell.source for cell in cells if word in cell.source and cell.cell_type == "code")
        for word in ("token_hex", "%kpod create", "%kpod delete")
    )
    ends_when_asked = "trap exit TERM; while sleep 0.2; do :; done"
    create = create.replace("{{image}}", "busybox") + f" --no-wait -- sh -c '{ends_when_asked}'"
    begin = [f"%load_ext nbcontainer\n{names}", create, "print(pod)"]
    pods = []
    path = "/home/jovyan/quickstart.ipynb"
    for student in ("ann", "bob"):  # two homes of a JupyterHub
        user = {"XDG_DATA_HOME": tmp_path / student, "JPY_SESSION_NAME": path}
        made = execute(list(map(nbformat.v4.new_code_cell, begin)), tmp_path, monkeypatch, **home, **user)
        pods.append(made.cells[-1].outputs[0]["text"].strip())
    anns, bobs = pods
    try:  # in a new kernel
        user["XDG_DATA_HOME"] = tmp_path / "ann"
        again = [f"%load_ext nbcontainer\n{names}", delete, "left = %kpod -l tutorial=quickstart", "print(left.names)"]
        cleaned = execute(list(map(nbformat.v4.new_code_cell, again)), tmp_path, monkeypatch, **user)
        left = cleaned.cells[-1].outputs[0]["text"]
        assert anns not in left
        assert bobs in left
    finally:
        rest = ["%load_ext nbcontainer", f"%kpod delete {bobs} --force -y"]
        execute(list(map(nbformat.v4.new_code_cell, rest)), tmp_path, monkeypatch)


def test_a_failing_magic_stops_nbclient(docker_engine, tmp_path, monkeypatch):
    cells = [
        nbformat.v4.new_code_cell("%load_ext nbcontainer"),
        nbformat.v4.new_code_cell("%%dockerfile\nFROM busybox\nRUN false"),
        nbformat.v4.new_code_cell("print('never')"),
    ]
    with pytest.raises(CellExecutionError, match="BuildFailed"):
        execute(cells, tmp_path, monkeypatch, DOCKER_HOST=docker_engine.host)
    assert "never" not in str(cells[2].outputs)
    assert [output.output_type for output in cells[1].outputs] == ["display_data", "error"]


def test_a_failing_magic_stops_papermill(docker_engine, tmp_path, monkeypatch):
    papermill = pytest.importorskip("papermill")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("%load_ext nbcontainer"),
            nbformat.v4.new_code_cell("%docker run --rm busybox sh -c 'exit 3'"),
            nbformat.v4.new_code_cell("print('never')"),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, tmp_path / "in.ipynb")
    with pytest.raises(papermill.PapermillExecutionError, match="exit code 3"):
        papermill.execute_notebook(
            str(tmp_path / "in.ipynb"), str(tmp_path / "out.ipynb"), progress_bar=False, cwd=str(tmp_path)
        )
    assert "'never'" not in str([cell.get("outputs") for cell in nbformat.read(tmp_path / "out.ipynb", 4).cells])


def _digest(host, name, tag):
    """The manifest's digest, computed from what the registry serves without a login."""
    where = f"http://{host}/v2/{name}/manifests/{tag}"
    request = urllib.request.Request(where, headers={"Accept": MANIFESTS})
    try:
        with urllib.request.urlopen(request) as reply:
            return "sha256:" + hashlib.sha256(reply.read()).hexdigest()
    except urllib.error.HTTPError as error:
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', error.headers["WWW-Authenticate"]))
        error.close()
    with urllib.request.urlopen(f"{challenge['realm']}?service={challenge['service']}&scope={challenge['scope']}") as r:
        request.add_header("Authorization", f"Bearer {json.load(r)['token']}")
    with urllib.request.urlopen(request) as reply:
        return "sha256:" + hashlib.sha256(reply.read()).hexdigest()
