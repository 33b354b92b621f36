"""Deploy a model to an endpoint found by its name, with a share of the traffic."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowException

from . import links, traffic, vertex
from .base import VertexOperator
from .labels import task_labels, with_user_labels


class DeployModelOperator(VertexOperator):
    """Deploy ``model`` to the endpoint with display name ``endpoint``, made when there is none.

    ``traffic``: ``{"new": 10, "current": 90}``; the current share is divided between the models
    that are there in proportion to what they have now, and the first model gets all. ``machine`` is
    Vertex's dedicatedResources. ``network`` is that of an endpoint that is made, ``service_account``
    what the model's containers run as. A model that is deployed already only gets its share.
    ``undeploy_idle`` removes models that are left with no traffic; without it they stay (and cost).
    XCom: ``{"endpoint", "deployed_model", "traffic", "outputs"}``.
    """

    template_fields: Sequence[str] = (
        *VertexOperator.template_fields,
        "model",
        "endpoint",
        "traffic",
        "machine",
        "labels",
        "network",
        "service_account",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"machine": "json", "traffic": "json"}
    operator_extra_links = links.offered(links.ENDPOINT)

    def __init__(  # noqa: PLR0913 - one keyword per field of the task
        self,
        *,
        model: str,
        endpoint: str,
        traffic: dict[str, int],
        machine: dict[str, Any],
        labels: dict[str, str] | None = None,
        undeploy_idle: bool = False,
        network: str | None = None,
        service_account: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.endpoint = endpoint
        self.traffic = traffic
        self.machine = machine
        self.labels = labels
        self.undeploy_idle = undeploy_idle
        self.network = network
        self.service_account = service_account
        self._version = ""

    def execute(self, context: Any) -> dict[str, Any]:
        """Find or make the endpoint, deploy the model unless it is there, set the traffic."""
        traffic.check(self.traffic)
        client = self.client()
        with vertex.translated_errors(f"deploying {self.model} to {self.endpoint}"):
            self._version = version_of(client.get(self.model))
            endpoint = self._find_endpoint(client) or self._create_endpoint(client, context)
            if self._deployed_model(endpoint) is None:
                self._deploy(client, endpoint)
                endpoint = client.get(endpoint["name"])
            endpoint = self._set_traffic(client, endpoint)
            if self.undeploy_idle:
                endpoint = self._remove_idle(client, endpoint)
            shown = vertex.console_url(endpoint["name"], "endpoints")
            links.push(self, context["ti"], {links.ENDPOINT: shown})
        return self._result(endpoint)

    def _result(self, endpoint: dict[str, Any]) -> dict[str, Any]:
        name, split = endpoint["name"], endpoint.get("trafficSplit", {})
        self.log.info("%s: %s %s", self.endpoint, split, vertex.console_url(name, "endpoints"))
        return {
            "endpoint": name,
            "deployed_model": self._deployed_id(endpoint),
            "traffic": split,
            "outputs": {"endpoint": name},
        }

    def _find_endpoint(self, client: vertex.VertexClient) -> dict[str, Any] | None:
        """Return the oldest endpoint of this display name."""
        # Vertex AI allows several of one name; the oldest is the one that every attempt finds.
        text = f'display_name="{self.endpoint}"'
        found = client.pages("endpoints", "endpoints", filter=text)
        same = [item for item in found if item.get("displayName") == self.endpoint]
        same.sort(key=lambda item: (item.get("createTime", ""), item["name"]))
        return same[0] if same else None

    def _create_endpoint(self, client: vertex.VertexClient, context: Any) -> dict[str, Any]:
        ti = context["ti"]
        own = task_labels(ti.dag_id, ti.task_id, ti.run_id, ti.map_index)
        body = {"displayName": self.endpoint, "labels": with_user_labels(own, self.labels)}
        if self.network:
            body["network"] = self.network
        answer = client.create_once(
            f"{client.parent}/endpoints", body, lambda: self._find_endpoint(client)
        )
        if "displayName" in answer:  # an endpoint that `_find_endpoint` returned, not an operation
            return answer
        return client.get(client.wait_for_operation(answer, self.poll)["name"])

    def _deployed_model(self, endpoint: dict[str, Any]) -> dict[str, Any] | None:
        """Return the deployment of this version in the endpoint, whoever made it."""
        own = deployed_id(self._version)
        for deployed in endpoint.get("deployedModels", []):
            if deployed["id"] == own or version_of(deployed) == self._version:
                return dict(deployed)
        return None

    def _deployed_id(self, endpoint: dict[str, Any]) -> str:
        """Return the id of the deployment of this version; raises when the endpoint has none."""
        deployed = self._deployed_model(endpoint)
        if deployed is None:
            # A traffic split with a key made up for it would be refused, or worse.
            raise AirflowException(f"{endpoint['name']} does not show {self.model} as deployed")
        return str(deployed["id"])

    def _shares(self, endpoint: dict[str, Any], own: str) -> dict[str, int]:
        """Return what the other models receive now, in percent."""
        split = endpoint.get("trafficSplit", {})
        ids = [str(item["id"]) for item in endpoint.get("deployedModels", [])]
        return {name: int(split.get(name, 0)) for name in ids if name != own}

    def _deploy(self, client: vertex.VertexClient, endpoint: dict[str, Any]) -> None:
        deployed = {
            "id": deployed_id(self._version),
            "model": self.model,
            "displayName": self.model.rpartition("/")[2],
            "dedicatedResources": self.machine,
        }
        if self.service_account:
            deployed["serviceAccount"] = self.service_account
        body = {
            "deployedModel": deployed,
            "trafficSplit": traffic.split(self.traffic["new"], self._shares(endpoint, traffic.NEW)),
        }
        name = endpoint["name"]

        def find_existing() -> dict[str, Any] | None:
            return {"done": True} if self._deployed_model(client.get(name)) else None

        answer = client.create_once(f"{name}:deployModel", body, find_existing)
        client.wait_for_operation(answer, self.poll)

    def _set_traffic(self, client: vertex.VertexClient, endpoint: dict[str, Any]) -> dict[str, Any]:
        """Give a model that an earlier attempt deployed the requested share."""
        # deployModel sets the traffic of a new deployment itself; this is for one that it did not make.
        own = self._deployed_id(endpoint)
        current = endpoint.get("trafficSplit", {})
        others = self._shares(endpoint, own)
        if not others or current.get(own, 0) == self.traffic["new"]:
            return endpoint
        wanted = traffic.split(self.traffic["new"], others, own)
        client.patch(endpoint["name"], "trafficSplit", {"trafficSplit": wanted})
        return client.get(endpoint["name"])

    def _remove_idle(self, client: vertex.VertexClient, endpoint: dict[str, Any]) -> dict[str, Any]:
        own = self._deployed_id(endpoint)
        for name, share in self._shares(endpoint, own).items():
            if share == 0:  # Vertex AI refuses to undeploy a model that receives traffic
                self.log.info("Undeploying %s, which receives no traffic", name)
                body = {"deployedModelId": name}
                operation = client.act(endpoint["name"], "undeployModel", body)
                client.wait_for_operation(operation, self.poll)
        return client.get(endpoint["name"])


def version_of(found: dict[str, Any]) -> str:
    """Return ``ID@VERSION`` of a model, or of the model of a deployment."""
    # Of the name the last part only: answers carry the project's number where requests have its id,
    # and an alias may have moved on.
    name = str(found.get("model") or found["name"]).rpartition("/")[2]
    identifier, _, version = name.partition("@")
    known = found.get("versionId") or found.get("modelVersionId") or version
    return f"{identifier}@{known}"


def deployed_id(version: str) -> str:
    """Return the id of a model version in an endpoint: 10 digits that follow from its name."""
    # Vertex AI would draw a random id. With this one, an attempt that starts while the deployment of an
    # earlier one is under way cannot deploy the model twice.
    return f"{int(hashlib.sha256(version.encode()).hexdigest(), 16) % 10**10:010}"
