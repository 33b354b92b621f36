"""One real Airflow (SQLite, scheduler, LocalExecutor, triggerer) carries several checks each.

All starts share one state folder: the first migrates the database, the others use it again.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from attacks import got_in, open_to_others
from processes import started

from dagfactory.run.airflow_api import AirflowApi
from dagfactory.run.events import MappedProgress, Phase, RunError, RunStarted, TaskChange
from dagfactory.run.execute import RunOptions, execute
from dagfactory.run.state_folders import StateFolders

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HEAD = """
import datetime as dt
from airflow.providers.common.compat.sdk import DAG, Param
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync

"""

WHOLE = HEAD + textwrap.dedent("""
    SOON = "{{ macros.datetime.now(macros.dateutil.tz.UTC) + macros.timedelta(seconds=2) }}"

    def trained():
        outputs = {"metrics": "gs://demo/m/metrics.json", "model_dir": "gs://demo/m"}
        return {"job": "j", "outputs": outputs}

    with DAG(
        "whole",
        schedule="@daily",
        start_date=dt.datetime(2026, 1, 1),
        params={"threshold": Param(0.9, type="number")},
        default_args={"retries": 1, "retry_delay": dt.timedelta(seconds=1)},
    ):
        start = EmptyOperator(task_id="start")
        wait = DateTimeSensorAsync(task_id="wait", target_time=SOON)
        trials = BashOperator.partial(task_id="trials").expand(bash_command=["true"] * 3)
        show = "echo {{ params.threshold }}; test {{ ti.try_number }} = 2"
        again = BashOperator(task_id="again", bash_command=show)
        train = PythonOperator(task_id="train", python_callable=trained)
        full = "echo no space left >&2; exit 3"
        fails = BashOperator(task_id="fails", bash_command=full, retries=0)
        never = EmptyOperator(task_id="never")
        start >> [wait, trials, again] >> train >> fails >> never
    """)

SLOW = HEAD + textwrap.dedent("""
    with DAG("slow", schedule=None, start_date=dt.datetime(2026, 1, 1)):
        BashOperator(task_id="sleep", bash_command="exec sleep 600")
    """)

COMMAND = """
import sys
from pathlib import Path
from dagfactory.run.execute import RunOptions, execute
from dagfactory.run.interrupt import Stopped, stoppable
from dagfactory.run.lines import LinePrinter
from dagfactory.run.airflow_api import AirflowApi
from dagfactory.run.state_folders import StateFolders
try:
    with stoppable(sys.stdout):
        execute(Path(sys.argv[1]), "slow", state=StateFolders(Path(sys.argv[2])),
                options=RunOptions(emulator=None), on_event=LinePrinter(sys.stdout).take)
except Stopped as stop:
    sys.exit(stop.exit_code)
"""


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    state = StateFolders(tmp_path_factory.mktemp("state"))
    metrics = state.objects / "demo" / "m" / "metrics.json"
    metrics.parent.mkdir(parents=True)
    metrics.write_text('{"schema_version": 1, "metrics": {"loss": 0.5, "accuracy": 0.875}}')
    return state


def _folder(root: Path, name: str, text: str) -> Path:
    (root / "dags").mkdir(exist_ok=True)
    (root / "dags" / f"{name}.py").write_text(text)
    return root / "dags"


@pytest.fixture(scope="module")
def ran(state, tmp_path_factory):
    """Run the whole DAG once; return what happened and every event."""
    events = []

    def hold(result):
        api = AirflowApi(urlsplit(result.url).port, result.login)
        events.append(("held", api.answers()))
        events.append(("got in", got_in(api.port, "v2", api._headers["Authorization"])))

    result = execute(
        _folder(tmp_path_factory.mktemp("whole"), "whole", WHOLE),
        "whole",
        state=state,
        options=RunOptions(params={"threshold": 0.75}, emulator=None, timeout=200, hold=hold),
        on_event=events.append,
    )
    return result, events


def _task(result, name):
    return next(task for task in result.tasks if task.task_id == name)


def test_states_tries_and_order_of_the_tasks(ran):
    result, _ = ran
    assert result.state == "failed"
    assert {task.task_id: task.state for task in result.tasks} == {
        "start": "success",
        "wait": "success",
        "trials": "success",
        "again": "success",
        "train": "success",
        "fails": "failed",
        "never": "upstream_failed",
    }
    assert _task(result, "again").tries == 2
    assert _task(result, "trials").instances == {"success": 3}
    assert [task.task_id for task in result.tasks][-3:-1] == ["train", "fails"]


def test_value_and_metrics_of_a_task_come_with_it(ran):
    train = _task(ran[0], "train")
    assert train.value["outputs"]["model_dir"] == "gs://demo/m"
    assert train.metrics == {"loss": 0.5, "accuracy": 0.875}


def test_a_failure_shows_the_end_of_its_log(ran):
    (failure,) = ran[0].failures
    assert failure.task == "fails"
    assert failure.log
    assert failure.log.is_relative_to(ran[0].logs)
    assert "INFO     no space left" in failure.tail
    assert "exit code 3" in failure.tail[-1]


def test_params_reach_the_task(ran):
    result, _ = ran
    log = result.logs / "tasks" / "dag_id=whole" / f"run_id={result.run_id}" / "task_id=again"
    assert '"0.75"' in (log / "attempt=1.log").read_text()


def test_events_tell_the_run_as_it_goes(ran):
    _, events = ran
    phases = [event.name for event in events if isinstance(event, Phase)]
    assert phases == ["database migrated", "Airflow imported", "API server up", "DAG parsed"]
    assert len([event for event in events if isinstance(event, RunStarted)]) == 1
    notes = [event.note for event in events if isinstance(event, TaskChange)]
    assert "waiting for DateTimeTrigger" in notes
    assert (
        "AirflowException: Bash command failed. The command returned a non-zero exit code 3."
        in notes
    )
    last = [event for event in events if isinstance(event, MappedProgress)][-1]
    assert (last.task_id, last.done, last.total) == ("trials", 3, 3)


def test_airflow_is_still_up_while_the_result_is_held(ran):
    assert ("held", True) in ran[1]


def test_nobody_gets_into_airflow_without_the_password_or_by_a_page(ran):
    assert ran[1][-1] == ("got in", {})


def test_what_a_run_keeps_is_its_owners_and_opens_nothing(ran, state):
    _, events = ran
    assert events
    assert open_to_others(state.home) + open_to_others(state.logs) == []
    assert not state.passwords.exists()


def test_only_the_run_asked_for_exists_although_the_dag_has_a_schedule(ran, state):
    assert ran
    assert [row[0] for row in _query(state, "SELECT run_type FROM dag_run")] == ["manual"]


def test_nothing_is_left_running(ran, state, alive_in):
    assert ran[0].seconds > 0
    assert alive_in(state.root) == []


def _query(state: StateFolders, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(state.database)) as connection:
        return connection.execute(statement).fetchall()


@pytest.fixture(scope="module")
def interrupted(ran, state, tmp_path_factory):
    """Interrupt a run whose only task is running; return exit code and output."""
    assert ran
    dags = _folder(tmp_path_factory.mktemp("slow"), "slow", SLOW)
    with started(
        [sys.executable, "-c", COMMAND, str(dags), str(state.root)],
        limit=200,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as command:
        assert command.stdout
        lines = []
        for line in command.stdout:
            lines.append(line)
            if "→ running" in line:
                os.kill(command.pid, signal.SIGINT)
        return command.wait(60), lines


def test_an_interrupt_stops_every_process(interrupted, state, alive_in):
    code, lines = interrupted
    assert code == 130
    assert "stopping everything; ^C again kills it at once\n" in lines
    assert alive_in(state.root) == []


def test_the_next_run_reads_the_file_again_and_forgets_what_was_interrupted(
    interrupted, state, tmp_path_factory, alive_in
):
    assert interrupted
    assert ("slow", "running") in _query(state, "SELECT dag_id, state FROM dag_run")
    broken = _folder(tmp_path_factory.mktemp("broken"), "slow", SLOW + "\nimport no_such_module\n")
    with pytest.raises(RunError, match=r"Airflow cannot import slow\.py") as caught:
        execute(
            broken,
            "slow",
            state=state,
            options=RunOptions(emulator=None),
            on_event=lambda _: None,
        )
    assert caught.value.details[-1] == "ModuleNotFoundError: No module named 'no_such_module'"
    assert _query(state, "SELECT DISTINCT state FROM dag_run WHERE dag_id = 'slow'") == [
        ("failed",)
    ]
    assert alive_in(state.root) == []
