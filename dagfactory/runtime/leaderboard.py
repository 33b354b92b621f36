"""The leaderboard of a sweep: its trials ranked by the metrics files they wrote to Cloud Storage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException

from . import grid, metrics, ranking
from .storage import StorageClient, join

SHOWN = 5
READERS = 16
"""Files read at a time: each is small, and the time goes into waiting for the network."""


@dataclass(frozen=True, slots=True)
class SweepRanking:
    """Every trial with its metric or its problem, the points ranked, and the winner as XCom shows it."""

    results: list[ranking.Result]
    ranked: list[ranking.RankedPoint]
    best: dict[str, Any]

    def records(self) -> list[dict[str, Any]]:
        """Return what ``trials.json`` holds."""
        return [
            {
                "trial": item.trial.id,
                "group": item.trial.group,
                "parameters": item.trial.parameters,
                "value": item.value,
                "problem": item.problem or None,
            }
            for item in self.results
        ]


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Where the trials of a sweep are (``<base>/<trial id>``), and the metric that ranks them.

    ``succeeded`` returns the addresses of the metrics files whose jobs have succeeded.
    """

    store: StorageClient
    base: str
    metric: str
    goal: str
    succeeded: Callable[[], Collection[str]]

    def rank_trials(self, trials: Sequence[grid.Trial], log: Any) -> SweepRanking:
        """Read and rank every trial; raises AirflowFailException when none has a usable metric."""
        with ThreadPoolExecutor(max(1, min(READERS, len(trials)))) as pool:
            documents = list(pool.map(self._read, trials))
        results = self._results(trials, documents)
        failed = [item for item in results if item.value is None]
        ranked = ranking.ranked_points(results, self.goal)
        # before the failure: the log says why each trial was left out
        log.info("Leaderboard\n%s", ranking.table(ranked, failed, self.metric))
        if not ranked:  # a retry would read the same files
            told = f"None of {len(results)} trials has a usable {self.metric}"
            raise AirflowFailException(f"{told}:\n{_reasons(failed)}")
        return SweepRanking(results, ranked, self._best(results, ranked))

    def publish(self, outcome: SweepRanking) -> None:
        """Write ``trials.json`` and ``best.json`` beside the trials."""
        # best.json last: a reader that finds it also finds the trials
        self.store.write_json(self.address, outcome.records())
        self.store.write_json(join(self.base, "best.json"), outcome.best)

    @property
    def address(self) -> str:
        """Return where every trial is written down."""
        return join(self.base, "trials.json")

    def model(self, trial: grid.Trial) -> str:
        """Return the model directory of a trial."""
        return join(self.base, trial.id, "model")

    def _address(self, trial: grid.Trial) -> str:
        return join(self.model(trial), "metrics.json")

    def _read(self, trial: grid.Trial) -> metrics.Metrics:
        address = self._address(trial)
        try:
            return metrics.parse(self.store.read_json(address))
        except ValueError as error:
            return metrics.Metrics(problem=f"{address} is not JSON: {error}")

    def _results(
        self, trials: Sequence[grid.Trial], documents: Sequence[metrics.Metrics]
    ) -> list[ranking.Result]:
        # only where a file asks for it: it reads a row of Airflow's database for each trial
        succeeded = self.succeeded() if any(each.flat for each in documents) else ()
        return [
            ranking.Result(trial, None, metrics.UNFINISHED)
            if found.flat and self._address(trial) not in succeeded
            else ranking.result(trial, found, self.metric)
            for trial, found in zip(trials, documents, strict=True)
        ]

    def _best(
        self, results: list[ranking.Result], ranked: list[ranking.RankedPoint]
    ) -> dict[str, Any]:
        best = ranking.winner(ranked)
        return {
            "trial": best.trial.id,
            "parameters": best.trial.parameters,
            "metric": self.metric,
            "value": best.value,
            "mean": ranked[0].mean,
            "model_dir": self.model(best.trial),
            "checkpoint": join(self.base, best.trial.id, "checkpoints"),
            "trials": len(results),
            "failed": [item.trial.id for item in results if item.value is None],
        }


def _reasons(failed: Sequence[ranking.Result]) -> str:
    """Return why trials do not count, each reason once."""
    trials: dict[str, list[str]] = {}
    for item in failed:
        trials.setdefault(item.problem, []).append(item.trial.id)
    return "\n".join(f"  {_few(ids)}: {why}" for why, ids in trials.items())


def _few(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return ", ".join(ids[:SHOWN]) + more
