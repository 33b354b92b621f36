"""The pools that a bundle declares, made in the Airflow of a local run before its DAG starts.

On Composer `airflow pools import` does this; a task in a pool that is not there never starts.
"""

import json
from pathlib import Path

from dagfactory.companions import POOLS
from dagfactory.run.rest import Api


def declare_pools(api: Api, dags: Path) -> None:
    """Create or change every pool of the bundles below `dags`; raises ApiError when refused."""
    for path in sorted(dags.rglob(POOLS)):
        for name, pool in json.loads(path.read_text()).items():
            body = {"name": name, **pool}
            if api.find("pools", name) is None:
                api.post("pools", body=body)
            else:
                api.patch("pools", name, body=body)
