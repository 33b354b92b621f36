"""Arguments of an operator: data is carried over, an object or a function is reported."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from dagfactory.importers._remarks import NotDataError
from dagfactory.importers._values import data, timedelta_of, typed_object
from dagfactory.importers._yaml11 import yaml11_value
from dagfactory.tasks.operator import RESERVED

if TYPE_CHECKING:
    from dagfactory.importers._shared import Argument
    from dagfactory.importers._values import ImportContext

_NEEDS_CODE = re.compile(
    r"execution_date_fn(_name|_file)?|execution_delta(_secs)?|"
    r"(response|success|failure)_check(_name|_file|_lambda)?|python_callable(_name|_file)?\Z"
)
_SECONDS = frozenset({"poke_interval", "timeout", "max_wait"})
"""Arguments of sensors that Airflow takes as a duration or as its seconds."""

_AIRFLOW_DEFAULTS: dict[str, Any] = {
    "depends_on_past": False,
    "do_xcom_push": True,
    "ignore_first_depends_on_past": False,
    "inlets": [],
    "multiple_outputs": False,
    "outlets": [],
    "params": {},
    "wait_for_downstream": False,
    "wait_for_past_depends_before_skipping": False,
    "weight_rule": "downstream",
}
_DAG_KEYS = frozenset(
    {
        "catchup",
        "concurrency",
        "dagrun_timeout",
        "description",
        "max_active_runs",
        "max_active_tasks",
        "orientation",
        "provide_context",
        "schedule",
        "schedule_interval",
        "tags",
        "timezone",
    }
)
_MAIL = ("email_on_failure", "email_on_retry")


def without_defaults(given: Mapping[str, Argument]) -> dict[str, Argument]:
    """Leave out what changes nothing: Airflow's own defaults, mail flags without an address."""
    kept = {key: each for key, each in given.items() if not _is_default(key, each)}
    if "email" not in kept:
        kept = {key: each for key, each in kept.items() if key not in _MAIL}
    return kept


def _is_default(key: str, given: Argument) -> bool:
    value = given.node.plain() if isinstance(given.node.value, dict) else yaml11_value(given.node)
    value = list(value) if isinstance(value, tuple) else value
    if key in {"email", *_AIRFLOW_DEFAULTS} and value is None:
        return True
    return key in _AIRFLOW_DEFAULTS and value == _AIRFLOW_DEFAULTS[key]


def arguments(
    given: Mapping[str, Argument], context: ImportContext, needed: Collection[str] = ()
) -> dict[str, Any]:
    """Return the arguments that are data; raises NotDataError where the work itself is code.

    Those that are `needed` are never left out.
    """
    made: dict[str, Any] = {}
    for key, each in given.items():
        if _NEEDS_CODE.match(key):
            raise NotDataError(f"`{key}` is not data", each.key)
        try:
            made |= _argument(key, each, context)
        except NotDataError as error:
            if key in needed:
                raise NotDataError(f"`{key}`, {error.reason}", error.span, error.code) from error
            message = f"argument `{key}` was left out: {error.reason}"
            context.add(error.code, message, error.span)
    return made


def _argument(key: str, given: Argument, context: ImportContext) -> dict[str, Any]:
    """Return one argument, or nothing with a remark."""
    if key == "inlets":
        raise NotDataError("assets that a task reads", given.key)
    if key == "variables_as_arguments":
        context.add(
            "no-equivalent",
            "`variables_as_arguments` was left out",
            given.key,
            "write `{{ var.value.NAME }}` where the argument is a template",
        )
        return {}
    # it would become a keyword argument of a call in the DAG file
    if not (key.isascii() and key.isidentifier()) or keyword.iskeyword(key) or key in RESERVED:
        context.add("no-equivalent", f"argument `{key}` was left out", given.key)
        return {}
    length = timedelta_of(given.node) if key in _SECONDS and typed_object(given.node) else None
    if length is None:
        return {key: data(given.node, context)}
    seconds = length.total_seconds()
    return {key: int(seconds) if seconds.is_integer() else seconds}


def json_request_body(given: Mapping[str, Argument], context: ImportContext) -> dict[str, Any]:
    """Return `data` of a JSON request as the text that dag-factory makes of it, else an empty mapping."""
    body, headers = given.get("data"), given.get("headers")
    if not (body and isinstance(body.node.value, dict) and headers):
        return {}
    kind = headers.node.child("Content-Type")
    if not kind or "application/json" not in str(kind.value).lower():
        return {}
    context.add("form", "`data` is written as JSON text", body.key)
    return {"data": json.dumps(data(body.node, context))}


def is_dag_key(key: str) -> bool:
    """Return whether a key belongs to a DAG: Airflow ignores it among the arguments of tasks."""
    return key in _DAG_KEYS
