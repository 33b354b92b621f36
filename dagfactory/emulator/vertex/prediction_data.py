"""Instances of batch predictions in, predictions out: Cloud Storage and BigQuery."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dagfactory.emulator.bigquery.service import BigQueryService
from dagfactory.emulator.errors import ApiError

TABLE = "bq://"
RESULTS = "prediction.results-00000-of-00001"
Pair = tuple[Any, Any]


class PredictionData:
    """The files below `files` and the tables of BigQuery."""

    def __init__(self, files: Path, bigquery: BigQueryService) -> None:
        self._files, self._bigquery = files, bigquery

    def instances(self, source: Any) -> list[str]:
        """Return the instances of an InputConfig as lines of JSON; raises ApiError."""
        if source.instances_format == "bigquery":
            table = source.bigquery_source.input_uri.removeprefix(TABLE)
            return self._bigquery.lines(table)
        if source.instances_format != "jsonl":
            message = f"The emulator reads no instances as {source.instances_format}, only jsonl."
            raise ApiError("INVALID_ARGUMENT", message)
        from dagfactory.emulator.bigquery.object_files import matching

        files = matching(self._files, list(source.gcs_source.uris))
        return [line for file in files for line in file.read_text().splitlines() if line.strip()]

    def write(self, job: Any, pairs: Sequence[Pair], label: str, info: Any) -> Any:
        """Write predictions as a job's OutputConfig asks, and say where in `info`."""
        target = job.output_config
        if target.predictions_format == "bigquery":
            table = _table(target.bigquery_destination.output_uri.removeprefix(TABLE), label)
            rows = [{**_columns(i), "prediction": json.dumps(p)} for i, p in pairs]
            self._bigquery.append(table, [json.dumps(row) for row in rows])
            project, dataset, info.bigquery_output_table = table.split(".")
            info.bigquery_output_dataset = f"{TABLE}{project}.{dataset}"
            return info
        if target.predictions_format != "jsonl":
            message = f"The emulator writes no predictions as {target.predictions_format}."
            raise ApiError("INVALID_ARGUMENT", message)
        from dagfactory.emulator.bigquery.object_files import written

        folder = f"{target.gcs_destination.output_uri_prefix.rstrip('/')}/prediction-{label}"
        lines = (json.dumps({"instance": i, "prediction": p}) for i, p in pairs)
        with (
            tempfile.TemporaryDirectory(dir=self._files.parent) as scratch,
            written(self._files, f"{folder}/{RESULTS}", Path(scratch, RESULTS)) as path,
        ):
            path.write_text("".join(f"{line}\n" for line in lines))
        info.gcs_output_directory = folder
        return info


def _columns(instance: Any) -> dict[str, Any]:
    return instance if isinstance(instance, dict) else {"instance": json.dumps(instance)}


def _table(destination: str, label: str) -> str:
    """Complete a project or a dataset to a table, as Vertex AI does."""
    match destination.split("."):
        case [project]:
            return f"{project}.prediction_{label}.predictions"
        case [project, dataset]:
            return f"{project}.{dataset}.predictions_{label}"
    return destination
