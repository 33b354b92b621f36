"""The pools that a bundle declares, made in the Airflow of a local run before its DAG starts.

On Composer `airflow pools import` does this; a task in a pool that is not there never starts.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagfactory.compiler.bundle.sidecars import POOLS
from dagfactory.run.airflow_api import AirflowApi, AirflowApiError
from dagfactory.run.events import RunError


def declare_pools(api: AirflowApi, dags: Path) -> None:
    """Create or change every pool of the bundles below `dags`; raises RunError when refused."""
    for path in sorted(dags.rglob(POOLS)):
        for name, pool in json.loads(path.read_text()).items():
            try:
                _declare(api, name, {"name": name, **pool})
            except AirflowApiError as error:
                raise RunError(f"Airflow refused the pool {name}: {error}") from None


def _declare(api: AirflowApi, name: str, body: Mapping[str, Any]) -> None:
    # a database that is used again has them from the last run, perhaps of another size
    if api.find("pools", name) is None:
        api.post("pools", body=body)
    else:
        api.patch("pools", name, body=body)
