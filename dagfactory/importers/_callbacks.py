"""Callbacks as `alerts:`: functions by their dotted path, and the notifiers of providers.

dag-factory calls a function with Airflow's context and the arguments beside `callback`, as a `python`
alert does. A notifier is recognized by its path, its arguments by their names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dagfactory.diagnostics.wording import shorten
from dagfactory.importers._callables import DOTTED, function_in_file
from dagfactory.importers._remarks import NotDataError
from dagfactory.importers._values import data
from dagfactory.importers._yaml11 import yaml11_value

if TYPE_CHECKING:
    from dagfactory.importers._shared import Argument
    from dagfactory.importers._values import ImportContext

CALLBACK = re.compile(
    r"(?:on_(?:execute|success|failure|retry|skipped)|sla_miss)_callback(?:_name|_file)?\Z"
)
OF_TASKS = {
    f"on_{each}_callback": f"on_{each}" for each in ("failure", "retry", "success", "skipped")
}
OF_RUNS = {f"on_{each}_callback": f"on_run_{each}" for each in ("failure", "success")}
_MAILS = {"email_on_failure": "on_failure", "email_on_retry": "on_retry"}
"""Airflow's flags, each true where it is absent."""

_WITHOUT = {
    "on_execute_callback": "alerts tell what became of a task, not that it begins",
    "sla_miss_callback": "`alerts: {deadline: 8h}` tells that a run is late",
}
_SLACK = "airflow.providers.slack.notifications"
_NOTIFIERS = {
    f"{_SLACK}.slack.send_slack_notification": "slack",
    f"{_SLACK}.slack.SlackNotifier": "slack",
    f"{_SLACK}.slack_webhook.send_slack_webhook_notification": "slack",
    f"{_SLACK}.slack_webhook.SlackWebhookNotifier": "slack",
    "airflow.providers.smtp.notifications.smtp.send_smtp_notification": "email",
    "airflow.providers.smtp.notifications.smtp.SmtpNotifier": "email",
}
_ARGUMENTS = {
    "slack": {
        "slack_conn_id": "connection",
        "slack_webhook_conn_id": "connection",
        "channel": "channel",
        "text": "message",
    },
    "email": {
        "to": "to",
        "cc": "cc",
        "from_email": "sender",
        "subject": "subject",
        "html_content": "body",
        "smtp_conn_id": "connection",
    },
}
_DEFAULTS = {
    f"{_SLACK}.slack.": {"connection": "slack_api_default", "channel": "general"},
    f"{_SLACK}.slack_webhook.": {"connection": "slack_default"},
}
"""Defaults of a notifier for keys that an alert requires."""


def alerts(
    given: Mapping[str, Argument],
    events: Mapping[str, str],
    context: ImportContext,
    *,
    mails: bool = False,
) -> tuple[dict[str, list[Any]], dict[str, Argument]]:
    """Return the callbacks as alerts, and the arguments that are not callbacks; `mails` are alerts, too.

    A callback without an equivalent is a remark that says why.
    """
    found, given = _mail_alerts(given, context) if mails else ({}, given)
    for key, each in given.items():
        name = re.sub("_(name|file)$", "", key)
        if not CALLBACK.match(key) or key.endswith("_file") or yaml11_value(each.node) is None:
            continue
        try:
            found.setdefault(_event(name, events, each), []).append(
                _alert(key, each, given, context)
            )
        except NotDataError as error:
            context.add(error.code, f"callback `{name}` was left out: {error.reason}", each.key)
    return found, {key: each for key, each in given.items() if not CALLBACK.match(key)}


def tells(given: Mapping[str, Argument]) -> bool:
    """Return whether arguments say whom to tell what becomes of a task."""
    return any(CALLBACK.match(key) or key.startswith("email") for key in given)


def _mail_alerts(
    given: Mapping[str, Argument], context: ImportContext
) -> tuple[dict[str, list[Any]], Mapping[str, Argument]]:
    """Return the mails that Airflow sends of failed attempts as alerts, and the other arguments."""
    address = given.get("email")
    try:
        people = data(address.node, context) if address else None
    except NotDataError:  # said where the argument is carried over
        return {}, given
    people = [people] if isinstance(people, str) else people
    if not (address and isinstance(people, list) and all(_is_address(each) for each in people)):
        return {}, given
    flags = {key: given[key] for key in _MAILS if key in given}
    events = [
        event
        for key, event in _MAILS.items()
        if key not in flags or yaml11_value(flags[key].node) is True
    ]
    if events and people:
        message = (
            "`email` is an alert: another subject and text, sent by the connection smtp_default"
        )
        context.add("changed", message, address.key)
    made = {event: [{"email": {"to": people}}] for event in events if people}
    return made, {key: each for key, each in given.items() if key not in ("email", *_MAILS)}


def _is_address(each: object) -> bool:
    return isinstance(each, str) and "@" in each and not re.search(r"[\s,;]", each)


def _event(name: str, events: Mapping[str, str], each: Argument) -> str:
    """Return the key of `alerts:` for a callback; raises NotDataError for one without a key."""
    if name not in events:
        raise NotDataError(_WITHOUT.get(name, "nothing calls it here"), each.key)
    return events[name]


def _alert(
    key: str, each: Argument, given: Mapping[str, Argument], context: ImportContext
) -> dict[str, Any]:
    """Return one alert; raises NotDataError unless it is a function or a known notifier."""
    if key.endswith("_name"):
        file = given.get(f"{key.removesuffix('_name')}_file")
        if file is None:
            raise NotDataError("no file is named that holds it", each.key)
        return {"python": {"callable": function_in_file(each, file, context)}}
    if isinstance(each.node.value, tuple):
        raise NotDataError("dag-factory takes one function, not a list", each.key)
    values = each.node.value if isinstance(each.node.value, dict) else {"callback": each.node}
    path = str(yaml11_value(values["callback"])) if "callback" in values else ""
    if not DOTTED.fullmatch(path):
        raise NotDataError(f"`{shorten(path)}` is not a dotted path", each.node.span)
    arguments = {name: data(node, context) for name, node in values.items() if name != "callback"}
    if path in _NOTIFIERS:
        return _notifier(path, arguments, each, context)
    if ".notifications." in path and path.startswith("airflow."):
        raise NotDataError(f"no alert is like `{path.rpartition('.')[2]}`", each.node.span)
    if "{{" in str(arguments):
        message = f"the templates among the arguments of `{path}` are rendered before it is called"
        context.add("changed", message, each.key)
    return {"python": {"callable": path, **({"args": arguments} if arguments else {})}}


def _notifier(
    path: str, arguments: Mapping[str, Any], each: Argument, context: ImportContext
) -> dict[str, Any]:
    """Return the alert that sends what a provider's notifier does; other arguments are remarks."""
    kind = _NOTIFIERS[path]
    names = _ARGUMENTS[kind]
    made = {names[name]: value for name, value in arguments.items() if name in names}
    for name in arguments.keys() - names.keys():
        context.add("no-equivalent", f"`{name}` of a notifier was left out", each.key)
    usual = next((each for start, each in _DEFAULTS.items() if path.startswith(start)), {})
    made = usual | made
    if kind == "email" and not made.get("to"):
        raise NotDataError("it names nobody to write to", each.key)
    return {kind: made}
