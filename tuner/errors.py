"""Errors of a trial and of a search."""


class FailedTrialError(Exception):
    """Raise it in `build` or `run_trial` to say that this configuration cannot work.

    The trial is marked failed, is not tried again, and the search goes on.
    """


class FatalError(Exception):
    """Ends the search: no trial can work."""


class FatalValueError(FatalError, ValueError):
    """A value that no trial can work with."""


class FatalTypeError(FatalError, TypeError):
    """A type that no trial can work with."""


class FatalRuntimeError(FatalError, RuntimeError):
    """A state that no trial can work in."""
