"""Links of a task in Airflow's own pages: addresses in XCom, so that nothing has to be installed."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import BaseOperatorLink

CONSOLE = "https://console.cloud.google.com"
GOOGLE = "airflow.providers.google"
PUSHED = "_pushed_links"
TENSORBOARD_NAME = re.compile(r"projects/[^/]+/locations/([^/]+)/tensorboards/[^/]+")

log = logging.getLogger(__name__)


def _get_link(self: Any, operator: Any, *, ti_key: Any) -> str:
    """Return the address that the task has pushed, a text without content where it has none."""
    # Airflow 3 asks at the end of a task and pushes the answer, over what is there. What a process
    # before this one pushed is asked for only where this one did not get to it: for a key that is not
    # there Airflow logs an error.
    pushed: dict[str, str] = getattr(operator, PUSHED, {})
    if pushed or not getattr(operator, "resumed", False):
        return pushed.get(self.xcom_key, "")  # Airflow would link to the address `None`
    from airflow.providers.common.compat.sdk import XCom

    return XCom.get_value(key=self.xcom_key, ti_key=ti_key) or ""


def _link(name: str, key: str, registered: str = "") -> Any:
    """Return a link that shows what stands in XCom under a key."""
    # Airflow 2 makes the link from its class, which has to be one that a provider has registered;
    # Google's show an address that they find under their key. Named and not imported: that is slow.
    module, _, own = registered.rpartition(".")
    fields = {"name": name, "xcom_key": key, "get_link": _get_link, "__hash__": object.__hash__}
    return type(own or "Link", (BaseOperatorLink,), {**fields, "__module__": module or __name__})()


JOB = _link(
    "Vertex AI job", "training_conf", f"{GOOGLE}.cloud.links.vertex_ai.VertexAITrainingLink"
)
MODEL = _link("Model", "model_conf", f"{GOOGLE}.cloud.links.vertex_ai.VertexAIModelLink")
ENDPOINT = _link(
    "Endpoint", "endpoint_conf", f"{GOOGLE}.cloud.links.vertex_ai.VertexAIEndpointLink"
)
PIPELINE = _link(
    "Vertex AI pipeline",
    "pipeline_job_conf",
    f"{GOOGLE}.cloud.links.vertex_ai.VertexAIPipelineJobLink",
)
FOLDER = _link("Files", "storage_conf", f"{GOOGLE}.common.links.storage.StorageLink")
LEADERBOARD = _link("Leaderboard", "file_details", f"{GOOGLE}.common.links.storage.FileDetailsLink")
QUERY = _link(
    "BigQuery job", "bigquery_job_detail", f"{GOOGLE}.cloud.links.bigquery.BigQueryJobDetailLink"
)
LOGS = _link("Logs", "dagfactory_logs")
TENSORBOARD = _link("TensorBoard", "dagfactory_tensorboard")
ON_GOOGLE_CLOUD = _link("Google Cloud", "dagfactory_google_cloud")


def offered(*links: Any) -> tuple[Any, ...]:
    """Return the links that this line of Airflow can show."""
    # Airflow 2 drops all links of a task for one of a class that nobody has registered.
    if hasattr(BaseOperatorLink, "xcom_key"):
        return links
    return tuple(each for each in links if type(each).__module__ != __name__)


def push(operator: Any, ti: Any, addresses: Mapping[Any, str | None]) -> None:
    """Show addresses on a task from now on; a task never fails for a link."""
    pushed = operator.__dict__.setdefault(PUSHED, {})
    for link, address in addresses.items():
        if not address or pushed.get(link.xcom_key) == address:
            continue
        pushed[link.xcom_key] = address
        try:
            ti.xcom_push(key=link.xcom_key, value=address)
        except Exception:
            log.warning("The link %s is not shown: %s", link.name, address, exc_info=True)


def push_from(real: Any, operator: Any, ti: Any) -> None:
    """Show the first address that the links of a provider's operator have on the task that runs it."""
    if ON_GOOGLE_CLOUD not in operator.operator_extra_links:
        return
    try:
        found = (each.get_link(operator=real, ti_key=ti) for each in real.operator_extra_links)
        address = next(filter(None, found), None)
    except Exception:
        log.warning("No link of %s can be shown", type(real).__name__, exc_info=True)
    else:
        push(operator, ti, {ON_GOOGLE_CLOUD: address})


# Addresses of Google's console.


def storage(address: str | None) -> str | None:
    """Return where the console shows a folder of Cloud Storage, or a file by the end of its name."""
    if not address or not address.startswith("gs://"):
        return None
    path = quote(address.removeprefix("gs://").rstrip("/"))
    kind = "_details/" if path.endswith(".json") else ""
    return f"{CONSOLE}/storage/browser/{kind}{path}"


def job_logs(project: str, job_id: str | None, since: str = "") -> str:
    """Return the log of a CustomJob; of all jobs since a time while its id is not known."""
    which = f'resource.labels.job_id="{job_id}"' if job_id else f'timestamp>="{since}"'
    query = quote(f'resource.type="ml_job"\n{which}', safe="")
    return f"{CONSOLE}/logs/query;query={query}?project={project}"


def query(project: str, location: str, job_id: str | None) -> str | None:
    """Return the details of a BigQuery job; None for a query that BigQuery made no job of."""
    place = f"!1m5!1m4!1m3!1s{project}!2s{job_id}!3s{location}"
    return f"{CONSOLE}/bigquery?project={project}&ws={place}" if job_id else None


def tensorboard(name: str | None, job_id: str | None) -> str | None:
    """Return where a TensorBoard shows a CustomJob, which is an experiment there."""
    found = TENSORBOARD_NAME.fullmatch(name or "")
    if not found or not job_id:
        return None
    experiment = f"{name}/experiments/{job_id}".replace("/", "+")
    return f"https://{found[1]}.tensorboard.googleusercontent.com/experiment/{experiment}"
