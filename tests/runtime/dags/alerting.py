"""Tasks that fail, are tried again, succeed and skip themselves, each telling somebody else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, AirflowException
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from dagfactory_runtime_under_test.alert import (
    EmailAlert,
    PagerDutyAlert,
    PythonAlert,
    SlackAlert,
    WebhookAlert,
)

HOSTILE = "a <b> & {{ 7 * 191 }} <!channel>"


def breaks() -> None:
    raise AirflowException(f"many\nlines\n{HOSTILE}")


def noted(context: Any, word: str) -> None:
    """Be the user's own alert: send what it got as a mail would."""
    WebhookAlert(event="success", connection="ops_hook", body={"word": word, "f": "own"})(context)


SLACK = SlackAlert(event="failure", connection="slack_ml")
EVERYBODY = [
    SLACK,
    SlackAlert(
        event="failure",
        connection="slack_bot",
        channel="#ml",
        message="{{ alert.task }} on {{ ds }}: {{ alert.error }}",
    ),
    EmailAlert(event="failure", to=["ml@example.com"], cc=["head@example.com"]),
    PagerDutyAlert(event="failure", connection="pagerduty_ml", severity="critical"),
    WebhookAlert(event="failure", connection="ops_hook"),
]

with DAG(
    "alerting",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001
    catchup=False,
    default_args={"owner": "ml-team", "retries": 0, "on_failure_callback": EVERYBODY},
) as dag:
    PythonOperator(task_id="fails", python_callable=breaks)
    PythonOperator(
        task_id="again",
        python_callable=breaks,
        retries=1,
        retry_delay=timedelta(0),
        on_failure_callback=[],
        on_retry_callback=[WebhookAlert(event="retry", connection="ops_hook")],
    )
    PythonOperator(
        task_id="misworded",
        python_callable=breaks,
        on_failure_callback=[
            SlackAlert(event="failure", connection="slack_ml", message="{{ alert.task / 0 }}")
        ],
    )
    BashOperator(
        task_id="fine",
        bash_command="true",
        on_success_callback=[
            PythonAlert(
                event="success", function="alerting.noted", args={"word": "{{ ti.task_id }}"}
            ),
            PythonAlert(event="success", function="alerting.nowhere"),
        ],
    )
    BashOperator(
        task_id="skips",
        bash_command="exit 99",
        on_skipped_callback=[WebhookAlert(event="skipped", connection="ops_hook")],
    )
    BashOperator(
        task_id="unsent",
        bash_command="true",
        on_success_callback=[
            SlackAlert(event="success", connection="not_there"),
            WebhookAlert(event="success", connection="ops_gone"),
            WebhookAlert(event="success", connection="ops_hook", body={"after": "two that failed"}),
        ],
    )
