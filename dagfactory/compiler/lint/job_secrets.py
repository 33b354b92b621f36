"""Secrets of Airflow's connections and variables that a job would show to all who may see the job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from dagfactory.compiler.lint._texts import Text, rendered
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.redact import speaks_of_secret
from dagfactory.language.job import JobTask

if TYPE_CHECKING:
    from dagfactory.compiler.lint._template import Use
    from dagfactory.compiler.plan.model import Plan

_SHOWN = ("args", "command", "env", "positional")
_FIELDS = {"password", "extra", "extra_dejson", "get_extra_dejson", "get_password", "get_uri"}
"""What of a connection is secret, or holds what is."""

_IN_A_JOB = "store it in Secret Manager; the job reads it by `secrets: {NAME: SECRET_ID}`"
_IN_A_POD = "store it in a Kubernetes Secret; `secrets: {NAME: {name: SECRET, key: KEY}}` reads it"


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find templates that write a secret into a job."""
    for text in rendered(plan):
        in_a_job = text.item and isinstance(text.item.task, JobTask)
        if text.key in _SHOWN and (in_a_job or text.type == "kubernetes"):
            for use in text.template.printed:
                yield from _secret(text, use, _IN_A_JOB if in_a_job else _IN_A_POD)


def _secret(text: Text, use: Use, help_: str) -> Iterator[Diagnostic]:
    severity: Literal["error", "warning"] = "error"
    if use.name == "conn" and _FIELDS.intersection(use.path[2:]):
        what = f"the connection `{use.path[1]}`"
    elif use.name == "var" and any(map(speaks_of_secret, use.path[2:])):
        what, severity = f"the variable `{use.path[2]}`", "warning"
    else:
        return
    message = f"a secret of {what} would stand in the job, which shows it"
    place = text.expression(use.start)
    yield Diagnostic("DF354", message, place, help=help_, severity=severity)
