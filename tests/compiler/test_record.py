"""A spec that did not change is not compiled again, and nobody could tell from the files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from contextlib import chdir, redirect_stderr
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from size import size

from dagfactory.__main__ import run
from dagfactory.compiler import build as building
from dagfactory.compiler import cache_key as inputs
from dagfactory.compiler import check as checking
from dagfactory.compiler import parse as frontend
from dagfactory.compiler.cache_key import Inputs

SPEC = "pipeline: {name}\ntasks:\n  a: {{type: bash, command: echo {word}}}\n"
ENVIRONMENT = "environment: dev\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"


@pytest.fixture
def compiled(monkeypatch):
    """Count the specs that were compiled, by name."""
    count = Counter()
    real = building.compile_spec

    def counting(path, environment, reads):
        count[path.stem] += 1
        return real(path, environment, reads)

    monkeypatch.setattr(building, "compile_spec", counting)
    monkeypatch.setattr(checking, "compile_spec", counting)
    return count


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGFACTORY_CACHE", str(tmp_path / "cache"))
    (tmp_path / "specs/environments").mkdir(parents=True)
    (tmp_path / "specs/environments/dev.yaml").write_text(ENVIRONMENT)
    (tmp_path / "specs/defaults.yaml").write_text("owner: us\n")
    for name in ("one", "two", "three"):
        (tmp_path / f"specs/{name}.yaml").write_text(SPEC.format(name=name, word=name))
    assert render() == 0
    return tmp_path


def render(*options):
    frontend._load.cache_clear()  # as a fresh process
    return run(["render", "--env", "dev", "--out", "out", *options])


def files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def is_as_cold(project, options=()):
    shutil.rmtree(project / "cold", ignore_errors=True)
    assert run(["render", "--env", "dev", "--out", "cold", "--no-cache", *options]) == 0
    return files(project / "out") == files(project / "cold")


def test_what_did_not_change_is_not_compiled(project, compiled):
    assert render() == 0
    assert not compiled
    (project / "specs/two.yaml").write_text(SPEC.format(name="two", word="other"))
    assert render() == 0
    assert compiled == {"two": 1}
    assert is_as_cold(project)


def test_files_beside_a_dag_are_remembered(project, compiled):
    monitored = SPEC.format(name="two", word="x") + "alerts: {monitoring: {}}\n"
    (project / "specs/two.yaml").write_text(monitored)
    (project / "specs/environments/dev.yaml").write_text(ENVIRONMENT + "pools: {p: {slots: 2}}\n")
    assert render() == 0
    assert {"pools.json", "two.alerts.json"} <= set(files(project / "out"))
    compiled.clear()
    (project / "out/two.alerts.json").unlink()
    (project / "out/pools.json").write_text('{"p": {"include_deferred": true}}')
    assert render() == 0
    assert not compiled
    assert is_as_cold(project)


def write(path, text):
    (Path.cwd() / path).write_text(text)


def swap():
    one, two = (Path(f"specs/{name}.yaml") for name in ("one", "two"))
    first, second = one.read_text(), two.read_text()
    one.write_text(second)
    two.write_text(first)


def corrupt():
    for path in Path("cache").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            path.write_bytes(content.replace(b"sha256:", b"sha257:"))


def truncate():
    for path in Path("cache").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            path.write_bytes(content[: len(content) // 2])


EVERYTHING = {"one": 1, "two": 1, "three": 1}
CHANGES = {
    "the spec": (lambda: write("specs/one.yaml", SPEC.format(name="one", word="x")), {"one": 1}),
    "its id": (lambda: write("specs/one.yaml", SPEC.format(name="four", word="x")), {"one": 1}),
    "a comment": (
        lambda: write("specs/one.yaml", "# new\n" + SPEC.format(name="one", word="one")),
        {"one": 1},
    ),
    "the defaults": (lambda: write("specs/defaults.yaml", "owner: them\n"), EVERYTHING),
    "no defaults": (lambda: Path("specs/defaults.yaml").unlink(), EVERYTHING),
    "the environment": (
        lambda: write("specs/environments/dev.yaml", ENVIRONMENT + "target: airflow2\n"),
        EVERYTHING,
    ),
    "a further environment": (
        lambda: write(
            "specs/environments/prod.yaml",
            ENVIRONMENT.replace("environment: dev", "environment: prod"),
        ),
        EVERYTHING,
    ),
    "the output": (lambda: write("out/one.py", Path("out/one.py").read_text() + "\n"), {}),
    "no output": (lambda: Path("out/one.py").unlink(), {}),
    "two swapped": (swap, {"one": 1, "two": 1}),
    "two outputs swapped": (
        lambda: (
            shutil.move("out/one.py", "out/x"),
            shutil.move("out/two.py", "out/one.py"),
            shutil.move("out/x", "out/two.py"),
        ),
        {},
    ),
    "a record that lies": (corrupt, EVERYTHING),
    "half a record": (truncate, EVERYTHING),
    "no record": (lambda: shutil.rmtree("cache"), EVERYTHING),
    "a trainer of one's own": (lambda: write("trainer.py", ""), EVERYTHING),
    "a further spec": (
        lambda: write("specs/four.yaml", SPEC.format(name="four", word="x")),
        {"four": 1},
    ),
    "a spec less": (lambda: Path("specs/two.yaml").unlink(), {}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_seen(project, compiled, change):
    make, expected = CHANGES[change]
    make()
    assert render() == 0
    assert compiled == expected
    assert is_as_cold(project)


def test_without_an_environment_those_count_that_could_be_chosen(project, capsys):
    spec = "pipeline: one\ntasks:\n  a: {type: bash, command: 'echo ${vars.word}'}\n"
    write("specs/one.yaml", spec)
    assert run(["render"]) == 1
    assert "unknown variable" in capsys.readouterr().err
    frontend._load.cache_clear()
    write("specs/environments/dev.yaml", ENVIRONMENT + "vars: {word: x}\n")
    assert run(["render"]) == 1
    assert "no environment is chosen" in capsys.readouterr().err


def test_an_empty_folder_of_environments_is_seen(project, capsys):
    shutil.rmtree("specs/environments")
    write("specs/one.yaml", SPEC.format(name="one", word="x") + "environments: {dev: {owner: x}}\n")
    for expected in (0, 1):
        assert run(["render", "specs/one.yaml", "--env", "dev"]) == expected
        Path("specs/environments").mkdir(exist_ok=True)
    assert "unknown environment `dev`" in capsys.readouterr().err


def test_an_operator_that_is_installed_anew_is_looked_at_again(project, compiled, monkeypatch):
    monkeypatch.syspath_prepend(project / "installed")
    (project / "installed").mkdir()
    write("specs/one.yaml", "pipeline: one\ntasks: {a: {type: operator, operator: our_ops.Op}}\n")
    for content in (None, "class Op:\n    def __init__(self, *, need): ...\n", "class Op: ...\n"):
        if content:
            write("installed/our_ops.py", content)
        compiled.clear()
        for _ in range(2):
            assert render() == 0
        assert compiled == {"one": 1}


def test_a_name_that_is_not_utf8_is_known_as_well(project, compiled):
    name = os.fsdecode(b"specs/fo\xfcr.yaml")
    write(name, SPEC.format(name="four", word="x"))
    for _ in range(2):
        assert render() == 0
    assert compiled == {Path(name).stem: 1}


def test_other_code_compiles_everything(project, compiled, monkeypatch):
    monkeypatch.setattr(inputs, "program", lambda: iter([b"another version"]))
    assert render() == 0
    assert compiled == EVERYTHING


def test_the_hash_of_the_program_holds_every_file(tmp_path, monkeypatch):
    package, templates = tmp_path / "dagfactory", tmp_path / "templates"
    for path in (
        "dagfactory/compiler/cache_key.py",
        "dagfactory/catalogue/a.csv",
        "trainer/settings.py",
        "templates/a.j2",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("1")
    monkeypatch.setattr(inputs.dagfactory, "__file__", str(package / "__init__.py"))
    monkeypatch.setattr(inputs, "template_folder", lambda: templates)
    (tmp_path / "x.yaml").write_text("")

    def key():
        return Inputs(None).key(tmp_path / "x.yaml")

    seen = [key()]
    for path in (
        "dagfactory/compiler/cache_key.py",
        "dagfactory/catalogue/a.csv",
        "trainer/settings.py",
        "templates/a.j2",
    ):
        (tmp_path / path).write_text("2")
        seen.append(key())
    (package / "new.py").write_text("")
    seen.append(key())
    (package / "new.py").rename(package / "other.py")
    seen.append(key())
    monkeypatch.setattr(inputs.sys, "version", "4.0")
    seen.append(key())
    monkeypatch.setattr(inputs, "LIBRARIES", ("pytest",))
    seen.append(key())
    assert len(set(seen)) == len(seen)
    (package / "__pycache__").mkdir()
    (package / "__pycache__/inputs.pyc").write_text("")
    assert key() == seen[-1]


WARNED = "pipeline: w\ntasks:\n  a: {type: kubernetes, image: 'x:latest'}\n"


def test_a_warning_is_shown_each_time(project, compiled, capsys):
    (project / "specs/warned.yaml").write_text(WARNED)
    render()
    first = capsys.readouterr().err
    assert "warning[DF301]" in first
    compiled.clear()
    render()
    assert capsys.readouterr().err.splitlines()[:-1] == first.splitlines()[:-1]
    assert not compiled


def test_an_error_is_shown_each_time_and_forgets_no_other_spec(project, compiled, capsys):
    good = (project / "specs/one.yaml").read_text()
    (project / "specs/one.yaml").write_text("pipeline: one\n")
    assert render() == render() == 1
    assert capsys.readouterr().err.count("error[DF121]") == 2
    (project / "specs/one.yaml").write_text(good)
    compiled.clear()
    assert render() == 0
    assert compiled == {"one": 1}


def test_an_id_taken_by_a_known_spec_is_shown_with_both_places(project, capsys):
    (project / "specs/two.yaml").write_text(SPEC.format(name="one", word="x"))
    assert render() == 1
    err = capsys.readouterr().err
    assert "error[DF213]: pipeline id `one` is used by another file" in err
    assert "specs/one.yaml:1:11" in err
    assert "specs/two.yaml:1:11" in err


def test_check_diff_and_stdout_know_too(project, compiled, capsys):
    assert render("--check") == 0
    assert render("--diff") == 0
    (project / "out/one.py").write_text("x = 1\n")
    assert render("--check") == 1
    assert not compiled
    capsys.readouterr()
    assert render("--stdout") == 0
    assert capsys.readouterr().out.count("# Generated by dagfactory") == 3
    assert (project / "out/one.py").read_text() == "x = 1\n"


def test_no_cache_compiles_and_writes_no_record(project, compiled):
    shutil.rmtree(project / "cache")
    assert render("--no-cache") == 0
    assert compiled == EVERYTHING
    assert not (project / "cache").exists()


def test_a_folder_that_is_new_needs_no_compiling_and_an_environment_does(project, compiled):
    assert run(["render", "--env", "dev", "--out", "elsewhere"]) == 0
    assert not compiled
    assert files(project / "elsewhere") == files(project / "out")
    assert run(["render", "--out", "bare"]) == 0
    assert compiled == EVERYTHING


SCRIPT = "{type: train, script: train.py, image: 'x:1', machine: {type: n1-standard-4}}"


def test_code_of_the_project_is_looked_at_each_time(project, compiled):
    (project / "train.py").write_text("rate = 1\n")
    (project / "specs/two.yaml").write_text(f"pipeline: two\ntasks:\n  fit: {SCRIPT}\n")
    assert render() == 0
    compiled.clear()
    assert render() == 0
    assert not compiled
    for text in ("rate = 2\n", "import helper\n"):
        (project / "train.py").write_text(text)
        assert render() == 0
        assert compiled == {"two": 1}
        assert is_as_cold(project)
        compiled.clear()
    (project / "helper.py").write_text("")
    assert render() == 0
    assert compiled == {"two": 1}
    assert is_as_cold(project)


def test_code_that_was_not_there_is_looked_for_again(project, compiled):
    (project / "specs/two.yaml").write_text(f"pipeline: two\ntasks:\n  fit: {SCRIPT}\n")
    assert render() == render() == 1
    (project / "train.py").write_text("rate = 1\n")
    compiled.clear()
    assert render() == 0
    assert compiled == {"two": 1}


def check(*options):
    frontend._load.cache_clear()
    return run(["check", *options])


def test_check_has_a_record_of_its_own(project, compiled, capsys):
    (project / "specs/warned.yaml").write_text(WARNED)
    assert check() == 0
    assert compiled == {**EVERYTHING, "warned": 1}
    first = capsys.readouterr()
    compiled.clear()
    assert check() == 0
    assert not compiled
    again = capsys.readouterr()
    assert again.out == first.out
    assert again.err.rpartition(" in ")[0] == first.err.rpartition(" in ")[0]
    assert check("--env", "dev") == 0
    assert compiled == {**EVERYTHING, "warned": 1}


def test_check_of_every_environment_sees_a_change_in_any(project, compiled):
    prod = ENVIRONMENT.replace("environment: dev", "environment: prod")
    write("specs/environments/prod.yaml", prod)
    assert check() == 0
    compiled.clear()
    write("specs/environments/prod.yaml", prod + "vars: {a: 1}\n")
    assert check() == 0
    assert compiled == dict.fromkeys(EVERYTHING, 2)


def test_one_spec_alone_leaves_the_record_of_the_others(project, compiled):
    assert check() == 0
    write("specs/one.yaml", SPEC.format(name="one", word="x"))
    assert check("specs/one.yaml") == 0
    compiled.clear()
    assert check() == 0
    assert not compiled


def test_two_specs_of_one_id_are_found_among_known_ones(project, compiled, capsys):
    (project / "specs/four.yaml").write_text(SPEC.format(name="one", word="x"))
    assert check() == check() == 1
    assert capsys.readouterr().out.count("error[DF213]") == 2
    assert compiled == {**EVERYTHING, "four": 1}


def test_sync_compiles_nothing_that_render_knew(project, compiled):
    assert run(["sync", "--env", "dev", "--to", "dags"]) == 0
    assert not compiled
    assert set(files(project / "out")) <= set(files(project / "dags"))


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(project, monkeypatch, compiled):
    (project / "file").write_text("")
    monkeypatch.setenv("DAGFACTORY_CACHE", str(project / "file"))
    assert render() == render() == 0
    assert compiled == dict.fromkeys(EVERYTHING, 2)


def test_a_spec_that_changes_while_it_is_compiled_is_not_recorded(project, compiled, monkeypatch):
    spec, real = project / "specs/one.yaml", building._rendered
    spec.write_text(SPEC.format(name="one", word="first"))

    def meanwhile(path, plan):
        spec.write_text(SPEC.format(name="one", word="second"))
        return real(path, plan)

    monkeypatch.setattr(building, "_rendered", meanwhile)
    render()
    monkeypatch.setattr(building, "_rendered", real)
    spec.write_text(SPEC.format(name="one", word="first"))
    compiled.clear()
    render()
    assert compiled == {"one": 1}


def test_the_cache_keeps_the_newest_records(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGFACTORY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("dagfactory.compiler.record.KEPT", 3)
    for number in range(5):
        (tmp_path / f"p{number}").mkdir()
        monkeypatch.chdir(tmp_path / f"p{number}")
        Path("one.yaml").write_text(SPEC.format(name="one", word="x"))
        assert run(["render", "one.yaml", "--out", "out"]) == 0
    assert len(list((tmp_path / "cache/compiled").iterdir())) == 3


def test_a_record_that_grew_too_large_begins_anew(project, compiled, monkeypatch):
    monkeypatch.setattr("dagfactory.compiler.record.MOST", 2)
    write("specs/one.yaml", SPEC.format(name="one", word="x"))
    assert render() == 0
    compiled.clear()
    assert render() == 0
    assert compiled == {"two": 1, "three": 1}


NAMES = ("one", "two", "three")
WORDS = ("a", "b", "latest")
EDITS = st.one_of(
    st.tuples(
        st.just("spec"), st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(WORDS)
    ),
    st.tuples(st.just("image"), st.sampled_from(NAMES), st.sampled_from(("x:1", "x:latest"))),
    st.tuples(st.just("broken"), st.sampled_from(NAMES)),
    st.tuples(st.just("gone"), st.sampled_from(NAMES)),
    st.tuples(st.just("defaults"), st.sampled_from(WORDS)),
    st.tuples(st.just("environment"), st.sampled_from(("airflow2", "airflow3"))),
    st.tuples(st.sampled_from(("edited", "deleted")), st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(("corrupt", "truncated"))),
)


def edit_output(name):
    path = Path(f"out/{name}.py")
    if path.exists():
        path.write_text(path.read_text().replace("echo", "rm"))


APPLY = {
    "spec": lambda file, name, word: write(f"specs/{file}.yaml", SPEC.format(name=name, word=word)),
    "image": lambda name, to: write(f"specs/{name}.yaml", WARNED.replace("x:latest", to)),
    "broken": lambda name: write(f"specs/{name}.yaml", "pipeline: [\n"),
    "gone": lambda name: Path(f"specs/{name}.yaml").unlink(missing_ok=True),
    "defaults": lambda word: write("specs/defaults.yaml", f"owner: {word}\n"),
    "environment": lambda to: write("specs/environments/dev.yaml", f"{ENVIRONMENT}target: {to}\n"),
    "edited": edit_output,
    "deleted": lambda name: Path(f"out/{name}.py").unlink(missing_ok=True),
    "corrupt": corrupt,
    "truncated": truncate,
}


@settings(max_examples=size(15, 300), deadline=None)
@given(st.lists(st.lists(EDITS, max_size=3), min_size=2, max_size=6))
def test_after_any_edits_the_folder_is_that_of_a_cold_render(rounds):
    with (
        tempfile.TemporaryDirectory() as name,
        chdir(name),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("DAGFACTORY_CACHE", f"{name}/cache")
        for folder in ("specs/environments", "cache"):
            Path(folder).mkdir(parents=True)
        write("specs/environments/dev.yaml", ENVIRONMENT)
        write("specs/always.yaml", SPEC.format(name="always", word="x"))
        for edits in rounds:
            for kind, *rest in edits:
                APPLY[kind](*rest)
            with redirect_stderr(StringIO()) as warm:
                code = render()
            frontend._load.cache_clear()
            with redirect_stderr(StringIO()) as cold:
                expected = run(["render", "--env", "dev", "--out", "cold", "--no-cache"])
            assert code == expected
            end = -1 if code == 0 else None  # the summary: what was there before differs
            said, wanted = (each.getvalue().splitlines()[:end] for each in (warm, cold))
            assert said == wanted
            if code == 0:
                assert files(Path("out")) == files(Path("cold"))
