import sys

import pytest
from support import STUDIES

from tuner.core.runtime import Role, current, within
from tuner.tuners.study import load_study


def write(folder, text, name="mine.py"):
    path = folder / name
    path.write_text(text)
    return str(path)


def test_a_study_is_loaded_under_a_private_name_and_its_folder_shadows_nothing(tmp_path):
    write(tmp_path, "raise RuntimeError('shadowed')", "json.py")
    write(tmp_path, "VALUE = 7", "beside_the_study.py")
    path = write(
        tmp_path,
        "import json, beside_the_study\n"
        "def build_tuner(**project): return beside_the_study.VALUE\n",
    )
    head = sys.path[0]
    study = load_study(path)
    assert study.name == "mine"
    assert "mine" not in sys.modules
    assert sys.path[0] == head
    assert load_study(path).module is study.module
    with pytest.raises(TypeError, match="Received: int"):
        study.build_tuner(Role.SEARCH)


def test_a_study_is_loaded_by_module_name(tmp_path, monkeypatch):
    (tmp_path / "studies_of_mine").mkdir()
    write(tmp_path / "studies_of_mine", "def build_tuner(**project): ...", "first.py")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_study("studies_of_mine.first").name == "first"


@pytest.mark.parametrize("spec", ["nowhere.py", "no.such.module", "folder/file"])
def test_a_study_that_is_not_there_is_named(spec):
    with pytest.raises(FileNotFoundError, match=f"study='{spec}'"):
        load_study(spec)


def test_what_a_study_lacks_or_gets_wrong_is_said(tmp_path):
    with pytest.raises(AttributeError, match="build_tuner"):
        load_study(write(tmp_path, "x = 1", "empty.py"))
    wrong = "def build_tuner(**project): ...\ndef load_data(): return [1]\n"
    study = load_study(write(tmp_path, wrong, "wrong.py"))
    with pytest.raises(TypeError, match="dict of keyword arguments"):
        study.load_data()


def test_a_study_that_raised_is_loaded_again(tmp_path):
    path = write(tmp_path, "raise ValueError('typo')", "mended.py")
    with pytest.raises(ValueError, match="typo"):
        load_study(path)
    write(tmp_path, "def build_tuner(**project): ...", "mended.py")
    load_study(path)


def test_a_study_without_data_searches_without_arguments(tmp_path):
    assert load_study(write(tmp_path, "def build_tuner(**p): ...", "bare.py")).load_data() == {}


def test_a_process_that_searches_builds_no_model(tmp_path):
    study = load_study(str(STUDIES / "tiny.py"))
    study.module.build_model = lambda hp: pytest.fail("a model was built")
    project = {"directory": str(tmp_path), "project_name": "p"}
    for role in (Role.SEARCH, Role.TRIAL):
        assert study.build_tuner(role, **project).oracle.get_space().space == []
    assert not (tmp_path / "p").exists()


def test_the_role_comes_from_the_context_and_goes_with_it():
    with within(role=Role.TRIAL):
        assert current().role is Role.TRIAL
    assert current().role is Role.SCRIPT
