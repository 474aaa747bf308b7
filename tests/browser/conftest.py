"""A headless Chromium for the report, and pages that must not log a single error."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.shoot import make_shoot

Open = Callable[..., Any]
PROBES = Path(__file__).parent / "probes.js"
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
MISSING = "net::ERR_FILE_NOT_FOUND"  # what the browser logs when an original is gone
PATIENCE = 20.0  # seconds
_RELOADS = 3
_DESKTOP = {"width": 1280, "height": 860}


def until(page: Any, expression: str, arg: Any = None) -> None:
    """Wait until a JavaScript expression or function holds in the page.

    playwright's own `wait_for_function` evaluates text inside the page when it asks again, which the policy of the
    reports forbids.
    """
    end = time.monotonic() + PATIENCE
    while not page.evaluate(expression, arg):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(50)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need playwright")
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("the browser tests need chromium")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found, args=sandbox)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shoot(tmp_path_factory.mktemp("shoot"))


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    """Open a file in a context of its own. What it logs as an error fails the test, but for what is expected."""
    contexts, errors = [], []

    def open_page(path: Path, script: str | None = None, expect: str | None = None, **options: Any) -> Any:
        def note(message: Any) -> None:
            if message.type in ("error", "warning") and not (expect and expect in message.text):
                errors.append(message.text)

        context = browser.new_context(**{"viewport": _DESKTOP, "color_scheme": "light", **options})
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(path=PROBES)
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        if script:
            page.add_init_script(script)
        page.goto(path.as_uri())
        page.wait_for_selector("body.ready")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(open_page: Open, report: Path) -> Any:
    return open_page(report)


def names(page: Any) -> Any:
    """The photos that are shown, in reading order."""
    return page.evaluate("probes.names()")


def settle(page: Any) -> None:
    """Wait until the next frame is drawn: filters and scrolling act then."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def reload(page: Any) -> None:
    """Load a page again that has stored something, and once more where the browser hands it an empty storage.

    Chromium does so now and then on a busy machine; at the next load all is there again.
    """
    for _ in range(_RELOADS):
        page.reload()
        page.wait_for_selector("body.ready")
        if page.evaluate("localStorage.length"):
            return
