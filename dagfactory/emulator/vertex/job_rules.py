"""What Vertex AI refuses of a job before it runs."""

from pathlib import Path
from typing import Any

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.protos import VERTEX, enum_value
from dagfactory.emulator.storage import buckets

SCHEME = "gs://"


class JobRules:
    """The rules; `state` is where the storage emulator keeps its buckets."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def check(self, region: str, spec: Any) -> None:
        """Refuse a CustomJobSpec that Vertex AI refuses; raises ApiError."""
        check_wait(spec.scheduling)
        self._check_bucket(region, spec.base_output_directory.output_uri_prefix)

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


def check_wait(scheduling: Any) -> None:
    """Refuse a longest wait of a job that does not queue for machines."""
    queues = scheduling.strategy == enum_value(f"{VERTEX}.Scheduling.Strategy", "FLEX_START")
    if scheduling.HasField("max_wait_duration") and not queues:
        message = "`max_wait_duration` is supported with the FLEX_START strategy only."
        raise ApiError("INVALID_ARGUMENT", message)
