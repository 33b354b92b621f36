"""A Bayesian sweep: one hyperparameter tuning job of Vertex AI, and the choice of its best trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from . import jobspec, triggers
from .grid import Trial
from .job import VertexJobOperator
from .leaderboard import Leaderboard


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
    collection: ClassVar[str] = "hyperparameterTuningJobs"
    trigger: ClassVar[str] = triggers.TUNING

    def __init__(self, *, study: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.study = study

    def request_body(self, job: dict[str, Any], context: Any, choice: int) -> dict[str, Any]:
        """Return the HyperparameterTuningJob."""
        name, labels = self._display_name(context), self._labels(choice)
        return jobspec.tuning(name, job, labels, self.study)

    def fingerprint(self) -> str:
        """Return a hash of the job of a trial and of the study."""
        return jobspec.fingerprint({"job": self.requested_job(), **self.study})

    def created_job(self, created: dict[str, Any]) -> dict[str, Any]:
        """Return the CustomJobSpec of the trials as Vertex AI took it."""
        return dict(created.get("trialJobSpec") or {})

    def timed_out(self, ended: dict[str, Any]) -> bool:  # noqa: ARG002 - as of other jobs
        """Return that it did not: ``scheduling.timeout`` is the limit of each trial."""
        return False

    def _result(self, pipeline: dict[str, Any]) -> dict[str, Any]:
        # By metrics.json and not by the measurements of the study, which only steer the search: a trial
        # that stopped early or measured NaN must not win here either.
        base = self.job["baseOutputDirectory"]["outputUriPrefix"]
        (metric,) = self.study["studySpec"]["metrics"]
        board = Leaderboard(self.store(), base, metric["metricId"], metric["goal"].lower())
        whole = _whole_numbers(self.study["studySpec"]["parameters"])
        trials = [_trial(each, whole) for each in pipeline.get("trials", [])]
        outcome = board.rank_trials(trials, self.log)
        board.publish(outcome)
        return {**outcome.best, "job": pipeline["name"]}


def _whole_numbers(parameters: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the parameters that are only ever whole numbers."""
    return {
        each["parameterId"]
        for each in parameters
        if "integerValueSpec" in each
        or all(
            isinstance(value, int)
            for value in each.get("discreteValueSpec", {}).get("values", [0.5])
        )
    }


def _trial(found: Mapping[str, Any], whole: set[str]) -> Trial:
    # Vertex AI keeps every number as a float: 128.0 for a batch size of 128
    parameters = {
        each["parameterId"]: int(each["value"]) if each["parameterId"] in whole else each["value"]
        for each in found.get("parameters", [])
    }
    return Trial(str(found["id"]), parameters, str(found["id"]))
