"""Views inside other widgets: boxes, tabs, `interact`; a second view of the same widget; what is selected."""

from playwright.sync_api import expect

COMPOSED = """
from ipywidgets import HTML, Label, Tab, VBox, interact
from nbcontainer.model.changes import Change, Changes
from nbcontainer.model.tables import Table
from tests.browser.feeds import pods
table = Table(pods(5).state, follow=lambda state: pods(5, changes=50))
live = table.widget()
label = Label("nothing")
live.observe(lambda change: setattr(label, "value", " ".join(change["new"])), names="selected")
done = Changes((Change("Volume", "data", "", "deleted"),)).widget()
tab = Tab([VBox([live, label]), done], titles=["Pods", "Changes"])
tab"""
INTERACT = """
@interact(count=(1, 3))
def show(count=2):
    return Table(pods(count).state, follow=lambda state: pods(count, changes=50))"""


DISPLAYED = """
shown, told = Table(pods(4).state, follow=lambda state: pods(4, changes=50)), []
shown"""


def test_views_compose_with_other_widgets(lab, browser, screenshots):
    page = lab.open(browser, "composed", [COMPOSED, "live", "%load_ext nbcontainer", INTERACT, DISPLAYED])
    page.run_and_wait(0)
    output = page.output(0)
    rows = output.locator(".nbc-row")
    expect(output.get_by_role("status", name="").first).to_contain_text("live", timeout=30_000)
    expect(rows).to_have_count(5)
    rows.nth(1).click()
    name = rows.nth(1).inner_text().split("\n")[0]
    expect(output.locator(".widget-label").last).to_have_text(name)
    page.execute_in_time(f"assert table.selected.names == [{name!r}] and len(table) == 5, table.selected")
    output.get_by_role("tab", name="Changes").click()
    expect(output.get_by_text("volume/data")).to_be_visible()
    page.run_and_wait(1)  # a second view of the same widget
    second = page.output(1)
    expect(second.locator(".nbc-row")).to_have_count(5)
    cpu = second.locator(".nbc-row").first
    before = cpu.inner_text()
    expect(cpu).not_to_have_text(before, timeout=30_000)
    page.page.screenshot(path=screenshots / "composed.png")
    page.run_and_wait(2)
    page.run_and_wait(3)
    chosen = page.output(3).locator(".nbc-row")
    expect(chosen).to_have_count(2, timeout=30_000)
    page.output(3).locator(".noUi-handle").focus()
    page.page.keyboard.press("ArrowRight")
    expect(chosen).to_have_count(3, timeout=30_000)
    expect(page.output(3).locator(".nbc-status")).to_have_text("● live", timeout=30_000)
    page.page.screenshot(path=screenshots / "composed-interact.png")
    page.execute("assert not Table(pods(1).state).selected.names")
    page.run_and_wait(4)  # the table itself, displayed by its cell
    expect(page.output(4).locator(".nbc-status")).to_have_text("● live", timeout=30_000)
    page.execute("shown.observe(lambda selected: told.append(selected.names))")
    rows = page.output(4).locator(".nbc-row")
    rows.nth(0).click()
    rows.nth(2).click(modifiers=["Control"])
    names = [rows.nth(at).inner_text().split("\n")[0] for at in (0, 2)]
    page.execute_in_time(f"assert shown.selected.names == {names} == told[-1], (shown.selected.names, told)")
    assert page.errors == []
    page.close()
