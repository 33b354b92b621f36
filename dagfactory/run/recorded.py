"""What came of a run: added to its record, and the page made of it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dagfactory.project.files import FileError
from dagfactory.results.bucket import StorageError
from dagfactory.results.command import write as write_page
from dagfactory.results.folder import NoRunError
from dagfactory.results.gather import gather
from dagfactory.results.html import html
from dagfactory.results.known import folders
from dagfactory.results.paths import page_path
from dagfactory.run.events import RunResult
from dagfactory.run.records import Record, stored, write
from dagfactory.run.state_folders import private_files
from dagfactory.run.text import shown

_PLACE = re.compile(r" \(\S+:\d+\)$")


def recorded(result: RunResult, state: Path) -> list[str]:
    """Complete a run's record and write its page; return the lines that say where the page is."""
    path = page_path(state, result.dag_id, result.run_id)
    found = folders(state, result.dag_id, result.run_id)
    # a run of another folder than `${run.dir}` has nothing to show
    if not found:
        return []
    try:
        with private_files():
            write(state, _record(result, found[0], state))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_page(path, html([gather(str(found[0]), state)]))
    except (OSError, FileError, NoRunError, StorageError) as error:
        # the run is over, and how it went must not hang on a page about it
        return [f"  results    no page: {error}"]
    return [f"  results    {shown(path)}"]


def _record(result: RunResult, folder: Path, state: Path) -> Record:
    reasons = {each.task: _reason(each.tail[-1]) for each in result.failures if each.tail}
    begun = stored(state, result.dag_id, result.run_id)
    return replace(
        begun or Record(result.dag_id, result.run_id, environment="", command=""),
        state=result.state,
        folder=str(folder),
        tasks=[_task(each, reasons) for each in result.instances],
        gates=[
            {"task": each.task_id, **each.value}
            for each in result.tasks
            if isinstance(each.value, Mapping) and {"passed", "reason"} <= each.value.keys()
        ],
    )


def _reason(line: str) -> str:
    """Return the last line of a log without the place in the code that Airflow adds."""
    return _PLACE.sub("", line.strip())


def _task(one: Mapping[str, Any], reasons: Mapping[str, str]) -> dict[str, Any]:
    index = one["map_index"]
    name = f"{one['task_id']}[{index}]" if index >= 0 else one["task_id"]
    return {
        "task": one["task_id"],
        "map_index": index,
        "state": one["state"],
        "tries": one["try_number"],
        "began": one["start_date"],
        "ended": one["end_date"],
        "reason": reasons.get(name, ""),
    }
