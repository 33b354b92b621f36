"""Task logs of Airflow 2.11.1, as that version wrote them."""

from __future__ import annotations

import pytest

from dagfactory.run.logs import failure_text, tail

HEAD = "[2026-11-23T15:35:06.448+0000]"
LOG = f"""\
{HEAD} {{local_task_job_runner.py:123}} INFO - ::group::Pre task execution logs
{HEAD} {{job.py:151}} INFO - Launched projects/1/locations/r/trainingPipelines/2: https://console
{HEAD} {{job.py:99}} WARNING - No capacity
two lines
{HEAD} {{taskinstance.py:3336}} ERROR - Task failed with exception
Traceback (most recent call last):
  File "/a/http.py", line 5, in call
    raise ValueError(text)
ValueError: inner

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/a/taskinstance.py", line 776, in _execute_task
    result = _execute_callable(context=context, **execute_callable_kwargs)
  File "/a/job.py", line 113, in execute_complete
    raise AirflowException(message)
airflow.exceptions.AirflowException: projects/1 ended in PIPELINE_STATE_FAILED: 3
  the last words
{HEAD} {{taskinstance.py:1226}} INFO - Marking task as UP_FOR_RETRY.
{HEAD} {{standard_task_runner.py:124}} ERROR - Failed to execute job 6 for task train (projects/1 ended
  the last words; 12343)
Traceback (most recent call last):
  File "/a/standard_task_runner.py", line 117, in _start_by_fork
    return_code = ret = task_run_by_task_id()
airflow.exceptions.AirflowException: projects/1 ended in PIPELINE_STATE_FAILED: 3
{HEAD} {{local_task_job_runner.py:245}} INFO - 0 downstream tasks scheduled from follow-on schedule check
"""


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "attempt=1.log"
    path.write_text(LOG)
    return path


def test_a_log_ends_readably(log):
    assert tail(log, 5) == (
        "WARNING  No capacity",
        "         two lines",
        "ERROR    Task failed with exception",
        "         AirflowException: projects/1 ended in PIPELINE_STATE_FAILED: 3",
        "           the last words (/a/job.py:113)",
    )


def test_the_reason_of_a_failure_is_its_last_exception(log):
    reason = "AirflowException: projects/1 ended in PIPELINE_STATE_FAILED: 3 …   the last words"
    assert failure_text(log) == reason


def test_a_traceback_that_was_cut_off_is_no_reason_to_fail(log):
    log.write_text(LOG.partition("    raise ValueError")[0])
    assert failure_text(log) == ": "
