"""The build view in JupyterLab: a real page, a real kernel, recorded events of real builds."""

import re
import time

import nbformat
from playwright.sync_api import expect

from tests.browser.test_tables import FRAMES

IMPORT = "from tests.browser.replay import show_build\n"
SEEN = """() => { window.seen = [];
  const note = changes => changes.forEach(({ target }) => window.seen.push(target.getAttribute('aria-valuenow')));
  new MutationObserver(note).observe(document, { subtree: true, attributeFilter: ['aria-valuenow'] }) }"""


def test_look(lab, browser, screenshots):
    cells = [IMPORT + "show_build('good', speed=3)", IMPORT + "show_build('failing', speed=20)"]
    page = lab.open(browser, "look", [*cells, IMPORT + "show_build('good', hold=75)"])
    page.run_and_wait(0)
    page.run_and_wait(1)
    page.run(2)
    running = page.output(2).locator(".nbc-is-running")
    expect(running).to_have_count(1, timeout=30_000)
    expect(page.output(2).locator(".nbc-edge-running").first).to_be_visible()
    for theme in ("dark", "light"):
        page.use_theme(theme)
        for index, name in enumerate(["done", "failed", "running"]):
            page.output(index).locator(".nbc-picture").screenshot(path=screenshots / f"build-{name}-{theme}.png")
        page.page.screenshot(path=screenshots / f"build-page-{theme}.png")
    page.output(2).get_by_role("button", name="Stop").click()
    page.wait_executed(2)
    assert page.errors == []
    page.close()


def test_live_updates_while_the_cell_runs(lab, browser):
    page = lab.open(browser, "live", [IMPORT + "show_build('good')"])
    page.page.evaluate(SEEN)
    page.run(0)
    output = page.output(0)
    expect(output.get_by_role("status").first).to_have_text("building")
    expect(output.get_by_role("status").first).to_have_text("✓ built", timeout=30_000)
    seen = page.page.evaluate("window.seen")
    assert len(set(seen)) >= 3, seen
    page.wait_executed(0)
    expect(output.locator(".nbc-is-good > :last-child").nth(1)).to_have_text(re.compile(r"^3\.\d s$"))
    page.close()


def test_stop_reaches_a_kernel_whose_cell_blocks(lab, browser):
    code = IMPORT + "import time\ntry:\n    show_build('good', hold=60)\nfinally:\n    print('ended', time.time())"
    page = lab.open(browser, "stop", [code])
    page.run(0)
    stop = page.output(0).get_by_role("button", name="Stop")
    expect(stop).to_be_visible(timeout=30_000)
    page.page.wait_for_timeout(500)
    clicked = time.time()
    stop.click()
    page.wait_executed(0)
    ended = float(page.output(0).locator("pre", has_text=re.compile("^ended [0-9]")).first.inner_text().split()[1])
    assert ended - clicked < 1.0
    expect(page.output(0).get_by_role("status").first).to_have_text("■ stopped")
    page.close()


def test_hostile_output_stays_text(lab, browser):
    page = lab.open(browser, "hostile", [IMPORT + "show_build('good', speed=20)"])
    page.run_and_wait(0)
    output = page.output(0)
    step = output.locator(".nbc-cells-row[role=button]").first
    step.focus()
    page.page.keyboard.press("Enter")
    expect(step).to_have_attribute("aria-expanded", "true")
    log = output.get_by_role("log").first
    expect(log).to_contain_text("<img src=x onerror=alert(1)>")
    expect(log).to_contain_text("user⟨U+202E⟩txt.exe")
    expect(log.locator("span", has_text="ok")).to_have_class("nbc-f2")
    assert output.locator("img").count() == 0
    assert page.errors == []
    page.close()


def test_a_saved_notebook_shows_the_end_without_a_kernel(lab, browser):
    page = lab.open(browser, "saved", [IMPORT + "show_build('failing', speed=20)"])
    page.run_and_wait(0)
    expect(page.output(0).get_by_role("status").first).to_contain_text("failed at line 4, exit code 1")
    saved = nbformat.read(page.save(), as_version=4)
    page.close()
    bundles = [output["data"] for output in saved.cells[0].outputs if "text/html" in output.get("data", {})]
    assert len(bundles) == 1
    html = bundles[0]["text/html"]
    assert "failed at line 4" in html
    assert "rate.NewLimiter &lt;b&gt;no&lt;/b&gt;" in html
    assert "<script" not in html
    assert "http" not in html
    assert "failed at line 4" in bundles[0]["text/plain"]
    # the same HTML in a separate page, without scripts or network
    context = browser.new_context(java_script_enabled=False, offline=True)
    alone = context.new_page()
    alone.set_content(html)
    expect(alone.get_by_text("failed at line 4, exit code 1")).to_be_visible()
    context.close()


def test_opened_again_without_its_kernel_the_saved_picture_is_shown(lab, browser, screenshots):
    page = lab.open(browser, "opened-again", [IMPORT + "show_build('failing', speed=20)"], own_kernel=True)
    page.run_and_wait(0)
    expect(page.output(0).locator(".nbc-picture")).to_be_visible()
    page.save()
    page.close()  # and its kernel with it
    page = lab.open(browser, "opened-again", own_kernel=True)
    picture = page.output(0).locator("[role='group'][aria-label]")
    expect(picture).to_contain_text("✕ failed", timeout=30_000)
    expect(page.output(0)).not_to_contain_text("model not found")
    page.page.screenshot(path=screenshots / "build-opened-again.png")
    assert page.errors == []
    page.close()


def test_a_step_that_prints_as_fast_as_it_can_leaves_the_page_smooth(lab, browser, figures):
    code = "from tests.browser.feeds import printing_build\nfrom nbcontainer.views.build import BuildView\n"
    code += (
        "from nbcontainer.views.notebook import Notebook\nNotebook().follow_behind(printing_build(20, 1), BuildView())"
    )
    page = lab.open(browser, "build-flood", [code])
    blank = browser.new_page()
    possible = blank.evaluate(FRAMES, 1)  # the frames that this machine draws of an empty page now
    blank.close()
    page.run_and_wait(0)
    output = page.output(0)
    rows = output.locator(".nbc-cells-row[role=button]")
    expect(rows).to_have_count(1, timeout=30_000)
    before = output.get_by_role("log").first.inner_text()
    folded = page.page.evaluate(FRAMES, 1.5)
    rows.first.click()
    expect(rows.first).to_have_attribute("aria-expanded", "true")
    unfolded = page.page.evaluate(FRAMES, 1.5)
    expect(output.get_by_role("log").first).not_to_have_text(before)
    figures(f"a step prints: {folded:.0f} frames/s, {unfolded:.0f} with all lines; blank {possible:.0f}")
    assert folded > possible / 4
    assert unfolded > possible / 20
    output.get_by_role("button", name="Stop").click()
    expect(output.get_by_role("status").first).to_have_text("■ stopped", timeout=30_000)
    assert page.errors == []
    page.close()
