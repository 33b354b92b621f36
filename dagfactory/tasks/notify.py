"""`notify`: tell somebody, by Slack or by mail, at a point of the pipeline.

What is told when a run fails stands under `alerts:`; this is for everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from dagfactory.language.alerts import People
from dagfactory.language.common import SpecModel, Text, bad, missing
from dagfactory.language.job import Data
from dagfactory.language.task import TaskBase
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._google import given, lazy

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.task_api.context import LoweringContext, TaskContext

SLACK = "airflow.providers.slack.operators.slack_webhook.SlackWebhookOperator"
EMAIL = "airflow.providers.smtp.operators.smtp.EmailOperator"


class Slack(SpecModel):
    """A message through an incoming webhook."""

    connection: Text = Field(
        description="Airflow connection of the incoming webhook.", examples=["slack_ml"]
    )
    message: Text = Field(
        description="Text in Slack's mrkdwn.",
        examples=["`{{ dag.dag_id }}` reached {{ ti.xcom_pull('search')['value'] }}"],
    )
    blocks: list[Data] = Field(
        [],
        description="Blocks of Slack's Block Kit; `message` then is what notifications show.",
        examples=[[{"type": "divider"}]],
    )
    channel: Text | None = Field(
        None, description="Channel; only legacy webhooks can choose it.", examples=["#ml-alerts"]
    )


class Email(SpecModel):
    """A mail through an SMTP server."""

    to: People = Field(description="Addresses.", examples=[["ml-team@example.com"]])
    subject: Text = Field(description="Subject.", examples=["{{ dag.dag_id }} deployed"])
    body: Text = Field(
        description="Text in HTML.", examples=["<p>New model: ${tasks.register.model}</p>"]
    )
    cc: People | None = Field(None, description="Copies to.", examples=["head@example.com"])
    bcc: People | None = Field(None, description="Hidden copies to.", examples=["log@example.com"])
    sender: Text | None = Field(
        None, description="Sender; the connection's if absent.", examples=["airflow@example.com"]
    )
    connection: Text | None = Field(
        None, description="Airflow connection; `smtp_default` if absent.", examples=["smtp_ml"]
    )


class Notify(TaskBase):
    """Send one message; one of `slack` and `email`."""

    type: Literal["notify"]
    slack: Slack | None = Field(
        None,
        description="A Slack message.",
        examples=[{"connection": "slack_ml", "message": "Done."}],
    )
    email: Email | None = Field(
        None,
        description="A mail.",
        examples=[{"to": "a@example.com", "subject": "Done", "body": "."}],
    )

    @model_validator(mode="after")
    def _one(self) -> Notify:
        if self.slack is None and self.email is None:
            raise missing("slack", "or `email`: how to tell them")
        if self.slack is not None and self.email is not None:
            raise bad("`slack` and `email` exclude each other", "use two tasks", ("email",))
        return self


def lower(task: Notify, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the provider's operator, imported when the task runs: no provider is needed to parse."""
    if task.slack:
        return lazy(task, lowering, context, SLACK, _slack(task.slack))
    if task.email is None:
        raise ValueError("a message without a way reached lowering")
    return lazy(task, lowering, context, EMAIL, _email(task.email))


def _slack(message: Slack) -> dict[str, Any]:
    return given(
        {
            "slack_webhook_conn_id": message.connection,
            "message": message.message,
            "blocks": list(message.blocks),
            "channel": message.channel,
        }
    )


def _email(mail: Email) -> dict[str, Any]:
    return given(
        {
            "to": list(mail.to),
            "subject": mail.subject,
            "html_content": mail.body,
            "cc": list(mail.cc or ()),
            "bcc": list(mail.bcc or ()),
            "from_email": mail.sender,
            "conn_id": mail.connection,
        }
    )


TASK_TYPE = TaskType(Notify, lower)
