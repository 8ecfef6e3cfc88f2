"""A page in a real browser. Where there is no Chromium or no Playwright, these tests are not collected, and pytest says
so."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from suite.records import Results
from suite.report import html
from tests.browser import chromium
from tests.report import sample

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MISSING = "" if importlib.util.find_spec("playwright") else "no Playwright: nox -s tests-browser installs it"
MISSING = MISSING or ("" if chromium.path() else chromium.HOW)
collect_ignore_glob = ["test_*.py"] if MISSING else []
ADDRESS = "https://report.example/"


def pytest_report_header() -> str:
    return f"tests/browser is left out: {MISSING}" if MISSING else f"browser: {chromium.path()}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium.path(), args=chromium.arguments())
        yield started
        started.close()


@dataclass
class Opened:
    """A page and what it did beside showing itself."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


Open = Callable[..., Opened]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens results as a page from an address of its own: nothing else on it can be reached."""
    contexts = []

    def opened(
        results: Results | None = None,
        *,
        address: str = "",
        policy: str = "",
        split: bool = False,
        wait: bool = True,
        **options: Any,
    ) -> Opened:
        shown = results if results is not None else sample.results()
        files = html.split(shown) if split else {"index.html": html.text(shown)}
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        one = Opened(page=context.new_page())

        def answer(route: Any) -> None:
            name = route.request.url.removeprefix(ADDRESS).partition("#")[0] or "index.html"
            one.requests.append(name)
            kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
            headers = {"Content-Security-Policy": policy} if policy else {}
            kind = kinds[name.rpartition(".")[2]] + "; charset=utf-8"
            route.fulfill(body=files[name], content_type=kind, headers=headers) if name in files else route.abort()

        one.page.route("**/*", answer)
        one.page.on("pageerror", lambda error: one.errors.append(str(error)))
        one.page.on("console", lambda said: one.errors.append(said.text) if said.type == "error" else None)
        one.page.goto(ADDRESS + address)
        if wait and options.get("java_script_enabled", True):
            one.page.wait_for_function("document.querySelector('#pair h3') || !document.querySelector('#matrix table')")
        return one

    yield opened
    for context in contexts:
        context.close()
