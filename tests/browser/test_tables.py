"""The live table in JupyterLab: a real page and a real kernel."""

import os
import re
import signal

import nbformat
import pytest
from playwright.sync_api import expect

IMPORT = (
    "from tests.browser.feeds import *\n"
    "from nbcontainer.views.notebook import Notebook\n"
    "from nbcontainer.views.tables import TableView\n"
)
SHOW = IMPORT + "operation = pods({})\nlive = Notebook().follow_behind(operation, TableView())"
SELECTED = """\
live.widget.observe(lambda change: changes.append(change.new), "selected")
changes, rows = [], {row.key: row.name for row in operation.state.rows.values()}"""
STOP = "operation.stop(); operation.wait(5)"
BUILD = "from tests.browser.replay import show_build; show_build('good', speed=20)"
NOT_LIVE = re.compile("^◌ (not live: the kernel ended|no response from the kernel)$")
OPEN_VIEW = "async () => { await window.jupyterapp.commands.execute('notebook:create-output-view') }"
CLOSE_VIEW = """() => { for (const widget of [...window.jupyterapp.shell.widgets('main')])
  if (!widget.sessionContext) widget.close() }"""
FRAMES = """seconds => new Promise(done => {
  let frames = 0; const begun = performance.now();
  const count = () => { frames += 1;
    performance.now() - begun < seconds * 1000 ? requestAnimationFrame(count) : done(frames / seconds) };
  requestAnimationFrame(count); })"""


OVERFLOWING = """panel => [...panel.querySelectorAll('dt, dd')].filter(word => {
  const { left, right } = word.getBoundingClientRect(), { left: from, right: to } = panel.getBoundingClientRect();
  return left < from || right > to || word.scrollWidth > word.clientWidth + 1;
}).map(word => word.textContent)"""


def grid(page):
    return page.output(0).locator(".nbc-grid")


def names(page):
    rows = page.output(0).locator(".nbc-row:visible")
    return [text.split("\n")[0] for text in rows.all_inner_texts()]


def natural(name):
    return re.sub(r"\d+", lambda found: found[0].zfill(12), name)


@pytest.fixture
def table(lab, browser, request):
    """A page with a table, whose arguments are the test's parameter."""
    name = re.sub(r"\W+", "-", request.node.name)
    page = lab.open(browser, name, [SHOW.format(request.param), STOP])
    page.run(0)
    expect(page.output(0).locator(".nbc-row").first).to_be_visible(timeout=30_000)
    yield page
    assert page.errors == []
    page.run_and_wait(1)
    page.close()


def test_look(lab, browser, screenshots):
    page = lab.open(browser, "table-look", [SHOW.format("10_004, changes=500, note='no metrics'"), STOP])
    page.run(0)
    output = page.output(0)
    expect(output.locator(".nbc-row").first).to_be_visible(timeout=30_000)
    expect(output.locator(".nbc-counts")).to_have_text("10,004 · 9,981 running · 13 pending · 10 failing")
    for theme in ("dark", "light"):
        page.use_theme(theme)
        output.locator(".nbc-table").screenshot(path=screenshots / f"table-{theme}.png")
    output.locator(".nbc-filter").fill("!=Running -l app=web")
    output.locator(".nbc-row").first.click()
    page.page.keyboard.press("Shift+ArrowDown")
    expect(output.get_by_text("2 selected")).to_be_visible()
    for theme in ("dark", "light"):
        page.use_theme(theme)
        output.locator(".nbc-table").screenshot(path=screenshots / f"table-filter-{theme}.png")
    page.run_and_wait(1)
    expect(output.get_by_text("■ stopped")).to_be_visible()
    page.close()


@pytest.mark.parametrize("table", ["10_000"], indirect=True)
def test_only_rows_in_sight_have_elements(table):
    element = grid(table)
    assert table.output(0).locator(".nbc-row").count() < 40
    expect(element).to_have_attribute("aria-rowcount", "10001")
    element.focus()
    table.page.keyboard.press("End")
    last = element.get_attribute("aria-activedescendant")
    assert last.endswith("-9999")
    expect(table.page.locator(f"#{last}")).to_be_visible()
    expect(table.page.locator(f"#{last}")).to_have_attribute("aria-rowindex", "10001")
    table.page.keyboard.press("Home")
    assert element.get_attribute("aria-activedescendant").endswith("-0")


@pytest.mark.parametrize("table", ["300"], indirect=True)
def test_filter_order_and_keys(table):
    output = table.output(0)
    grid(table).focus()
    table.page.keyboard.press("/")
    table.page.keyboard.type("!=Running")
    expect(output.locator(".nbc-counts")).to_contain_text("2 of 300")
    assert output.locator(".nbc-row:visible").count() == 2
    table.page.keyboard.press("Escape")
    expect(output.locator(".nbc-counts")).not_to_contain_text("of 300")
    table.page.keyboard.type("/(/")
    expect(output.locator(".nbc-filter")).to_have_attribute("aria-invalid", "true")
    table.page.keyboard.press("Escape")
    head = output.get_by_role("columnheader", name="Name")
    head.get_by_role("button").focus()
    table.page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert names(table)[:10] == sorted(names(table)[:10], key=natural)
    table.page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    # JupyterLab's own shortcuts do nothing while the table has the focus
    cells = table.page.locator(".jp-Notebook .jp-Cell").count()
    grid(table).focus()
    for key in "ddabab":
        table.page.keyboard.press(key)
    assert table.page.locator(".jp-Notebook .jp-Cell").count() == cells
    expect(grid(table)).to_be_focused()
    output.get_by_role("button", name="Wide").click()
    expect(output.get_by_role("columnheader", name="IP")).to_be_visible()


@pytest.mark.parametrize("table", ["300"], indirect=True)
def test_columns_are_chosen(table, screenshots):
    output = table.output(0)
    output.get_by_role("button", name="Columns").click()
    choice = output.get_by_role("group", name="Columns")
    expect(choice.get_by_role("checkbox", name="Name")).to_be_focused()
    choice.get_by_role("checkbox", name="Memory").uncheck()
    choice.get_by_role("checkbox", name="IP").check()
    heads = output.get_by_role("columnheader")
    expect(heads).to_have_text(["Name", "Ready", "Status", "Restarts", "CPU", "Age", "Node", "IP"])
    for theme in ("dark", "light"):
        table.use_theme(theme)
        output.locator(".nbc-table").screenshot(path=screenshots / f"table-columns-{theme}.png")
    for name in ("Ready", "Status", "Restarts", "CPU", "Age", "Node", "IP"):
        choice.get_by_role("checkbox", name=name).uncheck()
    choice.get_by_role("checkbox", name="Name").click()  # the last one stays
    expect(choice.get_by_role("checkbox", name="Name")).to_be_checked()
    expect(heads).to_have_text(["Name"])
    table.page.keyboard.press("Escape")
    expect(choice).to_be_hidden()
    expect(output.get_by_role("button", name="Columns")).to_be_focused()


@pytest.mark.parametrize("table", ["300"], indirect=True)
@pytest.mark.parametrize("name", ["Name", "Restarts"])
def test_the_whole_header_sorts(table, name):
    head = table.output(0).get_by_role("columnheader", name=name)
    box = head.bounding_box()
    corners = [{"x": x, "y": y} for x in (2, box["width"] - 2) for y in (2, box["height"] - 3)]
    for corner, order in zip(corners, ("ascending", "descending", "none", "ascending"), strict=True):
        head.click(position=corner)
        expect(head).to_have_attribute("aria-sort", order)


CUT = """table => [...table.querySelectorAll('.nbc-row:not([hidden]) .nbc-cell')].filter(cell => {
  const { left, right } = cell.getBoundingClientRect(), view = table.getBoundingClientRect();
  return cell.scrollWidth > cell.clientWidth || left < view.left || right > view.right;
}).map(cell => cell.textContent)"""


def test_a_narrow_view_truncates_only_names(lab, browser, screenshots):
    page = lab.open(browser, "table-narrow", [SHOW.format("8, plain=True"), STOP])
    page.run_and_wait(0)
    root, element = page.output(0).locator(".nbc-table"), grid(page)
    expect(root.locator(".nbc-row", has_text="CrashLoopBackOff")).to_be_visible(timeout=30_000)
    for width in (580, 480, 366):
        root.evaluate("(element, width) => { element.style.width = `${width}px` }", width)
        page.page.wait_for_function("grid => grid.scrollWidth === grid.clientWidth", arg=element.element_handle())
        assert set(element.evaluate(CUT)) <= set(names(page)), width
        root.screenshot(path=screenshots / f"table-narrow-{width}.png")
    assert element.evaluate(CUT) != []
    root.evaluate("element => { element.style.width = '300px' }")
    page.page.wait_for_function("grid => grid.scrollWidth > grid.clientWidth", arg=element.element_handle())
    assert page.errors == []
    page.run_and_wait(1)
    page.close()


def test_the_selection_stays_with_its_rows_and_is_the_same_in_the_kernel_and_in_all_views(lab, browser):
    page = lab.open(browser, "selection", [SHOW.format("500, changes=200"), SELECTED, STOP])
    page.run_and_wait(0)
    page.run_and_wait(1)
    output = page.output(0)
    expect(output.get_by_text("● live")).to_be_visible(timeout=30_000)
    output.locator(".nbc-row").nth(2).click()
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("Space")
    output.get_by_role("columnheader", name="Age").get_by_role("button").click()
    expect(output.get_by_text("2 selected")).to_be_visible()
    page.cell(0).locator(".cm-content").click()
    page.page.evaluate(OPEN_VIEW)
    second = page.page.locator(".jp-LinkedOutputView .nbc-table")
    expect(second.get_by_text("2 selected")).to_be_visible()
    page.execute("assert [*map(rows.get, ('uid-2', 'uid-3'))] == changes[-1] == live.widget.selected")
    page.execute("live.widget.selected = [rows['uid-7'], 'not there']")
    for view in (output, second):
        expect(view.get_by_text("1 selected")).to_be_visible()
    page.page.wait_for_timeout(300)
    page.execute("assert live.widget.selected == [rows['uid-7']]")
    page.page.evaluate(CLOSE_VIEW)
    page.run_and_wait(2)
    assert page.errors == []
    page.close()


@pytest.mark.parametrize("table", ["10_000, changes=500"], indirect=True)
def test_ten_thousand_rows_that_change_leave_the_page_smooth(table, browser, figures):
    element = grid(table)
    blank = browser.new_page()
    possible = blank.evaluate(FRAMES, 1)  # the frames that this machine draws of an empty page now
    blank.close()
    still = table.page.evaluate(FRAMES, 1.5)
    scrolling = table.page.evaluate(
        """element => new Promise(done => { let frames = 0; const begun = performance.now();
        const step = () => { frames += 1; element.scrollTop += 120;
          performance.now() - begun < 1500 ? requestAnimationFrame(step) : done(frames / 1.5) };
        requestAnimationFrame(step); })""",
        element.element_handle(),
    )
    element.evaluate("element => { element.scrollTop = 0 }")
    figures(f"10,000 rows, 500 changes/s: {still:.0f} frames/s, {scrolling:.0f} while it scrolls; blank {possible:.0f}")
    assert still > possible / 4
    assert scrolling > possible / 4


def test_first_paint(lab, browser, figures):
    code = IMPORT + "import time\nbegun = time.time()\noperation = pods(10_000)\n"
    code += "Notebook().follow_behind(operation, TableView())\nprint('sent', begun, time.time())"
    page = lab.open(browser, "first-paint", [code, STOP])
    page.page.evaluate("""() => { const watch = () => { const row = document.querySelector('.nbc-row:not([hidden])');
      if (row?.offsetHeight) window.painted = Date.now() / 1000; else requestAnimationFrame(watch) }; watch() }""")
    page.run_and_wait(0)
    expect(page.output(0).locator(".nbc-row").first).to_be_visible()
    _, started, sent = page.output(0).get_by_text("sent").inner_text().split()
    painted = page.page.evaluate("window.painted")
    figures(
        f"first paint of 10,000 rows: {painted - float(started):.3f} s, {painted - float(sent):.3f} s after the send"
    )
    assert painted - float(sent) < 3
    page.run_and_wait(1)
    page.close()


def test_stop_from_the_page_and_what_is_saved(lab, browser):
    page = lab.open(browser, "table-saved", [SHOW.format("40")])
    page.run_and_wait(0)
    output = page.output(0)
    output.get_by_role("button", name="Stop").click()
    expect(output.get_by_text("■ stopped")).to_be_visible()
    expect(output.get_by_role("button", name="Stop")).to_be_hidden()
    page.page.wait_for_timeout(500)
    saved = nbformat.read(page.save(), as_version=4)
    bundle = next(found["data"] for found in saved.cells[0].outputs if "text/html" in found.get("data", {}))
    assert "40 · 38 running · 1 pending · 1 failing" in re.sub("<[^>]*>", "", bundle["text/html"])
    assert "CrashLoopBackOff" in bundle["text/plain"]
    assert "<script" not in bundle["text/html"]
    assert "http" not in bundle["text/html"]
    page.show_again()
    expect(page.output(0).get_by_text("■ stopped")).to_be_visible(timeout=20_000)
    expect(page.output(0).locator(".nbc-row:visible").first).to_contain_text("1/1")
    page.close()


def test_a_page_opened_later_shows_current_rows_and_finished_views(lab, browser):
    page = lab.open(browser, "table-later", [SHOW.format("200, changes=100"), BUILD])
    page.run_and_wait(0)
    page.run_and_wait(1)
    expect(page.output(0).locator(".nbc-row").first).to_be_visible(timeout=30_000)
    page.save()
    later = lab.open(browser, "table-later")
    output = later.output(0)
    expect(output.locator(".nbc-row:visible").first).to_be_visible(timeout=60_000)
    expect(output.get_by_text("● live")).to_be_visible()
    expect(later.output(1).get_by_role("status").first).to_have_text("✓ built")
    expect(later.output(1).locator(".nbc-cells-row")).not_to_have_count(0)
    before = output.locator(".nbc-rows").inner_text()
    expect(output.locator(".nbc-rows")).not_to_have_text(before)
    output.get_by_role("button", name="Stop").click()
    for shown in (later, page):
        expect(shown.output(0).get_by_text("■ stopped")).to_be_visible()
        assert shown.errors == []
        shown.close()


@pytest.mark.parametrize("table", ["100"], indirect=True)
def test_ages_keep_growing(table):
    table.output(0).locator(".nbc-filter").fill("age<2m")
    cell = table.output(0).locator(".nbc-row").first.locator(".nbc-cell").nth(6)
    expect(cell).to_have_text(re.compile("s$"))
    age = int(cell.inner_text().removesuffix("s"))
    expect(cell).to_have_text(re.compile(rf"^({age + 1}|{age + 2}|{age + 3})s$"))


def test_hostile_text_stays_text(lab, browser, screenshots):
    code = IMPORT + "operation = hostile_pods()\nNotebook().follow_behind(operation, TableView())"
    page = lab.open(browser, "table-hostile", [code, STOP])
    page.run_and_wait(0)
    root = page.output(0).locator(".nbc-table")
    expect(root.locator(".nbc-row").first).to_contain_text("<script>alert(2)</script>␛[31mred")
    expect(root.locator(".nbc-row").first).to_contain_text("user⟨U+202E⟩gnp.exe␀")
    assert root.locator("img, script, a").count() == 0
    assert not set("\x1b\x00\u202e\x9b") & set(root.inner_text())
    root.screenshot(path=screenshots / "table-hostile.png")
    assert page.errors == []
    page.run_and_wait(1)
    page.close()


@pytest.mark.parametrize("table", ["3"], indirect=True)
def test_the_keys_are_explained(table, screenshots):
    element = grid(table)
    element.focus()
    table.page.keyboard.press("?")
    panel = table.output(0).locator(".nbc-help")
    expect(panel).to_be_visible()
    expect(panel).to_contain_text("restarts>3")
    for width in (350, 500, 760):
        root = table.output(0).locator(".nbc-table")
        root.evaluate("(element, width) => { element.style.width = `${width}px` }", width)
        assert root.bounding_box()["width"] == width
        heights = panel.locator("dt").evaluate_all("words => words.map(word => word.offsetHeight)")
        assert max(heights) < 45  # two lines at most
        assert panel.evaluate(OVERFLOWING) == []
        root.screenshot(path=screenshots / f"table-keys-{width}.png")
    table.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_a_table_whose_kernel_was_killed_or_restarted_says_so(lab, browser, screenshots):
    page = lab.open(
        browser, "kernel-gone", [SHOW.format("30, changes=50"), "import os; print(os.getpid())"], own_kernel=True
    )
    output = page.output(0)
    status = output.locator(".nbc-status")
    page.run_and_wait(0)
    expect(status).to_have_text("● live", timeout=30_000)
    page.run_and_wait(1)
    os.kill(int(page.output(1).inner_text()), signal.SIGKILL)
    expect(status).to_have_text(NOT_LIVE, timeout=40_000)
    expect(output.get_by_role("button", name="Stop")).to_be_hidden()
    expect(output.locator(".nbc-row").first).to_be_visible()  # its last state is still there
    page.page.screenshot(path=screenshots / "table-kernel-gone.png")
    page.dismiss_dialog()  # JupyterLab's own dialog: the kernel died, and was restarted
    page.wait_for_kernel()
    page.run_and_wait(0)
    expect(status).to_have_text("● live", timeout=30_000)
    page.restart_kernel()  # a kernel that is shut down still says so
    expect(status).to_have_text(re.compile(f"^■ stopped$|{NOT_LIVE.pattern}"), timeout=40_000)
    assert page.errors == []
    page.close()
