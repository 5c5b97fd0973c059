"""The dashboard as a reader meets it: live, with real processes, in a real browser."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from pages import wait_for_figures
from playwright.sync_api import expect
from searches import searched
from support import STUDIES, finish, wait_until

from tuner.results.findings import Findings
from tuner.results.page import page as report_of

pytestmark = pytest.mark.story


@pytest.fixture
def serve(command_line):
    """Starts a dashboard; its address."""

    def start(*projects):
        process = command_line("dashboard", *projects, "--port", "0", "--no-browser", "--json")
        return json.loads(process.stdout.readline())["dashboard"]

    return start


@pytest.fixture(scope="module")
def tuner(tmp_path_factory):
    return searched(tmp_path_factory.mktemp("p"), trials=120)


def only_this_machine(page, address):
    return [url for url in page.asked if not url.startswith((address, "data:", "blob:"))] == []


def test_a_search_is_followed_while_it_runs(trialflow, serve, open_page, tmp_path):
    gate = tmp_path / "go-on"
    words = ["search", STUDIES / "shown.py", "--project-name", "followed", "--slots", "1"]
    process = trialflow(*words, SHOWN_UNTIL=str(gate))
    project = tmp_path / "results" / "followed"
    wait_until((project / "trials" / "0003" / "result.json").exists, process)
    address = serve(project)
    page = open_page(f"{address}p/0")
    page.get_by_text("3 completed, 1 failed, 1 unfinished").wait_for()
    assert page.locator("#running-section").is_visible()
    assert page.locator("#running a").inner_text() == "0004"
    wait_for_figures(page)
    points = page.locator("#figure-optimization_history .mark-symbol path").count()
    page.get_by_label("Search").fill("plain")  # what the reader does stays

    gate.touch()
    page.get_by_text("12 of 12 trials: 11 completed, 1 failed, 0 unfinished").wait_for()
    page.get_by_text("ended: ").first.wait_for()
    more = page.locator("#figure-optimization_history .mark-symbol path")
    wait_until(lambda: more.count() > points)
    assert page.get_by_label("Search").input_value() == "plain"
    assert not page.locator("#running-section").is_visible()
    finish(process)
    assert page.complaints == []
    assert only_this_machine(page, address)


def test_a_reader_finds_a_trial_and_all_there_is_of_it(serve, open_page, tuner):
    address = serve(tuner.project_dir)
    page = open_page(address)
    page.get_by_role("link", name="curves").click()
    wait_for_figures(page)
    page.get_by_label("Status").select_option("failed")
    page.get_by_text("1 to 15 of 15").wait_for()
    page.get_by_role("button", name="rate").click()
    expect(page.locator("#trials tbody tr")).to_have_count(15)
    page.locator("#trials").get_by_role("link", name="0007").click()
    page.get_by_role("heading", name="Trial 0007: failed").wait_for()
    assert "ValueError: it became <NaN>" in page.locator("pre").inner_text()
    best = tuner.oracle.search_history.best.trial_id
    page.goto(f"{address}p/0/trials/{best}")
    wait_for_figures(page)
    text = page.locator("main").inner_text()
    for part in ("rank", "best epoch", "seed", "Executions"):
        assert part in text
    assert page.complaints == []
    assert only_this_machine(page, address)


def test_searches_are_compared(serve, open_page, tuner, tmp_path):
    other = searched(tmp_path, trials=20)
    page = open_page(serve(tuner.project_dir, other.project_dir))
    wait_for_figures(page)
    assert page.locator(".card").count() == 2
    assert page.locator("figure h3").all_inner_texts() == [
        "Best score by trials",
        "Best score by time",
        "Distributions of the scores",
    ]


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_it_takes_the_width_there_is_and_never_scrolls_sideways(serve, open_page, tuner, width):
    address = serve(tuner.project_dir)
    best = tuner.oracle.search_history.best.trial_id
    for path in ("", "p/0", f"p/0/trials/{best}"):
        page = open_page(f"{address}{path}", width=width)
        wait_for_figures(page) if path else page.locator(".card").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def serious(page):
    found = Axe().run(page).response["violations"]
    return [
        (each["id"], node["html"])
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_report_and_the_dashboard(serve, open_page, tuner, tmp_path, scheme):
    """As far as the rules of axe-core can tell."""
    file = tmp_path / "report.html"
    file.write_text(report_of(Findings.of(tuner.search_project)))
    address = serve(tuner.project_dir)
    pages = [file.as_uri(), address, f"{address}p/0", f"{address}p/0/trials/0007"]
    for where in pages:
        page = open_page(where, scheme=scheme, unprotected=True)
        page.locator(".answer, .card").first.wait_for()
        expect(page.locator(".chart:not(:has(svg))")).to_have_count(0)
        assert serious(page) == [], where
