"""One dag-factory DAG as a pipeline: its own keys, its params, its `default_args`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from dagfactory.importers._arguments import meaningful, misplaced
from dagfactory.importers._callbacks import CALLBACK, OF_RUNS, OF_TASKS, alerts
from dagfactory.importers._dates import dates, zone
from dagfactory.importers._groups import Tree, listed, rename
from dagfactory.importers._params import params
from dagfactory.importers._remarks import BrokenError
from dagfactory.importers._schedule import schedule
from dagfactory.importers._shared import Given, fields, shared, words
from dagfactory.importers._tasks import Scene
from dagfactory.importers._values import duration, items, text
from dagfactory.importers._write import Block
from dagfactory.importers._yaml11 import native

if TYPE_CHECKING:
    from dagfactory.document.node import Node
    from dagfactory.importers._values import Context

_Handler: TypeAlias = Callable[[Given, "Context"], dict[str, Any]]
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

_HEEDED = {
    "fail_fast": "fail_fast",
    "fail_stop": "fail_fast",
    "max_consecutive_failed_dag_runs": "pause_after_failures",
    "owner_links": "owner_links",
}
"""Keys of Airflow's that dag-factory 1.1 does not pass on; to do so here would be another DAG."""

_OLD_NAMES = {"concurrency": "max_active_tasks", "dagrun_timeout_sec": "dagrun_timeout"}
_IN_DEFAULTS = (
    *("retries", "timeout", "pool", "pool_slots", "queue", "priority"),
    *("depends_on_past", "wait_for_downstream"),
)


def draft(name: str, dag: Node, context: Context) -> Block:
    """Return the pipeline called `name`; raises BrokenError when dag-factory could not build it either."""
    arguments, inherited = _default_args(dag, context)
    made: dict[str, Any] = {"pipeline": name, **arguments}
    runs, _ = alerts(fields(dag), OF_RUNS, context)
    if runs:
        made["alerts"] = Block(made.get("alerts", {}) | runs)
    made |= _schedule(dag, context)
    timed = isinstance(made["schedule"], str) or {"every", "cron"} & set(made["schedule"] or {})
    made |= dates(dag, context, timed=bool(timed))
    notes = Block()
    for key, given in fields(dag).items():
        found = _key(_OLD_NAMES.get(key, key), given, context)
        made |= found
        _comments(notes, found or {key: None}, given, context)
    made["tasks"] = _tasks(dag, inherited, context)
    pipeline = Block({key: made[key] for key in _ORDER if key in made})
    pipeline.notes = {key: note for key, note in notes.notes.items() if key in pipeline}
    return pipeline


def _comments(notes: Block, found: Mapping[str, Any], given: Given, context: Context) -> None:
    """Remember the comments of a key under the name that it has now."""
    above = context.comments.above(given.key.line)
    one_line = given.node.span.line == given.node.span.end_line == given.key.line
    beside = context.comments.beside(given.node.span) if one_line else ""
    for key in found if above or beside else ():
        name = {"schedule_interval": "schedule"}.get(key, key)
        notes.note(name).above, notes.note(name).beside = above, beside


def _tasks(dag: Node, inherited: Mapping[str, Given], context: Context) -> Block:
    groups = listed(dag.child("task_groups"), "group_name", "task group")
    tasks = listed(dag.child("tasks"), "task_id", "task")
    if not tasks:
        raise BrokenError("a DAG without tasks", dag.span)
    context.renamed = rename([*groups, *tasks], context)
    made = Tree(groups, tasks, inherited).build(Scene(context, context.renamed))
    made.open = True
    return made


def _schedule(dag: Node, context: Context) -> dict[str, Any]:
    """Return `schedule:` from the first of the keys that is set."""
    for key in ("schedule", "schedule_interval", "timetable"):
        node = dag.child(key)
        if node and node.value is not None:
            return {"schedule": schedule(node, context, zone(dag))}
    return {"schedule": None}


def _key(key: str, given: Given, context: Context) -> dict[str, Any]:
    """Return what a key of the DAG becomes; nothing, with a remark, when it has no place."""
    if key in _ELSEWHERE or given.node.value is None:
        return {}
    if key in _HANDLERS:
        return _HANDLERS[key](given, context)
    if CALLBACK.match(key):
        return {}  # all of them together are `alerts:`
    if key not in _NO_EQUIVALENT:
        remedy = f"a spec heeds it: `{_HEEDED[key]}: ...`" if key in _HEEDED else None
        context.add("ignored", f"dag-factory ignores `{key}` of a DAG", given.key, remedy)
    elif native(given.node) != _NO_EQUIVALENT[key]:
        context.add("no-equivalent", f"`{key}` was left out", given.key)
    return {}


def _default_args(dag: Node, context: Context) -> tuple[dict[str, Any], dict[str, Given]]:
    """Return `owner` and `defaults`, and the arguments that each task has to be given itself."""
    told, given = alerts(fields(dag.child("default_args")), OF_TASKS, context)
    for key in [key for key in given if misplaced(key) and key != "timezone"]:
        message = f"`{key}` has no effect in `default_args`"
        context.add("ignored", message, given.pop(key).key, "a key of the DAG, not of its tasks")
    common, rest = shared(given, context)
    repeated = common.pop("retries", {})
    common["retries"] = {"attempts": 0, "backoff": "fixed"} | repeated
    made: dict[str, Any] = {"alerts": told} if told else {}
    owner = rest.pop("owner", None)
    if owner and native(owner.node) is not None:
        made["owner"] = text(owner.node, context)
    for key in ("start_date", "end_date", "timezone"):
        rest.pop(key, None)
    common = {key: value for key, value in common.items() if value is not False}
    made["defaults"] = Block({key: common[key] for key in _IN_DEFAULTS if key in common})
    made["defaults"].open = True
    return made, meaningful(rest)


def _text(name: str) -> _Handler:
    def handler(given: Given, context: Context) -> dict[str, Any]:
        found = words(given, context)
        return {name: found} if found else {}

    return handler


def _number(name: str) -> _Handler:
    def handler(given: Given, context: Context) -> dict[str, Any]:
        value = native(given.node)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return {name: value}
        context.add("no-equivalent", f"`{name}` that is no number was left out", given.node.span)
        return {}

    return handler


def _tags(given: Given, context: Context) -> dict[str, Any]:
    listed_tags = items(given.node) or ()
    return {"tags": [text(each, context) for each in listed_tags]} if listed_tags else {}


def _timeout(given: Given, context: Context) -> dict[str, Any]:
    found = duration(given.node, context)
    return {"timeout": found} if found else {}


def _catchup(given: Given, _context: Context) -> dict[str, Any]:
    return {"catchup": True} if native(given.node) else {}


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
