"""Alerts: callbacks that report the end of a task or a run to Slack, mail, PagerDuty or a webhook.

They work in whatever process Airflow calls them (a worker, the DAG processor, the executor for a
deadline), on Airflow 2 and 3. Parsing a DAG file only makes small objects; the code that sends is imported
when an alert fires. An alert that cannot be sent is logged and never fails a task.
"""

from __future__ import annotations

import html
import logging
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from .alert_context import escaped, event_fields
from .call import imported
from .http import NotSentError, base_url, connection, post_json

log = logging.getLogger("airflow.task")


def _unchanged(text: str) -> str:
    return text


def _slack(text: str) -> str:
    """Escape what Slack's mrkdwn would read as links and mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Alert(ABC):
    """A callback for ``event`` (see :mod:`.alert_context`); ``arguments`` are templated when it fires.

    Templates see Airflow's context, as far as the process has one, and the fields of the event as
    ``alert.NAME``.
    """

    texts: ClassVar[dict[str, str]] = {}
    """Default texts: used where the user gives none, or one that cannot be rendered."""
    escape: ClassVar[Any] = staticmethod(_unchanged)
    """What makes the value of a field fit for the medium; the user's own text is not escaped."""

    def __init__(self, *, event: str, **arguments: Any) -> None:
        self.event = event
        self.arguments = arguments

    def __repr__(self) -> str:
        """Return the same text in every process: Airflow compares the text of a DAG's arguments."""
        given = "".join(f", {name}={value!r}" for name, value in self.arguments.items())
        return f"{type(self).__name__}(event={self.event!r}{given})"

    # Airflow deep-copies `default_args`; a copy is the same alert.
    def __eq__(self, other: object) -> bool:
        return repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __call__(self, context: Any) -> None:
        """Send the alert; an error is logged and not raised."""
        name = type(self).__name__
        try:
            fields = event_fields(self.event, context)
            # Values are escaped before the user's template is rendered, and the result is never
            # rendered again: a `{{` or a tag in an error message stays text.
            context["alert"] = escaped(fields, self.escape)
            self.send(self._rendered(context), fields, context)
        except NotSentError as error:
            # without a traceback: it would show the address, which can hold a token
            log.error("%s for %s was not sent: %s", name, self.event, error)  # noqa: TRY400
        except Exception:
            log.exception("%s for %s was not sent", name, self.event)
        else:
            log.info("%s for %s was sent", name, self.event)

    @abstractmethod
    def send(self, given: dict[str, Any], fields: dict[str, str], context: Any) -> None:
        """Send the rendered arguments; raises NotSentError when the receiver does not accept them."""

    def _rendered(self, context: Any) -> dict[str, Any]:
        """Render the arguments; use the default texts where one cannot be rendered."""
        try:
            return dict(_render({**self.texts, **self.arguments}, context))
        except Exception:
            # The context of a deadline is the run as data: a template such as `{{ ds }}` fails there, and
            # a default text is worth more than no alert.
            log.exception("a text of %r cannot be rendered, the default is sent", self)
            return {**self.arguments, **_render(self.texts, context)}


def _render(value: Any, context: Any) -> Any:
    """Render every text inside a value as Airflow renders a task's arguments."""
    # Airflow's own templating, by a class that both lines have and that needs no task.
    from airflow.providers.common.compat.notifier import BaseNotifier

    class Renderer(BaseNotifier):
        def notify(self, context: Any) -> None:
            """Do nothing: only its templating is used."""

    renderer = Renderer()
    return renderer.render_template(value, context, renderer.get_template_env(context.get("dag")))


class SlackAlert(Alert):
    """A message to Slack: through an incoming webhook, or as a bot for a connection of type slack.

    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
    https://docs.slack.dev/reference/methods/chat.postMessage
    """

    escape = staticmethod(_slack)
    texts: ClassVar[dict[str, str]] = {
        "message": "*{{ alert.title }}*"
        "{% if alert.error %}\n> {{ alert.error }}{% endif %}"
        "\nrun `{{ alert.run }}`"
        "{% if alert.owner %} · owner {{ alert.owner }}{% endif %}"
        "{% if alert.log %} · <{{ alert.log }}|open in Airflow>{% endif %}"
    }

    def send(self, given: dict[str, Any], fields: dict[str, str], context: Any) -> None:
        """Post the message."""
        del fields, context
        conn = connection(given["connection"])
        body = {"text": given["message"]}
        if given.get("channel"):
            body["channel"] = given["channel"]
        token = (conn.password or "").strip()
        # The fields are read as the Slack provider reads them, so that an existing connection fits.
        # The provider itself is not used: Composer does not preinstall it.
        if conn.conn_type == "slack":
            base = conn.extra_dejson.get("base_url") or "https://slack.com/api"
            headers = {"Authorization": f"Bearer {token}"}
            answer = post_json(f"{base.rstrip('/')}/chat.postMessage", body, headers=headers).json()
            # Slack's Web API reports errors with HTTP 200.
            if not answer.get("ok"):
                raise NotSentError(f"Slack says {answer.get('error')}")
            return
        if not token:
            raise NotSentError(f"connection {given['connection']} has no webhook in its password")
        hooks = base_url(conn, "https://hooks.slack.com/services")
        # Both ways of keeping a webhook are in use: the whole address, or its secret part.
        post_json(token if "://" in token else f"{hooks}/{token}", body)


class EmailAlert(Alert):
    """A mail through the SMTP provider, which is installed with Airflow."""

    escape = staticmethod(html.escape)
    texts: ClassVar[dict[str, str]] = {
        "subject": "{{ alert.title }}",
        "body": "<p><b>{{ alert.title }}</b></p>"
        "{% if alert.error %}<pre>{{ alert.error }}</pre>{% endif %}"
        "<p>Run {{ alert.run }}"
        "{% if alert.owner %}, owner {{ alert.owner }}{% endif %}</p>"
        '{% if alert.log %}<p><a href="{{ alert.log }}">Open in Airflow</a></p>{% endif %}',
    }

    def send(self, given: dict[str, Any], fields: dict[str, str], context: Any) -> None:
        """Send the mail; a subject is plain text of one line."""
        from airflow.configuration import conf
        from airflow.providers.smtp.hooks.smtp import SmtpHook

        del fields, context
        # the connection of Airflow's own mails, where the deployment names one
        default = conf.get("email", "email_conn_id", fallback=None) or SmtpHook.default_conn_name
        with SmtpHook(smtp_conn_id=given.get("connection") or default) as hook:
            hook.send_email_smtp(
                to=given["to"],
                cc=given.get("cc"),
                from_email=given.get("sender"),
                # The fields were escaped for the HTML body. A line break would end the header.
                subject=" ".join(html.unescape(given["subject"]).split()),
                html_content=given["body"],
            )


class PagerDutyAlert(Alert):
    """An incident; events of one task of one run are one incident.

    https://developer.pagerduty.com/docs/send-alert-event
    """

    texts: ClassVar[dict[str, str]] = {"message": "{{ alert.title }}"}

    def send(self, given: dict[str, Any], fields: dict[str, str], context: Any) -> None:
        """Trigger the incident."""
        del context
        conn = connection(given["connection"])
        body = {
            "routing_key": conn.password,
            "event_action": "trigger",
            # without the try: all failures of one task in one run are one incident
            "dedup_key": "/".join(
                (fields["dag"], fields["run"], fields["task"] or fields["event"])
            ),
            "payload": {
                "summary": given["message"][:1024],  # the limit of the Events API
                "source": fields["dag"],
                "severity": given["severity"],
                "custom_details": fields,
            },
        }
        if fields["log"]:
            body["links"] = [{"href": fields["log"], "text": "Airflow"}]
        post_json(f"{base_url(conn, 'https://events.pagerduty.com')}/v2/enqueue", body)


class WebhookAlert(Alert):
    """A JSON document to the address of a connection; its extras are headers, as in Airflow's HttpHook."""

    def send(self, given: dict[str, Any], fields: dict[str, str], context: Any) -> None:
        """Post the document."""
        del context
        conn = connection(given["connection"])
        if not conn.host:
            raise NotSentError(f"connection {given['connection']} has no host")
        headers = {key: text for key, text in conn.extra_dejson.items() if isinstance(text, str)}
        auth = (conn.login, conn.password or "") if conn.login else None
        post_json(base_url(conn, ""), given.get("body") or fields, headers=headers, auth=auth)


class PythonAlert(Alert):
    """A Python function of the user: ``function(context, **args)``."""

    def send(self, given: dict[str, Any], fields: dict[str, str], context: Any) -> None:
        """Import the function and call it."""
        del fields
        imported(given["function"], given.get("code", ""))(context, **given.get("args", {}))


ALERTS = {
    each.__name__: each
    for each in (SlackAlert, EmailAlert, PagerDutyAlert, WebhookAlert, PythonAlert)
}


def run_deadline(*, within: Any, alerts: list[Alert]) -> Any:
    """Return Airflow's deadline for a run: ``within`` counts from when the run is queued.

    None on Airflow before 3.2.
    """
    try:
        from airflow.sdk import (  # type: ignore[attr-defined]  # Airflow's stub lacks them
            DeadlineAlert,
            DeadlineReference,
            SyncCallback,
        )
    except ImportError:  # 3.1 has callbacks on the triggerer only, which cannot import this package
        log.warning("deadlines need Airflow 3.2 or later, this one is left out")
        return None
    # Airflow stores the callback with the run as the path of a function and JSON: objects cannot
    # travel, and `deadline_passed` keeps its name for the runs of older bundles.
    data = [{"kind": type(each).__name__, "arguments": each.arguments} for each in alerts]
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=within,
        callback=SyncCallback(deadline_passed, {"alerts": data}),
    )


def deadline_passed(context: Any, alerts: list[dict[str, Any]]) -> None:
    """Send the alerts of a late run; Airflow calls this with the run and the deadline as data."""
    run = context.get("dag_run") or {}
    for each in alerts:
        alert = ALERTS[each["kind"]](event="deadline", **each["arguments"])
        alert({**context, "run_id": run.get("dag_run_id", "")})
