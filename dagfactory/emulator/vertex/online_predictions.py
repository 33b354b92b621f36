"""Endpoint.predict: a command stands in for the serving container, as it does in batch predictions."""

import json
import random
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import json_format, struct_pb2

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.jobs.local_command import NoCommandError, serving_command
from dagfactory.emulator.protos import VERTEX, vertex, whole
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex.models import Models

SERVICE = f"{VERTEX}.PredictionService"
LIMIT_S = 60.0  # how long the service waits for a shared endpoint's container


class OnlinePredictions:
    """PredictionService.Predict; `env` is the environment of every command."""

    def __init__(
        self,
        store: ResourceStore,
        models: Models,
        entrypoints: Mapping[str, str],
        workdir: Path,
        env: Mapping[str, str],
    ) -> None:
        self._store, self._models, self._entrypoints = store, models, entrypoints
        self._workdir, self._env = workdir, env

    def methods(self) -> list[Method]:
        """Return this resource's rows of the route table."""
        path = "/v1/{endpoint=projects/*/locations/*/endpoints/*}:predict"
        return [Method(SERVICE, "Predict", "POST", path, self.predict, body="*")]

    def predict(self, request: Any) -> Any:
        """Answer for one of the deployed models, chosen by the traffic split."""
        deployed = _chosen(self._store.get(request.endpoint))
        project = request.endpoint.split("/")[1]
        _, _, place = deployed.model.split("/", 2)
        model = self._models.find(f"projects/{project}/{place}@{deployed.model_version_id}")
        lines = [json.dumps(whole(json_format.MessageToDict(each))) for each in request.instances]
        response = vertex("PredictResponse", deployed_model_id=deployed.id, model=deployed.model)
        response.model_version_id = deployed.model_version_id
        response.model_display_name = model.display_name
        for line in self._predictions(model, lines):
            response.predictions.append(json_format.Parse(line, struct_pb2.Value()))
        return response

    def _predictions(self, model: Any, instances: Sequence[str]) -> list[str]:
        """Run the command of a model; raises INVALID_ARGUMENT when it gives no prediction for each."""
        container = model.container_spec
        try:
            command = serving_command(container, self._entrypoints)
        except NoCommandError as error:
            raise ApiError("FAILED_PRECONDITION", f"Model server is not here: {error}") from None
        given = {each.name: each.value for each in container.env}
        env = {**self._env, **given, "AIP_STORAGE_URI": model.artifact_uri}
        text = "".join(f"{line}\n" for line in instances)
        lines = _output(command, text, env, self._workdir).splitlines()
        if len(lines) != len(instances):
            message = f"{len(lines)} predictions came for {len(instances)} instances."
            raise ApiError("INVALID_ARGUMENT", f"Prediction failed: {message}")
        return lines


def _output(command: Sequence[str], text: str, env: Mapping[str, str], workdir: Path) -> str:
    try:
        ended = subprocess.run(
            command,
            input=text,
            env=env,
            cwd=workdir,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise ApiError("DEADLINE_EXCEEDED", "Timed out waiting for the prediction.") from None
    except subprocess.CalledProcessError as error:
        message = f"Prediction failed: {str(error.stderr)[-1000:]}"
        raise ApiError("INVALID_ARGUMENT", message) from None
    except (OSError, ValueError) as error:
        raise ApiError("INTERNAL", f"Prediction failed: {error}") from None
    return ended.stdout


def _chosen(endpoint: Any) -> Any:
    # wording: GoogleCloudPlatform/explainable_ai_sdk#3
    split = dict(endpoint.traffic_split)
    if not any(split.values()):
        message = f"Endpoint {endpoint.name} doesn't have traffic_split."
        raise ApiError("FAILED_PRECONDITION", message)
    (wanted,) = random.SystemRandom().choices(list(split), list(split.values()))
    return next(each for each in endpoint.deployed_models if each.id == wanted)
