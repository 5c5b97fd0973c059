"""The report as a reader meets it: in a browser, on a phone, on paper, without scripts."""

import pytest
from searches import searched, searched_twice

from tuner.report import drawing
from tuner.report.findings import Findings

pytestmark = pytest.mark.slow

TITLES = [
    "Score of each trial, and the best so far",
    "Which hyperparameters matter",
    "Score against each hyperparameter",
    "Configurations by score",
    "Learning curves of the best trials",
    "Which trial ran where",
]


def write(tuner, path):
    path.write_text(drawing("page").page(Findings.of(tuner.search_project)), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return write(searched(folder), folder / "report.html")


def test_every_figure_is_drawn_without_a_complaint_or_a_request(open_page, report):
    page = open_page(report)
    page.wait_for_function(f"document.querySelectorAll('figure > div svg').length == {len(TITLES)}")
    assert page.complaints == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:", "blob:"))] == []
    text = page.locator("body").inner_text()
    for title in TITLES:
        assert title in text
    assert "28 completed, 4 failed" in text
    assert "ValueError: it became <NaN>" in text
    assert page.locator("b").count() == 0  # names and values are no HTML


def test_a_figure_answers_to_the_pointer(open_page, report):
    page = open_page(report)
    page.wait_for_selector("figure > div svg")
    page.locator("#figure-0 .mark-symbol path").first.hover(force=True)
    page.wait_for_function("document.querySelector('#vg-tooltip-element.visible') !== null")
    assert "accuracy" in page.locator("#vg-tooltip-element").inner_text()


def test_without_scripts_the_figures_are_there(open_page, report):
    page = open_page(report, scripts=False)
    assert page.locator("figure > svg").count() == len(TITLES)


def test_a_phone_shows_it_without_scrolling_sideways(open_page, report):
    page = open_page(report, width=390)
    page.wait_for_selector("figure > div svg")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_two_objectives_are_shown_as_a_front(open_page, tmp_path):
    page = open_page(write(searched_twice(tmp_path), tmp_path / "report.html"))
    page.wait_for_selector("figure > div svg")
    assert "Trade-off between the objectives" in page.locator("body").inner_text()
    assert page.complaints == []
