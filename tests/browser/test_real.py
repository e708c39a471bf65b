"""Views in JupyterLab of a real engine and cluster: failures, stops, and actions started by a row's key."""

import itertools
import re
import uuid

import pytest
from playwright.sync_api import expect

from tests.browser.test_quickstart import variables  # noqa: F401 - a fixture

OBJECTS = """
{{apiVersion: v1, kind: ConfigMap, metadata: {metadata}, data: {{a: b}}}}
---
{{apiVersion: v1, kind: Service, metadata: {metadata}, spec: {{ports: [{{port: 80}}]}}}}
"""
BUILD = """%%dockerfile --no-cache
FROM busybox
RUN for i in $(seq 9); do echo "line $i"; done; sleep 1000"""


@pytest.fixture
def notebook(lab, browser, variables):  # noqa: F811 - the fixture above
    """Opens a notebook whose kernel has Docker, a registry and Kubernetes."""
    opened = []

    def open_notebook(name, cells):
        page = lab.open(browser, name, cells, own_kernel=True)
        page.execute(f"import os; os.environ.update({variables!r})")
        page.execute("%load_ext nbcontainer")
        opened.append(page)
        return page

    yield open_notebook
    for page in opened:
        assert page.errors == []
        page.close()


def test_a_run_that_cannot_start_and_a_run_that_is_stopped(notebook, screenshots):
    missing = f"127.0.0.1:5002/none/{uuid.uuid4().hex[:8]}:1"
    page = notebook("real-ends", [f"%docker run --rm {missing}", BUILD])
    page.run_and_wait(0)
    expect(page.output(0)).to_contain_text("manifest unknown")
    expect(page.output(0).locator(".nbc-log")).to_contain_text(f"— pulling {missing} —")
    page.run(1)
    output = page.output(1)
    expect(output).to_contain_text("line 9", timeout=60_000)
    output.get_by_role("button", name="Stop").click()
    page.wait_executed(1)
    expect(output.get_by_role("status").first).to_contain_text("stopped")
    expect(output.locator(".nbc-picture")).to_contain_text("line 9")
    page.page.screenshot(path=screenshots / "real-ends.png")


def test_a_rows_keys_start_magics_and_deletion_asks_first(notebook, screenshots):
    name = f"page-{uuid.uuid4().hex[:8]}"
    create = f"%kpod create {name} --image=busybox -- sh -c 'echo up; sleep 1000'"
    page = notebook("real-rows", [create, f"%kpod -l run={name}"])
    page.run_and_wait(0)
    page.run_and_wait(1)
    row = page.output(1).locator(".nbc-row:visible").first
    expect(row).to_contain_text(name)
    row.click()
    page.page.keyboard.press("?")
    expect(page.output(1).locator(".nbc-help")).to_contain_text("%kpod logs NAME")
    expect(page.output(1).locator(".nbc-help")).not_to_contain_text("{rows}")
    page.page.screenshot(path=screenshots / "real-rows-keys.png")
    page.page.keyboard.press("?")
    logs = page.output(1).get_by_role("button", name="logs")
    expect(logs).to_have_attribute("title", re.compile("^%kpod logs NAME.* \\(l\\)$"))
    logs.click()
    expect(page.output(2).locator(".nbc-log")).to_contain_text("up", timeout=20_000)
    page.page.screenshot(path=screenshots / "real-rows-logs.png")
    row.click()
    page.page.keyboard.press("Delete")
    question = page.page.locator(".jp-Stdin-input")
    expect(question).to_be_visible(timeout=20_000)
    expect(page.page.locator(".jp-Notebook")).to_contain_text(re.compile(rf"delete.*{name}", re.IGNORECASE))
    page.page.screenshot(path=screenshots / "real-rows-delete.png")
    question.fill("y")
    question.press("Enter")
    expect(page.output(1).locator(".nbc-row:visible", has_text=name)).to_have_count(0, timeout=90_000)


def test_tables_of_several_kinds_stay_live(notebook, screenshots):
    name = f"page-{uuid.uuid4().hex[:8]}"
    page = notebook("real-kinds", [f"%kube get cm,svc -l page={name}", "%kube get nodes -o wide"])
    page.run_and_wait(0)
    page.run_and_wait(1)
    expect(page.output(1).get_by_role("columnheader", name="KERNEL-VERSION")).to_be_visible()
    text = OBJECTS.format(metadata=f"{{name: {name}, labels: {{page: {name}}}}}")
    page.execute(f"import nbcontainer as nbc; nbc.cluster().apply({text!r})")
    tables = page.output(0).locator(".nbc-table")
    expect(tables).to_have_count(2)
    for index, cell in enumerate(("1", "ClusterIP")):
        expect(tables.nth(index).locator(".nbc-row:visible")).to_contain_text([re.compile(f"{name}.*{cell}")])
    page.page.screenshot(path=screenshots / "real-kinds.png")
    delete = "".join(f"client.delete_namespaced_{kind}({name!r}, 'default');" for kind in ("config_map", "service"))
    page.execute(f"from kubernetes.client import CoreV1Api; client = CoreV1Api(nbc.cluster().client); {delete}")
    for index in range(2):
        expect(tables.nth(index).locator(".nbc-row:visible")).to_have_count(0)


def test_disk_usage_and_its_buttons(notebook, screenshots):
    page = notebook("real-df", ["%docker system df", "%docker system df -v"])
    for index in (0, 1):
        page.run_and_wait(index)
    picture = page.output(0).locator(".nbc-picture")
    expect(picture).to_contain_text("can be freed")
    for kind in ("Images", "Containers", "Local Volumes", "Build Cache"):
        expect(picture.get_by_text(kind, exact=True)).to_have_count(2)  # its bar, and its row of the table
    rows = [row.bounding_box()["y"] for row in picture.get_by_role("row").all()]
    assert all(second - first >= 15 for first, second in itertools.pairwise(rows)), rows  # none covers another
    page.page.screenshot(path=screenshots / "real-df.png")
    page.output(1).scroll_into_view_if_needed()
    page.page.screenshot(path=screenshots / "real-df-v.png")
    picture.get_by_role("button", name="Prune networks").click()
    expect(page.page.locator(".jp-CodeCell .cm-content").nth(1)).to_have_text("%docker network prune")
    expect(page.page.locator(".jp-Stdin-input")).to_have_count(0)  # it is only written
