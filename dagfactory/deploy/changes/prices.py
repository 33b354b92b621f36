"""What the pipelines of a plan cost before and after, by the prices of today."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from dagfactory.compiler.bundle.plan_paths import plan_path
from dagfactory.compiler.compile import compile_parsed
from dagfactory.compiler.parse import parse_resolved
from dagfactory.cost.estimate import priced
from dagfactory.deploy.changes.document import Document, read_pipeline
from dagfactory.deploy.changes.model import Changes, PipelineChange, Price, PriceChange
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.source import decode

if TYPE_CHECKING:
    from dagfactory.compiler.bundle.bundle import Bundle
    from dagfactory.deploy.changes.deployed import Deployed


def with_prices(changes: Changes, deployed: Deployed, bundle: Bundle, environment: str) -> Changes:
    """Say of the pipelines whose spec changes what they cost in an environment, before and after."""

    def price_of(change: PipelineChange) -> PriceChange:
        before = deployed.pipelines.get(change.pipeline)
        content = bundle.files.get(plan_path(change.pipeline))
        after = read_pipeline(content) if content else None
        return PriceChange(_price(before, environment), _price(after, environment))

    return replace(
        changes,
        pipelines=tuple(
            replace(each, price=price_of(each)) if _is_meant(each) else each
            for each in changes.pipelines
        ),
    )


def _is_meant(change: PipelineChange) -> bool:
    return change.action == "removed" or "spec" in change.reasons


def _price(document: Document | None, environment: str) -> Price | None:
    """Return what a resolved pipeline costs; None without one, or where something in it has no price."""
    if document is None:
        return None
    source = decode(json.dumps(document.spec, ensure_ascii=False).encode(), "plan")
    if isinstance(source, Diagnostic):
        return None
    draft = compile_parsed(parse_resolved(source, environment), environment).draft
    if draft is None:
        return None
    cost = priced(draft)
    return None if cost.problems else Price(cost.run_usd, cost.month_usd)
