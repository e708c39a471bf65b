"""A live table sleeps while none of its views is visible, and wakes when one is."""

from playwright.sync_api import expect

from tests.browser.test_tables import CLOSE_VIEW, OPEN_VIEW

LEASE = 1.0  # seconds
TABLE = f"""\
from tests.browser.feeds import pods
from nbcontainer.views.notebook import Notebook
from nbcontainer.views.tables import TableView
first = pods(30, changes=50)
first.stop()
live = Notebook().follow_later("watch", first.state, lambda _: pods(30, changes=50), TableView(), lease={LEASE})"""
TALL = """\
from IPython.display import HTML
HTML("<div style='height: 4000px'></div><div class='nbc-end'>end</div>")"""
ASLEEP = "^◌ asleep since \\d\\d:\\d\\d; wakes when looked at$"
TEXT_IS = "([element, text]) => new RegExp(text).test(element.textContent)"


def test_a_table_out_of_sight_sleeps_and_wakes_in_any_view(lab, browser, screenshots):
    page = lab.open(browser, "sleeping", [TABLE, TALL])
    page.run_and_wait(0)
    page.run_and_wait(1)
    notebook = page.page.locator(".jp-Notebook")
    table, end = page.output(0).locator(".nbc-table"), notebook.locator(".nbc-end")
    table.scroll_into_view_if_needed()
    expect(table.get_by_text("● live")).to_be_visible(timeout=30_000)
    table.locator(".nbc-filter").fill("web")
    status = table.locator(".nbc-status").element_handle()

    end.scroll_into_view_if_needed()
    page.page.wait_for_function(TEXT_IS, arg=[status, ASLEEP])
    table.scroll_into_view_if_needed()
    expect(table.get_by_text("● live")).to_be_visible()
    expect(table.locator(".nbc-filter")).to_have_value("web")
    expect(table.get_by_role("button", name="Stop")).to_be_enabled()

    page.cell(0).locator(".cm-content").click()
    page.page.evaluate(OPEN_VIEW)
    second = page.page.locator(".jp-LinkedOutputView .nbc-table")
    expect(second.get_by_text("● live")).to_be_visible()
    end.scroll_into_view_if_needed()
    page.page.wait_for_timeout(3000 * LEASE)
    expect(second.get_by_text("● live")).to_be_visible()  # one visible view is enough
    page.page.screenshot(path=screenshots / "table-second-view.png")
    page.page.evaluate(CLOSE_VIEW)
    page.page.wait_for_function(TEXT_IS, arg=[status, ASLEEP])

    page.save()
    page.reload()
    table.scroll_into_view_if_needed()
    expect(table.get_by_text("● live")).to_be_visible(timeout=60_000)
    assert page.errors == []
    page.execute("live.dismiss()")
    page.close()
