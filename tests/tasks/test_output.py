from hypothesis import given
from hypothesis import strategies as st

from tasks.output import LineSink


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
