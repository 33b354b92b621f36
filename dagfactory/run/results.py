"""Turn a finished run into facts: tasks, values, metrics, failures."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dagfactory.run.events import Failure, TaskResult
from dagfactory.run.logs import job_log, tail
from dagfactory.run.watch import Instance, Watcher
from dagfactory.runtime.metrics import parse

# what stands for all instances of a mapped task: the first of these that any of them is in
_WORST = (
    "failed",
    "upstream_failed",
    "running",
    "deferred",
    "up_for_retry",
    "up_for_reschedule",
    "queued",
    "scheduled",
    "none",
    "success",
    "skipped",
    "removed",
)


def task_results(watcher: Watcher, objects: Path) -> tuple[TaskResult, ...]:
    """Return one result per task in the order they began; those that never began stand last."""
    groups: dict[str, list[Instance]] = {}
    for (task_id, _), one in sorted(watcher.known.items(), key=lambda item: item[0]):
        groups.setdefault(task_id, []).append(one)
    results = [(_began(group), _result(watcher, group, objects)) for group in groups.values()]
    return tuple(
        result for _, result in sorted(results, key=lambda pair: (pair[0], pair[1].task_id))
    )


def failures(watcher: Watcher, emulator: Path) -> tuple[Failure, ...]:
    """Return the instances that failed by themselves, in order, with the ends of their logs."""
    failed = [(key, one) for key, one in sorted(watcher.known.items()) if one["state"] == "failed"]
    return tuple(_failure(watcher, one, emulator) for _, one in failed)


def read_metrics(outputs: object, objects: Path) -> dict[str, Any]:
    """Read the metrics file that a task's `outputs` point to; {} when there is none to read."""
    address = outputs.get("metrics") if isinstance(outputs, Mapping) else None
    path = local_file(address, objects) if isinstance(address, str) else None
    try:
        document = json.loads(path.read_text()) if path else {}
    except (OSError, ValueError):
        return {}
    return dict(parse(document).values)


def local_file(address: str, objects: Path) -> Path | None:
    """Return where the emulator keeps a gs:// address, None for anything else or outside of it."""
    if not address.startswith("gs://"):
        return None
    # resolved, because `gs://x/../..` must not read what lies outside of the buckets
    path = (objects / address.removeprefix("gs://")).resolve()
    return path if path.is_relative_to(objects.resolve()) else None


def _result(watcher: Watcher, group: list[Instance], objects: Path) -> TaskResult:
    states = Counter(str(one["state"] or "none") for one in group)
    single = len(group) == 1 and group[0]["map_index"] < 0
    value = _value(watcher, group[0]) if single else None
    return TaskResult(
        task_id=group[0]["task_id"],
        operator=str(group[0].get("operator_name") or group[0]["operator"] or ""),
        state=min(states, key=lambda state: _WORST.index(state) if state in _WORST else 0),
        tries=max(one["try_number"] for one in group),
        seconds=_span(group),
        instances=Counter() if single else states,
        value=value,
        metrics=read_metrics(value.get("outputs") if isinstance(value, dict) else None, objects),
    )


def _value(watcher: Watcher, one: Instance) -> Any:
    """Return the task's XCom `return_value`; None when it has none."""
    if one["state"] != "success":
        return None
    path = ("dags", watcher.dag_id, "dagRuns", watcher.run_id, "taskInstances", one["task_id"])
    # Airflow 2 answers with a text unless told not to; Airflow 3 does not
    entry = watcher.api.find(*path, "xcomEntries", "return_value", stringify="false")
    value = entry["value"] if entry else None
    return _decoded(value) if isinstance(value, str) else value


def _decoded(text: str) -> Any:
    """Airflow stores XCom values as JSON and hands some of them out as that text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _began(group: Iterable[Instance]) -> str:
    # "~" sorts behind every date
    return min((str(one["start_date"]) for one in group if one["start_date"]), default="~")


def _span(group: list[Instance]) -> float | None:
    """Return the summed run time of a task's instances in seconds."""
    known = [one["duration"] for one in group if one["duration"] is not None]
    return sum(known) if known else None


def _failure(watcher: Watcher, one: Instance, emulator: Path) -> Failure:
    log = watcher.log(one)
    suffix = f"[{one['map_index']}]" if one["map_index"] >= 0 else ""
    return Failure(
        one["task_id"] + suffix, log if log.exists() else None, tail(log), job_log(log, emulator)
    )
