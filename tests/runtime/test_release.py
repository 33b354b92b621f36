"""Models become versions, versions share an endpoint's traffic, and a retry repeats nothing."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def runs(airflow):
    return [
        airflow.run("releases"),
        airflow.run("releases"),
        airflow.run("releases", promote="staging"),
    ]


@pytest.fixture(scope="module")
def registry(runs, service):
    assert runs
    every = service("models", "us-central1")
    (model,) = [each for each in every if each["displayName"] == "arr-coc"]
    return service(
        f"models/{model['name'].rpartition('/')[2]}:listVersions", "us-central1", "models"
    )


def test_every_run_succeeds_at_its_second_attempt(runs):
    for run in runs:
        assert set(run.states().values()) == {"success"}
        assert [run.tasks[name]["tries"] for name in ("register", "deploy")] == [2, 2]


def test_a_second_run_makes_a_second_version_of_the_same_model(runs, registry):
    names = [run.xcom("register")["model"] for run in runs]
    base = names[0].partition("@")[0]
    assert names == [f"{base}@1", f"{base}@2", f"{base}@3"]
    assert sorted(item["versionId"] for item in registry) == ["1", "2", "3"]


def test_the_container_keeps_its_arguments_and_variables(registry):
    container = registry[0]["containerSpec"]
    assert container["args"] == ["--workers=2"]
    assert container["env"] == [{"name": "BATCH", "value": "16"}]


def test_the_alias_moves_to_the_newest_version(registry):
    holders = [
        item["versionId"] for item in registry if "staging" in item.get("versionAliases", [])
    ]
    assert holders == ["3"]


def test_the_artifact_is_the_one_of_the_run(runs):
    expected = f"gs://demo-ml/runs/{runs[1].run_id}/train/model"
    assert runs[1].xcom("register")["outputs"]["artifact"] == expected


def test_the_first_model_gets_all_traffic_and_the_next_its_share(runs):
    first, second = (run.xcom("deploy") for run in runs[:2])
    assert first["traffic"] == {first["deployed_model"]: 100}
    assert first["endpoint"] == second["endpoint"]
    assert second["traffic"] == {first["deployed_model"]: 90, second["deployed_model"]: 10}


def test_a_third_model_takes_from_the_others_in_proportion(runs):
    one, two, three = (run.xcom("deploy")["deployed_model"] for run in runs)
    assert runs[2].xcom("deploy")["traffic"] == {one: 81, two: 9, three: 10}


def test_a_model_that_is_there_is_promoted_and_idle_ones_go_when_asked(runs, service):
    promoted = runs[2].xcom("promote")
    assert promoted["endpoint"] == runs[2].xcom("deploy")["endpoint"]
    assert promoted["deployed_model"] == runs[2].xcom("deploy")["deployed_model"]
    assert promoted["traffic"] == {promoted["deployed_model"]: 100}
    endpoints = service("endpoints", "us-central1")
    (staging,) = [item for item in endpoints if item["displayName"] == "arr-coc-staging"]
    (deployed,) = staging["deployedModels"]
    assert deployed["id"] == promoted["deployed_model"]
    assert deployed["serviceAccount"] == "serve@demo.iam.gserviceaccount.com"
    assert staging["network"] == "projects/1/global/networks/ml"
