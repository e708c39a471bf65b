"""`make demo` stopped in the middle: one line, and nothing is left running."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.build_engines import wait_until
from tests.engines.conftest import running

ROOT = Path(__file__).parents[2]


def descendants(pid):
    """Processes that descend from `pid`."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, new = set(), {pid}
    while new:
        new = {one for one, parent in parents.items() if parent in new} - found
        found |= new
    return found


KERNEL_THAT_TALKS = '''
import sys
from pathlib import Path
import nbformat
from scripts import demo
demo.OUTPUT = Path(sys.argv[1])
demo.QUICKSTART = demo.OUTPUT / "talks.ipynb"
cell = """
import os, sys
print("of the cell")
os.write(getattr(sys.stderr, "_original_stdstream_copy", 2), b"of the kernel")
"""
nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)]), demo.QUICKSTART)
raise SystemExit(demo.execute())
'''


def test_the_kernels_own_messages_are_not_output(tmp_path):
    """An interrupt may hit the kernel's own code, which then writes a traceback."""
    command = [sys.executable, "-c", KERNEL_THAT_TALKS, str(tmp_path)]
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path)}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "of the cell" in ran.stdout
    assert "of the kernel" not in ran.stdout
    assert "of the kernel" in (tmp_path / "kernel.log").read_text()


@pytest.mark.live
def test_an_engine_without_pods_is_used_and_podman_has_the_pods():
    host = running("docker", "Docker").host
    command = [sys.executable, "scripts/demo.py"]
    ran = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "DOCKER_HOST": host}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "engine: Docker Engine 28" in ran.stdout
    assert "pods: Podman's" in ran.stdout
    assert "✓ from a cell to a running pod" in ran.stdout


@pytest.mark.live
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_demo_says_so_in_one_line(tmp_path, number):
    host = running("docker", "Docker").host
    for part in ("Registry", "TokenRegistry"):
        running("registries", part)  # they were running before, so the demo leaves them alone
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "scripts/demo.py"],
            cwd=ROOT,
            env={**os.environ, "DOCKER_HOST": host, "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_until(lambda: "▶ %%dockerfile" in log.read_text() or process.poll() is not None, seconds=120)
        started = descendants(process.pid)
        process.send_signal(number)
        wait_until(lambda: process.poll() is not None, seconds=30, what=log.read_text)
        assert process.returncode == 130, log.read_text()
    finally:
        process.kill()
        process.wait()
    said = log.read_text()
    assert said.splitlines()[-1].endswith("■ stopped; everything it started was stopped, too")
    assert "Traceback" not in said
    assert started
    wait_until(lambda: not [one for one in started if Path(f"/proc/{one}/exe").exists()])


@pytest.mark.live
def test_the_lessons_are_opened_in_jupyterlab(tmp_path):
    host = running("docker", "Docker").host
    for part in ("Registry", "TokenRegistry"):
        running("registries", part)
    log = tmp_path / "log"
    variables = {"DOCKER_HOST": host, "PYTHONUNBUFFERED": "1", "BROWSER": "true"}
    variables |= {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "RUNTIME")}

    def opens(name):
        """Whether Jupyter has written the file that opens this notebook in the browser."""
        pages = [page.read_text() for page in (tmp_path / "RUNTIME").glob("jpserver-*-open.html")]
        return f"/lab/tree/{name}" in "".join(pages)

    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "scripts/demo.py", "--lab"],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_until(lambda: opens("index.ipynb") or process.poll() is not None, seconds=120, what=log.read_text)
        assert process.poll() is None, log.read_text()
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
    assert f"Begin with {ROOT}/demo-output/lessons/index.ipynb" in log.read_text()
