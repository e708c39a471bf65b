"""A real Jupyter server with a real kernel, and its page in Chromium."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Dialog, Error, Locator, Page

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 180.0
KERNEL_MILLISECONDS = 60_000
OPEN = "path => window.jupyterapp.commands.execute('docmanager:open', { path })"
READY = """async () => {
  const notebook = [...window.jupyterapp.shell.widgets('main')].find(widget => widget.sessionContext);
  await notebook.context.ready;
  await notebook.sessionContext.ready;
  await notebook.sessionContext.session?.kernel?.info;
}"""
CLOSE = "() => { for (const widget of [...window.jupyterapp.shell.widgets('main')]) widget.dispose() }"
# anywidget says so where a widget's start took two seconds, as on a busy machine, and starts it all the same
TOO_SLOW = "[anywidget] Failed to initialize model"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


def chromium() -> str | None:
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class JupyterServer:
    """One Jupyter server: `application` is "lab" or "notebook". Everything it writes goes below `folder`."""

    def __init__(self, application: str, folder: Path) -> None:
        self.application = application
        self.port = _free_port()
        self.theme = "light"
        self.idle: list[Page] = []
        self.root = folder / "notebooks"
        self.root.mkdir(parents=True)
        self._settings = folder / "settings"
        self._quiet_news()
        self._log = folder / "server.log"
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")])),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "IPYTHONDIR": str(folder / "ipython"),
            "JUPYTER_PLATFORM_DIRS": "1",
        }
        # the extension as it was built here, whether or not the package is installed
        extensions = folder / "extensions"
        extensions.mkdir()
        (extensions / "nbcontainer").symlink_to(REPOSITORY / "nbcontainer" / "labextension")
        command = [sys.executable, "-m", "jupyter", application, "--no-browser", "--ip=127.0.0.1", "--allow-root"]
        command += [f"--port={self.port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.root}"]
        command += ["--IdentityProvider.token=", "--ServerApp.password=", "--ServerApp.disable_check_xsrf=True"]
        command += [
            f"--LabServerApp.extra_labextensions_path={extensions}",
            f"--LabApp.user_settings_dir={self._settings}",
        ]
        command += [
            f"--LabApp.extra_labextensions_path={extensions}",
            f"--LabApp.workspaces_dir={folder / 'workspaces'}",
        ]
        command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.news_url=None"]
        if application == "lab":
            command.append("--LabApp.expose_app_in_browser=True")  # window.jupyterapp
        if application == "notebook":
            command.append(f"--JupyterNotebookApp.extra_labextensions_path={extensions}")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=self.root
            )
        self._wait()

    def _quiet_news(self) -> None:
        """Have the page not ask about news, which would cover what the screenshots show."""
        path = self._settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}), "utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/api", timeout=5).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
            else:
                return
        self.stop()
        raise RuntimeError(f"jupyter {self.application} did not start:\n{self._log.read_text('utf-8')[-2000:]}")

    def stop(self) -> None:
        """End the server, and with it its kernels."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def set_theme(self, theme: str) -> None:
        """Use "light" or "dark" for pages that are opened from now on."""
        if theme != self.theme:
            self.theme = theme
            while self.idle:
                self.idle.pop().close()
        path = self._settings / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"theme": THEMES[theme]}), "utf-8")

    def write(self, name: str, cells: Sequence[str]) -> Path:
        """A notebook with these code cells."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.root / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    def open(self, browser: Browser, name: str, cells: Sequence[str] | None = None) -> "NotebookPage":
        """Open the notebook `name`, after writing it if there are cells.

        A page whose notebook was closed is used again, as a person does who opens one notebook after the other: the
        application's start takes six seconds of processor time.
        """
        if cells is not None:
            self.write(name, cells)
        page = self.idle.pop() if self.idle else browser.new_page(viewport={"width": 1200, "height": 950})
        return NotebookPage(self, page, name)


class NotebookPage:
    """An open notebook whose kernel is ready."""

    def __init__(self, server: JupyterServer, page: Page, name: str) -> None:
        self.server, self.page, self.name = server, page, name
        self.errors: list[str] = []
        page.on("pageerror", self._note)
        page.on("dialog", self._answer)
        self._open()

    def _note(self, error: Error) -> None:
        if TOO_SLOW in error.message:
            return
        self.errors.append(f"{error}\n{error.stack}")

    def _answer(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":
            dialog.accept()
        else:  # an alert() that hostile text brought about
            self.errors.append(f"dialog: {dialog.message}")
            dialog.dismiss()

    def _open(self) -> None:
        if self.page.url == "about:blank":
            self._load()
        else:
            self.page.evaluate(OPEN, f"{self.name}.ipynb")
        self._wait()

    def _load(self) -> None:
        path = "lab/tree" if self.server.application == "lab" else "notebooks"
        self.page.goto(f"{self.server.url}/{path}/{self.name}.ipynb?reset")

    def _wait(self) -> None:
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content", timeout=KERNEL_MILLISECONDS)
        self.wait_for_kernel()

    def wait_for_kernel(self) -> None:
        """Wait until the kernel itself has answered; the page's indicator says "idle" before that."""
        if self.server.application == "lab":
            self.page.wait_for_function("window.jupyterapp", timeout=KERNEL_MILLISECONDS)  # it comes after the notebook
            self.page.evaluate(READY)
            return
        deadline = time.monotonic() + KERNEL_MILLISECONDS / 1000
        while time.monotonic() < deadline:
            ours = self._sessions()
            if ours and ours[0]["kernel"]["execution_state"] == "idle" and ours[0]["kernel"]["connections"]:
                return
            self.page.wait_for_timeout(100)
        raise TimeoutError("The kernel did not become ready.")

    def _sessions(self) -> list[Any]:
        with urllib.request.urlopen(f"{self.server.url}/api/sessions", timeout=10) as reply:
            return [session for session in json.load(reply) if session["path"] == f"{self.name}.ipynb"]

    def cell(self, index: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        return self.cell(index).locator(".jp-Cell-outputArea")

    def run(self, index: int) -> None:
        """Execute one cell; returns at once."""
        self.cell(index).locator(".cm-content").click(position={"x": 200, "y": 6})
        self.page.keyboard.press("Control+Enter")

    def wait_executed(self, index: int, timeout: float = 60.0) -> None:
        """Wait until a cell that was started has its number."""
        prompt = self.cell(index).locator(".jp-InputPrompt")
        deadline = time.monotonic() + timeout
        while not re.search(r"\[\d+\]", prompt.inner_text()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"Cell {index} did not end: {prompt.inner_text()}")
            self.page.wait_for_timeout(50)

    def run_and_wait(self, index: int) -> None:
        self.run(index)
        self.wait_executed(index)

    def save(self) -> Path:
        """Save the notebook, and wait until the file is whole."""
        path = self.server.root / f"{self.name}.ipynb"
        before = path.stat().st_mtime_ns
        self.page.keyboard.press("Control+s")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if path.stat().st_mtime_ns != before:
                with contextlib.suppress(ValueError):  # it is still being written
                    json.loads(path.read_text("utf-8"))
                    return path
            self.page.wait_for_timeout(50)
        raise TimeoutError(f"{path.name} was not saved.")

    def reload(self) -> None:
        self._load()
        self._wait()

    def restart_kernel(self) -> None:
        """Restart the kernel by the server's own interface, as another page or program may."""
        kernel = self._sessions()[0]["kernel"]["id"]
        request = urllib.request.Request(f"{self.server.url}/api/kernels/{kernel}/restart", method="POST")
        urllib.request.urlopen(request, timeout=60).close()

    def dismiss_dialog(self) -> None:
        """Answer JupyterLab's dialog, once it is there."""
        self.page.locator(".jp-Dialog .jp-mod-accept").click(timeout=KERNEL_MILLISECONDS)
        self.page.locator(".jp-Dialog").wait_for(state="detached")

    def close(self) -> None:
        """Close the notebook, and end its kernel."""
        self.page.remove_listener("pageerror", self._note)
        self.page.remove_listener("dialog", self._answer)
        if self.server.application == "lab":
            self.page.evaluate(CLOSE)
            self.server.idle.append(self.page)
        else:
            self.page.close()
        for session in self._sessions():
            request = urllib.request.Request(f"{self.server.url}/api/sessions/{session['id']}", method="DELETE")
            urllib.request.urlopen(request, timeout=30).close()
