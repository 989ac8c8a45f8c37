"""A page in a headless Chromium, watched: what it asks for, what it complains of, and what axe-core finds in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
AXE = Path(__file__).parent / "vendor/axe.min.js"
DESKTOP, PHONE = (1280, 900), (390, 844)


@dataclass
class Visit:
    """A page that is open."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def find_faults(self) -> list[str]:
        """The serious and critical faults of accessibility, each with the first element that has it."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run()")["violations"]
        grave = [fault for fault in found if fault["impact"] in ("serious", "critical")]
        return [f"{fault['id']}: {fault['nodes'][0]['html'][:200]}" for fault in grave]


def find_browser() -> str:
    """The Chromium of this machine; without one the test is skipped. .ci/run installs it if it can."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("there is no Chromium here (apt-get install chromium)")
    return path


@contextmanager
def start_browser() -> Iterator[Browser]:
    """Start a browser for several visits."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])  # CI runs as root
        yield browser
        browser.close()


@contextmanager
def visit(browser: Browser, path: Path, size: tuple[int, int] = DESKTOP, **options) -> Iterator[Visit]:
    """Open a file in a window of its own, with no network."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, offline=True, **options)
    visited = Visit(page)
    page.on("request", lambda request: visited.requests.append(request.url))
    page.on("console", lambda message: visited.complaints.append(message.text))
    page.on("pageerror", lambda error: visited.complaints.append(str(error)))
    page.goto(path.resolve().as_uri())
    yield visited
    page.close()
