"""The unit tests of the page's TypeScript that needs no page, under Node.js."""

import shutil
import subprocess
from pathlib import Path

import pytest

FRONTEND = Path(__file__).parents[2] / "nbcontainer" / "frontend"
ESBUILD = FRONTEND / "node_modules" / "esbuild" / "bin" / "esbuild"


def node() -> str | None:
    """Node.js, if it can run TypeScript here."""
    return shutil.which("node") if ESBUILD.exists() else None


def bundled(source: str, folder: Path) -> Path:
    """The JavaScript of a file of the front end, as a module that Node.js runs."""
    build = [ESBUILD, source, "--bundle", "--platform=node", "--format=esm", "--out-extension:.js=.mjs"]
    subprocess.run([*map(str, build), "--log-level=warning", f"--outdir={folder}"], check=True, cwd=FRONTEND)
    return folder / f"{Path(source).stem}.mjs"


def test_units(tmp_path):
    program = node()
    if program is None:
        pytest.skip("Node.js or the front end's node_modules are missing; run `npm ci` in nbcontainer/frontend")
    tests = sorted(FRONTEND.glob("tests/*.test.ts"))
    assert tests
    files = [str(bundled(str(test), tmp_path)) for test in tests]
    done = subprocess.run(
        [program, "--test", "--test-reporter=tap", *files], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "# fail 0" in done.stdout
