"""Sealed documents and stored files: what is read is what was written, or it is said."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage import CorruptError, LocalStore, MemoryStore, StoredFile, dump_json, parse_json
from storage.documents import DEEPEST, seal, unseal

KEYS = st.text(max_size=5)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Single surrogates too: an exception's text may have them.
    | st.text(st.characters(exclude_categories=()), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
STATES = st.dictionaries(KEYS.filter(lambda key: key != "sha256"), VALUES, max_size=4)


@given(STATES)
@example({})
def test_a_sealed_document_comes_back_and_is_plain_json(state):
    data = seal(state)
    assert unseal(data, "here") == state
    plain = json.loads(data)
    assert len(plain.pop("sha256")) == 64
    assert plain == state


@given(STATES)
def test_documents_of_versions_without_digests_still_load(state):
    assert unseal(json.dumps(state).encode(), "here") == state


@pytest.mark.parametrize(
    "value",
    [
        2**64,
        -(2**63) - 1,
        10**40,
        [10**19],
        -0.0,
        1e-300,
        float("nan"),
        float("inf"),
        "\ud800",
        "5" * 30,
    ],
)
def test_numbers_and_texts_that_other_parsers_change_are_read_as_json_reads_them(value):
    found = parse_json(dump_json({"value": value}, strict=False), "here")["value"]
    assert repr(found) == repr(value)


@given(STATES, st.data())
def test_any_byte_that_changes_is_noticed(state, data):
    sealed = bytearray(seal(state))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptError, match="here"):
        unseal(bytes(sealed), "here")


@given(STATES, st.data())
def test_a_document_that_is_cut_off_or_has_a_tail_is_noticed(state, data):
    sealed = seal(state)
    for other in (sealed[: data.draw(st.integers(0, len(sealed) - 1))], sealed + b"x"):
        with pytest.raises(CorruptError, match="here"):
            unseal(other, "here")


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
@example(b"[]")
@example(b"\xff")
@example(b'{"a":NaN')
def test_whatever_is_parsed_is_an_object_or_an_error_of_ours(data):
    try:
        found = parse_json(data, "here")
    except CorruptError:
        return
    assert isinstance(found, dict)


@pytest.mark.parametrize("levels", [DEEPEST + 1, 1000, 100_000])
@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_too_deep_is_neither_read_nor_written(levels, pair):
    inner = pair[0] * (levels - 1) + "0" + pair[1] * (levels - 1)
    with pytest.raises(CorruptError, match="levels"):
        parse_json(f'{{"a":{inner}}}'.encode(), "here")
    if levels < 1000:
        with pytest.raises(ValueError, match="levels"):
            dump_json(json.loads(f'{{"a":{inner}}}'))


def test_many_brackets_are_not_deep_and_those_in_strings_do_not_count():
    state = {"a": [{"b": [1]}] * 300, "c": "[" * 300, "d": '"\\"[[' * 300}
    assert parse_json(dump_json(state), "here") == state
    # What closes in a string opens nothing.
    hidden = '{"a\\n\\"":' + '["\\\\]",' * 300 + "0" + "]" * 300 + "}"
    assert json.loads(hidden)
    with pytest.raises(CorruptError, match="levels"):
        parse_json(hidden.encode(), "here")


def test_a_stored_file_is_what_was_written_from_memory_or_from_disk(tmp_path):
    store = MemoryStore("memory://documents/file", {})
    path = tmp_path / "weights"
    path.write_bytes(b"weights")
    for source in (b"weights", path):
        file = StoredFile.of(source, lambda digest: f"w-{digest}.h5")
        file.write(store, source)
        assert StoredFile.from_json(file.to_json(), "there") == file
        assert (file.read(store), file.size) == (b"weights", 7)
        file.download(store, tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == b"weights"
    assert store.list("") == [f"w-{file.sha256[:12]}.h5"]


@pytest.mark.parametrize("data", [b"weighty", b"weight", b"weights!", b""])
def test_a_stored_file_that_was_changed_is_noticed_and_not_kept(tmp_path, data):
    store = LocalStore(tmp_path / "store")
    file = StoredFile.of(b"weights", lambda digest: f"w-{digest}.h5")
    store.replace(file.key, data)
    with pytest.raises(CorruptError, match=file.key):
        file.read(store)
    with pytest.raises(CorruptError, match=file.key):
        file.download(store, tmp_path / "back")
    assert not (tmp_path / "back").exists()


GOOD = {"key": "a/b", "sha256": "0" * 64, "size": 3}


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        "a/b",
        {},
        {**GOOD, "key": 1},
        {**GOOD, "key": "../b"},
        {**GOOD, "key": ""},
        {**GOOD, "size": "3"},
        {**GOOD, "sha256": None},
    ],
)
def test_what_names_no_file_is_refused_with_where_it_stands(state):
    assert StoredFile.from_json({**GOOD, "more": 1}, "there").size == 3
    with pytest.raises(CorruptError, match="there"):
        StoredFile.from_json(state, "there")
