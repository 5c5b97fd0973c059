"""What one run of many does, without a server: names, warm starts, extensions, old projects."""

from datetime import UTC, datetime

import pytest
from searches import Curves, Objectives

from flows.parameters import SearchParameters
from flows.present import SearchResult, open_project
from flows.project_names import NameTemplate, newest_project
from flows.running.each_run import (
    drop_old_projects,
    extend,
    named,
    previous_project,
    template_of,
)
from flows.running.final_states import more_of
from storage import CorruptError
from tuner import Objective
from tuner.journal.project import Project
from tuner.oracles import RandomSearchOracle
from tuner.oracles.drawing import best_of_earlier

NIGHT = datetime(2026, 1, 31, 23, 30, 5, tzinfo=UTC)
ACCURACY = Objective("accuracy", "max")


def told(**options):
    return SearchParameters(**{"study": "studies/churn.py", **options})


def tuner_of(directory, name, trials=2, objective=ACCURACY, cls=Curves, **options):
    oracle = RandomSearchOracle(objective, max_trials=trials, seed=len(name), **options)
    oracle.verbose = 0
    return cls(oracle, directory=str(directory), project_name=name)


def searched(directory, name, **options):
    tuner = tuner_of(directory, name, **options)
    tuner.search()
    return tuner


def silent(line):
    raise AssertionError(line)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "churn"),
        ({"project_name": "mine"}, "mine"),
        ({"project_name": "{study}-at-{date}"}, "churn-at-2026-01-31"),
        ({"project_name": "churn-{date}", "timezone": "Asia/Tokyo"}, "churn-2026-02-01"),
        ({"project_name": "churn-{date}", "each_run": "new"}, "churn-2026-01-31"),
        ({"each_run": "new"}, "churn-2026-01-31-233005"),
        ({"each_run": "new", "project_name": "mine"}, "mine-2026-01-31-233005"),
        ({"each_run": "new", "project_name": "my-{study}"}, "my-churn-2026-01-31-233005"),
    ],
)
def test_the_project_of_a_run_has_the_date_it_was_to_start_at_in_its_name(options, name):
    assert named(told(**options), NIGHT).project_name == name


@pytest.mark.parametrize("name", ["churn-{day}", "churn-{date", "churn-date}", "churn-{}"])
def test_what_else_stands_in_braces_is_refused_with_what_may(name):
    with pytest.raises(ValueError, match=r"\{date\}, \{time\}, \{study\}\. Received: project_name"):
        named(told(project_name=name), NIGHT)


@pytest.mark.parametrize("option", [{"warm_start": "previous"}, {"keep_projects": 2}])
def test_what_takes_many_projects_is_refused_for_one(option):
    with pytest.raises(ValueError, match=r"Expected each_run='new', or \{date\}"):
        template_of(told(**option))
    assert template_of(told(**option, project_name="churn-{date}")).changes
    assert template_of(told(**option, each_run="new")).changes


@pytest.mark.parametrize(
    ("template", "stem"),
    [
        ("churn-{date}", "churn"),
        ("{date}_{time}-churn", "-churn"),
        ("churn", "churn"),
        ("{date}", "search"),
    ],
)
def test_a_template_has_a_name_for_its_deployment(template, stem):
    assert NameTemplate(template).stem == stem


def test_only_projects_of_the_template_are_its_and_they_come_in_their_order(tmp_path):
    names = ["c-2026-01-02-000000", "c-2026-01-01-230000", "c-2026-01-01-010000"]
    for name in [*names, "c-2026-01-01", "c", "other-2026-01-01-000000", "xc-2026-01-01-000000"]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "project.json").write_text("{}")
    (tmp_path / "c-2026-01-03-000000").mkdir()  # nothing in it: it was deleted halfway
    template = NameTemplate("c-{date}-{time}")
    assert template.projects(str(tmp_path)) == sorted(names)
    assert template.projects(str(tmp_path), before=names[0]) == sorted(names)[:2]
    assert template.projects(str(tmp_path), before="c-2026-01-01-020000") == [names[2]]
    assert NameTemplate("c-{date}").projects(str(tmp_path)) == ["c-2026-01-01"]
    assert NameTemplate("c-{date}").projects(str(tmp_path / "nowhere")) == []


def test_a_project_whose_name_is_a_template_is_the_newest_one(tmp_path):
    for day in ("2026-01-01", "2026-01-02"):
        searched(tmp_path, f"c-{day}")
    assert newest_project(f"{tmp_path}/c-{{date}}") == f"{tmp_path}/c-2026-01-02"
    assert open_project(f"{tmp_path}/c-{{date}}").project.name == "c-2026-01-02"
    with pytest.raises(FileNotFoundError, match="which has none"):
        newest_project(f"{tmp_path}/d-{{date}}")


def test_the_previous_project_is_the_newest_one_with_a_score(tmp_path):
    directory, template = str(tmp_path), NameTemplate("c-{date}")
    searched(tmp_path, "c-2026-01-01")
    tuner_of(tmp_path, "c-2026-01-02").oracle.start()  # no trial has ended
    found = previous_project(template, directory, "c-2026-01-04", ACCURACY, silent)
    assert found == f"{directory}/c-2026-01-01"
    assert previous_project(template, directory, "c-2026-01-01", ACCURACY, silent) is None


def test_the_previous_project_may_have_improved_another_objective(tmp_path):
    searched(tmp_path, "c-2026-01-01", cls=Objectives, objective=Objective("cost", "min"))
    said = []

    def found(objective):
        template = NameTemplate("c-{date}")
        return previous_project(template, str(tmp_path), "c-2026-01-02", objective, said.append)

    assert found(Objective("gain", "max")) == f"{tmp_path}/c-2026-01-01"
    assert not said
    assert found(ACCURACY) is None  # which no trial has recorded
    assert ["Nothing is learnt from" in line and "cost, gain" in line for line in said] == [True]


def test_a_damaged_project_keeps_nobody_from_the_one_before_it(tmp_path):
    for day in ("01", "02"):
        searched(tmp_path, f"c-2026-01-{day}")
    (tmp_path / "c-2026-01-02" / "journal" / "000000" / "000000001.json").write_text("torn")
    with pytest.raises(CorruptError):
        open_project(f"{tmp_path}/c-2026-01-02")
    said = []
    found = previous_project(
        NameTemplate("c-{date}"), str(tmp_path), "c-2026-01-03", ACCURACY, said.append
    )
    assert found == f"{tmp_path}/c-2026-01-01"
    assert len(said) == 1
    assert "c-2026-01-02" in said[0]


def test_the_best_of_an_earlier_search_is_taken_as_the_space_has_it_today(tmp_path):
    earlier = searched(tmp_path, "earlier", trials=4)
    source = str(tmp_path / "earlier")
    best = earlier.oracle.search_history.best.values

    def known_by(declare):
        later = tuner_of(tmp_path, "later", warm_start_from=[source])
        space = later.oracle.get_space()
        declare(space)
        later.oracle.update_space(space)
        later.oracle.start()
        try:
            return best_of_earlier(later.oracle.search_history, source)
        finally:
            later.oracle.stop()
            later.search_project.erase()

    assert known_by(lambda space: None) == best
    narrow = known_by(lambda space: (space.Float("rate", 1.0, 2.0), space.Int("more", 1, 3)))
    assert narrow == {"rate": 1.0, "more": 1}


def test_a_search_that_has_ended_is_extended_and_one_that_was_stopped_goes_on(tmp_path):
    searched(tmp_path, "p", trials=3)
    for planned in (6, 9):
        tuner = tuner_of(tmp_path, "p", trials=3)
        extend(tuner.oracle)
        assert tuner.oracle.max_trials == planned
        tuner.oracle.start()
        tuner.oracle.create_trial("a")
        tuner.oracle.stop()  # killed, or cancelled: nobody said that it has ended
        again = tuner_of(tmp_path, "p", trials=3)
        extend(again.oracle)
        assert again.oracle.max_trials == planned
        again.search()
        assert len(again.oracle.trials) == planned


def test_a_new_search_is_not_extended_and_one_without_a_number_is_refused(tmp_path):
    tuner = tuner_of(tmp_path, "p", trials=3)
    extend(tuner.oracle)
    assert tuner.oracle.max_trials == 3
    tuner.oracle.max_trials = None
    with pytest.raises(ValueError, match="Received: max_trials=None"):
        extend(tuner.oracle)


def test_old_projects_are_deleted_but_for_those_that_are_searched_on(tmp_path):
    for day in range(1, 6):
        searched(tmp_path, f"c-2026-01-0{day}")
    searched(tmp_path, "c")
    busy = Project(str(tmp_path), "c-2026-01-02")
    said = []
    with busy.held():
        drop_old_projects(NameTemplate("c-{date}"), str(tmp_path), 2, said.append)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "c",
        "c-2026-01-02",
        "c-2026-01-04",
        "c-2026-01-05",
    ]
    assert len(said) == 3
    assert [("stays" in line, "Deleted" in line) for line in said] == [
        (False, True),
        (True, False),
        (False, True),
    ]


def test_a_run_with_nothing_left_to_do_says_what_to_do():
    result = SearchResult(
        project="s3://b/c-2026-01-01",
        completed=8,
        failed=0,
        trained=0,
        best=None,
        leaderboard=[],
        objective="loss",
        reason="every trial has ended",
        seconds=0.0,
    )
    assert "each_run=extend" in more_of(result, told())
    assert "c-2026-01-01 is of an earlier run" in more_of(result, told(each_run="new"))
    assert "limit" in more_of(result, told(each_run="extend"))
