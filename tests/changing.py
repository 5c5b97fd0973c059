"""Searches whose study changes between two starts."""

from tuner import BaseTuner, Objective
from tuner.oracles import RandomSearchOracle


class Built(BaseTuner):
    """Its score is the sum of its numbers; the search may be cut off at a trial."""

    cut_at = None

    def run_trial(self, trial, **_):
        if trial.trial_id == self.cut_at:
            raise KeyboardInterrupt
        self.hypermodel.build(trial.hyperparameters)
        numbers = [v for v in trial.values.values() if isinstance(v, int | float)]
        return float(sum(numbers))


def tuner_of(directory, *parameters, cls=Built, oracle=RandomSearchOracle, **options):
    """A tuner whose model declares these parameters."""

    def build(hp):
        for parameter in parameters:
            hp._retrieve(parameter)

    options = {"max_trials": 6, "seed": 0, "max_consecutive_failed_trials": 99, **options}
    made = oracle(Objective("loss", "min"), **options)
    made.verbose = 0
    return cls(made, build, directory=str(directory), project_name="p")


def lines_of(tuner, **arguments):
    """What a search says at its start of what has changed, but for the number of its trials."""
    said = []
    declare = tuner.oracle.session.declare
    tuner.oracle.session.declare = lambda declaration: said.extend(declare(declaration)) or said
    tuner.search(**arguments)
    return [line for line in said if not line.startswith("max_trials=")]


def searched(directory, *parameters, **options):
    tuner = tuner_of(directory, *parameters, **options)
    tuner.search()
    return tuner
