"""What the operators share: the Airflow connection and the place in Vertex AI."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator

from .storage import Store
from .vertex import Vertex


class ConnectedOperator(BaseOperator):
    """An operator that speaks to Google through an Airflow connection."""

    template_fields: Sequence[str] = ("gcp_conn_id", "impersonation_chain")

    def __init__(
        self,
        *,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain

    def store(self) -> Store:
        """Return Cloud Storage as this task's connection sees it."""
        return Store(self.gcp_conn_id, self.impersonation_chain)


class VertexOperator(ConnectedOperator):
    """An operator that works in one region of Vertex AI; ``poll`` is in seconds."""

    template_fields: Sequence[str] = ("project", "region", *ConnectedOperator.template_fields)

    def __init__(self, *, project: str, region: str, poll: int = 30, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.project = project
        self.region = region
        self.poll = poll

    def client(self, region: str | None = None) -> Vertex:
        """Return the REST client of a region, the task's own one by default."""
        place = region or self.region
        return Vertex(self.project, place, self.gcp_conn_id, self.impersonation_chain)

    def clients(self, regions: Sequence[str]) -> Iterator[Vertex]:
        """Yield a client for each different region."""
        return map(self.client, dict.fromkeys(regions))
