"""The best model of a search, published while the search goes on."""

from __future__ import annotations

import hashlib
import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from prefect import runtime

from storage import StorageError
from tuner.journal.project import Project
from tuner.oracles.oracle import Oracle
from tuner.results.publishing import ALREADY, Candidate, Lineage, Publisher

logger = logging.getLogger(__name__)


class BestModel:
    """Keeps the best model of a search published, in a thread of its own.

    Args:
        url: Path or fsspec URL where; None for nowhere.
        oracle: Of the search.
        project: Likewise.
        study: Path of its file.
    """

    def __init__(
        self,
        url: str | None,
        oracle: Oracle,
        project: Project,
        study: str,
    ) -> None:
        self.url = url
        self._oracle = oracle
        self._project = project
        self._run = Lineage(
            project=project.url,
            study=study,
            study_digest=_digest_of(study),
            flow_run=runtime.flow_run.id,
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="publish")
        self._waiting: Future[str | None] | None = None

    def publish_soon(self) -> None:
        """Publishes while the search goes on, unless that is about to happen anyway."""
        waiting = self._waiting
        # One that runs may have looked before this trial ended.
        if self.url is not None and (waiting is None or waiting.running() or waiting.done()):
            self._waiting = self._thread.submit(self._try, ended=False)

    def publish_at_end(self, *, ended: bool) -> str | None:
        """Publishes what a run has come to; a sentence about what is published, None for nothing.

        Args:
            ended: Whether the search has ended; it may have been stopped.
        """
        if self.url is None:
            return None
        return self._thread.submit(self._try, ended=ended).result()

    def close(self) -> None:
        """Waits for what is being published."""
        self._thread.shutdown()

    def _try(self, *, ended: bool) -> str | None:
        """Publishes. A store that is away, or a model that was just deleted, costs no search."""
        with self._oracle.together():
            history = self._oracle.search_history
            candidate = Candidate.of(history)
            best = candidate.trial
            version = None if best is None else history.counting.version_of(best)
        run = replace(self._run, data_version=version)
        try:
            publisher = Publisher.at(str(self.url))
            stays = publisher.publish(self._project, candidate, run, time.time(), ended=ended)
        except StorageError as error:
            logger.warning("The best model could not be published: %s", error)
            return f"Nothing was published at {self.url}: {error}"
        best_id = "" if best is None else best.trial_id
        if stays in (None, ALREADY):
            return f"Published at {self.url}: trial {best_id}."
        return f"What is published at {self.url} stays: {stays}."


def _digest_of(study: str) -> str | None:
    try:
        return hashlib.sha256(Path(study).read_bytes()).hexdigest()
    except OSError:
        return None
