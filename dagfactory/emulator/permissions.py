"""Which permission each call needs; calls without are refused where STATE/permissions.json lists those given.

Without that file everybody may do everything. All callers have one account here, so a list holds for Airflow
and for its jobs alike. The data that a BigQuery job reads and writes is not looked at, only that it may run.
"""

import json
import logging
import re
from collections.abc import Iterable
from pathlib import Path

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.files import replace_text

PERMISSIONS_FILE = "permissions.json"

log = logging.getLogger(__name__)

_VERBS = re.compile(r"(Create|Get|List|Cancel|Delete|Update)([A-Z]\w+?)s?")
_OTHERS = {
    "AddContextArtifactsAndExecutions": "aiplatform.contexts.addContextArtifactsAndExecutions",
    "AddContextChildren": "aiplatform.contexts.addContextChildren",
    "AddExecutionEvents": "aiplatform.executions.addExecutionEvents",
    "GetProject": "resourcemanager.projects.get",
    "Predict": "aiplatform.endpoints.predict",
    "QueryContextLineageSubgraph": "aiplatform.contexts.queryContextLineageSubgraph",
    "QueryExecutionInputsAndOutputs": "aiplatform.executions.queryExecutionInputsAndOutputs",
    "ReadTensorboardTimeSeriesData": "aiplatform.tensorboardTimeSeries.read",
    "WriteTensorboardRunData": "aiplatform.tensorboardRuns.write",
    "AccessSecretVersion": "secretmanager.versions.access",
    "GetSecretVersion": "secretmanager.versions.get",
    "DeleteModelVersion": "aiplatform.models.delete",
    "DeployModel": "aiplatform.endpoints.deploy",
    "ListModelVersions": "aiplatform.models.list",
    "MergeVersionAliases": "aiplatform.models.update",
    "UndeployModel": "aiplatform.endpoints.undeploy",
    "UploadModel": "aiplatform.models.upload",
    # whoever may start an operation may wait for it
    "GetOperation": None,
    "WaitOperation": None,
    "GetJob": "dataflow.jobs.get",
    "LaunchFlexTemplate": "dataflow.jobs.create",
    "LaunchTemplate": "dataflow.jobs.create",
    "ListJobMessages": "dataflow.messages.list",
    "ListJobs": "dataflow.jobs.list",
    "UpdateJob": "dataflow.jobs.cancel",
    "storage.objects.compose": "storage.objects.create",
    "storage.objects.copy": "storage.objects.create",
    "storage.objects.insert": "storage.objects.create",
    "storage.objects.patch": "storage.objects.update",
    "storage.objects.rewrite": "storage.objects.create",
    "storage.buckets.insert": "storage.buckets.create",
    "storage.buckets.patch": "storage.buckets.update",
    # everybody may ask what is permitted
    "storage.buckets.testIamPermissions": None,
    "bigquery.jobs.insert": "bigquery.jobs.create",
    "bigquery.jobs.query": "bigquery.jobs.create",
    # of jobs that one started oneself
    "bigquery.jobs.get": None,
    "bigquery.jobs.cancel": None,
    "bigquery.jobs.getQueryResults": None,
    "bigquery.tabledata.list": "bigquery.tables.getData",
    "bigquery.tabledata.insertAll": "bigquery.tables.updateData",
}


def permission_of(method: str) -> str | None:
    """Return the permission that a method needs, None for a method that needs none."""
    if method in _OTHERS:
        return _OTHERS[method]
    if "." in method:  # storage.objects.get, bigquery.tables.get: the permission is called after it
        return method
    found = _VERBS.fullmatch(method)
    if found is None:
        return None
    return f"aiplatform.{found[2][0].lower()}{found[2][1:]}s.{found[1].lower()}"


class Permissions:
    """The permissions now given; the file is read again whenever it changes."""

    def __init__(self, path: Path) -> None:
        self._path, self._stamp = path, (0, 0)
        self._given: frozenset[str] | None = None

    def require(self, method: str) -> None:
        """Raise PERMISSION_DENIED for a method that needs a permission which is not given."""
        needed, given = permission_of(method), self._current()
        if needed is not None and given is not None and needed not in given:
            log.warning("denied: %s needs %s", method, needed)
            message = f"Permission '{needed}' denied on resource (or it may not exist)."
            raise ApiError("PERMISSION_DENIED", message)

    def _current(self) -> frozenset[str] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp:
            self._given, self._stamp = frozenset(json.loads(self._path.read_text())), stamp
        return self._given


def write_permissions(state: Path, names: Iterable[str]) -> None:
    """Put permissions where a running emulator reads them."""
    replace_text(state / PERMISSIONS_FILE, json.dumps(sorted(names)) + "\n")
