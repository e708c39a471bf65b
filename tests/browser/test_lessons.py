"""The lessons, in a real JupyterLab: opened by the tour, from their index, and read as their reader does."""

import shutil

import nbformat
import pytest

from tests.browser.jupyter import REPOSITORY
from tests.notebooks.lessons import FAILS

NOTEBOOKS = REPOSITORY / "notebooks"
SECONDS = 90
ALL_READY = """() => Promise.all(
  [...window.jupyterapp.shell.widgets('main')]
    .filter(widget => widget.sessionContext)
    .map(widget => widget.sessionContext.ready))"""


@pytest.fixture
def variables(tmp_path, docker_engine):
    """Those of a kernel that has Docker."""
    return {
        "DOCKER_HOST": docker_engine.host,
        "DOCKER_CONFIG": str(tmp_path / "docker-config"),
        "KUBECONFIG": str(tmp_path / "no-kubeconfig"),
    }


def test_the_tour_opens_the_index_and_the_index_a_lesson(lab, browser, screenshots):
    notebook = lab.open(browser, "tour", ["%load_ext nbcontainer", "%nbcontainer tour"], own_kernel=True)
    notebook.use_theme("light")
    try:
        for index in range(2):
            notebook.run_and_wait(index)
        notebook.page.screenshot(path=screenshots / "tour.png")
        notebook.output(1).locator("a", has_text="index.ipynb").click()
        page = notebook.page
        table = page.locator(".jp-MarkdownOutput table", has_text="lesson")
        table.wait_for()
        page.screenshot(path=screenshots / "tour-index.png")
        table.locator("a", has_text="Registries").click()
        page.locator(".jp-MarkdownOutput h1", has_text="Registries: where images live").wait_for()
        page.screenshot(path=screenshots / "tour-registries.png")
        assert (lab.root / "nbcontainer-tour" / "registries.ipynb").exists()
        page.evaluate(ALL_READY)  # JupyterLab reports an error if a notebook is closed while its kernel starts
        assert notebook.errors == []
    finally:
        notebook.close()
        for session in lab.ask("GET", "sessions"):
            if session["path"].startswith("nbcontainer-tour/"):
                lab.ask("DELETE", f"sessions/{session['id']}")
        shutil.rmtree(lab.root / "nbcontainer-tour", ignore_errors=True)


@pytest.mark.timeout(400)
def test_registries_in_jupyterlab(lab, variables, browser, screenshots):
    shutil.copy(NOTEBOOKS / "registries.ipynb", lab.root / "registries.ipynb")
    source = nbformat.read(NOTEBOOKS / "registries.ipynb", as_version=4)
    notebook = lab.open(browser, "registries", own_kernel=True)
    notebook.use_theme("light")
    notebook.execute(f"import os; os.environ.update({variables!r})")
    for index, cell in enumerate(source.cells):
        notebook.cell(index).scroll_into_view_if_needed()
        if cell.cell_type == "code" and cell.source:
            notebook.run(index)
            notebook.wait_executed(index, SECONDS)
            failed = notebook.output(index).locator(".jp-RenderedText[data-mime-type*='stderr']").count() > 0
            assert failed == (FAILS in cell.metadata.get("tags", ())), cell.source
            notebook.page.screenshot(path=screenshots / f"registries-{index:02d}.png")
        elif "<details>" in cell.source:
            solution = notebook.cell(index).locator("details")
            assert not solution.locator("pre").first.is_visible()
            solution.locator("summary").click()
            solution.locator("pre").first.wait_for()
            notebook.page.screenshot(path=screenshots / f"registries-{index:02d}-solution.png")
    assert notebook.errors == []
    notebook.close()
