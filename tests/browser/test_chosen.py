"""The context and the namespace that a notebook has chosen are in its metadata, and its next kernel uses them."""

import json

import nbformat
from playwright.sync_api import expect

CONFIG = {
    "clusters": [{"name": "nowhere", "cluster": {"server": "http://127.0.0.1:9"}}],
    "users": [{"name": "nobody", "user": {}}],
    "contexts": [
        {"name": name, "context": {"cluster": "nowhere", "user": "nobody", "namespace": "own"}}
        for name in ("one", "two")
    ],
    "current-context": "one",
}
USED = "from nbcontainer.clusters.connection import find_cluster\nfind_cluster().where"
SAVED = "In use, as this notebook has chosen: context two, namespace shop."


def test_the_next_kernel_uses_what_the_notebook_has_chosen(lab, browser, tmp_path):
    config = tmp_path / "config"
    config.write_text(json.dumps(CONFIG))
    written = config.read_bytes()
    load = f"import os; os.environ['KUBECONFIG'] = {str(config)!r}\n%load_ext nbcontainer"
    choose = "import nbcontainer as nbc\nnbc.cluster().contexts.use('two', namespace='shop')"
    page = lab.open(browser, "chosen", [load, choose, USED], own_kernel=True)
    for cell in (0, 1, 2):
        page.run_and_wait(cell)
    expect(page.output(0)).not_to_contain_text("In use")
    expect(page.output(2)).to_contain_text("two · shop")
    path = lab.root / "chosen.ipynb"
    chosen = {"context": "two", "namespace": "shop"}
    for _ in range(100):
        if nbformat.read(path, as_version=4).metadata.get("nbcontainer") == chosen:
            break
        page.page.wait_for_timeout(50)
    assert nbformat.read(path, as_version=4).metadata.nbcontainer == chosen

    page.restart_kernel()
    page.wait_for_kernel()
    page.run_and_wait(0)
    expect(page.output(0)).to_contain_text(SAVED)
    page.run(2)
    expect(page.output(2)).to_contain_text("two · shop")
    assert config.read_bytes() == written
    assert page.errors == []
    page.close()
