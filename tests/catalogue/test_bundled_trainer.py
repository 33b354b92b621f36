"""Which jobs run the trainer that comes with dagfactory: by what it says of itself."""

import sys
from pathlib import Path

import pytest

import trainer
from dagfactory.catalogue import bundled_trainer
from dagfactory.project.specs import source_folders
from trainer import settings

OURS = 'DISTRIBUTION = "dagfactory-trainer"\n'
THEIRS = "raise SystemExit('imported')\n"
SAYINGS = {
    "ours": (OURS, True),
    "ours, under a docstring": (f'"""A trainer."""\n\n__version__ = "2"\n{OURS}', True),
    "theirs": (THEIRS, False),
    "nothing": ("", False),
    "another name": ('NAME = "dagfactory-trainer"\n', False),
    "another distribution": ('DISTRIBUTION = "acme-trainer"\n', False),
    "in a comment": (f"# {OURS}", False),
    "in a function": (f"def f():\n    {OURS}", False),
    "not Python": ("DISTRIBUTION =", False),
    "not text": ("\0", False),
}


def package(folder: Path, text: str, name: str = "__init__.py") -> Path:
    (folder / "trainer").mkdir(parents=True)
    (folder / "trainer" / name).write_text(text)
    return folder


def runs(*artifacts, sources=(), module="trainer", command=None):
    return bundled_trainer.runs(module, command, artifacts or ["r/ml/any:1"], sources)


@pytest.fixture
def elsewhere(monkeypatch):
    """A Python in which nothing called trainer is installed."""
    monkeypatch.setattr(bundled_trainer, "installed", lambda: False)


@pytest.mark.parametrize("saying", SAYINGS)
def test_a_package_is_ours_by_what_it_says(saying, tmp_path, elsewhere):
    text, expected = SAYINGS[saying]
    folder = package(tmp_path, text)
    assert bundled_trainer.of_project([folder]) is expected
    assert runs(sources=[folder]) is expected


def test_what_the_project_has_counts_before_all_else(tmp_path):
    theirs, ours = package(tmp_path / "a", THEIRS), package(tmp_path / "b", OURS)
    assert bundled_trainer.installed()
    assert not runs("r/ml/dagfactory-trainer:1", sources=[theirs])
    assert not runs(sources=[tmp_path, theirs, ours])
    assert runs(sources=[tmp_path, ours, theirs])


@pytest.mark.parametrize("name", ["trainer.py", "trainer/train.py"])
def test_a_module_and_a_package_without_init_are_packages_too(name, tmp_path):
    (tmp_path / "trainer").mkdir()
    (tmp_path / name).write_text(THEIRS)
    assert bundled_trainer.of_project([tmp_path]) is False


def test_a_folder_of_other_files_is_not_a_package(tmp_path):
    package(tmp_path, "pipeline: x\n", "spec.yaml")
    assert bundled_trainer.of_project([tmp_path]) is None


@pytest.mark.parametrize(
    ("artifact", "expected"),
    [
        ("us-docker.pkg.dev/p/ml/dagfactory-trainer:0.1.0", True),
        ("us-docker.pkg.dev/p/ml/dagfactory-trainer-vlm@sha256:0", True),
        ("gs://b/packages/dagfactory_trainer-0.1.0.tar.gz", True),
        ("gs://b/dagfactory_trainer-0.1.0-py3-none-any.whl", True),
        ("gs://dagfactory-trainer/acme-1.0.tar.gz", False),
        ("gs://b/acme_trainer-1.0.tar.gz", False),
        ("us-docker.pkg.dev/p/ml/trainer:0.1.0", False),
        ("", False),
    ],
)
def test_a_package_or_an_image_is_ours_by_its_name(artifact, expected, elsewhere):
    assert runs(artifact) is expected


def test_packages_of_others_are_not_taken_for_what_is_installed_here():
    assert bundled_trainer.installed()
    assert runs("us-docker.pkg.dev/p/ml/any:1")
    assert not runs("gs://b/acme-1.0.tar.gz")
    assert runs("gs://b/acme-1.0.tar.gz", "gs://b/dagfactory_trainer-0.1.0.tar.gz")


@pytest.mark.parametrize(("module", "command"), [("acme.train", None), ("trainer", ["sh"])])
def test_other_modules_and_commands_are_not_ours(module, command):
    assert not runs("r/ml/dagfactory-trainer:1", module=module, command=command)


def test_a_project_is_looked_at_wherever_it_is_checked_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project = tmp_path / "project"
    spec = project / "specs" / "team" / "x.yaml"
    spec.parent.mkdir(parents=True)
    here = (project, project / "src", tmp_path, tmp_path / "src")
    assert source_folders(spec) == here
    assert source_folders(Path("project/specs/team/x.yaml")) == here


def test_a_spec_of_no_project_has_the_working_folder_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = tmp_path / "a" / "b" / "c" / "d" / "x.yaml"
    assert source_folders(spec) == (tmp_path, tmp_path / "src")
    (tmp_path / "a" / "b" / ".git").mkdir(parents=True)
    assert source_folders(spec)[:2] == (tmp_path / "a" / "b", tmp_path / "a" / "b" / "src")


def test_what_is_installed_is_read_not_imported(tmp_path, monkeypatch):
    package(tmp_path, THEIRS)
    monkeypatch.syspath_prepend(tmp_path)
    for name in [each for each in sys.modules if each.partition(".")[0] == "trainer"]:
        monkeypatch.delitem(sys.modules, name)
    assert not bundled_trainer.installed.__wrapped__()
    assert "trainer" not in sys.modules


def test_our_package_says_what_is_looked_for():
    assert trainer.DISTRIBUTION == bundled_trainer.DISTRIBUTION
    assert bundled_trainer.says_it_is_ours(Path(trainer.__file__))


def test_the_settings_are_the_trainers():
    assert bundled_trainer.settings_file() == Path(settings.__file__)
    assert tuple(settings.PROGRAMS) == bundled_trainer.PROGRAMS
    assert bundled_trainer.varying() == settings.VARYING
    for program, model in settings.PROGRAMS.items():
        assert bundled_trainer.settings(program).model_json_schema() == model.model_json_schema()


def test_a_checkout_below_a_folder_with_another_trainer_runs_its_own(tmp_path, monkeypatch):
    package(tmp_path, THEIRS)
    package(tmp_path / "clone", OURS)
    (tmp_path / "clone/specs/deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for spec in ("clone/specs/p.yaml", "clone/specs/deep/p.yaml"):
        assert runs(sources=source_folders(Path(spec)))
    assert not runs(sources=source_folders(Path("specs/p.yaml")))
