"""What is wrong with a Dockerfile, as it is typed in JupyterLab, and the fixes that the page offers."""

import pytest
from playwright.sync_api import expect

WRONG = """\
%%dockerfile -t web
FROM {{base}} as Build
MAINTAINER Ada <ada@example.com>
ENV GREETING hello there
copy --chwon=1:1 app /app
CMD python app.py
FROM scratch
COPY --from=biuld /app /app
"""
RIGHT = """\
%%dockerfile -t web
FROM {{base}} AS build
LABEL org.opencontainers.image.authors="Ada <ada@example.com>"
ENV GREETING="hello there"
COPY --chown=1:1 app /app
CMD ["python", "app.py"]
FROM scratch
COPY --from=build /app /app
"""


def source(page, index):
    return page.page.evaluate(
        """index => {
            const notebook = [...window.jupyterapp.shell.widgets('main')].find(widget => widget.sessionContext);
            return notebook.content.widgets[index].model.sharedModel.getSource();
        }""",
        index,
    )


def underlined(page, index):
    return page.cell(index).locator(".cm-lintRange-error, .cm-lintRange-warning")


@pytest.fixture
def typed(lab, browser):
    """A notebook whose kernel has the extension, with the Dockerfile in its second cell."""
    page = lab.open(browser, "problems", ["%load_ext nbcontainer\nbase = 'python:3.12-slim'", ""], own_kernel=True)
    page.run_and_wait(0)
    page.cell(1).locator(".cm-content").click()
    page.page.keyboard.insert_text(WRONG)
    expect(underlined(page, 1).filter(has_text="MAINTAINER")).to_have_count(1, timeout=15_000)
    yield page
    page.close()


def test_problems_and_fixes_in_the_page(typed, screenshots):
    page = typed.page
    for theme in ("light", "dark"):
        typed.use_theme(theme)
        page.mouse.move(5, 5)
        expect(page.locator(".cm-tooltip-lint")).to_have_count(0)
        underlined(typed, 1).filter(has_text="MAINTAINER").hover()
        tooltip = page.locator(".cm-tooltip-lint")
        expect(tooltip).to_contain_text("MAINTAINER is deprecated.")
        expect(tooltip.locator("a")).to_have_attribute(
            "href", "https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/"
        )
        page.screenshot(path=screenshots / f"problems-{theme}.png")
    typed.use_theme("light")
    underlined(typed, 1).filter(has_text="hello there").hover()
    page.locator(".cm-diagnosticAction", has_text="Write ENV").click()
    assert source(typed, 1) == WRONG.replace("GREETING hello there", 'GREETING="hello there"')
    expect(underlined(typed, 1).filter(has_text="hello there")).to_have_count(0, timeout=15_000)
    page.mouse.move(5, 5)
    expect(page.locator(".cm-tooltip-lint")).to_have_count(0)
    underlined(typed, 1).filter(has_text="biuld").hover()
    page.locator(".cm-diagnosticAction", has_text="Make all").first.click()
    expect(underlined(typed, 1)).to_have_count(0, timeout=15_000)
    assert source(typed, 1) == RIGHT
    assert typed.errors == []


def test_the_keyboard_reaches_the_fixes(typed, screenshots):
    page = typed.page
    typed.cell(1).locator(".cm-content").click()
    page.keyboard.press("Control+Shift+M")
    panel = typed.cell(1).locator(".cm-panel-lint")
    expect(panel).to_contain_text("MAINTAINER is deprecated.")
    for theme in ("light", "dark"):
        typed.use_theme(theme)
        page.screenshot(path=screenshots / f"problems-panel-{theme}.png")
    typed.use_theme("light")
    typed.cell(1).locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.press("F8")  # from the end, the first problem
    page.keyboard.press("Control+.")
    expect(underlined(typed, 1).filter(has_text="as")).to_have_count(0, timeout=15_000)
    assert source(typed, 1) == WRONG.replace("as Build", "AS Build")
    page.keyboard.press("Control+Home")
    for _ in range(7):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+.")  # anywhere in the line
    assert "--from=build" in source(typed, 1)


@pytest.mark.parametrize("application", ["lab", "notebook"])
def test_a_page_that_is_loaded_again_knows_the_problems(lab, browser, application):
    cells = ["print('before')", "%load_ext nbcontainer", "%%dockerfile\nFROM x as b\nRUM a\n"]
    page = lab.open(browser, f"problems-again-{application}", cells, own_kernel=True, application=application)
    expect(underlined(page, 2)).to_have_text(["RUM"], timeout=15_000)  # which the page finds itself
    page.run_and_wait(0)
    page.run_and_wait(1)
    expect(underlined(page, 2)).to_have_text(["as", "RUM"], timeout=15_000)
    page.save()
    page.reload()
    expect(underlined(page, 2)).to_have_text(["as", "RUM"], timeout=15_000)
    page.close()
