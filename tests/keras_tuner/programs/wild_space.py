"""Search spaces, without a search."""

import keras_tuner as kt
from keras_tuner import HyperParameters
from keras_tuner.engine import hyperparameters as hp_module

hp = kt.HyperParameters()
assert hp.Fixed("optimizer", "adam") == "adam"
assert hp.Int("n", 1, 10, default=4) == 4
assert hp.Float("f", 0.0, 1.0, step=0.25) == 0.0
assert hp.Choice("c", ["x", "y"], default="y") == "y"
assert hp.Boolean("b") is False
with hp.name_scope("net"):
    assert hp.Int("n", 3, 5) == 3
    with hp.conditional_scope("n", [4, 5]):
        assert hp.Choice("deep", [1, 2]) is None
assert "net/n" in hp.values and "net/deep" not in hp.values
assert hp.get("net/n") == 3
try:
    hp.get("net/deep")
except ValueError as error:
    assert "currently inactive" in str(error), error
else:
    raise AssertionError

# parent_name and parent_values
assert hp.Float("momentum", 0.0, 0.9, parent_name="c", parent_values=["y"]) == 0.0
assert hp.Float("nesterov", 0.0, 0.9, parent_name="c", parent_values="x") is None
assert hp.is_active("momentum") and not hp.is_active("nesterov")
assert [p.name for p in hp.space] == ["optimizer", "n", "f", "c", "b", "net/n", "net/deep", "momentum", "nesterov"]

# The first definition wins.
assert hp.Int("n", 100, 200) == 4

config = hp.get_config()
other = HyperParameters.from_config(config)
assert other.values == hp.values and len(other.space) == len(hp.space)
copy = hp.copy()
copy.values["n"] = 9
assert hp.values["n"] == 4
merged = kt.HyperParameters()
merged.merge(hp)
assert merged.values["c"] == "y"
merged.merge(copy, overwrite=True)
hp.values["c"] = "x"
hp.ensure_active_values()
assert 0.0 <= hp.values["nesterov"] <= 0.9

# The values people set by hand before they build.
hp = kt.HyperParameters()
hp.values["units"] = 64
assert hp.Int("units", 32, 512, step=32) == 64
hp = kt.HyperParameters()
hp.values = {"lr": 0.5}
assert hp.Float("lr", 0.1, 1.0) == 0.5

# The types.
p = hp_module.Int("i", 2, 32, step=2, sampling="log")
assert list(p.values) == [2, 4, 8, 16, 32]
assert p.prob_to_value(0.99) == 32 and p.value_to_prob(2) == 0.1
p = hp_module.Float("f", 1e-4, 1.0, sampling="log")
assert abs(p.prob_to_value(0.5) - 1e-2) < 1e-12 and abs(p.value_to_prob(1e-2) - 0.5) < 1e-9
assert abs(p.random_sample(1) - 0.00034471) < 1e-8
assert [hp_module.Int("i", 1, 100).random_sample(s) for s in (1, 2, 3)] == [14, 96, 24]
assert [hp_module.Choice("c", ["a", "b", "c"]).random_sample(s) for s in (1, 2, 3)] == ["a", "c", "a"]
assert hp_module.Boolean("b").value_to_prob(True) == 0.75
assert hp_module.Fixed("f", 3).value_to_prob(3) == 0.5
assert repr(hp_module.Int("i", 1, 3)).startswith("Int(name: 'i'") or "Int(" in repr(hp_module.Int("i", 1, 3))
again = hp_module.deserialize(hp_module.serialize(p))
assert again.get_config() == p.get_config() and type(again) is type(p)
for wrong in (
    lambda: hp_module.Choice("c", []),
    lambda: hp_module.Choice("c", [1, "a"]),
    lambda: hp_module.Choice("c", [1, 2], default=3),
    lambda: hp_module.Int("i", 1, 2, sampling="cubic"),
    lambda: hp_module.Float("f", 0.0, 1.0, sampling="log"),
    lambda: hp_module.Int("i", 1.5, 2),
    lambda: hp_module.Boolean("b", default="yes"),
    lambda: hp_module.Fixed("f", None),
    lambda: kt.HyperParameters().Int("i", 5, 1),
):
    try:
        wrong()
    except (ValueError, TypeError):
        continue
    raise AssertionError(wrong)

# Objectives
assert kt.Objective("val_loss", "min").better_than(1, 2)
assert kt.Objective("loss", "min").has_value({"loss": 1}) and kt.Objective("loss", "min").get_value({"loss": 1}) == 1
from keras_tuner.engine.metrics_tracking import infer_metric_direction

assert infer_metric_direction("val_accuracy") == "max"
assert infer_metric_direction("loss") == "min"
print("OK")
