"""The view of a push in JupyterLab."""

from playwright.sync_api import expect

IMPORT = "from tests.browser.replay import show_push\n"


def test_look(lab, browser, screenshots):
    page = lab.open(browser, "push", [IMPORT + "show_push()", IMPORT + "show_push(hold=8)"])
    page.run_and_wait(0)
    expect(page.output(0).get_by_role("status").first).to_have_text("✓ pushed")
    assert page.output(0).get_by_role("listitem").count() == 3
    page.run(1)
    bar = page.output(1).get_by_role("progressbar", name="3d321517a9ad")
    expect(bar).to_have_attribute("aria-valuenow", "50", timeout=30_000)
    expect(page.output(1).get_by_text("91.1 MB / 182 MB")).to_be_visible()
    for theme in ("dark", "light"):
        page.use_theme(theme)
        for index, name in enumerate(["done", "running"]):
            page.output(index).locator(".nbc-picture").screenshot(path=screenshots / f"push-{name}-{theme}.png")
    page.output(1).get_by_role("button", name="Stop").click()
    page.wait_executed(1)
    assert page.errors == []
    page.close()
