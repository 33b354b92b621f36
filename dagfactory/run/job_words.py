"""What the jobs of a run say while they run: the last line of each task's newest log."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagfactory.diagnostics.terminal import safe
from dagfactory.runtime.labels import PREFIX, label, run_label

_TAIL = 4096  # bytes: a line that is longer is not looked at while it grows
_UNDER_WAY = frozenset({"RUNNING", "CANCELLING"})
_OVER = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # the colors and moves of a progress bar
_LINES = re.compile(r"[\r\n]+")


@dataclass(slots=True)
class JobWords:
    """Reads the emulator's folder of jobs; one that has ended is not looked at again."""

    jobs: Path
    _ended: set[str] = field(default_factory=set)

    def of(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return what the running jobs of a run say, by the labels of their tasks."""
        wanted = {f"{PREFIX}dag": label(dag_id), f"{PREFIX}run": run_label(run_id)}
        newest: dict[str, tuple[int, str]] = {}
        for folder, labels in self._running():
            said, task = _last_line(folder), labels.get(f"{PREFIX}task", "")
            if said and labels.items() >= wanted.items():
                newest[task] = max(said, newest.get(task, said))
        return {task: line for task, (_, line) in newest.items()}

    def _running(self) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """Yield the folder and the labels of each job that runs."""
        for path in self.jobs.glob("*/job.json"):
            if path.parent.name in self._ended:
                continue
            record = _read(path)
            if record.get("state") in _OVER:
                self._ended.add(path.parent.name)
            elif record.get("state") in _UNDER_WAY:
                yield path.parent, record.get("labels") or {}


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _last_line(folder: Path) -> tuple[int, str] | None:
    """Return when a job wrote last, and the last line of that; None while it has said nothing."""
    logs = [(each.stat().st_mtime_ns, each) for each in folder.glob("attempt-*.log")]
    if not logs:
        return None
    moment, log = max(logs)
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL))
        text = _ESCAPE.sub("", file.read().decode(errors="replace"))
    # a progress bar writes one line again and again, with returns between
    lines = [each.strip() for each in _LINES.split(text) if each.strip()]
    return (moment, safe(lines[-1], "utf-8")) if lines else None
