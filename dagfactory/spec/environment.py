"""The model of an environment file: where a pipeline runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from dagfactory.spec.common import (
    Bucket,
    EnvironmentName,
    LabelText,
    Project,
    Region,
    ServiceAccount,
    SpecModel,
    Text,
    VarName,
    bad,
)
from dagfactory.suggest import did_you_mean

HIDDEN = ("vars", "pipeline", "environment")
"""Keys of the file that `${env.…}` does not offer under their own names."""


def _prefix(dags: str) -> str:
    """Return what follows the `dags` folder: the bundle's package on Airflow's path."""
    parts = dags.removeprefix("gs://").strip("/").split("/")
    return "/".join(parts[parts.index("dags") + 1 :]) if "dags" in parts else ""


def _importable(dags: str) -> str:
    for part in filter(None, _prefix(dags).split("/")):
        remedy = f"write for example `{part.replace('-', '_')}`"
        if not (part.isascii() and part.isidentifier()):
            raise bad(f"`{part}` cannot be imported from, and Airflow imports by that name", remedy)
        if part in sys.stdlib_module_names or part in ("airflow", "google", "dagfactory"):
            raise bad(f"`{part}` would hide a Python package of that name", "choose another folder")
    return dags


DagsFolder = Annotated[Text, AfterValidator(_importable)]


def _target(name: str) -> str:
    """Check a target against the modules of `dagfactory.targets`, importing none."""
    folder = Path(__file__).parents[1] / "targets"
    known = sorted(each.stem for each in folder.glob("*.py") if not each.stem.startswith("_"))
    if name not in known:
        raise bad(f"unknown target `{name}`", did_you_mean(name, known))
    return name


Target = Annotated[Text, AfterValidator(_target)]


class EnvironmentFile(SpecModel):
    """One `specs/environments/NAME.yaml`."""

    environment: EnvironmentName = Field(description="name of the environment: that of the file")
    project: Project = Field(description="Google Cloud project")
    region: Region = Field(description="region of jobs, e.g. us-central1")
    bucket: Bucket = Field(description="bucket of run artifacts, gs://NAME")
    target: Target = Field("airflow3", description="Airflow line the DAGs are written for")
    dags: DagsFolder | None = Field(
        None, description="where `sync` brings DAGs: gs://BUCKET/dags/PREFIX or a folder"
    )
    service_account: ServiceAccount | None = Field(None, description="account that jobs run as")
    labels: dict[LabelText, LabelText] = Field({}, description="labels of every job")
    vars: dict[VarName, Any] = Field({}, description="values for `${vars.NAME}`")
    pipeline: dict[str, Any] = Field({}, description="a patch under every pipeline")

    @property
    def package(self) -> str:
        """Return the dotted package that the bundle lies in, empty at the top of `dags/`."""
        return _prefix(self.dags).replace("/", ".") if self.dags else ""
