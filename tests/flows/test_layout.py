"""Tables of thousands of rows are laid out without rich, and look as rich would lay them out."""

import pytest

from flows.commands import tables

WORDS = ["x=1, y=2", "kind=a and a long text that has to be folded over several lines", "", "-"]
COLUMNS = ["trial", "status", "loss", "hyperparameters"]


def rows_of(number):
    status = ["completed", "failed"]
    return [[f"{n:04d}", status[n % 2], str(n / 7)[:6], WORDS[n % 4]] for n in range(number)]


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
@pytest.mark.parametrize("number", [1, 2, 9])
def test_a_table_looks_the_same_however_it_is_laid_out(monkeypatch, columns, number):
    monkeypatch.setenv("COLUMNS", str(columns))
    by_rich = tables.table(COLUMNS, rows_of(number))
    monkeypatch.setattr(tables, "MANY", 0)
    assert tables.table(COLUMNS, rows_of(number)) == by_rich


def test_what_takes_more_than_counting_characters_is_left_to_rich(monkeypatch):
    monkeypatch.setattr(tables, "MANY", 0)
    monkeypatch.setenv("COLUMNS", "40")
    wide = [["0001", "\N{CJK UNIFIED IDEOGRAPH-6F22}" * 30]]
    folded = tables.table(["trial", "values"], wide).splitlines()
    assert len(folded) == 4  # each of them takes two columns


def test_thousands_of_rows_do_not_ask_rich(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("rich.console.Console.print", None)
    text = tables.table(COLUMNS, rows_of(2000))
    assert len(text.splitlines()) == 2 + 2000
