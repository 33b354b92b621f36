from pathlib import Path

import pytest

from dagfactory import tasks
from dagfactory.compiler import compile as passes
from dagfactory.compiler.parse import environments, parse
from dagfactory.project.specs import NoInputError, find_specs

SPEC = "pipeline: p\ntasks:\n  a: {type: empty}\n"


def front_end(path, name=None):
    return passes.front_end(parse(path, name), name)


def environment(name, more=""):
    return (
        f"environment: {name}\nproject: demo-{name}\nregion: us-central1\n"
        f"bucket: gs://demo-{name}\n{more}"
    )


@pytest.fixture
def specs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "specs"
    (folder / "environments").mkdir(parents=True)
    (folder / "environments" / "dev.yaml").write_text(environment("dev"))
    (folder / "environments" / "prod.yml").write_text(environment("prod"))
    (folder / "a.yaml").write_text(SPEC)
    return folder


def codes(path, name=None):
    return [each.code for each in front_end(path, name).diagnostics]


def test_environments_are_the_files_beside_or_above(specs):
    (specs / "team" / "deep").mkdir(parents=True)
    below = specs / "team" / "deep" / "b.yaml"
    below.write_text(SPEC)
    assert environments(specs / "a.yaml") == ["dev", "prod"]
    assert environments(below) == ["dev", "prod"]
    assert environments(Path("-")) == ["dev", "prod"]


def test_nothing_is_looked_for_above_the_folder_of_specs(specs):
    (specs / "environments").rename(specs.parent / "environments")
    (specs.parent / "defaults.yaml").write_text("owner: somebody else")
    assert environments(specs / "a.yaml") == []
    assert front_end(specs / "a.yaml").pipeline.owner is None


def test_a_file_in_the_place_of_their_folder_holds_no_environments(specs):
    (specs / "team").mkdir()
    (specs / "team/environments").write_text("")
    (specs / "team/p.yaml").write_text(SPEC)
    assert environments(specs / "team/p.yaml") == ["dev", "prod"]


def test_without_files_the_patches_of_a_spec_are_its_environments(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.yaml"
    path.write_text(SPEC + "environments: {b: {owner: '${env.name}'}, a: {}}\n")
    assert environments(path) == ["a", "b"]
    found = front_end(path, "b")
    assert found.pipeline.owner == "b"
    assert found.environment is None


def test_a_chosen_environment_comes_with_its_model_and_files(specs):
    (specs / "defaults.yaml").write_text("owner: ml-team\n")
    found = front_end(specs / "a.yaml", "prod")
    assert found.environment.project == "demo-prod"
    assert found.pipeline.owner == "ml-team"
    names = [each.name for each in found.sources]
    assert names == ["specs/a.yaml", "specs/defaults.yaml", "specs/environments/prod.yml"]


def test_a_file_that_changes_is_read_again(specs):
    path = specs / "a.yaml"
    assert codes(path) == []
    path.write_text(SPEC + "owenr: me\n")
    assert codes(path) == ["DF120"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (environment("prod"), "DF110"),
        (environment("dev", "zone: a"), "DF120"),
        ("- a", "DF122"),
        ("a: [", "DF102"),
        ("", "DF102"),
    ],
)
def test_faults_of_the_environment_are_placed_in_its_file(specs, text, code):
    (specs / "environments" / "dev.yaml").write_text(text)
    found = front_end(specs / "a.yaml", "dev")
    assert [each.code for each in found.diagnostics] == [code]
    assert found.diagnostics[0].span.file == "specs/environments/dev.yaml"


def test_faults_of_the_defaults_are_placed_in_their_file(specs):
    (specs / "defaults.yaml").write_text("defaults: {retries: {attempts: many}}")
    found = front_end(specs / "a.yaml", "dev")
    assert [(each.code, each.span.file) for each in found.diagnostics] == [
        ("DF122", "specs/defaults.yaml"),
    ]


def test_defaults_that_are_no_mapping_are_refused(specs):
    (specs / "defaults.yaml").write_text("- owner: me\n")
    found = front_end(specs / "a.yaml", "dev")
    assert [(each.code, each.span.file) for each in found.diagnostics] == [
        ("DF122", "specs/defaults.yaml"),
    ]


def test_an_unknown_environment_is_the_only_finding(specs):
    (specs / "a.yaml").write_text("owenr: me")
    found = front_end(specs / "a.yaml", "prdo")
    assert [each.code for each in found.diagnostics] == ["DF110"]
    assert "did you mean `prod`?" in found.diagnostics[0].help


def test_who_chooses_none_is_told_which_there_are(specs):
    (specs / "a.yaml").write_text(SPEC + "owner: ${env.name}\n")
    (problem,) = passes.compile_spec(specs / "a.yaml", None).diagnostics
    assert problem.code == "DF113"
    assert problem.help == "choose one with `--env`: `dev`, `prod`"


@pytest.mark.parametrize(
    "text", ["", "[]", "a", "null", "1", "- a\n- b", "a: 1\nb", "\0", "a: *b", "{}"]
)
def test_no_text_makes_it_raise(specs, text):
    (specs / "a.yaml").write_text(text)
    found = front_end(specs / "a.yaml", "dev")
    assert found.diagnostics


def test_one_cause_gives_one_finding(specs):
    (specs / "a.yaml").write_text(SPEC + "max_active_runs: ${env.runs}\n<<: {a: 1}\n")
    assert codes(specs / "a.yaml", "dev") == ["DF112", "DF104"]


def test_specs_are_found_once_in_order(specs):
    (specs / "sub").mkdir()
    for name in ("b.yml", "sub/c.yaml", "defaults.yaml", ".hidden.yaml", "notes.txt"):
        (specs / name).write_text(SPEC)
    found = find_specs([Path("specs"), Path("specs/a.yaml")])
    assert found == [Path("specs/a.yaml"), Path("specs/b.yml"), Path("specs/sub/c.yaml")]
    assert find_specs([Path("-")]) == [Path("-")]
    assert find_specs([Path("specs/defaults.yaml")]) == [Path("specs/defaults.yaml")]


@pytest.mark.parametrize("folder", [".", "specs"])
def test_folders_of_other_tools_and_environments_hold_no_specs(specs, folder):
    for name in (".github", ".venv/lib", "sub/environments", "sub/.cache"):
        (Path(folder) / name).mkdir(parents=True, exist_ok=True)
        (Path(folder) / name / "x.yaml").write_text(SPEC)
    assert find_specs([Path(folder)]) == [Path("specs/a.yaml")]


def test_nothing_hidden_is_a_spec_wherever_one_stands(specs, monkeypatch):
    for name in (".github/workflows/ci.yml", ".venv/lib/a.yaml", ".pre-commit-config.yaml"):
        path = specs.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("repos: []")
    assert find_specs([Path()]) == find_specs([Path("specs")])
    monkeypatch.chdir(specs / "environments")
    with pytest.raises(NoInputError):
        find_specs([Path()])


def test_those_without_a_project_are_told_how_to_start_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoInputError, match="or start a project with `dagfactory init`"):
        find_specs([Path("specs")])
    with pytest.raises(NoInputError, match=r"no such file or folder: x+$"):
        find_specs([Path("x" * 300)])


@pytest.mark.parametrize("paths", [["nothing.yaml"], ["specs/environments"], []])
def test_nothing_found_is_an_error(specs, paths):
    with pytest.raises(NoInputError):
        find_specs([Path(each) for each in paths])


def test_task_types_are_the_modules_of_their_package():
    assert {"train", "gate", "empty"} <= set(tasks.types())
    assert tasks.task_type("empty").model.model_fields["type"].annotation.__args__ == ("empty",)
    with pytest.raises(KeyError):
        tasks.task_type("nope")


def test_a_link_that_leads_nowhere_is_an_environment_and_an_editors_lock_is_none(tmp_path):
    folder = tmp_path / "specs/environments"
    folder.mkdir(parents=True)
    spec = tmp_path / "specs/p.yaml"
    spec.write_text("pipeline: p\ntasks: {a: {type: empty}}\n")
    (folder / "dev.yaml").symlink_to("nowhere")
    (folder / ".#prod.yaml").symlink_to("somebody@elsewhere.1")
    assert environments(spec) == ["dev"]
    (found,) = parse(spec, "dev").diagnostics
    assert (found.code, "dev.yaml" in found.message) == ("DF101", True)
