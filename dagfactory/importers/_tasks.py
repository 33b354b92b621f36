"""One dag-factory task as a task of a spec, or as a placeholder that fails."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagfactory.catalogue import operator_moves
from dagfactory.catalogue.operator_paths import missing
from dagfactory.catalogue.operator_signature import signature
from dagfactory.diagnostics.wording import did_you_mean, shorten
from dagfactory.importers import _operators as operators
from dagfactory.importers._arguments import arguments, json_request_body, without_defaults
from dagfactory.importers._callables import KEYS, function
from dagfactory.importers._callbacks import CALLBACK, OF_TASKS, alerts
from dagfactory.importers._mapping import mapped_argument, with_partial
from dagfactory.importers._pods import RESOURCES, pod_resources
from dagfactory.importers._remarks import BrokenError, NotDataError
from dagfactory.importers._schedule import asset
from dagfactory.importers._sensors import wait_for_dag
from dagfactory.importers._shared import Argument, fields, nonblank_text, shared, trigger_rule
from dagfactory.importers._shell import out_of_the_command
from dagfactory.importers._values import ImportContext, data, items, text
from dagfactory.importers._write import CommentedMap
from dagfactory.importers._yaml11 import yaml11_value

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import Span
    from dagfactory.document.node import Node

_DOTTED = re.compile(r"(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*", re.ASCII)
_VARIABLE = re.compile(r"(?!AIP_|CLOUD_ML_|DAGFACTORY_)[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_XCOM = re.compile(r"\+(\w+)(?:\[.*\])?\Z")
_OUTPUT = re.compile(r"(\w+)\.output\Z|XcomArg\((\w+)\)\Z")
_BUILDER = (
    *("operator", "decorator", "dependencies", "task_group_name", "parent_group_name"),
    "task_id",  # dag-factory names a task by its key
)
_COMMON = frozenset(
    {
        "doc_md",
        "execution_timeout",
        "max_retry_delay",
        "pool",
        "pool_slots",
        "priority_weight",
        "queue",
        "retries",
        "retry_delay",
        "retry_exponential_backoff",
        "trigger_rule",
    }
)
_OPERATOR_KEYS = {
    operators.BASH: ("bash_command", "env", "append_env", "cwd", "skip_on_exit_code"),
    operators.PYTHON: ("op_kwargs", "op_args", *KEYS),
}
_IRRELEVANT = ("provide_context", "show_return_value_in_logs")


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A task or group of the source."""

    name: str
    key: Span
    node: Node


def make(
    entry: SourceEntry, inherited: Mapping[str, Argument], context: ImportContext
) -> CommentedMap:
    """Return the task; `inherited` are arguments from `default_args` and from its groups."""
    own = fields(entry.node)
    given = {
        key: each for key, each in inherited.items() if _is_accepted(key, each, own, context)
    } | own
    made = CommentedMap(type="", **after(own, context))
    rest = {key: each for key, each in given.items() if key not in _BUILDER}
    rest = with_partial(rest, own)
    rule = rest.pop("trigger_rule", None)
    found = trigger_rule(rule, context) if rule and rule.node.value else None
    made |= {"trigger_rule": found} if found else {}
    common, rest = shared(rest, context)
    common |= _outlets(rest, context)
    try:
        mapped = mapped_argument(own, context, context.ids)
        common |= _parallel(rest) if mapped else {}
        common |= _doc(rest, context)
        task_alerts, rest = alerts(rest, OF_TASKS, context, mails=context.tasks_tell)
        common |= {"alerts": task_alerts} if task_alerts else {}
        made |= _converter(entry, own)(without_defaults(rest), context)
    except NotDataError as error:
        made |= _placeholder(entry, error, context)
        return made
    if mapped:
        mapped.apply_to(made)
    made |= common
    _comments(made, own, context)
    return made


def _is_accepted(
    key: str, each: Argument, own: Mapping[str, Argument], context: ImportContext
) -> bool:
    """Return whether the task's operator takes an inherited argument."""
    # Airflow reads the signature of the class. Nothing is imported here: for Airflow's own operators the
    # arguments are known, for others it is written and reported.
    if key in operators.BASE_ARGUMENTS or key in _COMMON or CALLBACK.match(key):
        return True
    path = (
        operator_moves.modern(str(yaml11_value(own["operator"].node))) if "operator" in own else ""
    )
    if not path or path.startswith("airflow.providers.standard."):
        return key in _OPERATOR_KEYS.get(path, ())
    known = signature(path)
    if known and known.complete:
        return key in known.names
    message = f"`{key}` is written to every operator that may take it"
    context.add("look", message, each.key, "delete it where Airflow refuses it")
    return True


def _converter(entry: SourceEntry, own: Mapping[str, Argument]) -> _Converter:
    """Return how the task's operator or decorator is carried over."""
    operator, decorator = own.get("operator"), own.get("decorator")
    chosen = operator or decorator
    if chosen is None:
        raise BrokenError(
            f"task `{shorten(entry.name)}` has no `operator` or `decorator`", entry.key
        )
    path = str(yaml11_value(chosen.node))
    if not _DOTTED.fullmatch(path):
        raise BrokenError(f"`{shorten(path)}` is not a dotted path", chosen.node.span)
    if operator is None:
        if path not in operators.TASK_DECORATORS:
            raise NotDataError(f"decorator `{path}`", chosen.node.span)
        return lambda given, context: _decorated(given, context, entry.key)
    return _for_operator(operator_moves.modern(path), path, chosen.node.span, entry.key)


def _for_operator(path: str, written: str, span: Span, task: Span) -> _Converter:
    gone = missing(path)
    path = (gone and gone.moved) or path
    reason = _refusal(path)
    if reason:
        raise NotDataError(reason, span)
    if path == operators.BASH:
        return _bash
    if path == operators.EMPTY:
        return _empty
    if path == operators.PYTHON:
        return lambda given, context: _python(given, context, task)

    def kept(given: Mapping[str, Argument], context: ImportContext) -> dict[str, Any]:
        if path == operators.EXTERNAL_TASK and "execution_delta" in given:
            return wait_for_dag(given, context)
        if operator_moves.renamed(written) or (gone and gone.moved):
            context.add("form", f"`{written}` is `{path}` now", span)
        return _operator(path, given, context)

    return kept


def _refusal(path: str) -> str | None:
    """Return why an operator cannot be named in a spec, or None."""
    if path.partition(".")[0] in sys.stdlib_module_names:
        return f"`{shorten(path)}`, which is not an operator"
    if path.startswith(operators.REMOVED):
        return f"`{shorten(path)}`, which Airflow 3 does not have"
    return f"`{path.rpartition('.')[2]}`" if path in operators.TAKES_A_FUNCTION else None


def _bash(given: Mapping[str, Argument], context: ImportContext) -> dict[str, Any]:
    """Return a `bash` task where it does the same, else the operator itself."""
    command = given.get("bash_command")
    exact = set(given) <= {"bash_command", "env", "append_env", "cwd"} and command
    # Airflow reads a command that ends in `.sh` as the name of a template file.
    written = str(command.node.value).strip() if command else ""
    if not exact or not command or not written or written.endswith((".sh", ".bash")):
        return _operator(operators.BASH, given, context)
    if not isinstance(command.node.value, str) or not _adds_variables(given):
        return _operator(operators.BASH, given, context)
    made: dict[str, Any] = {"type": "bash", "command": text(command.node, context)}
    for key in ("env", "cwd"):
        if key in given and yaml11_value(given[key].node) is not None:
            made[key] = data(given[key].node, context)
    out_of_the_command(made, command.node.span, context)
    return made


def _adds_variables(given: Mapping[str, Argument]) -> bool:
    """Return whether `env` adds to the worker's variables, as that of a `bash` task does."""
    variables, adds = given.get("env"), given.get("append_env")
    if variables is None or yaml11_value(variables.node) is None:
        return True
    found = variables.node.value
    return (
        adds is not None
        and yaml11_value(adds.node) is True
        and isinstance(found, dict)
        and all(
            _VARIABLE.fullmatch(key) and isinstance(yaml11_value(v), str)
            for key, v in found.items()
        )
    )


def _empty(given: Mapping[str, Argument], context: ImportContext) -> dict[str, Any]:
    return _operator(operators.EMPTY, given, context) if given else {"type": "empty"}


def _operator(path: str, given: Mapping[str, Argument], context: ImportContext) -> dict[str, Any]:
    """Return an `operator` task: any class, with the arguments that are data."""
    extra = json_request_body(given, context) if path == operators.HTTP else {}
    extra |= (pod := pod_resources(path, given, context))
    made: dict[str, Any] = {"type": "operator", "operator": path}
    done = extra.keys() | ({RESOURCES} if pod else set())
    left = _without_dates({key: v for key, v in given.items() if key not in done}, context)
    known = signature(path)
    needed = frozenset({"bash_command"}) if path == operators.BASH else frozenset()
    carried = arguments(left, context, needed | (known.required if known else left.keys())) | extra
    ordered = {key: carried[key] for key in (*given, *pod) if key in carried}
    return made | ({"args": CommentedMap(ordered)} if ordered else {})


def _without_dates(given: Mapping[str, Argument], context: ImportContext) -> dict[str, Argument]:
    """Leave out the dates of a single task, which a spec has for the pipeline alone."""
    for key in ("start_date", "end_date"):
        if key in given and given[key].node.value is not None:
            context.add("no-equivalent", f"`{key}` of a task was left out", given[key].key)
    return {key: each for key, each in given.items() if key not in ("start_date", "end_date")}


def _python(given: Mapping[str, Argument], context: ImportContext, task: Span) -> dict[str, Any]:
    """Return a `python` task for a PythonOperator."""
    for key in ("op_args", "templates_dict"):
        if key in given and given[key].node.value:
            raise NotDataError(f"`{key}` of a Python task", given[key].key)
    made = _call(given, context, task)
    values = given.get("op_kwargs")
    if values and isinstance(values.node.value, dict) and values.node.value:
        made["args"] = data(values.node, context)
    done = {*KEYS, *_IRRELEVANT, "op_args", "op_kwargs", "templates_dict", "templates_exts"}
    _report_unused({key: each for key, each in given.items() if key not in done}, context)
    return made


def _call(given: Mapping[str, Argument], context: ImportContext, task: Span) -> dict[str, Any]:
    """Return a `python` task without its arguments; Airflow passes the context by signature."""
    return {"type": "python", "callable": function(given, context, task), "context": True}


def _decorated(given: Mapping[str, Argument], context: ImportContext, task: Span) -> dict[str, Any]:
    """Return a `python` task for a `@task` function: other keys than Airflow's are its arguments."""
    made = _call(given, context, task)
    rest = {key: each for key, each in given.items() if key not in (*KEYS, *_IRRELEVANT)}
    values = {key: each for key, each in rest.items() if key not in operators.BASE_ARGUMENTS}
    for each in values.values():
        if isinstance(each.node.value, str) and _XCOM.match(each.node.value):
            reason = f"`{each.node.value}`: the result of a task as an argument"
            raise NotDataError(reason, each.node.span)
    if values:
        made["args"] = {key: data(each.node, context) for key, each in values.items()}
    _report_unused({key: rest[key] for key in rest.keys() - values.keys()}, context)
    return made


def _report_unused(given: Mapping[str, Argument], context: ImportContext) -> None:
    """Report arguments that a `python` task does not have."""
    for key, each in given.items():
        context.add("no-equivalent", f"`{key}` of a Python task was left out", each.key)


def _outlets(rest: dict[str, Argument], context: ImportContext) -> dict[str, list[str]]:
    """Return the assets that a task updates; those that specs cannot name are reported."""
    given = rest.pop("outlets", None)
    if given is None or yaml11_value(given.node) is None:
        return {}
    listed = items(given.node)
    found = []
    for each in (given.node,) if listed is None else listed:
        try:
            found.append(asset(each, context))
        except NotDataError as error:
            context.add(error.code, f"an outlet was left out: {error.reason}", error.span)
    return {"outlets": found} if found else {}


def _parallel(rest: dict[str, Argument]) -> dict[str, int]:
    given = rest.get("max_active_tis_per_dagrun")
    value = yaml11_value(given.node) if given else None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        return {}
    del rest["max_active_tis_per_dagrun"]
    return {"parallel": value}


def _doc(rest: dict[str, Argument], context: ImportContext) -> dict[str, str]:
    given = rest.pop("doc_md", None)
    found = nonblank_text(given, context) if given else None
    return {"doc": found} if found else {}


def _placeholder(entry: SourceEntry, error: NotDataError, context: ImportContext) -> dict[str, Any]:
    """Return a task that fails, with a remark that says what it stands for."""
    # Left out, its successors would run without what it does.
    name = context.ids[entry.name]
    message = f"task `{name}` has no equivalent yet: {error.reason}"
    remedy = "a task that fails stands in its place; write what it should do"
    context.add("no-equivalent", message, error.span, remedy)
    return {"type": "bash", "command": f"echo 'task {name} was not imported' >&2; exit 1"}


def after(own: Mapping[str, Argument], context: ImportContext) -> dict[str, list[str]]:
    """Return `after:` for the dependencies, and for the results that the task uses."""
    given = own.get("dependencies")
    names: list[tuple[str, Span]] = []
    if given and yaml11_value(given.node) is not None:
        if not isinstance(given.node.value, tuple):
            raise BrokenError("`dependencies` is not a list", given.node.span)
        names = [(str(yaml11_value(each)), each.span) for each in given.node.value]
    found = [_known(name, span, context) for name, span in [*names, *_used(own, context)]]
    return {"after": list(dict.fromkeys(found))} if found else {}


def _known(name: str, span: Span, context: ImportContext) -> str:
    if name not in context.ids:
        remedy = did_you_mean(name, context.ids, "tasks and groups")
        raise BrokenError(f"unknown task `{shorten(name)}`", span, remedy)
    return context.ids[name]


def _used(own: Mapping[str, Argument], context: ImportContext) -> list[tuple[str, Span]]:
    """Return the tasks whose results the arguments name: each is an edge in Airflow."""
    pattern = _OUTPUT if "operator" in own else _XCOM
    places = [own[key].node for key in ("expand", "partial") if key in own]
    nodes = [] if "operator" in own else [each.node for each in own.values()]
    nodes += [
        each for node in places if isinstance(node.value, dict) for each in node.value.values()
    ]
    matches = ((pattern.match(str(node.value)), node) for node in nodes)
    found = ((next(filter(None, match.groups())), node.span) for match, node in matches if match)
    return [(name, span) for name, span in found if name in context.ids]


_COMMENTED = {"bash_command": "command", "dependencies": "after", "operator": "type"}


def _comments(made: CommentedMap, own: Mapping[str, Argument], context: ImportContext) -> None:
    """Keep the comments of keys that have one place in the result."""
    for key, each in own.items():
        name = _COMMENTED.get(key, key)
        if name in made and each.node.span.line == each.node.span.end_line:
            beside = context.comments.beside(each.node.span)
            above = context.comments.above(each.key.line)
            if beside or (above and each.key.line != min(e.key.line for e in own.values())):
                made.comments_of(name).beside, made.comments_of(name).above = beside, above


_Converter = Callable[[Mapping[str, Argument], ImportContext], dict[str, Any]]
