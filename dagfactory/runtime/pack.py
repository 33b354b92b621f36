"""Packs of trials: jobs of a sweep that train several trials together on one machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from . import experiment, grid, job_metrics, jobspec, ranking
from .job import VertexJobOperator
from .sweep import LABEL_LENGTH


class VertexPackOperator(VertexJobOperator):
    """Run several trials of a sweep in one job.

    Mapped like `VertexTrialOperator`, over the packs of the sweep. The program takes
    ``--trials={id: {name: value}}`` and writes each trial where a job of its own would have; XCom
    ``outputs`` are those of each trial by its id.
    """

    template_fields: Sequence[str] = (*VertexJobOperator.template_fields, "sweep")
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **VertexJobOperator.template_fields_renderers,
        "sweep": "json",
    }

    def __init__(self, *, sweep: dict[str, Any], pack: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sweep = sweep
        self.pack = pack
        self._known: tuple[Any, Sequence[grid.Trial]] | None = None

    @property
    def trial_label(self) -> str:
        """Return the parameters of all trials on one line, for the grid view."""
        return ranking.pack_label(self._trials())[:LABEL_LENGTH]

    def requested_job(self) -> dict[str, Any]:
        """Return the job with the trials of the pack."""
        return jobspec.for_pack(self.job, self._trials())

    def job_outputs(self) -> dict[str, Any]:
        """Return the addresses of every trial, by its id."""
        return {
            trial.id: jobspec.outputs(jobspec.for_trial(self.job, trial))
            for trial in self._trials()
        }

    def runs(self, job: dict[str, Any], result: dict[str, Any]) -> Sequence[experiment.Run]:
        """Return one run of an experiment for each trial."""
        outputs = result.get("outputs") or {}
        return [
            experiment.Run(trial.parameters, self._written(outputs.get(trial.id), job), trial.id)
            for trial in self._trials()
        ]

    def _written(self, outputs: dict[str, str] | None, job: dict[str, Any]) -> dict[str, Any]:
        address = (outputs or {}).get("metrics")
        created = job.get("createTime", "")
        found = job_metrics.written_metrics(self.store, address, created, self.log)
        return found.get("metrics") or {}

    def _trials(self) -> Sequence[grid.Trial]:
        # derived once; Airflow puts another sweep in its place when it renders the templates
        if self._known is None or self._known[0] is not self.sweep:
            self._known = (self.sweep, grid.pack(self.sweep, self.pack))
        return self._known[1]
