"""A new project: specs, environments, what editors and GitHub need. Existing files stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TextIO

from dagfactory.authoring.schema import KINDS, schema_text
from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.project.files import leads_out

FILES = {
    "specs/first.yaml": "first.yaml",
    "specs/own.yaml": "own.yaml",
    "training/train.py": "train.py",
    "training/contract.py": "contract.py",
    "specs/defaults.yaml": "defaults.yaml",
    "specs/environments/local.yaml": "environments/local.yaml",
    "specs/environments/staging.yaml": "environments/staging.yaml",
    "specs/environments/prod.yaml": "environments/prod.yaml",
    ".gitignore": "gitignore.txt",
}
"""Files of a project and where their text lies below dagfactory/authoring/init/."""

CI = {
    "github": (".github/workflows/dags.yml", "ci/github.yml"),
    "gitlab": (".gitlab-ci.yml", "ci/gitlab.yml"),
    "cloudbuild": ("cloudbuild.yaml", "ci/cloudbuild.yaml"),
}
"""The file of each service that checks, plans and syncs, and where its text lies."""


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """One file of the project; `created` is False for one that was there already."""

    path: str
    created: bool


def scaffold(folder: Path, ci: str) -> Iterator[ProjectFile]:
    """Write the missing files one by one; raises DagfactoryError when a file cannot be written."""
    home = files(__package__).joinpath("init")
    sources = FILES | dict([CI[ci]])
    texts = {path: home.joinpath(source).read_text("utf-8") for path, source in sources.items()}
    texts |= {f"schema/{kind}.schema.json": schema_text(kind) for kind in KINDS}
    for path, text in texts.items():
        yield ProjectFile(path, _create(folder / path, text))


def _create(path: Path, text: str) -> bool:
    """Create a file; return False for a file or link that is there already."""
    if leads_out(path.parent):
        raise DagfactoryError(f"{path.parent} is a link that leads out of the project")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            _fill(stream, path, text)
    except OSError as error:
        # a full disk leaves no file, and so is not taken for one that was there
        if path.is_file() or path.is_symlink():
            return False
        reason = (error.strerror or str(error)).lower()
        raise DagfactoryError(f"cannot write {path}: {reason}") from None
    return True


def _fill(stream: TextIO, path: Path, text: str) -> None:
    """Write a text to a new file, which goes again where that fails: a second try would keep half of it."""
    try:
        stream.write(text)
        stream.flush()
    except BaseException:
        path.unlink(missing_ok=True)
        raise
