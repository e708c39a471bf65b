"""The gallery of all blocks: in light, dark and high contrast, wide and narrow, checked by axe-core."""

import re
from collections import Counter

import pytest
from playwright.sync_api import Page, expect

from nbcontainer.views.text import as_text
from nbcontainer.widgets.live import STATIC
from tests.browser.test_accessibility import AXE
from tests.views import gallery

ADDRESS = "http://gallery.test"
LOOKS = {
    "light": ("light", 1240, "none"),
    "dark": ("dark", 1240, "none"),
    "contrast": ("light", 1240, "active"),
    "narrow": ("light", 366, "none"),
}


@pytest.fixture
def opened(browser):
    """Opens the gallery with a theme, a width and forced colours, or without."""
    if not (STATIC / "picture.js").exists():
        pytest.skip("the front end is not built; run `pip install -e .`")
    pages = []

    def show(theme="light", width=1240, forced="none"):
        context = browser.new_context(viewport={"width": width, "height": 900}, forced_colors=forced)
        page = context.new_page()
        pages.append(context)
        page.on("pageerror", lambda error: pytest.fail(f"{error}"))
        page.on("dialog", lambda dialog: pytest.fail(dialog.message))
        script = (STATIC / "picture.js").read_text("utf-8")
        page.route(f"{ADDRESS}/picture.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
        page.route(f"{ADDRESS}/", lambda route: route.fulfill(body=gallery.page(theme), content_type="text/html"))
        page.goto(f"{ADDRESS}/")
        page.wait_for_selector("body[data-ready]")
        return page

    yield show
    for context in pages:
        context.close()


def drawn(page: Page, name: str):
    return page.locator(f"[data-name='{name}'] [data-picture]")


@pytest.mark.parametrize("look", LOOKS)
def test_the_gallery_is_accessible_and_fits(opened, screenshots, look):
    theme, width, forced = LOOKS[look]
    page = opened(theme, width, forced)
    page.screenshot(path=screenshots / f"gallery-{look}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.evaluate(
        """() => [...document.querySelectorAll('[data-picture] .nbc')]
                 .filter(box => box.scrollWidth > box.clientWidth + 1)
                 .map(box => box.closest('section').dataset.name)"""
    )
    assert wide == []
    if not AXE.exists():
        pytest.skip("axe-core is missing; run `npm ci` in nbcontainer/frontend")
    page.add_script_tag(content=AXE.read_text("utf-8"))
    found = page.evaluate("axe.run({ include: [['[data-picture]'], ['.static']] }, { resultTypes: ['violations'] })")
    faults = [
        f"{fault['id']}: {fault['help']}: {[node['html'][:300] for node in fault['nodes']]}"
        for fault in found["violations"]
    ]
    assert faults == []


def test_a_tree_is_used_by_keyboard_and_loads_what_is_opened(opened):
    page = opened()
    tree = drawn(page, "tree").get_by_role("tree", name="Files")
    tree.locator("[tabindex='0']").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowLeft"):  # to main.py, to static, which closes
        page.keyboard.press(key)
    expect(tree.locator(":focus")).to_have_text("▸static  ")
    expect(tree.locator(":focus")).to_have_attribute("aria-expanded", "false")
    expect(tree.get_by_role("treeitem")).to_have_count(8)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")  # vendor: its children come from the kernel
    expect(tree.get_by_role("treeitem")).to_have_count(10)
    page.keyboard.press("ArrowRight")
    expect(tree.locator(":focus")).to_have_text("x  4.1 MB")
    expect(tree.locator(":focus")).to_have_attribute("aria-level", "3")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(tree.locator(":focus")).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("End")
    expect(tree.locator(":focus")).to_have_text("passwd  1.2 kB")
    page.keyboard.press("Home")
    expect(tree.locator(":focus")).to_have_text("▾app  17 kB")
    expect(tree.locator("[tabindex='0']")).to_have_count(1)


def test_a_line_chart_has_a_table_for_screen_readers(opened):
    page = opened()
    plot = drawn(page, "line").get_by_role("group", name="Use of web-1")
    table = plot.get_by_role("table", name="Use of web-1")
    expect(table.get_by_role("columnheader")).to_have_text(["time", "cpu", "! limit", "memory"])
    expect(table.get_by_role("row").nth(1)).to_contain_text("12:00:00")
    box = plot.locator(".nbc-hidden").bounding_box()
    assert box["width"] <= 1
    assert plot.locator("svg path[d^='M']").count() >= 6


# what only the page says: the meaning of signs, for screen readers, and its own buttons
OWN_WORDS = {"done", "failed", "running", "cached", "warning", "show", "all", "less", "lines", "line"}


def words(text: str) -> Counter[str]:
    """What a drawer says, without signs, bars and the order of lines."""
    return Counter(re.findall(r"[^\s●✓✕○◐■│━╌·:…]+", text))


def test_all_drawers_say_the_same_of_what_was_recorded(opened):
    page = opened()
    for name, picture in gallery.recorded().items():
        said = words(as_text(picture))
        assert len(said) > 3, name
        assert words(gallery.in_terminal(picture, width=400)) == said, name
        static = page.locator(f"[data-name='{name}'] .static").inner_text()
        assert words(static) == said, name
        shown = words(drawn(page, name).inner_text())
        assert set(said) - set(shown) <= {"lines"}, (
            name
        )  # of the heading above the output, which the page has in its row
        assert set(shown) - set(said) <= OWN_WORDS, name
