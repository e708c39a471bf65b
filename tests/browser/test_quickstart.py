"""The quickstart, in a real JupyterLab, as its reader runs it."""

import json
import re
import shutil

import nbformat
import pytest

from tests.browser.jupyter import REPOSITORY

QUICKSTART = REPOSITORY / "notebooks" / "quickstart.ipynb"
SECONDS = 150


@pytest.fixture
def variables(tmp_path, docker_engine, token_registry_address, kubernetes_cluster):
    """Those of a kernel that has Docker, a registry and Kubernetes."""
    return {
        "DOCKER_HOST": docker_engine.host,
        "DOCKER_CONFIG": str(tmp_path / "docker-config"),
        "KUBECONFIG": str(kubernetes_cluster.kubeconfig),
        "QUICKSTART_REGISTRY": token_registry_address.address,
        "QUICKSTART_PASSWORD": token_registry_address.password,
    }


@pytest.mark.timeout(600)
def test_quickstart_in_jupyterlab(lab, variables, browser, screenshots):
    shutil.copy(QUICKSTART, lab.root / "quickstart.ipynb")
    source = nbformat.read(QUICKSTART, as_version=4)
    notebook = lab.open(browser, "quickstart", own_kernel=True)
    notebook.execute(f"import os; os.environ.update({variables!r})")
    for index, cell in enumerate(source.cells):
        if cell.cell_type != "code":
            continue
        notebook.run(index)
        notebook.wait_executed(index, SECONDS)
        assert notebook.output(index).locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0, (
            cell.source
        )
        assert notebook.output(index).locator(".jp-RenderedText[data-mime-type*='stderr']").count() == 0, cell.source
        if cell.source.startswith(("%%", "%docker push", "%kpod", "%docker images", "%nbcontainer")):
            notebook.cell(index).scroll_into_view_if_needed()
            name = cell.source.split("\n")[0].strip("%").split(" --")[0].split(" {{")[0].replace(" ", "-")
            for theme in ("dark", "light"):
                notebook.use_theme(theme)
                notebook.page.screenshot(path=screenshots / f"quickstart-{theme}-{index:02d}-{name}.png")
    assert notebook.errors == []
    saved = nbformat.read(notebook.save(), as_version=4)
    build = next(cell for cell in saved.cells if cell.source.startswith("%%dockerfile"))
    bundle = build.outputs[0]["data"]
    assert "FROM golang:alpine AS build" in bundle["text/plain"]
    assert "FROM golang:alpine AS build" in bundle["text/html"]
    outputs = json.dumps([cell.get("outputs") for cell in saved.cells])
    assert not re.search(rf"\b{variables['QUICKSTART_PASSWORD']}\b", outputs)
    notebook.close()
