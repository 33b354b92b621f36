import os
import subprocess
import sys

import pytest
from processes import output

from dagfactory.run.airflow_install import AirflowLine
from dagfactory.run.events import NotReadyError
from dagfactory.run.settings import airflow_environment, preload_modules
from dagfactory.run.state_folders import StateFolders, is_migrated, locked, mark_migrated

LINE = AirflowLine("airflow3", sys.executable, "3.3.1")


def test_a_second_run_is_turned_away_and_told_by_whom(tmp_path):
    with (
        locked(tmp_path),
        pytest.raises(NotReadyError, match=rf"\(process {os.getpid()}\)") as caught,
        locked(tmp_path),
    ):
        pass
    assert "--state DIR" in caught.value.details[0]
    assert caught.value.exit_code == 2


def test_the_lock_ends_with_the_run(tmp_path):
    for _ in range(2):
        with locked(tmp_path):
            assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_only_the_airflow_that_migrated_may_use_the_database(tmp_path):
    state = StateFolders(tmp_path)
    state.prepare()
    assert not is_migrated(state, "3.3.1")
    state.database.touch()
    mark_migrated(state, "3.3.1")
    assert is_migrated(state, "3.3.1")
    assert not is_migrated(state, "3.4.0")
    state.clear()
    assert not is_migrated(state, "3.3.1")


def test_task_logs_stay_and_component_logs_start_anew(tmp_path):
    state = StateFolders(tmp_path)
    state.prepare()
    (state.logs / "scheduler.log").write_text("old")
    (state.logs / "tasks").mkdir()
    state.prepare()
    assert [path.name for path in state.logs.iterdir()] == ["tasks"]
    assert (tmp_path / ".gitignore").read_text() == "*\n"


def test_only_the_key_of_the_database_is_kept(tmp_path):
    state = StateFolders(tmp_path)
    state.prepare()
    first, second = (airflow_environment(state, tmp_path, port, LINE) for port in (1, 2))
    assert first["AIRFLOW__CORE__FERNET_KEY"] == second["AIRFLOW__CORE__FERNET_KEY"]
    assert first["AIRFLOW__API_AUTH__JWT_SECRET"] != second["AIRFLOW__API_AUTH__JWT_SECRET"]
    assert first["AIRFLOW__API_AUTH__JWT_SECRET"] not in (state.home / "keys.json").read_text()
    assert (state.home / "keys.json").stat().st_mode & 0o777 == 0o600
    assert first["AIRFLOW__API__PORT"] == "1"


def test_google_is_imported_ahead_only_for_pipelines_that_use_it(tmp_path):
    runtime = tmp_path / "dagfactory_runtime_0"
    runtime.mkdir()
    (runtime / "job.py").write_text("class VertexJobOperator: ...")
    (tmp_path / "plain.py").write_text("from x import EmptyOperator")
    assert preload_modules(tmp_path, "airflow3")["triggerer"] == []
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "train.py").write_text("VertexJobOperator(task_id='train')")
    assert preload_modules(tmp_path, "airflow3")["triggerer"]


@pytest.mark.airflow
def test_the_settings_are_ones_that_airflow_knows(tmp_path):
    state = StateFolders(tmp_path)
    state.prepare()
    show = (
        "from airflow.configuration import conf\n"
        "for section, known in conf.configuration_description.items():\n"
        "    print(*[f'{section}__{option}' for option in known['options']])"
    )
    known = output(
        [sys.executable, "-c", show],
        stderr=subprocess.DEVNULL,
        env={"AIRFLOW_HOME": str(tmp_path / "other"), "PATH": os.environ["PATH"]},
    )
    names = {f"AIRFLOW__{name.upper()}" for name in known.split()}
    ours = {
        name
        for name in airflow_environment(state, tmp_path, 1, LINE)
        if name.startswith("AIRFLOW__")
    }
    assert ours - names == set()


def test_the_command_imports_neither_airflow_nor_google():
    check = (
        "import sys; before = set(sys.modules); import dagfactory.run.command, dagfactory.run.live\n"
        "fresh = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(fresh & {'airflow', 'google', 'grpc', 'torch', 'googleapiclient'}))"
    )
    assert output([sys.executable, "-c", check]).strip() == "[]"
