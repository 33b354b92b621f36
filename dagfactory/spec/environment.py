"""The model of an environment file: where a pipeline runs."""

from __future__ import annotations

from typing import Any

from pydantic import Field

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
)

HIDDEN = ("vars", "pipeline", "environment")
"""Keys of the file that `${env.…}` does not offer under their own names."""


class EnvironmentFile(SpecModel):
    """One `specs/environments/NAME.yaml`."""

    environment: EnvironmentName = Field(description="name of the environment: that of the file")
    project: Project = Field(description="Google Cloud project")
    region: Region = Field(description="region of jobs, e.g. us-central1")
    bucket: Bucket = Field(description="bucket of run artifacts, gs://NAME")
    target: Text = Field("airflow3", description="Airflow line the DAGs are written for")
    dags: Text | None = Field(
        None, description="where DAGs go: gs://BUCKET/dags/PREFIX or a folder"
    )
    service_account: ServiceAccount | None = Field(None, description="account that jobs run as")
    labels: dict[LabelText, LabelText] = Field({}, description="labels of every job")
    vars: dict[VarName, Any] = Field({}, description="values for ${vars.NAME}")
    pipeline: dict[str, Any] = Field({}, description="keys of every pipeline in this environment")
