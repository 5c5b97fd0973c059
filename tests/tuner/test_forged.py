"""Documents with anything in them: read as what they say, or refused with where it stands."""

import json
import shutil

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storage import CorruptError, LocalStore, NewerFormatError, StorageError, seal, unseal
from storage.journal import Entry
from tuner import BaseTuner, Objective
from tuner.core.objective import objective_from_json
from tuner.core.trial import Trial
from tuner.core.typed import FORGED, parse
from tuner.journal.check import check
from tuner.journal.events import TYPES, decode
from tuner.journal.project import Project, ProjectInfo
from tuner.journal.reading import read_project
from tuner.journal.repair import repair
from tuner.journal.trial_files import Manifest
from tuner.oracles import RandomSearchOracle
from tuner.results.tables import LEVELS, table_of
from tuner.training.arrays import from_npz, pack, separate
from tuner.training.execution_results import parse_execution

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(["NaN", "COMPLETED", "../x", "0000", 10**400, -1, "\ud800", "min"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


class Square(BaseTuner):
    def run_trial(self, trial):
        hp = trial.hyperparameters
        x = hp.Float("x", -1.0, 1.0)
        if hp.Boolean("deep"):
            hp.Int("depth", 1, 3, parent_name="deep", parent_values=[True])
        if trial.trial_id == "0002":
            raise ValueError("cannot work")
        return [{"loss": x**2}]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forged")
    oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=4, seed=0)
    Square(oracle, directory=str(folder), project_name="p").search(search_verbose=0)
    return folder / "p"


def paths_in(value, path=()):
    """The ways to every value inside of another one."""
    yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from paths_in(item, (*path, key))


def replaced(value, path, new):
    """A copy with another value at the end of a way; without it where that is `...`."""
    if not path:
        return new
    copy = json.loads(json.dumps(value))
    place = copy
    for key in path[:-1]:
        place = place[key]
    if new is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = new
    return copy


def events_of(project):
    entries = sorted((project / "journal/000000").iterdir())
    return [json.loads(path.read_text())["entry"]["events"] for path in entries]


@given(st.data())
@settings(max_examples=150)
def test_an_entry_with_anything_in_it_is_read_or_refused_with_its_key(project, data):
    entries = events_of(project)
    number = data.draw(st.integers(0, len(entries) - 1))
    path = data.draw(st.sampled_from(list(paths_in(entries[number]))))
    new = data.draw(JSON | (st.just(...) if path else st.nothing()))
    forged = replaced(entries[number], path, new)
    where = f"journal/000000/{number:09d}.json"
    key = project / where
    before = key.read_bytes()
    body = {"number": number, "owner": "x", "time": 0.0, "events": forged}
    key.write_bytes(line_of(body))
    try:
        used(project)
    except StorageError as error:
        told = str(error)
        # What does not follow from it may be found out in a later one.
        assert "journal/000000/" in told or "trial " in told
        assert check(Project.at(project)).damages
    finally:
        key.write_bytes(before)


def used(folder):
    """Reads a project, and what is shown of it."""
    found, history = read_project(folder)
    for level in LEVELS:
        table_of(level, found, history)
    for trial in history.trials.values():
        trial.describe()
        assert trial.seconds is None or trial.seconds >= 0
    return history.ranked()


def line_of(body):
    """An entry with the right checksum, whatever is in it."""
    from zlib import crc32

    text = json.dumps(body).encode()
    return b'{"v":1,"crc32":"%08x","entry":%s}\n' % (crc32(text, 1), text)


@given(JSON.map(lambda value: {"number": 0, "owner": "x", "time": 0.0, "events": value}) | JSON)
@settings(max_examples=60)
@example({"number": 0, "owner": "x", "time": 0.0, "events": [[]]})
def test_a_line_with_anything_in_it_is_an_entry_or_damage(body):
    from storage.journal import decode as decode_line

    try:
        assert isinstance(decode_line(line_of(body), 0, "here"), Entry)
    except CorruptError as error:
        told = str(error)
        assert "here" in told


@given(st.sampled_from(sorted(TYPES)), st.dictionaries(st.text(max_size=6), JSON, max_size=4))
def test_an_event_with_anything_in_it_is_one_or_refused(name, fields):
    try:
        assert type(decode({**fields, "type": name}, "here")) is TYPES[name]
    except (CorruptError, NewerFormatError) as error:
        told = str(error)
        assert "here" in told


INFO = {"objective": {"name": "loss", "direction": "min"}, "seed": 0, "oracle": "X", "created": 0.0}


@given(st.data())
def test_a_project_file_with_anything_in_it_is_read_or_refused(data):
    path = data.draw(st.sampled_from(list(paths_in(INFO))))
    forged = replaced(INFO, path, data.draw(JSON | (st.just(...) if path else st.nothing())))
    try:
        info = ProjectInfo.from_json(forged if isinstance(forged, dict) else {"x": forged}, "here")
    except (CorruptError, NewerFormatError) as error:
        told = str(error)
        assert "here" in told
    else:
        assert objective_from_json(info.objective).name


@pytest.mark.parametrize(
    ("text", "error", "named"),
    [
        ("{}", CorruptError, "objective"),
        ('{"objective":{}', CorruptError, "JSON"),
        ("[]", CorruptError, "object"),
        (json.dumps({**INFO, "format": "1"}), CorruptError, "format"),
        (json.dumps({**INFO, "format": 3}), NewerFormatError, "Update Trialflow"),
        (json.dumps({**INFO, "objective": {"name": "loss"}}), CorruptError, "direction"),
        (json.dumps({**INFO, "objective": {"objectives": 3}}), CorruptError, "TypeError"),
        (json.dumps({**INFO, "seed": "0"}), CorruptError, "seed"),
        ('{"a":' * 5000 + "0" + "}" * 5000, CorruptError, "levels"),
    ],
)
def test_a_project_file_is_named_with_what_is_wrong_in_it(project, tmp_path, text, error, named):
    shutil.copytree(project, tmp_path / "p")
    (tmp_path / "p/project.json").write_text(text)
    with pytest.raises(error, match=r"project\.json") as raised:
        read_project(tmp_path / "p")
    assert named in str(raised.value)


def test_a_bit_that_makes_another_format_number_is_damage_and_no_news(project, tmp_path):
    shutil.copytree(project, tmp_path / "p")
    path = tmp_path / "p/project.json"
    path.write_bytes(path.read_bytes().replace(b'"format": 1', b'"format": 3'))
    with pytest.raises(CorruptError, match=r"project\.json"):
        read_project(tmp_path / "p")


@given(st.data())
@settings(max_examples=60)
def test_a_result_with_anything_in_it_is_read_or_refused_with_its_key(project, data):
    path = project / "trials/0001/result.json"
    before = path.read_bytes()
    state = unseal(before, "here")
    way = data.draw(st.sampled_from([each for each in paths_in(state) if each]))
    forged = replaced(state, way, data.draw(JSON | st.just(...)))
    path.write_bytes(seal(forged))
    try:
        Trial.from_state(Project.at(project).read_result("0001")).describe()
        used(project)
    except StorageError as error:
        told = str(error)
        assert "0001" in told
    finally:
        path.write_bytes(before)


MANIFEST = Manifest.parse(
    seal({"format": 1, "epoch": 2, "key": "a/b", "sha256": "0" * 64, "size": 1, "file": None}), "x"
).to_json()
EXECUTION = {
    "format": 1,
    "result": {"list": [{"metrics": {"loss": 1.0}}, {"number": 2.0}]},
    "best_value": 1.0,
    "record": {"checkpoint": None},
    "reports": {"metrics": {"a": {"direction": "min", "observations": []}}},
}


@pytest.mark.parametrize(
    ("parser", "sound"), [(Manifest.parse, MANIFEST), (parse_execution, EXECUTION)]
)
@given(data=st.data())
def test_documents_of_a_training_are_read_or_refused(parser, sound, data):
    parser(seal(sound), "here")
    way = data.draw(st.sampled_from([each for each in paths_in(sound) if each]))
    forged = replaced(sound, way, data.draw(JSON | st.just(...)))
    try:
        parser(seal(forged), "here")
    except CorruptError as error:
        told = str(error)
        assert "here" in told


TREE = {"epoch": 1, "variables": [1.0, {"a": [True, None, "x"]}]}


@given(st.data())
def test_a_file_of_arrays_with_anything_in_it_is_one_or_no_value(data):
    sound = pack(*separate(TREE))
    assert from_npz(sound) == TREE
    changed = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(changed)))
    for each in (bytes(changed), bytes(changed[:cut])):
        try:
            from_npz(each)
        except ValueError:
            continue


def test_arrays_that_would_unpack_to_any_size_are_refused():
    import io

    import numpy as np

    file = io.BytesIO()
    np.savez_compressed(file, json=np.zeros(10**6, np.uint8))
    with pytest.raises(ValueError, match="compressed"):
        from_npz(file.getvalue())


def test_what_is_parsed_says_which_field_is_wrong():
    good = {"objective": {"name": "a", "direction": "min"}, "seed": 1, "oracle": "O"}
    assert parse(ProjectInfo, good, "here").seed == 1
    for wrong, named in [
        ({**good, "seed": True}, "seed=True"),
        ({**good, "seed": 1.5}, "`seed` to be int"),
        ({**good, "extra": 1}, "extra"),
        ({"seed": 1}, "`objective`"),
        ([], "an object"),
    ]:
        with pytest.raises(CorruptError, match=r"here") as raised:
            parse(ProjectInfo, wrong, "here")
        assert named in str(raised.value)
    assert issubclass(KeyError, FORGED)


@pytest.mark.parametrize("name", ["999999", "000001", "-1", "9" * 200])
def test_a_folder_of_the_journal_that_nobody_made_keeps_nothing_waiting(project, tmp_path, name):
    shutil.copytree(project, tmp_path / "p")
    stray = tmp_path / "p/journal" / name
    stray.mkdir()
    (stray / "999999999.json").write_text("{}")
    found = check(Project.at(tmp_path / "p"))
    assert len(found.journal.lines) < 300
    assert found.journal.next_number < 300


def test_a_special_file_keeps_nothing_waiting(project, tmp_path):
    import os

    shutil.copytree(project, tmp_path / "p")
    entry = tmp_path / "p/journal/000000/000000003.json"
    entry.unlink()
    os.mkfifo(entry)
    os.mkfifo(tmp_path / "p/study.json")
    assert LocalStore(tmp_path / "p").read_many(["study.json"]) == {}
    assert "journal/000000/000000003.json" in [
        d.key for d in check(Project.at(tmp_path / "p")).damages
    ]
    assert list(repair(Project.at(tmp_path / "p")).left) == []
    assert read_project(tmp_path / "p")[1].completed == 3
