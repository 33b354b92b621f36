"""Whether Airflow holds the pools, variables and connections that the environment's file declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.composer.checks import Line
from dagfactory.composer.contents import declared, differences

if TYPE_CHECKING:
    from dagfactory.composer.checks import Patient


def check(patient: Patient) -> Iterator[Line]:
    """Compare each with what is there."""
    if patient.airflow is None:
        return
    found = {
        (each.kind, each.key): each for each in differences(patient.airflow, patient.environment)
    }
    fix = f"dagfactory composer --env {patient.environment.environment} --apply"
    for kind, every in declared(patient.environment).items():
        for key in every:
            different = found.get((kind, key))
            if different is None:
                yield Line(f"{kind.noun} {key}")
            elif different.found is None:
                yield Line(f"{kind.noun} {key} is not there", fix)
            else:
                yield Line(f"{kind.noun} {key} differs: {', '.join(different.fields)}", fix)
