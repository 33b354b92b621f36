"""Where a gate's metrics come from when there are several: addresses, and champions of the registry."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from dagfactory.language.common import SpecModel, Text, bad, missing
from dagfactory.tasks._names import SourceName, VersionAlias

if TYPE_CHECKING:
    from dagfactory.task_api.context import LoweringContext


class Source(SpecModel):
    """One file of metrics: at an address, or of the model version that holds an alias."""

    address: Text | None = Field(
        None, description="address of a `metrics.json`", examples=["${tasks.evaluate.metrics}"]
    )
    model: Text | None = Field(
        None,
        description="display name of a registered model, of which one version is compared",
        examples=["arr-coc"],
    )
    alias: VersionAlias = Field("champion", description="alias that this version holds")
    file: Text = Field(
        "metrics.json",
        description="where its `metrics.json` lies, from the folder of the model's files",
        examples=["../../evaluate/model/metrics.json"],
    )
    default: dict[str, Annotated[float, Field(allow_inf_nan=False)]] | None = Field(
        None,
        description="the metrics that count while no version holds the alias, or no file is there",
        examples=[{"accuracy": 0}],
    )

    @model_validator(mode="after")
    def _one(self) -> Source:
        if self.address is None and self.model is None:
            raise missing("address", "or `model`: whose metrics they are")
        if self.address is not None and self.model is not None:
            raise bad("`address` and `model` exclude each other", "keep one", ("model",))
        for key in ("alias", "file"):
            if self.model is None and key in self.model_fields_set:
                raise bad(f"`{key}` is about a model", "add `model:`, or delete it", (key,))
        if posixpath.isabs(self.file) or ":" in self.file:
            raise bad(
                f"`{self.file}` is not a path from the model's folder",
                "write for example `../../evaluate/model/metrics.json`, or use `address:`",
                ("file",),
            )
        return self


def _addressed(value: Any) -> Any:
    return {"address": value} if isinstance(value, str) else value


Sources = Annotated[
    dict[
        SourceName,
        Annotated[Source, BeforeValidator(_addressed, json_schema_input_type=str | Source)],
    ],
    Field(min_length=1),
]


def arguments(source: Source, lowering: LoweringContext) -> Any:
    """Return a source as the gate's operator reads it; an address alone stays a text."""
    made: dict[str, Any] = (
        {"address": source.address} if source.address else _model(source, lowering)
    )
    if source.default is not None:
        made["default"] = dict(source.default)
    return source.address if list(made) == ["address"] else made


def _model(source: Source, lowering: LoweringContext) -> dict[str, Any]:
    # a gate with a champion and without an environment has been found before
    environment = lowering.environment
    place = {"project": environment.project, "region": environment.region} if environment else {}
    return {"model": source.model, "alias": source.alias, "file": source.file, **place}
