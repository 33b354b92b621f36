"""Models, aliases, endpoints and traffic through the real REST client."""

import time
from uuid import uuid4

import pytest
from googleapiclient.errors import HttpError

PARENT = "projects/demo/locations/us-central1"
MACHINE = {"machineSpec": {"machineType": "n1-standard-4"}, "minReplicaCount": 1}


@pytest.fixture
def wait(vertex):
    """Poll a long-running operation; returns its response."""

    def wait(operation):
        assert "done" not in operation
        deadline = time.monotonic() + 30
        while not operation.get("done"):
            assert time.monotonic() < deadline
            resources = getattr(vertex, operation["name"].split("/")[4])()
            operation = resources.operations().get(name=operation["name"]).execute()
        return operation["response"]

    return wait


@pytest.fixture
def upload(vertex, wait):
    def upload(**fields):
        top = {key: fields.pop(key) for key in ("parentModel", "modelId") if key in fields}
        body = {"model": {"displayName": "m", "artifactUri": "gs://b/m", **fields}, **top}
        done = wait(vertex.models().upload(parent=PARENT, body=body).execute())
        return done["model"], done["modelVersionId"]

    return upload


@pytest.fixture
def endpoint(vertex, wait):
    body = {"displayName": f"endpoint-{uuid4().hex[:8]}"}
    return wait(vertex.endpoints().create(parent=PARENT, body=body).execute())["name"]


@pytest.fixture
def deploy(vertex, wait, endpoint):
    def deploy(model, split=None):
        deployed = {"model": model, "dedicatedResources": MACHINE}
        body = {"deployedModel": deployed, "trafficSplit": split or {}}
        operation = vertex.endpoints().deployModel(endpoint=endpoint, body=body).execute()
        return wait(operation)["deployedModel"]["id"]

    return deploy


def test_versions_and_aliases(vertex, upload):
    def found(name):
        model = vertex.models().get(name=name).execute()
        return model["versionId"], set(model.get("versionAliases", []))

    model, version = upload(versionAliases=["staging"])
    assert (version, found(model)) == ("1", ("1", {"default", "staging"}))
    assert upload(parentModel=model, versionAliases=["staging"]) == (model, "2")
    assert found(f"{model}@1") == ("1", {"default"})
    assert found(f"{model}@staging") == found(f"{model}@2") == ("2", {"staging"})
    assert found(model)[0] == "1"
    body = {"versionAliases": ["default", "production", "-staging"]}
    vertex.models().mergeVersionAliases(name=f"{model}@2", body=body).execute()
    assert found(model) == ("2", {"default", "production"})
    assert found(f"{model}@1") == ("1", set())
    listed = vertex.models().listVersions(name=model).execute()["models"]
    assert [each["versionId"] for each in listed] == ["2", "1"]
    with pytest.raises(HttpError, match="staging"):
        found(f"{model}@staging")


def test_delete_versions_and_models(vertex, upload, wait):
    model, _ = upload()
    upload(parentModel=model)
    with pytest.raises(HttpError, match="default version"):
        vertex.models().deleteVersion(name=f"{model}@1").execute()
    wait(vertex.models().deleteVersion(name=f"{model}@2").execute())
    wait(vertex.models().delete(name=model).execute())
    with pytest.raises(HttpError):
        vertex.models().get(name=model).execute()


def test_list_models_shows_each_once(vertex, upload):
    name = f"m-{uuid4().hex[:8]}"
    model, _ = upload(displayName=name, labels={"a": "b"})
    upload(displayName=name, parentModel=model)
    text = f'display_name="{name}" AND labels.a=b'
    listed = vertex.models().list(parent=PARENT, filter=text).execute()["models"]
    assert [each["name"] for each in listed] == [model]


@pytest.mark.parametrize("alias", ["1", "Staging", "-x", "a_b"])
def test_bad_aliases(upload, alias):
    with pytest.raises(HttpError, match="Invalid version alias"):
        upload(versionAliases=[alias])


def test_a_version_of_no_model(upload):
    with pytest.raises(HttpError, match="not found"):
        upload(parentModel=f"{PARENT}/models/none")


def test_update_a_model(vertex, upload):
    model, _ = upload(labels={"a": "b"}, description="kept")
    vertex.models().patch(name=model, updateMask="labels", body={"labels": {"c": "d"}}).execute()
    seen = vertex.models().get(name=model).execute()
    assert (seen["labels"], seen["description"]) == ({"c": "d"}, "kept")


def test_a_canary(vertex, upload, deploy, endpoint):
    model, _ = upload()
    old = deploy(model, {"0": 100})
    upload(parentModel=model)
    new = deploy(f"{model}@2", {"0": 10, old: 90})
    seen = vertex.endpoints().get(name=endpoint).execute()
    assert seen["trafficSplit"] == {new: 10, old: 90}
    assert [each["modelVersionId"] for each in seen["deployedModels"]] == ["1", "2"]
    third = deploy(model)
    seen = vertex.endpoints().get(name=endpoint).execute()
    assert third not in seen["trafficSplit"]


@pytest.mark.parametrize("split", [{"0": 50}, {"0": 60, "7": 40}, {"0": 110}, {"0": 101, "7": -1}])
def test_a_wrong_split_deploys_nothing(vertex, upload, deploy, endpoint, split):
    model, _ = upload()
    with pytest.raises(HttpError, match="traffic_split"):
        deploy(model, split)
    assert "deployedModels" not in vertex.endpoints().get(name=endpoint).execute()


def test_undeploy_needs_the_traffic_moved_first(vertex, upload, deploy, endpoint, wait):
    model, _ = upload()
    old = deploy(model, {"0": 100})
    new = deploy(model, {"0": 10, old: 90})

    def undeploy(deployed, split):
        body = {"deployedModelId": deployed, "trafficSplit": split}
        return vertex.endpoints().undeployModel(endpoint=endpoint, body=body).execute()

    with pytest.raises(HttpError, match="has traffic"):
        undeploy(old, {})
    wait(undeploy(old, {new: 100}))
    assert vertex.endpoints().get(name=endpoint).execute()["trafficSplit"] == {new: 100}
    with pytest.raises(HttpError, match="undeploy them first"):
        vertex.endpoints().delete(name=endpoint).execute()
    wait(undeploy(new, {}))
    assert "trafficSplit" not in vertex.endpoints().get(name=endpoint).execute()
    wait(vertex.endpoints().delete(name=endpoint).execute())


def test_update_the_traffic_split(vertex, upload, deploy, endpoint):
    model, _ = upload()
    first = deploy(model, {"0": 100})
    second = deploy(model)

    def move(split):
        body, mask = {"trafficSplit": split}, "trafficSplit"
        return vertex.endpoints().patch(name=endpoint, updateMask=mask, body=body).execute()

    assert move({first: 20, second: 80})["trafficSplit"] == {first: 20, second: 80}
    with pytest.raises(HttpError, match="add up to 100"):
        move({first: 20})
    assert vertex.endpoints().get(name=endpoint).execute()["trafficSplit"] == {
        first: 20,
        second: 80,
    }


def test_deploying_a_model_that_is_not_there(deploy):
    with pytest.raises(HttpError, match="not found"):
        deploy(f"{PARENT}/models/none")


def test_find_an_endpoint_by_name(vertex, endpoint):
    name = vertex.endpoints().get(name=endpoint).execute()["displayName"]
    found = vertex.endpoints().list(parent=PARENT, filter=f"display_name={name}").execute()
    assert [each["name"] for each in found["endpoints"]] == [endpoint]
