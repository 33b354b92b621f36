"""One new module is all that a task type, target, check, format, command, importer or store needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import processes
import pytest
from paths import ROOT

TASK = '''"""`greet`: say hello."""

from typing import Literal

from pydantic import Field

from dagfactory.task_api.arguments import operator_arguments
from dagfactory.language.task import TaskBase
from dagfactory.task_api.task_type import TaskType


class Greet(TaskBase):
    """Say hello."""

    type: Literal["greet"]
    whom: str = Field(description="Who is greeted.")


def outputs(_task, context):
    """Offer the greeting."""
    return {"greeting": context.xcom()}


def lower(task, lowering, context):
    """Return a BashOperator."""
    symbol = lowering.target.symbol("BashOperator")
    command = {"bash_command": f"echo hello {task.whom}"}
    return context.operator(symbol, command | operator_arguments(task, lowering))


TASK_TYPE = TaskType(Greet, lower, outputs=outputs)
'''
TARGET = '''"""A line of Airflow to come."""

from dagfactory.dagfile.targets import COMPATIBLE, Target

TARGET = Target(name="airflow4", airflow="4.0.0", modules=COMPATIBLE | {"DAG": "airflow.four"})
'''
CHECK = '''"""Nobody greets the moon."""


def check(text):
    """Return what is wrong, or None."""
    return "the moon is greeted" if "moon" in text else None
'''
FORMAT = '''"""One word."""


def text(findings, style):
    """Return the report."""
    return f"shout {findings.count('error')}\\n"
'''
COMMAND = '''"""Say hello."""

import click


@click.command("hello")
def command() -> int:
    """Say hello."""
    click.echo("hello")
    return 0
'''
LINT = '''"""Greetings are short."""

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer


def check(plan):
    """Find long names."""
    for item in plan.tasks.values():
        if len(getattr(item.task, "whom", "")) > 20:
            yield Diagnostic("DF331", "that is a long greeting", Pointer((*item.path, "whom")))
'''
IMPORTER = '''"""Files of one word."""

from dagfactory.importers import Imported, Outcome


def read(source, defaults):
    """Turn the word into a pipeline."""
    text = f"pipeline: {source.text.strip()}\\ntasks: {{a: {{type: empty}}}}\\n"
    return Imported((Outcome("dag", "p", text, ()),))
'''
STORE = '''"""A store that holds nothing and takes nothing."""

from dagfactory.deploy.errors import RefusedError

SCHEME = "nowhere://"


class Nowhere:
    """Lists nothing, refuses everything."""

    address = "nowhere://"

    def listing(self):
        """Return no file."""
        return {}

    def write(self, path, content, *, generation):
        """Refuse."""
        raise RefusedError("nothing goes nowhere")


def connect(destination):
    """Return the store."""
    return Nowhere()
'''
MODULES = {
    "tasks/greet.py": TASK,
    "dagfile/targets/airflow4.py": TARGET,
    "dagfile/checks/moon.py": CHECK,
    "report/shout.py": FORMAT,
    "cli/hello.py": COMMAND,
    "compiler/lint/greetings.py": LINT,
    "importers/word.py": IMPORTER,
    "deploy/stores/nowhere.py": STORE,
}
ENVIRONMENT = "environment: dev\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
SPEC = """pipeline: p
tasks:
  a: {type: greet, whom: WHOM, timeout: 1h}
  b: {type: bash, command: "echo ${tasks.a.greeting}"}
"""


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the compiler with one module more in each package."""
    folder = tmp_path_factory.mktemp("copy")
    skipped = shutil.ignore_patterns("__pycache__", "emulator", "run")
    shutil.copytree(ROOT / "dagfactory", folder / "dagfactory", ignore=skipped)
    shutil.copytree(ROOT / "templates", folder / "templates")
    for name, text in MODULES.items():
        (folder / "dagfactory" / name).write_text(text)
    (folder / "specs/environments").mkdir(parents=True)
    (folder / "specs/environments/dev.yaml").write_text(ENVIRONMENT + "target: airflow4\n")
    return folder


def start(folder: Path, *arguments: str, whom: str = "world") -> subprocess.CompletedProcess[str]:
    (folder / "specs/p.yaml").write_text(SPEC.replace("WHOM", whom))
    return processes.run(
        [sys.executable, "-m", "dagfactory", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "GITHUB_ACTIONS": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_task_type_and_a_target(copied: Path) -> None:
    done = start(copied, "render", "--env", "dev", "--stdout")
    assert done.returncode == 0, done.stderr
    assert "from airflow.four import DAG\n" in done.stdout
    assert "# target airflow4, environment dev\n" in done.stdout
    assert 'bash_command="echo hello world",\n        execution_timeout=timedelta(hours=1),' in (
        done.stdout
    )
    assert "    a >> b\n" in done.stdout


def test_its_mistakes_are_found(copied: Path) -> None:
    done = start(copied, "check", whom="[x]")
    assert done.returncode == 1
    assert "`whom` needs text" in done.stdout


def test_it_is_in_the_schema(copied: Path) -> None:
    assert '"description": "Who is greeted."' in start(copied, "schema").stdout


def test_a_check_stops_what_it_does_not_like(copied: Path) -> None:
    done = start(copied, "render", "--env", "dev", "--out", "out", whom="moon")
    assert done.returncode == 70
    assert "RenderedCodeError" in done.stderr
    assert not (copied / "out").exists()


def test_a_report_format(copied: Path) -> None:
    done = start(copied, "check", "--format", "shout", whom="5")
    assert done.stdout == "shout 1\n"


def test_a_command(copied: Path) -> None:
    assert start(copied, "hello").stdout == "hello\n"
    assert "Say hello" in start(copied, "--help").stdout


def test_a_check_of_the_plan(copied: Path) -> None:
    done = start(copied, "check", whom="everybody who is listening")
    assert done.returncode == 1
    assert "that is a long greeting" in done.stdout


def test_an_importer(copied: Path) -> None:
    (copied / "word.yml").write_text("etl\n")
    done = start(copied, "import", "word.yml", "--from", "word")
    assert done.stdout == "pipeline: etl\ntasks: {a: {type: empty}}\n", done.stderr


def test_a_store(copied: Path) -> None:
    done = start(copied, "sync", "--env", "dev", "--to", "nowhere://", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "+ p.py " in done.stdout
    assert start(copied, "sync", "--env", "dev", "--to", "nowhere://").returncode == 4
