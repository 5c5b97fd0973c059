"""Which of our names stands for which of Keras Tuner's.

Read with Keras Tuner 1.4.8 at hand: its public modules only export again what lies in
`keras_tuner.src`. Protobuf and gRPC have nothing to stand for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

VERSION = "1.4.8"
"""The Keras Tuner whose names and behaviour these are; programs compare it."""

Names = Mapping[str, str]


def _of(module: str, names: str) -> dict[str, str]:
    return {name: f"{module}:{name}" for name in names.split()}


_TUNERS = _of("tuner", "BayesianOptimization GridSearch Hyperband RandomSearch SklearnTuner")
_ORACLES = _of(
    "tuner.oracles",
    "BayesianOptimizationOracle GridSearchOracle HyperbandOracle RandomSearchOracle",
)
_ERRORS = _of(
    "tuner.errors", "FailedTrialError FatalError FatalRuntimeError FatalTypeError FatalValueError"
)
_APPLICATIONS = _of(
    "tuner.applications", "HyperEfficientNet HyperImageAugment HyperResNet HyperXception"
)
_TYPES = _of("tuner.hyperparameters", "Boolean Choice Fixed Float Int")
_SPACE = {
    **_TYPES,
    **_of("tuner.hyperparameters", "HyperParameter HyperParameters deserialize serialize"),
}
_OBJECTIVES = _of("tuner.objective", "Objective DefaultObjective MultiObjective create_objective")
_TUNER = {
    **_of("tuner.tuner", "Tuner maybe_distribute"),
    "maybe_compute_model_size": "tuner.compat.helpers:maybe_compute_model_size",
}

SRC: Mapping[str, Names] = {
    "": _TUNERS
    | _of("tuner", "HyperModel HyperParameters Objective Oracle Tuner synchronized")
    | {"__version__": "tuner.compat.names:VERSION"},
    "applications": _APPLICATIONS,
    "applications.augment": _of("tuner.applications", "HyperImageAugment"),
    "applications.efficientnet": _of("tuner.applications", "HyperEfficientNet"),
    "applications.resnet": _of("tuner.applications", "HyperResNet"),
    "applications.xception": _of("tuner.applications", "HyperXception"),
    "backend": {},
    "backend.config": _of("tuner.compat.helpers", "backend multi_backend"),
    "backend.io": _of("tuner.compat.files", "File exists glob makedirs rmtree"),
    "backend.keras": {},
    "backend.ops": {},
    "backend.random": {},
    "config": {},
    "distribute": {},
    "distribute.utils": _of("tuner.compat.helpers", "has_chief_oracle is_chief_oracle"),
    "engine": {},
    "engine.base_tuner": _of("tuner.base_tuner", "BaseTuner"),
    "engine.conditions": {
        **_of("tuner.conditions", "Condition Parent"),
        "deserialize": "tuner.conditions:deserialize_condition",
        "serialize": "tuner.conditions:serialize_condition",
    },
    "engine.hypermodel": _of("tuner.hypermodel", "DefaultHyperModel HyperModel get_hypermodel"),
    "engine.hyperparameters": _SPACE,
    "engine.hyperparameters.hp_types": _TYPES
    | _of("tuner.hyperparameters", "deserialize serialize"),
    "engine.hyperparameters.hp_types.boolean_hp": _of("tuner.hyperparameters", "Boolean"),
    "engine.hyperparameters.hp_types.choice_hp": _of("tuner.hyperparameters", "Choice"),
    "engine.hyperparameters.hp_types.fixed_hp": _of("tuner.hyperparameters", "Fixed"),
    "engine.hyperparameters.hp_types.float_hp": _of("tuner.hyperparameters", "Float"),
    "engine.hyperparameters.hp_types.int_hp": _of("tuner.hyperparameters", "Int"),
    "engine.hyperparameters.hp_types.numerical": _of("tuner.hyperparameters", "Numerical"),
    "engine.hyperparameters.hp_utils": {
        "index_to_prob": "tuner.hyperparameters.base:middle_of",
        "prob_to_index": "tuner.hyperparameters.base:bucket_of",
    },
    "engine.hyperparameters.hyperparameter": _of("tuner.hyperparameters", "HyperParameter"),
    "engine.hyperparameters.hyperparameters": _of("tuner.hyperparameters", "HyperParameters"),
    "engine.metrics_tracking": _of(
        "tuner.metrics", "MetricHistory MetricObservation MetricsTracker infer_metric_direction"
    ),
    "engine.objective": _OBJECTIVES,
    "engine.oracle": _of("tuner.oracle", "Oracle synchronized")
    | _of("tuner.objective", "Objective")
    | _of("tuner.search.display", "Display"),
    "engine.stateful": _of("tuner.stateful", "Stateful"),
    "engine.trial": _of("tuner.trial", "Trial TrialStatus")
    | _of("tuner.compat.helpers", "generate_trial_id"),
    "engine.tuner": _TUNER,
    "engine.tuner_utils": _of("tuner.callbacks", "SaveBestEpoch TunerCallback")
    | {
        "average_metrics_dicts": "tuner.compat.helpers:average_metrics_dicts",
        "convert_to_metrics_dict": "tuner.training.returned_metrics:metrics_of",
        "get_best_step": "tuner.training.returned_metrics:best_step_of",
        "validate_trial_results": "tuner.compat.helpers:validate_trial_results",
    },
    "errors": _ERRORS,
    "oracles": _ORACLES,
    "tuners": _TUNERS,
    "tuners.bayesian": _of("tuner", "BayesianOptimization")
    | _of("tuner.oracles", "BayesianOptimizationOracle"),
    "tuners.gridsearch": _of("tuner", "GridSearch") | _of("tuner.oracles", "GridSearchOracle"),
    "tuners.hyperband": _of("tuner", "Hyperband") | _of("tuner.oracles", "HyperbandOracle"),
    "tuners.randomsearch": _of("tuner", "RandomSearch")
    | _of("tuner.oracles", "RandomSearchOracle"),
    "tuners.sklearn_tuner": _of("tuner", "SklearnTuner"),
    "utils": _of(
        "tuner.compat.helpers",
        "create_directory deserialize_keras_object load_json save_json serialize_keras_object "
        "to_list",
    ),
    "version": {"__version__": "tuner.compat.names:VERSION"},
}
"""What `keras_tuner.src` holds."""

PUBLIC: Mapping[str, Names] = {
    "": SRC[""],
    "applications": _APPLICATIONS,
    "engine": {},
    "engine.base_tuner": SRC["engine.base_tuner"],
    "engine.hypermodel": _of("tuner.hypermodel", "HyperModel"),
    "engine.hyperparameters": _SPACE,
    "engine.metrics_tracking": _of("tuner.metrics", "infer_metric_direction"),
    "engine.oracle": _of("tuner.oracle", "Oracle synchronized") | _of("tuner", "Objective"),
    "engine.trial": _of("tuner.trial", "Trial TrialStatus"),
    "engine.tuner": _of("tuner.tuner", "Tuner maybe_distribute"),
    "errors": _ERRORS,
    "oracles": _ORACLES,
    "tuners": _TUNERS | _of("tuner", "Tuner"),
}
"""What `keras_tuner` holds."""

LEGACY: Mapping[str, Names] = {
    **PUBLIC,
    **{name: names for name, names in SRC.items() if name.count(".") == 1 and "engine." in name},
    "engine.multi_execution_tuner": {"MultiExecutionTuner": "tuner.tuner:Tuner"},
    "distribute": {},
}
"""What `kerastuner` holds, which is what programs older than Keras Tuner 1.0.2 import."""


def _tree(root: str, modules: Mapping[str, Names]) -> Iterator[tuple[str, Names]]:
    for name, names in modules.items():
        yield (f"{root}.{name}" if name else root), names


MODULES: Mapping[str, Names] = dict(
    [*_tree("keras_tuner", PUBLIC), *_tree("keras_tuner.src", SRC), *_tree("kerastuner", LEGACY)]
)
"""All modules, parents before children: their names, and where what they hold is found."""

STAND_INS: Mapping[str, str] = {
    "keras_tuner.src.backend.keras": "keras",
    "keras_tuner.src.backend.ops": "keras.ops",
    "keras_tuner.src.backend.random": "keras.random",
}
"""Modules that are another one altogether."""
