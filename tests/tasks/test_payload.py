"""What a script's search sends to its children, and what is said of what cannot be sent."""

import io
import json
import os
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
from support import ROOT

from tasks.process.payload import CannotTravelError, pack, unpack, why_not
from tasks.process.script_slots import ScriptSlots
from tasks.process.unpicklable import find_unpicklable, short
from tuner import BaseTuner, HyperModel, Objective, Oracle
from tuner.core.runtime import Role
from tuner.oracles import RandomSearchOracle


class Bowl(BaseTuner):
    def run_trial(self, trial, points):
        return float(points.sum())


class Counting(RandomSearchOracle):
    asked = 0


@pytest.fixture
def tuner(tmp_path):
    oracle = Counting(Objective("loss", "min"), max_trials=3, seed=7)
    oracle.asked = 5
    return Bowl(oracle, directory=tmp_path / "out", project_name="bowl")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "payload"
    folder.mkdir(mode=0o700)
    return folder


def sent(folder, tuner, *args, **kwargs):
    """What arrives; the description goes through JSON, as it does."""
    before = list(sys.path), list(sys.argv)
    try:
        return unpack(json.loads(json.dumps(pack(folder, tuner, args, kwargs))))
    finally:
        sys.path[:], sys.argv[:] = before


def test_arguments_arrive_as_they_were_and_each_process_may_change_its_own(tuner, folder):
    points = np.arange(6.0).reshape(2, 3)
    frozen = np.ones(3)
    frozen.flags.writeable = False
    got = sent(folder, tuner, points, [frozen, points], empty=np.empty(0), text="x", n=None)
    assert np.array_equal(got.args[0], points)
    assert got.args[0] is got.args[1][1]
    assert not got.args[1][0].flags.writeable
    assert (got.kwargs["empty"].size, got.kwargs["text"], got.kwargs["n"]) == (0, "x", None)
    got.args[0][:] = 0
    assert points.sum() == 15
    again = unpack({"payload": str(folder), "places": pack_places(tuner)})
    assert again.args[0].sum() == 15


def pack_places(tuner):
    directory, _, name = tuner.project.url.rpartition("/")
    return [{"directory": directory, "project_name": name}]


def test_a_tuner_arrives_on_its_project_in_the_role_of_a_child(tuner, folder):
    tuner.factor = 3
    got = sent(folder, tuner).tuner
    assert (type(got), got.factor) == (Bowl, 3)
    assert got.project.url == tuner.project.url
    assert (got.project_name, got.directory) == ("bowl", got.project.directory)
    assert got._role is Role.TRIAL
    assert got.display is None


def test_an_oracle_arrives_with_its_settings_and_without_its_books(tuner, folder):
    tuner.oracle.start()
    trial = tuner.oracle.create_trial("tuner0")
    try:
        got = sent(folder, tuner).tuner.oracle
    finally:
        tuner.oracle.stop()
    assert (got.asked, got.seed, got.max_trials) == (5, 7, 3)
    assert got.objective == Objective("loss", "min")
    assert (got.trials, got.ongoing_trials) == ({}, {})
    assert trial.trial_id == "0000"
    assert got.get_space().space == []  # its lock works


def test_an_oracle_that_knows_its_tuner_arrives(tuner, folder):
    tuner.oracle.tuner = tuner
    got = sent(folder, tuner).tuner
    assert got.oracle.tuner is got


def test_a_password_in_a_url_is_written_to_no_file(folder):
    directory = "http://me:secret-word@localhost:1/x"
    tuner = Bowl.__new__(Bowl)
    tuner.__dict__.update(oracle=Oracle(), hypermodel=None, directory=directory)
    tuner.project = unreachable_project(directory)
    setup = pack(folder, tuner, (), {})
    assert "secret-word" in json.dumps(setup)
    assert all(b"secret-word" not in path.read_bytes() for path in folder.iterdir())
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def unreachable_project(directory):
    from tuner.journal.project import Project

    project = Project.__new__(Project)
    project.store = type("Store", (), {"url": f"{directory}/bowl"})()
    project._storage_options = {"key": "secret-word"}
    return project


class Holder:
    def __init__(self, **parts):
        self.__dict__.update(parts)


def keeper_of(lock):
    def keep():
        return lock

    return keep


class LockedModel(HyperModel):
    def __init__(self):
        super().__init__()
        self.cache = {"lock": threading.Lock()}

    def build(self, hp):
        return None


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"points": (n for n in [1])}, "points=<generator object"),
        ({"validation_data": (1, open(os.devnull, "wb"))}, "validation_data[1]=<_io.Buffered"),  # noqa: PTH123, SIM115
        ({"callbacks": [1, Holder(log=io.BufferedReader(io.BytesIO()))]}, "callbacks[1].log="),
        ({"f": keeper_of(threading.Lock())}, "`lock` in keeper_of.<locals>.keep="),
        ({"f": Holder(deep={"a": [threading.Lock()]})}, "f.deep['a'][0]=<unlocked _thread.lock"),
    ],
)
def test_what_cannot_be_sent_is_named_by_the_way_to_it(tuner, folder, arguments, named):
    with pytest.raises(CannotTravelError) as caught:
        pack(folder, tuner, (), arguments)
    assert f"Received: {named}" in str(caught.value)
    assert "load_data" in str(caught.value)
    assert "--slots" in str(caught.value)


def test_a_positional_argument_is_named_as_run_trial_names_it(tuner, folder):
    with pytest.raises(CannotTravelError, match="Received: points=<generator"):
        pack(folder, tuner, ((n for n in [1]),), {})


def test_an_attribute_of_the_tuner_or_its_model_is_named(tuner, folder):
    tuner.hypermodel = LockedModel()
    with pytest.raises(CannotTravelError, match=r"Received: hypermodel\.cache\['lock'\]="):
        pack(folder, tuner, (), {})


def test_the_search_for_an_unpicklable_part_ends_in_a_circle():
    loop = [threading.Lock]
    loop.append(loop)
    loop.append(threading.Lock())
    found = find_unpicklable({"fine": 1, "loop": loop}, why_not)
    assert found.name == "loop[2]"
    assert find_unpicklable({"fine": 1}, why_not) is None
    assert len(short("x" * 1000)) < 100


SCRIPT = """
import json, sys
import keras, numpy as np, tensorflow as tf
from pathlib import Path
from tasks.process.payload import pack, unpack, why_not
from tuner import RandomSearch
out = Path(sys.argv[1])
if sys.argv[2] == "send":
    class Scale(keras.layers.Layer):
        def call(self, x):
            return x * 2.0
    keras.saving.register_keras_serializable("mine")(Scale)
    def build(hp):
        return keras.Sequential([keras.Input((2,)), Scale()])
    keras.config.set_image_data_format("channels_first")
    x = np.arange(8.0).reshape(4, 2)
    data = tf.data.Dataset.from_tensor_slices(x).shuffle(4).map(lambda v: v + 1).batch(2)
    noisy = data.map(lambda v: v + tf.random.uniform(tf.shape(v), dtype=v.dtype))
    tuner = RandomSearch(build, "loss", optimizer=keras.optimizers.Adam(0.5), directory=out)
    calls = tf.data.Dataset.from_generator(lambda: [1], output_signature=tf.TensorSpec(()))
    for refused in (calls, tf.distribute.get_strategy(), iter(data)):
        print(type(why_not(refused)).__name__)
    kwargs = {"validation_data": data, "noisy": noisy, "tensor": tf.ones(3)}
    setup = pack(out, tuner, (x,), {**kwargs, "callbacks": [keras.callbacks.EarlyStopping()]})
    (out / "setup.json").write_text(json.dumps(setup))
else:
    got = unpack(json.loads((out / "setup.json").read_text()))
    rows = [sorted(np.concatenate(list(d)).ravel().tolist()) for d in
            (got.kwargs["validation_data"].repeat(2), got.kwargs["noisy"])]
    print(rows[0] == sorted([*range(1, 9)] * 2), rows[1] != sorted(range(1, 9)))
    model = got.tuner.hypermodel.build(None)
    name = keras.saving.get_registered_name(type(model.layers[0]))
    print(name, keras.config.image_data_format(), float(got.tuner.optimizer.learning_rate))
    print(got.kwargs["tensor"].numpy().sum(), model(got.args[0]).numpy().sum())
"""


@pytest.mark.story
def test_models_pipelines_and_kerass_settings_arrive_in_another_process(tmp_path, environment):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    printed = [
        subprocess.run(
            [sys.executable, script, tmp_path, what],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.splitlines()
        for what in ("send", "receive")
    ]
    assert printed == [
        ["TypeError", "TypeError", "InvalidArgumentError"],
        ["True True", "mine>Scale channels_first 0.5", "3.0 56.0"],
    ]


class FakeServer:
    """Starts no process: a child is what it would have been sent."""

    def start(self):
        pass

    def stop(self):
        pass

    def fork(self, setup, env, emit):
        before = list(sys.path), list(sys.argv)
        try:
            return unpack(setup)
        finally:
            sys.path[:], sys.argv[:] = before


@pytest.mark.parametrize("deleted", ["all", "arrays"])
def test_what_a_cleaner_has_deleted_is_packed_again_for_the_next_child(tuner, deleted):
    class Slots(ScriptSlots):
        def _server_of(self, place):
            return FakeServer()

    points = np.arange(4.0)
    with Slots(1, tuner, (points,), {}) as slots:
        slots.start_child("0", print)
        if deleted == "all":
            shutil.rmtree(slots.scratch)
        else:
            next(slots.scratch.glob("*/arrays")).unlink()
        again = slots.start_child("0", print)
        assert np.array_equal(again.args[0], points)
        assert oct(next(slots.scratch.glob("*/pickle")).stat().st_mode)[-3:] == "600"
