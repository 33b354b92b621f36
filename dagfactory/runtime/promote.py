"""Move an alias of a registered model to one of its versions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException

from . import links, versions, vertex
from .base import VertexOperator

_VERSION = re.compile(r"projects/[^/]+/locations/([^/]+)/models/[^/@]+@[^/@]+")


class PromoteOperator(VertexOperator):
    """Put ``alias`` on ``model`` (`projects/…/models/ID@VERSION`) and on no other version of it.

    A second attempt finds the alias in its place and changes nothing.
    XCom: ``{"model", "alias", "previous"}``, the last being the version that held it, or None.
    """

    template_fields: Sequence[str] = (*VertexOperator.template_fields, "model", "alias")
    operator_extra_links = links.offered(links.MODEL)

    def __init__(self, *, model: str, alias: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.alias = alias

    def execute(self, context: Any) -> dict[str, Any]:
        """Move the alias and say who held it."""
        found = _VERSION.fullmatch(self.model)
        if not found:
            raise AirflowFailException(
                f"{self.model!r} is not a version of a model: projects/…/models/ID@VERSION"
            )
        client = self.client(found[1])
        with vertex.translated_errors(f"the alias {self.alias} of task {self.task_id}"):
            before = versions.holder(versions.every(client, self.model), self.alias)
            version = client.get(self.model)
            versions.move_aliases(client, version, [self.alias])
        name, previous = versions.full_name(version), before and versions.full_name(before)
        self.log.info("%s holds the alias %s; before: %s", name, self.alias, previous or "nobody")
        links.push(self, context["ti"], {links.MODEL: vertex.console_url(name, "models")})
        return {"model": name, "alias": self.alias, "previous": previous}
