"""What Cloud Composer lets an environment say about Airflow's own options."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from dagfactory.catalogue import tables


class OverrideRule(NamedTuple):
    """The bounds of an option; without any it cannot be overridden."""

    minimum: float | None
    maximum: float | None

    @property
    def is_blocked(self) -> bool:
        """Return whether no value is taken."""
        return self.minimum is None and self.maximum is None


def override_rule(section: str, option: str) -> OverrideRule | None:
    """Return the rule of an option, or None where every value is taken."""
    return _rules().get((section, option)) or _rules().get((section, "*"))


@cache
def _rules() -> dict[tuple[str, str], OverrideRule]:
    return {
        (row["section"], row["option"]): OverrideRule(
            _number(row["minimum"]), _number(row["maximum"])
        )
        for row in tables.rows("composer_overrides.csv")
    }


def _number(text: str) -> float | None:
    return float(text) if text else None
