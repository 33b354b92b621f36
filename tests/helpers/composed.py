"""A project whose environment `prod` says all about its Composer: the examples of this repository."""

from __future__ import annotations

import shutil
from pathlib import Path

from paths import ROOT

COMPOSER = """\
composer:
  name: ml-prod
  image: composer-3-airflow-3.1.7-build.2
  size: small
  packages: {pandas: "==2.3.1", boto3: "[crt]>=1,<2"}
  env: {TEAM: "a${b} %{c} 'd', \\"e\\""}
  overrides: {core-max_map_length: 10000, webserver-rbac: true}
  workloads:
    scheduler: {cpu: 0.5, memory_gb: 2, storage_gb: 1, count: 1}
    dag_processor: {cpu: 1, memory_gb: 4, storage_gb: 1, count: 1}
    triggerer: {}
    web_server: {cpu: 1, memory_gb: 2, storage_gb: 1}
    worker: {cpu: 2, memory_gb: 7.5, storage_gb: 10, min_count: 1, max_count: 6}
"""


def project(folder: Path, composer: str = COMPOSER) -> Path:
    """Return the specs of a copy of this repository's, with a `composer:` for `prod`."""
    shutil.copytree(ROOT / "specs", folder / "specs")
    file = folder / "specs/environments/prod.yaml"
    file.write_text(file.read_text() + composer)
    return folder / "specs"
