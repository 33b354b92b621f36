"""Every option can be set by a variable that is named after it."""

import pytest

from dagfactory.__main__ import run
from dagfactory.cli import main, names


@pytest.mark.parametrize("command", ["history", "jobs", "sync", "cost"])
def test_an_environment_comes_from_a_variable(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"DAGFACTORY_{command.upper()}_ENV", "nowhere")
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/one.yaml").write_text("pipeline: one\ntasks:\n  a: {type: empty}\n")
    paths = ["specs/one.yaml"] if command == "cost" else []
    run([command, *paths])
    assert "unknown environment `nowhere`" in capsys.readouterr().err


def test_no_two_options_have_one_variable():
    found = [each.envvar for name in names() for each in main.get_command(None, name).params]
    variables = [each for each in found if each]
    assert "DAGFACTORY_RENDER_STDOUT" in variables
    assert len(variables) == len(set(variables))


@pytest.mark.parametrize("release", ["1", "0.1.0"])
def test_a_variable_with_the_release_is_no_wish_to_see_it(release, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGFACTORY_VERSION", release)
    assert run(["check"]) == 3
