"""Batch predictions by the SDK: instances in, a command in place of the container, predictions out."""

import json
import sys

import processes
import pytest

from dagfactory.emulator.client import start

# one process for all, for importing the SDK takes longer than everything else
CLIENT = """
import json
from google.cloud import aiplatform, bigquery
aiplatform.init(project="demo", location="us-central1")
client = bigquery.Client(project="demo")
client.query_and_wait("CREATE TABLE d.t AS SELECT 1.5 AS x, 'a' AS name")
files = {"gcs_source": "gs://demo-ml/in/*", "gcs_destination_prefix": "gs://demo-ml/out"}
table = {"bigquery_source": "bq://demo.d.t", "bigquery_destination_prefix": "bq://demo.out"}
jobs = {}
for name in ("doubles", "tables", "silent", "broken", "other"):
    config = table if name == "tables" else files
    image = f"img/{name}"
    model = aiplatform.Model.upload(display_name="m", serving_container_image_uri=image)
    jobs[name] = aiplatform.BatchPredictionJob.submit(
        job_display_name="p", model_name=model.resource_name, machine_type="n1-standard-4", **config
    )
made = {}
for name, job in jobs.items():
    try:
        job.wait_for_completion()
    except RuntimeError:
        pass
    where = job.output_info
    made[name] = [job.state.name, job.error.message, where.gcs_output_directory]
where = jobs["tables"].output_info
address = where.bigquery_output_dataset.removeprefix("bq://") + "." + where.bigquery_output_table
made["rows"] = [address, [dict(row) for row in client.list_rows(address)]]
print(json.dumps(made))
"""
DOUBLES = "import json, sys; [print(json.dumps(2 * json.loads(line)['x'])) for line in sys.stdin]"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    doubles = f'python -c "{DOUBLES}"'
    entrypoints = {"img/doubles": doubles, "img/tables": doubles}
    entrypoints |= {"img/silent": "true", "img/broken": "false"}
    with start(tmp_path_factory.mktemp("state"), entrypoints=entrypoints) as emulator:
        folder = emulator.state / "gcs/demo-ml/in"
        folder.mkdir(parents=True)
        (folder / "a.jsonl").write_text('{"x": 1}\n{"x": 2}\n')
        command = [sys.executable, "-W", "ignore", "-c", CLIENT]
        shown = processes.run(
            command, env=emulator.environ(), capture_output=True, text=True, check=False
        )
        assert shown.returncode == 0, shown.stderr
        yield json.loads(shown.stdout.splitlines()[-1]) | {"objects": emulator.state / "gcs"}


def test_files_to_files(made):
    state, _, folder = made["doubles"]
    assert state == "JOB_STATE_SUCCEEDED"
    assert folder.startswith("gs://demo-ml/out/prediction-m_")
    (results,) = (made["objects"] / folder.removeprefix("gs://")).iterdir()
    assert results.name == "prediction.results-00000-of-00001"
    assert [json.loads(line) for line in results.read_text().splitlines()] == [
        {"instance": {"x": 1}, "prediction": 2},
        {"instance": {"x": 2}, "prediction": 4},
    ]


def test_table_to_table(made):
    address, rows = made["rows"]
    assert address.startswith("demo.out.predictions_m_")
    assert rows == [{"x": 1.5, "name": "a", "prediction": "3.0"}]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", "exited with a non-zero status of 1"),
        ("silent", "0 predictions came for 2 instances"),
        ("other", "the emulator runs no images"),
    ],
)
def test_jobs_that_fail_say_why(made, name, message):
    state, said, _ = made[name]
    assert state == "JOB_STATE_FAILED"
    assert message in said
