"""What changes do that nobody may have meant: history that is lost from sight, old runs that start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dagfactory.compiler.bundle.plan_paths import plan_path
from dagfactory.deploy.changes.document import read_pipeline
from dagfactory.deploy.changes.model import Warned
from dagfactory.diagnostics.wording import listing
from dagfactory.language.cron import first
from dagfactory.language.duration import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagfactory.compiler.bundle.bundle import Bundle
    from dagfactory.deploy.changes.model import Changes, PipelineChange

MOST_RUNS = 1000
"""Above, old runs are not counted any more."""

_TIMING = {"catchup", "schedule", "start_date", "timezone"}


def warned(changes: Changes, bundle: Bundle, now: datetime | None = None) -> Iterator[Warned]:
    """Yield what a person should know before these changes are made."""
    today = now or datetime.now(UTC)
    yield from _unknown(changes)
    for each in changes.pipelines:
        yield from _history(each)
        new = read_pipeline(bundle.files.get(plan_path(each.pipeline), b""))
        if new:
            yield from _old_runs(each, new.settings, today.replace(tzinfo=None))


def _unknown(changes: Changes) -> Iterator[Warned]:
    """Say of which pipelines nobody knows what changes."""
    names = [each.pipeline for each in changes.pipelines if "unknown" in each.reasons]
    if names:
        text = (
            "what changes in specs cannot be compared where the destination has no plan (an older version"
            f" wrote it, or a sync was cut off): {listing(names)}"
        )
        yield Warned("unknown", "", text)


def _history(change: PipelineChange) -> Iterator[Warned]:
    """Say which tasks, or that the whole DAG, Airflow will not show any more."""
    if change.action == "removed":
        yield Warned("history", change.pipeline, "the DAG and all its runs go from Airflow's list")
    elif change.vanished:
        text = f"Airflow does not show what these tasks did until now: {listing(change.vanished)}"
        yield Warned("history", change.pipeline, text)


def _old_runs(
    change: PipelineChange, settings: dict[str, Any], today: datetime
) -> Iterator[Warned]:
    """Say when a pipeline that catches up may start runs of days that are over."""
    touched = {each.path[0] for each in change.settings} & _TIMING
    if settings.get("catchup") is not True or not (touched or change.action == "added"):
        return
    count = _intervals(settings, today)
    if not count:
        return
    runs = f"more than {MOST_RUNS:,} runs" if count > MOST_RUNS else f"about {count:,} runs"
    since = f"the intervals since {settings['start_date']}"
    text = f"it catches up: {runs}, for {since}, start with the DAG"
    if change.action == "changed":
        text = f"it catches up: {runs} for {since} start, less those that were there"
    yield Warned("old_runs", change.pipeline, text)


def _intervals(settings: dict[str, Any], today: datetime) -> int:
    """Count the intervals between the start and now, or the end where that is earlier."""
    schedule = settings.get("schedule") or {}
    text = str(schedule.get("cron") or schedule.get("preset", ""))
    if "every" not in schedule and text in {"", "@once", "@continuous"}:
        return 0
    start = datetime.fromisoformat(settings["start_date"])
    until = min(today, datetime.fromisoformat(settings.get("end_date", today.isoformat())))
    if "every" in schedule:
        return max(0, (until - start) // parse_duration(schedule["every"]))
    count, moment = 0, first(text, start)
    while moment and moment <= until and count <= MOST_RUNS:
        count, moment = count + 1, first(text, moment + timedelta(seconds=1))
    return count
