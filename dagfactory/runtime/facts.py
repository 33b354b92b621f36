"""What an alert can say: plain texts about a task or a run, for templates as ``alert.NAME``."""

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


def facts_of(event: str, context: Any) -> dict[str, str]:
    """Return the facts of a callback's context; what is not known there is an empty text.

    Keys: event, title, dag, task, run, try, tries, date (logical date), owner, error (last line),
    log (address), deadline.
    """
    about_task = event in OF_TASKS
    ti = context.get("ti")
    run = context.get("dag_run") or {}
    found = {
        "event": event,
        "dag": _first(getattr(context.get("dag"), "dag_id", None), _of(run, "dag_id")),
        "task": _task(ti) if about_task else "",
        "run": _first(context.get("run_id"), _of(run, "run_id"), _of(run, "dag_run_id")),
        "try": str(getattr(ti, "try_number", "")) if about_task else "",
        "tries": _tries(ti) if about_task else "",
        "date": _first(_of(run, "logical_date")),
        "owner": _owner(context, about_task=about_task),
        "error": _error(context.get("exception") or context.get("reason")),
        "deadline": _first(_of(context.get("deadline") or {}, "deadline_time")),
    }
    found["log"] = _first(getattr(ti, "log_url", None) if about_task else _run_url(found))
    return {"title": _TITLES[event].format(**found), **found}


def escaped(facts: dict[str, str], escape: Callable[[str], str]) -> dict[str, str]:
    """Return the facts fit for a medium: an error's text must not become its markup."""
    return {name: escape(text) for name, text in facts.items()}


def _first(*values: Any) -> str:
    return next((str(value) for value in values if value), "")


def _of(record: Any, name: str) -> Any:
    """Return a field of a run, which is an object for callbacks and a mapping for deadlines."""
    return record.get(name) if isinstance(record, dict) else getattr(record, name, None)


def _task(ti: Any) -> str:
    index = getattr(ti, "map_index", -1)
    mapped = f"[{index}]" if isinstance(index, int) and index >= 0 else ""
    return f"{getattr(ti, 'task_id', '')}{mapped}"


def _tries(ti: Any) -> str:
    most = getattr(ti, "max_tries", None)
    return str(most + 1) if isinstance(most, int) else "?"


def _owner(context: Any, *, about_task: bool) -> str:
    """Return who is responsible; Airflow's own placeholder is nobody.

    The task is that of the DAG, not an operator that runs in its place.
    """
    holder = getattr(context.get("ti"), "task", None) if about_task else context.get("dag")
    owner = _first(getattr(holder, "owner", None))
    return "" if owner == "airflow" else owner


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
        return "(see the log)"
    return str(redact(text))


def _run_url(facts: dict[str, str]) -> str:
    """Return the address of a run in Airflow's UI."""
    from airflow.configuration import conf

    run = quote(facts["run"], safe="")
    base = conf.get("api", "base_url", fallback=None)
    if base:
        return f"{base.rstrip('/')}/dags/{facts['dag']}/runs/{run}"
    base = conf.get("webserver", "base_url", fallback="")
    return f"{base.rstrip('/')}/dags/{facts['dag']}/grid?dag_run_id={run}"
