"""Keys that tasks, groups and `default_args` share: retries, time limits, pools, queues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from dagfactory.importers._values import ImportContext, data, duration, text
from dagfactory.importers._yaml11 import yaml11_value
from dagfactory.language.task import TriggerRule

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import Span
    from dagfactory.document.node import Node

_MOST_RETRIES = 20
_LONGEST_PAUSE = "24h"
"""Airflow's own limit of a growing pause (`core.max_task_retry_delay`)."""

_RETRIES = ("retries", "retry_delay", "retry_exponential_backoff", "max_retry_delay")
_PLAIN = {
    "pool": "pool",
    "queue": "queue",
    "pool_slots": "pool_slots",
    "priority_weight": "priority",
}
_FLAGS = ("depends_on_past", "wait_for_downstream")
_OLD_NAMES = {
    "retry_delay_sec": "retry_delay",
    "execution_timeout_secs": "execution_timeout",
    "max_retry_delay_sec": "max_retry_delay",
}
_OLD_RULES = {
    "dummy": "always",
    "none_failed_or_skipped": "none_failed_min_one_success",
}


@dataclass(frozen=True, slots=True)
class Argument:
    """A value and the place of its key."""

    node: Node
    key: Span


def fields(node: Node | None) -> dict[str, Argument]:
    """Return the entries of a mapping, names of dag-factory 0.x replaced by Airflow's."""
    if node is None or not isinstance(node.value, dict):
        return {}
    return {
        _OLD_NAMES.get(key, key): Argument(each, node.keys[key]) for key, each in node.value.items()
    }


def shared(
    given: Mapping[str, Argument], context: ImportContext
) -> tuple[dict[str, Any], dict[str, Argument]]:
    """Return the keys of the language for what they share, and what is left."""
    made: dict[str, Any] = {}
    repeated = retries(given, context)
    if repeated:
        made["retries"] = repeated
    limit = given.get("execution_timeout")
    if limit and limit.node.value is not None:
        found = duration(limit.node, context)
        made |= {"timeout": found} if found else {}
    for key, name in _PLAIN.items():
        if key in given and yaml11_value(given[key].node) is not None:
            made[name] = data(given[key].node, context)
    for key in _FLAGS:
        if key in given and isinstance(yaml11_value(given[key].node), bool):
            made[key] = yaml11_value(given[key].node)
    done = {*_RETRIES, "execution_timeout", *_PLAIN, *_FLAGS}
    return made, {key: each for key, each in given.items() if key not in done}


def retries(given: Mapping[str, Argument], context: ImportContext) -> dict[str, Any]:
    """Return `retries:` for Airflow's four arguments, only what is given."""
    values = {key: each for key, each in given.items() if yaml11_value(each.node) is not None}
    made: dict[str, Any] = {}
    if "retries" in values:
        made |= _attempts(values["retries"].node, context)
    if "retry_delay" in values:
        found = duration(values["retry_delay"].node, context, least=0)
        made |= {"delay": found} if found else {}
    if "retry_exponential_backoff" in values:
        made |= _backoff(values["retry_exponential_backoff"].node, context)
    if "max_retry_delay" in values:
        found = duration(values["max_retry_delay"].node, context, least=0)
        made |= {"max_delay": found} if found else {}
    elif made.get("backoff") == "exponential":
        made["max_delay"] = _LONGEST_PAUSE
    return made


def _attempts(node: Node, context: ImportContext) -> dict[str, int]:
    value = yaml11_value(node)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        context.add("no-equivalent", "`retries` that is not a number was left out", node.span)
        return {}
    if value > _MOST_RETRIES:
        context.add("changed", f"{value} retries become {_MOST_RETRIES}, the most", node.span)
    return {"attempts": min(value, _MOST_RETRIES)}


def _backoff(node: Node, context: ImportContext) -> dict[str, str]:
    value = yaml11_value(node)
    if not isinstance(value, bool):
        message = "a multiplier of the pause becomes plain exponential backoff"
        context.add("changed", message, node.span)
    return {"backoff": "exponential" if value else "fixed"}


def trigger_rule(given: Argument, context: ImportContext) -> str | None:
    """Return the rule of the language; None, with a remark, when it has none of that name."""
    value = str(yaml11_value(given.node))
    value = _OLD_RULES.get(value, value)
    if value not in get_args(TriggerRule):
        context.add("no-equivalent", f"trigger rule `{value}` was left out", given.node.span)
        return None
    return value


def nonblank_text(given: Argument, context: ImportContext) -> str | None:
    """Return a text that is not blank, or None."""
    if yaml11_value(given.node) is None or isinstance(given.node.value, dict | tuple):
        return None
    found = text(given.node, context)
    return found if found.strip() else None
