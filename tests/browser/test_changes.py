"""Differences of applied manifests in JupyterLab, on the real cluster; the question of a pruning; an edit's cell."""

import re
import uuid

import pytest
from playwright.sync_api import expect

from tests.browser.test_quickstart import variables  # noqa: F401 - a fixture
from tests.browser.test_real import notebook  # noqa: F401 - a fixture

TEXT = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}-settings}}
data:
  colour: {colour}
  motd: |
    one
    {line}
    three
---
apiVersion: v1
kind: Secret
metadata: {{name: {name}-pass}}
stringData: {{password: {value}}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {name}}}
"""


@pytest.mark.usefixtures("kubernetes_cluster")
def test_differences_are_shown_pruning_asks_and_an_edit_is_a_cell(notebook, screenshots):  # noqa: F811 - the fixture above
    name = f"page-{uuid.uuid4().hex[:8]}"
    first = TEXT.format(name=name, colour="blue", line="two", value="swordfish-1")
    second = TEXT.format(name=name, colour="red", line="2", value="swordfish-2")
    alone = second.split("---\n")[0]
    cells = [
        f"%%kube apply\n{first}",
        f"%%kube apply\n{second}",
        f"%%kube apply --prune\n{alone}",
        f"%kube edit cm/{name}-settings",
    ]
    page = notebook("real-changes", cells)
    page.run_and_wait(0)
    expect(page.output(0)).to_contain_text(f"service/{name} created")
    page.run_and_wait(1)
    picture = page.output(1).locator(".nbc-picture")
    expect(picture).to_contain_text("colour: red")
    expect(picture).to_contain_text("hidden (before)")
    expect(picture).to_contain_text(f"2 unchanged: service/{name}, serviceaccount/{name}")
    expect(page.output(1)).not_to_contain_text(re.compile("swordfish|c3dvcmRmaXNo"))
    for theme in ("dark", "light"):
        page.use_theme(theme)
        page.output(1).scroll_into_view_if_needed()
        page.page.screenshot(path=screenshots / f"changes-{theme}.png")
    page.run(2)
    question = page.page.locator(".jp-Stdin-input")
    expect(question).to_be_visible(timeout=20_000)
    expect(page.output(2)).to_contain_text(f"service/{name} pruned")
    page.output(2).scroll_into_view_if_needed()
    page.page.screenshot(path=screenshots / "changes-prune.png")
    question.fill("y")
    question.press("Enter")
    page.wait_executed(2)
    expect(page.output(2).locator(".nbc-picture").last).to_contain_text(f"secret/{name}-pass pruned")
    page.run_and_wait(3)
    written = page.page.locator(".jp-CodeCell .cm-content").nth(4)
    expect(written).to_contain_text(f"%%kube edit configmap/{name}-settings")
    expect(written).to_contain_text("resourceVersion")
    written.scroll_into_view_if_needed()
    page.page.screenshot(path=screenshots / "changes-edit.png")
    page.execute(f"%kube delete cm/{name}-settings -y")
