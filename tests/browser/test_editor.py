"""The extension in JupyterLab and Notebook 7: colours, completion while the kernel is busy, underlines."""

import pytest
from playwright.sync_api import expect

DOCKERFILE = """\
%%dockerfile -t web:1.4 --push .
# syntax=docker/dockerfile:1
FROM --platform=linux/amd64 golang:1.26 AS build
ARG VERSION=1.0
RUN --mount=type=cache,target=/root/.cache \\
    # a comment between
    go build -o /server "$VERSION" && echo ${HOME}
RUN for number in 6 7; do echo $(seq 8); done
COPY <<-EOF /notes.txt
\tFROM is text here, $VERSION is not
\tEOF
CMD ["/server", "--port", "8080"]
"""
YAML = """\
%%kube apply -n shop
apiVersion: v1
kind: Pod
metadata:
  name: web  # a comment
"""


EXEC = """\
%%kpod exec -n shop web -- sh
for name in 1; do echo "$name"; done
"""
LINE = "%kpod exec -n shop web -- sh"


def colour(cell, text):
    """The colour of `text`, if it differs from plain text."""
    return cell.evaluate(
        """(cell, text) => {
            const walker = document.createTreeWalker(cell.querySelector('.cm-content'), NodeFilter.SHOW_TEXT);
            for (let node = walker.nextNode(); node; node = walker.nextNode())
                if (node.data.trim() === text) {
                    const style = getComputedStyle(node.parentElement);
                    const line = getComputedStyle(node.parentElement.closest('.cm-line'));
                    return style.color === line.color && style.fontWeight === line.fontWeight ? 'plain' : style.color;
                }
            return null;
        }""",
        text,
    )


@pytest.mark.parametrize("application", ["lab", "notebook"])
def test_colours(lab, application, browser, screenshots):
    cells = [DOCKERFILE, YAML, "print('FROM')"]
    page = lab.open(browser, f"colours-{application}", cells, application=application)
    cell = page.cell(0)
    expect(cell.locator(".cm-line").first).to_contain_text("%%dockerfile")
    keyword = colour(cell, "FROM")
    assert keyword not in (None, "plain")
    assert colour(cell, "CMD") == colour(cell, "COPY") == keyword
    for text in ("--platform", "${HOME}", "ARG", "%%dockerfile", "# a comment between", '"/server"'):
        assert colour(cell, text) not in (None, "plain"), text
    assert colour(cell, "6") == colour(cell, "7") == colour(cell, "8") not in (None, "plain")
    assert colour(cell, "FROM is text here,") != keyword
    yaml = page.cell(1)
    assert colour(yaml, "# a comment") not in (None, "plain")
    assert colour(yaml, "apiVersion") not in (None, "plain")
    page.page.screenshot(path=screenshots / f"colours-{application}.png")
    # Notebook 7.6 logs an error at start even without any extension
    assert [error for error in page.errors if "nbcontainer" in error] == []
    page.close()


def test_what_a_pods_program_reads_is_plain_below_a_line_of_magic(lab, browser, screenshots):
    page = lab.open(browser, "colours-exec", [EXEC, LINE])
    cell, line = page.cell(0), page.cell(1)
    expect(cell.locator(".cm-line").nth(1)).to_contain_text("for name")
    assert colour(cell, "%%kpod") == colour(line, "%kpod") not in (None, "plain")
    for word in ("exec", "-n"):
        assert colour(cell, word) == colour(line, word) not in (None, "plain"), word
    assert colour(cell, 'for name in 1; do echo "$name"; done') == "plain"
    page.page.screenshot(path=screenshots / "colours-exec.png")
    page.close()


def test_a_cell_is_coloured_as_it_is_typed(lab, browser):
    page = lab.open(browser, "typed", [""])
    page.cell(0).locator(".cm-content").click()
    page.page.keyboard.type("%%dockerfile\nFROM busybox\nRUM echo\n")
    expect(page.cell(0).locator(".cm-line").nth(1)).to_have_text("FROM busybox")
    assert colour(page.cell(0), "FROM") not in (None, "plain")
    wrong = page.cell(0).locator(".cm-lintRange-error")
    expect(wrong).to_have_text("RUM", timeout=5_000)
    wrong.hover()
    expect(page.page.locator(".cm-diagnosticText")).to_have_text("unknown instruction: RUM. Did you mean RUN?")
    # without its magic it is Python again
    page.page.keyboard.press("Control+Home")
    page.page.keyboard.press("Shift+End")
    page.page.keyboard.press("Delete")
    expect(page.cell(0).locator(".cm-lintRange-error")).to_have_count(0)
    page.close()


def open_busy(lab, browser, name, cells):
    """A notebook whose kernel is busy in the first cell, with empty cells below."""
    page = lab.open(browser, name, ["import time\nprint('begun')\ntime.sleep(60)", *[""] * cells])
    page.run(0)
    expect(page.output(0)).to_contain_text("begun", timeout=30_000)
    return page


def test_completion_works_while_the_kernel_is_busy(lab, browser):
    words = {
        "%%dockerfile\nFR": "FROM",
        "%%dockerfile --bui": "--build-arg",
        "%%dockerfile\nFROM busybox\nCOPY --ch": "--chown=",
        "%%dockerfile\nFROM busybox\nRUN --mount=type=ca": "cache",
        "%%kube app": "apply",
    }
    page = open_busy(lab, browser, "busy", len(words))
    for index, (text, label) in enumerate(words.items(), 1):
        page.cell(index).locator(".cm-content").click()
        page.page.keyboard.type(text)
        page.page.keyboard.press("Tab")
        accepted = page.cell(index).locator(".cm-line").last
        menu = page.page.locator(".jp-Completer-item", has_text=label).first
        # a single match is inserted at once, several are offered
        expect(menu.or_(accepted.filter(has_text=label)).first).to_be_visible(timeout=10_000)
        page.page.keyboard.press("Escape")
    page.interrupt_kernel()
    page.wait_executed(0)
    page.close()


# in the page's order: shortest first, then alphabetical; in the given order if nothing is typed yet
LABELS = {
    "%%dockerfile\nFROM busybox AS zz-tools\nFROM busybox AS build\nFROM busybox AS own\nCOPY --from=": [
        ("zz-tools", "stage"),
        ("build", "stage"),
    ],
    "%docker lo": [("login", "verb"), ("logout", "verb"), ("logs", "verb")],
    "%kpod logs --ta": [("--table-context", "flag"), ("--table-server", "flag"), ("--tail", "flag")],
    "%%dockerfile\nFROM busybox\nCOPY --ch": [("--chmod=", "flag"), ("--chown=", "flag")],
}


def test_completions_have_kinds_while_the_kernel_is_busy(lab, browser):
    page = open_busy(lab, browser, "labels", len(LABELS))
    for index, (text, offered) in enumerate(LABELS.items(), 1):
        page.cell(index).locator(".cm-content").click()
        page.page.keyboard.insert_text(text)
        page.page.keyboard.press("Tab")
        menu = page.page.locator(".jp-Completer-item:visible")
        for place, (label, kind) in enumerate(offered):
            expect(menu.nth(place).locator(".jp-Completer-match")).to_have_text(label, timeout=10_000)
            expect(menu.nth(place).locator(".jp-Completer-typeExtended")).to_have_text(kind)
        expect(menu).to_have_count(len(offered))
        page.page.keyboard.press("Escape")
    page.interrupt_kernel()
    page.wait_executed(0)
    page.close()


def test_words_of_the_cell_are_not_offered(lab, browser):
    page = lab.open(browser, "words", ["%load_ext nbcontainer", ""])
    page.run(0)
    page.wait_executed(0)
    page.cell(1).locator(".cm-content").click()
    page.page.keyboard.insert_text("%%dockerfile -t web .\nFROM busybox AS tools\nEXPOSE 80/")
    page.page.keyboard.press("Tab")
    menu = page.page.locator(".jp-Completer-item:visible .jp-Completer-match")
    expect(menu).to_have_text(["tcp", "udp"], timeout=10_000)
    page.close()


def test_the_word_under_the_pointer_is_explained(lab, browser):
    text = '%%dockerfile\nFROM busybox\nENV RELEASE=2.4\nONBUILD COPY --from=a b c\nRUN echo "$RELEASE" COPY'
    page = lab.open(browser, "explained", [text])
    shown = page.page.locator(".nbc-meaning")
    for word, meaning in {"$RELEASE": "RELEASE=2.4 (ENV)", "--from": "Copies from an earlier stage"}.items():
        page.cell(0).locator(".cm-line span", has_text=word).last.hover()
        expect(shown).to_contain_text(meaning, timeout=10_000)
    page.page.mouse.move(0, 0)
    expect(shown).to_have_count(0)
    page.close()
