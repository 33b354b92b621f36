"""What a task shows of its job, when something has changed: a log line, links, stored state, metrics."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from . import jobspec, jobstate, links, stats, vertex

STORED = "vertex_job"
PREEMPTED = re.compile(r"\bpreempted\b", re.IGNORECASE)

Job = Mapping[str, Any]


def waiting(operator: Any, context: Any, job: Job) -> None:
    """Show a job that the task is about to wait for."""
    _show(operator, context, job, job)


def ended(operator: Any, context: Any, job: Job, find_behind: Callable[[Any], Job | None]) -> None:
    """Show a job that has ended, and report how long it waited and ran."""
    ran = _behind(operator, job, find_behind) or job
    _show(operator, context, job, ran)
    tags, ti = _tags(job), context["ti"]
    stats.timed(stats.WAITING, jobstate.elapsed(ran, "createTime", "startTime"), ti, **tags)
    stats.timed(stats.RUNNING, jobstate.elapsed(ran, "startTime", "endTime"), ti, **tags)
    if PREEMPTED.search(jobstate.error_text(job)):
        stats.counted(stats.PREEMPTIONS, ti, **tags)


def summary(job: Job, ran: Job, now: datetime) -> str:
    """Return state, times, region, strategy and machine of a job in one line."""
    tags = _tags(job)
    where = ", ".join(filter(None, (tags["region"], tags["strategy"], tags["machine"])))
    return f"{jobstate.state_of(job)}{_times(job, ran, now)}; {where}"


def _times(job: Job, ran: Job, now: datetime) -> str:
    """Return how long a job has waited and run, as far as Vertex AI says it."""
    created, started, stopped = (
        jobstate.moment(ran.get(name)) for name in ("createTime", "startTime", "endTime")
    )
    parts = []
    if created:
        end = started or stopped or (now if jobstate.is_live(job) else created)
        parts.append(f"waited {_seconds(created, end)}")
    if started:
        parts.append(f"ran {_seconds(started, stopped or now)}")
    return ", " + ", ".join(parts) if parts else ""


def _seconds(start: datetime, end: datetime) -> str:
    return f"{max(0.0, (end - start).total_seconds()):.0f} s"


def addresses(job: Job) -> dict[Any, str | None]:
    """Return what the links of a job's task show."""
    spec, name = _spec(job), str(job["name"])
    _, project, _, _, kind, own = name.split("/")
    if kind == "pipelineJobs":
        root = (job.get("runtimeConfig") or {}).get("gcsOutputDirectory")
        page = vertex.console_url(name, "pipelines/runs")
        return {links.PIPELINE: page, links.FOLDER: links.storage(root)}
    behind = (job.get("trainingTaskMetadata") or {}).get("backingCustomJob")
    run_by = own if kind == "hyperparameterTuningJobs" else behind and behind.rpartition("/")[2]
    base = (spec.get("baseOutputDirectory") or {}).get("outputUriPrefix")
    return {
        links.JOB: vertex.console_url(name),
        links.LOGS: links.job_logs(project, run_by, str(job.get("createTime", ""))),
        links.TENSORBOARD: links.tensorboard(spec.get("tensorboard"), run_by),
        links.FOLDER: links.storage(base),
    }


def _show(operator: Any, context: Any, job: Job, ran: Job) -> None:
    before = _stored(operator, context, job)
    now = jobstate.state_of(job)
    changed = f" (was {before})" if before and before != now else ""
    operator.log.info("%s: %s%s", job["name"], summary(job, ran, datetime.now(UTC)), changed)
    links.push(operator, context["ti"], addresses(job))


def _stored(operator: Any, context: Any, job: Job) -> str:
    """Keep the job in the task's state store and return the state that was there, empty without one."""
    store = context.get("task_state_store")  # of Airflow 3.3; it outlives a try, unlike XCom
    if store is None:
        return ""
    try:
        before = store.get(STORED) or {}
        store.set(STORED, {"job": job["name"], "state": jobstate.state_of(job), **_tags(job)})
    except Exception:
        operator.log.warning("The state of the job is not stored", exc_info=True)
        return ""
    return str(before.get("state", "")) if before.get("job") == job["name"] else ""


def _behind(operator: Any, job: Job, find: Callable[[Any], Job | None]) -> Job | None:
    """Return the CustomJob of a pipeline that has ended: a pipeline runs while that one still waits."""
    try:
        return find(job)
    except Exception:
        operator.log.warning(
            "The times of %s are those of its pipeline", job["name"], exc_info=True
        )
        return None


def _tags(job: Job) -> dict[str, str]:
    """Return what tells jobs apart in metrics."""
    spec, region = _spec(job), str(job["name"]).split("/")[3]
    if not spec:  # a pipeline has no machine of its own
        return {"region": region, "strategy": "", "machine": ""}
    pool: Mapping[str, Any] = next(iter(spec.get("workerPoolSpecs") or ()), {})
    return {
        "region": region,
        "strategy": jobspec.strategy_of(spec),
        "machine": _machine(pool.get("machineSpec") or {}),
    }


def _machine(spec: Mapping[str, Any]) -> str:
    gpus = spec.get("acceleratorCount")
    added = f" with {int(gpus)} {spec.get('acceleratorType')}" if gpus else ""
    return f"{spec.get('machineType', '')}{added}"


def _spec(job: Job) -> dict[str, Any]:
    """Return the CustomJobSpec that a pipeline or a tuning job was made from."""
    return dict(job.get("trainingTaskInputs") or job.get("trialJobSpec") or {})
