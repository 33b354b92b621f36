"""Requests for one Vertex AI job: pure functions."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from . import arguments, grid, jobstate

JobSpec = dict[str, Any]

# A TrainingPipeline and not a bare CustomJob: provider versions before 22.5 have no trigger that waits
# for a CustomJob, and the pipeline carries the whole CustomJobSpec.
DEFINITION = "gs://google-cloud-aiplatform/schema/trainingjob/definition/custom_task_1.0.0.yaml"
STANDARD, FLEX_START = "STANDARD", "FLEX_START"
OVERRIDES = ("region", "strategy", "machineSpec", "scheduling")


def pipeline(
    display_name: str, job: JobSpec, labels: Mapping[str, str], kms_key: str | None = None
) -> dict[str, Any]:
    """Return the TrainingPipeline that runs a CustomJobSpec as it is."""
    return {
        "displayName": display_name,
        "labels": dict(labels),
        "trainingTaskDefinition": DEFINITION,
        "trainingTaskInputs": job,
        **_encryption(kms_key),
    }


def tuning(
    display_name: str,
    job: JobSpec,
    labels: Mapping[str, str],
    study: Mapping[str, Any],
    kms_key: str | None = None,
) -> dict[str, Any]:
    """Return the HyperparameterTuningJob whose trials run a CustomJobSpec.

    ``study`` holds ``studySpec``, ``maxTrialCount`` and ``parallelTrialCount``.
    """
    # Unset, Vertex AI decides how many failed trials end the whole search; the others' work counts.
    failures = {"maxFailedTrialCount": study["maxTrialCount"]}
    own = {"displayName": display_name, "labels": dict(labels), "trialJobSpec": job}
    return {**failures, **study, **own, **_encryption(kms_key)}


def _encryption(kms_key: str | None) -> dict[str, Any]:
    return {"encryptionSpec": {"kmsKeyName": kms_key}} if kms_key else {}


def fingerprint(job: JobSpec) -> str:
    """Return 16 hex digits that change when the requested job changes."""
    text = json.dumps(job, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check_overrides(fallback: list[dict[str, Any]]) -> None:
    """Raise ValueError for a fallback that overrides something it cannot."""
    for override in fallback:
        unknown = sorted(set(override) - set(OVERRIDES))
        if unknown or not override:
            wrong = ", ".join(unknown) or "nothing"
            raise ValueError(f"a fallback can change {', '.join(OVERRIDES)}, not {wrong}")


def overridden(job: JobSpec, override: Mapping[str, Any]) -> JobSpec:
    """Return the job with one fallback applied: strategy, scheduling fields, machine.

    The machine of worker pool 0 is replaced in every pool that uses the same one.
    """
    changed = copy.deepcopy(
        job
    )  # each fallback applies to the job as requested, not to the last one
    scheduling = dict(override.get("scheduling") or {})
    if "strategy" in override:
        scheduling["strategy"] = override["strategy"]
    if scheduling:
        changed["scheduling"] = {**changed.get("scheduling", {}), **scheduling}
    if "machineSpec" in override:
        first = job["workerPoolSpecs"][0].get("machineSpec")
        for pool in changed["workerPoolSpecs"]:
            if pool.get("machineSpec") == first:
                pool["machineSpec"] = copy.deepcopy(override["machineSpec"])
    return changed


def strategy_of(job: Mapping[str, Any]) -> str:
    """Return the provisioning that a job requests, STANDARD when it names none."""
    strategy = (job.get("scheduling") or {}).get("strategy")
    # Vertex AI leaves the field out of a standard job, or answers with STANDARD's older name.
    unset = strategy in (None, "", "STRATEGY_UNSPECIFIED", "ON_DEMAND")
    return STANDARD if unset else str(strategy)


def max_wait(job: Mapping[str, Any]) -> float | None:
    """Return how many seconds a job may wait for its machines, None for no limit."""
    return jobstate.seconds((job.get("scheduling") or {}).get("maxWaitDuration"))


def as_sent(job: JobSpec) -> JobSpec:
    """Return the job without what Vertex AI refuses: it takes a longest wait of flex-start only."""
    if strategy_of(job) == FLEX_START or max_wait(job) is None:
        return job
    scheduling = {k: v for k, v in job["scheduling"].items() if k != "maxWaitDuration"}
    return {**job, "scheduling": scheduling}


def strategy_problem(asked: Mapping[str, Any], answered: Mapping[str, Any]) -> str | None:
    """Return how the strategy that came back differs from the requested one, or None."""
    want, got = strategy_of(asked), strategy_of(answered)
    if want == got:
        return None
    return f"asked for scheduling.strategy {want}, Vertex AI created the job with {got}"


def for_trial(
    job: JobSpec,
    trial: grid.Trial,
    extra: Mapping[str, Any] | None = None,
    style: str = arguments.GNU,
) -> JobSpec:
    """Return the job of one trial: its parameters as arguments, its own output directory.

    ``extra`` are arguments that are not part of the trial's id, because they do not tell trials apart.
    """
    changed = _with_arguments(job, {**trial.parameters, **(extra or {})}, style)
    directory = changed.get("baseOutputDirectory")
    if directory:
        directory["outputUriPrefix"] = under(directory["outputUriPrefix"], trial.id)
    return changed


def for_pack(job: JobSpec, trials: Sequence[grid.Trial]) -> JobSpec:
    """Return the job of several trials: ``--trials={id: parameters}``, the sweep's directory.

    The program writes each trial to ``<directory>/<id>/``, where a job of its own would have.
    """
    every = {
        trial.id: {name: value for name, value in trial.parameters.items() if value is not None}
        for trial in trials
    }
    return _with_arguments(job, {"trials": every}, arguments.GNU)


def _with_arguments(job: JobSpec, parameters: Mapping[str, Any], style: str) -> JobSpec:
    """Return the job with parameters as arguments of its program, in every pool that runs it."""
    changed = copy.deepcopy(job)
    trainer = program(job["workerPoolSpecs"][0])
    for pool in changed["workerPoolSpecs"]:
        own = program(pool)
        if own == trainer:  # its machines train one trial together
            own["args"] = [*own.get("args", []), *arguments.as_arguments(parameters, style)]
    return changed


def program(pool: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a worker pool runs, a container or a Python package: both have args and env."""
    found: dict[str, Any] = pool.get("containerSpec") or pool.get("pythonPackageSpec") or {}
    return found


def outputs(job: Mapping[str, Any]) -> dict[str, str]:
    """Return the addresses that Vertex derives from a job's base directory, none without one.

    Source: ``AIP_MODEL_DIR`` and ``AIP_CHECKPOINT_DIR`` in CustomJobSpec.base_output_directory.
    """
    base = (job.get("baseOutputDirectory") or {}).get("outputUriPrefix", "").rstrip("/")
    if not base:
        return {}
    return {
        "uri": f"{base}/model",
        "model_dir": f"{base}/model",
        "checkpoint": f"{base}/checkpoints",
        "metrics": f"{base}/model/metrics.json",
        "logs": f"{base}/logs",
    }


def under(base: str, name: str) -> str:
    """Return ``base/name``."""
    return f"{base.rstrip('/')}/{name}"
