"""Queries see the objects of the emulator and no other file of this machine."""

from pathlib import Path

import pytest
from google.api_core.exceptions import GoogleAPICallError

QUERIES = [
    "SELECT * FROM read_text('{path}')",
    "SELECT * FROM read_blob('{path}')",
    "SELECT * FROM read_csv('{path}')",
    "SELECT * FROM read_csv_auto('{path}')",
    "SELECT * FROM read_json('{path}')",
    "SELECT * FROM read_parquet('{path}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM sniff_csv('{path}')",
    "SELECT * FROM `{path}`",
    "SELECT * FROM '{path}'",
    "SELECT * FROM read_text('{objects}/../../{path}')",
    "SELECT (SELECT content FROM read_text('{path}'))",
    "CREATE TABLE stolen.t AS SELECT * FROM read_csv('{path}')",
    "CREATE VIEW stolen.v AS SELECT * FROM read_csv('{path}')",
    "INSERT INTO stolen.t SELECT * FROM read_csv('{path}')",
    "COPY (SELECT 1) TO '{folder}/written'",
    "EXPORT DATABASE '{folder}/written'",
    "ATTACH '{folder}/written.duckdb'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "PRAGMA enable_external_access",
    "CALL pragma_version()",
    "SELECT * FROM query('SELECT * FROM read_text(''{path}'')')",
    "SELECT * FROM read_text('http://127.0.0.1:1/x')",
]


@pytest.fixture
def client():
    from google.cloud import bigquery

    client = bigquery.Client(project="demo")
    yield client
    client.close()


@pytest.fixture
def canary(tmp_path):
    file = tmp_path / "canary.csv"
    file.write_text("a\ncanary-of-the-host\n")
    return file


@pytest.mark.parametrize("query", QUERIES)
def test_no_query_reads_or_writes_a_file_of_this_machine(client, emulator, canary, query):
    refused(client, emulator, canary, query, dry=False)


@pytest.mark.parametrize("query", [each for each in QUERIES if each.startswith("SELECT")])
def test_nor_does_a_dry_run(client, emulator, canary, query):
    refused(client, emulator, canary, query, dry=True)


def refused(client, emulator, canary, query, *, dry):
    from google.cloud.bigquery import QueryJobConfig

    objects = emulator.env["GCSFUSE_ROOT"]
    text = query.format(path=canary, folder=canary.parent, objects=objects)
    with pytest.raises(GoogleAPICallError) as error:
        list(client.query(text, job_config=QueryJobConfig(dry_run=dry)).result())
    assert "canary-of-the-host" not in str(error.value)
    assert list(canary.parent.iterdir()) == [canary]


def test_a_link_in_a_bucket_leads_nowhere(client, emulator, bucket, canary):
    link = Path(emulator.env["GCSFUSE_ROOT"], bucket.name, "link.csv")
    link.symlink_to(canary)
    with pytest.raises(GoogleAPICallError):
        list(client.query(f"SELECT * FROM read_text('{link}')").result())


def test_a_query_may_name_a_file_of_a_bucket(client, emulator, bucket):
    file = Path(emulator.env["GCSFUSE_ROOT"], bucket.name, "own.csv")
    file.write_text("a\n1\n")
    assert [row.values() for row in client.query(f"SELECT * FROM read_csv('{file}')")] == [(1,)]
