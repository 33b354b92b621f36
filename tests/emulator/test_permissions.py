"""The emulator refuses calls without their permission when it is told what is given."""

import json

import pytest

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.faults import Faults
from dagfactory.emulator.permissions import permission_of, write_permissions

NAMES = {
    "CreateTrainingPipeline": "aiplatform.trainingPipelines.create",
    "ListTrainingPipelines": "aiplatform.trainingPipelines.list",
    "CancelHyperparameterTuningJob": "aiplatform.hyperparameterTuningJobs.cancel",
    "GetCustomJob": "aiplatform.customJobs.get",
    "ListModels": "aiplatform.models.list",
    "UpdateEndpoint": "aiplatform.endpoints.update",
    "GetOperation": None,
    "storage.objects.insert": "storage.objects.create",
    "storage.objects.get": "storage.objects.get",
    "bigquery.jobs.insert": "bigquery.jobs.create",
    "GetJob": "dataflow.jobs.get",
}


@pytest.mark.parametrize("method", NAMES)
def test_a_method_has_the_permission_of_google(method):
    assert permission_of(method) == NAMES[method]


def test_without_a_list_everything_is_given(tmp_path):
    Faults(tmp_path / "faults.json").fail_call("GetModel")


def test_what_is_not_given_is_refused_until_it_is(tmp_path):
    faults = Faults(tmp_path / "faults.json")
    write_permissions(tmp_path, ["aiplatform.models.list"])
    faults.fail_call("ListModels")
    with pytest.raises(ApiError, match=r"Permission 'aiplatform\.models\.get' denied") as refused:
        faults.fail_call("GetModel")
    assert refused.value.http == 403
    write_permissions(tmp_path, ["aiplatform.models.get"])
    faults.fail_call("GetModel")
    assert json.loads((tmp_path / "permissions.json").read_text()) == ["aiplatform.models.get"]
