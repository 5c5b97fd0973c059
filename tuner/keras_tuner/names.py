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
_TYPES = _of("tuner.core.hyperparameters", "Boolean Choice Fixed Float Int")
_SPACE = {
    **_TYPES,
    **_of("tuner.core.hyperparameters", "HyperParameter HyperParameters deserialize serialize"),
}
_OBJECTIVES = _of(
    "tuner.core.objective", "Objective DefaultObjective MultiObjective create_objective"
)
_TUNER = _of("tuner.tuners.tuner", "Tuner maybe_distribute") | _of(
    "tuner.keras_tuner.helpers", "maybe_compute_model_size"
)
SRC: Mapping[str, Names] = {
    "": _TUNERS
    | _of("tuner", "HyperModel HyperParameters Objective Oracle Tuner synchronized")
    | _of("tuner.core.hyperparameters", "HyperParameter")
    | {"__version__": "tuner.keras_tuner.names:VERSION"},
    "api_export": _of("tuner.keras_tuner.helpers", "keras_tuner_export"),
    "applications": _APPLICATIONS,
    "applications.augment": _of("tuner.applications", "HyperImageAugment"),
    "applications.efficientnet": _of("tuner.applications", "HyperEfficientNet"),
    "applications.resnet": _of("tuner.applications", "HyperResNet"),
    "applications.xception": _of("tuner.applications", "HyperXception"),
    "backend": {},
    "backend.config": _of("tuner.keras_tuner.helpers", "backend multi_backend"),
    "backend.io": _of(
        "tuner.keras_tuner.files",
        "File exists glob makedirs remove_temp_dir_with_filepath remove_temp_dirpath rmtree "
        "write_dirpath write_filepath",
    ),
    "backend.keras": {},
    "backend.ops": {},
    "backend.random": {},
    "config": _of("tuner.keras_tuner.helpers", "DEBUG"),
    "distribute": {},
    "distribute.utils": _of("tuner.keras_tuner.helpers", "has_chief_oracle is_chief_oracle"),
    "engine": {},
    "engine.base_tuner": _of("tuner.tuners.base_tuner", "BaseTuner"),
    "engine.conditions": {
        **_of("tuner.core.hyperparameters.conditions", "Condition Parent"),
        "deserialize": "tuner.core.hyperparameters.conditions:deserialize_condition",
        "serialize": "tuner.core.hyperparameters.conditions:serialize_condition",
    },
    "engine.hypermodel": _of(
        "tuner.core.hypermodel", "DefaultHyperModel HyperModel get_hypermodel"
    ),
    "engine.hyperparameters": _SPACE,
    "engine.hyperparameters.hp_types": _TYPES
    | _of("tuner.core.hyperparameters", "deserialize serialize"),
    "engine.hyperparameters.hp_types.boolean_hp": _of("tuner.core.hyperparameters", "Boolean"),
    "engine.hyperparameters.hp_types.choice_hp": _of("tuner.core.hyperparameters", "Choice"),
    "engine.hyperparameters.hp_types.fixed_hp": _of("tuner.core.hyperparameters", "Fixed"),
    "engine.hyperparameters.hp_types.float_hp": _of("tuner.core.hyperparameters", "Float"),
    "engine.hyperparameters.hp_types.int_hp": _of("tuner.core.hyperparameters", "Int"),
    "engine.hyperparameters.hp_types.numerical": _of("tuner.core.hyperparameters", "Numerical"),
    "engine.hyperparameters.hp_utils": {
        "index_to_prob": "tuner.core.hyperparameters.base:middle_of",
        "prob_to_index": "tuner.core.hyperparameters.base:bucket_of",
    },
    "engine.hyperparameters.hyperparameter": _of("tuner.core.hyperparameters", "HyperParameter"),
    "engine.hyperparameters.hyperparameters": _of("tuner.core.hyperparameters", "HyperParameters"),
    "engine.metrics_tracking": _of(
        "tuner.core.metrics",
        "MetricHistory MetricObservation MetricsTracker infer_metric_direction",
    ),
    "engine.objective": _OBJECTIVES,
    "engine.oracle": _of("tuner.oracles.oracle", "Oracle synchronized")
    | _of("tuner.core.objective", "Objective")
    | _of("tuner.oracles.printing", "Display"),
    "engine.stateful": _of("tuner.core.stateful", "Stateful"),
    "engine.trial": _of("tuner.core.trial", "Trial TrialStatus")
    | _of("tuner.keras_tuner.helpers", "generate_trial_id"),
    "engine.tuner": _TUNER,
    "engine.tuner_utils": _of("tuner.training.callbacks", "SaveBestEpoch TunerCallback")
    | _of(
        "tuner.keras_tuner.helpers",
        "average_metrics_dicts convert_hyperparams_to_hparams convert_to_metrics_dict "
        "validate_trial_results",
    )
    | {"get_best_step": "tuner.training.record:best_step_of"}
    | _of("tuner.oracles.printing", "Display"),  # before Keras Tuner 1.4
    "errors": _ERRORS,
    "oracles": _ORACLES,
    "tuners": _TUNERS,
    "tuners.bayesian": _of("tuner", "BayesianOptimization")
    | _of("tuner.oracles", "BayesianOptimizationOracle"),
    "tuners.gridsearch": _of("tuner", "GridSearch")
    | _of("tuner.oracles", "GridSearchOracle")
    | _of("tuner.keras_tuner.helpers", "LinkedList"),
    "tuners.hyperband": _of("tuner", "Hyperband") | _of("tuner.oracles", "HyperbandOracle"),
    "tuners.randomsearch": _of("tuner", "RandomSearch")
    | _of("tuner.oracles", "RandomSearchOracle"),
    "tuners.sklearn_tuner": _of("tuner", "SklearnTuner")
    | {"split_data": "tuner.tuners.sklearn_tuner:rows_of"},
    "utils": _of("tuner.keras_tuner.files", "create_directory load_json save_json")
    | _of(
        "tuner.keras_tuner.helpers",
        "IS_NOTEBOOK deserialize_keras_object serialize_keras_object to_list try_clear",
    ),
    "version": {"__version__": "tuner.keras_tuner.names:VERSION"},
}
"""What `keras_tuner.src` holds."""

_PUBLIC_NAMES: Mapping[str, Names] = {
    "engine.hypermodel": _of("tuner.core.hypermodel", "HyperModel"),
    "engine.oracle": _of("tuner.oracles.oracle", "Oracle synchronized") | _of("tuner", "Objective"),
    "tuners": _TUNERS | _of("tuner", "Tuner"),
}
"""Modules that show less, or more, than those of `keras_tuner.src`."""

PUBLIC: Mapping[str, Names] = {**SRC, **_PUBLIC_NAMES}
"""What `keras_tuner` holds; before Keras Tuner 1.4 also what lies in `src` now."""

LEGACY: Mapping[str, Names] = {
    **PUBLIC,
    "engine.multi_execution_tuner": _of("tuner.keras_tuner.helpers", "MultiExecutionTuner"),
}
"""What `kerastuner` holds, which is what programs older than Keras Tuner 1.0.2 import."""

_OLD_ORACLES = {
    name.removesuffix("Oracle"): target
    for name, target in _ORACLES.items()
    if name != "GridSearchOracle"  # younger than these names
}

UNLISTED: Mapping[str, Names] = {
    "keras_tuner.oracles": _OLD_ORACLES,
    "kerastuner.oracles": _OLD_ORACLES,
}
"""Names that are found where they are asked for, and which a star import leaves out."""

WITHIN: Mapping[str, str] = {
    "backend": "backend",
    "base_tuner": "engine.base_tuner",
    "conditions_mod": "engine.conditions",
    "config_module": "config",
    "dist_utils": "distribute.utils",
    "errors": "errors",
    "hm_module": "engine.hypermodel",
    "hp_module": "engine.hyperparameters",
    "hp_utils": "engine.hyperparameters.hp_utils",
    "hypermodel": "engine.hypermodel",
    "hyperparameter": "engine.hyperparameters.hyperparameter",
    "keras": "backend.keras",
    "metrics_tracking": "engine.metrics_tracking",
    "obj_module": "engine.objective",
    "ops": "backend.ops",
    "oracle_module": "engine.oracle",
    "random": "backend.random",
    "stateful": "engine.stateful",
    "trial_module": "engine.trial",
    "tuner_module": "engine.tuner",
    "tuner_utils": "engine.tuner_utils",
    "utils": "utils",
}
"""Modules of `keras_tuner.src` under the names they are imported by in its other modules."""


def _tree(root: str, modules: Mapping[str, Names]) -> Iterator[tuple[str, Names]]:
    for name, names in modules.items():
        yield (f"{root}.{name}" if name else root), names


MODULES: Mapping[str, Names] = dict(
    [*_tree("keras_tuner", PUBLIC), *_tree("keras_tuner.src", SRC), *_tree("kerastuner", LEGACY)]
)
"""All modules, parents before children: their names, and where what they hold is found."""

STAND_INS: Mapping[str, str] = {
    f"{root}.backend.{name}": target
    for root in ("keras_tuner", "keras_tuner.src", "kerastuner")
    for name, target in (("keras", "keras"), ("ops", "keras.ops"), ("random", "keras.random"))
}
"""Modules that are another one altogether."""
