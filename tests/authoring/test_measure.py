"""`cost --measure` on the emulator: the times of real jobs, to the last digit."""

import time
from datetime import datetime

import pytest
import yaml

from dagfactory.__main__ import run
from dagfactory.catalogue.prices import price
from dagfactory.cost import vertex
from dagfactory.cost.measured import ran
from dagfactory.cost.rates import Rates
from dagfactory.emulator.testing import shared
from dagfactory.rest.google_client import GoogleClient
from dagfactory.runtime.jobspec import DEFINITION
from dagfactory.runtime.labels import task_labels

# google-auth leaves open its look-up of a regional boundary (a thread)
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl:ResourceWarning")

REGION = "us-central1"
PIPELINES = f"https://{REGION}-aiplatform.googleapis.com/v1/projects/demo-prod/locations/{REGION}/trainingPipelines"
DISK = 0.0002678
A100 = "a2-highgpu-1g"
SPEC = """
pipeline: measured
defaults: {image: "us-docker.pkg.dev/p/r/fit:1"}
tasks:
  fit: {type: train, module: my_team.fit, machine: {type: a2-highgpu-1g, provisioning: spot}}
  search:
    type: sweep
    module: my_team.fit
    machine: {type: n1-standard-4, replicas: 2}
    metric: {name: a, goal: maximize}
    parameters: {rate: {values: [1, 2, 3]}}
  idle: {type: train, module: my_team.fit, machine: {type: n1-standard-4}}
"""
PLACE = f"environment: prod\nproject: demo-prod\nregion: {REGION}\nbucket: gs://demo-prod\n"


@pytest.fixture
def google(monkeypatch):
    for name, value in shared().env.items():
        monkeypatch.setenv(name, value)
    with GoogleClient() as made:
        yield made
    shared().faults()


def body(labels, code, machine, *, spot=False, replicas=1):
    container = {"imageUri": "trainer", "command": ["sh"], "args": ["-c", code]}
    gpu = {"acceleratorType": "NVIDIA_TESLA_A100", "acceleratorCount": 1} if machine == A100 else {}
    pool = {
        "machineSpec": {"machineType": machine, **gpu},
        "replicaCount": "1",
        "containerSpec": container,
    }
    pools = [pool, {**pool, "replicaCount": str(replicas - 1)}] if replicas > 1 else [pool]
    scheduling = {"strategy": "SPOT", "disableRetries": True} if spot else {}
    return {
        "displayName": "job",
        "labels": labels,
        "trainingTaskDefinition": DEFINITION,
        "trainingTaskInputs": {"workerPoolSpecs": pools, "scheduling": scheduling},
    }


def fetched(google, name):
    """Return a resource as Vertex AI itself tells of it."""
    return google.get(f"https://{REGION}-aiplatform.googleapis.com/v1/{name}")


def ended(google, name):
    """Wait until a pipeline has ended; return the job behind it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = fetched(google, name)
        if "endTime" in found:
            return fetched(google, found["trainingTaskMetadata"]["backingCustomJob"])
        time.sleep(0.05)
    return pytest.fail("a job has not ended")


def hours(jobs):
    moments = [[datetime.fromisoformat(job[at]) for at in ("startTime", "endTime")] for job in jobs]
    return sum((end - start).total_seconds() for start, end in moments) / 3600


def launched(google):
    """Start twenty jobs of two tasks, some that fail and some that are preempted; and one of others."""
    names = {"fit": [], "search": []}

    def start(task, airflow_id, number, code, machine, **more):
        labels = task_labels("measured", airflow_id, f"run-{number}")
        names[task].append(google.post(PIPELINES, body(labels, code, machine, **more))["name"])

    shared().faults("preempt:3:0.1")
    for number in range(8):
        # those that sleep longer than the fault waits are preempted
        code = {0: "exit 1", 1: "sleep 30", 2: "sleep 30"}.get(number, "true")
        start("fit", "fit", number, code, "a2-highgpu-1g", spot=True)
    for number in range(12):
        code = "exit 3" if number % 4 == 0 else "true"
        start("search", "search.trial", number, code, "n1-standard-4", replicas=2)
    foreign = task_labels("other", "fit", "run-0")
    google.post(PIPELINES, body(foreign, "true", "n1-standard-4"))
    return {task: [ended(google, each) for each in of] for task, of in names.items()}


def test_twenty_jobs_are_measured_exactly(google, tmp_path, monkeypatch, capsys):
    jobs = launched(google)
    past = [
        each for job in vertex.jobs(google, "demo-prod", REGION, "measured") for each in ran(job)
    ]
    assert len(past) == sum(map(len, jobs.values())) == 20
    spot = price("a2-highgpu-1g", REGION, "spot").amount + 100 * DISK
    both = 2 * (price("n1-standard-4", REGION, "standard").amount + 100 * DISK)
    cost = hours(jobs["fit"]) * spot + hours(jobs["search"]) * both
    assert sum(each.usd(Rates()) for each in past) == pytest.approx(cost, rel=1e-12)
    (tmp_path / "environments").mkdir()
    (tmp_path / "usage").mkdir()
    (tmp_path / "environments/prod.yaml").write_text(PLACE)
    (tmp_path / "measured.yaml").write_text(SPEC)
    (tmp_path / "usage/measured.yaml").write_text("storage_gb: 5\ntasks: {idle: {hours: 2}}\n")
    monkeypatch.chdir(tmp_path)
    assert run(["cost", "measured.yaml", "--env", "prod", "--measure"]) == 0
    shown = capsys.readouterr()
    usage = yaml.safe_load((tmp_path / "usage/measured.yaml").read_text())
    assert usage["storage_gb"] == 5
    assert usage["tasks"]["idle"] == {"hours": 2}
    fit, search = usage["tasks"]["fit"]["measured"], usage["tasks"]["search"]["measured"]
    counts = [
        [each.get(key, 0) for key in ("jobs", "failed", "preempted")] for each in (fit, search)
    ]
    assert counts == [[8, 3, 2], [12, 3, 0]]
    assert fit["total"] == pytest.approx(hours(jobs["fit"]), abs=1e-6)
    assert search["total"] == pytest.approx(hours(jobs["search"]), abs=1e-6)
    assert usage["tasks"]["fit"]["hours"] == pytest.approx(fit["total"] / 5, abs=1e-6)
    line = next(each for each in shown.err.splitlines() if each.startswith("fit"))
    assert line.split()[-1] == f"${hours(jobs['fit']) * spot:,.2f}"
    assert "(measured)" in shown.out


def test_a_pipeline_that_never_ran_says_so(google, tmp_path, monkeypatch, capsys):
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/prod.yaml").write_text(PLACE)
    (tmp_path / "p.yaml").write_text(SPEC.replace("measured", "never"))
    monkeypatch.chdir(tmp_path)
    assert run(["cost", "p.yaml", "--env", "prod", "--measure"]) == 2
    assert "no job of `never` has ended yet" in capsys.readouterr().err


def test_a_refusal_is_one_line(google, tmp_path, monkeypatch, capsys):
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/prod.yaml").write_text(PLACE)
    (tmp_path / "p.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    shared().faults("error:403:9:ListTrainingPipelines")
    assert run(["cost", "p.yaml", "--env", "prod", "--measure"]) == 4
    assert f"{REGION}-aiplatform.googleapis.com answered 403: " in capsys.readouterr().err
