"""Where the plans of a bundle lie, and how Airflow is told to pass them over."""

from __future__ import annotations

FOLDER = "plans/"
ENVIRONMENT = f"{FOLDER}_environment.json"
"""No pipeline is called so: an id begins with a letter."""

IGNORED = f"{FOLDER}[a-z0-9_]*[.]json"
"""A line of `.airflowignore`. As a regular expression (Airflow 2) and as a glob (3) it hides these files
and no others, wherever the bundle lies: `plans/` alone would hide every DAG below a `team_plans/`."""


def plan_path(pipeline: str) -> str:
    """Return the path of a pipeline's plan."""
    return f"{FOLDER}{pipeline}.json"


def planned_pipeline(path: str) -> str:
    """Return whose plan a path is; empty for any other path."""
    name = path.removeprefix(FOLDER).removesuffix(".json")
    return name if plan_path(name) == path != ENVIRONMENT else ""
