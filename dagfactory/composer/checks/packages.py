"""Whether Airflow has the providers that the DAGs import."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.composer.checks import Line

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.composer.checks import Patient

_BY_TYPE = {
    "kubernetes": "apache-airflow-providers-cncf-kubernetes",
    "dataflow": "apache-airflow-providers-apache-beam",
}
_GOOGLE = "apache-airflow-providers-google"
_SLACK, _SMTP = "apache-airflow-providers-slack", "apache-airflow-providers-smtp"


def check(patient: Patient) -> Iterator[Line]:
    """Compare the list of providers with what tasks and alerts need."""
    if patient.airflow is None:
        return
    answer = patient.airflow.get("providers", limit=1000)
    there = {str(each["package_name"]): str(each["version"]) for each in answer["providers"]}
    for name in sorted({name for plan in patient.plans for name in _wanted(plan)}):
        if name in there:
            yield Line(f"{name} {there[name]}")
        else:
            fix = f"add it to the environment: `composer: {{packages: {{{name}: ''}}}}`"
            yield Line(f"{name} is not installed", fix)


def _wanted(plan: Plan) -> Iterator[str]:
    kinds = {str(getattr(item.task, "type", "")) for item in plan.tasks.values()}
    yield _GOOGLE
    yield from (name for kind, name in _BY_TYPE.items() if kind in kinds)
    keys = {path[-1] for path, _ in plan.node.walk(()) if path}
    yield from (name for key, name in (("slack", _SLACK), ("email", _SMTP)) if key in keys)
