"""BigQuery by its real client: queries, types, dispositions, errors, jobs."""

import datetime as dt
import decimal
import json
import sys
import time
from uuid import uuid4

import processes
import pytest

from dagfactory.emulator.client import start


@pytest.fixture(scope="module")
def bigquery():
    from google.cloud import bigquery

    return bigquery


@pytest.fixture
def client(bigquery):
    client = bigquery.Client(project="demo")
    yield client
    client.close()


@pytest.fixture
def dataset(client):
    return client.create_dataset(f"set_{uuid4().hex[:12]}").dataset_id


def rows(client, sql, **config):
    from google.cloud.bigquery import QueryJobConfig

    found = client.query_and_wait(sql, job_config=QueryJobConfig(**config))
    return [dict(row.items()) for row in found]


def test_every_type_comes_back_as_python_has_it(client):
    (row,) = rows(
        client,
        """SELECT 1 AS i, 1.5 AS f, 'x' AS s, TRUE AS b, b'ab' AS y, NUMERIC '1.50' AS n,
        DATE '2026-01-05' AS d, TIME '10:00:00' AS t, DATETIME '2026-01-05 10:00:00' AS dt,
        TIMESTAMP '2026-01-05 10:00:00.25+02' AS ts, JSON '{"a": 1}' AS j, NULL AS z,
        [1, 2] AS r, STRUCT(1 AS a, 'b' AS c) AS st, [STRUCT(1 AS a)] AS rs, COUNT(*), SUM(2)""",
    )
    assert row == {
        "i": 1,
        "f": 1.5,
        "s": "x",
        "b": True,
        "y": b"ab",
        "n": decimal.Decimal("1.5"),
        "d": dt.date(2026, 1, 5),
        "t": dt.time(10),
        "dt": dt.datetime.fromisoformat("2026-01-05T10:00:00"),
        "ts": dt.datetime(2026, 1, 5, 8, 0, 0, 250000, tzinfo=dt.UTC),
        "j": {"a": 1},
        "z": None,
        "r": [1, 2],
        "st": {"a": 1, "c": "b"},
        "rs": [{"a": 1}],
        "f0_": 1,
        "f1_": 2,
    }


def test_the_schema_has_bigquerys_names(client):
    found = client.query_and_wait("SELECT SUM(1) AS s, 2.5 AS f, [STRUCT(TRUE AS b)] AS r")
    shapes = [(each.name, each.field_type, each.mode) for each in found.schema]
    assert shapes == [
        ("s", "INTEGER", "NULLABLE"),
        ("f", "FLOAT", "NULLABLE"),
        ("r", "RECORD", "REPEATED"),
    ]
    assert [each.field_type for each in found.schema[2].fields] == ["BOOLEAN"]


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("SELECT COUNTIF(x > 1) FROM UNNEST([1, 2, 3]) AS x", 2),
        ("SELECT SAFE_DIVIDE(1, 0)", None),
        ("SELECT 7 / 2", 3.5),
        ("SELECT FORMAT_DATE('%Y%m', DATE_SUB(DATE '2026-01-05', INTERVAL 1 MONTH))", "202512"),
        ("SELECT x FROM UNNEST([5, 6]) AS x WITH OFFSET AS o WHERE o = 1", 6),
        ("SELECT * EXCEPT (a) FROM (SELECT 1 AS a, 2 AS b)", 2),
        ("WITH t AS (SELECT 3 AS x) SELECT x FROM t", 3),
        ("SELECT STRING_AGG(x, '-' ORDER BY x) FROM UNNEST(['b', 'a']) AS x", "a-b"),
        ("SELECT x FROM UNNEST([1, NULL]) AS x ORDER BY x", None),
    ],
)
def test_googlesql_means_what_it_means_in_bigquery(client, sql, value):
    assert next(iter(rows(client, sql)[0].values())) == value


def test_parameters_are_data(client, bigquery):
    scalar, array = bigquery.ScalarQueryParameter, bigquery.ArrayQueryParameter
    given = [
        scalar("day", "DATE", dt.date(2026, 1, 5)),
        scalar("text", "STRING", "'; DROP TABLE x; --"),
        scalar("nothing", "INT64", None),
        scalar("raw", "BYTES", b"\x00\xff"),
        array("ids", "INT64", [1, 2]),
    ]
    sql = (
        "SELECT @day AS d, @text AS t, @nothing AS n, @raw AS r, 2 IN UNNEST(@ids) AS i, @ids AS a"
    )
    (row,) = rows(client, sql, query_parameters=given)
    assert row == {
        "d": dt.date(2026, 1, 5),
        "t": "'; DROP TABLE x; --",
        "n": None,
        "r": b"\x00\xff",
        "i": True,
        "a": [1, 2],
    }
    positional = [scalar(None, "INT64", 5), scalar(None, "INT64", 6)]
    assert rows(client, "SELECT ? - ? AS x", query_parameters=positional) == [{"x": -1}]


def test_a_result_comes_in_pages(client):
    job = client.query("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 45000)) AS x ORDER BY x DESC")
    found = job.result(page_size=10000)
    assert found.total_rows == 45000
    assert [row.x for row in found] == list(range(45000, 0, -1))


def write(client, bigquery, sql, table, disposition="WRITE_TRUNCATE", **more):
    config = bigquery.QueryJobConfig(
        destination=f"demo.{table}", write_disposition=disposition, **more
    )
    job = client.query(sql, job_config=config)
    job.result()
    return job


def values(client, table):
    return sorted(row.x for row in client.list_rows(f"demo.{table}"))


def test_write_dispositions(client, bigquery, dataset):
    from google.api_core.exceptions import Conflict

    table = f"{dataset}.t"
    write(client, bigquery, "SELECT 1 AS x", table)
    write(client, bigquery, "SELECT 2 AS x", table, "WRITE_APPEND")
    assert values(client, table) == [1, 2]
    with pytest.raises(Conflict, match="Already Exists: Table demo:"):
        write(client, bigquery, "SELECT 3 AS x", table, "WRITE_EMPTY")
    write(client, bigquery, f"SELECT x + 10 AS x FROM {table}", table)
    assert values(client, table) == [11, 12]


def test_an_append_may_add_columns_only_when_told(client, bigquery, dataset):
    from google.api_core.exceptions import BadRequest

    table = f"{dataset}.t"
    write(client, bigquery, "SELECT 1 AS x", table)
    wider = "SELECT 2 AS x, 'b' AS y"
    with pytest.raises(BadRequest, match=r"does not match Table .* \(field: y\)"):
        write(client, bigquery, wider, table, "WRITE_APPEND")
    add = [bigquery.SchemaUpdateOption.ALLOW_FIELD_ADDITION]
    write(client, bigquery, wider, table, "WRITE_APPEND", schema_update_options=add)
    found = sorted(client.list_rows(f"demo.{table}"), key=lambda row: row.x)
    assert [tuple(row.values()) for row in found] == [(1, None), (2, "b")]


def test_create_never_and_a_dataset_made_by_its_first_write(client, bigquery):
    from google.api_core.exceptions import NotFound

    fresh = f"fresh_{uuid4().hex[:12]}"
    never = bigquery.CreateDisposition.CREATE_NEVER
    with pytest.raises(NotFound, match=f"Not found: Table demo:{fresh}.t"):
        write(client, bigquery, "SELECT 1 AS x", f"{fresh}.t", create_disposition=never)
    write(client, bigquery, "SELECT 1 AS x", f"{fresh}.t")
    assert fresh in [each.dataset_id for each in client.list_datasets()]


def test_partitions_by_a_column(client, bigquery, dataset):
    table = f"{dataset}.t"
    days = "SELECT 1 AS x, DATE '2026-01-05' AS d UNION ALL SELECT 2, DATE '2026-01-06'"
    by_day = bigquery.TimePartitioning(field="d")
    job = write(client, bigquery, days, table, time_partitioning=by_day)
    assert job.time_partitioning.field == "d"
    assert client.get_table(f"demo.{table}").time_partitioning.field == "d"
    write(client, bigquery, "SELECT 3 AS x, DATE '2026-01-06' AS d", f"{table}$20260106")
    assert values(client, table) == [1, 3]


def test_partitions_by_the_time_of_loading(client, bigquery, dataset):
    table = f"{dataset}.t"
    ingestion = bigquery.TimePartitioning(type_="DAY")
    write(client, bigquery, "SELECT 1 AS x", f"{table}$20260105", time_partitioning=ingestion)
    write(client, bigquery, "SELECT 2 AS x", f"{table}$20260106", "WRITE_APPEND")
    write(client, bigquery, "SELECT 3 AS x", f"{table}$20260106")
    assert values(client, table) == [1, 3]
    assert rows(client, f"SELECT * FROM {table} ORDER BY x") == [{"x": 1}, {"x": 3}]
    days = rows(client, f"SELECT DATE(_PARTITIONTIME) AS d FROM {table} WHERE x = 3")
    assert days == [{"d": dt.date(2026, 1, 6)}]


@pytest.mark.parametrize(
    ("sql", "error", "reason", "message"),
    [
        ("SELEC 1", "BadRequest", "invalidQuery", "Syntax error"),
        ("SELECT nope FROM (SELECT 1 AS x)", "BadRequest", "invalidQuery", "nope"),
        ("SELECT CAST('x' AS INT64)", "BadRequest", "invalidQuery", "'x'"),
        ("SELECT DIV(1, 0)", "BadRequest", "invalidQuery", "[Dd]ivision by zero"),
        ("SELECT * FROM nowhere.t", "NotFound", "notFound", "Not found: Dataset demo:nowhere"),
        ("SELECT @missing", "BadRequest", "invalidQuery", "parameter 'missing' not found"),
        ("DECLARE x INT64; SELECT x", "MethodNotImplemented", "notImplemented", "DECLARE"),
    ],
)
def test_errors_of_queries(client, sql, error, reason, message):
    from google.api_core import exceptions

    kind = getattr(exceptions, error)
    with pytest.raises(kind, match=message):
        client.query_and_wait(sql)
    job = client.query(sql, job_retry=None)
    with pytest.raises(kind, match=message):
        job.result(retry=None)
    assert job.reload() is None
    assert (job.state, job.error_result["reason"]) == ("DONE", reason)


def test_a_job_id_counts_once(client):
    from google.api_core.exceptions import Conflict

    name = f"job-{uuid4().hex}"
    client.query("SELECT 1", job_id=name, job_retry=None).result()
    with pytest.raises(Conflict, match=f"Already Exists: Job demo:US.{name}"):
        client.query("SELECT 1", job_id=name, job_retry=None)


def test_a_job_that_runs_can_be_cancelled(client, emulator):
    emulator.faults("slow_queue:60")
    job = client.query("SELECT 1")
    assert job.state == "RUNNING"
    assert not job.done()
    client.cancel_job(job.job_id)
    deadline = time.monotonic() + 20
    while not job.done() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert job.error_result["reason"] == "stopped"


def test_a_query_that_computes_can_be_cancelled(client):
    endless = "SELECT COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, 300000)) a, UNNEST(GENERATE_ARRAY(1, 300000)) b"
    job = client.query(endless)
    time.sleep(0.5)
    client.cancel_job(job.job_id)
    deadline = time.monotonic() + 20
    while not job.done() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert job.error_result["reason"] == "stopped"


def test_data_definition_and_manipulation(client, dataset):
    table = f"{dataset}.t"
    made = client.query(
        f"CREATE TABLE {table} PARTITION BY d AS SELECT 1 AS x, DATE '2026-01-05' AS d"
    )
    made.result()
    assert (made.statement_type, made.ddl_target_table.table_id) == ("CREATE_TABLE_AS_SELECT", "t")
    added = client.query(f"INSERT INTO {table} (x) VALUES (2), (3)")
    added.result()
    assert added.num_dml_affected_rows == 2
    gone = client.query(f"DELETE FROM {table} WHERE x = 1")
    gone.result()
    assert (gone.num_dml_affected_rows, values(client, table)) == (1, [2, 3])
    assert client.get_table(f"demo.{table}").time_partitioning.field == "d"
    two = f"CREATE OR REPLACE TABLE {table} AS SELECT 9 AS x; SELECT x FROM {table}"
    assert rows(client, two) == [{"x": 9}]
    client.query_and_wait(f"DROP TABLE {table}")
    assert list(client.list_tables(f"demo.{dataset}")) == []


def test_tables_and_datasets_as_resources(client, bigquery, dataset):
    from google.api_core.exceptions import BadRequest, Conflict, NotFound

    field = bigquery.SchemaField("x", "INTEGER", mode="REQUIRED", description="An x.")
    fresh = bigquery.Table(f"demo.{dataset}.t", schema=[field])
    fresh.labels = {"team": "ml"}
    made = client.create_table(fresh)
    assert (made.schema, made.labels, made.num_rows) == ([field], {"team": "ml"}, 0)
    with pytest.raises(Conflict):
        client.create_table(fresh)
    assert client.insert_rows_json(made, [{"x": 1}, {"x": 2}]) == []
    assert values(client, f"{dataset}.t") == [1, 2]
    with pytest.raises(BadRequest, match="No such field: y"):
        client.insert_rows_json(made, [{"x": 1, "y": 2}])
    made.schema = [*made.schema, bigquery.SchemaField("y", "STRING")]
    assert [each.name for each in client.update_table(made, ["schema"]).schema] == ["x", "y"]
    with pytest.raises(BadRequest, match="still in use"):
        client.delete_dataset(f"demo.{dataset}")
    client.delete_table(made)
    client.delete_dataset(f"demo.{dataset}")
    with pytest.raises(NotFound, match="Not found: Dataset"):
        client.get_dataset(f"demo.{dataset}")


def test_a_table_by_the_time_of_loading_can_be_made_first(client, bigquery, dataset):
    fresh = bigquery.Table(f"demo.{dataset}.t", schema=[bigquery.SchemaField("x", "INTEGER")])
    fresh.time_partitioning = bigquery.TimePartitioning()
    made = client.create_table(fresh)
    assert client.insert_rows_json(made, [{"x": 1}]) == []
    (row,) = rows(client, f"SELECT x, _PARTITIONTIME AS at FROM {dataset}.t")
    assert (row["x"], row["at"].hour, row["at"].tzinfo) == (1, 0, dt.UTC)
    assert [each.name for each in client.get_table(made).schema] == ["x"]


@pytest.mark.parametrize(
    ("by", "unit"),
    [("d", "DAY"), ("DATE(ts)", "DAY"), ("TIMESTAMP_TRUNC(ts, MONTH)", "MONTH")],
)
def test_partition_by_in_sql(client, dataset, by, unit):
    columns = "d DATE, ts TIMESTAMP"
    client.query_and_wait(f"CREATE TABLE {dataset}.t ({columns}) PARTITION BY {by}")
    found = client.get_table(f"demo.{dataset}.t").time_partitioning
    assert (found.type_, found.field) == (unit, "d" if by == "d" else "ts")


def test_jobs_are_listed_newest_first(client):
    first, second = client.query("SELECT 1"), client.query("SELECT 2")
    found = [
        job.job_id for job in client.list_jobs() if job.job_id in {first.job_id, second.job_id}
    ]
    assert found == [second.job_id, first.job_id]


def test_a_dry_run_tells_the_schema_and_writes_nothing(client, bigquery):
    from google.api_core.exceptions import BadRequest

    dry = bigquery.QueryJobConfig(dry_run=True)
    job = client.query("SELECT 1 AS x", job_config=dry)
    assert (job.state, [each.name for each in job.schema]) == ("DONE", ["x"])
    with pytest.raises(BadRequest, match="nope"):
        client.query("SELECT nope", job_config=dry)


def test_faults_reach_bigquery(client, emulator):
    from google.api_core.exceptions import ServiceUnavailable

    emulator.faults("error:503:1:bigquery.jobs.query")
    with pytest.raises(ServiceUnavailable):
        client.query_and_wait("SELECT 1", retry=None, job_retry=None)
    assert rows(client, "SELECT 1 AS x") == [{"x": 1}]


AGAIN = """
import json, sys
from google.api_core.exceptions import Conflict
from google.cloud import bigquery
client = bigquery.Client(project="demo")
config = bigquery.QueryJobConfig(destination="demo.kept.t", write_disposition="WRITE_APPEND")
try:
    client.query("SELECT 1 AS x", job_id=sys.argv[1], job_retry=None, job_config=config).result()
    said = "done"
except Conflict:
    said = "conflict"
print(json.dumps([said, len(list(client.list_rows("demo.kept.t"))), client.get_job(sys.argv[1]).state]))
"""


def test_tables_and_job_ids_outlive_the_emulator(tmp_path):
    def run(emulator, job):
        command = [sys.executable, "-W", "ignore", "-c", AGAIN, job]
        shown = processes.run(
            command, env=emulator.environ(), capture_output=True, text=True, check=False
        )
        assert shown.returncode == 0, shown.stderr
        return json.loads(shown.stdout)

    with start(tmp_path) as first:
        assert run(first, "one") == ["done", 1, "DONE"]
    with start(tmp_path) as second:
        assert run(second, "one") == ["conflict", 1, "DONE"]
        assert run(second, "two") == ["done", 2, "DONE"]
