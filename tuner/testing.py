"""Laws of oracles, as a test suite: subclass `OracleTests` and say how to make yours."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from tuner.core.declaration import Declaration
from tuner.core.hyperparameters import HyperParameters
from tuner.core.hyperparameters.comparing import point_of
from tuner.core.hyperparameters.sampling import count_values, values_key
from tuner.core.proposal import Decision
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.events import Event, SpaceChanged
from tuner.journal.folding import replay
from tuner.journal.history import History
from tuner.oracles.oracle import Oracle

LONGEST = 400
"""Trials after which a search in a test is cut off."""

ROUNDING = 1e-9

Outcome = Callable[[Trial], float | None]
"""The score of a trial, None for a failed one."""


def mixed_space() -> HyperParameters:
    """Floats, integers and a branch: more points than any test tries."""
    hp = HyperParameters()
    hp.Float("rate", 1e-4, 1e-1, sampling="log")
    hp.Int("layers", 1, 3)
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["b"]):
        hp.Float("momentum", 0.0, 0.99)
    return hp


def small_space() -> HyperParameters:
    """Five points: `kind` is a, or b with four widths."""
    hp = HyperParameters()
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["b"]):
        hp.Int("width", 1, 4)
    return hp


def edited_mixed_space() -> HyperParameters:
    """`mixed_space` after an afternoon: everything about it is another, and it still overlaps."""
    hp = HyperParameters()
    hp.Float("rate", 1e-3, 1.0, sampling="log")
    hp.Choice("kind", ["b", "c"])
    hp.Int("layers", 1, 5, step=2)
    with hp.conditional_scope("kind", ["c"]):
        hp.Float("share", 0.1, 0.5)
    hp.Boolean("late")
    return hp


def edited_small_space() -> HyperParameters:
    """Eight points, two of them (`b` with a width of 1 or 3) also of `small_space`."""
    hp = HyperParameters()
    hp.Choice("kind", ["b", "c"])
    hp.Int("width", 1, 7, step=2)
    return hp


def score_of(trial: Trial) -> float:
    """A score that depends on the values alone."""
    return int(values_key(trial.values), 16) / 16**32


@dataclass
class Search:
    """An oracle driven by a number of slots of unequal speed.

    Args:
        oracle: Fresh.
        slots: Trials that run at the same time.
        outcome: How trials end.
        order: Seed of the order in which they do; None for that in which they began.
    """

    oracle: Oracle
    slots: int = 1
    outcome: Outcome = score_of
    order: int | None = 0
    running: list[Trial] = field(default_factory=list)
    created: list[Trial] = field(default_factory=list)

    def run(self, trials: int = LONGEST) -> list[Trial]:
        """Runs until the oracle is done, or that many trials were created."""
        rng = random.Random(self.order)
        while self._fill(trials):
            index = 0 if self.order is None else rng.randrange(len(self.running))
            self.end(self.running.pop(index))
        return self.created

    def change(self, space: HyperParameters) -> None:
        """The search stops, its study declares another space, and it goes on."""
        self.oracle.start(searching=True)
        self.oracle.session.declare(Declaration(space))

    def end(self, trial: Trial) -> None:
        score = self.outcome(trial)
        if score is None:
            trial.status = TrialStatus.FAILED
        else:
            self.oracle.update_trial(trial.trial_id, {self.oracle.objective.name: score})
            trial.status = TrialStatus.COMPLETED
        self.oracle.end_trial(trial)

    def _fill(self, trials: int) -> bool:
        while len(self.running) < self.slots and len(self.created) < trials:
            trial = self.oracle.create_trial(f"trial-{len(self.created)}")
            if trial.status != TrialStatus.RUNNING:
                break
            self.running.append(trial)
            self.created.append(trial)
        return bool(self.running)


class OracleTests:
    """The laws of oracles. Trials of `make` must not be limited to fewer than the tests need."""

    def make(self, space: HyperParameters, seed: int = 0) -> Oracle:
        """A fresh oracle, with `max_consecutive_failed_trials` out of reach."""
        raise NotImplementedError

    def test_values_are_legal(self) -> None:
        for trial in Search(self.make(mixed_space()), slots=3).run(60):
            hp = trial.hyperparameters
            active = {p.name: p for p in hp.space if hp.is_active(p)}
            assert set(trial.values) == set(active)
            for name, value in trial.values.items():
                # Float bounds may be missed by rounding.
                probability = active[name].value_to_prob(value)
                assert -ROUNDING <= probability <= 1 + ROUNDING

    def test_no_configuration_is_begun_twice(self) -> None:
        begun = self._begun(Search(self.make(mixed_space()), slots=4).run(60))
        assert len(begun) == len(set(begun))

    def test_a_finite_space_is_exhausted_exactly_and_then_it_stops(self) -> None:
        for slots in (1, 2, 8):
            space = small_space()
            created = Search(self.make(space), slots=slots).run()
            assert len(created) < LONGEST
            begun = self._begun(created)
            assert len(begun) == len(set(begun)) == count_values(space)

    def test_what_is_done_stays_done(self) -> None:
        """Also when a trial that was running meets one more hyperparameter, or is promoted."""
        oracle = self.make(small_space())
        search, trials = Search(oracle), [oracle.create_trial("first")]
        while trials[-1].status == TrialStatus.RUNNING:
            assert len(trials) < LONGEST
            trials.append(oracle.create_trial(f"next-{len(trials)}"))
        answer = trials.pop()
        trials[-1].hyperparameters.Boolean("late")
        for trial in trials:
            search.end(trial)
        again = oracle.create_trial("once more")
        assert answer.status != TrialStatus.STOPPED or again.status == TrialStatus.STOPPED
        if again.status == TrialStatus.RUNNING:
            search.end(again)
        search.run()
        assert oracle.create_trial("at the end").status == TrialStatus.STOPPED
        assert oracle.create_trial("after it").status == TrialStatus.STOPPED

    def test_a_resumed_search_asks_what_the_uninterrupted_one_asked(self) -> None:
        for order in range(3):
            live = self.make(mixed_space(), seed=order)
            asked = list(self._questions(live, order))
            assert len(asked) > 10  # noqa: PLR2004 - enough to mean something
            for events, answer in asked:
                again = self.make(mixed_space(), seed=order)
                history = History(again.objective, again.seed)
                replay(history, events)
                assert self._ask(again, history) == answer

    def test_values_are_legal_in_the_space_as_it_is_when_they_are_asked_for(self) -> None:
        search = Search(self.make(mixed_space()), slots=3)
        search.run(20)
        search.change(edited_mixed_space())
        for trial in search.run(50)[20:]:
            assert point_of(edited_mixed_space(), trial.hyperparameters) == trial.values

    def test_no_configuration_is_begun_twice_though_the_space_changed(self) -> None:
        search = Search(self.make(small_space()), slots=2)
        search.run(3)
        for space in (edited_small_space(), mixed_space(), small_space()):
            search.change(space)
            search.run(len(search.created) + 3)
        begun = self._begun(search.created)
        assert len(begun) == len(set(begun))

    def test_a_space_that_changed_is_exhausted_exactly(self) -> None:
        for known in (2, LONGEST):
            search = Search(self.make(small_space()), slots=2)
            before = len(search.run(known))
            search.change(edited_small_space())
            created = search.run()
            assert before < len(created) < LONGEST
            history = search.oracle.search_history
            counted = [trial for trial in created if history.counts(trial)]
            fresh = [t for t in counted if t.budget is None or t.budget.parent is None]
            points = [values_key(history.counting.values_of(trial)) for trial in fresh]
            assert len(points) == len(set(points)) == count_values(edited_small_space())

    def test_a_resumed_search_asks_the_same_after_its_space_changed(self) -> None:
        asked = list(self._questions(self.make(mixed_space()), 0, edited_mixed_space()))
        changed = [any(isinstance(e, SpaceChanged) for e in events) for events, _ in asked]
        assert any(changed)
        for events, answer in itertools.compress(asked, changed):
            again = self.make(mixed_space())
            history = History(again.objective, again.seed)
            replay(history, events)
            assert self._ask(again, history) == answer

    def test_the_same_seed_asks_the_same_and_zero_is_a_seed(self) -> None:
        first, second, other = (
            [t.values for t in Search(self.make(mixed_space(), seed)).run(5)] for seed in (0, 0, 1)
        )
        assert first == second
        assert first != other

    def test_failed_trials_do_not_stop_it(self) -> None:
        oracle = self.make(mixed_space())
        fails = random.Random(1)
        search = Search(oracle, 2, lambda t: None if fails.random() < 0.4 else score_of(t))  # noqa: PLR2004
        created = search.run(40)
        assert all(trial.ended for trial in created)
        assert any(trial.status == TrialStatus.COMPLETED for trial in created)

    def test_scores_of_any_size_do_no_harm(self) -> None:
        scores = iter([1e300, -1e300, 0.0, 1e-300, 5.0] * LONGEST)
        created = Search(self.make(mixed_space()), 1, lambda _: next(scores)).run(15)
        assert all(math.isfinite(trial.score or 0) for trial in created)

    def _begun(self, trials: list[Trial]) -> list[str]:
        """Keys of the configurations, without those that were promoted."""
        fresh = [t for t in trials if t.budget is None or t.budget.parent is None]
        return [values_key(trial.values) for trial in fresh]

    def _questions(
        self, oracle: Oracle, order: int, then: HyperParameters | None = None
    ) -> Iterator[tuple[list[Event], Decision]]:
        """Runs a search, and gives what was known and answered at each question.

        Args:
            oracle: Fresh.
            order: Seed of the order in which trials end.
            then: Space in which it goes on in the middle.
        """
        recorded: list[Event] = []
        asked: list[tuple[int, Decision]] = []
        ask, record = oracle.propose, oracle.session.ledger.record

        def propose(history: History, rng: np.random.Generator) -> Decision:
            answer = ask(history, rng)
            asked.append((len(recorded), answer))
            return answer

        def listen(*events: Event) -> None:
            recorded.extend(events)
            record(*events)

        oracle.propose = propose  # type: ignore[method-assign]  # listens in
        oracle.session.ledger.record = listen  # type: ignore[method-assign]
        search = Search(oracle, slots=3, order=order)
        if then is not None:
            search.run(20)
            search.change(then)
        search.run(60)
        for known, answer in asked:
            yield recorded[:known], answer

    @staticmethod
    def _ask(oracle: Oracle, history: History) -> Decision:
        oracle.session.ledger.history = history
        return oracle.propose(history, oracle._rng())  # noqa: SLF001
