"""No secret leaves: values planted wherever one could lie are in nothing that any command writes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import processes
import pytest
from paths import ROOT

from dagfactory import report

CANARY = "c0ffee5eed"
KEYS = {
    "github": f"ghp_{CANARY}{'a' * 32}",
    "google": f"AIza{CANARY}{'b' * 25}",
    "slack": f"https://hooks.slack.com/services/T0{CANARY}/B0{CANARY}/{CANARY}",
    "model": f"sk-{CANARY}{'d' * 30}",
    "wandb": f"0a1b2c3d4e5f0a1b{CANARY}2c3d4e5f0a1b2c3d",
}
TASKS = "tasks:\n  fit: {type: train, module: own, env: {A: b}, secrets: {WANDB_API_KEY: wandb-api-key}}\n"
HEAD = (
    "pipeline: p\nowner: ml\n"
    "defaults: {image: 'us-docker.pkg.dev/p/r/t:1', machine: {type: n1-standard-8}}\n"
)
ALERTS = "alerts: {on_failure: [{slack: {connection: slack_ml}}, {email: {to: a@b.c}}]}\n"
WRONG = {
    "in the environment of a job": TASKS.replace("A: b", f"A: {KEYS['github']}"),
    "in place of a secret's name": TASKS.replace("wandb-api-key", KEYS["model"]),
    "in place of a name, with another character": TASKS.replace(
        "wandb-api-key", f"'{CANARY}$%&/{CANARY}'"
    ),
    "in place of a name, random": TASKS.replace("wandb-api-key", f"'{KEYS['wandb']}'"),
    "in place of a connection": ALERTS.replace("slack_ml", KEYS["slack"]) + TASKS,
    "in a text": ALERTS.replace("slack_ml", f"c, message: '{KEYS['slack']}'") + TASKS,
    "beside a key that is misspelt": TASKS.replace(
        "env: {A: b}", f"envi: {{A: b}}, env: {{A: {KEYS['google']}}}"
    ),
    "in a wrong value that is quoted": TASKS.replace("n1-", "").replace(
        "module: own", f"module: '{KEYS['github']} x'"
    ),
    "as a key": TASKS.replace("A: b", f"'{KEYS['github']}': b"),
    "where the file does not parse": TASKS.replace("A: b}", f"A: {KEYS['google']}"),
    "brought in by a variable": f"vars: {{key: '{KEYS['github']}'}}\n"
    + TASKS.replace("A: b", "A: '${vars.key}'"),
    "as the name of a pool": TASKS.replace("module: own", f"module: own, pool: {KEYS['github']}"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with canaries in files and variables that commands read or could read."""
    environments = tmp_path / "specs/environments"
    environments.mkdir(parents=True)
    (environments / "prod.yaml").write_text(
        "environment: prod\nproject: demo-project\nregion: us-central1\nbucket: gs://demo-bucket\n"
        "dags: out/dags/ml\npools: {gpu: {slots: 2}}\n"
    )
    (tmp_path / "specs/defaults.yaml").write_text(f"vars: {{unused: {KEYS['model']}}}\n")
    for path in (".env", "secrets/wandb-api-key", ".dagfactory/emulator/secrets/wandb-api-key"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"WANDB_API_KEY={KEYS['wandb']}\n")
    return tmp_path


def dagfactory(folder: Path, *words: str) -> str:
    """Run the command with canaries in its environment; return all that it printed."""
    variables = {
        "WANDB_API_KEY": KEYS["wandb"],
        "AIRFLOW_CONN_SLACK_ML": f"slackwebhook://:{CANARY}@hooks.slack.com",
        "GOOGLE_API_KEY": KEYS["google"],
        "PYTHONPATH": str(ROOT),
    }
    done = processes.run(
        [sys.executable, "-m", "dagfactory", *words],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def planted(folder: Path) -> dict[Path, bytes]:
    """Return every file of a project that was not planted itself."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and {".dagfactory", "secrets", ".env", "specs"}.isdisjoint(path.relative_to(folder).parts)
    }


def test_nothing_that_is_rendered_holds_one(folder: Path) -> None:
    (folder / "specs/p.yaml").write_text(HEAD + ALERTS + TASKS)
    printed = [
        dagfactory(folder, "render", "--env", "prod", "--out", "build"),
        dagfactory(folder, "render", "--env", "prod", "--stdout"),
        dagfactory(folder, "render", "--env", "prod", "--out", "other", "--diff"),
        dagfactory(folder, "graph", "specs/p.yaml", "--env", "prod"),
        dagfactory(folder, "plan", "--env", "prod", "--out", "plan.json"),
        dagfactory(folder, "plan", "--env", "prod", "--format", "markdown"),
        dagfactory(folder, "sync", "--env", "prod", "--dry-run"),
        dagfactory(folder, "sync", "--env", "prod"),
        dagfactory(folder, "schema"),
    ]
    assert "secrets/wandb-api-key" in printed[1]
    written = planted(folder)
    assert {"p.py", "p.json", "pools.json", "manifest.json", "plan.json"} <= {
        path.name for path in written
    }
    assert [text for text in printed if CANARY in text] == []
    assert [path for path, content in written.items() if CANARY.encode() in content] == []


@pytest.mark.parametrize("case", WRONG)
def test_no_report_shows_one(folder: Path, case: str) -> None:
    (folder / "specs/p.yaml").write_text(HEAD + WRONG[case])
    for name in report.formats():
        printed = dagfactory(folder, "check", "specs", "--env", "prod", "--format", name)
        assert "DF" in printed, "the case is not wrong, and so shows nothing"
        assert CANARY not in printed, name
    printed = dagfactory(folder, "render", "--env", "prod", "--out", "build")
    assert CANARY not in printed
    assert [path for path, content in planted(folder).items() if CANARY.encode() in content] == []
