"""In a real browser, JupyterLab opens a notebook and runs it through."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
STORED = sorted((ROOT / "notebooks").glob("*.ipynb"))
PATIENCE = 120
"""Seconds until a server or a notebook that does not answer counts as broken; both need about 15."""

RUN_ALL = """(patience) => Promise.race([
  new Promise((_, reject) => setTimeout(() => reject(new Error('the notebook does not answer')), patience)),
  (async () => {
    const widget = jupyterapp.shell.currentWidget;
    await widget.context.ready;
    await widget.sessionContext.ready;
    const kernel = widget.sessionContext.session.kernel;
    await kernel.info;
    while (kernel.status !== 'idle') await new Promise(resolve => setTimeout(resolve, 100));
    await jupyterapp.commands.execute('notebook:run-all-cells');
    return widget.content.widgets.filter(cell => cell.model.type === 'code').map(cell => cell.model.executionCount);
  })(),
])"""


@dataclass(frozen=True)
class Server:
    """A running JupyterLab."""

    address: str
    token: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of the notebooks, so that nothing stored can change, and one that fails."""
    folder = tmp_path_factory.mktemp("孟州 lab")
    for path in STORED:
        shutil.copy(path, folder)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [new_code_cell(source) for source in ("1 + 1", "1 / 0", "2 + 2")]
    broken = new_notebook(cells=cells, metadata=kernel)
    nbformat.write(broken, folder / "broken.ipynb")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex()
    options = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root"]
    command = [sys.executable, "-m", "jupyterlab", *options, f"--IdentityProvider.token={token}"]
    settings = tmp_path_factory.mktemp("settings")
    log = settings / "log.txt"
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            [*command, "--expose-app-in-browser"], cwd=folder, env=quiet(settings), stdout=stream, stderr=stream
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/api?token={token}", process, log)
            yield Server(f"http://127.0.0.1:{port}", token)
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


def quiet(settings: Path) -> dict[str, str]:
    """An environment in which JupyterLab keeps to its own settings and asks nobody for news."""
    notification = settings / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    notification.parent.mkdir(parents=True)
    notification.write_text('{"fetchNews": "false", "checkForUpdates": false}', encoding="utf-8")
    return {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(settings / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(settings / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(settings / "workspaces"),
    }


def wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            urlopen(address, timeout=5).close()
        except (URLError, OSError):
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')}")


def run_all(browser: Browser, server: Server, name: str) -> tuple[list[int | None], list[str]]:
    """Open a notebook and run all its cells; the number beside each, and every request to the outside."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(f"{server.address}/lab/tree/{name}?reset&token={server.token}")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    counts = page.evaluate(RUN_ALL, PATIENCE * 1000)
    context.close()
    local = (server.address, "data:", "blob:", "ws:")
    return counts, [url for url in requests if not url.startswith(local)]


def test_notebook_runs_through(browser: Browser, server: Server, folder: Path) -> None:
    name = min(STORED, key=lambda path: path.stat().st_size).name
    cells = nbformat.read(folder / name, as_version=4).cells
    counts, outside = run_all(browser, server, name)
    assert counts == list(range(1, 1 + sum(cell.cell_type == "code" for cell in cells)))
    assert outside == []


def test_failing_notebook_is_noticed(browser: Browser, server: Server) -> None:
    counts, _ = run_all(browser, server, "broken.ipynb")
    assert counts == [1, 2, None]
