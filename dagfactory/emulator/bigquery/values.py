"""Values of the engine as BigQuery writes them: in rows of its REST API, and in exported files."""

import base64
import datetime as dt
import json
import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from dagfactory.emulator.bigquery.types import Field

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
Scalar = Callable[[Any, str], Any]


def rows(
    fetched: Iterable[Sequence[Any]], fields: Sequence[Field], *, micros: bool
) -> list[dict[str, Any]]:
    """Return rows of tabledata.list and jobs.getQueryResults.

    Each is `{"f": [{"v": …}]}`; every scalar is a text. TIMESTAMPs are seconds since 1970 as a
    float, or whole microseconds with `micros` (`formatOptions.useInt64Timestamp`).
    """

    def scalar(value: Any, kind: str) -> str:
        if kind == "TIMESTAMP":
            since = (value - EPOCH) // dt.timedelta(microseconds=1)
            return str(since) if micros else repr(since / 1e6)
        return cell(value, kind)

    return [_row(values, fields, scalar) for values in fetched]


def _row(values: Sequence[Any], fields: Sequence[Field], scalar: Scalar) -> dict[str, Any]:
    return {"f": [{"v": _v(v, f, scalar)} for v, f in zip(values, fields, strict=True)]}


def _v(value: Any, field: Field, scalar: Scalar) -> Any:
    if field.get("mode") == "REPEATED":
        one = {**field, "mode": "NULLABLE"}
        return [{"v": _v(each, one, scalar)} for each in value or ()]
    if value is None:
        return None
    if "fields" in field:
        return _row(list(value.values()), field["fields"], scalar)
    return scalar(value, field["type"])


def cell(value: Any, kind: str) -> str:
    """Return a scalar as the text that the REST API and CSV files share."""
    match kind:
        case "BOOLEAN":
            return "true" if value else "false"
        case "BYTES":
            return base64.b64encode(value).decode()
        case "FLOAT":
            return _float(value)
        case "NUMERIC" | "BIGNUMERIC":
            return _decimal(value)
        case "TIME" | "DATETIME" | "DATE":
            return str(value.isoformat())
        case "TIMESTAMP":
            moment = value.astimezone(dt.UTC).replace(tzinfo=None)
            return f"{moment.isoformat(sep=' ')} UTC"
    return str(value)


def _float(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _decimal(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def exported(values: Sequence[Any], fields: Sequence[Field]) -> dict[str, Any]:
    """Return one row of a JSON export: INT64 is a text there, NULL is left out."""
    made: dict[str, Any] = {}
    for value, field in zip(values, fields, strict=True):
        if field.get("mode") == "REPEATED":
            made[field["name"]] = [_exported(each, field) for each in value or ()]
        elif value is not None:
            made[field["name"]] = _exported(value, field)
    return made


def _exported(value: Any, field: Field) -> Any:
    if value is None:
        return None
    if "fields" in field:
        return exported(list(value.values()), field["fields"])
    if field["type"] == "JSON":
        return json.loads(value)
    if field["type"] == "BOOLEAN" or (field["type"] == "FLOAT" and math.isfinite(value)):
        return value
    return cell(value, field["type"])
