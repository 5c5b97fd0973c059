from hypothesis import given
from hypothesis import strategies as st

from tasks.process.output import LONGEST_LINE, Budget, Forwarding, LastLines, LineSink


def lines(*chunks: bytes) -> list[str]:
    found = []
    sink = LineSink(found.append)
    for chunk in chunks:
        sink.feed(chunk)
    sink.flush()
    return found


def test_a_bar_that_is_redrawn_becomes_the_line_that_was_left():
    assert lines(b"1/3 loss: 0.9\r2/3 loss: 0.8\r3/3 loss: 0.7\nnext\n") == [
        "3/3 loss: 0.7",
        "next",
    ]


def test_backspaces_go_back_and_overwrite():
    assert lines(b"1/3\b\b\b2/3\b\b\b3/3 done\n") == ["3/3 done"]


def test_colours_are_dropped_even_when_an_escape_is_cut_in_two():
    assert lines(b"\x1b[1m1/3\x1b[0m \x1b[3", b"2mok\x1b[0m\n") == ["1/3 ok"]


def test_what_has_no_newline_is_not_lost():
    assert lines(b"Segmentation fault") == ["Segmentation fault"]


@given(st.text(alphabet="aé✓ \n", max_size=60), st.data())
def test_lines_do_not_depend_on_how_the_output_was_cut(text, data):
    raw = text.encode()
    cut = data.draw(st.integers(0, len(raw)))
    assert lines(raw[:cut], raw[cut:]) == lines(raw)


@given(st.lists(st.sampled_from(["a", "\x1b[1m", "\x1b]0;t\x07", "\x1b", "é", "\n"]), max_size=20))
def test_no_escape_is_left_however_the_output_was_cut(pieces):
    raw = "".join(pieces).encode()
    for cut in range(len(raw) + 1):
        assert not [line for line in lines(raw[:cut], raw[cut:]) if "\x1b" in line]


def test_titles_links_and_other_orders_to_a_terminal_are_dropped():
    raw = b"a\x1b]0;title\x07b\x1b]8;;http://x\x1b\\c\x1bPq#0\x1b\\d\x1b[2Je\x1bcf\xc2\x9b31mg\n"
    assert lines(raw) == ["abcdefg"]
    assert lines(b"bell\x07 null\x00 back\xe2\x80\xaewards") == [
        "bell\ufffd null\ufffd back\ufffdwards"
    ]


def test_a_line_without_an_end_is_given_in_parts_and_held_in_none():
    found = []
    sink = LineSink(found.append)
    for _ in range(100):
        sink.feed(b"x" * 65536)
        assert len(sink._line) <= LONGEST_LINE
    sink.flush()
    assert {len(line) for line in found} == {LONGEST_LINE}
    assert sum(map(len, found)) == 100 * 65536
    assert lines(b"y" * 3 * LONGEST_LINE + b"\rz\n")[-1].startswith("z")


def test_of_what_is_printed_the_end_is_kept_within_lines_and_bytes():
    kept = LastLines(lines=3, size=20)
    for number in range(10):
        kept.add(f"line {number}")
    assert kept.text() == "[8 lines before this one were left out]\nline 8\nline 9\n"
    kept.add("x" * 50)  # the last one stays, whatever its size
    assert list(kept) == ["x" * 50]
    assert LastLines().text() == ""


def test_lines_are_passed_on_as_a_budget_allows_and_then_the_end():
    now = [0.0]
    budget = Budget(burst=3, rate=1.0, clock=lambda: now[0])
    found = []
    one, other = Forwarding(found.append, budget), Forwarding(found.append, budget)
    one.line("a")
    other.line("b" * 2500)
    assert found[1].endswith("b [500 characters more]")
    for number in range(100):
        one.line(f"line {number}")
    assert found[2:] == ["line 0"]
    now[0] = 2.0  # what is held back is held back to the end, in order
    one.line("last")
    other.line("c")
    one.end()
    assert found[3] == "c"
    assert found[4] == "[50 lines are in the trial's log.txt only]"
    assert (found[5], found[-1], len(found)) == ("line 51", "last", 55)
    one.line("again")
    assert found[-1] == "again"
