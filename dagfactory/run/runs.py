"""The command behind `dagfactory runs`."""

from pathlib import Path

import click

from dagfactory.diagnostics.columns import table
from dagfactory.run.events import NotReadyError
from dagfactory.run.records import Record, records
from dagfactory.run.text import duration


def runs(folder: Path, pipeline: str | None) -> int:
    """Print the runs that are remembered and return the exit code; NotReadyError when there is none."""
    found = records(folder.resolve(), pipeline)
    if not found:
        of = f" of {pipeline}" if pipeline else ""
        raise NotReadyError(f"no run{of} is remembered in {folder}")
    rows = [(each.dag_id, each.run_id, each.environment, each.state, _time(each)) for each in found]
    click.echo("\n".join(table(("pipeline", "run", "environment", "state", "time"), rows)))
    return 0


def _time(record: Record) -> str:
    """Return how long a run took, where somebody saw its end."""
    return "" if record.state in {"running", "interrupted"} else duration(record.seconds)
