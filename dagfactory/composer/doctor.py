"""`dagfactory doctor`: a live environment against what the specs want of it, a line for each thing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dagfactory.composer import checks
from dagfactory.composer.airflow_client import AirflowClient
from dagfactory.composer.checks import Line, Patient
from dagfactory.composer.checks.airflow import hint
from dagfactory.composer.command import plans_for
from dagfactory.composer.needs import needs
from dagfactory.diagnostics.terminal import safe
from dagfactory.rest.errors import AnswerError
from dagfactory.rest.google_client import GoogleClient

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.language.environment import EnvironmentFile


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """The arguments of the command."""

    paths: tuple[Path, ...]
    environment: str
    name: str = "text"


def doctor(options: DoctorOptions) -> int:
    """Print a line for each thing that was looked at; return 1 when one of them needs a repair."""
    plans, environment = plans_for(options.paths, options.environment)
    found = examine(plans, environment)
    shown = _as_json if options.name == "json" else _as_text
    sys.stdout.write(shown(environment.environment, found))
    return 0 if all(line.is_good for _, line in found) else 1


def examine(plans: tuple[Plan, ...], environment: EnvironmentFile) -> list[tuple[str, Line]]:
    """Return every line with the name of its check."""
    wanted = needs(plans, environment)
    with GoogleClient() as google:
        patient = Patient(environment, plans, wanted, google, _airflow(environment))
        every = [(name, line) for name in checks.names() for line in _lines(name, patient)]
    # two checks that Google refuses say the same
    return list({line: (name, line) for name, line in every}.values())


def _airflow(environment: EnvironmentFile) -> AirflowClient | None:
    """Return a client of an Airflow that answers."""
    if environment.airflow_url is None:
        return None
    client = AirflowClient(environment.airflow_url)
    try:
        client.get("dags", limit=1)
    except AnswerError:
        return None
    return client


def _lines(name: str, patient: Patient) -> Iterator[Line]:
    """Make a check; whatever it is answered, it ends in lines."""
    try:
        yield from checks.load(name)(patient)
    except AnswerError as error:
        other = hint(error.status) if name == "airflow" else "grant access, or check the address"
        yield Line(error.reason, error.remedy or other)
    # a server can answer with JSON of any shape
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        reason = f"the answer has another shape than expected ({type(error).__name__})"
        yield Line(f"{name}: {reason}", "check the address, and run doctor again")


def _as_text(environment: str, found: list[tuple[str, Line]]) -> str:
    marks = ("✓", "✗") if (sys.stdout.encoding or "").lower().startswith("utf") else ("ok", "NO")
    lines = []
    for _, line in found:
        lines.append(f"{marks[not line.is_good]} {safe(line.text, 'utf-8')}")
        lines += [f"    {safe(line.fix, 'utf-8')}"] if line.fix else []
    wrong = sum(not line.is_good for _, line in found)
    lines.append(f"{environment}: {len(found)} looked at, {wrong} to repair")
    return "\n".join(lines) + "\n"


def _as_json(environment: str, found: list[tuple[str, Line]]) -> str:
    entries = [
        {"check": name, "ok": line.is_good, "text": line.text, "fix": line.fix}
        for name, line in found
    ]
    whole = {"environment": environment, "ok": all(each["ok"] for each in entries)}
    return json.dumps({"schema_version": 1, **whole, "lines": entries}, indent=2) + "\n"
