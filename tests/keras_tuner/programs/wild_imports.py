"""The ways people import it."""

import keras_tuner
import keras_tuner as kt
from keras_tuner import BayesianOptimization, GridSearch, Hyperband, HyperModel, HyperParameters, Objective
from keras_tuner import Oracle, RandomSearch, SklearnTuner, Tuner, applications, engine, errors, oracles
from keras_tuner import synchronized, tuners
from keras_tuner.applications import HyperEfficientNet, HyperImageAugment, HyperResNet, HyperXception
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.hypermodel import HyperModel as H
from keras_tuner.engine.hyperparameters import Boolean, Choice, Fixed, Float, HyperParameter, Int
from keras_tuner.engine.hyperparameters import HyperParameters as HP
from keras_tuner.engine.metrics_tracking import infer_metric_direction
from keras_tuner.engine.oracle import Objective as O
from keras_tuner.engine.oracle import Oracle as Or
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.engine.tuner import Tuner as T
from keras_tuner.engine.tuner import maybe_distribute
from keras_tuner.errors import FailedTrialError, FatalError, FatalRuntimeError, FatalTypeError, FatalValueError
from keras_tuner.oracles import BayesianOptimizationOracle, GridSearchOracle, HyperbandOracle, RandomSearchOracle
from keras_tuner.src.engine import base_tuner, hypermodel, hyperparameters, metrics_tracking, objective, oracle
from keras_tuner.src.engine import stateful, trial, tuner, tuner_utils
from keras_tuner.src.engine.conditions import Condition, Parent
from keras_tuner.src.engine.metrics_tracking import MetricHistory, MetricObservation, MetricsTracker
from keras_tuner.src.engine.objective import DefaultObjective, MultiObjective
from keras_tuner.src.engine.stateful import Stateful
from keras_tuner.src.engine.tuner_utils import SaveBestEpoch, TunerCallback
from keras_tuner.src.tuners.bayesian import BayesianOptimizationOracle as B
from keras_tuner.src.tuners.hyperband import Hyperband as Hb
from keras_tuner.src.tuners.randomsearch import RandomSearch as Rs
from keras_tuner.tuners import BayesianOptimization as Bo
from keras_tuner.tuners import Hyperband as Hy
from keras_tuner.tuners import RandomSearch as Ra
from keras_tuner.tuners import SklearnTuner as Sk

assert T is Tuner and Or is Oracle and HP is HyperParameters and H is HyperModel and O is Objective
assert Bo is BayesianOptimization and Hb is Hyperband is Hy and Rs is RandomSearch is Ra and Sk is SklearnTuner
assert kt is keras_tuner and kt.engine.hyperparameters.HyperParameters is HyperParameters
assert issubclass(Tuner, BaseTuner) and issubclass(BaseTuner, Stateful) and issubclass(Oracle, Stateful)
assert issubclass(RandomSearchOracle, Oracle) and issubclass(Trial, Stateful)
assert issubclass(Parent, Condition) and issubclass(MultiObjective, Objective)
assert isinstance(kt.__version__, str)
assert TrialStatus.COMPLETED == "COMPLETED" and B is BayesianOptimizationOracle
assert tuple(map(int, kt.__version__.split(".")[:2])) >= (1, 4)
assert oracles.RandomSearchOracle is RandomSearchOracle and tuners.Hyperband is Hyperband
assert base_tuner.BaseTuner is BaseTuner and trial.Trial is Trial

# The legacy name.
try:
    import kerastuner
except ImportError:
    pass
else:
    from kerastuner import HyperModel as Legacy
    from kerastuner.engine.hyperparameters import HyperParameters as LegacyHP
    from kerastuner.tuners import RandomSearch as LegacyRs

    assert LegacyRs is RandomSearch and LegacyHP is HyperParameters and Legacy is HyperModel
print("OK")
