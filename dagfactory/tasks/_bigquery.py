"""What BigQuery tasks share: table names, dispositions, partitions, sizes in bytes.

Fields: https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfiguration
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from dagfactory.diagnostics.wording import shorten
from dagfactory.language.common import Duration, SpecModel, Text, bad, parsed

_OPEN = re.compile(r"\$\{[^}]*\}|\{\{.*?\}\}", re.DOTALL)
_PARTS = 3
_SIZE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?([MGT])(i?)B")
_POWERS = {"M": 2, "G": 3, "T": 4}


def table_parts(text: str) -> list[str]:
    """Split `project.dataset.table` at its dots, not at those inside references and templates."""
    openings = _OPEN.findall(text)
    masked = _OPEN.sub("\0", text)
    pieces = masked.rsplit(".", 2) if masked.count(".") >= _PARTS - 1 else masked.split(".")
    rest = iter(openings)
    return ["".join(next(rest) if each == "\0" else each for each in piece) for piece in pieces]


def _table(text: str) -> str:
    if (
        len(table_parts(text)) == _PARTS
        and all(table_parts(text))
        and " " not in _OPEN.sub("", text)
    ):
        return text
    raise bad(
        f"`{shorten(text)}` is not a table",
        "write `project.dataset.table`, for example `${env.project}.features.images`",
    )


Table = Annotated[
    str,
    AfterValidator(_table),
    Field(examples=["${env.project}.features.images", "my-project.features.images$20260105"]),
]
"""`project.dataset.table`; each part may hold references and templates."""


def table_reference(text: str) -> dict[str, str]:
    """Return BigQuery's TableReference."""
    return dict(zip(("projectId", "datasetId", "tableId"), table_parts(text), strict=True))


def _bytes(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if not found:
        raise bad(f"`{shorten(text)}` is not a size", "write for example `500 GB` or `2 TiB`")
    return int(Decimal(found[1]) * (1024 if found[3] else 1000) ** _POWERS[found[2]])


Bytes = Annotated[
    int,
    parsed(_bytes, "a size", "500 GB"),
    WithJsonSchema({"type": "string", "pattern": f"^{_SIZE.pattern}$", "examples": ["500 GB"]}),
]

WriteDisposition = Literal["truncate", "append", "empty"]
CreateDisposition = Literal["if_needed", "never"]
WRITE = {"truncate": "WRITE_TRUNCATE", "append": "WRITE_APPEND", "empty": "WRITE_EMPTY"}
CREATE = {"if_needed": "CREATE_IF_NEEDED", "never": "CREATE_NEVER"}
SchemaUpdate = Literal["allow_field_addition", "allow_field_relaxation"]
Columns = Annotated[list[Text], Field(min_length=1, max_length=4)]


class Range(SpecModel):
    """Equal ranges of a whole-number column."""

    start: int = Field(description="First value.", examples=[0])
    end: int = Field(description="Value behind the last one.", examples=[1000000])
    interval: int = Field(description="Width of one range.", ge=1, examples=[1000])

    @model_validator(mode="after")
    def _forward(self) -> Range:
        if self.end <= self.start:
            raise bad("`end` is not above `start`", at=("end",))
        return self


class Partition(SpecModel):
    """How a table is cut into partitions: by time, or by ranges of a column."""

    field: Text | None = Field(
        None, description="Column; the time of loading if absent.", examples=["date"]
    )
    by: Literal["hour", "day", "month", "year"] = Field("day", description="Time of one partition.")
    range: Range | None = Field(
        None, description="Ranges of a whole-number column, instead of time."
    )
    expires: Duration | None = Field(None, description="How long a partition is kept, e.g. 90d.")

    @model_validator(mode="after")
    def _one_way(self) -> Partition:
        if self.range is None:
            return self
        if self.field is None:
            raise bad("`range` needs the column it is about", "add `field:`", ("range",))
        for key in ("by", "expires"):
            if key in self.model_fields_set:
                raise bad(f"`{key}` is for partitions by time", "delete it", (key,))
        return self


def partition(cut: Partition | None) -> dict[str, Any]:
    """Return `timePartitioning` or `rangePartitioning`."""
    if cut is None:
        return {}
    column = {"field": cut.field} if cut.field else {}
    if cut.range:
        bounds = cut.range.model_dump()
        return {"rangePartitioning": column | {"range": {k: str(v) for k, v in bounds.items()}}}
    made = {"type": cut.by.upper(), **column}
    if cut.expires:
        made["expirationMs"] = str(int(cut.expires.total_seconds() * 1000))
    return {"timePartitioning": made}
