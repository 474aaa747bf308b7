"""How soon can a report page be used? Opens it from disk in headless Chromium, which must be installed.

    piqa report ~/Photos -o report.html
    python -m benchmarks.report_page report.html

Prints the size of the page, the time until its script is through, until the thumbnails that can be seen are drawn, and
until the next frame after a change of the order; the median of a few openings, each in a fresh browser context.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

OPENINGS = 5
VIEWPORT = {"width": 1280, "height": 800}
DRAWN = "[...document.querySelectorAll('.card img')].every((image) => image.complete && image.naturalWidth)"
FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("--openings", type=int, default=OPENINGS)
    options = parser.parse_args()
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        found = [opened(browser, options.page.resolve()) for _ in range(options.openings)]
        summary = found[-1]["summary"]
        browser.close()
    ready, drawn, sorted_s = (statistics.median(one[name] for one in found) for name in ("ready", "drawn", "sorted"))
    print(f"{options.page.name}: {options.page.stat().st_size / 1e6:.1f} MB, {summary}")
    print(f"ready {ready:.2f} s   thumbnails in view {drawn:.2f} s   sorted anew {sorted_s:.2f} s after the click")


def chromium() -> str | None:
    """Where the browser is."""
    names = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def opened(browser: Any, path: Path) -> dict[str, Any]:
    """One opening."""
    context = browser.new_context(viewport=VIEWPORT)
    page = context.new_page()
    started = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("body.ready")
    ready = time.perf_counter() - started
    while not page.evaluate(DRAWN):  # `wait_for_function` would fall foul of the page's policy
        page.wait_for_timeout(10)
    drawn = time.perf_counter() - started
    clicked = time.perf_counter()
    page.select_option("#sort", "name")
    page.evaluate(FRAME)
    result = {"ready": ready, "drawn": drawn, "sorted": time.perf_counter() - clicked}
    result["summary"] = page.inner_text("#summary")
    context.close()
    return result


if __name__ == "__main__":
    main()
