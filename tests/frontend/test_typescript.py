"""The unit tests of the page's TypeScript that needs no page, under Node.js."""

import shutil
import subprocess
from pathlib import Path

import pytest

FRONTEND = Path(__file__).parents[2] / "nbcontainer" / "frontend"


def test_units(tmp_path):
    node = shutil.which("node")
    esbuild = FRONTEND / "node_modules" / "esbuild" / "bin" / "esbuild"
    if node is None or not esbuild.exists():
        pytest.skip("Node.js or the front end's node_modules are missing; run `npm ci` in nbcontainer/frontend")
    tests = sorted(FRONTEND.glob("tests/*.test.ts"))
    assert tests
    build = [esbuild, *tests, "--bundle", "--platform=node", "--format=esm", "--out-extension:.js=.mjs"]
    subprocess.run([*map(str, build), "--log-level=warning", f"--outdir={tmp_path}"], check=True, cwd=FRONTEND)
    files = [str(tmp_path / f"{test.stem}.mjs") for test in tests]
    done = subprocess.run(
        [node, "--test", "--test-reporter=tap", *files], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "# fail 0" in done.stdout
