"""The report as a reader meets it: in a browser, on a phone, on paper, without scripts."""

import pytest
from searches import searched, searched_twice

from tuner.results.findings import Findings
from tuner.results.page import page as page_of

pytestmark = pytest.mark.story

TITLES = [
    "Score of each trial, and the best so far",
    "Which hyperparameters matter",
    "Learning curves of the best trials",
    "Spread over executions",
    "Distribution of the scores",
    "Score against each hyperparameter",
    "Two hyperparameters together",
    "Rank by two hyperparameters",
    "Configurations by score",
    "Which trial ran where",
]
ALL_DRAWN = """
    [...document.querySelectorAll('.chart')].length > 0 &&
    [...document.querySelectorAll('.chart')].every(chart => chart.querySelector('svg'))
"""


def write(tuner, path):
    path.write_text(page_of(Findings.of(tuner.search_project)), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return write(searched(folder, trials=120), folder / "report.html")


def test_every_figure_is_drawn_without_a_complaint_or_a_request(open_page, report):
    page = open_page(report)
    page.wait_for_function(ALL_DRAWN)
    assert page.complaints == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert page.locator("figure h3").all_inner_texts() == TITLES
    text = page.locator("body").inner_text()
    assert "105 completed, 15 failed" in text
    assert "ValueError: it became <NaN>" in text
    assert page.locator("td b").count() == 0  # names and values are no HTML


def test_it_opens_with_the_answer(open_page, report):
    page = open_page(report)
    said = page.locator(".answer").inner_text()
    for part in ("Best so far", "How sure", "What matters", "What to try next"):
        assert part in said
    top = page.locator(".answer").bounding_box()
    assert top["y"] < 200


def test_a_figure_answers_to_the_pointer(open_page, report):
    page = open_page(report)
    page.wait_for_function(ALL_DRAWN)
    page.locator("#figure-optimization_history .mark-symbol path").first.hover(force=True)
    page.wait_for_function("document.querySelector('#tip.visible') !== null")
    assert "accuracy" in page.locator("#tip").inner_text()


def test_all_trials_are_there_in_pages_sorted_and_searched(open_page, report):
    page = open_page(report)
    rows = page.locator("#trials tbody tr")
    status = page.locator("nav.pages [role=status]")
    page.wait_for_function("document.querySelectorAll('#trials tbody tr').length === 50")
    assert status.inner_text() == "1 to 50 of 120"
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Next").click()
    assert status.inner_text() == "101 to 120 of 120"
    assert rows.count() == 20
    page.get_by_role("button", name="accuracy").click()
    page.get_by_role("button", name="accuracy").click()
    head = page.locator("th", has_text="accuracy")
    assert head.get_attribute("aria-sort") == "descending"
    scores = [
        float(text) for text in page.locator("#trials td:nth-child(3)").all_inner_texts() if text
    ]
    assert len(scores) == 50
    assert scores == sorted(scores, reverse=True)
    page.get_by_label("Status").select_option("failed")
    assert status.inner_text() == "1 to 15 of 15"
    page.get_by_label("Search").fill("no such thing")
    assert status.inner_text() == "0 to 0 of 0"


def test_without_scripts_the_answer_and_the_best_trials_are_there(open_page, report):
    page = open_page(report, scripts=False)
    text = page.locator("body").inner_text()
    assert "What to try next" in text
    assert page.locator("noscript tbody tr").count() == 10


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_it_takes_the_width_there_is_and_never_scrolls_sideways(open_page, report, width):
    page = open_page(report, width=width)
    page.wait_for_function(ALL_DRAWN)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [box.bounding_box() for box in page.locator("figure").all()]
    assert max(box["x"] + box["width"] for box in boxes) > 0.9 * width
    columns = len({round(box["x"]) for box in boxes})
    assert columns == {390: 1, 768: 1, 1280: 2, 1920: 4}[width]
    charts = [box.bounding_box() for box in page.locator(".chart svg").all()]
    assert all(box["width"] <= width for box in charts)


def test_in_the_dark_it_is_dark_and_text_can_be_read(open_page, report):
    page = open_page(report, scheme="dark")
    page.wait_for_function(ALL_DRAWN)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in background[4:-1].split(",")) < 60
    ink = page.locator(".chart svg .role-axis-label text").first
    colour = ink.evaluate("text => getComputedStyle(text).fill")
    assert min(int(part) for part in colour[4:-1].split(",")) > 140


def test_on_paper_it_is_light_and_has_no_buttons(open_page, report):
    page = open_page(report, scheme="dark")
    page.wait_for_function(ALL_DRAWN)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    ink = page.locator(".chart svg .role-axis-label text").first
    assert ink.evaluate("text => getComputedStyle(text).fill") == "rgb(68, 68, 68)"
    assert not page.locator(".controls").is_visible()


def test_two_objectives_are_shown_as_a_front(open_page, tmp_path):
    page = open_page(write(searched_twice(tmp_path), tmp_path / "report.html"))
    page.wait_for_function(ALL_DRAWN)
    text = page.locator("body").inner_text()
    assert "Trade-off between the objectives" in text
    assert "Hypervolume of the Pareto front so far" in text
    assert page.complaints == []


def test_beyond_its_data_it_is_smaller_than_a_megabyte(tmp_path):
    small = tmp_path / "small.html"
    write(searched(tmp_path, trials=1), small)
    assert small.stat().st_size < 1_000_000
