import json
import os
import resource
import sys
from pathlib import Path

import processes
import pytest
import yaml
from paths import ROOT

from dagfactory.__main__ import run
from dagfactory.authoring.scaffold import CI, FILES
from dagfactory.authoring.schema import KINDS

WORKFLOW = CI["github"][0]

SCHEMAS = [f"schema/{kind}.schema.json" for kind in KINDS]


@pytest.fixture
def project(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["init", "new"]) == 0
    monkeypatch.chdir(tmp_path / "new")
    return capsys.readouterr().out


def test_it_says_what_it_wrote_and_what_comes_next(project):
    lines = project.splitlines()
    assert [line for line in lines if line.startswith("created ")] == [
        f"created {path}" for path in (*FILES, WORKFLOW, *SCHEMAS)
    ]
    assert all(Path(path).is_file() for path in (*FILES, WORKFLOW, *SCHEMAS))
    assert "  cd new" in lines


def test_the_commands_it_names_work(project, capsys):
    commands = [line.split() for line in project.splitlines() if line.startswith("  dagfactory ")]
    assert [each[1] for each in commands] == ["check", "render", "run"]
    for command in commands[:2]:
        assert run(command[1:]) == 0
    assert Path("build/local/first.py").is_file()
    assert Path(commands[2][2]).is_file()
    assert "0 errors" in capsys.readouterr().err


def test_all_environments_are_free_of_findings(project, capsys):
    assert run(["check", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []
    for path in Path("specs/environments").iterdir():
        assert run(["render", "--env", path.stem]) == 0


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, (path, _) in CI.items()])
def test_every_service_has_its_file(name, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["init", "--ci", name]) == 0
    others = {each for each, _ in CI.values()} - {path}
    assert Path(path).is_file()
    assert not any(Path(each).exists() for each in others)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("specs/first.yaml", "pipeline"),
        ("specs/defaults.yaml", "defaults"),
        ("specs/environments/prod.yaml", "environment"),
    ],
)
def test_editors_find_the_schema(project, path, kind):
    modeline = Path(path).read_text().splitlines()[0]
    address = modeline.removeprefix("# yaml-language-server: $schema=")
    schema = Path(path).parent / address
    assert schema.resolve() == Path(f"schema/{kind}.schema.json").resolve()
    assert run(["schema", kind, "--check"]) == 0


def test_nothing_is_overwritten(project, capsys):
    Path("specs/first.yaml").write_text("mine")
    Path(".gitignore").unlink()
    Path(".gitignore").symlink_to("nowhere")
    Path("specs/defaults.yaml").unlink()
    assert run(["init"]) == 0
    out = capsys.readouterr().out
    assert "kept    specs/first.yaml\n" in out
    assert "created specs/defaults.yaml\n" in out
    assert "kept    .gitignore\n" in out
    assert "cd " not in out
    assert Path("specs/first.yaml").read_text() == "mine"
    assert not Path("nowhere").exists()


def test_what_cannot_be_written_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("specs").write_text("a file")
    assert run(["init"]) == 2
    assert capsys.readouterr().err == "error: cannot write specs/first.yaml: file exists\n"


def test_the_hook_runs_a_command_that_exists(project):
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    _, *command = hook["entry"].split()
    assert run([*command, *hook["args"]]) == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_a_completion_script(shell):
    done = processes.run(
        [Path(sys.executable).parent / "dagfactory"],
        env={**os.environ, "_DAGFACTORY_COMPLETE": f"{shell}_source"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"_DAGFACTORY_COMPLETE={shell}_complete" in done.stdout


def test_commands_and_values_complete(tmp_path):
    folder = tmp_path / "specs" / "environments"
    folder.mkdir(parents=True)
    for name in ("prod", "local"):
        (folder / f"{name}.yaml").write_text("")

    def complete(words, at):
        environ = {"COMP_WORDS": words, "COMP_CWORD": str(at)}
        return processes.run(
            [Path(sys.executable).parent / "dagfactory"],
            env={**os.environ, "_DAGFACTORY_COMPLETE": "bash_complete", **environ},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()

    assert complete("dagfactory ch", 1) == ["plain,check"]
    assert "plain,sarif" in complete("dagfactory check --format ", 3)
    assert complete("dagfactory explain df32", 2) == ["plain,DF324"]
    assert complete("dagfactory explain unknown-k", 2) == ["plain,unknown-key"]
    for command in ("check", "graph", "render", "run", "sync"):
        assert complete(f"dagfactory {command} --env ", 3) == ["plain,local", "plain,prod"]
        assert complete(f"dagfactory {command} --env p", 3) == ["plain,prod"]


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        code = run(["init", "new"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert code == 2
    assert "cannot write new/specs/first.yaml: file too large" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.yaml"))
