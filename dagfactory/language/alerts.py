"""Whom to tell what: `alerts:` of a pipeline and of a task."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dagfactory.language.common import (
    FunctionPath,
    NotificationChannel,
    PositiveDuration,
    PositiveInt,
    SpecModel,
    Text,
    bad,
    listed,
)

_FEWEST_SECONDS, _MOST_SECONDS = 60, 90_000
"""Bounds of an alignment period in alerting policies (Cloud Monitoring, `Aggregation`)."""


People = Annotated[
    list[Text],
    BeforeValidator(listed, json_schema_input_type=str | list[str]),
    Field(min_length=1),
]


def _connection(value: str) -> str:
    if "://" in value or value.startswith("hooks.slack.com"):
        raise bad(
            "this is an address, and an address that anybody may post to is a secret",
            "store it in an Airflow connection and write the connection's id, e.g. `slack_ml`",
            hidden=True,
        )
    return value


ConnectionId = Annotated[Text, AfterValidator(_connection)]


class SlackAlert(SpecModel):
    """A message to Slack."""

    connection: ConnectionId = Field(
        description="Airflow connection: an incoming webhook, or (type `slack`) a bot's token.",
        examples=["slack_ml"],
    )
    channel: Text | None = Field(
        None, description="Channel; needed with a bot's token.", examples=["#ml-alerts"]
    )
    message: Text | None = Field(
        None,
        description="Text in Slack's mrkdwn; says what happened if absent.",
        examples=["`{{ alert.task }}` of `{{ alert.dag }}` failed: {{ alert.error }}"],
    )


class EmailAlert(SpecModel):
    """A mail through an SMTP server."""

    to: People = Field(description="Addresses.", examples=[["ml-team@example.com"]])
    subject: Text | None = Field(
        None, description="Subject; says what happened if absent.", examples=["{{ alert.title }}"]
    )
    body: Text | None = Field(
        None,
        description="Text in HTML; says what happened if absent.",
        examples=["<p>{{ alert.error }}</p>"],
    )
    cc: People | None = Field(None, description="Copies to.", examples=["head@example.com"])
    sender: Text | None = Field(
        None, description="Sender; the connection's if absent.", examples=["airflow@example.com"]
    )
    connection: ConnectionId | None = Field(
        None, description="Airflow connection; `smtp_default` if absent.", examples=["smtp_ml"]
    )


class PagerDutyAlert(SpecModel):
    """An incident in PagerDuty, by its Events API."""

    connection: ConnectionId = Field(
        description="Airflow connection that has the integration key as its password.",
        examples=["pagerduty_ml"],
    )
    severity: Literal["critical", "error", "warning", "info"] = Field(
        "error", description="Severity of the incident.", examples=["critical"]
    )
    message: Text | None = Field(
        None, description="Summary; says what happened if absent.", examples=["{{ alert.title }}"]
    )


class WebhookAlert(SpecModel):
    """A JSON document to any other address."""

    connection: ConnectionId = Field(
        description="Airflow connection with the address; login, password and extras (headers) count.",
        examples=["ops_hook"],
    )
    body: dict[Text, Any] = Field(
        {},
        description="The document; all of `alert` if absent.",
        examples=[{"text": "{{ alert.title }}", "source": "airflow"}],
    )


class PythonAlert(SpecModel):
    """A function of your own."""

    callable: FunctionPath = Field(
        description="Dotted path of a function, installed on the workers or of the environment's `code`; "
        "it gets Airflow's context, then `args`.",
        examples=["my_team.alerts.page"],
    )
    args: dict[Text, Any] = Field(
        {}, description="Keyword arguments.", examples=[{"who": "on call"}]
    )


class Notifier(SpecModel):
    """One way to tell somebody; exactly one key."""

    slack: SlackAlert | None = Field(None, description="A message to Slack.")
    email: EmailAlert | None = Field(None, description="A mail.")
    pagerduty: PagerDutyAlert | None = Field(None, description="An incident in PagerDuty.")
    webhook: WebhookAlert | None = Field(None, description="A JSON document to any other address.")
    python: PythonAlert | None = Field(None, description="A function of your own.")

    @model_validator(mode="after")
    def _one(self) -> Notifier:
        given = [key for key in type(self).model_fields if getattr(self, key) is not None]
        if len(given) != 1:
            ways = "`slack`, `email`, `pagerduty`, `webhook` and `python`"
            found = " and ".join(f"`{key}`" for key in given) or "none"
            raise bad(
                f"an alert needs exactly one of {ways}, and this has {found}",
                "write one `- ` for each",
            )
        return self


Notifiers: TypeAlias = list[Notifier]


class TaskAlerts(SpecModel, defer_build=False):
    """Whom to tell what becomes of a task. A list replaces the pipeline's; an empty one silences it."""

    on_failure: Notifiers | None = Field(
        None,
        description="when a task has failed for good, its last retry included",
        examples=[[{"slack": {"connection": "slack_ml"}}]],
    )
    on_retry: Notifiers | None = Field(
        None, description="when an attempt failed and another one follows"
    )
    on_success: Notifiers | None = Field(None, description="when a task has succeeded")
    on_skipped: Notifiers | None = Field(None, description="when a task skipped itself")


def _within(value: Any) -> Any:
    return {"within": value} if isinstance(value, str) else value


class Deadline(SpecModel):
    """Until when a run should have ended, and whom to tell when it has not."""

    within: PositiveDuration = Field(
        description="how long after it was queued a run may be unfinished, e.g. 8h"
    )
    notify: Notifiers | None = Field(
        None, description="whom to tell; those of `on_run_failure`, else of `on_failure`, if absent"
    )


def _counted(value: timedelta) -> timedelta:
    if not _FEWEST_SECONDS <= value.total_seconds() <= _MOST_SECONDS:
        raise bad("Cloud Monitoring counts over 1m to 25h", "write for example `1h`")
    return value


class Monitoring(SpecModel):
    """An alerting policy of Cloud Monitoring: it also watches when Airflow itself is down."""

    failures: PositiveInt = Field(1, description="failed runs within `period` that raise the alarm")
    period: Annotated[PositiveDuration, AfterValidator(_counted)] = Field(
        timedelta(hours=1), description="time over which failed runs are counted, 1m to 25h"
    )
    duration: PositiveDuration | None = Field(
        None, description="the longest a run should take; that of `deadline` if absent"
    )
    severity: Literal["critical", "error", "warning"] = Field(
        "error", description="severity of the incident"
    )
    channels: list[NotificationChannel] = Field(
        [],
        description="notification channels of Cloud Monitoring",
        examples=[["projects/my-project/notificationChannels/1234"]],
    )


class Alerts(TaskAlerts):
    """Whom to tell what becomes of the pipeline's tasks and runs."""

    on_run_failure: Notifiers | None = Field(None, description="when a whole run has failed")
    on_run_success: Notifiers | None = Field(None, description="when a whole run has succeeded")
    deadline: (
        Annotated[Deadline, BeforeValidator(_within, json_schema_input_type=str | Deadline)] | None
    ) = Field(None, description="until when a run should have ended", examples=["8h"])
    monitoring: Monitoring | None = Field(
        None, description="an alerting policy of Cloud Monitoring, written beside the DAG"
    )

    @model_validator(mode="after")
    def _somebody(self) -> Alerts:
        deadline = self.deadline
        if deadline and not (deadline.notify or self.on_run_failure or self.on_failure):
            raise bad(
                "nobody would be told that the deadline has passed",
                "add `on_failure:`, or write `deadline: {within: 8h, notify: [...]}`",
                ("deadline",),
            )
        return self
