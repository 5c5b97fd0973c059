"""`import keras_tuner` gives Trialflow, under every name that programs use."""

import importlib
import json
import os
import pickle
import re
import subprocess
import sys

import pytest
from support import ROOT

from tuner.compat import alias_keras_tuner, is_aliased
from tuner.keras_tuner.names import MODULES, STAND_INS

PUBLIC = {
    "keras_tuner": "BayesianOptimization GridSearch HyperModel HyperParameters Hyperband Objective "
    "Oracle RandomSearch SklearnTuner Tuner applications engine errors oracles src synchronized "
    "tuners",
    "keras_tuner.applications": "HyperEfficientNet HyperImageAugment HyperResNet HyperXception",
    "keras_tuner.engine": "base_tuner hypermodel hyperparameters metrics_tracking oracle trial "
    "tuner",
    "keras_tuner.engine.base_tuner": "BaseTuner",
    "keras_tuner.engine.hypermodel": "HyperModel",
    "keras_tuner.engine.hyperparameters": "Boolean Choice Fixed Float HyperParameter "
    "HyperParameters Int deserialize serialize",
    "keras_tuner.engine.metrics_tracking": "infer_metric_direction",
    "keras_tuner.engine.oracle": "Objective Oracle",
    "keras_tuner.engine.trial": "Trial TrialStatus",
    "keras_tuner.engine.tuner": "Tuner maybe_distribute",
    "keras_tuner.errors": "FailedTrialError FatalError FatalRuntimeError FatalTypeError "
    "FatalValueError",
    "keras_tuner.oracles": "BayesianOptimizationOracle GridSearchOracle HyperbandOracle "
    "RandomSearchOracle",
    "keras_tuner.tuners": "BayesianOptimization GridSearch Hyperband RandomSearch SklearnTuner "
    "Tuner",
}
NAMES = [(module, name) for module, names in PUBLIC.items() for name in names.split()]


@pytest.fixture(scope="module", autouse=True)
def aliased():
    alias_keras_tuner()


def run(script, *, cwd=ROOT, **env):
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_every_public_name_is_there(module, name):
    found = getattr(importlib.import_module(module), name)
    assert getattr(found, "__name__", name).rpartition(".")[2] == name


LIGHT = [
    (module, name)
    for module, names in MODULES.items()
    for name in names
    if module not in STAND_INS and "callbacks" not in names[name]
]


@pytest.mark.parametrize(("module", "name"), LIGHT)
def test_every_name_of_the_table_is_found(module, name):
    assert getattr(importlib.import_module(module), name) is not None


def test_all_ways_to_import_lead_to_the_same_class():
    import keras_tuner as kt
    import keras_tuner.engine.oracle
    import kerastuner
    from keras_tuner import Oracle
    from keras_tuner.engine import oracle as oracle_module
    from keras_tuner.src.engine.oracle import Oracle as OracleOfSrc
    from kerastuner.engine.oracle import Oracle as OldOracle

    import tuner

    found = {kt.Oracle, Oracle, oracle_module.Oracle, OracleOfSrc, OldOracle, kerastuner.Oracle}
    assert found == {keras_tuner.engine.oracle.Oracle} == {tuner.Oracle}
    assert importlib.import_module("keras_tuner.engine.oracle") is oracle_module
    assert importlib.util.find_spec("keras_tuner.engine.oracle") is oracle_module.__spec__
    assert re.fullmatch(r"1\.\d+\.\d+", kt.__version__)


def test_a_star_import_brings_what_is_public():
    names = {}
    exec("from keras_tuner.engine.hyperparameters import *", names)
    assert {"HyperParameters", "Int", "serialize"} <= names.keys()


def test_classes_and_modules_are_pickled_by_name():
    import keras_tuner as kt

    assert pickle.loads(pickle.dumps(kt.errors.FatalError)) is kt.errors.FatalError
    cloudpickle = pytest.importorskip("cloudpickle")
    assert pickle.loads(cloudpickle.dumps(kt.engine.trial)) is kt.engine.trial


@pytest.mark.parametrize(
    "statement",
    [
        "from keras_tuner import Nonsense",
        "import keras_tuner.nonsense",
        "import keras_tuner; keras_tuner.nonsense",
        "from keras_tuner.engine.tuner import nonsense",
        "from keras_tuner import protos",
    ],
)
def test_a_name_that_is_missing_is_named_beside_those_that_are_there(statement):
    with pytest.raises((ImportError, AttributeError), match=r"Trialflow has too\. Received: keras"):
        exec(statement, {})


def test_a_missing_name_is_told_apart_as_python_does():
    import keras_tuner

    assert not hasattr(keras_tuner, "nonsense")
    assert "engine" in dir(keras_tuner)
    assert "RandomSearch" in dir(keras_tuner)


def test_it_imports_nothing_heavy_and_may_be_called_again():
    script = """
import sys
from tuner.compat import alias_keras_tuner
for _ in range(2):
    alias_keras_tuner()
import keras_tuner, kerastuner
heavy = ("keras", "tensorflow", "sklearn", "scipy", "prefect", "pandas")
print(keras_tuner.Tuner.__module__, [m for m in heavy if m in sys.modules])
print(sum("AliasFinder" in repr(finder) for finder in sys.meta_path))
"""
    assert run(script).split("\n") == ["tuner.tuners.tuner []", "1"]
    assert is_aliased()


@pytest.fixture
def genuine(tmp_path):
    """A folder with a package that has Keras Tuner's name."""
    package = tmp_path / "keras_tuner"
    package.mkdir()
    (package / "__init__.py").write_text("genuine = True\n")
    return tmp_path


def test_it_wins_over_a_keras_tuner_that_is_installed(genuine):
    script = (
        "from tuner.compat import alias_keras_tuner; alias_keras_tuner();"
        "import keras_tuner; print(keras_tuner.Tuner, hasattr(keras_tuner, 'genuine'))"
    )
    found = run(script, PYTHONPATH=f"{genuine}:{ROOT}")
    assert found == "<class 'tuner.tuners.tuner.Tuner'> False"


def test_it_does_not_replace_a_keras_tuner_that_is_imported(genuine):
    script = """
import keras_tuner, json, sys
from tuner.compat import alias_keras_tuner
try:
    alias_keras_tuner()
except ImportError as error:
    print(json.dumps([str(error), keras_tuner.genuine, sys.modules["keras_tuner"].genuine]))
"""
    message, *still = json.loads(run(script, PYTHONPATH=f"{genuine}:{ROOT}"))
    assert "before `import keras_tuner`" in message
    assert str(genuine) in message
    assert still == [True, True]


def test_helpers_do_what_their_names_say(tmp_path):
    from keras_tuner.src import utils
    from keras_tuner.src.backend import io
    from keras_tuner.src.engine import tuner_utils
    from keras_tuner.src.engine.hyperparameters import hp_utils

    path = tmp_path / "a" / "b.json"
    utils.create_directory(str(path.parent))
    utils.save_json(str(path), {"x": 1})
    assert utils.load_json(str(path)) == {"x": 1}
    assert io.exists(str(path))
    with io.File(str(path), "rb") as file:
        assert file.read() == b'{"x": 1}'
    io.rmtree(str(path.parent))
    assert not path.parent.exists()
    assert utils.to_list(3) == [3]
    assert tuner_utils.average_metrics_dicts([{"a": 1.0}, {"a": 3.0, "b": 1.0}]) == {
        "a": 2.0,
        "b": 1.0,
    }
    assert [hp_utils.prob_to_index(p, 4) for p in (0.0, 0.3, 1.0)] == [0, 1, 3]
    assert hp_utils.index_to_prob(1, 4) == 0.375


@pytest.mark.story
def test_names_that_are_another_module_and_callbacks_are_found():
    script = """
from tuner.compat import alias_keras_tuner
alias_keras_tuner()
import keras
import keras_tuner.src.backend.keras
from keras_tuner.src.backend import keras as k, ops, config
from keras_tuner.src.backend.keras import layers
from keras_tuner.src.engine.tuner_utils import SaveBestEpoch, TunerCallback
print(layers is keras.layers, k.Model is keras.Model, ops.add is keras.ops.add, config.backend())
"""
    assert run(script).endswith("True True True tensorflow")
