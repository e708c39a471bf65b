"""Every view, checked by axe-core and by keyboard."""

import pytest
from playwright.sync_api import expect

from tests.browser.jupyter import REPOSITORY

AXE = REPOSITORY / "nbcontainer" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
IMPORT = (
    "from tests.browser import feeds, replay\n"
    "from nbcontainer.views.logs import LogView\n"
    "from nbcontainer.views.notebook import Notebook\n"
    "from nbcontainer.views.tables import TableView\n"
)
VIEWS = {
    "build": "replay.show_build('good', speed=20)",
    "push": "replay.show_push()",
    "table": "Notebook().follow_behind(feeds.pods(30), TableView())",
    "log": "Notebook().follow_behind(feeds.log(100), LogView())",
}


def test_axe_finds_nothing(lab, browser):
    if not AXE.exists():
        pytest.skip("axe-core is missing; run `npm ci` in nbcontainer/frontend")
    page = lab.open(browser, "axe", [IMPORT + "\n".join(VIEWS.values()), "replay.show_build('failing')"])
    page.run_and_wait(0)
    page.run(1)
    expect(page.output(0).locator(".nbc")).to_have_count(len(VIEWS), timeout=30_000)
    expect(page.output(0).locator(".nbc-row").first).to_be_visible()
    expect(page.output(0).locator(".nbc-line").first).to_be_visible()
    expect(page.output(1).locator(".nbc-edge-bad")).to_be_visible(timeout=30_000)
    page.output(0).locator(".nbc-grid").focus()
    page.page.keyboard.press("?")
    page.page.add_script_tag(content=AXE.read_text("utf-8"))
    for theme in ("light", "dark"):
        page.use_theme(theme)
        found = page.page.evaluate("() => axe.run('.nbc')")
        faults = [
            f"{fault['id']}: {fault['help']}: {[node['html'][:200] for node in fault['nodes']]}"
            for fault in found["violations"]
        ]
        assert faults == [], theme
    page.use_theme("light")
    page.close()
