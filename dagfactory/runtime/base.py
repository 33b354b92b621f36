"""What the operators share: the Airflow connection, project and region."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator

from . import lineage, storage, vertex
from . import session as sessions


class ConnectedOperator(BaseOperator):
    """An operator that calls Google's APIs through an Airflow connection."""

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
        self._session: sessions.Session | None = None

    def session(self) -> sessions.Session:
        """Return the session that everything this task does shares."""
        # made on demand and not in `__init__`: it reads the connection, which a parse must not do
        if self._session is None:
            self._session = sessions.Session(self.gcp_conn_id, self.impersonation_chain)
        return self._session

    def store(self) -> storage.StorageClient:
        """Return a Cloud Storage client with this task's connection."""
        return storage.StorageClient(self.session())

    def reads(self) -> Iterable[str]:
        """Return the addresses that the task reads, as far as they are known."""
        return ()

    def writes(self) -> Iterable[str]:
        """Return the addresses that the task writes."""
        return ()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:  # noqa: ARG002 - the provider's signature
        """Return the datasets of the task; the provider of OpenLineage finds it by its name."""
        return lineage.facets(self.reads(), self.writes())


class VertexOperator(ConnectedOperator):
    """An operator that works in one region of Vertex AI; ``poll`` is in seconds."""

    template_fields: Sequence[str] = ("project", "region", *ConnectedOperator.template_fields)

    def __init__(self, *, project: str, region: str, poll: int = 30, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.project = project
        self.region = region
        self.poll = poll

    def client(self, region: str | None = None) -> vertex.VertexClient:
        """Return the REST client of a region, the task's own one by default."""
        return vertex.VertexClient(self.project, region or self.region, self.session())

    def clients(self, regions: Sequence[str]) -> Iterator[vertex.VertexClient]:
        """Yield a client for each different region."""
        return map(self.client, dict.fromkeys(regions))
