"""Assets in Cloud Storage, made without asking every provider how its addresses are written."""

from __future__ import annotations

import re

from airflow.providers.common.compat.sdk import Asset

_NORMAL = re.compile(r"gs://[a-z0-9._-]+/[^?#@\s]*[^?#@\s/]", re.ASCII)
"""Addresses that Airflow and the Google provider keep as they are."""

_STAND_IN = "stand-in"


def StorageAsset(uri: str) -> Asset:  # noqa: N802 - it stands for a class in DAG files
    """Return ``Asset(uri)``, equal in every field, without loading all providers."""
    if not _NORMAL.fullmatch(uri):  # Airflow may write this one differently
        return Asset(uri)
    # For an address with a scheme Airflow imports every installed provider, to ask for the scheme's
    # rules: 1.4 s of CPU in each parse (docs/decisions.md). Google's rule only asks for a bucket.
    made = Asset(_STAND_IN)
    for field in ("name", "uri"):
        if hasattr(made, field):  # a Dataset of Airflow 2 has no name
            object.__setattr__(made, field, uri)  # past the converter, which loads them
    return made
