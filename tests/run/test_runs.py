from click.testing import CliRunner

from dagfactory.cli import main
from dagfactory.run.events import NotReadyError
from dagfactory.run.records import Record, write


def _runs(folder, *more):
    return CliRunner().invoke(main, ["runs", "--state", str(folder), *more])


def test_runs_are_listed_newest_first(tmp_path):
    for name in ("a", "b"):
        write(tmp_path, Record(name, f"r-{name}", "local", "c", "success", 2.0))
    shown = _runs(tmp_path).output.splitlines()
    assert [line.split()[:2] for line in shown[1:]] == [["b", "r-b"], ["a", "r-a"]]
    assert "r-b" not in _runs(tmp_path, "a").output


def test_a_run_whose_end_nobody_saw_has_no_time(tmp_path):
    write(tmp_path, Record("a", "r", "local", "c"))
    assert _runs(tmp_path).output.splitlines()[1].split() == ["a", "r", "local", "running"]


def test_no_run_is_told(tmp_path):
    found = _runs(tmp_path, "a").exception
    assert isinstance(found, NotReadyError)
    assert "no run of a" in str(found)
