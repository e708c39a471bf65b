"""What views do to the cells around them: rerunning a cell, cells added by a table, waiting for pods."""

import re

from playwright.sync_api import expect

from tests.browser.test_build import IMPORT as BUILD

TABLE = """\
from tests.browser.feeds import pods
from nbcontainer.model.tables import RowVerb
from nbcontainer.views.notebook import Notebook
from nbcontainer.views.tables import TableView
verbs = (RowVerb("l", "logs", "print('logs {rows}')", many=True), RowVerb("x", "exec", "print('{rows}')", runs=False))
behind = Notebook().follow_behind(pods(9), TableView(verbs=verbs))"""
PODS = """\
from tests.browser.feeds import creation, deletion
from nbcontainer.views.deletion import DeletionView
from nbcontainer.views.pods import PodStartView
from nbcontainer.views.notebook import Notebook
from nbcontainer.views.surfaces import show
try:
    show(creation(), PodStartView(), Notebook())
finally:
    show(deletion(), DeletionView(), Notebook())"""
# for every frame until the new view has ended: the height of the output, and whether it shows a view
FRAMES = """output => { window.frames_seen = [];
  const look = () => {
    const views = [...output.querySelectorAll('.nbc')].filter(view => view.offsetHeight > 20);
    window.frames_seen.push([output.offsetHeight, views.length, output.querySelectorAll('.nbc-kept').length]);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look) }"""


def test_a_cell_that_runs_again_keeps_its_old_view_until_the_new_one_is_there(lab, browser):
    page = lab.open(browser, "again", [BUILD + "show_build('good', speed=20)"])
    page.run_and_wait(0)
    output = page.cell(0).locator(".jp-Cell-outputWrapper")
    expect(output.get_by_role("status").first).to_have_text("✓ built")
    high = output.evaluate("output => output.offsetHeight")
    output.evaluate(FRAMES)
    page.run(0)
    page.page.wait_for_function("window.frames_seen.some(([, , kept]) => kept)")
    page.wait_executed(0)
    expect(output.locator(".nbc-kept")).to_have_count(0)
    expect(output.get_by_role("status").first).to_have_text("✓ built")
    frames = page.page.evaluate("window.frames_seen")
    assert frames
    assert min(views for _, views, _ in frames) >= 1, "there was nothing to see for a moment"
    assert min(height for height, _, _ in frames) > 20
    assert output.evaluate("output => output.offsetHeight") == high
    assert output.evaluate("output => output.style.cssText") == ""
    assert page.errors == []
    page.close()


def test_actions_on_rows_add_magics_in_cells_below(lab, browser, screenshots):
    page = lab.open(browser, "verbs", [TABLE])
    page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.run_and_wait(0)
    output = page.output(0)
    rows = output.locator(".nbc-row:visible")
    expect(output.locator(".nbc-keys")).to_have_text("l logs · x exec · / filter · ? keys")
    names = [text.split("\n")[0] for text in rows.all_inner_texts()]
    rows.first.click()
    page.page.keyboard.press("Shift+ArrowDown")
    expect(output.get_by_text("2 selected")).to_be_visible()
    output.locator(".nbc-table").screenshot(path=screenshots / "table-verbs.png")
    output.get_by_role("button", name="logs").click()
    expect(page.output(1)).to_contain_text(f"logs -n shop pod/{names[0]} pod/{names[1]}")
    cells = page.page.locator(".jp-Notebook .jp-Cell")
    expect(cells).to_have_count(2)
    prompt = page.cell(1).locator(".jp-InputPrompt")
    expect(prompt).to_have_text(re.compile(r"\[\d+\]:"))
    run = int(prompt.inner_text().strip("[]:"))
    output.locator(".nbc-grid").focus()
    page.page.keyboard.press("l")  # doing it again reuses the cell
    expect(prompt).to_have_text(f"[{run + 1}]:")
    expect(cells).to_have_count(2)
    output.locator(".nbc-grid").focus()
    page.page.keyboard.press("c")
    expect(output.get_by_text("copied 2 names")).to_be_visible()
    assert page.page.evaluate("navigator.clipboard.readText()") == "\n".join(names[:2])
    rows.nth(4).click()
    output.get_by_role("button", name="exec").click()
    expect(cells).to_have_count(3)
    expect(page.cell(1).locator(".cm-content")).to_have_text(f"print('-n shop {names[4]}')")
    expect(page.cell(1).locator(".cm-content")).to_be_focused()
    expect(page.cell(1).locator(".jp-InputPrompt")).to_have_text("[ ]:")  # it is the user's to complete
    assert page.errors == []
    page.close()


def test_the_keys_are_those_of_k9s(lab, browser):
    more = """RowVerb("d", "describe", "'of {rows:pod}'"), RowVerb("Delete", "delete", "'no {rows}'"), RowVerb("x","""
    page = lab.open(browser, "verbs-keys", [TABLE.replace("""RowVerb("x",""", more)])
    page.run_and_wait(0)
    rows = page.output(0).locator(".nbc-row:visible")
    expect(rows.first).to_be_visible()
    names = [text.split("\n")[0] for text in rows.all_inner_texts()]
    grid = page.output(0).locator(".nbc-grid")
    grid.focus()
    for key in ("j", "j", "j", "k"):
        page.page.keyboard.press(key)
    expect(rows.nth(1)).to_have_class(re.compile("nbc-active"))
    page.page.keyboard.press("Enter")
    expect(page.output(1)).to_contain_text(f"'of -n shop pod/{names[1]}'")
    grid.focus()
    page.page.keyboard.press("Shift+G")
    expect(rows.nth(8)).to_have_class(re.compile("nbc-active"))
    page.page.keyboard.press("Control+d")
    expect(page.output(1)).to_contain_text(f"'no -n shop {names[8]}'")
    grid.focus()
    page.page.keyboard.press("g")
    expect(rows.first).to_have_class(re.compile("nbc-active"))
    assert page.errors == []
    page.close()


def test_each_rows_result_is_shown(lab, browser, screenshots):
    code = TABLE.replace("""RowVerb("x",""", """RowVerb("d", "describe", "'of {rows}'"), RowVerb("x",""")
    page = lab.open(browser, "verbs-each", [code, "1"])
    page.run_and_wait(0)
    rows = page.output(0).locator(".nbc-row:visible")
    expect(rows.first).to_be_visible()
    names = [text.split("\n")[0] for text in rows.all_inner_texts()]
    rows.first.click()
    page.page.keyboard.press("Shift+ArrowDown")
    cells = page.page.locator(".jp-Notebook .jp-Cell")
    for _ in range(2):  # doing it again reuses the cells
        page.output(0).get_by_role("button", name="describe").click()
        expect(page.output(1)).to_contain_text(f"'of -n shop {names[0]}'")
        expect(page.output(2)).to_contain_text(f"'of -n shop {names[1]}'")
        expect(cells).to_have_count(4)
    page.page.screenshot(path=screenshots / "table-verbs-each.png")
    assert page.errors == []
    page.close()


def test_waiting_for_pods_can_be_stopped(lab, browser, screenshots):
    page = lab.open(browser, "waiting", [PODS])
    page.run(0)
    views = page.output(0).locator(".nbc-picture")
    expect(views.first).to_contain_text("pod/web")
    expect(views.first).to_contain_text("ContainerCreating")
    views.first.screenshot(path=screenshots / "pod-creating.png")
    views.first.get_by_role("button", name="Stop").click()
    expect(views.first).to_contain_text("no longer waited for")
    expect(views.first.get_by_role("button", name="Stop")).to_be_hidden()
    expect(views.nth(1).locator(".nbc-facts").first).to_have_text("7 s")
    views.nth(1).screenshot(path=screenshots / "pods-deleting.png")
    views.nth(1).get_by_role("button", name="Stop").click()
    page.wait_executed(0)
    expect(views.nth(1).get_by_role("button", name="Stop")).to_be_hidden()
    assert page.errors == []
    page.close()
