"""Ready hypermodels for images; spaces and counts are those of Keras Tuner 1.4.8."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from tuner import HyperParameters
from tuner.applications import HyperEfficientNet, HyperImageAugment, HyperResNet, HyperXception
from tuner.applications.augment_layers import RandAugment, make_transform
from tuner.applications.efficientnet import _advice_on_downloads
from tuner.applications.resnet import _convolve_groups
from tuner.errors import FatalRuntimeError, FatalValueError

CIFAR = {"input_shape": (32, 32, 3), "classes": 10}
RNG = np.random.default_rng(0)


def built(hypermodel, **values):
    hp = HyperParameters()
    hp.values.update(values)
    return hypermodel.build(hp), hp


def described(hp):
    """The space as (kind, name, default, values or bounds and step)."""
    rows = []
    for parameter in hp.space:
        config = parameter.get_config()
        assert config["conditions"] == []
        if "values" in config:
            domain = config["values"]
        else:
            assert config["sampling"] == "linear"
            domain = (config["min_value"], config["max_value"], config["step"])
        rows.append((type(parameter).__name__, config["name"], config["default"], domain))
    return rows


def trained_by(model):
    config = model.get_compile_config()
    assert config["loss"] == "categorical_crossentropy"
    assert config["metrics"] == ["accuracy"]
    return type(model.optimizer).__name__, round(float(model.optimizer.learning_rate), 6)


def train_one_step(model, images=4, size=32):
    x = RNG.uniform(0, 255, (images, size, size, 3))
    y = keras.utils.to_categorical(np.arange(images) % 10, 10)
    logs = model.train_on_batch(x, y, return_dict=True)
    assert np.isfinite(logs["loss"])
    assert "accuracy" in logs


def saved_and_loaded(model, folder):
    model.save(folder / "model.keras")
    return keras.models.load_model(folder / "model.keras")


# ResNet.


@pytest.mark.story
def test_a_resnet_has_the_space_and_the_size_of_keras_tuners():
    model, hp = built(HyperResNet(**CIFAR))
    assert described(hp) == [
        ("Choice", "version", "v2", ["v1", "v2", "next"]),
        ("Choice", "conv3_depth", 4, [4, 8]),
        ("Choice", "conv4_depth", 6, [6, 23, 36]),
        ("Choice", "pooling", "avg", ["avg", "max"]),
        ("Choice", "optimizer", "adam", ["adam", "rmsprop", "sgd"]),
        ("Choice", "learning_rate", 0.01, [0.1, 0.01, 0.001]),
    ]
    assert model.name == "ResNet"
    assert model.count_params() == 23_585_290
    assert trained_by(model) == ("Adam", 0.01)


@pytest.mark.story
def test_a_resnet_without_its_top_is_left_to_be_compiled():
    hypermodel = HyperResNet(include_top=False, input_shape=(32, 32, 3))
    model, hp = built(hypermodel, version="v1", pooling="max")
    assert model.output_shape == (None, 2048)
    assert model.count_params() == 23_587_712
    assert not model.compiled
    assert [p.name for p in hp.space] == ["version", "conv3_depth", "conv4_depth", "pooling"]


@pytest.mark.story
def test_a_resnext_has_the_size_of_keras_tuners_and_is_loaded_as_it_was_saved(tmp_path):
    model, _ = built(HyperResNet(**CIFAR), version="next", optimizer="sgd", learning_rate=0.1)
    assert model.count_params() == 22_821_194
    assert trained_by(model) == ("SGD", 0.1)
    x = RNG.normal(size=(1, 32, 32, 3))
    np.testing.assert_allclose(model(x), saved_and_loaded(model, tmp_path)(x), atol=1e-6)


@pytest.mark.parametrize("strides", [1, 2])
def test_convolving_in_groups_is_what_keras_means_by_groups(strides):
    x = keras.ops.convert_to_tensor(RNG.normal(size=(2, 6, 6, 64)).astype("float32"))
    inputs = keras.Input((6, 6, 64))
    ours = keras.Model(inputs, _convolve_groups(inputs, 64, "x", strides=strides))
    kernel = RNG.normal(size=(3, 3, 64, 2))
    ours.set_weights([kernel])

    padded = keras.ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
    theirs = keras.layers.Conv2D(64, 3, strides=strides, groups=32, use_bias=False)
    theirs.build(padded.shape)
    # (size, size, 32 groups, 2 in, 2 out) to (size, size, 2 in, 32 groups and 2 out).
    grouped = kernel.reshape(3, 3, 32, 2, 2).transpose(0, 1, 3, 2, 4).reshape(3, 3, 2, 64)
    theirs.set_weights([grouped])
    np.testing.assert_allclose(ours(x), theirs(padded), atol=1e-4)


# Xception.


@pytest.mark.story
def test_an_xception_has_the_space_and_the_size_of_keras_tuners():
    model, hp = built(HyperXception(**CIFAR))
    assert described(hp) == [
        ("Choice", "activation", "relu", ["relu", "selu"]),
        ("Choice", "conv2d_num_filters", 64, [32, 64, 128]),
        ("Choice", "kernel_size", 3, [3, 5]),
        ("Choice", "initial_strides", 2, [2]),
        ("Int", "sep_num_filters", 256, (128, 768, 128)),
        ("Int", "num_residual_blocks", 4, (2, 8, 1)),
        ("Choice", "pooling", "avg", ["avg", "flatten", "max"]),
        ("Int", "num_dense_layers", None, (1, 3, 1)),
        ("Float", "dropout_rate", 0.5, (0.0, 0.6, 0.1)),
        ("Choice", "dense_use_bn", True, [True, False]),
        ("Choice", "learning_rate", 0.001, [1e-3, 1e-4, 1e-5]),
    ]
    assert model.name == "Xception"
    assert model.count_params() == 1_059_744
    assert trained_by(model) == ("Adam", 0.001)


@pytest.mark.story
def test_an_xception_trains_and_is_loaded_as_it_was_saved(tmp_path):
    values = {"sep_num_filters": 128, "conv2d_num_filters": 128, "num_residual_blocks": 2}
    top = {"pooling": "max", "num_dense_layers": 2, "dense_use_bn": False}
    model, _ = built(HyperXception(**CIFAR), **values, **top)
    assert model.count_params() == 215_782
    train_one_step(model)
    x = RNG.uniform(0, 255, (2, 32, 32, 3))
    np.testing.assert_allclose(model(x), saved_and_loaded(model, tmp_path)(x), atol=1e-6)


@pytest.mark.story
def test_an_xception_of_selus_normalises_by_its_weights_alone():
    values = {"activation": "selu", "pooling": "flatten", "num_dense_layers": 3, "kernel_size": 5}
    model, _ = built(HyperXception(**CIFAR), **values, dropout_rate=0.0)
    assert model.count_params() == 1_376_148
    kinds = {type(layer) for layer in model.layers}
    assert not {keras.layers.BatchNormalization, keras.layers.Dropout} & kinds


def test_an_xception_without_its_top_is_left_to_be_compiled():
    hypermodel = HyperXception(include_top=False, input_shape=(16, 16, 1), name="mine")
    model, hp = built(hypermodel, activation="selu", num_residual_blocks=2)
    assert hypermodel.name == "mine"
    assert model.output_shape == (None, 512)
    assert not model.compiled
    assert [p.name for p in hp.space][-1] == "pooling"


# EfficientNet.


class Patient(HyperEfficientNet):
    def _compile(self, model, hp):
        model.compile(keras.optimizers.Adam(hp.Float("rate", 1e-5, 1e-3)), "mse")


@pytest.mark.story
def test_an_efficientnet_has_the_space_and_the_size_of_keras_tuners():
    augment = HyperImageAugment((32, 32, 3), rotate=[0.1, 0.2], contrast=None, augment_layers=0)
    hypermodel = HyperEfficientNet(**CIFAR, augmentation_model=augment, weights=None)
    model, hp = built(hypermodel)
    assert described(hp) == [
        ("Float", "factor_rotate", 0.1, (0.1, 0.2, 0.05)),
        ("Float", "factor_translate_x", 0, (0, 0.4, 0.05)),
        ("Float", "factor_translate_y", 0, (0, 0.4, 0.05)),
        ("Choice", "version", "B0", ["B0", "B1", "B2", "B3", "B4", "B5", "B6", "B7"]),
        ("Choice", "pooling", "avg", ["avg", "max"]),
        ("Float", "top_dropout_rate", 0.2, (0.2, 0.8, 0.2)),
        ("Choice", "learning_rate", 0.01, [0.1, 0.01, 0.001]),
    ]
    assert model.name == "EfficientNet"
    assert model.count_params() == 4_062_381
    assert trained_by(model) == ("SGD", 0.01)
    assert model.optimizer.momentum == 0.1


@pytest.mark.story
def test_an_efficientnet_takes_a_keras_model_and_is_compiled_as_its_subclass_says():
    double = keras.Sequential([keras.layers.Rescaling(2)], name="double")
    model, hp = built(Patient(**CIFAR, augmentation_model=double, weights=None), pooling="max")
    assert model.get_layer("double") is double
    assert type(model.optimizer).__name__ == "Adam"
    assert [p.name for p in hp.space][-1] == "rate"


def test_weights_that_cannot_be_had_come_with_advice(tmp_path):
    nothing_listens = "http://127.0.0.1:1/weights.h5"
    advice = r"EfficientNetB3.*URL fetch.*weights=None"
    with pytest.raises(FatalRuntimeError, match=advice), _advice_on_downloads("B3"):
        keras.utils.get_file("weights.h5", nothing_listens, cache_dir=tmp_path)


def test_other_errors_of_a_build_come_without_advice():
    with pytest.raises(ValueError, match="rank"), _advice_on_downloads("B0"):
        raise ValueError("rank")


def test_grey_images_are_refused_before_weights_of_colours_are_downloaded():
    with pytest.raises(FatalValueError, match=r"3 channels.*Received: channels=1\..*weights=None"):
        built(HyperEfficientNet(input_shape=(32, 32, 1), classes=2))


# Augmentation.


def test_augmentation_searches_the_layers_of_randaugment():
    hypermodel = HyperImageAugment((32, 32, 3), translate_y=[0.1, 0.3])
    model, hp = built(hypermodel)
    assert described(hp) == [
        ("Int", "augment_layers", 1, (1, 3, 1)),
        ("Float", "factor_rotate", 0, (0, 0.5, None)),
        ("Float", "factor_translate_x", 0, (0, 0.4, None)),
        ("Float", "factor_translate_y", 0.1, (0.1, 0.3, None)),
        ("Float", "factor_contrast", 0, (0, 0.3, None)),
    ]
    assert model.name == "image_rand_augment"
    assert [type(layer).__name__ for layer in model.layers] == ["InputLayer", "RandAugment"]
    model, _ = built(
        HyperImageAugment((32, 32, 3), augment_layers=[2, 4], rotate=None), factor_contrast=0.1
    )
    assert len(model.layers) == 3


def test_augmentation_without_layers_applies_every_transform():
    hypermodel = HyperImageAugment((32, 32, 3), translate_x=None, augment_layers=0)
    model, hp = built(hypermodel, factor_rotate=0.2, factor_contrast=0.1)
    assert described(hp) == [
        ("Float", "factor_rotate", 0, (0, 0.5, 0.05)),
        ("Float", "factor_translate_y", 0, (0, 0.4, 0.05)),
        ("Float", "factor_contrast", 0, (0, 0.3, 0.05)),
    ]
    assert model.name == "image_augment"
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["InputLayer", "RandomRotation", "RandomContrast"]


@pytest.mark.parametrize("layers", [0, None, [0, 3]])
def test_augmentation_may_be_none_at_all(layers):
    model, _ = built(HyperImageAugment((32, 32, 3), augment_layers=layers))
    assert len(model.layers) == 1


def test_augmentation_goes_on_from_a_tensor():
    inputs = keras.Input((8, 8, 3))
    halved = keras.layers.Rescaling(0.5)(inputs)
    model, _ = built(HyperImageAugment(input_tensor=halved))
    np.testing.assert_allclose(model.predict_on_batch(np.ones((2, 8, 8, 3))), 0.5)


@pytest.mark.story
@pytest.mark.parametrize("layers", [0, 2])
def test_augmentation_changes_images_of_any_size_in_training_only(layers, tmp_path):
    factors = {f"factor_{name}": 0.3 for name in ("rotate", "translate_x", "translate_y")}
    hypermodel = HyperImageAugment((None, None, 3), augment_layers=layers)
    model, _ = built(hypermodel, **factors, factor_contrast=0.3, augment_layers=layers)
    x = RNG.uniform(0, 255, (4, 12, 16, 3)).astype("float32")
    for each in (model, saved_and_loaded(model, tmp_path)):
        changed = np.asarray(each(x, training=True))
        assert changed.shape == x.shape
        assert not np.allclose(changed, x)
        assert not np.allclose(changed, each(x, training=True))
        np.testing.assert_array_equal(each.predict_on_batch(x), x)


@pytest.mark.story
def test_a_model_with_randaugment_is_fitted():
    augment, _ = built(HyperImageAugment((12, 12, 3)), factor_rotate=0.2, factor_contrast=0.2)
    layers = [augment, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse")
    history = model.fit(RNG.uniform(size=(8, 12, 12, 3)), np.ones(8), batch_size=4, verbose=0)
    assert np.isfinite(history.history["loss"][0])


def test_randaugment_draws_one_transform_for_each_image():
    layer = RandAugment({"rotate": 0.0, "contrast": 0.9})
    x = RNG.uniform(100, 150, (64, 2, 2, 1)).astype("float32")
    same = np.isclose(layer(x, training=True), x).all(axis=(1, 2, 3))
    assert 10 < same.sum() < 54


@pytest.mark.parametrize(("name", "axis"), [("translate_x", 1), ("translate_y", 2)])
def test_an_image_is_translated_in_the_direction_that_was_asked_for(name, axis):
    stripes = np.broadcast_to(np.arange(8.0).reshape((8, 1) if axis == 1 else (1, 8)), (8, 8))
    layer = make_transform(name, 0.4)
    across = stripes[None, :, :, None].astype("float32")
    along = across.transpose(0, 2, 1, 3)
    np.testing.assert_allclose(layer(across, training=True), across, atol=1e-4)
    assert not np.allclose(layer(along, training=True), along, atol=1e-2)


# What is refused.


@pytest.mark.parametrize("cls", [HyperResNet, HyperXception, HyperEfficientNet])
def test_a_classifier_without_classes_or_images_is_refused(cls):
    with pytest.raises(ValueError, match=r"Received: classes=None\. You must specify `classes`"):
        cls(input_shape=(32, 32, 3))
    with pytest.raises(ValueError, match=r"You must specify one of them, e\.g\. input_shape"):
        cls(classes=3)
    with pytest.raises(TypeError, match="depth"):
        cls(input_shape=(32, 32, 3), classes=3, depth=3)


def test_an_augmentation_that_is_no_model_is_refused():
    with pytest.raises(ValueError, match="Received: augmentation_model='flip'"):
        HyperEfficientNet(**CIFAR, augmentation_model="flip")
    with pytest.raises(ValueError, match="You must specify one of them"):
        HyperImageAugment()


@pytest.mark.parametrize("rotate", [1.5, -0.1, [0.3, 0.2], [0.1], [0.1, 0.2, 0.3], ["0", "1"], "x"])
def test_a_strength_that_is_no_part_of_one_is_refused(rotate):
    with pytest.raises(ValueError, match=r"`rotate` to be a number from 0 to 1.*rotate="):
        HyperImageAugment((32, 32, 3), rotate=rotate)


@pytest.mark.parametrize("layers", [1.5, -1, [3, 2], [1, 2, 3], ["a", "b"], "ab"])
def test_a_number_of_layers_that_is_no_number_is_refused(layers):
    with pytest.raises(ValueError, match=r"`augment_layers` to be a positive int.*augment_layers="):
        HyperImageAugment((32, 32, 3), augment_layers=layers)


@pytest.mark.story
def test_importing_the_applications_does_not_import_keras():
    script = "import sys, tuner.applications; print('keras' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "False"
