from pathlib import Path

import pytest

from storage import ProjectPaths, project_url, split_url, validate_name

PATHS = ProjectPaths()


def test_everything_has_its_place():
    trial = PATHS.trial("0001")
    assert [
        PATHS.journal_entry(42),
        PATHS.journal_entry(256),
        PATHS.journal_folder(1),
        PATHS.segment(1),
        trial.folder,
        trial.result,
        trial.log,
        trial.progress,
        trial.model,
        trial.checkpoint("ab12"),
        trial.pickle("ab12"),
        trial.execution(0).folder,
        trial.execution(0).result,
    ] == [
        "journal/000000/000000042.json",
        "journal/000001/000000256.json",
        "journal/000001",
        "segments/000001.jsonl",
        "trials/0001",
        "trials/0001/result.json",
        "trials/0001/log.txt",
        "trials/0001/progress.json",
        "trials/0001/model.json",
        "trials/0001/checkpoint-ab12.weights.h5",
        "trials/0001/model-ab12.pickle",
        "trials/0001/execution-0",
        "trials/0001/execution-0/result.json",
    ]


@pytest.mark.parametrize("trial_id", ["", "a/b", "..", "a.b", "-a", "a\n", "a" * 65, "é"])
def test_a_trial_id_that_is_no_name_is_refused(trial_id):
    with pytest.raises(ValueError, match="trial_id="):
        PATHS.trial(trial_id)


@pytest.mark.parametrize("name", ["untitled_project", "v1.2", "0", "a" * 64])
def test_a_tuner_has_a_plain_name(name):
    assert validate_name(name, "tuner_id") == name


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "a.", "a/b", "a b", "a\n", "a" * 65])
def test_a_name_that_is_a_path_is_refused(name):
    with pytest.raises(ValueError, match="tuner_id="):
        validate_name(name, "tuner_id")


@pytest.mark.parametrize("name", ["untitled_project", "team/digits", "my first search", "_a/b c/d"])
def test_a_project_may_lie_in_folders_of_its_own_and_have_spaces_in_its_name(name):
    assert project_url("results", name) == f"results/{name}"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/../b", "/a", "a/", "a//b", " a", "a ", "a.", "a\n", "a" * 65]
)
def test_a_project_stays_in_its_directory(name):
    with pytest.raises(ValueError, match="project_name="):
        project_url("results", name)


@pytest.mark.parametrize(
    ("directory", "url"),
    [
        ("", "p"),
        (".", "./p"),
        ("/", "/p"),
        ("/a/", "/a/p"),
        (Path("/a"), "/a/p"),
        ("~/a", "~/a/p"),
        ("memory://", "memory://p"),
        ("s3://bucket", "s3://bucket/p"),
        ("s3://bucket/x/", "s3://bucket/x/p"),
    ],
)
def test_a_project_lies_in_its_directory(directory, url):
    assert project_url(directory, "p") == url


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("results/new", ("results", "new")),
        ("new/", (".", "new")),
        ("/new", ("/", "new")),
        ("s3://bucket/folder/new", ("s3://bucket/folder", "new")),
        ("s3://bucket/new", ("s3://bucket", "new")),
        ("memory://new", ("memory://", "new")),
    ],
)
def test_a_url_is_a_directory_and_a_name(url, parts):
    assert split_url(url) == parts
    assert project_url(*parts).endswith(url.strip("/"))


@pytest.mark.parametrize("url", ["", "/", "s3://"])
def test_a_url_without_a_name_is_refused(url):
    with pytest.raises(ValueError, match="with its name at the end"):
        split_url(url)
