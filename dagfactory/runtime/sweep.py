"""Hyperparameter sweeps: one mapped task per trial, and the choice of the best one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowException

from . import grid, halving, jobspec, ranking
from .base import ConnectedOperator
from .job import VertexJobOperator
from .leaderboard import Leaderboard
from .storage import Store, join

GOALS = ("maximize", "minimize")
LABEL_LENGTH = 120


class VertexTrialOperator(VertexJobOperator):
    """Run one trial of a sweep: the job with the trial's parameters, in the trial's directory.

    Map it over indices: ``.partial(sweep=…, job=…).expand(trial=list(range(n)))``; with
    ``map_index_template="{{ task.trial_label }}"`` the grid view shows the parameters.

    With ``rung`` it runs the trial at a place of a rung of successive halving: who that is stands in
    ``<base>/rung-<n>.json`` of the rung before. A place that nobody reached does nothing. ``carry``
    names the argument that gets the model directory of the same point in the rung before.
    """

    template_fields: Sequence[str] = (*VertexJobOperator.template_fields, "sweep")
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **VertexJobOperator.template_fields_renderers,
        "sweep": "json",
    }

    def __init__(
        self,
        *,
        sweep: dict[str, Any],
        trial: int,
        rung: int | None = None,
        carry: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sweep = sweep
        self.trial = trial
        self.rung = rung
        self.carry = carry
        self._entrants: list[halving.Entrant] | None = None

    @property
    def trial_label(self) -> str:
        """Return the trial's parameters on one line, for the grid view."""
        entrant = self._entrant()
        return ranking.label(entrant.trial.parameters)[:LABEL_LENGTH] if entrant else "nobody"

    def execute(self, context: Any) -> dict[str, Any]:
        """Run the trial; a place of a rung that nobody reached is done at once."""
        if self._entrant() is None:
            self.log.info("Fewer trials than places came this far: there is nothing to do here.")
            return {}
        return super().execute(context)

    def asked_job(self) -> dict[str, Any]:
        """Return the job with the trial's arguments and output directory."""
        entrant = self._entrant()
        if entrant is None:
            return self.job
        carried = {self.carry: entrant.model} if self.carry else {}
        return jobspec.for_trial(self.job, entrant.trial, carried)

    def _entrant(self) -> halving.Entrant | None:
        if self.rung is None:
            return halving.Entrant(grid.trial(self.sweep, self.trial))
        if self._entrants is None:
            base = self.job["baseOutputDirectory"]["outputUriPrefix"]
            self._entrants = read_entrants(self.store(), self.sweep, self.rung, base)
        return self._entrants[self.trial] if self.trial < len(self._entrants) else None


def read_entrants(store: Store, sweep: grid.Sweep, rung: int, base: str) -> list[halving.Entrant]:
    """Return the trials of a rung, by what the rung before it left under ``base``."""
    if rung == 0:
        return halving.entrants(sweep, 0)
    address = join(base, f"rung-{rung - 1}.json")
    survivors = store.read_json(address)
    if not isinstance(survivors, list):
        raise AirflowException(f"{address} is missing: the rung before this one has not ended")
    return halving.entrants(sweep, rung, survivors)


class BestTrialOperator(ConnectedOperator):
    """Choose the best trial of the mapped task ``trials`` by the metrics files under ``base``.

    The sweep's definition is read from that task, so it stands in the DAG file once.

    A missing, null or non-finite metric and a run that is not complete never win; seeds of one
    point are averaged and the best seed of the best point is taken; ties go to the smaller id.
    Writes ``<base>/best.json`` and ``<base>/trials.json``; returns ``{"trial", "parameters",
    "metric", "value", "mean", "model_dir", "checkpoint", "trials", "failed"}``. Raises
    AirflowFailException when no trial can win.

    With ``rung`` it judges one rung of successive halving. Every rung but the last writes who goes on
    to ``<base>/rung-<n>.json``, and its trials to ``<base>/rung-<n>-trials.json``.
    """

    template_fields: Sequence[str] = (
        *ConnectedOperator.template_fields,
        "base",
        "metric",
        "goal",
    )

    def __init__(
        self,
        *,
        trials: str,
        base: str,
        metric: str,
        goal: str,
        rung: int | None = None,
        **kwargs: Any,
    ) -> None:
        # A failed trial must not stop the choice; a sweep that a gate skipped has none to make.
        super().__init__(**{"trigger_rule": "none_skipped", **kwargs})
        if goal not in GOALS:
            raise ValueError(f"goal is maximize or minimize, not {goal!r}")
        self.trials = trials
        self.base = base
        self.metric = metric
        self.goal = goal
        self.rung = rung

    def execute(self, context: Any) -> dict[str, Any]:
        """Read every trial, log the leaderboard, write it and return the winner."""
        sweep, store = self._definition(context), self.store()
        board = Leaderboard(store, self.base, self.metric, self.goal)
        verdict = board.judge(self._trials(sweep), self.log)
        if self.rung is None or self.rung + 1 == len(sweep["rungs"]["sizes"]):
            board.publish(verdict)
        else:
            models = {item.trial.id: board.model(item.trial) for item in verdict.results}
            onward = halving.promoted(sweep, self.rung, verdict.ranked, models)
            store.write_json(join(self.base, f"rung-{self.rung}-trials.json"), verdict.records())
            store.write_json(join(self.base, f"rung-{self.rung}.json"), onward)
        return verdict.best

    def _trials(self, sweep: grid.Sweep) -> list[grid.Trial]:
        if self.rung is None:
            return grid.trials(sweep)
        return [each.trial for each in read_entrants(self.store(), sweep, self.rung, self.base)]

    def _definition(self, context: Any) -> grid.Sweep:
        """Return the sweep of the mapped task, templated as its trials were."""
        mapped: Any = self.dag.get_task(self.trials)
        found: grid.Sweep = self.render_template(mapped.partial_kwargs["sweep"], context)
        return found
