"""What `--from-airflow 2` changes: files of that line keep its defaults, or are told what they were."""

import pytest

from dagfactory.diagnostics.source import read
from dagfactory.importers import Options, Source, importer

DAILY = "schedule: {every: 1d}"
NEVER = "schedule: null"


@pytest.mark.parametrize(
    ("line", "since", "written", "said"),
    [
        ("", "2", DAILY, ""),
        ("", "3", NEVER, ""),
        ("", "", NEVER, "without `schedule:` Airflow 2 runs daily, Airflow 3 never"),
        ("schedule: null", "2", NEVER, "`schedule: null` never runs: dag-factory left it out"),
        ("schedule: null", "3", NEVER, ""),
    ],
)
def test_a_dag_without_a_schedule(tmp_path, line, since, written, said):
    path = tmp_path / "dags.yml"
    task = "{operator: airflow.operators.empty.EmptyOperator}"
    path.write_text(f"nightly:\n  catchup: false\n  {line}\n  tasks:\n    a: {task}\n")
    read_ = importer("dag_factory").read([Source(read(path, path.name))], Options(since))
    (outcome,) = read_[0].outcomes
    assert written in outcome.text
    remarks = [each.message for each in outcome.remarks if "schedule" in each.message]
    assert [each[: len(said)] for each in remarks] == ([said] if said else [])
