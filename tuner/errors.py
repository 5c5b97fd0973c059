"""Errors of a trial and of a search."""


class FailedTrialError(Exception):
    """Raise it in `build` or `run_trial` to say that this configuration cannot work.

    The trial is marked failed, is not tried again, and the search goes on.
    """


class OversizedModelError(FailedTrialError):
    """A model is larger than `max_model_size`.

    It is no failure of the search: any number of them in a row does not end it.
    """


class CheckpointMissingError(LookupError):
    """A trial has left no weights."""


class FatalError(Exception):
    """Ends the search: no trial can work."""


class FatalValueError(FatalError, ValueError):
    """A value that no trial can work with."""


class ObjectiveMissingError(FatalValueError):
    """No trial can be scored: what they measure does not have the objective."""


class FatalTypeError(FatalError, TypeError):
    """A type that no trial can work with."""


class FatalRuntimeError(FatalError, RuntimeError):
    """A state that no trial can work in."""


class TriesAnotherProcessError(Exception):
    """A trial failed for what is left in its process, which is ended.

    Args:
        outcome: How the attempt ended, a value of `tuner.core.outcome.Outcome`.
    """

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class TrialInterruptedError(BaseException):
    """The search is stopping; the trial ends here, and goes on another time.

    Not an `Exception`, so that no code of a trial takes it for a failure of its own.
    """
