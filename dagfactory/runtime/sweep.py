"""Hyperparameter sweeps: one mapped task per trial, and the choice of the best one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from . import grid, halving, jobspec, leaderboard, links, points, ranking, storage
from .base import ConnectedOperator
from .job import VertexJobOperator

GOALS = ("maximize", "minimize")
LABEL_LENGTH = 120


class VertexTrialOperator(VertexJobOperator):
    """Run one trial of a sweep: the job with the trial's parameters, in the trial's directory.

    Map it over indices: ``.partial(sweep=…, job=…).expand(trial=list(range(n)))``; with
    ``map_index_template="{{ task.trial_label }}"`` the grid view shows the parameters.

    With ``rung`` it runs one trial of a rung of successive halving, which the rung before has written to
    ``<base>/rung-<n>.json``. Where fewer trials were promoted than the rung has tasks, the rest do
    nothing. ``carry`` names the argument that gets the model directory of the same point in the rung
    before.
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
        self._known: tuple[Any, halving.RungTrial | None] | None = None

    @property
    def trial_label(self) -> str:
        """Return the trial's parameters on one line, for the grid view."""
        rung_trial = self._rung_trial()
        return (
            ranking.label(rung_trial.trial.parameters)[:LABEL_LENGTH] if rung_trial else "no trial"
        )

    def execute(self, context: Any) -> dict[str, Any]:
        """Run the trial; return at once where no trial was promoted to this task."""
        if self._rung_trial() is None:
            self.log.info("Fewer trials were promoted than this rung has tasks: nothing to do.")
            return {}  # and not a skip, which would skip the choice of the best with it
        return super().execute(context)

    def requested_job(self) -> dict[str, Any]:
        """Return the job with the trial's arguments and output directory."""
        rung_trial = self._rung_trial()
        if rung_trial is None:
            return self.job
        carried = {self.carry: rung_trial.model} if self.carry else {}
        return jobspec.for_trial(self.job, rung_trial.trial, carried, self.arguments)

    def hyperparameters(self) -> Mapping[str, Any]:
        """Return the parameters of the trial."""
        rung_trial = self._rung_trial()
        return rung_trial.trial.parameters if rung_trial else {}

    def _rung_trial(self) -> halving.RungTrial | None:
        """Return the trial of this task, derived once: label, job, hash and result ask for it."""
        # Airflow puts another sweep in its place when it renders the templates.
        if self._known is None or self._known[0] is not self.sweep:
            self._known = (self.sweep, self._derived())
        return self._known[1]

    def _derived(self) -> halving.RungTrial | None:
        if self.rung is None:
            return halving.RungTrial(grid.trial(self.sweep, self.trial))
        base = self.job["baseOutputDirectory"]["outputUriPrefix"]
        survivors = read_survivors(self.store, self.rung, base)
        return halving.rung_trial(self.sweep, self.rung, self.trial, survivors)


def read_survivors(
    store: Callable[[], storage.StorageClient], rung: int, base: str
) -> Sequence[halving.Survivor]:
    """Return the points that the rung before this one promoted, by the file it wrote under ``base``."""
    if rung == 0:
        return ()
    address = storage.join(base, f"rung-{rung - 1}.json")
    survivors = store().read_json(address)
    if not isinstance(survivors, list):
        raise AirflowException(f"{address} is missing: the rung before this one has not ended")
    return survivors


class BestTrialOperator(ConnectedOperator):
    """Choose the best trial of the mapped task ``trials`` by the metrics files under ``base``.

    The sweep's definition is read from that task.

    A missing, null or non-finite metric and a run that is not complete never win; seeds of one
    point are averaged and the best seed of the best point is taken; ties go to the smaller id.
    Writes ``<base>/best.json`` and ``<base>/trials.json``; returns ``{"trial", "parameters",
    "metric", "value", "mean", "model_dir", "checkpoint", "trials", "failed"}``. Raises
    AirflowFailException when no trial can win.

    So many failed trials as ``max_failed`` fail the task, once the leaderboard is written.

    With ``rung`` it ranks one rung of successive halving. Every rung but the last writes the promoted
    points to ``<base>/rung-<n>.json``, and its trials to ``<base>/rung-<n>-trials.json``.
    """

    template_fields: Sequence[str] = (
        *ConnectedOperator.template_fields,
        "base",
        "metric",
        "goal",
    )
    operator_extra_links = links.offered(links.LEADERBOARD)

    def __init__(  # noqa: PLR0913 - one keyword per field of the task
        self,
        *,
        trials: str,
        base: str,
        metric: str,
        goal: str,
        rung: int | None = None,
        max_failed: int | None = None,
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
        self.max_failed = max_failed

    def execute(self, context: Any) -> dict[str, Any]:
        """Read every trial, log the leaderboard, write it and return the winner."""
        sweep, store = self._definition(context), self.store()
        board = leaderboard.Leaderboard(
            store, self.base, self.metric, self.goal, lambda: self._succeeded(context)
        )
        outcome = board.rank_trials(self._trials(sweep), self.log)
        if self.rung is None or self.rung + 1 == len(sweep["rungs"]["sizes"]):
            written = board.address
            board.publish(outcome)
        else:
            models = {item.trial.id: board.model(item.trial) for item in outcome.results}
            onward = halving.promoted(sweep, self.rung, outcome.ranked, models)
            written = storage.join(self.base, f"rung-{self.rung}-trials.json")
            store.write_json(written, outcome.records())
            store.write_json(storage.join(self.base, f"rung-{self.rung}.json"), onward)
        links.push(self, context["ti"], {links.LEADERBOARD: links.storage(written)})
        failed = len(outcome.best["failed"])
        if self.max_failed and failed >= self.max_failed:
            raise AirflowFailException(
                f"{failed} of {len(outcome.results)} trials failed, {self.max_failed} fail the sweep"
            )
        return outcome.best | self._experiment()

    def reads(self) -> Iterable[str]:
        """Return the folder of the trials."""
        return [self.base]

    def writes(self) -> Iterable[str]:
        """Return where the winner is written down."""
        return [storage.join(self.base, "best.json")]

    def _experiment(self) -> dict[str, str]:
        """Return the experiment that the trials are runs of."""
        mapped: Any = self.dag.get_task(self.trials)
        name = mapped.partial_kwargs.get("experiment")
        return {"experiment": name} if name else {}

    def _trials(self, sweep: points.Sweep) -> list[grid.Trial]:
        if self.rung is None:
            return grid.trials(sweep)
        survivors = read_survivors(self.store, self.rung, self.base)
        return [each.trial for each in halving.rung_trials(sweep, self.rung, survivors)]

    def _succeeded(self, context: Any) -> set[str]:
        """Return the metrics files whose jobs have succeeded and wrote them."""
        # a task has a result when its job has succeeded; that of an older bundle says nothing of files
        results = context["ti"].xcom_pull(task_ids=[self.trials])
        flat = (each for each in results or () if isinstance(each, dict))
        return {
            outputs["metrics"]
            for each in flat
            if each.get("metrics", True) is not None
            for outputs in _trial_outputs(each.get("outputs") or {})
        }

    def _definition(self, context: Any) -> points.Sweep:
        """Return the sweep of the mapped task, templated as its trials were."""
        # So that a DAG file holds the definition once, and the two cannot disagree.
        mapped: Any = self.dag.get_task(self.trials)
        found: points.Sweep = self.render_template(mapped.partial_kwargs["sweep"], context)
        return found


def _trial_outputs(outputs: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the outputs of every trial of a job: of a pack they stand under the trials' ids."""
    return [outputs] if "metrics" in outputs else list(outputs.values())
