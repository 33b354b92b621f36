"""`dagfactory import`: what is printed, what is written, what is refused."""

from pathlib import Path

import pytest

from dagfactory.__main__ import run

CASES = Path(__file__).parent / "cases"
GOOD = "one:\n  tasks: {a: {operator: airflow.operators.empty.EmptyOperator}}\n"


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    path = tmp_path / "dags.yml"
    path.write_text(GOOD)
    return path


def test_specs_are_printed(file, capsys):
    assert run(["import", "dags.yml"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("# Imported from dags.yml:1 (dag-factory, DAG one).\npipeline: one\n")
    assert err.startswith("dags.yml:2:3: note[look]: without `schedule:`")
    assert err.endswith("imported 1 of 1 DAGs, 1 without loss: 0 errors, 0 warnings, 1 note\n")


def test_what_is_printed_checks_clean(file, capsys, tmp_path):
    assert run(["import", str(CASES / "list_form.yml"), "--out", "specs"]) == 0
    assert run(["check", "specs"]) == 0


def test_files_are_not_replaced_unless_asked(file, capsys):
    assert run(["import", "dags.yml", "--out", "specs"]) == 0
    assert run(["import", "dags.yml", "--out", "specs"]) == 0
    Path("specs/one.yaml").write_text("pipeline: mine\n")
    assert run(["import", "dags.yml", "--out", "specs"]) == 2
    assert "one.yaml is there already; --force replaces it" in capsys.readouterr().err
    assert Path("specs/one.yaml").read_text() == "pipeline: mine\n"
    assert run(["import", "dags.yml", "--out", "specs", "--force"]) == 0
    assert "DAG one" in Path("specs/one.yaml").read_text()


def test_a_second_schedule_is_left_out_with_a_remark(file, capsys):
    file.write_text("default: {schedule: '0 3 * * *'}\n" + GOOD + "  schedule_interval: '@daily'\n")
    assert run(["import", "dags.yml"]) == 0
    out, err = capsys.readouterr()
    assert 'schedule: "0 3 * * *"' in out
    assert "dags.yml:4:22: warning[changed]: `schedule_interval` was left out: `schedule`" in err


def test_an_error_exits_1_and_the_good_dags_are_written(file, capsys):
    file.write_text(GOOD + "two: {tasks: {}}\n")
    assert run(["import", "dags.yml", "--out", "specs"]) == 1
    assert [each.name for each in Path("specs").iterdir()] == ["one.yaml"]
    assert "dags.yml:3:6: error[broken]: a DAG without tasks" in capsys.readouterr().err


def test_a_spec_is_no_file_of_dags_and_that_is_said_once(file, capsys):
    file.write_text("pipeline: one\ntasks:\n  a: {type: empty}\n")
    assert run(["import", "dags.yml"]) == 1
    first, last = capsys.readouterr().err.splitlines()
    assert first == "dags.yml:1:1: error[not-a-dag]: the file is a spec already"
    assert last.startswith("imported 0 of 0 DAGs")


def test_strict_exits_1_for_losses(file, capsys):
    file.write_text(GOOD + "  dag_display_name: One\n")
    assert run(["import", "dags.yml"]) == 0
    assert run(["import", "dags.yml", "--strict"]) == 1
    assert "dags.yml:3:3: warning[no-equivalent]: `dag_display_name`" in capsys.readouterr().err


def test_folders_and_two_dags_of_one_name(file, capsys, tmp_path):
    (tmp_path / "more.yml").write_text(GOOD)
    assert run(["import", "."]) == 2
    assert "more than one DAG would become `one`" in capsys.readouterr().err


def test_unknown_format(file, capsys):
    assert run(["import", "dags.yml", "--from", "gusty"]) == 2
    assert "no format `gusty`" in capsys.readouterr().err


def test_a_file_that_is_not_there(file, capsys):
    assert run(["import", "nothing.yml"]) == 3


def test_defaults_beside_the_file_hold(file, capsys, tmp_path):
    (tmp_path / "defaults.yml").write_text("default_args: {owner: everybody}\n")
    assert run(["import", "dags.yml"]) == 0
    assert "owner: everybody\n" in capsys.readouterr().out


def test_given_defaults_hold_instead(file, capsys, tmp_path):
    (tmp_path / "defaults.yml").write_text("default_args: {owner: everybody}\n")
    (tmp_path / "mine.yml").write_text("default_args: {owner: me}\n")
    assert run(["import", "dags.yml", "--defaults", "mine.yml"]) == 0
    assert "owner: me\n" in capsys.readouterr().out


def test_defaults_in_a_folder_above_are_pointed_out(file, capsys, tmp_path):
    (tmp_path / "defaults.yml").write_text("default_args: {owner: everybody}\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/dags.yml").write_text(GOOD)
    assert run(["import", "deep/dags.yml"]) == 0
    out, err = capsys.readouterr()
    assert "owner" not in out
    assert "deep/dags.yml:1:1: note[look]: `defaults.yml` in the folder" in err


def test_a_folder_with_defaults_imports_its_dags_only(file, capsys, tmp_path):
    (tmp_path / "defaults.yaml").write_text("default_args: {owner: everybody}\n")
    assert run(["import", "."]) == 0
    assert "owner: everybody\n" in capsys.readouterr().out
