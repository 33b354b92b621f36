"""One dag-factory DAG as a pipeline: its own keys, its params, its `default_args`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from dagfactory.document.node import Node
from dagfactory.importers._arguments import arguments, is_dag_key, without_defaults
from dagfactory.importers._callbacks import CALLBACK, OF_RUNS, OF_TASKS, alerts, tells
from dagfactory.importers._dates import counts_from_today, dates, zone
from dagfactory.importers._groups import TaskTree, assign_ids, source_entries
from dagfactory.importers._operators import OF_FUNCTIONS
from dagfactory.importers._params import params
from dagfactory.importers._remarks import BrokenError
from dagfactory.importers._schedule import schedule
from dagfactory.importers._shared import Argument, fields, nonblank_text, shared
from dagfactory.importers._values import TYPE, duration, items, text
from dagfactory.importers._write import CommentedMap
from dagfactory.importers._yaml11 import yaml11_value

if TYPE_CHECKING:
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
    "doc_md_file_path": None,
    "doc_md_python_arguments": None,
    "doc_md_python_callable_file": None,
    "doc_md_python_callable_name": None,
    "is_paused_upon_creation": None,
    "render_template_as_native_obj": False,
    "template_searchpath": None,
    "user_defined_macros": None,
}
"""Keys that dag-factory hands to Airflow and specs do not have, with the value that changes nothing."""

_GONE = ("default_view", "orientation")
"""Keys of Airflow 2's pages."""

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


_OF_EACH_TASK = OF_FUNCTIONS | {"trigger_rule", "outlets", "doc_md", "max_active_tis_per_dagrun"}
"""Defaults that a spec has keys of tasks for, and none of `defaults:`."""


def build_pipeline(name: str, dag: Node, context: ImportContext) -> CommentedMap:
    """Return the pipeline called `name`; raises BrokenError for a DAG that dag-factory refuses too."""
    context.undone = _undone(dag)
    own, inherited = _default_args(dag, context)
    made: dict[str, Any] = {"pipeline": name, **own}
    runs, _ = alerts(fields(dag), OF_RUNS, context)
    if runs:
        made["alerts"] = CommentedMap(made.get("alerts", {}) | runs)
    made |= _schedule(dag, context)
    timed = isinstance(made["schedule"], str) or {"every", "cron"} & set(made["schedule"] or {})
    made |= dates(dag, context, timed=bool(timed))
    made |= {"timezone": context.zone} if context.zone else {}
    comments = CommentedMap()
    for key, given in fields(dag).items():
        if key == "max_active_tasks" and dag.child("concurrency"):
            continue  # dag-factory takes the old name first
        found = _key(_OLD_NAMES.get(key, key), given, context)
        made |= found
        _comments(comments, found or {key: None}, given, context)
    _settle_catchup(made, dag, context, timed=bool(timed))
    context.params = made.get("params", {})
    made["tasks"] = _tasks(dag, inherited, context)
    pipeline = CommentedMap({key: made[key] for key in _ORDER if key in made})
    pipeline.comments = {
        key: comments_of for key, comments_of in comments.comments.items() if key in pipeline
    }
    return pipeline


def _settle_catchup(
    made: dict[str, Any], dag: Node, context: ImportContext, *, timed: bool
) -> None:
    """Write `catchup` where the source had it, by itself or by a default."""
    if "catchup" not in made and timed:
        made["catchup"] = context.since == "2"
        if not context.since:
            message = (
                "without `catchup:` Airflow 2 makes every run since the first day, Airflow 3 none"
            )
            context.add("look", message, dag.span, "say `--from-airflow 2` for files of Airflow 2")
    if made.get("catchup") and counts_from_today(dag):
        made["catchup"] = False
        message = "`catchup` would make every run since the fixed day: it was turned off"
        context.add("changed", message, dag.keys.get("catchup", dag.span))
    if not made.get("catchup"):
        made.pop("catchup", None)


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
    context.places = {context.ids[each.name]: each.node for each in [*groups, *tasks]}
    context.mapped = frozenset(each.name for each in tasks if each.node.child("expand"))
    made = TaskTree(groups, tasks, inherited).build(context)
    made.block_style = True
    return made


def _schedule(dag: Node, context: ImportContext) -> dict[str, Any]:
    """Return `schedule:` from the first of the keys that is set."""
    given = [
        (key, node)
        for key in ("schedule", "schedule_interval", "timetable")
        if (node := dag.child(key)) and node.value is not None
    ]
    for key, node in given[1:]:
        message = f"`{key}` was left out: `{given[0][0]}` is set, too"
        context.add("changed", message, node.span, "keep the one that is meant")
    for _, node in given[:1]:
        return {"schedule": schedule(_timetable(node), context, zone(dag))}
    null = dag.child("schedule")
    if context.since == "2" and not null:
        return {"schedule": {"every": "1d"}}
    if context.since == "2" and null:
        message = "`schedule: null` never runs: dag-factory left it out, and Airflow 2 ran it daily"
        context.add("changed", message, null.span, "write `schedule: '@daily'` to keep that")
    if not context.since and not any(map(dag.child, ("schedule", "schedule_interval"))):
        message = "without `schedule:` Airflow 2 runs daily, Airflow 3 never"
        context.add("look", message, dag.span, "say `--from-airflow 2` for files of Airflow 2")
    return {"schedule": None}


def _timetable(node: Node) -> Node:
    """Return the older form of a timetable, `{callable: ..., params: {...}}`, as the object it is."""
    path, given = node.child("callable"), node.child("params")
    if path is None:
        return node
    values = dict(given.value) if given and isinstance(given.value, dict) else {}
    keys = given.keys if given else {}
    return Node({TYPE: path, **values}, node.span, {TYPE: node.keys["callable"], **keys})


def _undone(dag: Node) -> frozenset[str]:
    """Return the arguments that a task sets to null, which undoes a default."""
    every = [each for given in _of_tasks(dag) for each in given.items()]
    return frozenset(key for key, each in every if each.node.value is None)


def _of_tasks(dag: Node) -> list[dict[str, Argument]]:
    """Return what each task and group says itself, and for the tasks in it."""
    entries = [
        *source_entries(dag.child("tasks"), "task_id", "task"),
        *source_entries(dag.child("task_groups"), "group_name", "task group"),
    ]
    nodes = [each.node for each in entries]
    nodes += [found for each in nodes if (found := each.child("default_args"))]
    return [fields(each) for each in nodes]


def _key(key: str, given: Argument, context: ImportContext) -> dict[str, Any]:
    """Return what a key of the DAG becomes; nothing, with a remark, when it has no place."""
    if key in (*_ELSEWHERE, "__extends__") or given.node.value is None:
        return {}
    if key in _HANDLERS:
        return _HANDLERS[key](given, context)
    if CALLBACK.match(key):
        return {}  # all of them together are `alerts:`
    if key in _GONE:
        context.add("ignored", f"Airflow 3 has no `{key}`", given.key)
    elif key not in _NO_EQUIVALENT:
        remedy = f"a spec heeds it: `{_SPEC_KEYS[key]}: ...`" if key in _SPEC_KEYS else None
        context.add("ignored", f"dag-factory ignores `{key}` of a DAG", given.key, remedy)
    elif yaml11_value(given.node) != _NO_EQUIVALENT[key]:
        context.add("no-equivalent", f"`{key}` was left out", given.key)
    return {}


def _default_args(dag: Node, context: ImportContext) -> tuple[dict[str, Any], dict[str, Argument]]:
    """Return `owner` and `defaults`, and the arguments that each task has to be given itself."""
    everything = fields(dag.child("default_args"))
    # a default that a task undoes is given to each of the others instead
    each_own = {key: everything.pop(key) for key in list(everything) if key in context.undone}
    told_by_tasks = any(map(tells, _of_tasks(dag)))
    context.tasks_tell = not tells(everything)
    task_alerts, given = alerts(everything, OF_TASKS, context, mails=not told_by_tasks)
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
    rest = without_defaults(rest)
    each_own |= {key: rest.pop(key) for key in list(rest) if key in _OF_EACH_TASK}
    found = arguments(rest, context)
    if found:
        made["defaults"]["arguments"] = CommentedMap(found)
    return made, each_own


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
    return {"catchup": bool(yaml11_value(given.node))}


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
