"""One dag-factory DAG as a pipeline: its own keys, its params, its `default_args`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from dagfactory.importers._arguments import is_dag_key, without_defaults
from dagfactory.importers._callbacks import CALLBACK, OF_RUNS, OF_TASKS, alerts
from dagfactory.importers._dates import dates, zone
from dagfactory.importers._groups import TaskTree, assign_ids, source_entries
from dagfactory.importers._params import params
from dagfactory.importers._remarks import BrokenError
from dagfactory.importers._schedule import schedule
from dagfactory.importers._shared import Argument, fields, nonblank_text, shared
from dagfactory.importers._values import duration, items, text
from dagfactory.importers._write import CommentedMap
from dagfactory.importers._yaml11 import yaml11_value

if TYPE_CHECKING:
    from dagfactory.document.node import Node
    from dagfactory.importers._values import ImportContext

_Handler: TypeAlias = Callable[[Argument, "ImportContext"], dict[str, Any]]
_ORDER = (
    "pipeline",
    "description",
    "owner",
    "doc",
    "schedule",
    "start_date",
    "end_date",
    "timezone",
    "catchup",
    "tags",
    "max_active_runs",
    "max_active_tasks",
    "timeout",
    "params",
    "defaults",
    "alerts",
    "tasks",
)
_ELSEWHERE = frozenset(
    {
        "default_args",
        "end_date",
        "schedule",
        "schedule_interval",
        "start_date",
        "task_groups",
        "tasks",
        "timetable",
        "timezone",
    }
)
_NO_EQUIVALENT: dict[str, Any] = {
    "access_control": None,
    "dag_display_name": None,
    "default_view": None,
    "doc_md_file_path": None,
    "doc_md_python_arguments": None,
    "doc_md_python_callable_file": None,
    "doc_md_python_callable_name": None,
    "is_paused_upon_creation": None,
    "orientation": None,
    "render_template_as_native_obj": False,
    "template_searchpath": None,
    "user_defined_macros": None,
}
"""Keys that dag-factory hands to Airflow and specs do not have, with the value that changes nothing."""

_SPEC_KEYS = {
    "fail_fast": "fail_fast",
    "fail_stop": "fail_fast",
    "max_consecutive_failed_dag_runs": "pause_after_failures",
    "owner_links": "owner_links",
}
"""Keys that dag-factory 1.1 does not pass to Airflow, and ours; using it would change the DAG."""

_OLD_NAMES = {"concurrency": "max_active_tasks", "dagrun_timeout_sec": "dagrun_timeout"}
_IN_DEFAULTS = (
    *("retries", "timeout", "pool", "pool_slots", "queue", "priority"),
    *("depends_on_past", "wait_for_downstream"),
)


def build_pipeline(name: str, dag: Node, context: ImportContext) -> CommentedMap:
    """Return the pipeline called `name`; raises BrokenError for a DAG that dag-factory refuses too."""
    arguments, inherited = _default_args(dag, context)
    made: dict[str, Any] = {"pipeline": name, **arguments}
    runs, _ = alerts(fields(dag), OF_RUNS, context)
    if runs:
        made["alerts"] = CommentedMap(made.get("alerts", {}) | runs)
    made |= _schedule(dag, context)
    timed = isinstance(made["schedule"], str) or {"every", "cron"} & set(made["schedule"] or {})
    made |= dates(dag, context, timed=bool(timed))
    comments = CommentedMap()
    for key, given in fields(dag).items():
        found = _key(_OLD_NAMES.get(key, key), given, context)
        made |= found
        _comments(comments, found or {key: None}, given, context)
    made["tasks"] = _tasks(dag, inherited, context)
    pipeline = CommentedMap({key: made[key] for key in _ORDER if key in made})
    pipeline.comments = {
        key: comments_of for key, comments_of in comments.comments.items() if key in pipeline
    }
    return pipeline


def _comments(
    comments: CommentedMap, found: Mapping[str, Any], given: Argument, context: ImportContext
) -> None:
    """Remember the comments of a key under the name that it has now."""
    above = context.comments.above(given.key.line)
    one_line = given.node.span.line == given.node.span.end_line == given.key.line
    beside = context.comments.beside(given.node.span) if one_line else ""
    for key in found if above or beside else ():
        name = {"schedule_interval": "schedule"}.get(key, key)
        comments.comments_of(name).above, comments.comments_of(name).beside = above, beside


def _tasks(dag: Node, inherited: Mapping[str, Argument], context: ImportContext) -> CommentedMap:
    groups = source_entries(dag.child("task_groups"), "group_name", "task group")
    tasks = source_entries(dag.child("tasks"), "task_id", "task")
    if not tasks:
        raise BrokenError("a DAG without tasks", dag.span)
    context.ids = assign_ids([*groups, *tasks], context)
    made = TaskTree(groups, tasks, inherited).build(context)
    made.block_style = True
    return made


def _schedule(dag: Node, context: ImportContext) -> dict[str, Any]:
    """Return `schedule:` from the first of the keys that is set."""
    for key in ("schedule", "schedule_interval", "timetable"):
        node = dag.child(key)
        if node and node.value is not None:
            return {"schedule": schedule(node, context, zone(dag))}
    return {"schedule": None}


def _key(key: str, given: Argument, context: ImportContext) -> dict[str, Any]:
    """Return what a key of the DAG becomes; nothing, with a remark, when it has no place."""
    if key in _ELSEWHERE or given.node.value is None:
        return {}
    if key in _HANDLERS:
        return _HANDLERS[key](given, context)
    if CALLBACK.match(key):
        return {}  # all of them together are `alerts:`
    if key not in _NO_EQUIVALENT:
        remedy = f"a spec heeds it: `{_SPEC_KEYS[key]}: ...`" if key in _SPEC_KEYS else None
        context.add("ignored", f"dag-factory ignores `{key}` of a DAG", given.key, remedy)
    elif yaml11_value(given.node) != _NO_EQUIVALENT[key]:
        context.add("no-equivalent", f"`{key}` was left out", given.key)
    return {}


def _default_args(dag: Node, context: ImportContext) -> tuple[dict[str, Any], dict[str, Argument]]:
    """Return `owner` and `defaults`, and the arguments that each task has to be given itself."""
    task_alerts, given = alerts(fields(dag.child("default_args")), OF_TASKS, context)
    for key in [key for key in given if is_dag_key(key) and key != "timezone"]:
        message = f"`{key}` has no effect in `default_args`"
        context.add("ignored", message, given.pop(key).key, "a key of the DAG, not of its tasks")
    common, rest = shared(given, context)
    repeated = common.pop("retries", {})
    # always written: a pipeline without `retries:` retries twice, a DAG without it never
    common["retries"] = {"attempts": 0, "backoff": "fixed"} | repeated
    made: dict[str, Any] = {"alerts": task_alerts} if task_alerts else {}
    owner = rest.pop("owner", None)
    if owner and yaml11_value(owner.node) is not None:
        made["owner"] = text(owner.node, context)
    for key in ("start_date", "end_date", "timezone"):
        rest.pop(key, None)
    common = {key: value for key, value in common.items() if value is not False}
    made["defaults"] = CommentedMap({key: common[key] for key in _IN_DEFAULTS if key in common})
    made["defaults"].block_style = True
    return made, without_defaults(rest)


def _text(name: str) -> _Handler:
    def handler(given: Argument, context: ImportContext) -> dict[str, Any]:
        found = nonblank_text(given, context)
        return {name: found} if found else {}

    return handler


def _number(name: str) -> _Handler:
    def handler(given: Argument, context: ImportContext) -> dict[str, Any]:
        value = yaml11_value(given.node)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return {name: value}
        context.add("no-equivalent", f"`{name}` that is not a number was left out", given.node.span)
        return {}

    return handler


def _tags(given: Argument, context: ImportContext) -> dict[str, Any]:
    listed_tags = items(given.node) or ()
    return {"tags": [text(each, context) for each in listed_tags]} if listed_tags else {}


def _timeout(given: Argument, context: ImportContext) -> dict[str, Any]:
    found = duration(given.node, context)
    return {"timeout": found} if found else {}


def _catchup(given: Argument, _context: ImportContext) -> dict[str, Any]:
    return {"catchup": True} if yaml11_value(given.node) else {}


_HANDLERS: dict[str, _Handler] = {
    "catchup": _catchup,
    "dagrun_timeout": _timeout,
    "description": _text("description"),
    "doc_md": _text("doc"),
    "max_active_runs": _number("max_active_runs"),
    "max_active_tasks": _number("max_active_tasks"),
    "params": lambda given, context: params(given.node, context),
    "tags": _tags,
}
