"""A plan for programs: one JSON object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dagfactory.report.json import ascii_only

if TYPE_CHECKING:
    from dagfactory.deploy.changes.formats import Planned
    from dagfactory.report import Style

FORMAT = 1


def text(planned: Planned, style: Style) -> str:
    """Return the whole plan; every change, nothing shortened."""
    data = {
        "format": FORMAT,
        "environment": planned.environment,
        "destination": planned.destination,
        "summary": planned.summary,
        "changes": planned.changes.data(),
    }
    return json.dumps(data, indent=2, ensure_ascii=ascii_only(style)) + "\n"
