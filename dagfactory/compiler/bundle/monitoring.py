"""An alerting policy of Cloud Monitoring for one DAG, as its REST API and `gcloud` take it.

Message: https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies
Metrics (resource `cloud_composer_workflow`): https://cloud.google.com/monitoring/api/metrics_gcp_c
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagfactory.document.reference import parse

if TYPE_CHECKING:
    from datetime import timedelta

    from dagfactory.compiler.plan.model import Plan
    from dagfactory.language.alerts import Monitoring

MARK = "dagfactory"
"""The user label that says whose file this is."""

_CLOSE_AFTER = 1800
"""Seconds; the shortest time after which Cloud Monitoring closes an incident by itself."""


def policy(plan: Plan) -> dict[str, Any] | None:
    """Return the policy: failed runs, and runs that took too long; None when none is wanted."""
    alerts = plan.pipeline.alerts
    if alerts is None or alerts.monitoring is None:
        return None
    wanted, name = alerts.monitoring, plan.pipeline.pipeline
    longest = wanted.duration or (alerts.deadline.within if alerts.deadline else None)
    conditions = [_failures(plan, wanted)] + ([_duration(plan, longest)] if longest else [])
    made = {
        "displayName": f"DAG {name}",
        "documentation": {"content": _documentation(plan), "mimeType": "text/markdown"},
        "combiner": "OR",
        "conditions": conditions,
        "alertStrategy": {"autoClose": _seconds(max(wanted.period.total_seconds(), _CLOSE_AFTER))},
        "severity": wanted.severity.upper(),
        "userLabels": {MARK: name},
    }
    return made | ({"notificationChannels": list(wanted.channels)} if wanted.channels else {})


def _failures(plan: Plan, wanted: Monitoring) -> dict[str, Any]:
    """Count failed runs."""
    chosen = f'{_filter(plan, "run_count")} AND metric.labels.state = "failed"'
    summed = _aggregation(wanted.period, "ALIGN_SUM", "REDUCE_SUM")
    # a policy has `>` and `<` and not `>=`, so the threshold is one below
    return _condition("failed runs", chosen, wanted.failures - 1, summed)


def _duration(plan: Plan, longest: timedelta) -> dict[str, Any]:
    """Look at how long finished runs took, in seconds."""
    every = _aggregation(None, "ALIGN_MAX", "REDUCE_MAX")
    limit = int(longest.total_seconds())
    return _condition("a run took too long", _filter(plan, "run_duration"), limit, every)


def _condition(
    name: str, chosen: str, threshold: int, aggregation: dict[str, Any]
) -> dict[str, Any]:
    return {
        "displayName": name,
        "conditionThreshold": {
            "filter": chosen,
            "aggregations": [aggregation],
            "comparison": "COMPARISON_GT",
            "thresholdValue": threshold,
            "duration": "0s",
            "trigger": {"count": 1},
        },
    }


def _aggregation(period: timedelta | None, align: str, reduce: str) -> dict[str, Any]:
    """Reduce all series to one."""
    return {
        # Composer samples once a minute: five minutes leave room for a late sample
        "alignmentPeriod": _seconds(period.total_seconds() if period else 300),
        "perSeriesAligner": align,
        "crossSeriesReducer": reduce,
    }


def _filter(plan: Plan, metric: str) -> str:
    """Choose the DAG."""
    environment = plan.environment
    composer = environment.composer_name if environment else None
    # the resource is named after the DAG, with the Composer environment's name before a dot
    name = f"{composer or '.+'}[.]{plan.pipeline.pipeline}"
    whole = name if composer else f"({name}|{plan.pipeline.pipeline})"
    return (
        'resource.type = "cloud_composer_workflow"'
        f' AND resource.labels.workflow_name = monitoring.regex.full_match("{whole}")'
        f' AND metric.type = "composer.googleapis.com/workflow/{metric}"'
    )


def _documentation(plan: Plan) -> str:
    pipeline = plan.pipeline
    lines = [
        f"DAG `{pipeline.pipeline}` on Cloud Composer.",
        *([pipeline.description] if pipeline.description else []),
        *([f"Owner: {pipeline.owner}."] if pipeline.owner else []),
        "This policy is made from the pipeline's spec (`alerts.monitoring`).",
    ]
    return "".join(map(str, parse("\n\n".join(lines))))  # undoes escapes of `${`


def _seconds(value: float) -> str:
    return f"{int(value)}s"
