"""First mistakes of a study are told without running it, with file and line."""

import re

import pytest
from support import ROOT, STUDIES

from tuner import Tuner
from tuner.tuners import ready_made
from tuner.tuners.study_check import KERAS_TUNERS, check_study

GOOD = "def build_tuner(**project):\n    return 1 / 0\n"


KERAS = """from tuner import RandomSearch
def build_model(hp): ...
def build_tuner(**project):
    return RandomSearch(build_model, "val_loss", 3, **project)
"""


def check(folder, text):
    path = folder / "mine.py"
    path.write_text(text)
    return check_study(str(path))


@pytest.mark.parametrize("path", [*STUDIES.glob("*.py"), ROOT / "examples" / "digits.py"], ids=str)
def test_studies_that_run_pass(path):
    assert check_study(str(path)) == path.resolve()


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "from elsewhere import build_tuner\n",
        "from elsewhere import *\n",
        "import functools\nbuild_tuner = functools.partial(print, 1)\n",
        "try:\n    import a\nexcept ImportError:\n    def build_tuner(**p): return a\n",
        "if True:\n    def build_tuner(directory, project_name, overwrite=False): return b()\n",
        GOOD + "def load_data(rows=10): return {}\n",
        GOOD + "def load_data(): raise NotImplementedError\n",
        "def build_tuner(**p):\n    def f(): return 1, 2\n    return f()\n",
        KERAS + "def load_data(): return {'x': 1}\n",
        KERAS.replace("def build_model", "class build_model:\n  def fit"),
        KERAS + "class RandomSearch: ...\n",
        "import a\n@a.decorated\ndef build_tuner(): ...\n",
    ],
)
def test_what_may_be_right_passes_and_is_not_run(tmp_path, text):
    check(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("def build_tuner(:\n", SyntaxError, r'mine.py", line 1: .*: def build_tuner\(:'),
        (GOOD + "return 3\n", SyntaxError, r'mine.py", line 3: .return. outside function'),
        ("x = 1\n", AttributeError, r"a function `build_tuner\(\*\*project\)` in .*mine.py"),
        ("def f():\n    build_tuner = 1\n", AttributeError, "Received: none"),
        ("build_tuner = 7\n", TypeError, 'mine.py", line 1: a constant'),
        (
            "\ndef build_tuner():\n    ...\n",
            TypeError,
            r"Expected `build_tuner\(\*\*project\)`. Received: .*line 2: `build_tuner\(\)`",
        ),
        (
            "def build_tuner(epochs, **project): ...\n",
            TypeError,
            r"line 1: `build_tuner\(epochs, \*\*project\)`",
        ),
        (
            "def build_tuner(**p):\n    f(p)\n",
            TypeError,
            r"the tuner\. Received: .*line 1: no `return`",
        ),
        (GOOD + "def load_data():\n    return 1, 2\n", TypeError, r"a dict .*line 4: a tuple"),
        (KERAS, AttributeError, r'a function `load_data\(\)` in ".*mine.py".* in line 4'),
        (
            GOOD + "def load_data(path): ...\n",
            TypeError,
            r"Expected `load_data\(\)`. Received: .*line 3: `load_data\(path\)`",
        ),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path, text, error, said):
    with pytest.raises(error) as raised:
        check(tmp_path, text)
    assert re.search(said, str(raised.value)), raised.value


def test_the_tuners_that_train_on_data_are_the_ready_made_ones():
    found = [each for each in vars(ready_made).values() if isinstance(each, type)]
    assert {cls.__name__ for cls in found if Tuner in cls.__mro__[1:]} == KERAS_TUNERS


def test_a_study_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match="nowhere"):
        check_study("nowhere.py")
