"""Settings of every test: what kernels inherit, stored figures, figures that need no screen, and a browser."""

import os
import shutil
from collections.abc import Iterator

import pytest
from nbval.plugin import IPyNbCell
from stored_figures import changed_figures

# Sums depend on the order of addition, so BLAS uses one thread unless the caller says otherwise.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# Stored outputs are those of the project's own study, with figures inline: kernels inherit neither of these.
for variable in ("STUDY", "STUDY_LANGUAGE", "MPLBACKEND"):
    os.environ.pop(variable, None)
# A worker of pytest-xdist warns of default encodings by now; what it starts, kernels among them, need not.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("PYTHONWARNDEFAULTENCODING", None)

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Compare a notebook cell's figures too, once nbval has run it and compared the rest."""
    yield
    compared = isinstance(item, IPyNbCell) and item.options["check"]
    if compared and (changes := changed_figures(item.cell.outputs, item.test_outputs)):
        item.raise_cell_error(" ".join(changes))


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Chromium without a window; its absence is said aloud, and an error where REQUIRE_BROWSER is set."""
    executable = os.environ.get("BROWSER_PATH") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        message = "NO BROWSER CHECK WAS MADE: install Chromium, or name a browser in BROWSER_PATH"
        pytest.fail(message) if os.environ.get("REQUIRE_BROWSER") else pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(autouse=True, scope="session")
def _figures_without_screen() -> None:
    import matplotlib

    matplotlib.use("agg")


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    from matplotlib import pyplot

    pyplot.close("all")
