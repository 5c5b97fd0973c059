"""Oracles written for Keras Tuner, which know more than the history tells."""

import pytest
from killing import KilledError, kill_at

from tuner import BaseTuner, Objective, Oracle, TrialStatus, synchronized
from tuner.core.hyperparameters import HyperParameters
from tuner.core.hyperparameters.sampling import values_key
from tuner.journal.project import Project
from tuner.oracles import own_state
from tuner.testing import score_of


class Greedy(Oracle):
    """Changes one parameter of the best trial at a time, as AutoKeras does."""

    def __init__(self, first=(), **options):
        super().__init__(**options)
        self.first = list(first)
        self.used = [False] * len(self.first)
        self.ended = []

    def get_state(self):
        state = super().get_state()
        state.update({"used": self.used, "ended": self.ended})
        return state

    def set_state(self, state):
        super().set_state(state)
        self.used = state["used"]
        self.ended = state["ended"]

    def populate_space(self, trial_id):
        for index, values in enumerate(self.first):
            if not self.used[index]:
                self.used[index] = True
                return {"status": TrialStatus.RUNNING, "values": values}
        collisions = 0
        while collisions <= self._max_collisions:
            values = self._mutated()
            key = self._compute_values_hash(values)
            if key not in self._tried_so_far:
                self._tried_so_far.add(key)
                return {"status": TrialStatus.RUNNING, "values": values}
            collisions += 1
        return {"status": TrialStatus.STOPPED, "values": None}

    def _mutated(self):
        best = self.get_best_trials()
        hps = HyperParameters()
        for number, hp in enumerate(self.hyperparameters.space):
            hps.merge([hp])
            if best and number != len(self.ended) % len(self.hyperparameters.space):
                hps.values[hp.name] = best[0].hyperparameters.values[hp.name]
                continue
            hps.values[hp.name] = hp.random_sample(self._seed_state)
            self._seed_state += 1
        return hps.values

    @synchronized
    def end_trial(self, trial):
        super().end_trial(trial)
        self.ended.append(trial.trial_id)  # after it was recorded: easily lost


def space():
    hp = HyperParameters()
    hp.Float("rate", 1e-4, 1e-1, sampling="log")
    hp.Int("layers", 1, 5)
    return hp


def make(project=None, **options):
    first = [{"rate": 0.01, "layers": 2}, {"rate": 0.02, "layers": 3}]
    oracle = Greedy(
        first=first,
        objective=Objective("loss", "min"),
        max_trials=8,
        seed=3,
        hyperparameters=space(),
        **options,
    )
    if project is not None:
        oracle.attach(project)
    return oracle


def run(oracle):
    while True:
        trial = oracle.create_trial("tuner0")
        if trial.status != TrialStatus.RUNNING:
            return
        oracle.update_trial(trial.trial_id, {"loss": score_of(trial)})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)


def asked(oracle):
    return [trial.values for trial in oracle.trials.values()]


def test_killed_after_any_entry_of_the_journal_it_asks_what_it_would_have_asked(tmp_path):
    straight = make(Project(tmp_path, "straight"))
    run(straight)
    straight.stop()
    assert len(asked(straight)) == 8
    entries = straight.session.ledger.project._journal.next_number
    assert entries == 17  # two for each trial, and the end
    for cut in range(1, entries):
        project = Project(tmp_path, f"cut-{cut}")
        kill_at(project, cut)
        with pytest.raises(KilledError):
            run(make(project))
        project.close()  # or the next would wait for the lease to run out
        again = make(Project(tmp_path, f"cut-{cut}"))
        run(again)
        again.stop()
        assert asked(again) == asked(straight), cut
        assert sorted(again.ended) == sorted(straight.ended)
        assert again._seed_state == straight._seed_state


def test_what_is_no_json_is_refused_by_the_name_of_the_oracle(tmp_path):
    class Wrong(Greedy):
        def get_state(self):
            return {**super().get_state(), "thing": object()}

    oracle = Wrong(objective=Objective("loss", "min"), max_trials=2, hyperparameters=space())
    oracle.attach(Project(tmp_path, "p"))
    with pytest.raises(TypeError, match=r"Wrong\.get_state"):
        oracle.create_trial("tuner0")


def test_random_values_asked_for_several_times_in_one_question_differ():
    class Three(Oracle):
        seen = None

        def populate_space(self, trial_id):
            self.seen = [self._random_values() for _ in range(3)]
            return {"status": "RUNNING", "values": self.seen[0]}

    first, second = (
        Three(Objective("loss", "min"), seed=1, hyperparameters=space()) for _ in range(2)
    )
    first.create_trial("tuner0")
    second.create_trial("tuner0")
    assert len({str(values) for values in first.seen}) == 3
    assert first.seen == second.seen


def test_methods_of_older_versions_are_heeded():
    class Old(Oracle):
        def _populate_space(self, trial_id):
            return {"status": TrialStatus.RUNNING, "values": {"rate": 0.01, "layers": 1}}

        def _score_trial(self, trial):
            trial.score, trial.best_step = 42.0, 0

    oracle = Old(Objective("loss", "min"), max_trials=1, hyperparameters=space())
    trial = oracle.create_trial("tuner0")
    oracle.update_trial(trial.trial_id, {"loss": 1.0})
    oracle.end_trial(trial.trial_id, "COMPLETED")  # as before Keras Tuner 1.3
    assert trial.score == 42.0
    assert oracle.end_order == ["0000"]
    with pytest.warns(DeprecationWarning, match="score_trial"):
        Oracle._score_trial(Oracle(Objective("loss", "min")), trial)


def test_a_tuner_s_own_state_is_kept_and_resumed(tmp_path):
    class Counting(BaseTuner):
        count = 0

        def run_trial(self, trial):
            self.count += 1
            return trial.hyperparameters.Float("x", 0.0, 1.0)

        def get_state(self):
            return {"count": self.count}

        def set_state(self, state):
            self.count = state["count"]

    def tuner(trials):
        oracle = make_random(trials)
        return Counting(oracle, directory=str(tmp_path), project_name="p")

    tuner(2).search()
    again = tuner(5)
    assert again.count == 2
    again.search()
    assert tuner(5).count == 5


def make_random(trials):
    from tuner.oracles import RandomSearchOracle

    oracle = RandomSearchOracle(Objective("loss", "min"), trials, seed=0)
    oracle.verbose = 0
    return oracle


def test_what_populate_space_leaves_out_is_drawn_at_random():
    class Half(Oracle):
        def populate_space(self, trial_id):
            return {"status": "RUNNING", "values": {"layers": 2}}

    oracle = Half(Objective("loss", "min"), seed=1, hyperparameters=space())
    trials = [oracle.create_trial(f"tuner{n}") for n in range(3)]
    assert [t.values["layers"] for t in trials] == [2, 2, 2]
    assert len({t.values["rate"] for t in trials}) == 3


class Counting(Oracle):
    """Keras Tuner's recipe: adds to the state that its base gives."""

    def __init__(self, **options):
        super().__init__(**options)
        self.asked, self.lengths = 0, []

    def get_state(self):
        self.asked += 1
        state = super().get_state()
        state["proposed"] = len(self.lengths)
        return state

    def populate_space(self, trial_id):
        self.lengths.append(trial_id)
        return {"status": TrialStatus.RUNNING, "values": self._random_values()}


class Reading(Counting):
    """Reads what it adds to."""

    def get_state(self):
        state = super().get_state()
        return {**state, "hashes": len(state["tried_so_far"])}


class Instant(BaseTuner):
    def run_trial(self, trial):
        return trial.hyperparameters.Float("x", 0.0, 1.0)


def run_counted(directory, oracle_class, trials=20):
    oracle = oracle_class(objective=Objective("default_objective", "min"), max_trials=trials)
    tuner = Instant(oracle, directory=str(directory), project_name="p")
    tuner.search(search_verbose=0)
    return oracle


def test_a_trial_asks_once_for_the_state_and_hashes_no_other_trials_again(tmp_path, monkeypatch):
    hashed = []

    def counted(values):
        hashed.append(values)
        return values_key(values)

    monkeypatch.setattr(own_state, "values_key", counted)
    oracle = run_counted(tmp_path, Counting)
    assert len(oracle.end_order) == 20
    assert oracle.asked <= 20 + 4  # at the start, at the end, and when there was no other trial
    assert hashed == []
    assert oracle.search_history.oracle_state["proposed"] == 20
    assert sorted(oracle.get_state()["id_to_hash"]) == oracle.start_order


def test_an_oracle_that_reads_the_state_it_adds_to_finds_it(tmp_path):
    oracle = run_counted(tmp_path, Reading, trials=5)
    assert oracle.search_history.oracle_state["hashes"] == 5
    again = Reading(objective=Objective("default_objective", "min"), max_trials=5)
    again._set_project_dir(str(tmp_path), "p")
    assert again.get_state()["hashes"] == 5
