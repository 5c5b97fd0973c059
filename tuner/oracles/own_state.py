"""The state of an oracle beyond what the history of its search tells."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tuner.core.hyperparameters.sampling import values_key
from tuner.core.jsonable import to_json

if TYPE_CHECKING:
    from tuner.oracles.session import Session


class _Uncomputed:
    """Stands for a part of the state that is not read; to read it is an error."""

    def _refuse(self, *_: object) -> Any:
        raise LookupError("Expected this part of the state to be left as it is.")

    __getattr__ = __getitem__ = __iter__ = __len__ = __bool__ = __contains__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __add__ = __radd__ = _refuse
    __or__ = __ror__ = __repr__ = __str__ = __format__ = __hash__ = __copy__ = _refuse
    __deepcopy__ = __reduce_ex__ = __int__ = __float__ = __index__ = _refuse


UNCOMPUTED = dict.fromkeys(
    (
        "hyperparameters",
        "start_order",
        "end_order",
        "run_times",
        "tried_so_far",
        "id_to_hash",
    ),
    _Uncomputed(),
)
OURS = __name__.rpartition(".")[0]
KNOWN = {*UNCOMPUTED, "ongoing_trials", "retry_queue", "seed", "seed_state"}
"""What stands in the state of every oracle: a subclass adds to it."""


TOLD = (
    "create_trial",
    "update_trial",
    "report_epoch",
    "score_trial",
    "_score_trial",
    "end_trial",
    "tell",
    "lose_trial",
    "update_space",
)
"""Methods in which a subclass may change its state, beside the one that proposes."""


class OracleState:
    """What Keras Tuner's oracles keep by `get_state` and take over by `set_state`.

    A subclass adds to the state. What it adds is asked for after each proposal, so what it adds to,
    which grows with the search, is computed only for those who read it.
    """

    session: Session
    seed: int
    _seed_state: int
    _asked_for_own_state_by: int | None = None
    """The thread to which `get_state` need not tell what the history tells."""
    _reads_known_state = False
    """Whether a subclass has read what it adds to."""

    def get_state(self) -> dict[str, Any]:
        """The state as JSON. A subclass that keeps more adds entries; these are kept, and resumed.

        All else stands in the journal already.
        """
        assignments = self.session.assignments
        state = {
            "ongoing_trials": {slot: trial.trial_id for slot, trial in assignments.ongoing.items()},
            "retry_queue": list(assignments.queue),
            "seed": self.seed,
            "seed_state": self._seed_state,
        }
        is_asked = self._asked_for_own_state_by == threading.get_ident()
        return {**state, **(UNCOMPUTED if is_asked else self._told_by_history())}

    def _told_by_history(self) -> dict[str, Any]:
        """The parts of the state that grow with the search."""
        history = self.session.history
        return {
            "hyperparameters": history.space.get_config(),
            "start_order": list(history.trials),
            "end_order": list(history.end_order),
            "run_times": {trial_id: trial.tries for trial_id, trial in history.trials.items()},
            "tried_so_far": sorted(history.tried),
            "id_to_hash": {t.trial_id: values_key(t.values) for t in history.trials.values()},
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Takes over what `get_state` gave."""
        self._seed_state = state["seed_state"]

    @property
    def learns_when_told(self) -> bool:
        """Whether a subclass's state may change when a trial reports, or ends."""
        classes = type(self).__mro__
        owners = (next((c for c in classes if name in vars(c)), OracleState) for name in TOLD)
        return not all(owner.__module__.startswith(OURS) for owner in owners)

    def own_state(self) -> dict[str, Any]:
        """The part of the state that the history does not tell.

        Raises:
            TypeError: A subclass's `get_state` gives something that is not JSON.
        """
        try:
            text = self._own_state_as_text()
        except (TypeError, ValueError) as error:
            msg = f"Expected `{type(self).__name__}.get_state` to return JSON. Received: {error}."
            raise TypeError(msg) from error
        state: dict[str, Any] = json.loads(text)  # tuples are lists now, as after a resume
        return state

    def _own_state_as_text(self) -> str:
        """The state of a subclass alone, without what it adds to, if it leaves that as it is."""
        if not self._reads_known_state:
            try:
                self._asked_for_own_state_by = threading.get_ident()
                return self._own_part()
            except Exception:  # noqa: BLE001 - for instance where it hashes what it adds to
                self._reads_known_state = True
            finally:
                self._asked_for_own_state_by = None
        return self._own_part()

    def _own_part(self) -> str:
        own = {name: value for name, value in self.get_state().items() if name not in KNOWN}
        return json.dumps(to_json({**own, "seed_state": self._seed_state}), allow_nan=False)

    def restore(self, own_state: Mapping[str, Any]) -> None:
        """Takes over what `own_state` gave; nothing if that is empty."""
        if not own_state:
            return
        try:
            self.set_state({**OracleState.get_state(self), **own_state})
        except KeyError as error:
            where = "" if self.session.project is None else self.session.project.url
            msg = (
                f"Error reloading `{type(self).__name__}` from the project at {where}: "
                f"its state was written by another version, and lacks {error}. Use another "
                "`project_name`, or pass `overwrite=True` to delete what is there."
            )
            raise RuntimeError(msg) from error
