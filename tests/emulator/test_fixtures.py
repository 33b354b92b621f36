"""Tables and objects that are there from the start, in an emulator of their own."""

import json
import sys

import processes
import pytest

from dagfactory.emulator.client import EmulatorError, start

READ = """
import json, sys
from google.cloud import bigquery
client = bigquery.Client(project="demo")
print(json.dumps([[list(row.values()) for row in client.query_and_wait(sql)] for sql in sys.argv[1:]]))
"""


JOB = """
import json, time
import google.auth
from google.auth.transport.requests import AuthorizedSession
credentials, _ = google.auth.default(["https://www.googleapis.com/auth/cloud-platform"])
session = AuthorizedSession(credentials)
host = "https://us-central1-aiplatform.googleapis.com/v1"
machine = {"machineType": "n1-standard-4"}
pool = {"machineSpec": machine, "replicaCount": 1, "containerSpec": {"imageUri": "img/a"}}
body = {"displayName": "x", "jobSpec": {"workerPoolSpecs": [pool]}}
name = session.post(f"{host}/projects/demo/locations/us-central1/customJobs", json=body).json()["name"]
while not (job := session.get(f"{host}/{name}").json()).get("endTime"):
    time.sleep(0.1)
print(json.dumps([job["state"], name.split("/")[-1]]))
"""


def read(emulator, *queries):
    return run(emulator, READ, *queries)


def run(emulator, code, *arguments):
    command = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    shown = processes.run(
        command, env=emulator.environ(), capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


@pytest.fixture
def folder(tmp_path):
    raw = tmp_path / "fixtures/bigquery/raw"
    raw.mkdir(parents=True)
    (raw / "images.jsonl").write_text('{"id": "007", "n": 1}\n{"id": "008", "n": null}\n')
    shape = [{"name": "id", "type": "STRING"}, {"name": "n", "type": "INT64", "mode": "NULLABLE"}]
    (raw / "images.schema.json").write_text(json.dumps(shape))
    (raw / "days.csv").write_text("day,x\n2026-01-05,1\n")
    resource = {"timePartitioning": {"type": "DAY", "field": "day"}}
    (raw / "days.schema.json").write_text(json.dumps(resource))
    (raw / "before.sql").write_text("SELECT c AS before FROM elsewhere.lake.all")
    other = tmp_path / "fixtures/bigquery/elsewhere.lake"
    other.mkdir()
    (other / "all.sql").write_text("SELECT COUNT(*) AS c FROM demo.raw.images -- BigQuery's SQL\n")
    objects = tmp_path / "fixtures/gs/given/in"
    objects.mkdir(parents=True)
    (objects / "a.txt").write_text("a")
    return tmp_path / "fixtures"


def test_files_are_tables_and_objects(folder, tmp_path):
    with start(tmp_path / "state", fixtures=folder) as emulator:
        images, days, everything = read(
            emulator,
            "SELECT id, n FROM raw.images ORDER BY id",
            "SELECT x FROM raw.days WHERE day = DATE '2026-01-05'",
            "SELECT before FROM raw.before",
        )
    assert (images, days, everything) == ([["007", 1], ["008", None]], [[1]], [[2]])
    assert (tmp_path / "state/gcs/given/in/a.txt").read_text() == "a"


def test_every_start_brings_the_tables_back_and_keeps_the_others(folder, tmp_path):
    with start(tmp_path / "state", fixtures=folder) as first:
        read(first, "DELETE FROM raw.images WHERE TRUE", "CREATE TABLE raw.own AS SELECT 5 AS x")
    with start(tmp_path / "state", fixtures=folder) as second:
        found = read(second, "SELECT COUNT(*) FROM raw.images", "SELECT x FROM raw.own")
    assert found == [[[2]], [[5]]]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.sql", "SELECT 1; SELECT 2", "one SELECT"),
        ("a.sql", "SELECT nope", "nope"),
        ("a.sql", "SELECT * FROM raw.a", "Not found: Dataset"),
        ("a.txt", "x", r"ends in \.jsonl"),
        ("a.jsonl", "{", "JSON"),
    ],
)
def test_a_file_that_is_no_table_is_named(tmp_path, name, text, message):
    path = tmp_path / "fixtures/bigquery/raw" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(EmulatorError, match=f"(?s){name}: .*{message}"):
        start(tmp_path / "state", fixtures=tmp_path / "fixtures")


def test_entrypoints_of_the_folder_stand_in_for_images(tmp_path):
    folder = tmp_path / "fixtures"
    folder.mkdir()
    (folder / "entrypoints.json").write_text('{"img/*": "sh $FIXTURES/say.sh"}')
    (folder / "say.sh").write_text("echo said\n")
    with start(tmp_path / "state", fixtures=folder) as emulator:
        state, name = run(emulator, JOB)
        log = tmp_path / f"state/jobs/{name}/attempt-1.log"
        assert (state, log.read_text()) == ("JOB_STATE_SUCCEEDED", "said\n")


def test_entrypoints_must_be_an_object(tmp_path):
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures/entrypoints.json").write_text("[1]")
    with pytest.raises(EmulatorError, match=r"entrypoints\.json: "):
        start(tmp_path / "state", fixtures=tmp_path / "fixtures")
