"""Names that are not allowed here change in all files of one import."""

from __future__ import annotations

from pathlib import Path

from dagfactory.__main__ import run

HEAD = "  default_args: {owner: o, start_date: 2024-01-01}\n  schedule: '@daily'\n"
BASH = "operator: airflow.operators.bash.BashOperator, bash_command"
BIG = f"""Big-Dag:
{HEAD}  task_groups:
    My-Group: {{}}
  tasks:
    Load-It: {{{BASH}: echo, task_group_name: My-Group}}
    after: {{{BASH}: "echo {{{{ ti.xcom_pull(key='', task_ids='My-Group.Load-It') }}}} Load-It",
      dependencies: [Load-It]}}
"""
OTHER = f"""other:
{HEAD}  tasks:
    start: {{operator: airflow.operators.trigger_dagrun.TriggerDagRunOperator, trigger_dag_id: Big-Dag}}
    wait: {{operator: airflow.sensors.external_task.ExternalTaskSensor, external_dag_id: Big-Dag,
      external_task_ids: [My-Group.Load-It]}}
    read: {{{BASH}: "echo {{{{ ti.xcom_pull(dag_id='Big-Dag', task_ids='My-Group.Load-It') }}}}"}}
    own: {{{BASH}: "echo {{{{ ti.xcom_pull(task_ids='Load-It') }}}}"}}
"""


def imported(folder: Path, text: str = BIG) -> dict[str, str]:
    (folder / "a.yml").write_text(text)
    (folder / "b.yml").write_text(OTHER)
    assert (
        run(["import", str(folder / "b.yml"), str(folder / "a.yml"), "--out", str(folder / "out")])
        == 0
    )
    return {each.stem: each.read_text() for each in (folder / "out").iterdir()}


def test_what_names_a_task_follows_it(tmp_path):
    made = imported(tmp_path)
    assert "xcom_pull(key='', task_ids='my_group.load_it') }}" in made["big_dag"]
    assert 'echo "$VALUE" Load-It' in made["big_dag"]


def test_other_files_follow(tmp_path):
    other = imported(tmp_path)["other"]
    assert "trigger_dag_id: big_dag" in other
    assert "external_dag_id: big_dag" in other
    assert "my_group.load_it" in other
    assert "xcom_pull(dag_id='big_dag', task_ids='my_group.load_it')" in other


def test_a_name_of_another_dag_stays(tmp_path):
    assert "xcom_pull(task_ids='Load-It')" in imported(tmp_path)["other"]


def test_a_key_that_is_called_as_a_task_stays(tmp_path):
    keys = (
        "{{ var.value.get('Big-Dag') }} {{ params['Load-It'] }}",
        "{{ ti.xcom_pull(task_ids='after', key='Load-It')['Load-It'] }}",
    )
    text = BIG.replace(' Load-It"', f' {" ".join(keys)}"')
    (tmp_path / "a.yml").write_text(text)
    assert run(["import", str(tmp_path / "a.yml"), "--out", str(tmp_path / "out")]) == 0
    made = " ".join((tmp_path / "out" / "big_dag.yaml").read_text().split())
    assert "task_ids='my_group.load_it'" in made
    for key in " ".join(keys).split(" {{"):
        assert key.removeprefix("{{") in made


def test_a_task_that_is_called_as_another_dag_is_a_task(tmp_path):
    both = BIG.replace("after", "other").replace(
        "'My-Group.Load-It'", "['other', 'My-Group.Load-It']"
    )
    made = imported(tmp_path, both)
    assert "task_ids=['other', 'my_group.load_it']" in made["big_dag"]


def test_nothing_imported_leaves_no_folder(tmp_path):
    (tmp_path / "a.yml").write_text("a: [\n")
    assert run(["import", str(tmp_path / "a.yml"), "--out", str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()


def test_formats_are_named_as_they_are_given(tmp_path, capsys):
    (tmp_path / "a.yml").write_text(OTHER)
    assert run(["import", str(tmp_path / "a.yml"), "--from", "dag-facotry"]) == 2
    assert "dag-factory" in capsys.readouterr().err


def test_files_of_airflow_2_run_daily_and_catch_up(tmp_path, capsys):
    (tmp_path / "a.yml").write_text(OTHER.replace("  schedule: '@daily'\n", ""))
    assert run(["import", str(tmp_path / "a.yml"), "--from-airflow", "2"]) == 0
    found = capsys.readouterr()
    assert "schedule: {every: 1d}" in found.out
    assert "catchup: true" in found.out
    assert "Airflow 3" not in found.err
