"""What is remembered of runs that were killed, and for how long."""

from __future__ import annotations

from processes import started

from dagfactory.run.records import Record, records, write


def test_a_run_whose_process_is_gone_was_interrupted(tmp_path):
    with started(["sleep", "60"]) as process:
        write(tmp_path, Record("d", "r", "local", "c", process=process.pid))
        assert [each.state for each in records(tmp_path)] == ["running"]
    assert [each.state for each in records(tmp_path)] == ["interrupted"]


def test_a_record_lives_as_long_as_the_folder_of_its_run(tmp_path, monkeypatch):
    monkeypatch.setattr("dagfactory.run.records._NEWEST", 1)
    (tmp_path / "emulator/gcs/bucket/runs/d/a").mkdir(parents=True)
    for name in "abc":
        write(tmp_path, Record("d", name, "local", "c", state="success"))
    assert [each.run_id for each in records(tmp_path)] == ["c", "a"]
