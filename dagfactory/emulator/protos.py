"""The protobuf classes of the Google client libraries, without the libraries' service clients.

Importing `google.cloud.aiplatform_v1` costs 3 s, its message types alone 0.2 s: the package's
`__init__` (all service clients) is skipped by registering the package unexecuted. This is
safe because the emulator is a process of its own and uses no service client.
"""

import importlib
import importlib.util
import sys
from functools import cache
from typing import Any

from google.protobuf import descriptor_pool, message_factory

VERTEX = "google.cloud.aiplatform.v1"
SECRETS = "google.cloud.secretmanager.v1"
PROJECTS = "google.cloud.resourcemanager.v3"
DATAFLOW = "google.dataflow.v1beta3"
_MODULES = {
    "google.cloud.aiplatform_v1": (
        "batch_prediction_job",
        "custom_job",
        "endpoint_service",
        "job_service",
        "lineage_subgraph",
        "metadata_service",
        "model_service",
        "pipeline_service",
        "prediction_service",
        "schedule_service",
        "tensorboard_data",
        "tensorboard_service",
    ),
    "google.cloud.secretmanager_v1": ("service",),
    "google.cloud.resourcemanager_v3": ("projects",),
    "google.cloud.dataflow_v1beta3": ("jobs", "messages", "templates"),
}
_OTHERS = (
    "google.longrunning.operations_pb2",
    "google.rpc.status_pb2",
    "google.protobuf.any_pb2",
    "google.protobuf.empty_pb2",
)


def load() -> None:
    """Register every message the emulator speaks with protobuf's descriptor pool."""
    for package, modules in _MODULES.items():
        for bare in (package, f"{package}.types"):
            _register_unexecuted(bare)
        for module in modules:
            importlib.import_module(f"{package}.types.{module}")
    for module in _OTHERS:
        importlib.import_module(module)


def _register_unexecuted(package: str) -> None:
    if package not in sys.modules:
        spec = importlib.util.find_spec(package)
        if spec is None:
            raise ImportError(f"{package} is missing: install dagfactory[airflow]")
        sys.modules[package] = importlib.util.module_from_spec(spec)


@cache
def message_class(full_name: str) -> Any:
    """Return the class of a message by its full protobuf name."""
    return message_factory.GetMessageClass(
        descriptor_pool.Default().FindMessageTypeByName(full_name)
    )


def vertex(name: str, /, **fields: Any) -> Any:
    """Make a google.cloud.aiplatform.v1 message."""
    return message_class(f"{VERTEX}.{name}")(**fields)


def enum_value(full_name: str, value: str) -> int:
    """Return the number of an enum value by name."""
    enum = descriptor_pool.Default().FindEnumTypeByName(full_name)
    number: int = enum.values_by_name[value].number
    return number


def enum_name(message: Any, field: str) -> str:
    """Return the name of an enum field's value, empty for the value that stands for none."""
    number = getattr(message, field)
    names = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number
    return str(names[number].name) if number else ""


def whole(value: Any) -> Any:
    """Turn the whole numbers of a Struct (all doubles) back into integers."""
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
