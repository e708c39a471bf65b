"""A tree in JupyterLab: its children come from the kernel."""

from playwright.sync_api import expect

CELL = (
    "from tests.browser.feeds import FolderView, folder\n"
    "from nbcontainer.views.notebook import Notebook\n"
    "from nbcontainer.views.surfaces import show\n"
    "_ = show(folder(), FolderView(), Notebook())"
)


def test_children_are_loaded_while_the_cell_runs_and_after_it(lab, browser):
    page = lab.open(browser, "tree", [CELL])
    page.run(0)
    tree = page.output(0).get_by_role("tree", name="Files")
    app = tree.get_by_role("treeitem").first
    expect(app).to_have_text("▸app", timeout=30_000)
    app.click()
    expect(tree.get_by_role("treeitem")).to_have_text(["▾app", "file 0 of 3", "file 1 of 3", "▸secret", "▸etc"])
    tree.get_by_text("secret").click()
    expect(tree.get_by_role("treeitem").nth(3)).to_have_text("▸secret Permission denied.")
    page.output(0).get_by_role("button", name="Stop").click()
    page.wait_executed(0)
    app.press("ArrowLeft")
    expect(tree.get_by_role("treeitem")).to_have_count(3)
    app.press("End")
    page.page.keyboard.press("Enter")
    expect(tree.get_by_role("treeitem").last).to_have_text("file 1 of 3")
    assert page.errors == []
    page.close()
