"""The rows of the route table that all kinds of jobs have."""

import re
from typing import Any, Protocol

from dagfactory.emulator.rpc_routes import Method


class JobMethods(Protocol):
    """What answers them."""

    def create(self, request: Any) -> Any:
        """Store and start a job."""

    def get(self, request: Any) -> Any:
        """Return a job."""

    def list_page(self, request: Any) -> Any:
        """Return a page of jobs."""

    def cancel(self, request: Any) -> Any:
        """Ask a job to end."""


def job_routes(service: str, kind: str, jobs: JobMethods) -> list[Method]:
    """Return Create, Get, List and Cancel of a kind such as `CustomJob`, as Google names their fields."""
    collection = f"{kind[0].lower()}{kind[1:]}s"
    body = re.sub("(?<=[a-z])(?=[A-Z])", "_", kind).lower()
    many = f"/v1/{{parent=projects/*/locations/*}}/{collection}"
    one = f"/v1/{{name=projects/*/locations/*/{collection}/*}}"
    return [
        Method(service, f"Create{kind}", "POST", many, jobs.create, body=body),
        Method(service, f"Get{kind}", "GET", one, jobs.get),
        Method(service, f"List{kind}s", "GET", many, jobs.list_page),
        Method(service, f"Cancel{kind}", "POST", one + ":cancel", jobs.cancel, body="*"),
    ]
