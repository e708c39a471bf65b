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
from playwright.sync_api import Browser, BrowserContext, Dialog, Error, Locator, Page

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 180.0
KERNEL_MILLISECONDS = 60_000
FOLDERS = {"lab": "lab/tree", "notebook": "notebooks"}
# the command's result is not returned to Python: it is a whole widget
OPEN = "async path => { await window.jupyterapp.commands.execute('docmanager:open', { path }) }"
NOTEBOOK = "const notebook = [...window.jupyterapp.shell.widgets('main')].find(widget => widget.sessionContext);"
READY = f"""async () => {{
  {NOTEBOOK}
  await notebook.context.ready;
  await notebook.sessionContext.ready;
  await notebook.sessionContext.session?.kernel?.info;
}}"""
EXECUTE = f"""async code => {{
  {NOTEBOOK}
  const request = {{ code, silent: true, store_history: false }};
  const reply = await notebook.sessionContext.session.kernel.requestExecute(request, true).done;
  if (reply.content.status !== 'ok') throw new Error(`${{reply.content.ename}}: ${{reply.content.evalue}}`);
}}"""
CLOSE = """() => {
  for (const widget of [...window.jupyterapp.shell.widgets('main')]) if (widget.context) widget.dispose(); }"""
THEME = "async name => { await window.jupyterapp.commands.execute('apputils:change-theme', { theme: name }) }"
THEME_IS = "name => document.body.dataset.jpThemeName === name"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
# anywidget logs this if a widget takes over two seconds to start, as on a busy machine; it starts all the same
TOO_SLOW = "[anywidget] Failed to initialize model"
LATE_SUBSHELL = "Canceled future for create_subshell_request"  # of JupyterLab: the page closes while it asks for one
# JupyterLab's dialogs on a busy machine: it allows a stylesheet a second and a half, and tries to connect again
TOO_SLOW_DIALOGS = re.compile("Error Loading Theme|Server Connection Error")
# cleans up a kernel before the next notebook gets it
FORGET = "from tests.browser.feeds import forget; forget(get_ipython())"


def chromium() -> str | None:
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class JupyterServer:
    """A Jupyter server with JupyterLab and Notebook 7. Everything it writes goes below `folder`.

    Notebooks are opened one after the other in one page of JupyterLab and on one kernel, as a user does: starting the
    application takes six seconds of processor time, a kernel two. If a test fails in the middle, its page and the
    kernel are not reused.
    """

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        self.opened: list[NotebookPage] = []
        self._idle: Page | None = None
        self._context: BrowserContext | None = None
        self._kernel = ""
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
        # the extension as built in this clone, whether or not the package is installed
        extensions = folder / "extensions"
        extensions.mkdir()
        (extensions / "nbcontainer").symlink_to(REPOSITORY / "nbcontainer" / "labextension")
        command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", "--allow-root"]
        command += [f"--port={self.port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.root}"]
        command += ["--IdentityProvider.token=", "--ServerApp.password=", "--ServerApp.disable_check_xsrf=True"]
        command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.news_url=None"]
        command += [f"--LabServerApp.extra_labextensions_path={extensions}"]
        for application in ("LabApp", "JupyterNotebookApp"):
            command += [
                f"--{application}.extra_labextensions_path={extensions}",
                f"--{application}.user_settings_dir={self._settings}",
                f"--{application}.workspaces_dir={folder / 'workspaces'}",
                f"--{application}.expose_app_in_browser=True",  # window.jupyterapp
            ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=self.root
            )
        self._wait()

    def _quiet_news(self) -> None:
        """Keep the page from asking about news, which would cover parts of the screenshots."""
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
        raise RuntimeError(f"jupyter lab did not start:\n{self._log.read_text('utf-8')[-2000:]}")

    def stop(self) -> None:
        """End the server, and with it its kernels."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Call the server's REST API, as another page or program may."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.loads(reply.read() or "null")

    def write(self, name: str, cells: Sequence[str]) -> Path:
        """A notebook with these code cells."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.root / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    def open(
        self,
        browser: Browser,
        name: str,
        cells: Sequence[str] | None = None,
        *,
        own_kernel: bool = False,
        application: str = "lab",
    ) -> "NotebookPage":
        """Open the notebook `name`, after writing it if there are cells.

        Args:
            browser: where.
            name: of the file, without its extension; unique to a test.
            cells: its code.
            own_kernel: whether it has its own kernel, which is shut down when the notebook is closed.
            application: "lab" or "notebook".
        """
        if cells is not None:
            self.write(name, cells)
        session = self._session(name, own_kernel=own_kernel)
        if self._context is None:
            self._context = browser.new_context(viewport={"width": 1200, "height": 950})
        page = None
        if application == "lab":
            page, self._idle = self._idle, None
        page = page or self._new_page(self._context)
        opened = NotebookPage(self, page, name, session if own_kernel else "", application)
        self.opened.append(opened)
        opened.show()
        return opened

    def _new_page(self, context: BrowserContext) -> Page:
        page = context.new_page()
        too_slow = page.locator(".jp-Dialog", has_text=TOO_SLOW_DIALOGS)
        page.add_locator_handler(too_slow, lambda dialog: dialog.locator(".jp-Dialog-footer button").last.click())
        return page

    def _session(self, name: str, *, own_kernel: bool) -> str:
        """Connect the notebook to a kernel before it is opened, to start the kernel early; returns the session's id."""
        kernel = {"name": "python3"} if own_kernel or not self._kernel else {"id": self._kernel}
        session = self.ask(
            "POST", "sessions", {"path": f"{name}.ipynb", "name": f"{name}.ipynb", "type": "notebook", "kernel": kernel}
        )
        if not own_kernel:
            self._kernel = session["kernel"]["id"]
        return str(session["id"])

    def closed(self, notebook: "NotebookPage") -> None:
        """Keep a closed notebook's page for the next one."""
        self.opened.remove(notebook)
        if notebook.application == "lab" and self._idle is None:
            self._idle = notebook.page
        else:
            notebook.page.close()

    def abandon(self) -> None:
        """Discard what a test left open, and the kernel, whose state is unknown."""
        if not self.opened:
            return
        while self.opened:
            self.opened.pop().page.close()
        for kernel in self.ask("GET", "kernels"):
            self.ask("DELETE", f"kernels/{kernel['id']}")
        self._kernel = ""


class NotebookPage:
    """An open notebook whose kernel is ready. `session` names its own kernel's, where it has one."""

    def __init__(self, server: JupyterServer, page: Page, name: str, session: str, application: str) -> None:
        self.server, self.page, self.name, self.application = server, page, name, application
        self._own_session = session
        self.errors: list[str] = []
        page.on("pageerror", self._note)
        page.on("dialog", self._answer)

    def _note(self, error: Error) -> None:
        if TOO_SLOW in error.message or LATE_SUBSHELL in error.message:
            return
        self.errors.append(f"{error}\n{error.stack}")

    def _answer(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":
            dialog.accept()
        else:  # an alert() triggered by hostile text
            self.errors.append(f"dialog: {dialog.message}")
            dialog.dismiss()

    def show(self) -> None:
        """Show the notebook in the page, and wait for its kernel."""
        if self.page.url == "about:blank":
            self.page.goto(f"{self.server.url}/{FOLDERS[self.application]}/{self.name}.ipynb?reset")
        else:
            self.page.evaluate(OPEN, f"{self.name}.ipynb")
        self._wait_until_shown()

    def reload(self) -> None:
        """Reload the page, as a user does."""
        self.page.reload()
        self._wait_until_shown()

    def _wait_until_shown(self) -> None:
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content", timeout=KERNEL_MILLISECONDS)
        self.page.wait_for_function("window.jupyterapp", timeout=KERNEL_MILLISECONDS)  # it comes after the notebook
        self.wait_for_kernel()

    def show_again(self) -> None:
        """Close the notebook and open it again, while its kernel keeps running."""
        self.page.evaluate(CLOSE)
        self.show()

    def wait_for_kernel(self) -> None:
        """Wait until the kernel itself has replied; the page's indicator says "idle" earlier."""
        self.page.evaluate(READY)

    def execute(self, code: str) -> None:
        """Execute code outside the cells."""
        self.page.evaluate(EXECUTE, code)

    def execute_in_time(self, code: str, timeout: float = 30.0) -> None:
        """Execute code outside the cells until it does not fail: what the page has sent may arrive after it."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                return self.execute(code)
            except Error:
                if time.monotonic() > deadline:
                    raise

    def use_theme(self, theme: str) -> None:
        """Change to "light" or "dark"."""
        self.page.evaluate(THEME, THEMES[theme])
        self.page.wait_for_function(THEME_IS, arg=THEMES[theme])
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

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
        """Save the notebook, and wait until the file is complete."""
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

    def _session(self) -> Any:
        return next(found for found in self.server.ask("GET", "sessions") if found["path"] == f"{self.name}.ipynb")

    def restart_kernel(self) -> None:
        """Restart the kernel as another page or program may."""
        self.server.ask("POST", f"kernels/{self._session()['kernel']['id']}/restart")

    def interrupt_kernel(self) -> None:
        """Interrupt the kernel as another page or program may."""
        self.server.ask("POST", f"kernels/{self._session()['kernel']['id']}/interrupt")

    def dismiss_dialog(self) -> None:
        """Answer JupyterLab's dialog once it appears."""
        self.page.locator(".jp-Dialog .jp-mod-accept").click(timeout=KERNEL_MILLISECONDS)
        self.page.locator(".jp-Dialog").wait_for(state="detached")

    def close(self) -> None:
        """Close the notebook; its own kernel is shut down, a shared one is cleaned up."""
        if not self._own_session and len(self.server.opened) == 1:
            self.execute(FORGET)
        self.page.remove_listener("pageerror", self._note)
        self.page.remove_listener("dialog", self._answer)
        self.page.evaluate(CLOSE)
        if self._own_session:
            self.server.ask("DELETE", f"sessions/{self._own_session}")
        self.server.closed(self)
