"""A real browser, where one is installed."""

import shutil

import pytest

OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]


PATIENCE = 600_000
"""Milliseconds; a busy machine is no failure."""


@pytest.fixture(scope="session")
def chromium():
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no browser is installed: apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Opens an address; what the page asked for and complained of is on it afterwards."""
    contexts = []

    # `unprotected` lets a test put scripts of its own into the page.
    def open_it(address, *, width=1200, scripts=True, scheme="light", unprotected=False):
        size = {"width": width, "height": 900}
        context = chromium.new_context(
            viewport=size, java_script_enabled=scripts, color_scheme=scheme, bypass_csp=unprotected
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: message.type == "error" and page.complaints.append(message.text),
        )
        page.goto(address)
        return page

    yield open_it
    for context in contexts:
        context.close()
