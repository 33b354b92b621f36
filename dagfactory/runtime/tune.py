"""A Bayesian sweep: one hyperparameter tuning job of Vertex AI, and the choice of its best trial."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from . import experiment, grid, jobspec, leaderboard, links, storage, triggers
from .job import VertexJobOperator
from .placed import CHOICE_LABEL


class TuneOperator(VertexJobOperator):
    """Let Vertex AI choose the parameters of each trial by the results so far.

    ``job`` is the CustomJobSpec of a trial; ``study`` holds ``studySpec`` (one metric),
    ``maxTrialCount`` and ``parallelTrialCount``. Vertex AI adds ``--name=value`` for each parameter and
    gives a trial ``<base>/<number>/`` to write to. Launching, attaching, falling back and cancelling are
    those of one job. The winner is chosen, written and returned as BestTrialOperator does it.
    """

    template_fields: Sequence[str] = (*VertexJobOperator.template_fields, "study")
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **VertexJobOperator.template_fields_renderers,
        "study": "json",
    }
    operator_extra_links = links.offered(links.JOB, links.LOGS, links.FOLDER, links.LEADERBOARD)
    collection: ClassVar[str] = "hyperparameterTuningJobs"
    trigger: ClassVar[str] = triggers.TUNING

    def __init__(self, *, study: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.study = study
        self._records: Sequence[Mapping[str, Any]] = ()

    def request_body(self, job: dict[str, Any], context: Any, choice: int) -> dict[str, Any]:
        """Return the HyperparameterTuningJob."""
        name, labels = self._display_name(context), self._labels({CHOICE_LABEL: str(choice)})
        return jobspec.tuning(name, job, labels, self.study, self.kms_key)

    def fingerprint(self) -> str:
        """Return a hash of the job of a trial and of the study."""
        return jobspec.fingerprint({"job": self.requested_job(), **self.study})

    def created_job(self, created: dict[str, Any]) -> dict[str, Any]:
        """Return the CustomJobSpec of the trials as Vertex AI took it."""
        return dict(created.get("trialJobSpec") or {})

    def timed_out(self, ended: dict[str, Any]) -> bool:  # noqa: ARG002 - as of other jobs
        """Return that it did not: ``scheduling.timeout`` is the limit of each trial."""
        return False

    def runs(self, job: dict[str, Any], result: dict[str, Any]) -> Sequence[experiment.Run]:  # noqa: ARG002 - as of other jobs
        """Return one run of an experiment for each trial, with the metric that ranks it."""
        metric = result.get("metric", "")
        return [
            experiment.Run(
                each["parameters"],
                {metric: each["value"]},
                each["trial"],
                experiment.FAILED if each["problem"] else experiment.COMPLETE,
            )
            for each in self._records
        ]

    def _result(self, pipeline: dict[str, Any]) -> dict[str, Any]:
        # By metrics.json and not by the measurements of the study, which only steer the search: a trial
        # that stopped early or measured NaN must not win here either.
        base = self.job["baseOutputDirectory"]["outputUriPrefix"]
        (metric,) = self.study["studySpec"]["metrics"]
        spaces = {
            each["parameterId"]: each for each in _every(self.study["studySpec"]["parameters"])
        }
        trials = pipeline.get("trials", [])
        succeeded = {
            storage.join(base, str(each["id"]), "model", "metrics.json")
            for each in trials
            if each.get("state") == "SUCCEEDED"
        }
        goal = metric["goal"].lower()
        board = leaderboard.Leaderboard(
            self.store(), base, metric["metricId"], goal, lambda: succeeded
        )
        outcome = board.rank_trials([_trial(each, spaces) for each in trials], self.log)
        board.publish(outcome)
        self._records = outcome.records()
        links.push(self, self._context["ti"], {links.LEADERBOARD: links.storage(board.address)})
        return {**outcome.best, "job": pipeline["name"]}


def _every(parameters: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield parameters and those that depend on them."""
    for each in parameters:
        yield each
        yield from _every(
            [below["parameterSpec"] for below in each.get("conditionalParameterSpecs", ())]
        )


def _trial(found: Mapping[str, Any], spaces: Mapping[str, Any]) -> grid.Trial:
    """Return a trial with its values as the spec has them: Vertex AI returns every number as a float."""
    parameters = {
        each["parameterId"]: as_written(spaces.get(each["parameterId"], {}), each["value"])
        for each in found.get("parameters", [])
    }
    return grid.Trial(str(found["id"]), parameters, str(found["id"]))


def as_written(space: Mapping[str, Any], value: Any) -> Any:
    """Return the value of a ParameterSpec that a trial's number stands for: 32 for 32.0."""
    if "integerValueSpec" in space:
        return round(float(value))
    listed = space.get("discreteValueSpec", {}).get("values", ())
    return next((each for each in listed if math.isclose(each, float(value))), value)
