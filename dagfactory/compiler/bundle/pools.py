"""An environment's pools in the format of `airflow pools import`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagfactory.language.environment import EnvironmentFile


def pools(environment: EnvironmentFile | None) -> dict[str, dict[str, Any]]:
    """Return pool → what Airflow keeps of it, by name."""
    declared = environment.pools if environment else {}
    return {
        name: {
            "slots": pool.slots,
            "description": pool.description or "",
            # a job waits deferred, and a pool that did not count it would not limit jobs
            "include_deferred": pool.count_waiting,
        }
        for name, pool in sorted(declared.items())
    }
