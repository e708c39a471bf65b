"""The log view in JupyterLab: a real page, a real kernel, a real spool file."""

import re
import time

import nbformat
from playwright.sync_api import expect

IMPORT = (
    "from tests.browser.feeds import *\n"
    "from nbcontainer.views.notebook import Notebook\n"
    "from nbcontainer.views.logs import LogView\n"
    "from pathlib import Path\n"
)
SHOW = IMPORT + "operation = log({})\nNotebook().follow_behind(operation, LogView())"
STOP = "operation.stop(); operation.wait(5); Path(operation.state.spool or '/none').unlink(missing_ok=True)"
FIRST_IN_SIGHT = """lines => { const { top } = lines.getBoundingClientRect();
  const line = [...lines.querySelectorAll('.nbc-line')].find(line => line.getBoundingClientRect().bottom > top + 1);
  return [line.textContent, Math.round(line.getBoundingClientRect().top - top)] }"""
LAST = "print('total', operation.state.total, operation.state.lines[-1].text)"


def open_log(lab, browser, name, arguments):
    page = lab.open(browser, name, [SHOW.format(arguments), STOP])
    page.run(0)
    expect(page.output(0).locator(".nbc-line").first).to_be_visible(timeout=30_000)
    return page


def close(page):
    assert page.errors == []
    page.run_and_wait(1)
    page.close()


def test_look(lab, browser, screenshots):
    page = open_log(lab, browser, "log-look", "5_000, rate=200")
    output = page.output(0)
    expect(output.locator(".nbc-counts")).to_contain_text("/s")
    for theme in ("dark", "light"):
        page.use_theme(theme)
        output.locator(".nbc-log").screenshot(path=screenshots / f"log-{theme}.png")
    output.get_by_role("button", name="Time").click()
    output.locator(".nbc-search").fill("503 OR error")
    expect(output.locator(".nbc-hits")).to_have_text(re.compile(r"^[\d,]+ of [\d,]+$"))
    expect(output.locator("mark").first).to_be_visible()
    for theme in ("dark", "light"):
        page.use_theme(theme)
        output.locator(".nbc-log").screenshot(path=screenshots / f"log-search-{theme}.png")
        page.page.screenshot(path=screenshots / f"log-page-{theme}.png")
    page.run_and_wait(1)
    expect(output.get_by_text("■ stopped")).to_be_visible()
    page.close()


def test_follow_pause_and_resume(lab, browser):
    page = open_log(lab, browser, "log-follow", "1_000, rate=100")
    output = page.output(0)
    lines = output.locator(".nbc-log-lines")
    last = output.locator(".nbc-line").last
    before = last.inner_text()
    expect(last).not_to_have_text(before)
    lines.focus()
    page.page.keyboard.press("Space")
    expect(output.get_by_text("◌ paused")).to_be_visible()
    still = lines.evaluate(FIRST_IN_SIGHT)
    expect(output.locator(".nbc-jump")).to_have_text(re.compile(r"↓ \d+ new lines"))
    assert lines.evaluate(FIRST_IN_SIGHT) == still
    page.page.keyboard.press("Home")
    expect(output.locator(".nbc-line").first).to_contain_text("#0")
    output.locator(".nbc-jump").click()
    expect(output.get_by_text("● live")).to_be_visible()
    expect(output.locator(".nbc-line", has_text=re.compile("#0$"))).to_have_count(0)
    output.get_by_role("button", name="Stop").click()
    expect(output.get_by_text("■ stopped")).to_be_visible()
    close(page)


def test_any_part_of_a_long_log_can_be_viewed(lab, browser):
    page = open_log(lab, browser, "log-range", "60_000, run=20")
    output = page.output(0)
    lines = output.locator(".nbc-log-lines")
    expect(output.locator(".nbc-counts")).to_contain_text("60,000 lines")
    expect(output.locator(".nbc-line").last).to_contain_text("#59999")
    lines.evaluate("element => { element.scrollTop = element.scrollHeight / 2 }")
    expect(output.locator(".nbc-line", has_text=re.compile(r"#300\d\d$")).first).to_be_visible()
    lines.focus()
    page.page.keyboard.press("Home")
    expect(output.locator(".nbc-line").first).to_contain_text("#0")
    for _ in range(3):
        page.page.keyboard.press("PageDown")
    expect(output.locator(".nbc-line", has_text="#50").first).to_be_visible()
    page.page.keyboard.press("End")
    expect(output.locator(".nbc-line").last).to_contain_text("#59999")
    assert output.locator(".nbc-line").count() < 60
    close(page)


def test_lines_from_the_file_keep_source_colour_and_time(lab, browser, screenshots):
    """Merged logs, scrolled back far beyond the lines that are in memory."""
    page = open_log(lab, browser, "log-back", "15_000")
    output = page.output(0)
    expect(output.locator(".nbc-line").last).to_contain_text("#14999", timeout=30_000)
    output.get_by_role("button", name="Time").click()
    output.locator(".nbc-log-lines").evaluate("element => { element.scrollTop = element.scrollHeight / 3 }")
    for number, source in enumerate(("web-7c9d5b-x2x8q", "web-7c9d5b-r7kpl", "web-7c9d5b-9k2vh"), 5_001):
        line = output.locator(".nbc-line", has_text=f"#{number}")
        name = line.locator(".nbc-source")
        expect(name).to_have_text(source)
        expect(name).to_have_class(re.compile(r"nbc-s\d"))
        time_shown = line.locator("span").first
        expect(time_shown).to_have_text(re.compile(rf"^\d\d:\d\d:\d\d\.{number % 1000:03d}$"))
        expect(time_shown).to_have_attribute("title", re.compile(r"^\d{4}-\d\d-\d\dT"))
    expect(output.locator(".nbc-line", has_text=re.compile("ERROR")).first.locator(".nbc-f1")).to_have_text("ERROR")
    for theme in ("dark", "light"):
        page.use_theme(theme)
        output.locator(".nbc-log").screenshot(path=screenshots / f"log-back-{theme}.png")
    close(page)


def test_search_covers_the_whole_log_and_new_lines(lab, browser):
    page = open_log(lab, browser, "log-search", "20_000, rate=60, run=20")
    output = page.output(0)
    hits = output.locator(".nbc-hits")
    output.locator(".nbc-log-lines").focus()
    page.page.keyboard.press("/")
    page.page.keyboard.insert_text("#12345")
    expect(hits).to_have_text("1 of 1")
    expect(output.locator(".nbc-marked")).to_contain_text("#12345")
    expect(output.locator(".nbc-marked mark")).to_have_text("#12345")
    output.get_by_role("button", name="Regular expression").click()
    output.locator(".nbc-search").fill(r"#\d*77$ OR never")
    expect(hits).to_have_text(re.compile(r"of 2\d\d$"))
    found = hits.inner_text()
    expect(hits).not_to_have_text(found, timeout=10_000)  # more arrived in the meantime
    output.locator(".nbc-search").press("Enter")
    output.locator(".nbc-search").press("Shift+Enter")
    output.locator(".nbc-search").fill("(")
    expect(hits).to_have_text("invalid regex")
    output.locator(".nbc-search").press("Escape")
    expect(hits).to_have_text("")
    assert output.locator("mark").count() == 0
    close(page)


def test_wrap_and_time(lab, browser):
    page = open_log(lab, browser, "log-wrap", "2_000, pad=400")
    output = page.output(0)
    expect(output.locator(".nbc-line").last).to_contain_text("#1999")
    output.get_by_role("button", name="Wrap").click()
    last = output.locator(".nbc-line").last
    expect(last).to_contain_text("#1999")
    box, frame = last.bounding_box(), output.locator(".nbc-log-lines").bounding_box()
    assert box["height"] > 40
    assert abs(box["y"] + box["height"] - frame["y"] - frame["height"]) < 20, "the end stands at the lower edge"
    output.locator(".nbc-log-lines").focus()
    page.page.keyboard.press("Home")
    first = output.locator(".nbc-line").first
    expect(first).to_contain_text("#0")
    frame = output.locator(".nbc-log-lines").bounding_box()
    assert abs(first.bounding_box()["y"] - frame["y"]) < 3
    page.page.keyboard.press("t")
    expect(first).to_contain_text(re.compile(r"\d\d:\d\d:\d\d\.\d{3}"))
    close(page)


def test_a_short_log_has_a_footer_if_a_line_is_too_wide(lab, browser, screenshots):
    page = open_log(lab, browser, "log-few", "2")
    output = page.output(0)
    page.run_and_wait(1)
    expect(output.get_by_text("■ stopped")).to_be_visible()
    root, lines, wrap = (output.locator(".nbc-log"), output.locator(".nbc-log-lines"), output.get_by_text("Wrap"))
    expect(wrap).to_be_hidden()
    root.evaluate("element => { element.style.width = '320px' }")
    expect(wrap).to_be_visible()
    root.screenshot(path=screenshots / "log-few-320.png")
    high = lines.bounding_box()["height"]
    wrap.click()
    expect(wrap).to_be_visible()
    expect(lines).to_have_js_property("scrollWidth", lines.evaluate("element => element.clientWidth"))
    page.page.wait_for_function(
        "([lines, high]) => lines.offsetHeight > high && lines.scrollHeight === lines.clientHeight",
        arg=[lines.element_handle(), high],
    )
    assert lines.bounding_box()["height"] < 200, "no higher than the lines"
    root.screenshot(path=screenshots / "log-few-320-wrapped.png")
    wrap.click()
    root.evaluate("element => { element.style.width = '' }")
    expect(wrap).to_be_hidden()
    page.close()


def test_copy_yields_plain_text(lab, browser):
    page = open_log(lab, browser, "log-copy", "3_000")
    page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    output = page.output(0)
    output.get_by_role("button", name="Copy").click()
    expect(output.get_by_text("copied 3,000 lines")).to_be_visible()
    copied = page.page.evaluate("navigator.clipboard.readText()").split("\n")
    assert copied[0] == "web-7c9d5b-x2x8q | GET /cart 200 3.1ms #0"
    assert len(copied) == 3_000
    assert not any("\x1b" in line for line in copied)
    close(page)


def test_a_flood_loses_no_line_and_never_freezes_the_page(lab, browser, figures):
    """A million lines, 200 MB: the page stays smooth, the kernel answers, and every line can be found."""
    page = lab.open(browser, "log-flood", [SHOW.format("1_000_000, pad=130, run=100"), LAST, STOP])
    page.run(0)
    output = page.output(0)
    counts = output.locator(".nbc-counts")
    expect(output.locator(".nbc-line").first).to_be_visible(timeout=30_000)
    started = time.monotonic()
    before = int(re.sub(r"\D", "", counts.inner_text().split(" line")[0]))
    page.page.evaluate("""() => { window.gaps = []; let last = performance.now();
      const count = now => { window.gaps.push(now - last); last = now; requestAnimationFrame(count) };
      requestAnimationFrame(count) }""")
    page.run_and_wait(1)
    answered = time.monotonic() - started
    expect(counts).to_contain_text("1,000,000 lines", timeout=120_000)
    took = time.monotonic() - started
    gaps = page.page.evaluate("window.gaps")
    size = output.locator(".nbc-spool").inner_text().split(" in ")[0]
    figures(
        f"flood: {1_000_000 - before:,} lines ({size} in all) in {took:.1f} s, {(1_000_000 - before) / took:,.0f}/s; "
        f"a cell answered after {answered:.2f} s; {len(gaps) / took:.0f} frames/s, longest gap {max(gaps):.0f} ms"
    )
    assert max(gaps) < 1000
    expect(output.locator(".nbc-line").last).to_contain_text("#999999")
    page.page.evaluate("""() => { const begun = performance.now();
      window.searched = new Promise(done => { const look = () =>
        [...document.querySelectorAll('.nbc-hits')].some(hits => hits.textContent === '1 of 1')
          ? done(performance.now() - begun) : requestAnimationFrame(look);
        look() }) }""")
    output.locator(".nbc-search").fill("#123456x")
    expect(output.locator(".nbc-hits")).to_have_text("1 of 1", timeout=60_000)
    figures(f"search in 1,000,000 lines: {page.page.evaluate('window.searched'):.0f} ms with typing")
    expect(output.locator(".nbc-marked")).to_contain_text("#123456x")
    heap = page.page.evaluate("performance.memory.usedJSHeapSize / 1e6")
    figures(f"heap of the page after the flood: {heap:.0f} MB")
    page.run_and_wait(2)
    assert page.errors == []
    page.close()


def test_hostile_lines_stay_text(lab, browser, screenshots):
    code = IMPORT + "operation = hostile_log()\nNotebook().follow_behind(operation, LogView())"
    page = lab.open(browser, "log-hostile", [code, STOP])
    page.run_and_wait(0)
    root = page.output(0).locator(".nbc-log")
    line = root.locator(".nbc-line", has_text="<img").first
    expect(line.locator(".nbc-text")).to_contain_text("<script>alert(2)</script>redlink ‹javascript:alert(3)›")
    expect(line.locator(".nbc-text")).to_contain_text("user⟨U+202E⟩gnp.exe␀⟨U+009B⟩31m␛[")
    expect(line.locator(".nbc-text span.nbc-f1")).to_have_text("red")
    assert root.locator("img, script, a").count() == 0
    assert not set("\x1b\x00\u202e\x9b") & set(root.inner_text())
    root.screenshot(path=screenshots / "log-hostile.png")
    close(page)


def test_what_is_saved(lab, browser):
    page = open_log(lab, browser, "log-saved", "3_000")
    page.run_and_wait(1)
    expect(page.output(0).get_by_text("■ stopped")).to_be_visible()
    page.page.wait_for_timeout(500)
    saved = nbformat.read(page.save(), as_version=4)
    bundle = next(found["data"] for found in saved.cells[0].outputs if "text/html" in found.get("data", {}))
    assert "3,000 lines" in bundle["text/plain"]
    assert "#2999" in bundle["text/plain"]
    assert "… 2,800 lines before these" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    assert "\x1b" not in bundle["text/html"] + bundle["text/plain"]
    page.show_again()
    expect(page.output(0).locator(".nbc-line").last).to_contain_text("#2999", timeout=20_000)
    page.close()


def test_levels_errors_and_going_to_a_time(lab, browser, screenshots):
    page = open_log(lab, browser, "log-levels", "5_000, highlight=('i/o timeout',)")
    output = page.output(0)
    lines = output.locator(".nbc-log-lines")
    expect(output.locator(".nbc-counts")).to_contain_text("5,000 lines", timeout=30_000)
    expect(output.locator(".nbc-level-error").first).to_be_visible()
    expect(output.locator(".nbc-level-warning").first).to_be_visible()
    expect(output.locator("mark", has_text="i/o timeout").first).to_be_visible()
    for theme in ("dark", "light"):
        page.use_theme(theme)
        output.locator(".nbc-log").screenshot(path=screenshots / f"log-levels-{theme}.png")
    lines.focus()
    page.page.keyboard.press("e")
    expect(output.locator(".nbc-hits")).to_have_text(re.compile(r"^[\d,]+ of 1,\d\d\d$"))
    expect(output.locator(".nbc-marked .nbc-level-error")).to_be_visible()
    lines.focus()
    page.page.keyboard.press("g")
    moment = output.locator(".nbc-moment")
    moment.fill("soon")
    moment.press("Enter")
    expect(moment).to_have_attribute("aria-invalid", "true")
    output.get_by_role("button", name="Time", exact=True).click()
    lines.press("End")
    last = output.locator(".nbc-line", has_text="#4999")
    moment.fill(last.locator(".nbc-dim").first.inner_text().partition(".")[0])
    moment.press("Enter")
    expect(output.locator(".nbc-marked")).to_contain_text(re.compile("#4000$"))
    close(page)


def test_download(lab, browser):
    page = open_log(lab, browser, "log-download", "5_000")
    output = page.output(0)
    expect(output.locator(".nbc-counts")).to_contain_text("5,000 lines", timeout=30_000)
    with page.page.expect_download() as saved:
        output.get_by_role("button", name="Download").click()
    text = saved.value.path().read_text().splitlines()
    assert saved.value.suggested_filename.endswith(".log")
    assert len(text) == 5_000
    assert text[0].startswith("web-7c9d5b-")
    assert text[-1].endswith("#4999")
    assert not any("\x1b" in line for line in text)
    close(page)


def test_json_and_logfmt_lines_are_columns(lab, browser, screenshots):
    page = open_log(lab, browser, "log-columns", "3_000, texts=STRUCTURED")
    output = page.output(0)
    lines, head = output.locator(".nbc-log-lines"), output.locator(".nbc-log-head")
    expect(output.locator(".nbc-counts")).to_contain_text("3,000 lines", timeout=30_000)
    expect(head).to_contain_text("SourceLevelmethodstatuspathMessage")
    for theme in ("dark", "light"):
        page.use_theme(theme)
        output.locator(".nbc-log").screenshot(path=screenshots / f"log-columns-{theme}.png")
    lines.press("Home")
    first, evil = output.locator(".nbc-line[data-state]").first, output.locator(".nbc-line", has_text="fatal").first
    expect(first.locator(".nbc-level")).to_have_text("info")
    expect(first.locator(".nbc-field")).to_have_text(["GET", "200", "/cart"])
    expect(first.locator(".nbc-text")).to_have_text("handled  ms=3")
    expect(evil.locator(".nbc-field").first).to_have_text("⟨U+202E⟩<img src=x onerror=f()>")
    expect(evil.locator(".nbc-field").nth(1)).to_have_text("␀␊")
    expect(evil.locator(".nbc-text")).to_have_text("<script>g()</script>")
    assert output.locator(".nbc-log img, .nbc-log script").count() == 0
    fields, header = first.locator(".nbc-field").nth(1).bounding_box(), head.get_by_text("status").bounding_box()
    assert abs(fields["x"] - header["x"]) < 1, "below its name"
    first.locator(".nbc-text").click()
    expect(first.locator(".nbc-raw")).to_contain_text('{"level":"info","time":"2026-01-02T03:04:05Z","method":"GET"')
    output.locator(".nbc-log").screenshot(path=screenshots / "log-columns-raw.png")
    lines.press("r")
    expect(first.locator(".nbc-raw")).to_have_count(0)
    output.get_by_role("button", name="Fields").click()
    choice = output.get_by_role("group", name="Fields")
    choice.get_by_label("user").check()
    choice.get_by_label("path").uncheck()
    expect(head).to_contain_text("methodstatususerMessage")
    expect(first.locator(".nbc-text")).to_have_text("handled  path=/cart ms=3")
    output.locator(".nbc-log").screenshot(path=screenshots / "log-columns-fields.png")
    lines.press("c")
    expect(head).to_be_hidden()
    expect(choice).to_be_hidden()
    expect(first.locator(".nbc-text")).to_contain_text('{"level":"info","time"')
    close(page)
