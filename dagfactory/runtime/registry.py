"""Register a model in Vertex AI, once per run, as a new version of the model of its name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from . import links, versions, vertex
from .base import VertexOperator
from .labels import task_labels, with_user_labels


class RegisterModelOperator(VertexOperator):
    """Upload ``model`` (Vertex's Model JSON: displayName, artifactUri, containerSpec …).

    A model of the same display name gets a new version. A version that this task of this run has
    uploaded already is taken as it is, so a retry never makes a second one. ``aliases`` end up on
    this version and on no other. XCom: ``{"model": "projects/…/models/ID@VERSION", "outputs"}``.
    """

    template_fields: Sequence[str] = (*VertexOperator.template_fields, "model", "aliases", "labels")
    template_fields_renderers: ClassVar[dict[str, str]] = {"model": "json", "labels": "json"}
    operator_extra_links = links.offered(links.MODEL, links.FOLDER)

    def __init__(
        self,
        *,
        model: dict[str, Any],
        aliases: list[str] | None = None,
        labels: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.aliases = aliases
        self.labels = labels

    def execute(self, context: Any) -> dict[str, Any]:
        """Upload the model unless this run has done so, then move the aliases to it."""
        ti = context["ti"]
        own = task_labels(ti.dag_id, ti.task_id, ti.run_id, ti.map_index)
        client = self.client()
        with vertex.translated_errors(f"the model of task {self.task_id}"):
            version = self._existing_version(client, own) or self._upload(client, own)
            versions.move_aliases(client, version, self.aliases or ())
        name = versions.full_name(version)
        shown = vertex.console_url(name, "models")
        self.log.info("Registered %s: %s", name, shown)
        files = links.storage(self.model.get("artifactUri"))
        links.push(self, ti, {links.MODEL: shown, links.FOLDER: files})
        outputs = {"model": name, "version": version["versionId"]}
        return {"model": name, "outputs": outputs | {"artifact": self.model.get("artifactUri")}}

    def reads(self) -> Iterable[str]:
        """Return the model's files."""
        return [self.model.get("artifactUri") or ""]

    def _existing_version(
        self, client: vertex.VertexClient, own: dict[str, str]
    ) -> dict[str, Any] | None:
        """Return the version that an earlier attempt of this task has made."""
        model = versions.parent(client, self.model["displayName"])
        for version in versions.every(client, model):
            labels = version.get("labels", {})
            if all(labels.get(key) == value for key, value in own.items()):
                self.log.info("%s@%s is there already", version["name"], version["versionId"])
                return version
        return None

    def _upload(self, client: vertex.VertexClient, own: dict[str, str]) -> dict[str, Any]:
        parent = versions.parent(client, self.model["displayName"])
        body: dict[str, Any] = {
            "model": {**self.model, "labels": with_user_labels(own, self.labels)}
        }
        if parent:
            body["parentModel"] = parent
        answer = client.create_once(
            f"{client.parent}/models:upload", body, lambda: self._existing_version(client, own)
        )
        if "versionId" in answer:  # a version that `_existing_version` returned, not an operation
            return answer
        made = client.wait_for_operation(answer, self.poll)
        name = f"{made['model'].split('@')[0]}@{made['modelVersionId']}"
        return client.get(name)
