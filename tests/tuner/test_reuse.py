"""Executions that train with the graph of the first one, and those that must not."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from resuming import begun, outcome, weights

from tuner import HyperModel, RandomSearch
from tuner.training.reuse import LARGEST, Reuse

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(40, 6, 6, 1)).astype("float32")
ROWS = RNG.normal(size=(40, 4)).astype("float32")
LABELS = (ROWS.sum(axis=1) > 0).astype("float32")


def images(hp):
    return [
        *(
            keras.Input((6, 6, 1)),
            keras.layers.RandomFlip(),
            keras.layers.RandomTranslation(0.2, 0.2),
        ),
        *(keras.layers.Conv2D(3, 3, activation="relu"), keras.layers.BatchNormalization()),
        *(keras.layers.Dropout(0.3), keras.layers.Flatten()),
        keras.layers.Dense(1, "sigmoid", dtype="float32"),
    ]


def lazy(hp):
    return [
        keras.layers.Dense(5, "tanh", kernel_regularizer="l2"),
        keras.layers.Dense(1, "sigmoid"),
    ]


def adam(**options):
    return keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.9, **options)


def adam_w():
    rate = keras.optimizers.schedules.CosineDecay(0.05, 10)
    return keras.optimizers.AdamW(
        rate, weight_decay=0.01, clipnorm=0.5, gradient_accumulation_steps=2
    )


def sgd():
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, momentum=0.9))


def stopping():
    return [
        keras.callbacks.EarlyStopping("val_loss", patience=1, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=0, min_delta=0.1),
    ]


SAFE = {
    "images": (images, adam, {}, {"x": IMAGES, "class_weight": {0: 1.0, 1: 2.0}}),
    "schedule": (images, adam_w, {"metrics": ["AUC"]}, {"x": IMAGES, "sample_weight": LABELS + 1}),
    "scaled": (lazy, sgd, {"steps_per_execution": 2}, {"x": ROWS, "callbacks": stopping}),
}


class Watcher(keras.callbacks.Callback):
    """Keeps which models were trained, and what they ended with."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_end(self, logs=None):
        self.seen.append((id(self.model), [np.array(v) for v in self.model.variables]))
        self.seen[-1][1].extend(np.array(v) for v in self.model.optimizer.variables)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAFE)
def test_executions_that_are_not_traced_again_give_the_same_bits(tmp_path, name):
    layers, optimizer, compiled, fit = SAFE[name]

    def build(hp):
        model = keras.Sequential(layers(hp))
        model.compile(optimizer(), "binary_crossentropy", **compiled)
        return model

    def search(mode):
        watcher = Watcher()
        own = fit.get("callbacks", list)
        tuner = RandomSearch(
            build,
            objective="val_loss",
            max_trials=1,
            seed=3,
            executions_per_trial=2,
            directory=str(tmp_path),
            project_name=str(mode),
            reuse_compiled=mode,
        )
        options = {"y": LABELS, "epochs": 3, "batch_size": 16, "validation_split": 0.3}
        options = {**options, **fit, "callbacks": lambda: [*own(), watcher], "verbose": 0}
        tuner.search(**options)
        record = tuner.search_project.read_result("0000")["record"]
        return watcher.seen, record["executions"]

    (fresh, expected), (reused, found) = search(False), search("auto")
    assert len({model for model, _ in reused}) == 1
    assert found == expected
    assert expected[0] != expected[1]
    for (_, one), (_, two) in zip(fresh, reused, strict=True):
        assert [a.tobytes() for a in one] == [b.tobytes() for b in two]


class OwnDropout(keras.layers.Layer):
    def call(self, inputs):
        return inputs * keras.random.uniform(keras.ops.shape(inputs))


class TensorFlowNoise(keras.layers.Layer):
    def call(self, inputs):
        return inputs + tf.random.normal(tf.shape(inputs))


class NumpyState(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.scale = np.random.default_rng().normal()

    def call(self, inputs):
        return inputs * self.scale


def adapted():
    layer = keras.layers.Normalization()
    layer.adapt(ROWS[np.random.default_rng().permutation(40)[:10]])
    return layer


def closure():
    scale = float(np.random.default_rng().normal())

    def relu(x):  # its name is that of one of Keras's
        return x * scale

    return keras.layers.Activation(relu)


UNSAFE = {
    "keras.random": OwnDropout,
    "tf.random": TensorFlowNoise,
    "numpy state": NumpyState,
    "adapted": adapted,
    "closure": closure,
    "partial": lambda: keras.layers.Activation(functools.partial(tf.nn.leaky_relu)),
    "lambda": lambda: keras.layers.Lambda(lambda x: x),
    "configuration": lambda: keras.layers.Rescaling(float(np.random.default_rng().normal())),
}


def model_with(*layers, **compiled):
    keras.utils.clear_session()
    model = keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(1)])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **compiled})
    return model


def second_model(
    first, second, mode="auto", hypermodel=None, data=(ROWS, LABELS), change=lambda model: None
):
    """Which of two models the second execution trains; the first changes meanwhile."""
    reuse = Reuse(mode, hypermodel or HyperModel())
    assert reuse.model_for(first, data, {}) is first
    first.optimizer.build(first.trainable_variables)
    change(first)
    reuse.keep(first)
    return reuse.model_for(second, data, {})


def test_a_model_of_keras_gets_the_initial_values_of_the_fresh_one():
    for data in ((ROWS, LABELS), (tf.data.Dataset.from_tensors((ROWS, LABELS)),)):
        first, fresh = (model_with(keras.layers.Dropout(0.5)) for _ in range(2))
        expected = [np.array(v) for v in fresh.variables]
        assert second_model(first, fresh, data=data) is first
        for variable, value in zip(first.variables, expected, strict=True):
            assert np.array_equal(variable, value)


@pytest.mark.parametrize("name", UNSAFE)
def test_models_that_may_differ_in_more_than_their_values_are_built_again(name):
    first, fresh = (model_with(UNSAFE[name]()) for _ in range(2))
    assert second_model(first, fresh) is fresh


def test_an_adapted_layer_is_found_by_trying_it():
    first, fresh = (model_with(adapted()) for _ in range(2))
    assert second_model(first, fresh, mode=True) is fresh


def own_loss(y, p):
    return keras.ops.mean(keras.ops.abs(y - p))


class OwnFit(HyperModel):
    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, **kwargs)


def test_code_of_the_users_own_is_trusted_only_if_they_say_so():
    def pair(layer=None):
        return [model_with(*([layer()] if layer else []), loss=own_loss) for _ in range(2)]

    first, fresh = pair(TensorFlowNoise)
    assert second_model(first, fresh) is fresh
    first, fresh = pair()
    assert second_model(first, fresh, hypermodel=OwnFit()) is fresh
    first, fresh = pair()
    assert second_model(first, fresh, mode=True, hypermodel=OwnFit()) is first


CHANGES = {
    "layer": lambda model: setattr(model.layers[0], "rate", 0.9),
    "step": lambda model: setattr(model, "train_step", lambda data: {"loss": 0.0}),
    "optimizer": lambda model: setattr(model.optimizer, "beta_1", 0.5),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_model_that_was_changed_while_it_trained_is_not_used_again(name):
    first, fresh = (model_with(keras.layers.Dropout(0.5), optimizer="adam") for _ in range(2))
    assert second_model(first, fresh, change=CHANGES[name]) is fresh


def test_what_runs_eagerly_or_takes_much_memory_is_built_again(monkeypatch):
    first, fresh = (model_with(run_eagerly=True) for _ in range(2))
    assert second_model(first, fresh) is fresh
    assert LARGEST > 1000
    monkeypatch.setattr("tuner.training.reuse.LARGEST", 10)
    first, fresh = (model_with() for _ in range(2))
    assert second_model(first, fresh) is fresh


def test_the_mode_is_checked():
    with pytest.raises(ValueError, match="reuse_compiled='yes'"):
        RandomSearch(model_with, objective="loss", reuse_compiled="yes")


@pytest.mark.slow
def test_a_trial_killed_in_its_second_execution_ends_as_if_every_one_had_been_traced(local):
    values = {"executions": 3, "norm": True, "ema": True, "callbacks": ["stop", "plateau"]}
    straight = local.run(reuse=False, **values)
    kills = [{"epoch": 2, "batch": 1, "execution": 1}]
    killed = local.run(lives=2, kills=kills, reuse=True, **values)
    assert outcome(straight[0]) == outcome(killed[0])
    one, two = (weights(local.url, state) for state, _ in (straight, killed))
    assert all(np.array_equal(one[name], two[name]) for name in one | two)
    # At the first epoch, the optimizer of a fresh model has no variables yet.
    one, two = ({k: v for k, v in begun(n).items() if k[1]} for _, n in (straight, killed))
    assert one == two
    # Two processes, of which each has traced once.
    models = {(n["pid"], n["model"]) for n in killed[1] if n["what"] == "begin"}
    assert len(models) == 2
    assert len({(n["pid"], n["execution"]) for n in killed[1] if n["what"] == "begin"}) == 4
