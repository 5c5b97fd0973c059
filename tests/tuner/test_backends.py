"""The tuner on another of Keras's backends, without TensorFlow."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import sys
sys.modules["tensorflow"] = None  # importing it raises
import keras, numpy as np
from tuner import Hyperband, HyperParameters, RandomSearch

assert keras.backend.backend() == "jax"

def build(hp):
    model = keras.Sequential([keras.layers.Dense(hp.Int("units", 2, 6)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model

rng = np.random.default_rng(0)
x = rng.normal(size=(32, 3)); y = x.sum(axis=1)
data = dict(x=x, y=y, validation_split=0.25, verbose=0)
tuner = RandomSearch(build, "val_loss", 2, seed=1, directory=sys.argv[1], project_name="random",
                     executions_per_trial=2, max_model_size=10_000)
tuner.search(**data, epochs=2)
best = tuner.oracle.get_best_trials()[0]
assert len(tuner.oracle.get_best_trials(9)) == 2
losses = tuner.results("epochs")["metric.val_loss"].to_pylist()
loss = tuner.get_best_models()[0].evaluate(x[24:], y[24:], verbose=0)
assert min(abs(loss - other) for other in losses) < 1e-5, (loss, losses)
band = Hyperband(build, "val_loss", max_epochs=2, factor=2, seed=1, directory=sys.argv[1],
                 project_name="hyperband")
band.search(**data)
assert {t.status for t in band.oracle.trials.values()} == {"COMPLETED"}
assert any(t.budget.parent for t in band.oracle.trials.values())
print("trained on", keras.backend.backend())
"""


@pytest.mark.story
def test_a_search_trains_and_promotes_on_jax_without_tensorflow(tmp_path):
    pytest.importorskip("jax")
    env = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "trained on jax" in done.stdout
