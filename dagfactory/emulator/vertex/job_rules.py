"""What Vertex AI refuses of a job before it runs, all findings in one answer.

Field by field, in its form: «List of found errors: 1.Field: …; Message: …» (prefect-gcp#175).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.protos import enum_name
from dagfactory.emulator.storage import buckets
from dagfactory.emulator.storage.object_paths import BUCKET
from dagfactory.emulator.vertex import machine_rules, pool_rules, resource_names
from dagfactory.emulator.vertex.machine_rules import Finding

SCHEME = "gs://"
LABEL_LENGTH, LABEL_BYTES, LABELS = 63, 128, 64
LONGEST_FLEX_START = 7 * 24 * 3600  # the page on flex-start
REGION = re.compile(r"[a-z]+(-[a-z]+)+[0-9]+")
PART = r"[^/\s]+"
SHAPES = {  # the formats that custom_job.proto states
    "network": rf"projects/{PART}/global/networks/{PART}",
    "tensorboard": rf"projects/{PART}/locations/({PART})/tensorboards/{PART}",
    "experiment": rf"projects/{PART}/locations/{PART}/metadataStores/{PART}/contexts/{PART}",
    "experiment_run": rf"projects/{PART}/locations/{PART}/metadataStores/{PART}/contexts/{PART}",
    "service_account": r"[^@\s]+@[^@\s]+\.[^@\s.]+",
}
KEY = re.compile(rf"projects/{PART}/locations/{PART}/keyRings/{PART}/cryptoKeys/{PART}")
RESOURCE_ID = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
# wording: refusals of a PersistentResource (2024-07-02) and cortex-data-foundation#27
RESOURCE_ID_TEXT = (
    "persistent_resource_id can only contain numbers, lower case letters and hyphens. The first "
    "character must be a letter, and the last character must be a letter or number."
)
LABELS_TEXT = (
    "There can be no more than 64 labels attached to a single resource. Label keys and values can "
    "only contain lowercase letters, numbers, dashes and underscores. Label keys must start with a "
    "letter or number, must be less than 64 characters in length, and must be less that 128 bytes "
    "in length when encoded in UTF-8. Label values must be less than 64 characters in length, and "
    "must be less that 128 bytes in length when encoded in UTF-8."
)


class JobRules:
    """The rules; `state` is where the storage emulator keeps its buckets, `newer` machines to let pass."""

    def __init__(self, state: Path, newer: Collection[str] = ()) -> None:
        self._state, self._newer = state, newer

    def check(self, region: str, job: Any, named: Any) -> None:
        """Refuse a CustomJob that Vertex AI refuses; raises ApiError.

        `named` is the resource whose name and labels the user gave: the job, or what it is behind.
        """
        if not REGION.fullmatch(region):
            raise ApiError(
                "NOT_FOUND", f"Location {region} is not found or access is unauthorized."
            )
        found = [*_named(named), *_encryption(named), *self._spec(region, job.job_spec)]
        if found:
            raise ApiError("INVALID_ARGUMENT", _listed(found))
        self._check_bucket(region, job.job_spec.base_output_directory.output_uri_prefix)

    def _spec(self, region: str, spec: Any) -> Iterator[Finding]:
        strategy = strategy_of(spec)
        parts = [
            *pool_rules.findings(spec.worker_pool_specs),
            *self._machines(region, spec, strategy),
            *_scheduling(spec.scheduling, strategy),
            *_shapes(spec),
            *_tensorboard(region, spec),
            *_directory(spec.base_output_directory.output_uri_prefix),
        ]
        yield from ((f"job_spec.{field}", text) for field, text in parts)

    def _machines(self, region: str, spec: Any, strategy: str) -> Iterator[Finding]:
        for index, pool in pool_rules.used(spec.worker_pool_specs):
            every = machine_rules.findings(pool.machine_spec, region, strategy, self._newer)
            where = f"worker_pool_specs[{index}].machine_spec"
            yield from ((f"{where}.{field}", text) for field, text in every)

    def _check_bucket(self, region: str, address: str) -> None:
        name = address.removeprefix(SCHEME).partition("/")[0]
        if not name:
            return
        if not buckets.exists(self._state, name):
            text = f"The Cloud Storage bucket of `{address}` does not exist."
            raise ApiError("FAILED_PRECONDITION", text)
        location = buckets.region_of(self._state, name)
        if location not in (None, region):
            # wording: googleapis/python-aiplatform#885
            raise ApiError(
                "FAILED_PRECONDITION",
                f"The Cloud Storage bucket of `{address}` is in location `{location}`. It must be in "
                f"the same regional location as the service location `{region}`.",
            )


def strategy_of(spec: Any) -> str:
    """Return a CustomJobSpec's strategy by its present name."""
    name = enum_name(spec.scheduling, "strategy").removeprefix("STRATEGY_")
    older = {"": "STANDARD", "ON_DEMAND": "STANDARD", "LOW_COST": "SPOT"}
    return older.get(name, name)


def _listed(found: list[Finding]) -> str:
    rows = [f"{n}.Field: {field}; Message: {text}" for n, (field, text) in enumerate(found, 1)]
    return "\t".join(["List of found errors:", *rows, ""])


def _named(named: Any) -> Iterator[Finding]:
    kind = re.sub("(?<=[a-z])(?=[A-Z])", "_", named.DESCRIPTOR.name).lower()
    if problem := resource_names.display_name_problem(named.display_name):
        yield f"{kind}.display_name", problem
    if len(named.labels) > LABELS or not _are_labels(named.labels):
        yield f"{kind}.labels", LABELS_TEXT


def _are_labels(labels: Mapping[str, str]) -> bool:
    keys = all(key[:1].isalnum() and _is_label(key) for key in labels)
    return keys and all(map(_is_label, labels.values()))


def _is_label(text: str) -> bool:
    """Say whether a text is a label: lowercase letters of any script, digits, `_` and `-`."""
    fits = all(each.isalnum() or each in "_-" for each in text) and text == text.lower()
    return fits and len(text) <= LABEL_LENGTH and len(text.encode()) < LABEL_BYTES


def _encryption(named: Any) -> Iterator[Finding]:
    key = named.encryption_spec.kms_key_name
    if key and not KEY.fullmatch(key):
        yield "encryption_spec.kms_key_name", f"The key name `{key}` is invalid."


def _scheduling(scheduling: Any, strategy: str) -> Iterator[Finding]:
    queues = strategy == "FLEX_START"
    if scheduling.HasField("max_wait_duration") and not queues:
        text = "`max_wait_duration` is supported with the FLEX_START strategy only."
        yield "scheduling.max_wait_duration", text
    for field in ("timeout", "max_wait_duration"):
        if getattr(scheduling, field).ToTimedelta().total_seconds() < 0:
            yield f"scheduling.{field}", f"`{field}` should not be negative."
    if queues and scheduling.timeout.ToTimedelta().total_seconds() > LONGEST_FLEX_START:
        yield "scheduling.timeout", "`timeout` should be at most 7 days with FLEX_START."


def _shapes(spec: Any) -> Iterator[Finding]:
    """Find names of other resources that have not the form that the proto states."""
    for field, shape in SHAPES.items():
        value = getattr(spec, field)
        if value and not re.fullmatch(shape, value):
            yield field, f"The value `{value}` of `{field}` is invalid."
    if spec.experiment_run and not spec.experiment:
        yield "experiment_run", "`experiment_run` should be specified with `experiment`."
    if spec.reserved_ip_ranges and not spec.network:
        yield "reserved_ip_ranges", "`reserved_ip_ranges` should be specified with `network`."
    if spec.persistent_resource_id and not RESOURCE_ID.fullmatch(spec.persistent_resource_id):
        yield "persistent_resource_id", RESOURCE_ID_TEXT


def _tensorboard(region: str, spec: Any) -> Iterator[Finding]:
    name = re.fullmatch(SHAPES["tensorboard"], spec.tensorboard)
    if name and name[1] != region:
        yield "tensorboard", f"The Tensorboard `{spec.tensorboard}` is not in location {region}."


def _directory(address: str) -> Iterator[Finding]:
    field = "base_output_directory.output_uri_prefix"
    if address and not address.startswith(SCHEME):
        yield field, f"The URI `{address}` does not start with `{SCHEME}`."
    elif address and not BUCKET.fullmatch(address.removeprefix(SCHEME).partition("/")[0]):
        yield field, f"The URI `{address}` does not name a bucket."
