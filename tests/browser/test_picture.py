"""Pictures in the page: blocks that change while the user is at them, and what their buttons do."""

import os
import re
import signal

from playwright.sync_api import expect

from tests.browser.jupyter import REPOSITORY

SHOW = "from tests.browser.pictures import show_sample, told\nshown = show_sample()"
AXE = REPOSITORY / "nbcontainer" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"


def test_rows_are_unfolded_and_stay_so(lab, browser, screenshots):
    page = lab.open(browser, "picture-rows", [SHOW])
    page.run_and_wait(0)
    output = page.output(0)
    rows = output.get_by_role("listitem")
    first, second = (rows.nth(index).get_by_role("button").first for index in range(2))
    expect(output.get_by_role("log")).to_have_count(1)  # the end of what runs
    expect(second).to_have_attribute("aria-expanded", "false")
    first.focus()
    page.page.keyboard.press("ArrowDown")
    expect(second).to_be_focused()
    page.page.keyboard.press("Enter")
    expect(second).to_have_attribute("aria-expanded", "true")
    log = rows.nth(1).get_by_role("log")
    log.locator("div", has_text="line 0").evaluate("element => { element.marked = true }")
    page.execute("told.put(100)")
    expect(log).to_contain_text("line 99")
    assert log.locator("div", has_text="line 0").first.evaluate("element => element.marked")  # lines are only added
    assert log.evaluate("element => element.scrollTop + element.clientHeight >= element.scrollHeight - 2")
    expect(second).to_have_attribute("aria-expanded", "true")
    log.hover()
    page.page.mouse.wheel(0, -2000)
    page.execute("told.put(600)")
    expect(output).to_contain_text("600 lines")
    expect(output).to_contain_text("the rest is in /tmp/output.txt")
    assert log.locator("div:not([hidden])").count() == 400
    assert log.evaluate("element => element.scrollTop") < 100  # the user reads there
    first.click()
    expect(rows.first.get_by_role("log")).to_contain_text("user⟨U+202E⟩")
    assert output.locator("img, script").count() == 0
    for theme in ("dark", "light"):
        page.use_theme(theme)
        output.locator(".nbc-picture").screenshot(path=screenshots / f"picture-{theme}.png")
    page.execute("told.put(0)")
    expect(output.get_by_role("button", name="Stop")).to_be_hidden()
    assert page.errors == []
    page.close()


def test_clocks_and_bars_run_by_themselves(lab, browser):
    page = lab.open(browser, "picture-clock", [SHOW, "import os; print(os.getpid())"], own_kernel=True)
    page.run_and_wait(0)
    facts = page.output(0).locator(".nbc-facts")
    before = facts.inner_text()
    expect(facts).not_to_have_text(before)
    assert re.fullmatch(r"3 lines · \d+ min \d\d s", facts.inner_text())
    fill = page.output(0).locator(".nbc-gantt > i").nth(1)
    width = fill.evaluate("element => parseFloat(element.style.width)")
    page.page.wait_for_function(
        "([element, width]) => parseFloat(element.style.width) > width", arg=[fill.element_handle(), width]
    )
    page.run_and_wait(1)
    os.kill(int(page.output(1).inner_text()), signal.SIGKILL)
    status = page.output(0).get_by_role("status").first
    expect(status).to_have_text(re.compile("^◌ not live|^◌ no response"), timeout=40_000)
    expect(page.output(0).get_by_role("button", name="Stop")).to_be_hidden(timeout=40_000)
    still = facts.inner_text()
    page.page.wait_for_timeout(1500)
    assert facts.inner_text() == still
    page.dismiss_dialog()
    page.close()


def test_buttons_write_the_magic_into_a_cell_below(lab, browser):
    page = lab.open(browser, "picture-actions", [SHOW])
    page.run_and_wait(0)
    output = page.output(0)
    section = output.locator("details")
    section.get_by_text("Volumes").click()
    page.execute("told.put(9)")
    expect(output).to_contain_text("9 lines")
    expect(section).to_have_attribute("open", "")
    section.get_by_role("button", name="Remove").click()
    expect(page.cell(1).locator(".cm-content")).to_have_text("%docker volume rm data")
    assert page.output(1).count() == 0 or page.output(1).inner_text() == ""  # it is not executed
    section.get_by_role("button", name="Nowhere").click()
    expect(section.get_by_text("There is no verb 'volume vanish' of %docker.")).to_be_visible()
    section.get_by_role("button", name="List").click()
    expect(page.cell(1).locator(".cm-content")).to_have_text("%docker volume ls --filter=name=data")
    assert page.errors == []
    page.close()


def test_axe_finds_nothing(lab, browser):
    page = lab.open(browser, "picture-axe", [SHOW])
    page.run_and_wait(0)
    page.output(0).locator("summary").click()
    page.page.add_script_tag(content=AXE.read_text("utf-8"))
    for theme in ("light", "dark"):
        page.use_theme(theme)
        found = page.page.evaluate("() => axe.run('.nbc')")
        assert [(fault["id"], [node["html"][:200] for node in fault["nodes"]]) for fault in found["violations"]] == []
    page.use_theme("light")
    page.close()
