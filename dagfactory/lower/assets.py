"""Assets as calls: plain names and addresses as Airflow's own class, those in Cloud Storage cheaply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagfactory.module import Call

if TYPE_CHECKING:
    from dagfactory.lower.scope import Scope
    from dagfactory.spec.assets import AssetCondition, AssetName


def asset(name: AssetName, scope: Scope) -> Call:
    """Return the asset of a name."""
    if name.startswith("gs://"):
        return Call(scope.runtime("assets", "StorageAsset"), positional=(name,))
    return Call(scope.target.symbol("Asset"), positional=(name,))


def condition(wanted: AssetCondition, scope: Scope) -> Call | list[Call]:
    """Return a condition on assets: a list where all of some names are wanted, else any or all."""
    parts = tuple(
        asset(each, scope) if isinstance(each, str) else _nested(each, scope)
        for each in wanted.parts
    )
    plain = all(isinstance(each, str) for each in wanted.parts)
    if wanted.all and plain:
        return list(parts)
    return Call(scope.target.symbol("AssetAny" if wanted.any else "AssetAll"), positional=parts)


def _nested(wanted: AssetCondition, scope: Scope) -> Call:
    """Return a condition inside another one, where no list can stand."""
    made: Any = condition(wanted, scope)
    if isinstance(made, list):
        return Call(scope.target.symbol("AssetAll"), positional=tuple(made))
    found: Call = made
    return found
