"""What lies beside the DAG files: JSON files for other tools, packages of jobs, the project's own code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dagfactory.compiler.bundle.monitoring import MARK, policy
from dagfactory.compiler.bundle.plan_paths import FOLDER
from dagfactory.compiler.bundle.pools import pools
from dagfactory.project.content_name import KINDS, prefix

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.language.task import TaskBase

POOLS = "pools.json"
"""For `airflow pools import`; the pools are those of the environment, whoever uses them."""

_PLANS = ({"format", "spec", "edges", "airflow"}, {"format", "environment"})
"""The keys of a pipeline's plan, and of an environment's."""

POLICY = ".alerts.json"
"""How the file of a pipeline's alerting policy ends."""


def sidecars(plan: Plan) -> dict[str, bytes]:
    """Return the files by name that a pipeline and its environment ask for."""
    made = {f"{plan.pipeline.pipeline}{POLICY}": policy(plan), POOLS: pools(plan.environment)}
    return (
        {name: _text(data) for name, data in made.items() if data} | _packages(plan) | _code(plan)
    )


def package_address(plan: Plan) -> str:
    """Return where the jobs of a pipeline look for the packages of its bundle."""
    return plan.environment.bundle_address if plan.environment else ""


def _packages(plan: Plan) -> dict[str, bytes]:
    """Return the packages that the pipeline's jobs install, and what other tasks read."""
    every = (files_of(item.task, plan.pipeline) for item in plan.tasks.values())
    return {path: content for files in every for path, content in files.items()}


def files_of(task: TaskBase, pipeline: Pipeline) -> dict[str, bytes]:
    """Return what a task needs of the bundle: a job its packages; the paths hold the hash of the content."""
    # here and below: a render that finds every spec in its cache imports no model
    from dagfactory.language.job import JobTask
    from dagfactory.task_api.job_code import job_code
    from dagfactory.tasks import task_type

    own = dict(task_type(task.type).files(task, pipeline))
    return own | (job_code(task, pipeline).wheels if isinstance(task, JobTask) else {})


def _code(plan: Plan) -> dict[str, bytes]:
    """Return the environment's code, where a function of it is called."""
    from dagfactory.compiler.plan.calls import calls
    from dagfactory.task_api.own_code import own_code

    code = own_code(plan.environment, plan.pipeline.project)
    if not any(code.holds(each.function) for each in calls(plan)):
        return {}
    return {f"{code.name}/{path}": content for path, content in code.files.items()}


def is_ours(path: str, content: bytes) -> bool:
    """Say whether a file has the shape of ours."""
    if path.startswith(tuple(map(prefix, KINDS))):
        return True
    # JSON has no comments, so there is no header to look for as in a DAG file
    try:
        data = json.loads(content)
        if path.startswith(FOLDER):
            return data.keys() in _PLANS
        if path == POOLS:
            return all("include_deferred" in each for each in data.values())
        return path.endswith(POLICY) and MARK in data["userLabels"]
    except (ValueError, TypeError, AttributeError, KeyError):
        return False


def _text(data: dict[str, Any]) -> bytes:
    return (json.dumps(data, indent=2, ensure_ascii=True) + "\n").encode()
