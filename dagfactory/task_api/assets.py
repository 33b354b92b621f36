"""Assets as calls: plain names and addresses as Airflow's own class, those in Cloud Storage cheaply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagfactory.dagfile.model import Call

if TYPE_CHECKING:
    from dagfactory.language.assets import AssetCondition, AssetName
    from dagfactory.task_api.context import LoweringContext


def asset(name: AssetName, lowering: LoweringContext) -> Call:
    """Return the asset of a name."""
    if name.startswith("gs://"):
        return Call(lowering.runtime("assets", "StorageAsset"), positional=(name,))
    return Call(lowering.target.symbol("Asset"), positional=(name,))


def condition(wanted: AssetCondition, lowering: LoweringContext) -> Call | list[Call]:
    """Return a condition on assets: a list where all of some names are wanted, else any or all."""
    names = [each for each in wanted.parts if isinstance(each, str)]
    if wanted.all and len(names) == len(wanted.parts):
        return [asset(name, lowering) for name in names]
    return _combined(wanted, lowering)


def _combined(wanted: AssetCondition, lowering: LoweringContext) -> Call:
    parts = (
        asset(each, lowering) if isinstance(each, str) else _combined(each, lowering)
        for each in wanted.parts
    )
    return Call(lowering.target.symbol("AssetAny" if wanted.any else "AssetAll"), {}, tuple(parts))
