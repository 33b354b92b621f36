"""A module dropped into a package is all that a new kind of thing needs.

The modules are those that CONTRIBUTING.md shows: whoever follows it gets what is tested here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import processes
import pytest
from paths import ROOT

TOYS = re.compile(
    r"^ *```python (?P<into>into )?(?P<file>\S+)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL
)
CODES = "CODES: dict[str, Code] = {\n"
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
    (folder / "trainer").mkdir()
    shutil.copy(ROOT / "trainer/settings.py", folder / "trainer")
    for toy in TOYS.finditer((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        path = folder / toy["file"]
        if toy["into"]:
            assert CODES in path.read_text()
            path.write_text(path.read_text().replace(CODES, CODES + dedent(toy["text"])))
        else:
            assert not path.exists()
            path.write_text(toy["text"])
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


def test_a_form_of_a_plan(copied: Path) -> None:
    done = start(copied, "plan", "--env", "dev", "--to", f"{copied}/new", "--format", "count")
    assert done.stdout == "1\n", done.stderr


def test_a_command(copied: Path) -> None:
    assert start(copied, "hello").stdout == "hello\n"
    assert "Say hello" in start(copied, "--help").stdout


def test_a_lint_check(copied: Path) -> None:
    done = start(copied, "check", "--format", "concise", whom="WORLD")
    assert done.returncode == 0
    assert "warning[DF399]: `WORLD` is shouted at (write `World`)\n" in done.stdout


def test_an_importer(copied: Path) -> None:
    (copied / "nightly.yaml").write_text("echo one\necho two\n")
    done = start(copied, "import", "--from", "lines", "nightly.yaml")
    assert done.returncode == 0, done.stderr
    assert "pipeline: nightly\n" in done.stdout
    assert 'step_2: {type: bash, command: "echo two"}\n' in done.stdout


def test_a_store(copied: Path) -> None:
    done = start(copied, "sync", "--env", "dev", "--to", f"desk://{copied}/dags")
    assert done.returncode == 0, done.stderr
    assert (copied / "dags/p.py").is_file()


def test_each_kind_of_thing_is_explained() -> None:
    """What lists its own folder has a module in CONTRIBUTING.md."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    listing = re.compile(r"glob\(\"\*\.py\"\)|pkgutil\.iter_modules")
    packages = {
        path.parent.relative_to(ROOT).as_posix()
        for path in (ROOT / "dagfactory").rglob("__init__.py")
        if listing.search(path.read_text())
    }
    assert {
        Path(toy["file"]).parent.as_posix() for toy in TOYS.finditer(page) if not toy["into"]
    } == packages
