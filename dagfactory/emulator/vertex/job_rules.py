"""What Vertex AI refuses of a job before it runs; rules that need no table of machines.

Field by field, in its form: «List of found errors: 1.Field: …; Message: …» (prefect-gcp#175).
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.protos import VERTEX, enum_value
from dagfactory.emulator.storage import buckets

Finding = tuple[str, str]  # field and message

SCHEME = "gs://"
LABEL_LENGTH, LABELS = 63, 64
REGION = re.compile(r"[a-z]+(-[a-z]+)+[0-9]+")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
DISKS = ("", "pd-ssd", "pd-standard", "hyperdisk-balanced")
SMALLEST_DISK_GB, LARGEST_DISK_GB = 100, 64000
# custom-training machine types: GPUs are attached to N1, or belong to a machine made for them
WITH_GPU = re.compile(r"(n1|a2|a3|a4|a4x|g2|g4)-")
# use of flex-start: the GPUs that can be queued for
FLEXIBLE = re.compile(r"NVIDIA_(L4|A100_80GB|TESLA_A100|H100.*|H200.*|B200)")


class JobRules:
    """The rules; `state` is where the storage emulator keeps its buckets."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def check(self, region: str, job: Any) -> None:
        """Refuse a CustomJob that Vertex AI refuses; raises ApiError."""
        if not REGION.fullmatch(region):
            raise ApiError(
                "NOT_FOUND", f"Location {region} is not found or access is unauthorized."
            )
        spec = job.job_spec
        found = [*_labels(job.labels), *_pools(spec), *_scheduling(spec), *_account(spec)]
        address = spec.base_output_directory.output_uri_prefix
        if address and not address.startswith(SCHEME):
            field = "job_spec.base_output_directory.output_uri_prefix"
            found.append((field, f"The URI `{address}` does not start with `{SCHEME}`."))
        if found:
            raise ApiError("INVALID_ARGUMENT", _listed(found))
        self._check_bucket(region, address)

    def _check_bucket(self, region: str, address: str) -> None:
        bucket = address.removeprefix(SCHEME).partition("/")[0]
        location = buckets.region_of(self._state, bucket) if bucket else None
        if location not in (None, region):
            # wording: googleapis/python-aiplatform#885
            raise ApiError(
                "FAILED_PRECONDITION",
                f"The Cloud Storage bucket of `{address}` is in location `{location}`. It must be in "
                f"the same regional location as the service location `{region}`.",
            )


def _listed(found: list[Finding]) -> str:
    rows = [f"{n}.Field: {field}; Message: {text}" for n, (field, text) in enumerate(found, 1)]
    return "\t".join(["List of found errors:", *rows, ""])


def _labels(labels: Mapping[str, str]) -> Iterator[Finding]:
    if len(labels) > LABELS:
        yield "labels", f"No more than {LABELS} labels can be associated with one resource."
    for key, value in labels.items():
        if not key or not key[0].isalpha() or not _label(key):
            yield "labels", f"The label key `{key}` is invalid."
        if not _label(value):
            yield "labels", f"The label value `{value}` is invalid."


def _label(text: str) -> bool:
    """Say whether a text is a label: lowercase letters of any script, digits, `_` and `-`."""
    fits = all(each.isalnum() or each in "_-" for each in text)
    return fits and text == text.lower() and len(text) <= LABEL_LENGTH


def _pools(spec: Any) -> Iterator[Finding]:
    for index, pool in enumerate(spec.worker_pool_specs):
        where = f"job_spec.worker_pool_specs[{index}]"
        for field, message in [*_machine(pool.machine_spec), *_disk(pool.disk_spec)]:
            yield f"{where}.{field}", message
        task = pool.WhichOneof("task")
        for variable in getattr(pool, task).env if task else ():
            if not VARIABLE.fullmatch(variable.name):
                message = f"The environment variable name `{variable.name}` is invalid."
                yield f"{where}.{task}.env", message


def _machine(machine: Any) -> Iterator[Finding]:
    field, kind = "machine_spec.accelerator_type", _accelerator(machine)
    if bool(kind) != bool(machine.accelerator_count):
        yield field, "Both `accelerator_type` and `accelerator_count` should be specified or none."
    elif kind and not WITH_GPU.match(machine.machine_type) and not kind.startswith("TPU"):
        # wording: vertex-ai-samples#213
        text = f'Accelerator "{kind}" is not supported for machine type "{machine.machine_type}".'
        yield field, text
    elif kind and machine.accelerator_count & (machine.accelerator_count - 1):
        count = machine.accelerator_count
        yield "machine_spec.accelerator_count", f"The accelerator count {count} is not supported."


def _accelerator(machine: Any) -> str:
    """Return the type of a machine's accelerators, empty for none."""
    kinds = machine.DESCRIPTOR.fields_by_name["accelerator_type"].enum_type.values_by_number
    return str(kinds[machine.accelerator_type].name) if machine.accelerator_type else ""


def _disk(disk: Any) -> Iterator[Finding]:
    if disk.boot_disk_type not in DISKS:
        yield "disk_spec.boot_disk_type", f"Disk type `{disk.boot_disk_type}` is not supported."
    size = disk.boot_disk_size_gb
    if size and not SMALLEST_DISK_GB <= size <= LARGEST_DISK_GB:
        limits = f"between {SMALLEST_DISK_GB} and {LARGEST_DISK_GB}"
        yield "disk_spec.boot_disk_size_gb", f"The boot disk size {size} should be {limits}."


def _scheduling(spec: Any) -> Iterator[Finding]:
    scheduling, field = spec.scheduling, "job_spec.scheduling"
    queues = scheduling.strategy == _strategy("FLEX_START")
    if scheduling.HasField("max_wait_duration") and not queues:
        text = "`max_wait_duration` is supported with the FLEX_START strategy only."
        yield f"{field}.max_wait_duration", text
    for pool in spec.worker_pool_specs:
        kind = _accelerator(pool.machine_spec)
        if queues and kind and not FLEXIBLE.fullmatch(kind):
            yield f"{field}.strategy", f"Accelerator {kind} is not supported with FLEX_START."
        affinity = f"{VERTEX}.ReservationAffinity.Type"
        reserved = pool.machine_spec.reservation_affinity.reservation_affinity_type
        specific = reserved == enum_value(affinity, "SPECIFIC_RESERVATION")
        if specific and scheduling.strategy == _strategy("SPOT"):
            yield f"{field}.strategy", "SPOT cannot be combined with a specific reservation."


def _strategy(name: str) -> int:
    return enum_value(f"{VERTEX}.Scheduling.Strategy", name)


def _account(spec: Any) -> Iterator[Finding]:
    if spec.service_account and not ADDRESS.fullmatch(spec.service_account):
        text = f"The service account `{spec.service_account}` is not an email address."
        yield "job_spec.service_account", text
