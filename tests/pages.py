"""What tests of the report and of the dashboard share."""

from playwright.sync_api import expect


def wait_for_figures(page):
    """Waits until each picture that has a place is drawn; the page runs no script for it."""
    page.locator(".chart svg").first.wait_for()
    expect(page.locator(".chart:not(:has(svg))")).to_have_count(0, timeout=60_000)
