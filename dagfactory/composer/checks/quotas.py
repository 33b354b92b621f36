"""Whether the project's quota of GPUs lets each job have one machine, where this account may read quotas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dagfactory.compiler.lint._machines import Choice, choices
from dagfactory.composer.checks import Line
from dagfactory.rest.errors import AnswerError

if TYPE_CHECKING:
    from dagfactory.composer.checks import Patient

_SERVICE = "aiplatform.googleapis.com"
_METRICS = f"services/{_SERVICE}/consumerQuotaMetrics?pageSize=2000"
_URL = f"https://serviceusage.googleapis.com/v1beta1/projects/{{}}/{_METRICS}"


def check(patient: Patient) -> Iterator[Line]:
    """Compare each machine with GPUs that a job may get, and none whose metric is not known."""
    wanted = {each for plan in patient.plans for each in map(_wanted, choices(plan)) if each}
    if not wanted:
        return
    try:
        found = patient.google.get(_URL.format(patient.environment.project))
    except AnswerError:
        return  # who deploys need not be allowed to read quotas
    limits = _limits(found)
    for metric, region, count in sorted(wanted):
        limit = limits.get((metric, region))
        if limit is None:
            continue
        if 0 <= limit < count:
            fix = f"ask for a quota of {count} in the console, or choose another machine"
            yield Line(f"quota {metric} in {region} is {limit}, a job wants {count}", fix)
        else:
            yield Line(f"quota {metric} in {region}")


def _wanted(choice: Choice) -> tuple[str, str, int] | None:
    """Return metric, region and number of GPUs of a machine; None for one without."""
    if not choice.gpu.startswith("NVIDIA_"):
        return None
    name = choice.gpu.removeprefix("NVIDIA_").removeprefix("TESLA_").lower()
    bought = "preemptible_" if choice.provisioning == "spot" else ""
    built_in = choice.shape.gpus if choice.shape else 0
    count = built_in or (choice.accelerator.count if choice.accelerator else 1)
    return f"custom_model_training_{bought}nvidia_{name}_gpus", choice.region, count


def _limits(found: Any) -> dict[tuple[str, str], int]:
    """Return the limits by metric and region; -1 is no limit."""
    made: dict[tuple[str, str], int] = {}
    for metric in found.get("metrics", []):
        name = str(metric["metric"]).partition("/")[2]
        for limit in metric.get("consumerQuotaLimits", []):
            for bucket in limit.get("quotaBuckets", []):
                region = bucket.get("dimensions", {}).get("region", "")
                made[name, region] = int(bucket.get("effectiveLimit", -1))
    return made
