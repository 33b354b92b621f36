"""Specs with one text that Airflow renders, in every kind of place where one can stand."""

from __future__ import annotations

import json
from pathlib import Path

from dagfactory.compiler.compile import compile_spec
from dagfactory.diagnostics.diagnostic import Diagnostic

ENVIRONMENT = "environment: dev\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
HEAD = """\
pipeline: p
defaults: {image: "us-docker.pkg.dev/p/r/fit:1", machine: {type: n1-standard-8}}
params:
  who: {type: string, default: x}
  count: {type: integer, default: 1}
"""
TIMED = 'schedule: "0 3 * * *"\nstart_date: 2026-01-05\n'

PLACES = {
    "a command": "a: {type: bash, command: TEXT}",
    "a variable": "a: {type: bash, command: work, env: {DAY: TEXT}}",
    "a directory": "a: {type: bash, command: work, cwd: TEXT}",
    "an argument of a job": "a: {type: train, module: fit, args: {day: TEXT}}",
    "a variable of a job": "a: {type: train, module: fit, env: {DAY: TEXT}}",
    "a word of a job's command": "a: {type: train, command: [python, fit.py, TEXT]}",
    "a query": "a: {type: bigquery, query: TEXT}",
    "a query's parameter": 'a: {type: bigquery, query: "SELECT @day", parameters: {day: TEXT}}',
    "an argument of Python": "a: {type: python, callable: m.f, args: {day: TEXT}}",
    "inside an argument": "a: {type: python, callable: m.f, args: {days: [{first: TEXT}]}}",
    "a started run": "a: {type: trigger_dag, dag: other, conf: {day: TEXT}}",
    "a message": "a: {type: notify, slack: {connection: slack_ml, message: TEXT}}",
    "a container": "a: {type: kubernetes, image: 'i:1', args: [TEXT]}",
    "a member of a group": "g: {type: group, tasks: {a: {type: bash, command: TEXT}}}",
    "a task of each": "a: {type: bash, command: TEXT, for_each: [1, 2]}",
}
"""A task for each kind of place; TEXT is where the text goes."""


def findings(
    folder: Path, tasks: str, head: str = HEAD + TIMED, target: str = "airflow3"
) -> list[Diagnostic]:
    """Compile a spec of these tasks for one line of Airflow and return what is found."""
    specs = folder / "specs"
    (specs / "environments").mkdir(parents=True, exist_ok=True)
    (specs / "environments/dev.yaml").write_text(f"{ENVIRONMENT}target: {target}\n")
    lines = "".join(f"  {line}\n" for line in tasks.strip().splitlines())
    (specs / "spec.yaml").write_text(f"{head}tasks:\n{lines}")
    return compile_spec(specs / "spec.yaml", "dev").diagnostics


def at(place: str, text: str) -> str:
    """Return the task of a place with a text in it."""
    return PLACES[place].replace("TEXT", json.dumps(text))
