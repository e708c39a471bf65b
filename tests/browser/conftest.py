"""Fixtures: Chromium and a Jupyter server, started once."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.jupyter import REPOSITORY, JupyterServer, chromium

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """The Jupyter server, with JupyterLab and Notebook 7."""
    if not (REPOSITORY / "nbcontainer" / "labextension" / "package.json").exists():
        pytest.skip("the front end is not built; run `pip install -e .`")
    server = JupyterServer(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.stop()


@pytest.fixture
def lab(started: JupyterServer) -> Iterator[JupyterServer]:
    """The Jupyter server; anything a test leaves open is closed."""
    yield started
    started.abandon()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for screenshots: NBCONTAINER_SCREENSHOTS, or a temporary one."""
    wanted = os.environ.get("NBCONTAINER_SCREENSHOTS")
    folder = Path(wanted) if wanted else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def figures(screenshots: Path) -> Callable[[str], None]:
    """Notes a measured figure beside the screenshots, in figures.txt."""

    def note(text: str) -> None:
        with (screenshots / "figures.txt").open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")

    return note
