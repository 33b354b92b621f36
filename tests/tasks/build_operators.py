"""Build real operators from the arguments on stdin; a process of its own, for the imports take seconds.

Reads {task: {"operator": path, "arguments": {...}}}, prints {task: {"unknown": [...], "error": text,
"missing": module, "pod": {...}}} as its last line.
"""

from __future__ import annotations

import inspect
import json
import sys
import warnings
from datetime import timedelta
from importlib import import_module
from typing import Any

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowOptionalProviderFeatureException,
)

warnings.simplefilter("ignore")


def known_parameters(operator: type) -> set[str]:
    """Return the keyword arguments of every __init__ on the way to BaseOperator."""
    names: set[str] = set()
    for base in operator.__mro__:
        init = vars(base).get("__init__")
        if init is not None:
            names |= set(inspect.signature(getattr(init, "__wrapped__", init)).parameters)
    return names


def build(operator: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return what is wrong with building one operator; a provider that is not installed is said so."""
    module, _, name = operator.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        return {"missing": error.name}
    except AirflowOptionalProviderFeatureException as error:  # Dataflow without Beam's provider
        return {"missing": str(error)}
    unknown = sorted(set(arguments) - known_parameters(found))
    made = found(task_id="it", **arguments)
    pod = pod_of(made) if operator.endswith("KubernetesPodOperator") else None
    return {"unknown": unknown, "type": type(made).__name__, "pod": pod}


def pod_of(operator: Any) -> Any:
    """Return the pod that Kubernetes would get, as JSON."""
    from kubernetes.client import ApiClient

    operator._get_ti_pod_labels = lambda _context: {}  # needs a running task
    return ApiClient().sanitize_for_serialization(operator.build_pod_request_obj(dry_run=True))


def with_durations(found: dict[str, Any]) -> Any:
    """Return a mapping as it is, or the duration that it stands for."""
    return timedelta(**found["timedelta"]) if set(found) == {"timedelta"} else found


def main() -> None:
    """Answer for every task, an exception as its text."""
    answers = {}
    for task, wanted in json.load(sys.stdin, object_hook=with_durations).items():
        try:
            answers[task] = build(**wanted)
        except (AirflowException, AttributeError, KeyError, TypeError, ValueError) as error:
            answers[task] = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write("\n" + json.dumps(answers) + "\n")


if __name__ == "__main__":
    main()
