"""The best model of a search at an address of its own, replaced by better ones only."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from storage import KeyMissingError, NewerFormatError, Store, open_store, scratch_folder
from tuner.core.hyperparameters.sampling import values_key
from tuner.core.jsonable import to_json
from tuner.core.objective import Objective
from tuner.core.trial import Trial
from tuner.journal.history import History
from tuner.journal.project import Project

FORMAT = 1
BEST = "best.json"
RECORDS = "publications"
MODELS = "models"
ALREADY = "it is published already"
"""Why the best trial of a search is not published once more."""
KEPT = 2
"""Models that stay: the published one, and the one before it, which may still be read."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a published model comes from."""

    project: str
    """Path or URL of the search's project."""
    trial: str = ""
    """Its id in the project."""
    study: str | None = None
    """Path or module name of the study."""
    study_digest: str | None = None
    """SHA-256 of the study file when the run began, in hexadecimal."""
    data_version: str | None = None
    """What `load_data` said of its data."""
    flow_run: str | None = None
    """Id of the Prefect flow run."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What `best.json` says."""

    number: int
    """One more than that of the publication before."""
    objective: Any
    """Name and direction, JSON."""
    score: float
    values: dict[str, Any]
    lineage: Lineage
    model: str | None
    """Key of the model beside `best.json`; None of a search without models that could be kept."""
    published: float
    """Unix time."""
    metrics: dict[str, float] = field(default_factory=dict)
    """The trial's other metrics, each at its best."""
    format: int = FORMAT

    def to_bytes(self) -> bytes:
        return json.dumps(to_json(asdict(self)), indent=2, allow_nan=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes, url: str) -> Self:
        """What `to_bytes` gave.

        Raises:
            NewerFormatError: A newer Trialflow wrote it.
        """
        state = json.loads(data)
        if state["format"] > FORMAT:
            msg = f"Expected a publication of format {FORMAT} or older at {url}."
            raise NewerFormatError(f"{msg} Received: format={state['format']}. Update Trialflow.")
        return cls(**{**state, "lineage": Lineage(**state["lineage"])})


@dataclass(frozen=True, slots=True)
class Candidate:
    """The best trial of a search, and what its score is compared with: a history at one moment."""

    trial: Trial | None
    """None before one has completed."""
    objective: Objective
    names: frozenset[str]
    """Of the hyperparameters."""
    scored: tuple[tuple[Mapping[str, Any], float], ...]
    """Values and score of each completed trial."""

    @classmethod
    def of(cls, history: History) -> Self:
        """That of a search; to be called with the lock of its oracle."""
        names = frozenset(parameter.name for parameter in history.space.space)
        scored = tuple((t.values, t.score) for t in history.ranked() if t.score is not None)
        return cls(history.best, history.objective, names, scored)

    def score_of(self, values: Mapping[str, Any]) -> float | None:
        """The score that these values have had in the search, as far as it knows their names."""

        def key(of: Mapping[str, Any]) -> str:
            return values_key({name: of[name] for name in of if name in self.names})

        wanted = key(values)
        return next((score for tried, score in self.scored if key(tried) == wanted), None)


def why_it_stays(
    published: Publication | None, candidate: Candidate, lineage: Lineage, *, ended: bool
) -> str | None:
    """Why what is published is not replaced by the best trial of a search; None where it is.

    Scores are compared on the same data alone. On other data the published values count with the
    score that they have there, once the search has tried them (as a warm start does first of
    all); a search that never does has ended before its best model replaces another one's.

    Args:
        published: What is there.
        candidate: Of the search.
        lineage: Where the candidate comes from.
        ended: Whether no more trials will begin.
    """
    score = None if candidate.trial is None else candidate.trial.score
    if score is None:
        return "no trial has completed yet"
    if published is None:
        return None
    of = published.lineage
    if (of.project, of.trial, published.score) == (lineage.project, lineage.trial, score):
        return ALREADY
    rival = _score_to_beat(published, candidate, lineage.data_version)
    if rival is None:
        words = "scores of other data, or of another objective, count once the search has ended"
        return None if ended else words
    if candidate.objective.better_than(score, rival):
        return None
    return f"{score:.5g} is not better than {rival:.5g}, which the published values have here"


def _score_to_beat(
    published: Publication, candidate: Candidate, data_version: str | None
) -> float | None:
    """The score of the published values on the candidate's data; None if it is not known."""
    if published.objective != candidate.objective.to_json():
        return None
    if published.lineage.data_version == data_version:
        return published.score
    return candidate.score_of(published.values)


class Publisher:
    """Keeps the best model at an address.

    Beside `best.json`, which is replaced as a whole, lie its model under a name of its own, and in
    `publications/` a record of each publication. Records are numbered and created exclusively, so
    of two searches that publish at the same time one comes second, and looks again.

    Args:
        store: Where to publish.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    @classmethod
    def at(cls, url: str) -> Self:
        """One for a path or fsspec URL."""
        return cls(open_store(url))

    def current(self) -> Publication | None:
        """The newest publication, None before the first."""
        names = self.store.list(RECORDS)
        return self._read(f"{RECORDS}/{names[-1]}") if names else None

    def publish(
        self, project: Project, candidate: Candidate, run: Lineage, now: float, *, ended: bool
    ) -> str | None:
        """Publishes the best trial of a search, if it is better than what is published.

        Args:
            project: Of the search.
            candidate: Likewise.
            run: Where the candidate comes from; its trial is filled in.
            now: Unix time.
            ended: Whether no more trials will begin.

        Returns:
            Why nothing was published; None when it was.

        Raises:
            NewerFormatError: A newer Trialflow has published there.
        """
        lineage = replace(run, trial="" if candidate.trial is None else candidate.trial.trial_id)
        while True:
            before = self.current()
            reason = why_it_stays(before, candidate, lineage, ended=ended)
            if reason is not None:
                self._put_newest(before)
                return reason
            number = 0 if before is None else before.number + 1
            made = self._describe(number, project, candidate, lineage, now)
            if self.store.create(f"{RECORDS}/{number:06d}.json", made.to_bytes()):
                self._put_newest(made)
                self._drop_old_models(number)
                return None

    def _describe(
        self, number: int, project: Project, candidate: Candidate, lineage: Lineage, now: float
    ) -> Publication:
        trial = candidate.trial
        if trial is None or trial.score is None:
            raise ValueError("Expected a candidate that has completed. Received: none.")
        measured = {name: trial.metrics.get_best_value(name) for name in trial.metrics.metrics}
        return Publication(
            number=number,
            objective=candidate.objective.to_json(),
            score=trial.score,
            values=trial.values,
            lineage=lineage,
            model=self._put_model(number, project, trial),
            published=now,
            metrics={name: value for name, value in measured.items() if value is not None},
        )

    def _put_model(self, number: int, project: Project, trial: Trial) -> str | None:
        """Copies the model of a trial; its key. It is there before anything names it."""
        with scratch_folder() as folder:
            path = model_file(project, trial, Path(folder))
            if path is None:
                return None
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            key = f"{MODELS}/{number:06d}-{digest[:12]}{''.join(path.suffixes)}"
            self.store.upload(path, key)
            return key

    def _put_newest(self, seen: Publication | None) -> None:
        """Has `best.json` be the newest record, also after others have published meanwhile."""
        while seen is not None:
            self.store.replace(BEST, seen.to_bytes())
            newest = self.current()
            if newest is None or newest.number == seen.number:
                return
            seen = newest

    def _drop_old_models(self, newest: int) -> None:
        names = self.store.list(MODELS)
        numbered = [name for name in names if name.partition("-")[0].isdecimal()]
        old = [name for name in numbered if int(name.partition("-")[0]) <= newest - KEPT]
        self.store.delete([f"{MODELS}/{name}" for name in old])

    def _read(self, key: str) -> Publication:
        return Publication.from_bytes(self.store.read(key), f"{self.store.url}/{key}")


def model_file(project: Project, trial: Trial, folder: Path) -> Path | None:
    """Writes the model of a trial into a folder; None of a trial that has left none.

    A Keras model becomes the `.keras` file that `model.save` would write, put together of what the
    trial has left, since the process of a search builds no model. A model without a description
    leaves its weights, one of scikit-learn its pickle.

    Raises:
        KeyMissingError: Its files were deleted, since a better trial came.
    """
    saved = trial.record.get("checkpoint") or trial.record.get("model")
    if saved is None:
        return None
    name = Path(saved["key"]).name
    weights = folder / name
    project.store.download(saved["key"], weights)
    described = trial.record.get("model_config")
    if not described or not name.endswith(".h5"):
        return weights
    return keras_archive(project.store.read(described), weights, folder / "model.keras")


def keras_archive(config: bytes, weights: Path, path: Path) -> Path:
    """Writes a `.keras` file: a config, and weights, as Keras 3 puts them into one archive.

    Args:
        config: What `keras.saving.serialize_keras_object` gave of the model, JSON.
        weights: What `model.save_weights` wrote.
        path: File to write.
    """
    metadata = {"keras_version": importlib.metadata.version("keras"), "date_saved": ""}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps(metadata))
        archive.writestr("config.json", config)
        archive.write(weights, "model.weights.h5")
    return path


def read_publication(url: str) -> Publication:
    """What is published at a path or fsspec URL.

    Raises:
        FileNotFoundError: Nothing is.
        NewerFormatError: A newer Trialflow has published it.
    """
    store = open_store(url)
    try:
        data = store.read(BEST)
    except KeyMissingError:
        msg = "Expected a search to have published its best model."
        raise FileNotFoundError(f"{msg} Received: {url!r}, which has no {BEST}.") from None
    return Publication.from_bytes(data, f"{url}/{BEST}")
