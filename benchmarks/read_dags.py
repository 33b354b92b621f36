"""Print the DAGs of YAML files of dag-factory, or of folders of DAG files, as Airflow serializes them.

Runs in an environment with Airflow; with dag-factory in it for `theirs`.
Usage: python benchmarks/read_dags.py theirs FILE… | ours FOLDER…
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main(mode: str, paths: list[str]) -> None:
    """Print the DAGs by file and id, and what could not be read."""
    print(json.dumps({"found": {each: _of(mode, each) for each in paths}}, default=str))


def _of(mode: str, path: str) -> dict[str, Any]:
    dags, errors = _theirs(path) if mode == "theirs" else _ours(path)
    return {"dags": {name: _serialized(dag) for name, dag in dags.items()}, "errors": errors}


def _theirs(path: str) -> tuple[dict[str, Any], dict[str, str]]:
    import dagfactory

    found: dict[str, Any] = {}
    # dag-factory looks for defaults.yml in one folder only
    beside = str(Path(path).parent)
    try:
        dagfactory.load_yaml_dags(found, config_filepath=path, defaults_config_path=beside)
    except Exception as error:  # noqa: BLE001 - what dag-factory refuses is compared with nothing
        return {}, {path: repr(error)}
    return {each.dag_id: each for each in found.values() if hasattr(each, "task_dict")}, {}


def _ours(path: str) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # Airflow 2
        from airflow.models.dagbag import DagBag

    sys.path.insert(0, path)
    bag = DagBag(path)
    return dict(bag.dags), dict(bag.import_errors)


def _serialized(dag: Any) -> dict[str, Any]:
    try:
        from airflow.serialization.serialized_objects import DagSerialization
    except ImportError:  # Airflow 2
        from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization

    try:
        whole: dict[str, Any] = DagSerialization.to_dict(dag)
    except Exception as error:  # noqa: BLE001 - a DAG that Airflow cannot store either
        return {"error": repr(error), "dag": {}, "tasks": {}}
    found = whole["dag"]
    tasks = {each["__var"]["task_id"]: each["__var"] for each in found.pop("tasks", ())}
    return {"dag": found, "tasks": tasks}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
