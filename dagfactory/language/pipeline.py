"""The model of a pipeline file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field, PrivateAttr, SerializeAsAny, field_validator, model_validator

from dagfactory.language.alerts import Alerts
from dagfactory.language.common import (
    Date,
    EnvironmentName,
    OwnerLink,
    ParamName,
    PipelineId,
    PositiveDuration,
    PositiveInt,
    SpecModel,
    Tag,
    TaskId,
    Text,
    Timezone,
    VarName,
    bad,
    missing,
)
from dagfactory.language.job import Data, Machine
from dagfactory.language.money import Budget
from dagfactory.language.param import Param
from dagfactory.language.schedule import ScheduleField
from dagfactory.language.task import Retries, TaskBase
from dagfactory.language.usage import Usage
from dagfactory.project.code import Project

_FIRST_DAY = datetime.fromisoformat("2024-01-01")
"""Where runs may begin when nothing is scheduled; the time zone is a field of its own."""


_WITH_KEYS = frozenset(
    {
        *("owner", "retries", "retry_delay", "retry_exponential_backoff", "max_retry_delay"),
        *("execution_timeout", "pool", "pool_slots", "queue", "priority_weight"),
        *("depends_on_past", "wait_for_downstream", "start_date", "end_date", "task_id", "dag"),
    }
)
"""Arguments of operators for which the language has keys of its own."""


class Defaults(SpecModel):
    """Values of tasks that do not set their own."""

    image: Text | None = Field(None, description="container image of jobs")
    machine: Machine | None = Field(None, description="machines of jobs")
    poll: PositiveDuration | None = Field(
        None, description="how often Airflow asks for a job's state"
    )
    retries: Retries | None = Field(None, description="how often and when a failure is repeated")
    timeout: PositiveDuration | None = Field(None, description="the longest an attempt may take")
    pool: Text | None = Field(None, description="Airflow pool")
    pool_slots: PositiveInt | None = Field(None, description="slots of the pool a task takes")
    queue: Text | None = Field(None, description="Airflow worker queue")
    priority: int | None = Field(None, description="weight among waiting tasks")
    depends_on_past: bool | None = Field(
        None, description="wait until the task has succeeded in the run before"
    )
    wait_for_downstream: bool | None = Field(
        None, description="and until the tasks right after it have, too"
    )
    arguments: dict[ParamName, Data] = Field(
        {},
        description="arguments of every Airflow operator that takes them: `default_args`",
        examples=[{"gcp_conn_id": "my_google"}],
    )

    @field_validator("arguments")
    @classmethod
    def _of_operators(cls, value: dict[str, Data]) -> dict[str, Data]:
        for name in value:
            if name in _WITH_KEYS or name.startswith("on_"):
                raise bad(
                    f"`{name}` cannot be set here", "the language has a key for it", at=(name,)
                )
        return value


class Pipeline(SpecModel):
    """One pipeline file, environments applied."""

    pipeline: PipelineId = Field(description="unique id; becomes the DAG id", examples=["arr_coc"])
    description: Text | None = Field(None, description="one sentence shown in the DAG list")
    owner: Text | None = Field(None, description="team or person responsible")
    owner_links: dict[Text, OwnerLink] = Field(
        {},
        description="owners with an address each, which the DAG list links to",
        examples=[{"ml-team": "https://wiki.example.com/ml"}],
    )
    doc: Text | None = Field(
        None, description="Markdown shown with the DAG; if absent, the description and the spec"
    )
    schedule: ScheduleField | None = Field(None, description="when runs start by themselves")
    start_date: Date = Field(_FIRST_DAY, description="first day; a schedule by the clock needs it")
    end_date: Date | None = Field(None, description="last day")
    timezone: Timezone = Field("UTC", description="time zone of the schedule and the dates")
    catchup: bool = Field(
        default=False, description="also run for the intervals between `start_date` and now"
    )
    tags: list[Tag] = Field([], description="labels to filter the DAG list by")
    params: dict[ParamName, Param] = Field({}, description="values chosen when triggering")
    defaults: Defaults = Field(
        default_factory=Defaults,
        description="values of tasks that set none",
        examples=[{"machine": {"type": "g2-standard-8"}, "retries": {"attempts": 3}}],
    )
    max_active_runs: PositiveInt | None = Field(None, description="most runs at the same time")
    max_active_tasks: PositiveInt | None = Field(
        None, description="most tasks of a run at the same time"
    )
    timeout: PositiveDuration | None = Field(None, description="the longest a run may take")
    fail_fast: bool = Field(
        default=False, description="stop a run at its first failed task, and fail what still runs"
    )
    pause_after_failures: PositiveInt | None = Field(
        None, description="pause the pipeline after so many failed runs in a row"
    )
    alerts: Alerts | None = Field(None, description="whom to tell what becomes of tasks and runs")
    budget: Budget | None = Field(
        None, description="the most it may cost; more is an error", examples=[{"run": 900}]
    )
    vars: dict[VarName, Any] = Field({}, description="values for `${vars.NAME}`")
    environments: dict[EnvironmentName, Any] = Field(
        {}, description="by environment: a patch of this file"
    )
    tasks: dict[TaskId, SerializeAsAny[TaskBase]] = Field(
        description="the tasks by id", examples=[{"train": {"type": "train", "module": "trainer"}}]
    )
    _project: Project = PrivateAttr(default_factory=Project)
    _usage: Usage | None = PrivateAttr(default=None)

    @property
    def project(self) -> Project:
        """Return where the Python of this file's project lies."""
        return self._project

    def in_project(self, project: Project | None) -> Pipeline:
        """Return this pipeline as one of a project; none is one without files."""
        placed = self.model_copy()
        placed._project = project or Project()  # noqa: SLF001 - of a copy of this very model
        return placed

    @property
    def usage(self) -> Usage:
        """Return how much of everything the pipeline uses, as far as a file beside it says so."""
        return self._usage or Usage()

    def with_usage(self, usage: Usage | None) -> Pipeline:
        """Return this pipeline as one that uses so much."""
        made = self.model_copy()
        made._usage = usage  # noqa: SLF001 - of a copy of this very model
        return made

    @model_validator(mode="after")
    def _dates(self) -> Pipeline:
        if self.schedule and self.schedule.timed and "start_date" not in self.model_fields_set:
            raise missing("start_date", "a pipeline with a schedule needs one")
        if self.end_date and self.end_date < self.start_date:
            raise bad("`end_date` is before `start_date`", at=("end_date",))
        return self
