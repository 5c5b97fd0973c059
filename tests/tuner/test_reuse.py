"""Executions that train with the graph of the first one, and those that must not."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from resuming import begun, outcome, weights

from tuner import HyperModel, RandomSearch
from tuner.training.reuse import LARGEST, Reuse
from tuner.tuners.tuner_plan import TunerPlan

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


def dense(hp):
    return [
        keras.Input((4,)),
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
    "images": (images, adam_w, {"metrics": ["AUC"]}, {"x": IMAGES, "sample_weight": LABELS + 1}),
    "average": (dense, adam, {}, {"x": ROWS, "class_weight": {0: 1.0, 1: 2.0}}),
    "scaled": (dense, sgd, {"steps_per_execution": 2}, {"x": ROWS, "callbacks": stopping}),
}


@pytest.fixture
def trained(monkeypatch):
    """Which models were trained, and what they ended with."""
    seen, keep = [], Reuse.keep

    def note(self, model):
        variables = [*model.variables, *model.optimizer.variables]
        seen.append((id(model), [np.array(v).tobytes() for v in variables]))
        keep(self, model)

    monkeypatch.setattr(Reuse, "keep", note)
    return seen


@pytest.mark.story
@pytest.mark.parametrize("name", SAFE)
def test_executions_that_are_not_traced_again_give_the_same_bits(tmp_path, name, trained):
    layers, optimizer, compiled, fit = SAFE[name]

    def build(hp):
        model = keras.Sequential(layers(hp))
        model.compile(optimizer(), "binary_crossentropy", **compiled)
        return model

    def search(mode):
        trained.clear()
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
        tuner.search(**{**options, **fit, "verbose": 0})
        record = tuner.search_project.read_result("0000")["record"]
        return list(trained), record["executions"]

    (fresh, expected), (reused, found) = search(False), search("auto")
    assert len({model for model, _ in reused}) == 1
    assert found == expected
    assert expected[0] != expected[1]
    assert [bits for _, bits in fresh] == [bits for _, bits in reused]


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


def looked_up():
    layer = keras.layers.IntegerLookup()
    layer.adapt(np.random.default_rng().permutation(40)[:10])
    return layer


UNSAFE = {
    "keras.random": OwnDropout,
    "tf.random": TensorFlowNoise,
    "numpy state": NumpyState,
    "adapted": adapted,
    "looked up": looked_up,
    "closure": closure,
    "partial": lambda: keras.layers.Activation(functools.partial(tf.nn.leaky_relu)),
    "lambda": lambda: keras.layers.Lambda(lambda x: x),
    "configuration": lambda: keras.layers.Rescaling(float(np.random.default_rng().normal())),
    "within": lambda: keras.Sequential([keras.layers.Lambda(lambda x: x)]),
}
# These keep state beside their variables, or draw random numbers while they are traced.
UNSAFE_LAYERS = {
    "stateful": ((8, 3, 2), lambda: keras.layers.LSTM(2, stateful=True)),
    "augmentation": ((None, 6, 6, 3), keras.layers.AugMix),
}


def model_with(*layers, inputs=(None, 4), **compiled):
    keras.utils.clear_session()
    first = keras.Input(batch_shape=inputs)
    model = keras.Sequential([first, *layers, keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **compiled})
    return model


def second_model(build, mode="auto", data=(ROWS, LABELS), change=lambda model: None, **more):
    """The models that two executions train; the first one changes meanwhile."""
    reuse = Reuse(mode, more.get("own_code"))
    fit = {"callbacks": more.get("callbacks", ())}
    first = reuse.model_for(build, data, fit)
    if not first.optimizer.built:
        first.optimizer.build(first.trainable_variables)
    change(first)
    reuse.keep(first)
    return first, reuse.model_for(build, data, fit)


def is_reused(*args, **kwargs):
    first, second = second_model(*args, **kwargs)
    return first is second


def test_a_model_of_keras_gets_the_initial_values_of_the_fresh_one():
    for data in ((ROWS, LABELS), (tf.data.Dataset.from_tensors((ROWS, LABELS)),)):
        fresh = []

        def build(fresh=fresh):
            model = model_with(keras.layers.Dropout(0.5))
            fresh[:] = [np.array(v) for v in model.variables]
            return model

        first, second = second_model(
            build, data=data, change=lambda model: model.optimizer.iterations.assign(9)
        )
        assert second is first
        for variable, value in zip(first.variables, fresh, strict=True):
            assert np.array_equal(variable, value)
        assert int(first.optimizer.iterations) == 0


@pytest.mark.parametrize("name", UNSAFE)
def test_models_that_may_differ_in_more_than_their_values_are_built_again(name):
    assert not is_reused(lambda: model_with(UNSAFE[name]()))


@pytest.mark.parametrize("name", UNSAFE_LAYERS)
def test_layers_that_keep_more_than_variables_are_built_again(name):
    inputs, layer = UNSAFE_LAYERS[name]
    assert not is_reused(lambda: model_with(layer(), inputs=inputs))


def test_an_adapted_layer_is_found_by_trying_it_and_the_model_is_built_anew():
    made = []

    def build():
        made.append(model_with(adapted()))
        return made[-1]

    first, second = second_model(build, mode=True)
    assert made == [first, made[1], second]  # the second one was tried
    assert not second.optimizer.built


def own_loss(y, p):
    return keras.ops.mean(keras.ops.abs(y - p))


def test_code_of_the_users_own_is_trusted_only_if_they_say_so():
    def build():
        return model_with(loss=own_loss)

    assert not is_reused(build)
    assert is_reused(build, mode=True)
    assert not is_reused(model_with, own_code="`HyperModel.fit`")
    assert is_reused(model_with, mode=True, own_code="`HyperModel.fit`")


class Plain(HyperModel):
    def build(self, hp):
        return model_with()


class OwnFit(Plain):
    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, **kwargs)


def test_what_a_user_puts_around_a_training_is_noticed(tmp_path):
    class Hooked(RandomSearch):
        def on_epoch_begin(self, trial, model, epoch, logs=None):
            pass

    def own_training(cls, hypermodel):
        tuner = cls(hypermodel, objective="loss", directory=str(tmp_path))
        return TunerPlan(tuner)._own_training()

    plain = Plain()
    assert own_training(RandomSearch, plain) is None
    assert own_training(RandomSearch, lambda hp: model_with()) is None
    assert own_training(RandomSearch, OwnFit()) == "`HyperModel.fit`"
    assert own_training(Hooked, plain) == "`on_epoch_begin`"
    plain.fit = lambda hp, model, *args, **kwargs: model.fit(*args, **kwargs)
    assert own_training(RandomSearch, plain) == "`HyperModel.fit`"


@pytest.mark.parametrize("name", ["BackupAndRestore", "LambdaCallback"])
def test_callbacks_that_may_change_the_model_have_it_built_again(name, tmp_path):
    made = {"BackupAndRestore": [str(tmp_path)], "LambdaCallback": []}
    callbacks = [getattr(keras.callbacks, name)(*made[name])]
    assert not is_reused(model_with, callbacks=callbacks)
    assert is_reused(model_with, callbacks=[keras.callbacks.EarlyStopping()])


def test_optimizers_that_are_shared_or_begin_with_the_weights_have_it_built_again():
    shared = keras.optimizers.Adam()
    assert not is_reused(lambda: model_with(optimizer=shared), mode=True)
    assert not is_reused(lambda: model_with(optimizer=keras.optimizers.ScheduleFreeAdamW()))
    assert is_reused(lambda: model_with(optimizer=keras.optimizers.Adam()))


CHANGES = {
    "layer": lambda model: setattr(model.layers[0], "rate", 0.9),
    "step": lambda model: setattr(model, "train_step", lambda data: {"loss": 0.0}),
    "optimizer": lambda model: setattr(model.optimizer, "beta_1", 0.5),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_model_that_was_changed_while_it_trained_is_not_used_again(name):
    def build():
        return model_with(keras.layers.Dropout(0.5), optimizer="adam")

    assert not is_reused(build, change=CHANGES[name])


def test_what_runs_eagerly_is_distributed_or_takes_much_memory_is_built_again(monkeypatch):
    assert not is_reused(lambda: model_with(run_eagerly=True))

    def distributed():
        with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
            model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
            model.compile("sgd", "mse")
            return model

    assert not is_reused(distributed, mode=True)
    assert LARGEST > 1000
    monkeypatch.setattr("tuner.training.reuse.LARGEST", 10)
    assert not is_reused(model_with)


def test_the_mode_is_checked():
    with pytest.raises(ValueError, match="reuse_compiled='yes'"):
        RandomSearch(model_with, objective="loss", reuse_compiled="yes")


@pytest.mark.story
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
