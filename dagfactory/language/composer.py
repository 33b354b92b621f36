"""`composer:` of an environment file: the Cloud Composer environment that runs the DAGs.

The rules are those of Composer's API, which Terraform's schema of it does not hold: ranges and steps of
workloads from docs.cloud.google.com/composer/docs/composer-3/scale-environments, read on 2026-11-30.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dagfactory.catalogue.composer_overrides import override_rule
from dagfactory.diagnostics.wording import shorten
from dagfactory.language.common import ComposerName, SpecModel, bad, matching
from dagfactory.language.plain import PlainText

_MOST_GB_PER_CPU = 8

ImageVersion = Annotated[
    str,
    AfterValidator(
        matching(
            r"composer-(?:3|2\.\d+\.\d+)-airflow-[23](?:\.\d+){0,2}(?:-build\.\d+)?",
            "an image of Composer",
            "write for example `composer-3-airflow-3.1.7-build.2`",
        )
    ),
]

_OF_COMPOSER = re.compile(
    r"AIRFLOW__\w+__\w+|AIRFLOW_HOME|C_FORCE_ROOT|CONTAINER_NAME|DAGS_FOLDER|GCP_PROJECT|GCS_BUCKET"
    r"|GKE_CLUSTER_NAME|SQL_\w+"
)


def _variable(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        remedy = "use letters, digits and `_`"
        raise bad(f"`{shorten(name)}` is not the name of a variable", remedy)
    if name.startswith("AIRFLOW__") and _OF_COMPOSER.fullmatch(name):
        section, option = name.removeprefix("AIRFLOW__").lower().split("__", 1)
        remedy = f"write `{section}-{option}` into `overrides`"
        raise bad(f"`{name}` is not taken as a variable of an environment", remedy)
    if _OF_COMPOSER.fullmatch(name):
        raise bad(f"`{name}` is not free: Composer sets it itself", "choose another name")
    return name


VariableName = Annotated[str, AfterValidator(_variable)]


def _override(key: str) -> str:
    section, dash, option = key.partition("-")
    if not (dash and re.fullmatch(r"\w+", section) and re.fullmatch(r"\w+", option)):
        remedy = "write section and option, for example `core-max_map_length`"
        raise bad(f"`{shorten(key)}` is not an option of Airflow", remedy)
    rule = override_rule(section, option)
    if rule and rule.is_blocked:
        raise bad(f"`{key}` is not an option that Composer lets you set", "delete the line")
    return key


OverrideKey = Annotated[str, AfterValidator(_override)]
OverrideValue: TypeAlias = bool | int | float | PlainText


def _within_limits(overrides: dict[str, OverrideValue]) -> dict[str, OverrideValue]:
    """Check values that Composer takes from a range only."""
    for key, value in overrides.items():
        rule = override_rule(*key.split("-", 1))
        if rule is None or not re.fullmatch(r"\d+(?:\.\d+)?", str(value)):
            continue
        low, high = rule.minimum, rule.maximum
        if (low is not None and float(value) < low) or (high is not None and float(value) > high):
            ends = [f"at least {low:g}"] if low is not None else []
            ends += [f"at most {high:g}"] if high is not None else []
            message = f"{value} is not a value that Composer takes for `{key}`"
            raise bad(message, f"write {' and '.join(ends)}", (key,))
    return overrides


PackageName = Annotated[
    str,
    AfterValidator(
        matching(
            r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?",
            "the name of a package",
            "write the name alone, its extras and version as the value: `pandas: '>=2,<3'`",
        )
    ),
]

_VERSION = r"(?:===?|~=|!=|<=?|>=?)\s*[A-Za-z0-9.*+!_-]+"
_SPECIFIER = re.compile(
    rf"(?:\[[\w.-]+(?:\s*,\s*[\w.-]+)*\])?\s*(?:{_VERSION}(?:\s*,\s*{_VERSION})*)?"
)


def _specifier(text: str) -> str:
    if not _SPECIFIER.fullmatch(text):
        remedy = "write for example `'==2.3.1'`, `'[extra]>=2,<3'`, or `''` for any"
        raise bad(f"`{shorten(text)}` is not the extras and version of a package (PEP 508)", remedy)
    return text


Specifier = Annotated[str, AfterValidator(_specifier)]


def _cpu(value: float) -> float:
    if value not in {0.5, 1} and value % 2:
        raise bad(f"{value:g} is not a number of CPUs of a workload", "write 0.5, 1, 2, 4, 6, …")
    return value


def _memory(value: float) -> float:
    if value * 4 % 1:
        near = f"{round(value * 4) / 4:g}"
        raise bad(
            f"{value:g} is not a memory of a workload", f"write for example {near}: steps of 0.25"
        )
    return value


Cpu = Annotated[float, AfterValidator(_cpu)]
MemoryGb = Annotated[float, AfterValidator(_memory)]
StorageGb = Annotated[int, Field(ge=0, le=100)]


class _Workload(SpecModel):
    """CPU and memory of one part of Airflow."""

    @model_validator(mode="after")
    def _proportion(self) -> _Workload:
        cpu, memory = getattr(self, "cpu", None), getattr(self, "memory_gb", None)
        if cpu and memory and not cpu <= memory <= _MOST_GB_PER_CPU * cpu:
            message = f"{memory:g} GB is not a memory for {cpu:g} CPUs"
            remedy = f"write {max(1, cpu):g} to {_MOST_GB_PER_CPU * cpu:g}: 1 to 8 GB for each CPU"
            raise bad(message, remedy, ("memory_gb",))
        return self


class Scheduler(_Workload):
    """The schedulers."""

    cpu: Annotated[Cpu, Field(ge=0.5, le=1)] | None = Field(None, description="CPUs of each")
    memory_gb: Annotated[MemoryGb, Field(ge=1, le=8)] | None = Field(
        None, description="memory of each"
    )
    storage_gb: StorageGb | None = Field(None, description="disk of each")
    count: Annotated[int, Field(ge=1, le=3)] | None = Field(None, description="how many")


class DagProcessor(_Workload):
    """The DAG processors, of Composer 3."""

    cpu: Annotated[Cpu, Field(ge=0.5, le=32)] | None = Field(None, description="CPUs of each")
    memory_gb: Annotated[MemoryGb, Field(ge=1, le=256)] | None = Field(
        None, description="memory of each"
    )
    storage_gb: StorageGb | None = Field(None, description="disk of each")
    count: Annotated[int, Field(ge=1, le=3)] | None = Field(None, description="how many")


class Triggerer(_Workload):
    """The triggerers, which wait for jobs."""

    cpu: Annotated[Cpu, Field(ge=0.5, le=1)] = Field(0.5, description="CPUs of each")
    memory_gb: Annotated[MemoryGb, Field(ge=1, le=8)] = Field(1, description="memory of each")
    count: Annotated[int, Field(ge=0, le=10)] = Field(1, description="how many")


class WebServer(_Workload):
    """The web server."""

    cpu: Annotated[Cpu, Field(ge=1, le=4)] | None = Field(None, description="CPUs")
    memory_gb: Annotated[MemoryGb, Field(ge=2, le=32)] | None = Field(None, description="memory")
    storage_gb: StorageGb | None = Field(None, description="disk")


class Worker(_Workload):
    """The workers, of which Composer starts as many as it needs."""

    cpu: Annotated[Cpu, Field(ge=0.5, le=32)] | None = Field(None, description="CPUs of each")
    memory_gb: Annotated[MemoryGb, Field(ge=1, le=256)] | None = Field(
        None, description="memory of each"
    )
    storage_gb: StorageGb | None = Field(None, description="disk of each")
    min_count: Annotated[int, Field(ge=1, le=100)] | None = Field(None, description="the fewest")
    max_count: Annotated[int, Field(ge=1, le=100)] | None = Field(None, description="the most")

    @model_validator(mode="after")
    def _range(self) -> Worker:
        if self.min_count and self.max_count and self.min_count > self.max_count:
            message = f"{self.min_count} is not a fewest number of workers below {self.max_count}"
            raise bad(message, f"write {self.max_count} or less", ("min_count",))
        return self


class Workloads(SpecModel):
    """CPU, memory, disk and number of the parts of Airflow."""

    scheduler: Scheduler | None = Field(None, description="the schedulers")
    dag_processor: DagProcessor | None = Field(
        None, description="the DAG processors, of Composer 3"
    )
    triggerer: Triggerer | None = Field(None, description="the triggerers, which wait for jobs")
    web_server: WebServer | None = Field(None, description="the web server")
    worker: Worker | None = Field(None, description="the workers")


class Composer(SpecModel):
    """The Cloud Composer environment: what `dagfactory composer` renders and `doctor` compares."""

    name: ComposerName = Field(description="its name, by which monitoring policies find it")
    image: ImageVersion | None = Field(
        None, description="image version", examples=["composer-3-airflow-3.1.7-build.2"]
    )
    size: Literal["small", "medium", "large"] | None = Field(
        None, description="size of Composer's own parts"
    )
    packages: dict[PackageName, Specifier] = Field(
        {}, description="Python packages: extras and version by name", examples=[{"pandas": ">=2"}]
    )
    env: dict[VariableName, PlainText] = Field(
        {}, description="environment variables of Airflow's processes"
    )
    overrides: Annotated[dict[OverrideKey, OverrideValue], AfterValidator(_within_limits)] = Field(
        {},
        description="options of Airflow, `SECTION-OPTION`",
        examples=[{"core-max_map_length": 10000}],
    )
    workloads: Workloads | None = Field(None, description="CPU, memory and number of its parts")

    @model_validator(mode="after")
    def _of_this_generation(self) -> Composer:
        second = self.image is not None and self.image.startswith("composer-2")
        if second and self.workloads and self.workloads.dag_processor:
            message = "`dag_processor` is not a workload of Composer 2"
            raise bad(
                message, "delete it: the schedulers parse there", ("workloads", "dag_processor")
            )
        return self

    @property
    def airflow(self) -> str | None:
        """Return the version of Airflow that the image has, as far as it says."""
        found = re.search(r"-airflow-([\d.]+)", self.image or "")
        return found[1] if found else None


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


ComposerField = Annotated[
    Composer, BeforeValidator(_named, json_schema_input_type=ComposerName | Composer)
]
"""A name alone is short for `{name: NAME}`."""
