"""`dataflow`: classic and flex templates as the arguments of the two operators."""

from __future__ import annotations

import pytest

CLASSIC = "type: dataflow\ntemplate: gs://templates/t\n"
FLEX = "type: dataflow\nflex_template: gs://templates/t.json\n"
NAME = "demo-it-{{ macros.uuid.uuid5(macros.uuid.NAMESPACE_OID, run_id) }}"


def test_a_classic_template(lowered):
    made = lowered(
        CLASSIC + 'parameters: {in: "${tasks.extract.uri}/*", n: 3, fast: true, x: null}'
    )
    assert made.arguments["operator"].endswith(".dataflow.DataflowTemplatedJobStartOperator")
    assert made.arguments["arguments"] == {
        "template": "gs://templates/t",
        "job_name": NAME,
        "parameters": {
            "in": "gs://demo-ml/runs/demo/{{ run_id }}/raw/*",
            "n": "3",
            "fast": "true",
        },
        "environment": {
            "tempLocation": "gs://demo-ml/runs/demo/{{ run_id }}/it/temp",
            "serviceAccountEmail": "jobs@demo-project.iam.gserviceaccount.com",
            "additionalUserLabels": {"team": "ml"},
        },
        "project_id": "demo-project",
        "location": "us-central1",
        "append_job_name": False,
        "deferrable": True,
    }


def test_a_flex_template_with_everything(lowered):
    made = lowered(
        FLEX
        + """
job: textures
workers:
  {type: n2-standard-8, count: 2, max: 9, disk_gb: 50, zone: us-central1-b, network: n, subnetwork: s,
   public_ips: false, image: "i:1"}
temp: gs://b-1/tmp
staging: gs://b-1/staging
service_account: beam@p-1.iam.gserviceaccount.com
streaming_engine: true
flexrs: cost
experiments: [use_runner_v2]
labels: {cost: data}
kms_key: k
options: {enableLauncherVmSerialPortLogging: true}
region: europe-west4
project: other-project
poll: 1m
"""
    )
    assert made.arguments["operator"].endswith(".dataflow.DataflowStartFlexTemplateOperator")
    arguments = made.arguments["arguments"]
    launch = arguments["body"]["launchParameter"]
    assert launch["jobName"].startswith("textures-{{ macros.uuid")
    assert launch["containerSpecGcsPath"] == "gs://templates/t.json"
    assert launch["environment"] == {
        "tempLocation": "gs://b-1/tmp",
        "stagingLocation": "gs://b-1/staging",
        "serviceAccountEmail": "beam@p-1.iam.gserviceaccount.com",
        "enableStreamingEngine": True,
        "flexrsGoal": "FLEXRS_COST_OPTIMIZED",
        "additionalExperiments": ["use_runner_v2"],
        "additionalUserLabels": {"team": "ml", "cost": "data"},
        "kmsKeyName": "k",
        "machineType": "n2-standard-8",
        "numWorkers": 2,
        "maxWorkers": 9,
        "diskSizeGb": 50,
        "workerZone": "us-central1-b",
        "network": "n",
        "subnetwork": "s",
        "ipConfiguration": "WORKER_IP_PRIVATE",
        "sdkContainerImage": "i:1",
        "enableLauncherVmSerialPortLogging": True,
    }
    assert (arguments["project_id"], arguments["location"]) == ("other-project", "europe-west4")
    assert arguments["poll_sleep"] == 60


def test_a_stream_is_only_started(arguments):
    made = arguments(CLASSIC + "wait: false")
    assert (made["deferrable"], made["wait_until_finished"]) == (False, False)


def test_the_job_is_offered(compiled):
    outputs = [compiled(each).plan.tasks["it"].outputs["job"] for each in (CLASSIC, FLEX)]
    assert outputs == [
        "{{ ti.xcom_pull(task_ids='it') }}",
        "{{ ti.xcom_pull(task_ids='it')['id'] }}",
    ]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("type: dataflow", "DF121", "`it` lacks the key `template`"),
        (CLASSIC + FLEX[15:], "DF123", "`template` and `flex_template` exclude each other"),
        (CLASSIC + "staging: gs://b-1/s", "DF123", "`staging` is for flex templates"),
        (CLASSIC + "flexrs: cost", "DF123", "`flexrs` is for flex templates"),
        (CLASSIC + "workers: {image: x}", "DF123", "`image` is for flex templates"),
        (CLASSIC + "workers: {count: 5, max: 2}", "DF123", "`max` is smaller than `count`"),
        (CLASSIC + "job: Textures", "DF123", "`Textures` is not the name of a Dataflow job"),
    ],
)
def test_faults(faults, body, code, message):
    assert faults(body) == [(code, message)]
