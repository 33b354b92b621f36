"""The fields of an alert: plain texts about a task or a run, which templates see as ``alert.NAME``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

LONGEST = 500
"""Characters of an error's last line; a traceback is behind the link."""

_TITLES = {
    "failure": "{dag}.{task} failed (try {try} of {tries})",
    "retry": "{dag}.{task} failed and will be tried again (try {try} of {tries})",
    "success": "{dag}.{task} succeeded",
    "skipped": "{dag}.{task} was skipped",
    "run_failure": "a run of {dag} failed",
    "run_success": "a run of {dag} succeeded",
    "deadline": "a run of {dag} is late, it should have ended by {deadline}",
}
OF_TASKS = ("failure", "retry", "success", "skipped")


def event_fields(event: str, context: Any) -> dict[str, str]:
    """Return the fields of a callback's context; what is not known there is an empty text.

    Keys: event, title, dag, task, run, try, tries, date (logical date), owner, error (last line),
    log (address), deadline.
    """
    # A run's callback gets the context of its last task, which says nothing about the run.
    is_task_event = event in OF_TASKS
    ti = context.get("ti")
    run = context.get("dag_run") or {}
    found = {
        "event": event,
        "dag": _first_text(getattr(context.get("dag"), "dag_id", None), _field(run, "dag_id")),
        "task": _task(ti) if is_task_event else "",
        "run": _first_text(context.get("run_id"), _field(run, "run_id"), _field(run, "dag_run_id")),
        "try": str(getattr(ti, "try_number", "")) if is_task_event else "",
        "tries": _tries(ti) if is_task_event else "",
        "date": _first_text(_field(run, "logical_date")),
        "owner": _owner(context, is_task_event=is_task_event),
        "error": _error(context.get("exception") or context.get("reason")),
        "deadline": _first_text(_field(context.get("deadline") or {}, "deadline_time")),
    }
    found["log"] = _first_text(getattr(ti, "log_url", None) if is_task_event else _run_url(found))
    return {"title": _TITLES[event].format(**found), **found}


def escaped(fields: dict[str, str], escape: Callable[[str], str]) -> dict[str, str]:
    """Return the fields fit for a medium: the text of an error must not become markup."""
    return {name: escape(text) for name, text in fields.items()}


def _first_text(*values: Any) -> str:
    return next((str(value) for value in values if value), "")


def _field(record: Any, name: str) -> Any:
    """Return a field of a run, which is an object for callbacks and a mapping for deadlines."""
    return record.get(name) if isinstance(record, dict) else getattr(record, name, None)


def _task(ti: Any) -> str:
    index = getattr(ti, "map_index", -1)
    mapped = f"[{index}]" if isinstance(index, int) and index >= 0 else ""
    return f"{getattr(ti, 'task_id', '')}{mapped}"


def _tries(ti: Any) -> str:
    most = getattr(ti, "max_tries", None)
    return str(most + 1) if isinstance(most, int) else "?"


def _owner(context: Any, *, is_task_event: bool) -> str:
    """Return the owner of the task or of the DAG, an empty text where nobody was named."""
    # `ti.task` and not `context["task"]`, which LazyOperator replaces by an operator without an owner
    holder = getattr(context.get("ti"), "task", None) if is_task_event else context.get("dag")
    owner = _first_text(getattr(holder, "owner", None))
    return "" if owner == "airflow" else owner  # Airflow's default, which names nobody


def _error(error: Any) -> str:
    """Return the last line of an exception, with what Airflow knows to be secret masked."""
    if not error:
        return ""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kind = f"{type(error).__name__}: " if isinstance(error, BaseException) else ""
    text = f"{kind}{lines[-1] if lines else ''}".rstrip(": ")[:LONGEST]
    try:
        from airflow.providers.common.compat.sdk import redact
    except (ImportError, AttributeError):
        # The text leaves Airflow: without the means to mask secrets in it, it is not sent.
        return "(see the log)"
    return str(redact(text))


def _run_url(fields: dict[str, str]) -> str:
    """Return the address of a run in Airflow's UI."""
    from airflow.configuration import conf

    run = quote(fields["run"], safe="")
    # Airflow 3 has `[api] base_url` and another path than 2.11, which has `[webserver] base_url`.
    base = conf.get("api", "base_url", fallback=None)
    if base:
        return f"{base.rstrip('/')}/dags/{fields['dag']}/runs/{run}"
    base = conf.get("webserver", "base_url", fallback="")
    return f"{base.rstrip('/')}/dags/{fields['dag']}/grid?dag_run_id={run}"
