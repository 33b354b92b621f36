"""The tasks whose processes die: every way through the operators that ask Vertex AI for something."""

from __future__ import annotations

from typing import Any

from crashes import Scenario

PLACE = {"project": "demo", "region": "us-central1", "poll": 1}
EAST = PLACE | {"region": "us-east1"}
FOREVER = ("--until=/never", "--at_most=60")
WORK = "exec sleep 0.8"  # longer than a death and a new start
SLEEP = "exec sleep 600"
ONCE_SLEEP = "m=$GCSFUSE_ROOT/demo-ml/TASK; [ -e $m ] && exit 0; mkdir -p $m; exec sleep 600"
OTHER_PLACES = [{"region": "us-east4"}, {"region": "us-west1"}]


def spec(code: str, **scheduling: Any) -> dict[str, Any]:
    """Return a CustomJobSpec that runs a text of shell."""
    container = {"imageUri": "trainer", "command": ["sh"], "args": ["-c", code]}
    pool = {"machineSpec": {"machineType": "n1-standard-4"}, "containerSpec": container}
    return {
        "workerPoolSpecs": [pool | {"replicaCount": 1}],
        "scheduling": scheduling,
        "baseOutputDirectory": {"outputUriPrefix": "gs://demo-ml/crashes/TASK"},
    }


def job(code: str, scheduling: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    """Return a training job's operator."""
    given = {**PLACE, **arguments, "job": spec(code, **(scheduling or {}))}
    return {"path": "dagfactory.runtime.job.VertexJobOperator", "arguments": given}


def trial() -> dict[str, Any]:
    """Return the operator of one trial of a sweep."""
    sweep = {"method": "grid", "parameters": {"lr": [0.1, 0.2]}}
    given = {**PLACE, "job": spec(WORK), "sweep": sweep, "trial": 1}
    return {"path": "dagfactory.runtime.sweep.VertexTrialOperator", "arguments": given}


def tuning(*arguments: str) -> dict[str, Any]:
    """Return the operator of a tuning job."""
    space = {"parameterId": "lr", "doubleValueSpec": {"minValue": 0.01, "maxValue": 0.5}}
    metrics = [{"metricId": "accuracy", "goal": "MAXIMIZE"}]
    study = {
        "studySpec": {"metrics": metrics, "parameters": [space]},
        "maxTrialCount": 2,
        "parallelTrialCount": 2,
    }
    made = spec("")
    container = made["workerPoolSpecs"][0]["containerSpec"]
    container |= {"command": ["python", "worker.py"], "args": [*arguments]}
    given = {**PLACE, "job": made, "study": study}
    return {"path": "dagfactory.runtime.tune.TuneOperator", "arguments": given}


def register() -> dict[str, Any]:
    """Return the operator that registers a version of a model."""
    model = {"displayName": "TASK-model", "artifactUri": "gs://demo-ml/model"}
    model |= {"containerSpec": {"imageUri": "serve:1"}}
    given = {**PLACE, "poll": 0, "model": model, "aliases": ["best", "live"]}
    return {"path": "dagfactory.runtime.registry.RegisterModelOperator", "arguments": given}


def deploy(new: int, **arguments: Any) -> dict[str, Any]:
    """Return the operator that deploys the model of the task before."""
    machine = {"machineSpec": {"machineType": "n1-standard-4"}, "minReplicaCount": 1}
    shares = {"new": new, "current": 100 - new}
    given = {**PLACE, "poll": 0, "model": "MODEL", "endpoint": "TASK-end", "machine": machine}
    return {
        "path": "dagfactory.runtime.endpoint.DeployModelOperator",
        "arguments": {**given, "traffic": shares, **arguments},
    }


OVERDUE = {"maxWaitDuration": "1s"}
PATIENT = [{"region": "us-east4", "scheduling": {"maxWaitDuration": "60s"}}]

SCENARIOS = (
    Scenario("plain", job(WORK)),
    Scenario("spot", job(WORK, {"strategy": "SPOT"})),
    Scenario("only-try", job(WORK), retries=0),
    Scenario("fails", job("exit 3"), retries=1, end="failed"),
    Scenario("refused", job(WORK, {"strategy": "CHEAP"}), end="failed"),
    Scenario(
        "stockout",
        job(WORK, **EAST, fallback=OTHER_PLACES),
        faults=("stockout:1:us-east1", "stockout:1:us-east4"),
    ),
    Scenario("quota", job(WORK, **EAST, fallback=OTHER_PLACES), faults=("quota:1:us-east1",)),
    Scenario(
        "unfit",
        job(WORK, **EAST, fallback=OTHER_PLACES),
        faults=("stockout:1:us-east1", "unsupported:1:us-east4"),
    ),
    Scenario("unavailable", job(WORK), faults=("error:503:1:CreateTrainingPipeline",)),
    Scenario("overdue", job(WORK, OVERDUE, fallback=PATIENT), faults=("slow_queue:2",)),
    Scenario("changed", job(SLEEP), changed=job(WORK), meanwhile="clear"),
    Scenario("cleared", job(SLEEP), changed=job(WORK), meanwhile="kill"),
    Scenario("late", job(ONCE_SLEEP, execution_timeout=3600), meanwhile="time"),
    Scenario("trial", trial()),
    Scenario("tuned", tuning()),
    Scenario("tuned-changed", tuning(*FOREVER), changed=tuning(), meanwhile="kill"),
    Scenario("model", register()),
    Scenario("version", register(), before=(register(),)),
    Scenario("endpoint", deploy(100), before=(register(),)),
    Scenario("share", deploy(10), before=(register(), deploy(100), register())),
    Scenario(
        "swap",
        deploy(100, undeploy_idle=True),
        before=(register(), deploy(100), register()),
    ),
)
