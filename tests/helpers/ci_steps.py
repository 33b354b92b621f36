"""The shell steps of the files that `init --ci` writes, played where there is no CI service."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import processes
import pytest
import yaml
from paths import ROOT

from dagfactory.authoring.scaffold import CI

GH = """\
#!/bin/bash
echo "$*" >> gh.log
case "$*" in
  *commits/main*) echo "$GITHUB_SHA" ;;
  *--paginate*) if [[ -f comment ]]; then cat comment; fi ;;
  *POST*) echo 7 > comment ;;
esac
"""
"""GitHub's client, as far as the steps need it: there is no GitHub here."""


def text(name: str) -> str:
    return (ROOT / "dagfactory/authoring/init" / CI[name][1]).read_text()


def github(job: str) -> Iterator[str]:
    steps = yaml.safe_load(text("github"))["jobs"][job]["steps"]
    return (step["run"] for step in steps if "run" in step)


def gitlab(job: str) -> Iterator[str]:
    file = yaml.safe_load(text("gitlab"))
    found = file[job]
    while "script" not in found:
        found = file[found["extends"]]
    yield from found["script"]


def cloudbuild(job: str) -> Iterator[str]:
    steps = yaml.safe_load(text("cloudbuild"))["steps"]
    names = (job, "sync" if job in ("staging", "prod") else job)
    return (step["args"][1].replace("$$", "$") for step in steps if step["id"] in names)


SERVICES = {"github": github, "gitlab": gitlab, "cloudbuild": cloudbuild}
PLAN = {"github": "plan", "gitlab": ".plan", "cloudbuild": "plan"}


def play(name: str, job: str) -> int:
    """Run the steps of a job that do not install; return the first exit status that is not 0."""
    for script in SERVICES[name](job):
        if "pip install" not in script:
            done = processes.run(["bash", "-euo", "pipefail", "-c", script], check=False)
            if done.returncode:
                return done.returncode
    return 0


def prepare(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Set the variables and make the programs that the services have."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "gh").write_text(GH)
    (tools / "gh").chmod(0o755)
    search = (tools, Path(sys.executable).parent, os.environ["PATH"])
    for name, value in {
        "PATH": os.pathsep.join(map(str, search)),
        "NAME": "staging",
        "SYNC": "yes",
        "GITHUB_STEP_SUMMARY": "summary.md",
        "GITHUB_SHA": "a" * 40,
        "GITHUB_REPOSITORY": "o/r",
        "NUMBER": "5",
    }.items():
        patch.setenv(name, value)
