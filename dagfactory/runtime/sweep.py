"""Hyperparameter sweeps: one mapped task per trial, and the choice of the best one."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from . import grid, jobspec, ranking
from .base import ConnectedOperator
from .job import VertexJobOperator
from .storage import join

GOALS = ("maximize", "minimize")
LABEL_LENGTH = 120
READERS = 16


class VertexTrialOperator(VertexJobOperator):
    """Run one trial of a sweep: the job with the trial's parameters, in the trial's directory.

    Map it over indices: ``.partial(sweep=…, job=…).expand(trial=list(range(n)))``; with
    ``map_index_template="{{ task.trial_label }}"`` the grid view shows the parameters.
    """

    template_fields: Sequence[str] = (*VertexJobOperator.template_fields, "sweep")
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **VertexJobOperator.template_fields_renderers,
        "sweep": "json",
    }

    def __init__(self, *, sweep: dict[str, Any], trial: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sweep = sweep
        self.trial = trial

    @property
    def trial_label(self) -> str:
        """Return the trial's parameters on one line, for the grid view."""
        return ranking.label(self._trial().parameters)[:LABEL_LENGTH]

    def asked_job(self) -> dict[str, Any]:
        """Return the job with the trial's arguments and output directory."""
        return jobspec.for_trial(self.job, self._trial())

    def _trial(self) -> grid.Trial:
        return grid.trial(self.sweep, self.trial)


class BestTrialOperator(ConnectedOperator):
    """Choose the best trial of the mapped task ``trials`` by the metrics files under ``base``.

    The sweep's definition is read from that task, so it stands in the DAG file once.

    A missing, null or non-finite metric and a run that is not complete never win; seeds of one
    point are averaged and the best seed of the best point is taken; ties go to the smaller id.
    Writes ``<base>/best.json`` and ``<base>/trials.json``; returns ``{"trial", "parameters",
    "metric", "value", "mean", "model_dir", "checkpoint", "trials", "failed"}``. Raises
    AirflowFailException when no trial can win.
    """

    template_fields: Sequence[str] = (
        *ConnectedOperator.template_fields,
        "base",
        "metric",
        "goal",
    )

    def __init__(self, *, trials: str, base: str, metric: str, goal: str, **kwargs: Any) -> None:
        # A failed trial must not stop the choice; a sweep that a gate skipped has none to make.
        super().__init__(**{"trigger_rule": "none_skipped", **kwargs})
        if goal not in GOALS:
            raise ValueError(f"goal is maximize or minimize, not {goal!r}")
        self.trials = trials
        self.base = base
        self.metric = metric
        self.goal = goal

    def execute(self, context: Any) -> dict[str, Any]:
        """Read every trial, log the leaderboard, write it and return the winner."""
        results = self._read(grid.trials(self._definition(context)))
        failed = [item for item in results if item.value is None]
        ranked = ranking.standings(results, self.goal)
        self.log.info("Leaderboard\n%s", ranking.table(ranked, failed, self.metric))
        if not ranked:
            reasons = "\n".join(f"  {item.trial.id}: {item.problem}" for item in failed)
            raise AirflowFailException(
                f"None of {len(results)} trials has a usable {self.metric}:\n{reasons}"
            )
        best = self._best(ranked, results)
        store = self.store()
        store.write_json(join(self.base, "trials.json"), [_record(item) for item in results])
        store.write_json(join(self.base, "best.json"), best)
        return best

    def _definition(self, context: Any) -> grid.Sweep:
        """Return the sweep of the mapped task, templated as its trials were."""
        mapped: Any = self.dag.get_task(self.trials)
        found: grid.Sweep = self.render_template(mapped.partial_kwargs["sweep"], context)
        return found

    def _read(self, trials: list[grid.Trial]) -> list[ranking.Result]:
        store = self.store()

        def read(trial: grid.Trial) -> ranking.Result:
            address = join(self.base, trial.id, "model", "metrics.json")
            try:
                document = store.read_json(address)
            except ValueError as error:
                return ranking.Result(trial, None, f"{address} is not JSON: {error}")
            return ranking.result(trial, document, self.metric)

        if not trials:
            raise AirflowException("the sweep has no trials")
        with ThreadPoolExecutor(min(READERS, len(trials))) as pool:
            return list(pool.map(read, trials))

    def _best(
        self, ranked: list[ranking.Standing], results: list[ranking.Result]
    ) -> dict[str, Any]:
        best = ranking.winner(ranked)
        return {
            "trial": best.trial.id,
            "parameters": best.trial.parameters,
            "metric": self.metric,
            "value": best.value,
            "mean": ranked[0].mean,
            "model_dir": join(self.base, best.trial.id, "model"),
            "checkpoint": join(self.base, best.trial.id, "checkpoints"),
            "trials": len(results),
            "failed": [item.trial.id for item in results if item.value is None],
        }


def _record(item: ranking.Result) -> dict[str, Any]:
    return {
        "trial": item.trial.id,
        "group": item.trial.group,
        "parameters": item.trial.parameters,
        "value": item.value,
        "problem": item.problem or None,
    }
