import json
import os
import pty
import subprocess
import sys

import processes
import pytest
from paths import ROOT

from dagfactory import cli
from dagfactory.__main__ import run
from dagfactory.cli._version import version

GOOD = "pipeline: p\ntasks:\n  a: {type: empty}\n"
BAD = "pipeline: bad\ntsks:\n  a: {type: empty}\n"


def start(arguments, folder, text=None, **environ):
    """Run the program in a process of its own; returns exit code, stdout and stderr."""
    clean = {k: v for k, v in os.environ.items() if k not in {"GITHUB_ACTIONS", "FORCE_COLOR"}}
    done = processes.run(
        [sys.executable, "-m", "dagfactory", *arguments],
        cwd=folder,
        input=text.encode() if text is not None else None,
        capture_output=True,
        env={**clean, **environ},
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "good.yaml").write_text(GOOD)
    return tmp_path


def test_a_right_spec_is_silent_on_stdout(folder):
    code, out, err = start(["check"], folder)
    assert (code, out) == (0, "")
    assert err.startswith("checked 1 spec, 1 task: 0 errors in ")


def test_a_wrong_spec_is_shown_with_its_place(folder):
    (folder / "specs" / "bad.yaml").write_text(BAD)
    code, out, err = start(["check", "specs"], folder)
    assert code == 1
    assert "  --> specs/bad.yaml:2:1\n" in out
    assert "did you mean `tasks`" in out
    assert err.startswith("checked 2 specs, 1 task: 1 error in ")


def test_mistakes_of_all_files_and_passes_come_together(folder, capsys):
    (folder / "specs" / "bad.yaml").write_text(BAD)
    (folder / "specs" / "worse.yaml").write_text("pipeline: w\nowner: a: b")
    (folder / "specs" / "cycle.yaml").write_text(
        "pipeline: c\ntasks:\n  a: {type: empty, after: [a]}\n"
    )
    assert run(["check", "--format", "concise"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "specs/bad.yaml",
        "specs/cycle.yaml",
        "specs/worse.yaml",
    ]


def test_standard_input_is_a_dash(folder):
    code, out, _ = start(["check", "-"], folder, BAD)
    assert code == 1
    assert "  --> <stdin>:2:1\n" in out
    assert "2 | tsks:" in out
    assert start(["check", "-"], folder, GOOD)[0] == 0


def test_environments_and_defaults_are_no_specs(folder, capsys):
    (folder / "specs" / "environments").mkdir()
    (folder / "specs" / "environments" / "dev.yaml").write_text(
        "environment: dev\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
    )
    (folder / "specs" / "defaults.yaml").write_text("owner: ml-team\n")
    (folder / "specs" / ".hidden.yaml").write_text("]")
    assert run(["check"]) == 0
    assert "checked 1 spec" in capsys.readouterr().err


def test_one_environment_can_be_chosen(folder, capsys):
    (folder / "specs" / "environments").mkdir()
    for name, runs in (("dev", 1), ("prod", 0)):
        (folder / "specs" / "environments" / f"{name}.yaml").write_text(
            f"environment: {name}\nproject: demo-{name}\nregion: us-central1\n"
            f"bucket: gs://demo-{name}\npipeline: {{max_active_runs: {runs}}}\n"
        )
    assert run(["check", "--env", "dev"]) == 0
    assert run(["check", "--env", "prod"]) == 1
    capsys.readouterr()
    assert run(["check"]) == 1
    assert "only in environment `prod`" in capsys.readouterr().out
    assert run(["check", "--env", "prd"]) == 1
    assert "did you mean `prod`?" in capsys.readouterr().out


def test_json_goes_to_stdout_alone(folder, capsys):
    (folder / "specs" / "bad.yaml").write_text(BAD)
    assert run(["check", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["errors"] == 1


def test_github_is_chosen_inside_its_actions(folder):
    (folder / "specs" / "bad.yaml").write_text(BAD)
    assert start(["check"], folder, GITHUB_ACTIONS="true")[1].startswith("::error file=specs/bad")


def test_options_can_be_set_in_the_environment(folder):
    (folder / "specs" / "bad.yaml").write_text(BAD)
    out = start(["check"], folder, DAGFACTORY_CHECK_FORMAT="concise")[1]
    assert out.startswith("specs/bad.yaml:2:1: ")


@pytest.mark.parametrize("arguments", [["check", "nothing.yaml"], ["check", "empty"]])
def test_nothing_to_check_is_exit_code_3(folder, capsys, arguments):
    (folder / "empty").mkdir()
    assert run(arguments) == 3
    assert capsys.readouterr().err.startswith("error: no ")


@pytest.mark.parametrize(
    "arguments", [["chek"], ["check", "--fromat", "json"], ["check", "--limit", "x"]]
)
def test_wrong_usage_is_exit_code_2(folder, capsys, arguments):
    assert run(arguments) == 2
    assert "Error: " in capsys.readouterr().err


def test_an_unknown_command_is_suggested(capsys):
    run(["chek"])
    assert "no command `chek`; did you mean `check`" in capsys.readouterr().err


def test_a_bug_leaves_a_log_and_no_traceback(folder, capsys, monkeypatch):
    from dagfactory.compiler import check

    def broken(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(check, "check_specs", broken)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert run(["check"]) == 70
    err = capsys.readouterr().err
    assert "Traceback" not in err
    log = next(folder.glob("dagfactory-*.log"))
    assert str(log) in err
    assert "RuntimeError: a bug" in log.read_text()
    assert f"dagfactory {version()} pydantic " in log.read_text()


def test_an_interrupt_is_exit_code_130(folder, capsys, monkeypatch):
    from dagfactory.compiler import check

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "check_specs", interrupted)
    assert run(["check"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_bug(folder):
    (folder / "specs" / "bad.yaml").write_text(
        "pipeline: p\n" + "".join(f"k{n}: 1\n" for n in range(5000))
    )
    shell = f"{sys.executable} -m dagfactory check --limit 0 2>err | head -1"
    done = processes.run(["bash", "-c", shell], cwd=folder, capture_output=True, check=False)
    assert done.stdout.startswith(b"error[")
    assert b"BrokenPipe" not in (folder / "err").read_bytes()


@pytest.mark.parametrize("command", ["check --format json", "schema", "render --stdout"])
def test_a_full_disk_is_no_bug(folder, command):
    shell = f"{sys.executable} -m dagfactory {command} >/dev/full"
    done = processes.run(["bash", "-c", shell], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1] == b"error: no space left on device"


def test_what_the_system_refuses_is_one_line_and_no_log(folder, capsys, monkeypatch):
    from dagfactory.compiler import check

    def refused(*_):
        raise PermissionError(13, "Permission denied", "specs/good.yaml")

    monkeypatch.setattr(check, "check_specs", refused)
    assert run(["check"]) == 4
    assert capsys.readouterr().err == "error: permission denied: specs/good.yaml\n"


def test_closed_streams_are_no_bug(folder):
    for command, code in (("check", 0), ("check nothing.yaml", 3)):
        shell = f"{sys.executable} -m dagfactory {command} >&- 2>&-"
        assert processes.run(["bash", "-c", shell], cwd=folder, check=False).returncode == code


def test_a_code_is_explained_by_its_name_too(capsys):
    assert run(["explain", "unknown-key"]) == 0
    assert capsys.readouterr().out.startswith("## DF120 unknown-key\n")
    assert run(["explain", "unknwon-key"]) == 2
    assert capsys.readouterr().err.endswith("did you mean `unknown-key`?\n")
    assert run(["explain", "why"]) == 2
    assert capsys.readouterr().err.endswith("`dagfactory explain` lists all\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_any_encoding_of_the_terminal_will_do(folder, encoding):
    (folder / "specs" / "bad.yaml").write_text("pipeline: p\n東京: 1\ntasks: {a: {type: empty}}\n")
    code, out, _ = start(["check"], folder, PYTHONIOENCODING=encoding)
    assert code == 1
    assert "2 | <U+6771><U+4EAC>: 1" in out


def test_colour_on_a_terminal(folder):
    (folder / "specs" / "bad.yaml").write_text(BAD)
    main, side = pty.openpty()
    environ = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "GITHUB_ACTIONS"}}
    processes.run(
        [sys.executable, "-m", "dagfactory", "check"],
        cwd=folder,
        stdout=side,
        stderr=subprocess.DEVNULL,
        env={**environ, "TERM": "xterm"},
        check=False,
    )
    os.close(side)
    shown = os.read(main, 100_000)
    os.close(main)
    assert b"\x1b[1;31merror[DF120]" in shown


HEAVY = (
    "airflow",
    "torch",
    "google.auth",
    "google.api_core",
    "googleapiclient",
    "grpc",
    "numpy",
    "rich",
    "jinja2",
)


def modules_after(arguments, folder):
    program = (
        "import sys; from dagfactory.__main__ import run; run(sys.argv[1:]);"
        "print('MODULES', *sorted(sys.modules))"
    )
    done = processes.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.rpartition("MODULES")[2].split())


def test_check_imports_nothing_heavy(folder):
    loaded = modules_after(["check"], folder)
    assert "dagfactory.compiler.validate.validate" in loaded
    assert not loaded.intersection(HEAVY)
    assert "difflib" not in loaded
    assert "croniter" not in loaded


def test_check_of_a_cron_text_imports_croniter(folder):
    spec = folder / "specs/scheduled.yaml"
    spec.write_text(
        "pipeline: scheduled\nschedule: '0 3 * * 1'\nstart_date: 2026-01-05\n"
        "tasks: {a: {type: empty}}\n"
    )
    loaded = modules_after(["check", "specs/scheduled.yaml"], folder)
    assert "croniter" in loaded
    assert not loaded.intersection(HEAVY)


def test_help_imports_no_command_and_no_model(folder):
    loaded = modules_after(["--help"], folder)
    assert not loaded.intersection({*HEAVY, "pydantic", "yaml", "json"})
    assert not {each for each in loaded if each.startswith("dagfactory.cli.")}


def test_help_lists_every_command_with_its_first_line(capsys):
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    for name in cli.names():
        assert cli.short_help(name), name
        assert f"  {name} " in out
    assert "Exit codes: 0 done" in out


def test_every_command_is_in_one_group(capsys):
    grouped = [name for each in cli.GROUPS.values() for name in each.split()]
    assert sorted(grouped) == cli.names()


def test_every_command_has_help(capsys):
    for name in cli.names():
        assert run([name, "--help"]) == 0
        assert "Usage: dagfactory " in capsys.readouterr().out


def test_version(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"dagfactory {version()}\n"


def test_explain(capsys):
    assert run(["explain", "DF120"]) == 0
    assert capsys.readouterr().out.startswith("## DF120 unknown-key\n")
    assert run(["explain"]) == 0
    assert "DF120  unknown-key" in capsys.readouterr().out
    assert run(["explain", "nope"]) == 2


def test_the_specs_of_this_repository_are_right(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert run(["check"]) == 0, capsys.readouterr().out


def test_five_mistakes_are_told_at_once_in_order(folder):
    (folder / "specs" / "bad.yaml").write_text(
        "pipeline: bad\n"
        "schdule: '@daily'\n"
        "tasks:\n"
        "  a: {type: trian}\n"
        "  b: {type: bash, command: 5}\n"
        "  c: {type: empty, timeout: 5x}\n"
        "  d: {type: empty, trigger_rule: sometimes}\n"
    )
    code, out, err = start(["check", "specs/bad.yaml", "--format", "concise"], folder)
    assert code == 1
    assert [line.split(" ")[:2] for line in out.splitlines()] == [
        ["specs/bad.yaml:2:1:", "error[DF120]:"],
        ["specs/bad.yaml:4:13:", "error[DF125]:"],
        ["specs/bad.yaml:5:28:", "error[DF122]:"],
        ["specs/bad.yaml:6:29:", "error[DF123]:"],
        ["specs/bad.yaml:7:34:", "error[DF124]:"],
    ]
    assert "5 errors" in err
    assert "Traceback" not in out + err
