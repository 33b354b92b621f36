"""The model of an environment file: where a pipeline runs."""

from __future__ import annotations

import sys
from keyword import iskeyword
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from dagfactory.dagfile import targets
from dagfactory.diagnostics.wording import did_you_mean, shorten
from dagfactory.language.airflow import Airflow
from dagfactory.language.common import (
    Bucket,
    EnvironmentName,
    LabelText,
    PositiveInt,
    Project,
    Region,
    ServiceAccount,
    SpecModel,
    Text,
    VarName,
    bad,
)
from dagfactory.language.composer import ComposerField

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
    """Check a target against the modules of `dagfactory.dagfile.targets`, importing none."""
    known = targets.names()
    if name not in known:
        raise bad(f"unknown target `{name}`", did_you_mean(name, known))
    return name


Target = Annotated[Text, AfterValidator(_target)]


def _pool(name: str) -> str:
    if name == DEFAULT_POOL:
        raise bad(f"`{name}` is Airflow's own", "choose another name")
    return name


DEFAULT_POOL = "default_pool"
"""The pool that every Airflow has and every task is in that names none."""

PoolName = Annotated[Text, Field(max_length=256), AfterValidator(_pool)]
"""Airflow keeps a pool's name in a column of 256 characters."""


class Pool(SpecModel):
    """An Airflow pool: how many of its tasks run at the same time."""

    slots: PositiveInt = Field(description="slots; a task takes one, or its `pool_slots`")
    description: Text | None = Field(None, description="what the pool protects")
    count_waiting: bool = Field(
        default=True,
        description="whether a task that waits for its job (deferred) keeps its slots",
    )


def _code(folder: str) -> str:
    name = PurePosixPath(folder).name
    if not (name.isascii() and name.isidentifier()) or iskeyword(name) or "\\" in folder:
        remedy = "write the folder of a package, for example `my_team`"
        raise bad(f"`{shorten(folder)}` is not a Python package", remedy)
    if name in sys.stdlib_module_names or name in ("airflow", "google", "dagfactory"):
        raise bad(f"`{name}` would hide a Python package of that name", "choose another name")
    return folder


CodeFolder = Annotated[Text, AfterValidator(_code)]


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
    composer: ComposerField | None = Field(
        None, description="Cloud Composer environment, or its name alone", examples=["ml-prod"]
    )
    airflow: Airflow | None = Field(
        None, description="the Airflow of the environment: address, variables, connections"
    )
    machines: list[Text] = Field(
        [],
        description="machine types that are newer than dagfactory's lists: jobs may have them"
        " everywhere, bought in any way",
    )
    pools: dict[PoolName, Pool] = Field({}, description="Airflow pools that tasks may name")
    code: list[CodeFolder] = Field(
        [],
        description="Python packages of the project that travel in the bundle: `callable` of "
        "`python` tasks and alerts may name their functions",
        examples=[["my_team"]],
    )
    vars: dict[VarName, Any] = Field({}, description="values for `${vars.NAME}`")
    pipeline: dict[str, Any] = Field({}, description="a patch under every pipeline")
    _lists_pools: bool = PrivateAttr(default=True)

    @property
    def lists_pools(self) -> bool:
        """Return whether `pools` are all there are; not where the file has a mistake there."""
        return self._lists_pools

    def without_pools(self) -> EnvironmentFile:
        """Return this environment as one whose pools are not known."""
        made = self.model_copy()
        made._lists_pools = False  # noqa: SLF001 - of a copy of this very model
        return made

    @model_validator(mode="after")
    def _of_the_line(self) -> EnvironmentFile:
        version = self.composer.airflow if self.composer else None
        if version and self.target != f"airflow{version.partition('.')[0]}":
            message = f"an image with Airflow {version} is not one for `target: {self.target}`"
            raise bad(message, "change one of them", ("composer", "image"))
        return self

    @property
    def composer_name(self) -> str | None:
        """Return the name of the Cloud Composer environment, if there is one."""
        return self.composer.name if self.composer else None

    @property
    def airflow_url(self) -> str | None:
        """Return the address of Airflow's web server without a final slash, if it is known."""
        return self.airflow.url if self.airflow else None

    @property
    def package(self) -> str:
        """Return the dotted package that the bundle lies in, empty at the top of `dags/`."""
        return _prefix(self.dags).replace("/", ".") if self.dags else ""

    @property
    def bundle_address(self) -> str:
        """Return where jobs find the files of the bundle: `dags` in a bucket, else `bucket` itself."""
        in_bucket = self.dags and self.dags.startswith("gs://")
        return (self.dags if self.dags and in_bucket else self.bucket).rstrip("/")
