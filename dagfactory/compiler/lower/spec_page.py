"""The page of a DAG in Airflow: its description and its spec, where the spec has no page of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from dagfactory.compiler.plan.sweeps import sweep_lines

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan

WIDTH = 100
MAX_SPEC = 20_000
"""Characters of a spec that are shown: Airflow reads the page with every list of DAGs."""
_LEFT_OUT = ("budget", "description", "doc", "environments", "vars")
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_TICKS = re.compile(r"`{3,}")


def spec_page(plan: Plan) -> dict[str, str]:
    """Return the `doc_md` of a DAG whose spec has no `doc`: description and resolved spec."""
    pipeline = plan.pipeline
    if pipeline.doc:
        return {}
    parts = [pipeline.description] if pipeline.description else []
    where = f" for `{plan.environment.environment}`" if plan.environment else ""
    parts += [f"- {each}" for each in sweep_lines(plan)]
    return {"doc_md": "\n\n".join([*parts, f"The spec{where}:", _spec(plan)])}


def _spec(plan: Plan) -> str:
    """Return the spec as a block of code, without what other pages show."""
    shown = {key: value for key, value in plan.node.plain().items() if key not in _LEFT_OUT}
    # not the text of the file: a comment must not change a DAG
    text = yaml.dump(shown, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=WIDTH)
    text = text.rstrip()
    if len(text) > MAX_SPEC:
        return f"It is too long to be shown here: {text.count(chr(10)) + 1} lines."
    fence = max((found[0] for found in _TICKS.finditer(text)), key=len, default="``") + "`"
    return f"{fence}yaml\n{text}\n{fence}"
