"""Calls of google-cloud-aiplatform, unmodified: each says how it ended. A program: its output is JSON.

A call is a function; what it returns is there for the calls after it, as `made[NAME]`.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from google.cloud import aiplatform
from google.cloud.aiplatform import hyperparameter_tuning as hpt

IMAGE, SPEC = "img/doubles", {"machine_spec": {"machine_type": "n1-standard-4"}, "replica_count": 1}
made: dict[str, Any] = {}
PIPELINE = {
    "pipelineInfo": {"name": "p"},
    "schemaVersion": "2.1.0",
    "sdkVersion": "kfp-2.7.0",
    "components": {"comp-a": {"executorLabel": "exec-a"}},
    "deploymentSpec": {
        "executors": {"exec-a": {"container": {"image": "x", "command": ["true"], "args": []}}}
    },
    "root": {
        "dag": {"tasks": {"a": {"taskInfo": {"name": "a"}, "componentRef": {"name": "comp-a"}}}}
    },
}


def pool(code: str) -> list[dict[str, Any]]:
    container = {"image_uri": "x", "command": ["sh", "-c", code], "args": []}
    return [{**SPEC, "container_spec": container}]


def custom_job(code: str) -> Any:
    job = aiplatform.CustomJob(display_name="job", worker_pool_specs=pool(code))
    job.submit()
    return job


def delete(name: str) -> None:
    made[name].delete()


def cancel() -> Any:
    (job,) = aiplatform.CustomJob.list(filter='state!="JOB_STATE_SUCCEEDED"')
    job.cancel()
    return ended(job)


def ended(job: Any) -> Any:
    while job.state.name.rpartition("_")[2] not in ("SUCCEEDED", "FAILED", "CANCELLED"):
        time.sleep(0.1)
    return job.state.name


def tuning() -> Any:
    job = aiplatform.HyperparameterTuningJob(
        display_name="hpt",
        custom_job=aiplatform.CustomJob(
            display_name="trial",
            worker_pool_specs=pool('echo "{\\"acc\\": 0.5}" > "$CLOUD_ML_HP_METRIC_FILE"'),
        ),
        metric_spec={"acc": "maximize"},
        parameter_spec={"lr": hpt.DoubleParameterSpec(min=0.001, max=0.1, scale="log")},
        max_trial_count=2,
        parallel_trial_count=2,
    )
    job.run(sync=False)
    job.wait_for_resource_creation()
    return job


def training() -> Any:
    job = aiplatform.CustomContainerTrainingJob(
        display_name="train",
        container_uri="x",
        command=["true"],
        model_serving_container_image_uri=IMAGE,
    )
    return job.run(
        replica_count=1, machine_type="n1-standard-4", base_output_dir="gs://demo-ml/train"
    )


def pipeline() -> Any:
    job = aiplatform.PipelineJob(
        display_name="p", template_path=sys.argv[1], pipeline_root="gs://demo-ml/root"
    )
    job.submit()
    ended(job)
    job.wait()
    return job


def schedule() -> Any:
    job = aiplatform.PipelineJob(
        display_name="p", template_path=sys.argv[1], pipeline_root="gs://demo-ml/root"
    )
    return job.create_schedule(
        cron="TZ=Europe/Berlin 0 3 * * 1", display_name="weekly", max_run_count=3
    )


def turned() -> list[str]:
    weekly = made["PipelineJob.create_schedule"]
    states = [weekly.state.name]
    weekly.pause()
    states.append(weekly.state.name)
    weekly.resume(catch_up=True)
    weekly.update(cron="0 4 * * *")
    return [
        *states,
        weekly.state.name,
        weekly.cron,
        weekly.gca_resource.next_run_time.strftime("%H:%M"),
    ]


def run_of_experiment() -> Any:
    aiplatform.init(project="demo", location="us-central1", experiment="sdk-calls")
    with aiplatform.start_run("run-1"):
        aiplatform.log_params({"lr": 0.1, "optimizer": "adam"})
        aiplatform.log_metrics({"accuracy": 0.9})
        for step in (1, 2):
            aiplatform.log_time_series_metrics({"loss": 1 / step}, step=step)
        with aiplatform.start_execution(
            schema_title="system.ContainerExecution", display_name="train"
        ) as execution:
            data = aiplatform.Artifact.create(schema_title="system.Dataset", uri="gs://demo-ml/d")
            execution.assign_input_artifacts([data])
            model = aiplatform.Artifact.create(schema_title="system.Model", uri="gs://demo-ml/m")
            execution.assign_output_artifacts([model])
        aiplatform.log_classification_metrics(labels=["a"], matrix=[[1]], display_name="matrix")
    return execution


def lineage() -> Any:
    run = aiplatform.ExperimentRun("run-1", experiment="sdk-calls")
    execution = made["Experiment: start_run, log_params, log_metrics, log_time_series_metrics"]
    found = execution.get_input_artifacts() + execution.get_output_artifacts()
    graph = run._metadata_node.api_client.query_context_lineage_subgraph(context=run.resource_name)
    assert len(graph.executions) == 1, graph
    assert len(graph.events) == 2, graph
    assert len(run.get_artifacts()) >= 3
    return [each.uri for each in found]


def rows() -> Any:
    (row,) = aiplatform.get_experiment_df("sdk-calls").to_dict("records")
    return row


def stale_run() -> Any:
    """Two hands on one run: the SDK itself looks again when its etag is old."""
    first, second = (aiplatform.ExperimentRun("run-1", experiment="sdk-calls") for _ in range(2))
    first.log_params({"a": 1})
    second.log_params({"b": 2})
    params = aiplatform.ExperimentRun("run-1", experiment="sdk-calls").get_params()
    assert params.keys() >= {"a", "b"}, params


def delete_experiment() -> Any:
    aiplatform.Experiment("sdk-calls").delete(delete_backing_tensorboard_runs=True)
    assert not aiplatform.Experiment.list()


def models() -> Any:
    model = aiplatform.Model.upload(display_name="m", serving_container_image_uri=IMAGE)
    aiplatform.Model.upload(
        parent_model=model.resource_name,
        display_name="m",
        serving_container_image_uri="img/silent",
        is_default_version=False,
        version_aliases=["challenger"],
    )
    registry = aiplatform.models.ModelRegistry(model.resource_name)
    registry.add_version_aliases(["champion"], version="1")
    registry.remove_version_aliases(["challenger"], version="2")
    assert [each.version_id for each in registry.list_versions()] == ["2", "1"]
    return model


def deploy() -> Any:
    endpoint = aiplatform.Endpoint.create(display_name="e")
    made["Model.upload, versions, aliases"].deploy(endpoint, machine_type="n1-standard-2")
    return endpoint


def endpoint() -> Any:
    return made["Endpoint.create, Model.deploy"]


def split() -> Any:
    (first,) = endpoint().list_models()
    second = aiplatform.Model(f"{made['Model.upload, versions, aliases'].resource_name}@2")
    second.deploy(endpoint(), machine_type="n1-standard-2", traffic_percentage=10)
    assert endpoint().traffic_split[first.id] == 90
    other = next(each.id for each in endpoint().list_models() if each.id != first.id)
    endpoint().undeploy(other)
    assert endpoint().traffic_split == {first.id: 100}


def served_by(image: str) -> Any:
    other = aiplatform.Endpoint.create(display_name="other")
    if image:
        model = aiplatform.Model.upload(display_name="m", serving_container_image_uri=image)
        model.deploy(other, machine_type="n1-standard-2")
    return other.predict([1])


def predict() -> Any:
    answer = endpoint().predict([{"x": 1}, {"x": 2.5}])
    assert answer.deployed_model_id, answer
    return answer.predictions


CALLS: dict[str, Callable[[], Any]] = {
    "CustomJob.submit, get, list": lambda: (
        ended(custom_job("true")),
        len(aiplatform.CustomJob.list()),
    ),
    "CustomJob.delete while it runs": lambda: custom_job("sleep 60").delete(),
    "CustomJob.cancel": cancel,
    "CustomJob.delete": lambda: [job.delete() for job in aiplatform.CustomJob.list()],
    "CustomContainerTrainingJob.run": training,
    "CustomContainerTrainingJob.delete": lambda: [
        job.delete() for job in aiplatform.CustomContainerTrainingJob.list()
    ],
    "HyperparameterTuningJob.run": tuning,
    "HyperparameterTuningJob.trials": lambda: (
        ended(made["HyperparameterTuningJob.run"]),
        len(made["HyperparameterTuningJob.run"].trials),
    ),
    "HyperparameterTuningJob.delete": lambda: delete("HyperparameterTuningJob.run"),
    "PipelineJob.submit, wait": pipeline,
    "PipelineJob.delete": lambda: delete("PipelineJob.submit, wait"),
    "Model.upload, versions, aliases": models,
    "Endpoint.create, Model.deploy": deploy,
    "Endpoint.predict": predict,
    "Endpoint.predict without a command for its image": lambda: served_by("img/unknown"),
    "Endpoint.predict without a model": lambda: served_by(""),
    "Endpoint.explain": lambda: endpoint().explain([1]),
    "Endpoint.raw_predict": lambda: endpoint().raw_predict(b"{}", {}),
    "Endpoint.direct_predict": lambda: endpoint().direct_predict([]),
    "Endpoint: traffic, undeploy": split,
    "Endpoint.delete": lambda: endpoint().delete(force=True),
    "Model.delete": lambda: delete("Model.upload, versions, aliases"),
    "Experiment: start_run, log_params, log_metrics, log_time_series_metrics": run_of_experiment,
    "Experiment: get_experiment_df": rows,
    "Experiment: lineage of a run": lineage,
    "Experiment: two writers of a run": stale_run,
    "Experiment.delete": delete_experiment,
    "Tensorboard.list": lambda: len(aiplatform.Tensorboard.list()),
    "TabularDataset.create": lambda: aiplatform.TabularDataset.create(
        display_name="d", gcs_source="gs://demo-ml/d.csv"
    ),
    "Featurestore.list": aiplatform.Featurestore.list,
    "MatchingEngineIndex.list": aiplatform.MatchingEngineIndex.list,
    "PipelineJob.create_schedule": schedule,
    "PipelineJobSchedule.list, get": lambda: [
        aiplatform.PipelineJobSchedule.get(each.resource_name).cron
        for each in aiplatform.PipelineJobSchedule.list()
    ],
    "PipelineJobSchedule.pause, resume, update": turned,
    "PipelineJobSchedule.delete": lambda: delete("PipelineJob.create_schedule"),
}


def outcome(name: str) -> dict[str, Any]:
    try:
        made[name] = CALLS[name]()
        if getattr(made[name], "status_code", 200) >= 400:
            return {
                "error": f"HTTP {made[name].status_code}: {made[name].json()['error']['message']}"
            }
    except Exception as error:  # noqa: BLE001 - how it fails is what is asked
        return {"error": f"{type(error).__name__}: {error}"}
    return {"value": made[name] if json_like(made[name]) else ""}


def json_like(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


if __name__ == "__main__":
    aiplatform.init(project="demo", location="us-central1", staging_bucket="gs://demo-ml")
    with open(sys.argv[1], "w") as file:  # noqa: PTH123 - a program beside the tests
        json.dump(PIPELINE, file)
    print(json.dumps({name: outcome(name) for name in CALLS}))  # noqa: T201
