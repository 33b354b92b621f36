"""Load and extract jobs: files of Cloud Storage into tables and back."""

import datetime as dt
import decimal
import gzip
import json
from pathlib import Path
from uuid import uuid4

import pytest

SCHEMA = [
    {"name": "i", "type": "INT64", "mode": "REQUIRED"},
    {"name": "f", "type": "FLOAT64"},
    {"name": "s", "type": "STRING"},
    {"name": "b", "type": "BOOL"},
    {"name": "y", "type": "BYTES"},
    {"name": "n", "type": "NUMERIC"},
    {"name": "d", "type": "DATE"},
    {"name": "t", "type": "TIME"},
    {"name": "dt", "type": "DATETIME"},
    {"name": "ts", "type": "TIMESTAMP"},
]
NESTED = [
    {"name": "tags", "type": "STRING", "mode": "REPEATED"},
    {"name": "box", "type": "RECORD", "fields": [{"name": "w", "type": "INT64"}]},
    {"name": "parts", "type": "RECORD", "mode": "REPEATED", "fields": SCHEMA[:1]},
]
FLAT = """SELECT 1 AS i, 1.5 AS f, 'x, "y"' AS s, TRUE AS b, b'\\xff' AS y, NUMERIC '2.50' AS n,
    DATE '2026-01-05' AS d, TIME '10:00:00' AS t, DATETIME '2026-01-05 10:00:00' AS dt,
    TIMESTAMP '2026-01-05 10:00:00.25' AS ts"""
DEEP = ", ['a', 'b'] AS tags, STRUCT(3 AS w) AS box, [STRUCT(4 AS i)] AS parts"
NOTHING = "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"


@pytest.fixture
def client():
    from google.cloud import bigquery

    client = bigquery.Client(project="demo")
    yield client
    client.close()


@pytest.fixture
def dataset(client):
    return client.create_dataset(f"set_{uuid4().hex[:12]}").dataset_id


@pytest.fixture
def folder(emulator, bucket):
    return Path(emulator.env["GCSFUSE_ROOT"], bucket.name)


def run(client, kind, **config):
    from google.cloud import bigquery

    job = {"load": bigquery.LoadJob, "extract": bigquery.ExtractJob, "copy": bigquery.CopyJob}[kind]
    reference = {"projectId": "demo", "jobId": uuid4().hex}
    made = job.from_api_repr({"jobReference": reference, "configuration": {kind: config}}, client)
    made._begin()
    return made.result()


def table(dataset, name):
    return {"projectId": "demo", "datasetId": dataset, "tableId": name}


def values(client, dataset, name="t"):
    return [dict(row.items()) for row in client.list_rows(f"demo.{dataset}.{name}")]


def round_trip(client, dataset, bucket, kind, schema=None, **extract):
    """Extract a table and load it as another one."""
    uri = f"gs://{bucket.name}/{kind}/*"
    source = table(dataset, "t")
    run(
        client,
        "extract",
        sourceTable=source,
        destinationUris=[uri],
        destinationFormat=kind,
        **extract,
    )
    more = {"schema": {"fields": schema}} if schema else {}
    if kind == "CSV":
        more["skipLeadingRows"] = 1
    run(
        client,
        "load",
        destinationTable=table(dataset, "u"),
        sourceUris=[uri],
        sourceFormat=kind,
        **more,
    )
    return values(client, dataset, "u")


@pytest.mark.parametrize("kind", ["NEWLINE_DELIMITED_JSON", "CSV", "PARQUET"])
def test_what_was_extracted_can_be_loaded(client, dataset, bucket, kind):
    flat = kind == "CSV"
    deep = "" if flat else DEEP
    client.query_and_wait(f"CREATE TABLE {dataset}.t AS {FLAT}{deep}")
    schema = SCHEMA if flat else SCHEMA + NESTED
    assert round_trip(client, dataset, bucket, kind, schema) == values(client, dataset)


def test_avro_keeps_what_its_types_can_hold(client, dataset, bucket):
    client.query_and_wait(f"CREATE TABLE {dataset}.t AS {FLAT}{DEEP}")
    (row,) = values(client, dataset)
    texts = {"d": "2026-01-05", "dt": "2026-01-05T10:00:00"}
    (found,) = round_trip(client, dataset, bucket, "AVRO", compression="DEFLATE")
    assert found == row | texts
    assert (found["n"], found["ts"].tzinfo) == (decimal.Decimal("2.5"), dt.UTC)


def test_json_lines_are_written_as_bigquery_writes_them(client, dataset, bucket, folder):
    client.query_and_wait(
        f"CREATE TABLE {dataset}.t AS {FLAT}{DEEP} UNION ALL SELECT 2, {NOTHING}, [], NULL, []"
    )
    uri = f"gs://{bucket.name}/out/part-*.jsonl.gz"
    kind = "NEWLINE_DELIMITED_JSON"
    source = table(dataset, "t")
    run(
        client,
        "extract",
        sourceTable=source,
        destinationUris=[uri],
        destinationFormat=kind,
        compression="GZIP",
    )
    lines = gzip.decompress((folder / "out/part-000000000000.jsonl.gz").read_bytes()).splitlines()
    first, second = map(json.loads, lines)
    assert first == {
        "i": "1",
        "f": 1.5,
        "s": 'x, "y"',
        "b": True,
        "y": "/w==",
        "n": "2.5",
        "d": "2026-01-05",
        "t": "10:00:00",
        "dt": "2026-01-05T10:00:00",
        "ts": "2026-01-05 10:00:00.250000 UTC",
        "tags": ["a", "b"],
        "box": {"w": "3"},
        "parts": [{"i": "4"}],
    }
    assert second == {"i": "2", "tags": [], "parts": []}


def test_csv_has_a_header_and_no_nested_columns(client, dataset, bucket, folder):
    from google.api_core.exceptions import BadRequest

    client.query_and_wait(f"CREATE TABLE {dataset}.t AS SELECT 1 AS a, 'x,y' AS b, NULL AS c")
    source = table(dataset, "t")
    run(client, "extract", sourceTable=source, destinationUris=[f"gs://{bucket.name}/a.csv"])
    assert (folder / "a.csv").read_text() == 'a,b,c\n1,"x,y",\n'
    client.query_and_wait(f"CREATE OR REPLACE TABLE {dataset}.t AS SELECT [1] AS a")
    with pytest.raises(BadRequest, match=r"nested schema\. Field: a"):
        run(client, "extract", sourceTable=source, destinationUris=[f"gs://{bucket.name}/b.csv"])
    assert not (folder / "b.csv").exists()


def test_one_partition_can_be_extracted(client, dataset, bucket, folder):
    from google.cloud import bigquery

    config = bigquery.QueryJobConfig(
        destination=f"demo.{dataset}.t", time_partitioning=bigquery.TimePartitioning(field="ts")
    )
    days = "SELECT 1 AS x, TIMESTAMP '2026-01-05 23:00:00' AS ts UNION ALL SELECT 2, TIMESTAMP '2026-01-06'"
    client.query(days, job_config=config).result()
    run(
        client,
        "extract",
        sourceTable=table(dataset, "t$20260105"),
        destinationUris=[f"gs://{bucket.name}/day/*.csv"],
    )
    text = (folder / "day/000000000000.csv").read_text()
    assert text == "x,ts\n1,2026-01-05 23:00:00 UTC\n"


def load(client, dataset, bucket, name, **config):
    uri = f"gs://{bucket.name}/{name}"
    job = {"destinationTable": table(dataset, "t"), "sourceUris": [uri], **config}
    return run(client, "load", **job)


def test_columns_are_found_out(client, dataset, bucket, folder):
    for day in (5, 6):
        (folder / f"in-{day}.csv").write_text(f"name,day,n\na,2026-01-0{day},{day}\n")
    found = load(client, dataset, bucket, "in-*.csv", autodetect=True)
    assert (found.input_files, found.output_rows) == (2, 2)
    assert values(client, dataset)[0] == {"name": "a", "day": dt.date(2026, 1, 5), "n": 5}
    (folder / "in.jsonl").write_text('{"x": 1, "tags": ["a"], "box": {"w": 1.5}}\n')
    kind = "NEWLINE_DELIMITED_JSON"
    truncate = "WRITE_TRUNCATE"
    load(
        client,
        dataset,
        bucket,
        "in.jsonl",
        autodetect=True,
        sourceFormat=kind,
        writeDisposition=truncate,
    )
    assert values(client, dataset) == [{"x": 1, "tags": ["a"], "box": {"w": 1.5}}]


def test_a_load_into_a_table_takes_its_columns(client, dataset, bucket, folder):
    client.query_and_wait(f"CREATE TABLE {dataset}.t (x INT64, y STRING)")
    (folder / "in.csv").write_text("1;one\n2;\n")
    load(client, dataset, bucket, "in.csv", fieldDelimiter=";")
    assert values(client, dataset) == [{"x": 1, "y": "one"}, {"x": 2, "y": None}]


@pytest.mark.parametrize(
    ("text", "config", "message"),
    [
        ('{"x": 1, "z": 2}', {}, "No such field: z"),
        ('{"x": "one"}', {}, "one"),
        ('{"x": ', {}, "JSON"),
        (None, {}, "Not found: Uris"),
        ('{"x": 1}', {"schema": None}, "No schema specified"),
        ('{"x": 1}', {"sourceFormat": "DATASTORE_BACKUP"}, "DATASTORE_BACKUP"),
    ],
)
def test_loads_that_fail(client, dataset, bucket, text, config, message, folder):  # noqa: PLR0913, PLR0917
    from google.api_core.exceptions import ClientError

    if text is not None:
        (folder / "in.jsonl").write_text(text + "\n")
    given = {
        "sourceFormat": "NEWLINE_DELIMITED_JSON",
        "schema": {"fields": [{"name": "x", "type": "INT64"}]},
        **config,
    }
    with pytest.raises(ClientError, match=message):
        load(client, dataset, bucket, "in.jsonl", **given)


def test_unknown_values_and_bad_rows_may_be_dropped(client, dataset, bucket, folder):
    one = {"schema": {"fields": [{"name": "x", "type": "INT64"}]}}
    (folder / "in.jsonl").write_text('{"x": 1, "z": 2}\n')
    kind = {"sourceFormat": "NEWLINE_DELIMITED_JSON", "ignoreUnknownValues": True}
    load(client, dataset, bucket, "in.jsonl", **one, **kind)
    (folder / "in.csv").write_text("2\ntwo\n3\n")
    load(client, dataset, bucket, "in.csv", **one, maxBadRecords=1)
    assert [row["x"] for row in values(client, dataset)] == [1, 2, 3]


def test_tables_are_copied_with_their_partitions(client, dataset):
    from google.api_core.exceptions import Conflict
    from google.cloud import bigquery

    by_day = bigquery.TimePartitioning(field="d")
    config = bigquery.QueryJobConfig(destination=f"demo.{dataset}.t", time_partitioning=by_day)
    client.query("SELECT DATE '2026-01-05' AS d", job_config=config).result()
    copy = {"sourceTable": table(dataset, "t"), "destinationTable": table(dataset, "u")}
    run(client, "copy", **copy)
    assert values(client, dataset, "u") == values(client, dataset)
    assert client.get_table(f"demo.{dataset}.u").time_partitioning.field == "d"
    with pytest.raises(Conflict, match="Already Exists: Table"):
        run(client, "copy", **copy)


def test_external_tables_and_views_read_what_is_there_now(client, dataset, bucket, folder):
    from google.cloud import bigquery

    (folder / "rows").mkdir()
    (folder / "rows/1.jsonl").write_text('{"x": 1}\n')
    external = bigquery.ExternalConfig("NEWLINE_DELIMITED_JSON")
    external.source_uris = [f"gs://{bucket.name}/rows/*.jsonl"]
    external.autodetect = True
    made = bigquery.Table(f"demo.{dataset}.t")
    made.external_data_configuration = external
    assert client.create_table(made).table_type == "EXTERNAL"
    view = bigquery.Table(f"demo.{dataset}.v")
    view.view_query = f"SELECT x + 1 AS y FROM {dataset}.t"
    assert client.create_table(view).table_type == "VIEW"
    (folder / "rows/2.jsonl").write_text('{"x": 2}\n')
    found = client.query_and_wait(f"SELECT y FROM {dataset}.v ORDER BY y")
    assert [row.y for row in found] == [2, 3]
