"""An oracle as AutoKeras has it: populate_space on the private helpers, with a state of its own."""

import copy
import random

import keras_tuner
from keras_tuner.engine import hyperparameters as hp_module
from keras_tuner.engine import trial as trial_module


class GreedyOracle(keras_tuner.Oracle):
    def __init__(self, initial_hps=None, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.initial_hps = copy.deepcopy(initial_hps) or []
        self._tried_initial_hps = [False] * len(self.initial_hps)

    def get_state(self):
        state = super().get_state()
        state.update(
            {
                "initial_hps": self.initial_hps,
                "tried_initial_hps": self._tried_initial_hps,
            }
        )
        return state

    def set_state(self, state):
        super().set_state(state)
        self.initial_hps = state["initial_hps"]
        self._tried_initial_hps = state["tried_initial_hps"]

    def _select_hps(self):
        best_hps = self._get_best_hps()
        names = []
        for hp in best_hps.space:
            # Not picking the fixed hps for generating new values.
            if best_hps.is_active(hp) and not isinstance(
                hp, keras_tuner.engine.hyperparameters.Fixed
            ):
                names.append(hp.name)
        return [random.choice(names)] if names else []

    def _next_initial_hps(self):
        for index, hps in enumerate(self.initial_hps):
            if not self._tried_initial_hps[index]:
                self._tried_initial_hps[index] = True
                return hps

    def populate_space(self, trial_id):
        if not all(self._tried_initial_hps):
            values = self._next_initial_hps()
            return {
                "status": trial_module.TrialStatus.RUNNING,
                "values": values,
            }

        for _ in range(self._max_collisions):
            hp_names = self._select_hps()
            values = self._generate_hp_values(hp_names)
            # Reached max collisions.
            if values is None:
                continue
            # Values found.
            return {
                "status": trial_module.TrialStatus.RUNNING,
                "values": values,
            }
        # All stages reached max collisions.
        return {
            "status": trial_module.TrialStatus.STOPPED,
            "values": None,
        }

    def _get_best_hps(self):
        best_trials = self.get_best_trials()
        if best_trials:
            return best_trials[0].hyperparameters.copy()
        else:
            return self.hyperparameters.copy()

    def _generate_hp_values(self, hp_names):
        best_hps = self._get_best_hps()

        collisions = 0
        while True:
            hps = keras_tuner.HyperParameters()
            # Generate a set of random values.
            for hp in self.hyperparameters.space:
                hps.merge([hp])
                # if not active, do nothing.
                # if active, check if selected to be changed.
                if hps.is_active(hp):
                    # if was active and not selected, do nothing.
                    if best_hps.is_active(hp.name) and hp.name not in hp_names:
                        hps.values[hp.name] = best_hps.values[hp.name]
                        continue
                    # if was not active or selected, sample.
                    hps.values[hp.name] = hp.random_sample(self._seed_state)
                    self._seed_state += 1
            values = hps.values
            # Keep trying until the set of values is unique,
            # or until we exit due to too many collisions.
            values_hash = self._compute_values_hash(values)
            if values_hash in self._tried_so_far:
                collisions += 1
                if collisions <= self._max_collisions:
                    continue
                return None
            self._tried_so_far.add(values_hash)
            break
        return values


class MyTuner(keras_tuner.engine.base_tuner.BaseTuner):
    def run_trial(self, trial, offset):
        hp = trial.hyperparameters
        kind = hp.Choice("kind", ["a", "b"])
        with hp.conditional_scope("kind", ["b"]):
            y = hp.Int("y", 0, 40)
        hp.Fixed("fixed", 3)
        x = hp.Float("x", -1, 1)
        return (x - 0.5) ** 2 + (0.5 if kind == "a" else y / 40) + offset


def make():
    oracle = GreedyOracle(
        initial_hps=[{"kind": "b", "y": 10, "fixed": 3, "x": 0.0}, {"kind": "a", "fixed": 3, "x": 0.1}],
        objective=keras_tuner.Objective("loss", "min"),
        max_trials=12,
        seed=5,
    )
    return MyTuner(oracle, directory="greedy", project_name="p")


tuner = make()
assert tuner.oracle.seed == 5
tuner.search(1.0)
trials = [tuner.oracle.get_trial(i) for i in tuner.oracle.start_order]
assert len(trials) == 12
assert trials[0].hyperparameters.values["y"] == 10
assert trials[1].hyperparameters.values["x"] == 0.1
assert len(tuner.oracle._tried_so_far) >= 10
assert tuner.oracle._seed_state > 5
best = tuner.oracle.get_best_trials(1)[0].score
assert best <= min(trials[0].score, trials[1].score)
hashes = {tuner.oracle._compute_values_hash(t.hyperparameters.values) for t in trials}
assert len(hashes) == 12

# A new process takes up where the first one ended: initial values are not tried again.
tuner = make()
assert len(tuner.oracle.trials) == 12
assert tuner.oracle._tried_initial_hps == [True, True], tuner.oracle._tried_initial_hps
tuner.oracle.max_trials = 14
tuner.search(1.0)
assert len(tuner.oracle.trials) == 14
assert tuner.oracle.get_trial(tuner.oracle.start_order[12]).hyperparameters.values["x"] != 0.0


class Repeating(keras_tuner.Oracle):
    """The two-line oracle of the documentation: random values until there are none."""

    def populate_space(self, trial_id):
        values = self._random_values()
        if values is None:
            return {"status": trial_module.TrialStatus.STOPPED, "values": None}
        return {"status": trial_module.TrialStatus.RUNNING, "values": values}

    def score_trial(self, trial):
        trial.score = -trial.metrics.get_last_value("reward")
        trial.best_step = 7


class Small(keras_tuner.engine.base_tuner.BaseTuner):
    def run_trial(self, trial):
        hp = trial.hyperparameters
        return {"reward": hp.Int("n", 1, 3)}


tuner = Small(
    Repeating(objective=keras_tuner.Objective("reward", "min"), max_trials=20, seed=3),
    directory="greedy",
    project_name="small",
)
tuner.search()
assert len(tuner.oracle.trials) <= 4, len(tuner.oracle.trials)
best = tuner.oracle.get_best_trials(1)[0]
assert best.score == -3 and best.best_step == 7, (best.score, best.best_step)
print("OK")
